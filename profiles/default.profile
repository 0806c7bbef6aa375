# Cofferdam's own default: Docker's walls, closed further where ordinary programs do not notice.
include = docker

# No raw sockets (ping works without them, through ping_group_range), no device nodes, no lines in the host's audit
# log. What is left are the capabilities that package managers, web servers and databases use to drop privilege.
capabilities -= NET_RAW MKNOD AUDIT_WRITE

# What --cap-add names works for users other than root too.
ambient = added

# A second wall around files, made from the container's own mounts; steps aside for containers that must mount.
landlock = auto

# An image without 32-bit programs cannot enter the kernel by its 32-bit doors (`auto` asks the image store).
compat32 = auto

# Where Docker leaves the host's cgroup paths visible on a cgroup v1 host, ours does not.
cgroup_namespace = private

# A fork bomb ends here and not with the host.
pids_limit = 4096
