# SPDX-License-Identifier: Apache-2.0
"""coffer explain against real processes: what it says is compared with what the kernel says."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

WALLS = ["namespaces", "idmap", "cgroup", "network", "rootfs", "limits", "mac", "capabilities", "seccomp"]


@pytest.fixture
def explain(coffer):
    def run(target):
        done = coffer("explain", "--format", "json", target, check=0)
        told = json.loads(done.stdout)
        assert [wall["name"] for wall in told["walls"]] == WALLS
        return told
    return run


def fact(told, wall, subject):
    facts = [f for w in told["walls"] if w["name"] == wall for f in w["facts"] if f["subject"] == subject]
    assert len(facts) == 1, f"{wall}: {subject}: {facts}"
    return facts[0]


def wall(told, name):
    return next(w for w in told["walls"] if w["name"] == name)


def read_pid(pid_file):
    """A runtime may write it after the program has begun."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if pid_file.exists() and (text := pid_file.read_text().strip()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"{pid_file} was not written")


class Running:
    """A container of the bundle in the background; pid is its process."""

    def __init__(self, oci, bundle, tmp_path, name="explained"):
        self.oci, self.name = oci, name
        pid_file = tmp_path / f"{name}.pid"
        self.process = oci.start("run", "--pid-file", pid_file, "--bundle", bundle.path, name, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
        try:
            line = self.process.stdout.readline()
            assert line == "ready\n", line
            self.pid = read_pid(pid_file)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.oci("kill", self.name, "KILL")
        self.process.wait(timeout=20)
        self.process.stdout.close()


@pytest.fixture
def running(oci, bundle, tmp_path):
    bundle.shell("echo ready; exec sleep 1000")
    with Running(oci, bundle, tmp_path) as container:
        yield container


def test_container_of_a_plain_bundle(explain, running):
    told = explain(running.pid)
    assert told["view"] == "observed" and told["pid"] == running.pid
    for kind in ("pid", "network", "mount", "uts", "ipc", "cgroup"):
        told_own = fact(told, "namespaces", f"{kind} namespace")["state"] == "holds"
        name = {"network": "net", "mount": "mnt"}.get(kind, kind)
        really = os.readlink(f"/proc/{running.pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")
        assert told_own == really, kind
    assert fact(told, "namespaces", "user namespace")["state"] == (
        "open" if os.readlink("/proc/self/ns/user") == "user:[4026531837]" else "holds")
    assert fact(told, "network", "interfaces")["state"] == "holds"
    assert fact(told, "cgroup", "devices")["state"] == "holds"
    assert fact(told, "rootfs", "root")["state"] == "holds"


def test_capabilities_are_the_kernels(explain, running):
    told = explain(running.pid)
    status = Path(f"/proc/{running.pid}/status").read_text()
    effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    assert fact(told, "capabilities", "effective")["detail"].startswith(f"{effective.bit_count()} of ")


@pytest.mark.parametrize("member, where, subject", [
    ("process.noNewPrivileges", "capabilities", "no_new_privs"),
    ("linux.resources.memory", "cgroup", "memory"),
    ("linux.resources.pids", "cgroup", "processes"),
    ("linux.seccomp", "seccomp", "filter"),
    ("linux.maskedPaths", "rootfs", "masked paths"),
    ("linux.readonlyPaths", "rootfs", "read-only paths"),
])
def test_a_wall_that_is_left_out_is_told(explain, oci, bundle, tmp_path, member, where, subject):
    """Each of these walls holds with its member, and is open without it: the report follows the kernel."""
    config = bundle.config
    config["process"]["noNewPrivileges"] = True
    config["linux"]["resources"].update(memory={"limit": 64 << 20}, pids={"limit": 50})
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}
    bundle.shell("echo ready; exec sleep 1000")
    with Running(oci, bundle, tmp_path, "with") as container:
        assert fact(explain(container.pid), where, subject)["state"] == "holds"
    bundle.without(member)
    with Running(oci, bundle, tmp_path, "without") as container:
        assert fact(explain(container.pid), where, subject)["state"] == "open"


def test_process_that_nobody_contained(explain):
    """A process of this host: no wall is made up. The sandbox of the tests has some namespaces of its own."""
    process = subprocess.Popen(["sleep", "1000"])
    try:
        told = explain(process.pid)
        assert fact(told, "seccomp", "filter")["state"] == ("open" if "Seccomp:\t0" in Path(
            "/proc/self/status").read_text() else "holds")
        assert fact(told, "idmap", "user")["detail"] == "uid 0, on the host root"
        assert fact(told, "cgroup", "memory")["state"] == "open"
        assert fact(told, "capabilities", "no_new_privs")["state"] == "open"
        assert told["program"] == "sleep 1000"
    finally:
        process.kill()
        process.wait()


def test_process_in_the_hosts_own_namespaces_is_open(explain):
    """PID 1 of the host cannot be seen from in here; what a shared namespace looks like is seen from inside one."""
    told = explain(os.getpid())
    shared = os.readlink("/proc/self/ns/user") == "user:[4026531837]"
    assert fact(told, "namespaces", "user namespace")["state"] == ("open" if shared else "holds")


def test_container_of_runc(explain, bundle, tmp_path):
    runc = "/usr/sbin/runc"
    if not os.path.exists(runc):
        pytest.skip("runc is not installed (scripts/packages, section bench)")
    bundle.config["ociVersion"] = "1.0.2"
    bundle.shell("echo ready; exec sleep 1000")
    root = ["--root", str(tmp_path / "runc")]
    pid_file = tmp_path / "runc.pid"
    process = subprocess.Popen([runc, *root, "run", "--pid-file", pid_file, "--bundle", bundle.path, "other"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        told = explain(read_pid(pid_file))
        assert told["view"] == "observed"
        assert fact(told, "namespaces", "pid namespace")["state"] == "holds"
        assert fact(told, "rootfs", "masked paths")["state"] == "holds"
        assert fact(told, "seccomp", "filter")["state"] == "open"
    finally:
        subprocess.run([runc, *root, "kill", "other", "KILL"], check=False)
        process.wait(timeout=20)
        process.stdout.close()


def test_document_that_has_not_run(explain, coffer, bundle):
    told = explain(bundle.path)
    assert told["view"] == "plan" and told["pid"] is None
    assert all(w["refusal"] is None for w in told["walls"]) and told["refusal"] is None
    bundle.config["process"]["apparmorProfile"] = "no-such-profile"
    bundle.config["linux"]["namespaces"] = [n for n in bundle.config["linux"]["namespaces"] if n["type"] != "mount"]
    told = explain(bundle.write().path / "config.json")
    assert "mount namespace" in wall(told, "namespaces")["refusal"]
    if not os.path.exists("/sys/kernel/security/apparmor"):
        assert wall(told, "mac")["refusal"]
    assert fact(told, "rootfs", "root")["state"] == "open"


def test_picture_goes_from_the_process_down_to_the_kernel(coffer, running):
    lines = coffer("explain", running.pid, check=0, env={**os.environ, "LC_ALL": "C", "COLUMNS": "70"}).stdout.splitlines()
    headings = [line.split()[1] for line in lines if line.startswith("+-")]
    assert headings == ["process", *reversed(WALLS), "the"]
    assert max(map(len, lines)) <= 70
    assert all(ord(c) < 128 and c.isprintable() for line in lines for c in line)


def test_name_of_a_process_cannot_reach_the_terminal(coffer):
    """A program chooses its name and arguments: they are shown, never obeyed."""
    process = subprocess.Popen(["bash", "-c", "exec -a $'x\\033[2Jy\\n' sleep 1000"])
    try:
        end = time.monotonic() + 5
        while b"\033" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
            assert time.monotonic() < end
            time.sleep(0.01)
        out = coffer("explain", process.pid, check=0).stdout
        assert "\033" not in out and "x\\x1b[2Jy" in out
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("target, word", [("4194000", "no such process"), ("/no/such/file", "/no/such/file"),
                                          ("no-such-name", "no-such-name")])
def test_unknown_targets(coffer, target, word):
    done = coffer("explain", target)
    assert done.returncode == 125 or done.returncode == 1
    assert word in done.stderr and done.stderr.count("\n") == 1
