# SPDX-License-Identifier: Apache-2.0
"""The namespaces wall: new, shared with the host, joined by path."""
import os
import subprocess

import pytest

KINDS = {"pid": "pid", "network": "net", "mount": "mnt", "uts": "uts", "ipc": "ipc", "user": "user",
         "cgroup": "cgroup", "time": "time"}
UNSHARE = {"network": "--net", "uts": "--uts", "ipc": "--ipc", "time": "--time", "cgroup": "--cgroup",
           "mount": "--mount"}


def own(kind):
    return os.readlink(f"/proc/self/ns/{KINDS[kind]}")


def namespaces(bundle, *kinds, **joined):
    bundle.config["linux"]["namespaces"] = [{"type": kind} for kind in kinds]
    bundle.config["linux"]["namespaces"] += [{"type": kind, "path": path} for kind, path in joined.items()]
    bundle.config.pop("hostname", None)
    return bundle


def inside(oci, bundle, kind):
    done = oci("run", "--bundle", bundle.shell(f"readlink /proc/self/ns/{KINDS[kind]}").path, "ns", check=0)
    return done.stdout.strip()


@pytest.fixture
def holder():
    """Start a process in namespaces of its own; returns its pid."""
    running = []

    def start(*options):
        process = subprocess.Popen(["unshare", *options, "sh", "-c", "echo ready; exec sleep 300"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        running.append(process)
        return process.pid

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("kind", KINDS)
def test_new_differs_from_the_hosts(oci, bundle, kind):
    namespaces(bundle, *{"mount", "pid", kind})
    if kind == "user":
        # It must own the network and IPC namespaces whose /sys and /dev/mqueue are to be mounted.
        namespaces(bundle, "mount", "pid", "network", "ipc", "user")
        for member in ("uidMappings", "gidMappings"):
            bundle.config["linux"][member] = [{"containerID": 0, "hostID": 0, "size": 65536}]
    found = inside(oci, bundle, kind)
    assert found.startswith(f"{KINDS[kind]}:[") and found != own(kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("mount", "pid")])
def test_control_left_out_it_is_the_hosts(oci, bundle, kind):
    assert inside(oci, namespaces(bundle, "mount", "pid"), kind) == own(kind)


def test_pid_namespace_hides_processes(oci, bundle):
    script = f"ls -d /proc/{os.getpid()} 2>/dev/null; echo $$"
    done = oci("run", "--bundle", namespaces(bundle, "mount", "pid").shell(script).path, "p", check=0)
    assert done.stdout.splitlines()[-1] == "1"
    shared = oci("run", "--bundle", namespaces(bundle, "mount").shell(script).path, "p", check=0)
    assert shared.stdout.splitlines()[0] == f"/proc/{os.getpid()}", "control: the host's processes are seen"


@pytest.mark.parametrize("kind", UNSHARE)
def test_joined_by_path(oci, bundle, holder, kind):
    # A time namespace counts for children only, and mount needs a root to pivot into: both have tests of their own.
    if kind in ("time", "mount"):
        pid = holder("--fork", "--kill-child", "--time") if kind == "time" else holder("--mount")
        if kind == "time":
            children = open(f"/proc/{pid}/task/{pid}/children").read().split()
            pid = int(children[0])
    else:
        pid = holder(UNSHARE[kind])
    path = f"/proc/{pid}/ns/{KINDS[kind]}"
    others = {"mount", "pid"} - {kind}
    assert inside(oci, namespaces(bundle, *others, **{kind: path}), kind) == os.readlink(path)


def test_pid_namespace_joined(oci, bundle, holder):
    outer = holder("--pid", "--fork", "--kill-child")
    init = int(open(f"/proc/{outer}/task/{outer}/children").read().split()[0])
    bundle = namespaces(bundle, "mount", pid=f"/proc/{init}/ns/pid")
    done = oci("run", "--bundle", bundle.shell("readlink /proc/self/ns/pid; cat /proc/1/cmdline").path, "j", check=0)
    lines = done.stdout.split("\n", 1)
    assert lines[0] == os.readlink(f"/proc/{init}/ns/pid")
    assert "sleep" in lines[1] and "300" in lines[1]


def test_user_namespace_joined_owns_the_new_ones(oci, bundle, holder):
    pid = holder("--user", "--map-root-user")
    bundle = namespaces(bundle, "mount", "pid", "uts", "ipc", "network", user=f"/proc/{pid}/ns/user")
    bundle.config["hostname"] = "joined"
    bundle.config["linux"].pop("resources", None)
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    for m in bundle.config["mounts"]:
        if m["destination"] == "/dev/pts":
            m["options"].remove("gid=5")
    # Mounting /sys and naming the host are only possible where the new namespaces belong to the joined one.
    done = oci("run", "--bundle", bundle.shell("readlink /proc/self/ns/user; hostname").path, "u", check=0)
    assert done.stdout.split() == [os.readlink(f"/proc/{pid}/ns/user"), "joined"]


def test_time_offsets(oci, bundle):
    def uptime():
        done = oci("run", "--bundle", bundle.shell("cat /proc/uptime; readlink /proc/self/ns/time").path, "t", check=0)
        lines = done.stdout.split("\n")
        return float(lines[0].split()[0]), lines[1]

    namespaces(bundle, "mount", "pid", "time")
    plain, where = uptime()
    bundle.config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 500}}
    moved, there = uptime()
    assert where != own("time") and there != own("time")
    assert 1000000 <= moved - plain < 1000060


def test_host_name(oci, bundle):
    before = os.uname().nodename
    bundle.config.update({"hostname": "inside", "domainname": "example.org"})
    done = oci("run", "--bundle", bundle.shell("hostname; cat /proc/sys/kernel/domainname").path, "h", check=0)
    assert done.stdout.split() == ["inside", "example.org"]
    assert os.uname().nodename == before


@pytest.mark.parametrize("change, text", [
    ({"namespaces": [{"type": "mount"}, {"type": "pid", "path": "/proc/self/ns/net"}]}, "of another type"),
    ({"namespaces": [{"type": "mount"}, {"type": "uts", "path": "/etc/passwd"}]}, "not a namespace"),
    ({"namespaces": [{"type": "mount"}, {"type": "ipc", "path": "/nowhere"}]}, "/nowhere: No such file"),
    ({"namespaces": [{"type": "pid"}]}, "no mount namespace"),
    ({"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "pid"}]}, "given twice"),
])
def test_refusals(oci, bundle, change, text):
    bundle.config.pop("hostname")
    bundle.config["linux"].update(change)
    done = oci("run", "--bundle", bundle.write().path, "r", check=125)
    assert done.stderr.startswith("coffer-oci: namespaces: ") and text in done.stderr
    assert len(done.stderr.splitlines()) == 1
