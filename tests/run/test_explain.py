# SPDX-License-Identifier: Apache-2.0
"""coffer explain against real processes: what it says is compared with what the kernel says."""
import glob
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import box as boxes

CGROUP = "/sys/fs/cgroup"
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
    # The program that cgroup v2 has instead of a list cannot be read back.
    assert fact(told, "cgroup", "devices")["state"] == ("holds" if os.path.exists(f"{CGROUP}/devices") else "unknown")
    assert fact(told, "rootfs", "root")["state"] == "holds"


def test_capabilities_are_the_kernels(explain, running):
    told = explain(running.pid)
    status = Path(f"/proc/{running.pid}/status").read_text()
    effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    assert fact(told, "capabilities", "effective")["detail"].startswith(f"{effective.bit_count()} of ")


def cover_what_is_here(config):
    """Docker's pattern, resolved for this machine, as its daemon and our engine do."""
    config["linux"]["maskedPaths"] += glob.glob("/sys/devices/system/cpu/cpu*/thermal_throttle")


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
    cover_what_is_here(config)
    bundle.shell("echo ready; exec sleep 1000")
    with Running(oci, bundle, tmp_path, "with") as container:
        # What a filter lets through cannot be read back: there is one, and that is all that can be said.
        assert fact(explain(container.pid), where, subject)["state"] == ("partial" if where == "seccomp" else "holds")
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
        assert fact(told, "rootfs", "read-only paths")["state"] == "holds"
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
    if not boxes.apparmor():
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


# --- containers of the engine: each wall taken away alone ------------------------------------------------------------

@pytest.fixture(scope="module")
def box(rootfs_template, tmp_path_factory):
    return boxes.make(rootfs_template, tmp_path_factory.mktemp("explained") / "store")


@pytest.fixture
def told_of(box):
    """What explain says of a container with these flags, started for it: of the name, and of the process alone."""
    def run(*flags):
        box.start(["--name", "told", *flags])
        pid = box.containers()["told"]["pid"]
        return tuple(json.loads(box("explain", "--format", "json", target, check=0).stdout) for target in ("told", pid))
    yield run
    box.clear()


TAKEN_AWAY = [
    # flags, wall, subject, state without them, state with them
    (["--pid", "host"], "namespaces", "pid namespace", "holds", "open"),
    (["--network", "host"], "network", "interfaces", "holds", "open"),
    (["--ipc", "host"], "namespaces", "ipc namespace", "holds", "open"),
    (["--uts", "host"], "namespaces", "uts namespace", "holds", "open"),
    (["--cap-add", "SYS_ADMIN"], "capabilities", "effective", "holds", "partial"),
    (["--cap-add", "ALL"], "capabilities", "effective", "holds", "open"),
    (["--privileged"], "capabilities", "effective", "holds", "open"),
    (["--privileged"], "cgroup", "devices", "holds", "open"),
    (["--privileged"], "rootfs", "masked paths", "holds", "open"),
    (["--privileged"], "rootfs", "read-only paths", "holds", "open"),
    (["--privileged"], "seccomp", "filter", "holds", "open"),
    (["--security-opt", "seccomp=unconfined"], "seccomp", "filter", "holds", "open"),
    (["--security-opt", "systempaths=unconfined"], "rootfs", "masked paths", "holds", "open"),
    (["--security-opt", "unmask=/proc/sys"], "rootfs", "read-only paths", "holds", "partial"),
    (["--device-cgroup-rule", "b *:* rwm", "--device-cgroup-rule", "c *:* rwm"], "cgroup", "devices", "holds", "open"),
    (["--device-cgroup-rule", "b 8:* r"], "cgroup", "devices", "holds", "partial"),
    (["--device-cgroup-rule", "b 8:* m"], "cgroup", "devices", "holds", "holds"),
    (["--pids-limit", "-1"], "cgroup", "processes", "holds", "open"),
    (["--memory", "64m"], "cgroup", "memory", "open", "holds"),
    (["--cpus", "0.5"], "cgroup", "cpu time", "open", "holds"),
    (["--read-only"], "rootfs", "root writes", "partial", "holds"),
    (["--userns", "auto"], "idmap", "user", "open", "holds"),
    (["--user", "1000"], "idmap", "user", "open", "holds"),
    (["--security-opt", "no-new-privileges"], "capabilities", "no_new_privs", "open", "holds"),
]


@pytest.fixture(scope="module")
def plain(box):
    box.start(["--name", "plain"])
    told = json.loads(box("explain", "--format", "json", "plain", check=0).stdout)
    box.clear()
    return told


@pytest.mark.parametrize("flags, where, subject, without, with_flags", TAKEN_AWAY,
                         ids=lambda value: "_".join(value) if isinstance(value, list) else None)
def test_each_wall_of_the_engine(plain, told_of, flags, where, subject, without, with_flags):
    if flags == ["--userns", "auto"] and not os.path.exists("/etc/subuid"):
        pytest.skip("no subordinate ids on this machine")
    assert fact(plain, where, subject)["state"] == without
    by_name, by_pid = told_of(*flags)
    told = fact(by_name, where, subject)
    assert told["state"] == with_flags
    assert told["wanted"] is None
    assert by_name["view"] == "both" and by_pid["view"] == "observed"
    # Whoever knows nothing of what was asked for never tells of a wall that is not there.
    alone = fact(by_pid, where, subject)["state"]
    assert alone == with_flags or (alone in ("unknown", "partial") and not told["verified"])\
        or (alone == "partial" and subject == "filter"), alone


def test_nothing_wanted_is_missing_in_a_plain_container(plain):
    assert plain["differences"] == 0
    assert all(f["source"] for w in plain["walls"] for f in w["facts"]
               if f["subject"] in ("effective", "bounding", "masked paths", "read-only paths", "devices", "filter"))


def test_entries_of_a_list_keep_their_flags(told_of):
    told, _ = told_of("--cap-drop", "CHOWN", "--security-opt", "mask=/etc/group")
    for subject in ("effective", "bounding"):
        assert "flag --cap-drop CHOWN" in fact(told, "capabilities", subject)["source"]
        assert "profile docker:" in fact(told, "capabilities", subject)["source"]
    assert "flag --security-opt mask=/etc/group" in fact(told, "rootfs", "masked paths")["source"]


# --- mounts ----------------------------------------------------------------------------------------------------------

MIXES = ["ro", "rw", "ro,rw", "rw,ro", "rro", "rro,rw", "ro,rro", "rrw,ro"]


@pytest.mark.parametrize("words", MIXES)
@pytest.mark.parametrize("bind", ["bind", "rbind"])
def test_read_only_is_what_the_kernel_makes_of_it(explain, oci, bundle, tmp_path, words, bind):
    shared = tmp_path / "shared"
    shared.mkdir()
    bundle.config["mounts"].append({"destination": "/s", "source": str(shared), "options": [bind, *words.split(",")]})
    bundle.shell("touch /s/x 2>/dev/null; echo ready; exec sleep 1000")
    planned = fact(explain(bundle.path), "rootfs", "/s")
    with Running(oci, bundle, tmp_path) as container:
        observed = fact(explain(container.pid), "rootfs", "/s")
    written = (shared / "x").exists()
    for told in (planned, observed):
        assert ("writable" in told["detail"]) == written, told
        assert (told["state"] == "holds") <= (not written)


def test_sockets_and_the_host_in_mounts(explain, bundle):
    def told(source, *options):
        bundle.config["mounts"] = [m for m in bundle.config["mounts"] if m["destination"] != "/s"]
        bundle.config["mounts"].append({"destination": "/s", "source": source, "options": ["bind", *options]})
        return fact(explain(bundle.write().path), "rootfs", "/s")["state"]
    assert told("/srv/data", "ro") == "holds"
    assert told("/srv/data") == "partial"
    for source in ("/run/docker.sock", "/var/run/docker.sock", "/run", "/run/", "//run/./docker.sock"):
        assert told(source, "ro") == "open", source
    assert told("/", "ro") == "partial"
    assert told("/") == "open"
    assert told("/etc", "ro") == "partial"


def test_disk_of_the_host_is_not_the_containers_own(explain, bundle):
    bundle.config["mounts"].append({"destination": "/disk", "type": "ext4", "source": "/dev/sda1"})
    assert fact(explain(bundle.write().path), "rootfs", "/disk")["state"] == "partial"
    assert fact(explain(bundle.path), "rootfs", "/dev/shm")["state"] == "holds"


# --- processes that are in no container ------------------------------------------------------------------------------

def test_mount_namespace_with_the_hosts_files(explain):
    """A mount namespace of its own alone does not take the host's files away."""
    process = subprocess.Popen(["unshare", "-m", "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        told = explain(process.pid)
        assert fact(told, "namespaces", "mount namespace")["state"] == "holds"
        assert fact(told, "rootfs", "root")["state"] == "open"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_pid_1_and_the_shell_have_no_wall_made_up(explain):
    for pid in (1, os.getpid()):
        told = explain(pid)
        assert fact(told, "rootfs", "root")["detail"] == "the host's"
        for where in ("rootfs", "network", "seccomp", "idmap"):
            assert wall(told, where)["state"] in ("open", "unknown"), (pid, where)
        assert fact(told, "capabilities", "effective")["state"] == "open"


# --- documents and plans ---------------------------------------------------------------------------------------------

def test_document_of_runc_spec(explain, tmp_path):
    if not os.path.exists("/usr/sbin/runc"):
        pytest.skip("runc is not installed (scripts/packages, section bench)")
    (tmp_path / "b" / "rootfs").mkdir(parents=True)
    subprocess.run(["/usr/sbin/runc", "spec"], cwd=tmp_path / "b", check=True)
    told = explain(tmp_path / "b")
    assert fact(told, "capabilities", "no_new_privs")["state"] == "holds"
    assert fact(told, "seccomp", "filter")["state"] == "open"
    assert fact(told, "cgroup", "memory")["state"] == "open"
    assert fact(told, "cgroup", "devices")["state"] == "holds"
    assert fact(told, "rootfs", "root writes")["state"] == "holds"
    masked = fact(told, "rootfs", "masked paths")
    assert masked["state"] == ("partial" if os.path.exists("/proc/interrupts") else masked["state"])
    assert "/proc/interrupts" in masked["detail"]  # runc's list lacks it


@pytest.mark.parametrize("rules, state", [
    ([{"allow": False, "access": "rwm"}], "holds"),
    ([{"allow": False, "access": "rwm"}, {"allow": True, "type": "b", "access": "rwm"},
      {"allow": True, "type": "c", "access": "rwm"}], "open"),
    ([{"allow": False, "access": "rwm"}, {"allow": True, "type": "b", "access": "r"}], "open"),
    ([{"allow": True, "access": "rwm"}, {"allow": False, "access": "rw"}], "holds"),
    ([{"allow": True, "access": "r"}, {"allow": False, "type": "c", "access": "r"},
      {"allow": False, "type": "b", "access": "r"}], "holds"),
    ([{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 1, "access": "r"}], "partial"),
])
def test_device_rules_are_understood_as_a_whole(explain, bundle, rules, state):
    bundle.config["linux"]["resources"]["devices"] = rules
    assert fact(explain(bundle.write().path), "cgroup", "devices")["state"] == state


def test_plan_is_every_operation(coffer, bundle, box):
    bundle.config["hostname"] = "two\nlines"
    lines = coffer("explain", "--plan", bundle.write().path, check=0).stdout.splitlines()
    operations = json.loads(coffer("explain", "--plan", "--format", "json", bundle.path, check=0).stdout)
    assert len(lines) == len(operations) > 30
    assert all(line.split()[:3] == [o["step"], o["wall"], o["operation"]] for line, o in zip(lines, operations))
    assert any(o["operation"] == "mask" and o["target"] == "/proc/kcore" for o in operations)
    bundle.without("linux.maskedPaths")
    assert " mask " not in coffer("explain", "--plan", bundle.path, check=0).stdout
    assert "two\\x0alines" in coffer("explain", "--plan", bundle.path, check=0).stdout
    assert "from" in coffer("explain", "--plan", os.getpid(), check=125).stderr
    box.start(["--name", "planned"])
    assert " capabilities " in box("explain", "--plan", "planned", check=0).stdout
    box.clear()


# --- drift: what somebody changed after the start --------------------------------------------------------------------

def in_mounts_of(pid, *command):
    subprocess.run(["nsenter", "-t", str(pid), "-m", "-p", *command], check=True)


@pytest.mark.parametrize("command, subject, wanted", [
    (["umount", "/proc/keys"], "masked paths", "/proc/keys"),
    (["mount", "-o", "remount,bind,rw", "/proc/sys"], "read-only paths", "/proc/sys"),
    (["mount", "-t", "tmpfs", "none", "/etc"], "/etc", "no mount here"),
    (["mount", "-t", "tmpfs", "none", "/sys"], "/sys", "sysfs"),
    (["umount", "-l", "/dev/shm"], "/dev/shm", "tmpfs"),
])
def test_a_changed_mount_tree_is_told(box, command, subject, wanted):
    def told():
        return json.loads(box("explain", "--format", "json", "told", check=0).stdout)
    box.start(["--name", "told"])
    try:
        assert told()["differences"] == 0
        pid = box.containers()["told"]["pid"]
        in_mounts_of(pid, "/bin/busybox", *command)
        changed = told()
        assert fact(changed, "rootfs", subject)["wanted"] == wanted
        assert fact(changed, "rootfs", subject)["state"] != "holds"
        assert changed["differences"] >= 1
        assert "wanted and not in force" in box("explain", "told", check=0).stdout
    finally:
        box.clear()


def test_masked_paths_that_no_kernel_has_are_no_drift(box):
    box.start(["--name", "told", "--security-opt", "mask=/proc/no-such-file", "--security-opt", "mask=/no/such/file"])
    told = json.loads(box("explain", "--format", "json", "told", check=0).stdout)
    box.clear()
    assert told["differences"] == 0


# --- what cannot be read ---------------------------------------------------------------------------------------------

def test_what_a_user_may_not_read_is_unknown_and_no_error(coffer, explain, tmp_path):
    """Root's process as nobody sees it: every section is there, and what the kernel hides is neither wall nor gap."""
    store = tmp_path / "store"
    store.mkdir()
    os.chown(store, 65534, 65534)
    for directory in (tmp_path, *tmp_path.parents):
        os.chmod(directory, os.stat(directory).st_mode | 0o005)
    process = subprocess.Popen(["sleep", "1000"])
    try:
        argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", os.environ["COFFER_BUILD"] + "/coffer",
                "--root", str(store), "explain", "--format", "json", str(process.pid)]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
    finally:
        process.kill()
        process.wait()
    for where, subject in (("namespaces", "user namespace"), ("namespaces", "pid namespace"), ("idmap", "user ids"),
                           ("network", "interfaces"), ("rootfs", "root"), ("rootfs", "masked paths")):
        assert fact(told, where, subject)["state"] == "unknown", subject
    assert fact(told, "capabilities", "no_new_privs")["state"] == "open"  # /proc/PID/status is everybody's to read


def test_a_zombie_has_ended(coffer):
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    done = coffer("explain", process.pid, check=125)
    process.wait()
    assert "has ended" in done.stderr and done.stderr.count("\n") == 1


# --- user namespaces -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("flags, root", [(["--uidmap", "0:0:65536"], True), (["--uidmap", "0:100000:65536"], False)])
def test_a_user_namespace_that_maps_the_hosts_root_says_so(told_of, flags, root):
    for told in told_of(*flags):
        ns = fact(told, "namespaces", "user namespace")
        assert ns["state"] == ("partial" if root else "holds")
        assert ("its root is the host's root" in ns["meaning"]) == root
        assert ("ordinary user" in ns["meaning"]) != root
        assert fact(told, "idmap", "user")["state"] == ("open" if root else "holds")
        if told["view"] == "both":
            assert ns["source"] == "flag --uidmap " + flags[1]


def test_unshare_as_root_maps_root(explain):
    process = subprocess.Popen(["unshare", "-Ur", "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE,
                               text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        assert fact(explain(process.pid), "namespaces", "user namespace")["state"] == "partial"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_ambient_capabilities_without_inheritable_ones_are_none(explain, oci, bundle, tmp_path):
    bundle.config["process"]["capabilities"]["inheritable"] = []
    bundle.config["process"]["capabilities"]["ambient"] = ["CAP_KILL"]
    bundle.shell("echo ready; exec sleep 1000")
    told = explain(bundle.path)
    asked = fact(told, "capabilities", "ambient asked for")
    assert asked["state"] == "note" and "none" in asked["meaning"] and asked["detail"] == "KILL"
    with Running(oci, bundle, tmp_path) as container:
        assert "CapAmb:\t0000000000000000" in Path(f"/proc/{container.pid}/status").read_text()
        subjects = [f["subject"] for f in wall(explain(container.pid), "capabilities")["facts"]]
    assert "ambient" not in subjects and "ambient" not in [f["subject"] for f in wall(told, "capabilities")["facts"]]


# --- wording ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source, meaning, state", [
    ("/dev/shm", "It can change these files of the host.", "partial"),
    ("/root/project/dev/shm", "It can change these files of the host.", "partial"),
    ("/root/.ssh", "The host's administrator keeps keys here.", "open"),
    ("/run", "With it comes /run/docker.sock where the host has it: whoever talks to this socket is root on the host.",
     "open"),
])
def test_a_shared_path_is_called_what_it_is(explain, bundle, source, meaning, state):
    bundle.config["mounts"].append({"destination": "/s", "source": source, "options": ["bind"]})
    told = fact(explain(bundle.write().path), "rootfs", "/s")
    assert (told["meaning"], told["state"]) == (meaning, state)


def test_an_empty_name_is_told_in_words(coffer):
    assert "the name is empty" in coffer("explain", "", check=125).stderr


def test_the_line_that_took_a_capability_away_is_named(told_of):
    told, _ = told_of("--profile", "default")
    for subject in ("effective", "bounding"):
        assert "profile default:" in fact(told, "capabilities", subject)["source"]
