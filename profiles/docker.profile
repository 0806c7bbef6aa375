# Docker's defaults, all walls together: what `docker run IMAGE` puts around a program.
#
# Source: moby's daemon/pkg/oci/defaults.go, daemon/pkg/oci/caps/defaults.go and daemon/oci_linux.go of Docker
# Engine 29.5 (2026-06). Change a line here only when Docker does.
#
# Form: one setting a line. `key = value` sets, `key += value` adds to a list, `key -= value` takes out of one.
# `include = NAME` reads another profile first. `coffer explain` names the line that set a thing.

# The 14 capabilities.
capabilities = CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID
capabilities += SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE
no_new_privs = no
# A user other than root has none of them at work, whatever --cap-add says: Docker sets no ambient capabilities.
ambient = none

# The built-in filter is Docker's default profile, resolved for the capabilities above and for this kernel.
seccomp = builtin
compat32 = yes
landlock = off

# What is private. The cgroup namespace is private where the host has only cgroup v2 and shared elsewhere; the time
# namespace is private since Docker 29.5.
namespaces = pid network mount uts ipc time
cgroup_namespace = auto
user_namespace = host
user = any

read_only_root = no
mounts += /proc proc proc nosuid,noexec,nodev
mounts += /dev tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k
mounts += /dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5
mounts += /sys sysfs sysfs nosuid,noexec,nodev,ro
mounts += /sys/fs/cgroup cgroup cgroup ro,nosuid,noexec,nodev
mounts += /dev/mqueue mqueue mqueue nosuid,noexec,nodev
mounts += /dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=65536k

# Hidden: a directory shows empty, a file reads empty. A `*` stands for the host's own entries.
masked_paths += /proc/acpi
masked_paths += /proc/asound
masked_paths += /proc/interrupts
masked_paths += /proc/kcore
masked_paths += /proc/keys
masked_paths += /proc/latency_stats
masked_paths += /proc/sched_debug
masked_paths += /proc/scsi
masked_paths += /proc/timer_list
masked_paths += /proc/timer_stats
masked_paths += /sys/devices/virtual/powercap
masked_paths += /sys/firmware
masked_paths += /sys/devices/system/cpu/cpu*/thermal_throttle

readonly_paths += /proc/bus
readonly_paths += /proc/fs
readonly_paths += /proc/irq
readonly_paths += /proc/sys
readonly_paths += /proc/sysrq-trigger

# Only in a network namespace of the container's own: unprivileged ping, and ports below 1024 for everybody.
sysctls += net.ipv4.ping_group_range=0 2147483647
sysctls += net.ipv4.ip_unprivileged_port_start=0

# null, zero, full, random, urandom, tty, console and ptmx; /dev/fuse not.
devices += deny a *:* rwm
devices += allow c 1:5 rwm
devices += allow c 1:3 rwm
devices += allow c 1:9 rwm
devices += allow c 1:8 rwm
devices += allow c 5:0 rwm
devices += allow c 5:1 rwm
devices += deny c 10:229 rwm

pids_limit = unlimited
