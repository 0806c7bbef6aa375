# SPDX-License-Identifier: Apache-2.0
"""The unified tree with every controller: each limit arrives in the kernel's file, bites, and is absent when not asked
for. tests/run/test_cgroup.py runs here too; this is what a host with v1 hierarchies cannot show."""
import json
import os
import subprocess
from pathlib import Path

import pytest
from attempts import run, shell

CGROUP = Path("/sys/fs/cgroup")
MIB = 1 << 20
FILES = ("memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.weight", "cpuset.cpus", "cpuset.mems", "pids.max")


def limits(bundle, **resources):
    bundle.config["linux"]["resources"].update(resources)
    return bundle


def files(oci, bundle, *names):
    """What the container sees in its own group: {name: text}."""
    text = shell(oci, bundle, f"cd /sys/fs/cgroup; for f in {' '.join(names)}; do echo $f $(cat $f); done")
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in text.splitlines()}


ALL = {"memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 16 * MIB},
       "cpu": {"quota": 20000, "period": 50000, "shares": 2048, "cpus": "0", "mems": "0"}, "pids": {"limit": 33}}
WANTED = {"memory.max": str(64 * MIB), "memory.swap.max": str(32 * MIB), "memory.low": str(16 * MIB),
          "cpu.max": "20000 50000", "cpuset.cpus": "0", "cpuset.mems": "0", "pids.max": "33"}


def test_every_limit_arrives(oci, bundle):
    seen = files(oci, limits(bundle, **ALL), *FILES)
    assert 100 < int(seen.pop("cpu.weight")) <= 10000
    assert seen == WANTED


def test_control_without_limits(oci, bundle):
    limits(bundle, memory={"limit": 512 * MIB}, cpu={"cpus": "0-1"}, pids={"limit": 1000})  # so that there are files
    seen = files(oci, bundle, *FILES)
    assert not any(seen[name] == value for name, value in WANTED.items() if name != "cpuset.mems"), seen
    assert seen["cpu.weight"] == "100"


def disk(bundle):
    device = bundle.rootfs.stat().st_dev
    return os.major(device), os.minor(device)


def test_io_weight_and_throttle(oci, bundle):
    major, minor = disk(bundle)
    limits(bundle, blockIO={"weight": 250, "throttleWriteBpsDevice": [{"major": major, "minor": minor, "rate": MIB}]})
    names = shell(oci, bundle, "ls /sys/fs/cgroup").split()
    weight = "io.bfq.weight" if "io.bfq.weight" in names else "io.weight"
    seen = files(oci, bundle, weight, "io.max")
    # 10 to 1000 of v1 onto 1 to 10000 of v2; BFQ's file takes v1's own.
    assert "default " + ("250" if weight == "io.bfq.weight" else str(1 + (250 - 10) * 9999 // 990)) in seen[weight]
    assert seen["io.max"].split() == [f"{major}:{minor}", "rbps=max", f"wbps={MIB}", "riops=max", "wiops=max"]


def test_write_throttle_bites(oci, bundle):
    """4 MiB at 2 MiB/s and down to the disk; the same without the limit is much faster."""
    now = "cut -d' ' -f1 /proc/uptime"

    def seconds():
        seen = shell(oci, bundle, f"{now}; dd if=/dev/zero of=/big bs=1M count=4 conv=fsync 2>/dev/null; {now}; rm /big")
        return float(seen.split()[1]) - float(seen.split()[0])
    major, minor = disk(bundle)
    limits(bundle, blockIO={"throttleWriteBpsDevice": [{"major": major, "minor": minor, "rate": 2 * MIB}]})
    slow = seconds()
    bundle.without("linux.resources.blockIO")
    fast = seconds()
    assert slow > 1.5 and fast < slow, (slow, fast)


def events(text, key):
    return int(next(line.split()[1] for line in text.splitlines() if line.split()[0] == key))


def test_memory_limit_bites_and_says_so(oci, bundle):
    limits(bundle, memory={"limit": 24 * MIB, "swap": 24 * MIB})
    script = "dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; cat /sys/fs/cgroup/memory.events"
    assert events(shell(oci, bundle, script), "oom_kill") == 1
    bundle.without("linux.resources.memory")
    limits(bundle, memory={"limit": 256 * MIB})
    assert events(shell(oci, bundle, script), "oom_kill") == 0


def test_pids_limit_bites_and_says_so(oci, bundle):
    script = "for i in 1 2 3 4 5 6; do sleep 1 & done 2>/dev/null; true"
    watch = f"(({script}); true) 2>/dev/null; cat /sys/fs/cgroup/pids.events"
    limits(bundle, pids={"limit": 5})
    assert events(shell(oci, bundle, watch), "max") >= 1
    limits(bundle, pids={"limit": 50})
    assert events(shell(oci, bundle, watch), "max") == 0


def test_cpu_quota_bites_and_says_so(oci, bundle):
    script = "timeout 1 sh -c 'while :; do :; done'; cat /sys/fs/cgroup/cpu.stat"
    limits(bundle, cpu={"quota": 10000, "period": 100000})
    assert events(shell(oci, bundle, script), "nr_throttled") >= 3
    limits(bundle, cpu={"quota": 200000, "period": 100000})
    assert events(shell(oci, bundle, script), "nr_throttled") == 0


def test_controllers_are_handed_down_the_whole_way(oci, bundle):
    """A limit three groups down: every group on the way has to hand the controller on."""
    bundle.config["linux"]["cgroupsPath"] = "/coffer-walk/a/c1"
    limits(bundle, memory={"limit": 32 * MIB}, pids={"limit": 20}, cpu={"cpus": "1"})
    bundle.shell("echo ready; exec sleep 60")
    process = oci.start("run", "--bundle", bundle.path, "walk", stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == "ready\n"
        for group in ("", "coffer-walk", "coffer-walk/a"):
            handed = (CGROUP / group / "cgroup.subtree_control").read_text().split()
            assert {"memory", "pids", "cpuset"} <= set(handed), group
        leaf = CGROUP / "coffer-walk/a/c1"
        assert (leaf / "memory.max").read_text() == f"{32 * MIB}\n"
        assert (leaf / "pids.max").read_text() == "20\n" and (leaf / "cpuset.cpus").read_text() == "1\n"
        assert (leaf / "cgroup.subtree_control").read_text().strip() == ""
        assert len((leaf / "cgroup.procs").read_text().split()) == 1
    finally:
        oci("kill", "walk", "KILL")
        process.wait(timeout=20)
        process.stdout.close()
        for group in ("coffer-walk/a/c1", "coffer-walk/a", "coffer-walk"):
            if (CGROUP / group).exists():
                (CGROUP / group).rmdir()


def test_a_group_on_the_way_that_has_processes(oci, bundle):
    """No controller can be handed down through it: said by name, not a "Device or resource busy" alone."""
    group = CGROUP / "coffer-full"
    group.mkdir()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (group / "cgroup.procs").write_text(str(sleeper.pid))
        bundle.config["linux"]["cgroupsPath"] = "/coffer-full/c1"
        limits(bundle, memory={"limit": 32 * MIB}).shell("echo started")
        done = run(oci, bundle)
        assert done.returncode == 125 and done.stdout == ""
        assert "cgroup: memory limit 32m: cannot enable the memory controller in" in done.stderr, done.stderr
        assert "has processes of its own" in done.stderr
        # Where no limit is asked for, the start does without; and the group does not become the root of a threaded
        # tree, which cpu and pids would make of it, and which nothing could enter.
        bundle.without("linux.resources")
        assert run(oci, bundle).stdout == "started\n"
        assert (group / "cgroup.type").read_text() == "domain\n"
        assert (group / "cgroup.subtree_control").read_text().strip() == ""
    finally:
        sleeper.kill()
        sleeper.wait()
        for path in (group / "c1", group):
            if path.exists():
                path.rmdir()


def test_a_cgroup_mount_shows_the_own_group_alone(oci, bundle):
    limits(bundle, memory={"limit": 32 * MIB})
    seen = shell(oci, bundle, "cat /proc/self/cgroup /sys/fs/cgroup/memory.max; find /sys/fs/cgroup -mindepth 1 -type d; "
                 "mkdir /sys/fs/cgroup/new 2>&1 || true").splitlines()
    assert seen[:2] == ["0::/", str(32 * MIB)]
    assert len(seen) == 3 and "Read-only file system" in seen[2]


def test_control_without_a_cgroup_namespace_the_path_is_the_hosts(oci, bundle):
    bundle.config["linux"]["namespaces"].remove({"type": "cgroup"})
    seen = shell(oci, bundle, "cat /proc/self/cgroup")
    assert seen.startswith("0::/") and seen != "0::/"


OPEN = "(exec 3</dev/probe) 2>&1 || true"


@pytest.mark.parametrize("maker", ["outside", "inside"])
def test_device_program(oci, bundle, maker):
    """/dev/fuse's number, which anybody may open: by a node that was there, and by one made inside."""
    make = "mknod /dev/probe c 10 229 && "
    if maker == "outside":
        bundle.config["linux"]["devices"] = [{"path": "/dev/probe", "type": "c", "major": 10, "minor": 229,
                                              "fileMode": 0o666, "uid": 0, "gid": 0}]
        make = ""
    seen = shell(oci, bundle, make + OPEN)
    assert "Operation not permitted" in seen
    bundle.config["linux"]["resources"]["devices"].append(
        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"})
    assert "Operation not permitted" not in shell(oci, bundle, make + OPEN)


def test_explain_reads_the_limits_back(coffer, oci, bundle):
    limits(bundle, **ALL).shell("echo ready; exec sleep 60")
    process = oci.start("run", "--bundle", bundle.path, "told", stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == "ready\n"
        pid = json.loads(oci("state", "told", check=0).stdout)["pid"]
        told = json.loads(coffer("explain", "--format", "json", pid, check=0).stdout)
        facts = {f["subject"]: f for w in told["walls"] if w["name"] == "cgroup" for f in w["facts"]}
        for subject in ("memory", "processes", "cpu time"):
            assert facts[subject]["state"] == "holds", facts
        # That there is a program can be seen, what it lets through cannot.
        assert facts["devices"]["state"] == "unknown" and "1 filter program" in facts["devices"]["detail"]
        assert "64" in facts["memory"]["detail"] and "33" in facts["processes"]["detail"], facts
    finally:
        oci("kill", "told", "KILL")
        process.wait(timeout=20)
        process.stdout.close()
