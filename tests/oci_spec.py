# SPDX-License-Identifier: Apache-2.0
"""config.json documents for tests: Docker's defaults, written down here so that no code of ours is its own witness."""

CAPABILITIES = [f"CAP_{name}" for name in (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
    "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE")]
MASKED = ["/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
          "/sys/devices/virtual/powercap"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def default(args=("/bin/true",)):
    """Docker's defaults without seccomp: a test of that wall brings its own."""
    return {
        "ociVersion": "1.3.0",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": list(args), "cwd": "/",
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "capabilities": {"bounding": list(CAPABILITIES), "effective": list(CAPABILITIES),
                             "permitted": list(CAPABILITIES)},
            "noNewPrivileges": False, "oomScoreAdj": 0,
        },
        "root": {"path": "rootfs"},
        "hostname": "test",
        "mounts": [
            mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
                  "gid=5"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro", "nosuid", "noexec", "nodev"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "uts", "ipc", "pid", "network", "cgroup")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": list(MASKED), "readonlyPaths": list(READONLY),
        },
    }


def rootless(config, uid):
    """What an ordinary user's container differs in: a user namespace of that one id, no groups to limit, a bound /sys."""
    linux = config["linux"]
    linux["namespaces"].append({"type": "user"})
    for member in ("uidMappings", "gidMappings"):
        linux[member] = [{"containerID": 0, "hostID": uid, "size": 1}]
    linux.pop("resources")
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    for m in config["mounts"]:
        if m["destination"] == "/dev/pts":
            m["options"].remove("gid=5")  # that group is not mapped
    return config
