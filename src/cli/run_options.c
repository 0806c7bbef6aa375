/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option of `docker run` (docker-cli 29), honoured or refused by name with the reason. The order is that of
 * --help; refused ones come last.
 */
#include "cli/run_options.h"

#include <stddef.h>

#define AT(member) offsetof(struct run_options, member)
#define BOOL(name, letter, layer, member, help) {name, letter, OPTION_BOOL, layer, AT(member), NULL, help, NULL}
#define TEXT(name, letter, layer, member, argument, help) \
    {name, letter, OPTION_STRING, layer, AT(member), argument, help, NULL}
#define LIST(name, letter, layer, member, argument, help) \
    {name, letter, OPTION_LIST, layer, AT(member), argument, help, NULL}
#define ONLY(name, layer, argument, only, reason) {name, 0, OPTION_CHOICE, layer, 0, argument, reason, only}
#define REFUSED(name, letter, layer, argument, reason) {name, letter, OPTION_REFUSED, layer, 0, argument, reason, NULL}

#define NEEDS_NETWORK "needs a network between containers, which this version lacks (see --network)"
#define NEEDS_SUPERVISOR "needs a container in the background, which this version lacks; it runs in the foreground"
#define NEEDS_VOLUMES "needs named volumes, which this version lacks; bind a directory with --volume"
#define NEEDS_HEALTH "health checks need a supervisor, which this version lacks"
#define WINDOWS "is for Windows containers"

const struct option run_options_table[] = {
    /* the container */
    TEXT("name", 0, LAYER_ENGINE, name, "NAME", "Name of the container"),
    BOOL("rm", 0, LAYER_ENGINE, rm, "Remove the container when its program has ended"),
    TEXT("profile", 0, LAYER_CONFIG, profile, "NAME|FILE", "Defaults of all walls: default, docker, restricted, or a "
         "profile of yours"),
    LIST("label", 'l', LAYER_ENGINE, labels, "KEY=VALUE", "Label of the container"),
    LIST("label-file", 0, LAYER_ENGINE, label_files, "FILE", "Read labels, one a line"),
    LIST("annotation", 0, LAYER_CONFIG, annotations, "KEY=VALUE", "Annotation for the OCI runtime"),
    TEXT("cidfile", 0, LAYER_ENGINE, cidfile, "FILE", "Write the container's ID to a new file"),
    TEXT("platform", 0, LAYER_IMAGE, platform, "OS/ARCH", "Refuse an image for another platform"),
    BOOL("quiet", 'q', LAYER_IMAGE, quiet, "Show no progress"),

    /* its program */
    BOOL("interactive", 'i', LAYER_ENGINE, interactive, "Give the program our standard input"),
    BOOL("tty", 't', LAYER_ENGINE, tty, "Give the program a terminal"),
    LIST("attach", 'a', LAYER_ENGINE, attach, "STREAM", "Only these of stdin, stdout and stderr"),
    TEXT("entrypoint", 0, LAYER_ENGINE, entrypoint, "PROGRAM", "Instead of the image's entry point"),
    TEXT("user", 'u', LAYER_CAPABILITIES, user, "USER[:GROUP]", "User and group, names of the image or numbers"),
    LIST("group-add", 0, LAYER_CAPABILITIES, group_add, "GROUP", "Further group of the program"),
    TEXT("workdir", 'w', LAYER_ENGINE, workdir, "DIR", "Working directory"),
    LIST("env", 'e', LAYER_ENGINE, env, "NAME[=VALUE]", "Environment variable; without VALUE, our own"),
    LIST("env-file", 0, LAYER_ENGINE, env_files, "FILE", "Read environment variables, one a line"),
    BOOL("init", 0, LAYER_START, init, "Run a small init as PID 1, which reaps and passes signals on"),
    TEXT("stop-signal", 0, LAYER_ENGINE, stop_signal, "SIGNAL", "What `coffer stop` sends"),
    TEXT("stop-timeout", 0, LAYER_ENGINE, stop_timeout, "SECONDS", "How long `coffer stop` waits before it kills"),

    /* namespaces and names */
    TEXT("network", 0, LAYER_NETWORK, network, "MODE", "none (a loopback of its own, the default), host, "
         "container:NAME or ns:PATH"),
    TEXT("net", 0, LAYER_NETWORK, network, "MODE", NULL),
    TEXT("pid", 0, LAYER_NAMESPACES, pid, "MODE", "private (the default), host, container:NAME or ns:PATH"),
    TEXT("ipc", 0, LAYER_NAMESPACES, ipc, "MODE", "private (the default), none, host, container:NAME or ns:PATH"),
    TEXT("uts", 0, LAYER_NAMESPACES, uts, "MODE", "private (the default), host or ns:PATH"),
    TEXT("cgroupns", 0, LAYER_NAMESPACES, cgroupns, "MODE", "private, host or ns:PATH"),
    TEXT("timens", 0, LAYER_NAMESPACES, timens, "MODE", "private, host or ns:PATH"),
    TEXT("userns", 0, LAYER_IDMAP, userns, "MODE", "host (the default), auto: root inside is nobody outside, or "
         "ns:PATH"),
    LIST("uidmap", 0, LAYER_IDMAP, uidmap, "IN:OUT:SIZE", "Map user ids in a user namespace of its own"),
    LIST("gidmap", 0, LAYER_IDMAP, gidmap, "IN:OUT:SIZE", "Map group ids likewise"),
    TEXT("hostname", 'h', LAYER_NAMESPACES, hostname, "NAME", "Host name"),
    TEXT("domainname", 0, LAYER_NAMESPACES, domainname, "NAME", "NIS domain name"),
    LIST("add-host", 0, LAYER_NETWORK, add_hosts, "NAME:ADDRESS", "Line of /etc/hosts"),
    LIST("dns", 0, LAYER_NETWORK, dns, "ADDRESS", "Name server of /etc/resolv.conf"),
    LIST("dns-search", 0, LAYER_NETWORK, dns_search, "DOMAIN", "Search domain of /etc/resolv.conf"),
    LIST("dns-option", 0, LAYER_NETWORK, dns_options, "OPTION", "Option of /etc/resolv.conf"),
    LIST("dns-opt", 0, LAYER_NETWORK, dns_options, "OPTION", NULL),
    LIST("sysctl", 0, LAYER_LIMITS, sysctls, "NAME=VALUE", "Kernel setting of the container's own namespaces"),

    /* resources */
    TEXT("memory", 'm', LAYER_CGROUP, memory, "BYTES", "Memory, such as 512m"),
    TEXT("memory-swap", 0, LAYER_CGROUP, memory_swap, "BYTES", "Memory and swap together; -1: no limit of swap"),
    TEXT("memory-reservation", 0, LAYER_CGROUP, memory_reservation, "BYTES", "Memory to fall back to under pressure"),
    TEXT("memory-swappiness", 0, LAYER_CGROUP, memory_swappiness, "0-100", "How readily to swap (cgroup v1)"),
    BOOL("oom-kill-disable", 0, LAYER_CGROUP, oom_kill_disable, "Wait for memory instead of being killed (cgroup v1)"),
    TEXT("oom-score-adj", 0, LAYER_LIMITS, oom_score_adj, "NUMBER", "Preference of the host's OOM killer, -1000 to "
         "1000"),
    TEXT("cpus", 0, LAYER_CGROUP, cpus, "NUMBER", "CPUs, such as 1.5"),
    TEXT("cpu-shares", 'c', LAYER_CGROUP, cpu_shares, "NUMBER", "Share of the CPUs when they are short; 1024 is usual"),
    TEXT("cpu-period", 0, LAYER_CGROUP, cpu_period, "MICROSECONDS", "Period of --cpu-quota"),
    TEXT("cpu-quota", 0, LAYER_CGROUP, cpu_quota, "MICROSECONDS", "CPU time in each period"),
    TEXT("cpu-rt-period", 0, LAYER_CGROUP, cpu_rt_period, "MICROSECONDS", "Period of real-time CPU time (cgroup v1)"),
    TEXT("cpu-rt-runtime", 0, LAYER_CGROUP, cpu_rt_runtime, "MICROSECONDS", "Real-time CPU time (cgroup v1)"),
    TEXT("cpuset-cpus", 0, LAYER_CGROUP, cpuset_cpus, "LIST", "CPUs to run on, such as 0-2,4"),
    TEXT("cpuset-mems", 0, LAYER_CGROUP, cpuset_mems, "LIST", "Memory nodes to use"),
    TEXT("pids-limit", 0, LAYER_CGROUP, pids_limit, "NUMBER", "Processes and threads; -1: no limit"),
    TEXT("blkio-weight", 0, LAYER_CGROUP, blkio_weight, "10-1000", "Share of block I/O"),
    LIST("blkio-weight-device", 0, LAYER_CGROUP, blkio_weight_device, "PATH:WEIGHT", "The same for one device"),
    LIST("device-read-bps", 0, LAYER_CGROUP, read_bps, "PATH:BYTES", "Bytes a second read from a device"),
    LIST("device-write-bps", 0, LAYER_CGROUP, write_bps, "PATH:BYTES", "Bytes a second written to a device"),
    LIST("device-read-iops", 0, LAYER_CGROUP, read_iops, "PATH:NUMBER", "Reads a second from a device"),
    LIST("device-write-iops", 0, LAYER_CGROUP, write_iops, "PATH:NUMBER", "Writes a second to a device"),
    LIST("ulimit", 0, LAYER_LIMITS, ulimits, "NAME=SOFT[:HARD]", "Resource limit, such as nofile=1024:4096"),
    TEXT("shm-size", 0, LAYER_ROOTFS, shm_size, "BYTES", "Size of /dev/shm"),
    TEXT("cgroup-parent", 0, LAYER_CGROUP, cgroup_parent, "PATH", "Group to put the container's group into"),

    /* files and devices */
    {"read-only", 0, OPTION_SWITCH, LAYER_ROOTFS, AT(read_only), NULL, "Read-only root file system", NULL},
    LIST("volume", 'v', LAYER_ROOTFS, volumes, "FROM:TO[:OPTIONS]", "Bind a directory or file of the host; options: "
         "ro, rro, idmap, nosuid, nodev, noexec, bind, [r]private, [r]shared, [r]slave"),
    LIST("mount", 0, LAYER_ROOTFS, mounts, "KEY=VALUE,...", "The same in full: type=bind or tmpfs, source=, target=, "
         "readonly, bind-propagation=, bind-recursive=, idmap, tmpfs-size=, tmpfs-mode="),
    LIST("tmpfs", 0, LAYER_ROOTFS, tmpfs, "TO[:OPTIONS]", "Empty file system in memory"),
    LIST("device", 0, LAYER_CGROUP, devices, "FROM[:TO[:rwm]]", "Device of the host, or all in a directory"),
    LIST("device-cgroup-rule", 0, LAYER_CGROUP, device_rules, "RULE", "Allow devices, such as 'c 10:200 rwm'"),

    /* privilege */
    LIST("cap-add", 0, LAYER_CAPABILITIES, cap_add, "NAME", "Add a capability, or ALL"),
    LIST("cap-drop", 0, LAYER_CAPABILITIES, cap_drop, "NAME", "Drop a capability, or ALL"),
    LIST("security-opt", 0, LAYER_CONFIG, security_opt, "OPTION", "seccomp=FILE|builtin|unconfined, apparmor=PROFILE, "
         "label=..., no-new-privileges, mask=PATH, unmask=PATH|ALL, systempaths=unconfined, landlock=on|off|auto, "
         "compat32=yes|no|auto"),
    BOOL("privileged", 0, LAYER_CONFIG, privileged, "Take most walls away"),

    /* accepted with the one value that is so anyway */
    ONLY("restart", LAYER_ENGINE, "POLICY", "no|", NEEDS_SUPERVISOR),
    ONLY("pull", LAYER_IMAGE, "WHEN", "missing|never", "this version has no registry client; load the image with coffer "
         "load"),
    ONLY("isolation", LAYER_ENGINE, "KIND", "default|", "Linux has only isolation=default"),
    ONLY("log-driver", LAYER_ENGINE, "DRIVER", "none", "this version keeps no logs; the program's output goes to ours"),
    ONLY("no-healthcheck", LAYER_ENGINE, NULL, "true|false", NEEDS_HEALTH),
    ONLY("sig-proxy", LAYER_ENGINE, NULL, "true", "signals always go to the program"),

    /* refused */
    REFUSED("detach", 'd', LAYER_ENGINE, NULL, NEEDS_SUPERVISOR),
    REFUSED("detach-keys", 0, LAYER_ENGINE, "KEYS", NEEDS_SUPERVISOR),
    REFUSED("runtime", 0, LAYER_RUNTIME, "RUNTIME", "this version runs containers with its own runtime only"),
    REFUSED("publish", 'p', LAYER_NETWORK, "PORT", NEEDS_NETWORK),
    REFUSED("publish-all", 'P', LAYER_NETWORK, NULL, NEEDS_NETWORK),
    REFUSED("expose", 0, LAYER_NETWORK, "PORT", NEEDS_NETWORK),
    REFUSED("link", 0, LAYER_NETWORK, "NAME", NEEDS_NETWORK),
    REFUSED("ip", 0, LAYER_NETWORK, "ADDRESS", NEEDS_NETWORK),
    REFUSED("ip6", 0, LAYER_NETWORK, "ADDRESS", NEEDS_NETWORK),
    REFUSED("link-local-ip", 0, LAYER_NETWORK, "ADDRESS", NEEDS_NETWORK),
    REFUSED("mac-address", 0, LAYER_NETWORK, "ADDRESS", NEEDS_NETWORK),
    REFUSED("network-alias", 0, LAYER_NETWORK, "NAME", NEEDS_NETWORK),
    REFUSED("net-alias", 0, LAYER_NETWORK, "NAME", NEEDS_NETWORK),
    REFUSED("health-cmd", 0, LAYER_ENGINE, "COMMAND", NEEDS_HEALTH),
    REFUSED("health-interval", 0, LAYER_ENGINE, "TIME", NEEDS_HEALTH),
    REFUSED("health-retries", 0, LAYER_ENGINE, "NUMBER", NEEDS_HEALTH),
    REFUSED("health-start-interval", 0, LAYER_ENGINE, "TIME", NEEDS_HEALTH),
    REFUSED("health-start-period", 0, LAYER_ENGINE, "TIME", NEEDS_HEALTH),
    REFUSED("health-timeout", 0, LAYER_ENGINE, "TIME", NEEDS_HEALTH),
    REFUSED("log-opt", 0, LAYER_ENGINE, "OPTION", "this version keeps no logs"),
    REFUSED("volumes-from", 0, LAYER_STORAGE, "CONTAINER", NEEDS_VOLUMES),
    REFUSED("volume-driver", 0, LAYER_STORAGE, "DRIVER", NEEDS_VOLUMES),
    REFUSED("storage-opt", 0, LAYER_STORAGE, "OPTION", "this version does not limit the size of the writable layer"),
    REFUSED("gpus", 0, LAYER_CGROUP, "GPUS", "needs a device description (CDI), which this version does not read"),
    REFUSED("kernel-memory", 0, LAYER_CGROUP, "BYTES", "the kernel has no such limit any more; use --memory"),
    REFUSED("disable-content-trust", 0, LAYER_IMAGE, NULL, "this version pulls nothing, so there is nothing to trust"),
    REFUSED("use-api-socket", 0, LAYER_ENGINE, NULL, "there is no API socket, because there is no daemon"),
    REFUSED("cpu-count", 0, LAYER_CGROUP, "NUMBER", WINDOWS),
    REFUSED("cpu-percent", 0, LAYER_CGROUP, "NUMBER", WINDOWS),
    REFUSED("io-maxbandwidth", 0, LAYER_CGROUP, "BYTES", WINDOWS),
    REFUSED("io-maxiops", 0, LAYER_CGROUP, "NUMBER", WINDOWS),
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};
