# Kubernetes' Pod Security Standard "restricted", and more: for programs that need no privilege at all.
include = default

capabilities = none
no_new_privs = yes

# Refused at start when the image or --user asks for user id 0.
user = non-root

# Written to are only what the flags mount, and these.
read_only_root = yes
mounts += /tmp tmpfs tmpfs nosuid,nodev,noexec,mode=1777,size=65536k
mounts += /run tmpfs tmpfs nosuid,nodev,noexec,mode=1777,size=65536k

# No core dumps: they hold secrets, and core_pattern belongs to the host.
rlimits += core=0:0

pids_limit = 1024

# Flags cannot loosen these: mounts means paths of the host, rlimits and read_only_root what is set above, sysctls all
# outside the Standard's safe ones, user_namespace --uidmap, --gidmap and a namespace of somebody else. The Standard lets
# exactly one capability be added.
locked = capabilities no_new_privs seccomp compat32 user namespaces user_namespace masked_paths landlock devices
locked += mounts read_only_root rlimits sysctls
addable = NET_BIND_SERVICE
