# SPDX-License-Identifier: Apache-2.0
"""The cgroup wall on this host's cgroups: each limit bites, and without it the same thing passes (negative control).

Through coffer-oci where a whole container is needed, through cgroup-driver (the wall alone) for the rest. The driver's
--v2 leaves the v1 hierarchies out, so that the v2 code runs on a hybrid host as far as its v2 tree has controllers.
"""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import BUILD

CGROUP = Path("/sys/fs/cgroup")
MIB = 1 << 20
V1 = (CGROUP / "memory").is_dir()


def place(controller):
    """Where the hierarchy of a v1 controller, or the tree that has it, is mounted."""
    v1 = CGROUP / controller
    return v1 if v1.is_dir() else CGROUP / "unified" if (CGROUP / "unified").is_dir() else CGROUP


V2 = CGROUP / "unified" if V1 else CGROUP


class Driver:
    def __init__(self, tmp_path, *options, name="wall"):
        self.path, self.options, self.id = tmp_path / f"{name}.json", options, f"{name}-{os.getpid()}"
        self.linux = {}
        self.resources()

    def resources(self, **resources):
        self.linux["resources"] = resources
        self.path.write_text(json.dumps({"ociVersion": "1.3.0", "linux": self.linux}))
        return self

    def argv(self, *arguments):
        return [str(BUILD / "tests/run/cgroup-driver"), *self.options, str(self.path), self.id, *map(str, arguments)]

    def __call__(self, *arguments, check=0, **keywords):
        done = subprocess.run(self.argv(*arguments), capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, **keywords)
        assert check is None or done.returncode == check, f"{done.args}\n{done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def shell(self, script, check=0):
        return self("run", "/bin/sh", "-c", script, check=check)

    def start(self, script):
        """A process behind the wall; its output must not keep our pipes open."""
        done = self("start", "/bin/sh", "-c", f"exec >/dev/null 2>&1; {script}")
        return int(done.stdout)

    def group(self, controller):
        return (V2 if self.options else place(controller)) / f"coffer-{self.id}"


@pytest.fixture
def wall(tmp_path):
    made = Driver(tmp_path)
    yield made
    made("undo", check=None)


@pytest.fixture
def wall_v2(tmp_path):
    made = Driver(tmp_path, "--v2")
    yield made
    made("undo", check=None)


def resources(bundle, **members):
    bundle.config["linux"]["resources"].update(members)
    return bundle


def run(oci, bundle, script, check=None):
    bundle.shell(script)
    return oci("run", "-b", bundle.path, "c1", check=check)


HOG = "dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null"


def test_memory_limit(oci, bundle):
    resources(bundle, memory={"limit": 32 * MIB, "swap": 32 * MIB})
    assert run(oci, bundle, HOG).returncode in (137, 1)
    run(oci, bundle, "true", check=0)
    bundle.without("linux.resources.memory")
    run(oci, bundle, HOG, check=0)


FORKS = "for i in 1 2 3 4 5 6 7 8; do sleep 0.5 & done; wait"


def test_pids_limit(oci, bundle):
    resources(bundle, pids={"limit": 5})
    done = run(oci, bundle, FORKS)
    assert done.returncode != 0 and "fork" in done.stderr
    bundle.without("linux.resources.pids")
    run(oci, bundle, FORKS, check=0)
    resources(bundle, pids={"limit": 0})  # no limit, as -1
    run(oci, bundle, FORKS, check=0)


BUSY = "timeout 0.6 sh -c 'while :; do :; done'; read -r u n s i < /proc/self/stat; times"


def user_seconds(output):
    """The children's user time, from what times(1) printed last."""
    minutes, _, seconds = output.split("\n")[-2 if output.endswith("\n") else -1].split()[0].partition("m")
    return 60 * int(minutes) + float(seconds.rstrip("s"))


def test_cpu_quota(oci, bundle):
    resources(bundle, cpu={"quota": 5000, "period": 100000})
    limited = user_seconds(run(oci, bundle, BUSY).stdout)
    bundle.without("linux.resources.cpu")
    free = user_seconds(run(oci, bundle, BUSY).stdout)
    assert limited < 0.15, f"{limited} s of processor time within 0.6 s under a quota of 5%"
    assert free > 2 * limited


def test_cpuset(oci, bundle):
    if os.cpu_count() < 2:
        pytest.skip("one processor: there is nothing to choose from")
    resources(bundle, cpu={"cpus": "1"})
    done = run(oci, bundle, "grep Cpus_allowed_list /proc/self/status", check=0)
    assert done.stdout.split()[1] == "1"
    bundle.without("linux.resources.cpu")
    done = run(oci, bundle, "grep Cpus_allowed_list /proc/self/status", check=0)
    assert done.stdout.split()[1] != "1"


# /dev/fuse may be opened by anybody: what stops it is the device wall alone.
OPEN = "mknod /dev/f c 10 229 && (exec 3{}/dev/f) 2>&1"


def test_devices(oci, bundle):
    done = run(oci, bundle, OPEN.format("<"))
    assert "Operation not permitted" in done.stdout
    bundle.config["linux"]["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    assert "Operation not permitted" not in run(oci, bundle, OPEN.format("<")).stdout


def test_device_rules_are_in_order_and_by_access(oci, bundle):
    rules = bundle.config["linux"]["resources"]["devices"]
    rules.append({"allow": True, "type": "c", "major": 10, "minor": 229, "access": "r"})
    assert "Operation not permitted" not in run(oci, bundle, OPEN.format("<")).stdout
    assert "Operation not permitted" in run(oci, bundle, OPEN.format(">")).stdout
    rules.append({"allow": False, "access": "rwm"})
    assert "Operation not permitted" in run(oci, bundle, OPEN.format("<")).stdout


def test_default_devices_work_under_deny_all(oci, bundle):
    run(oci, bundle, "set -e; echo x > /dev/null; head -c 1 /dev/urandom > /dev/null; head -c 1 /dev/zero > /dev/null; "
        "exec 3<>/dev/full 4<>/dev/random 5<>/dev/ptmx", check=0)


def test_without_device_rules_there_is_a_wall_too(oci, bundle):
    """As runc: the default rules alone, and nothing else."""
    bundle.without("linux.resources")
    assert "Operation not permitted" in run(oci, bundle, OPEN.format("<")).stdout


@pytest.mark.parametrize("driver", ["wall", "wall_v2"])
def test_devices_of_either_version(driver, request, tmp_path):
    """The v1 controller and the v2 program, both of which this kernel has, say the same."""
    wall = request.getfixturevalue(driver)
    node = tmp_path / "node"
    os.mknod(node, 0o666 | 0o020000, os.makedev(10, 229))
    attempt = f"exec 3<{node}"
    wall.resources(devices=[{"allow": False, "access": "rwm"}])
    assert "Operation not permitted" in wall.shell(attempt, check=None).stderr
    wall.shell("exec 3<>/dev/null")
    wall.resources(devices=[{"allow": False, "access": "rwm"},
                            {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}])
    assert "Operation not permitted" not in wall.shell(attempt, check=None).stderr


def disk():
    for line in Path("/proc/partitions").read_text().splitlines()[2:]:
        major, minor, _, name = line.split()
        if (Path("/sys/class/block") / name).exists() and not (Path("/sys/class/block") / name / "partition").exists():
            return int(major), int(minor)
    pytest.skip("this host has no block device")


def test_block_io_throttle(wall):
    major, minor = disk()
    limits = [{"major": major, "minor": minor, "rate": MIB}]
    file = "blkio.throttle.read_bps_device" if V1 else "io.max"
    wall.resources(blockIO={"throttleReadBpsDevice": limits})
    seen = wall.shell(f"cat {wall.group('blkio')}/{file}").stdout
    assert f"{major}:{minor}" in seen and str(MIB) in seen
    wall.resources()
    assert str(MIB) not in wall.shell(f"cat {wall.group('blkio')}/{file}", check=None).stdout


def can_hand_out(controller):
    """A v2 group that holds processes, such as the root that a sandbox shows, cannot; the machine's root can."""
    try:
        (V2 / "cgroup.subtree_control").write_text(f"+{controller}")
    except OSError:
        return False
    return True


def test_hugepage_limit(wall):
    # The controller may be in either version, and its root has no limits to look at.
    names = (V2 / "cgroup.controllers").read_text() if V2.is_dir() else ""
    if "hugetlb" not in names and not (CGROUP / "hugetlb").is_dir():
        done = wall.resources(hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])("run", "true", check=125)
        assert "cgroup: hugepage 2MB limit 4194304: this host has no hugetlb controller for us" in done.stderr
        return
    v1 = (CGROUP / "hugetlb").is_dir()
    file = wall.group("hugetlb") / ("hugetlb.2MB.limit_in_bytes" if v1 else "hugetlb.2MB.max")
    wall.resources(hugepageLimits=[{"pageSize": "2MB", "limit": 4 * MIB}])
    if not v1 and not can_hand_out("hugetlb"):
        done = wall("run", "true", check=125)
        assert "cgroup: hugepage 2MB limit 4194304: cannot enable the hugetlb controller in " in done.stderr
        assert "the group has processes of its own: move them to a group below it" in done.stderr
        return
    assert wall.shell(f"cat {file}").stdout.strip() == str(4 * MIB)
    wall.resources()
    assert wall.shell(f"cat {file}", check=None).stdout.strip() != str(4 * MIB)
    done = wall.resources(hugepageLimits=[{"pageSize": "3MB", "limit": 1}])("run", "true", check=125)
    assert "cgroup: hugepage 3MB limit 1: this host has no" in done.stderr
    assert not file.parent.exists()


def test_what_the_kernel_refuses_is_named(wall):
    done = wall.resources(cpu={"quota": 10})("run", "true", check=125)
    assert "cgroup: cpu quota" in done.stderr and "Invalid argument" in done.stderr
    done = wall.resources(cpu={"cpus": "999"})("run", "true", check=125)
    assert "cgroup: cpuset cpus 999: " in done.stderr
    assert not wall.group("cpu").exists()


def test_nothing_where_nothing_is_asked(wall):
    if not V1:
        pytest.skip("one tree on this host, not a hierarchy for each controller")
    wall.start("sleep 60")
    groups = [path.parent.name for path in CGROUP.glob(f"*/coffer-{wall.id}")]
    assert "memory" in groups and "devices" in groups
    assert not {"cpuset", "blkio"} & set(groups)


def test_process_is_in_every_group(wall):
    pid = wall.resources(cpu={"cpus": "0"}).start("sleep 60")
    for group in CGROUP.glob(f"**/coffer-{wall.id}"):
        assert str(pid) in (group / "cgroup.procs").read_text().split(), group


@pytest.mark.parametrize("driver", ["wall", "wall_v2"])
def test_placement_in_a_user_namespace(driver, request):
    """The right to enter comes with the descriptor, from who opened it."""
    wall = request.getfixturevalue(driver)
    done = wall("run", "/bin/cat", "/proc/self/cgroup", env={**os.environ, "DRIVER_USERNS": "1"})
    assert f"/coffer-{wall.id}" in done.stdout


def test_freeze_and_thaw(wall):
    pid = wall.start("while :; do :; done")
    stat = Path(f"/proc/{pid}/stat")

    def spent():
        return int(stat.read_text().rpartition(")")[2].split()[11])
    wall("freeze")
    assert wall("frozen").stdout == "1\n"
    before = spent()
    time.sleep(0.3)
    assert spent() == before
    wall("thaw")
    assert wall("frozen").stdout == "0\n"
    time.sleep(0.3)
    assert spent() > before


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(*pids):
    end = time.monotonic() + 3
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < end, "still alive"
        time.sleep(0.01)


def test_kill_all_reaches_children_and_sub_groups(wall):
    wall.start("sleep 60 & sleep 60 & sleep 60")
    time.sleep(0.1)
    pids = [int(pid) for pid in wall("pids").stdout.split()]
    assert len(pids) >= 3
    main = V2 / f"coffer-{wall.id}" if V2.is_dir() else wall.group("pids")
    (main / "below").mkdir()
    (main / "below" / "cgroup.procs").write_text(str(pids[-1]))
    assert sorted(int(pid) for pid in wall("pids").stdout.split()) == sorted(pids)
    wall("kill", int(signal.SIGTERM))
    gone(*pids)
    assert wall("pids").stdout == ""


@pytest.mark.parametrize("frozen", [False, True])
def test_undo_kills_what_is_left_and_is_done_twice(wall, frozen):
    pid = wall.start("(sleep 60 &) ; sleep 60")
    if frozen:
        wall("freeze")
    pids = [int(p) for p in wall("pids").stdout.split()]
    main = V2 / f"coffer-{wall.id}" if V2.is_dir() else wall.group("pids")
    (main / "a" / "b").mkdir(parents=True)
    wall("undo")
    gone(pid, *pids)
    assert not list(CGROUP.glob(f"**/coffer-{wall.id}"))
    wall("undo")


def test_group_of_another_container_is_left_alone(wall, tmp_path):
    """The same cgroupsPath twice: the second start is refused, and undoing it touches nothing of the first."""
    path = "/coffer-other/shared"
    wall.linux["cgroupsPath"] = path
    wall.resources()
    pid = wall.start("sleep 60")
    other = Driver(tmp_path, name="other")
    other.linux["cgroupsPath"] = path
    other.resources()
    try:
        done = other("run", "true", check=125)
        assert "cgroup: the group" in done.stderr and "has processes in it" in done.stderr
        other("undo")
        assert alive(pid)
    finally:
        wall("undo")
        for left in CGROUP.glob("**/coffer-other"):
            left.rmdir()
    gone(pid)


def test_rest_of_a_crashed_start_is_made_anew(wall):
    file = "pids.max"
    group = wall.group("pids")
    group.mkdir(parents=True)
    (group / file).write_text("3")
    (group / "below").mkdir()
    assert wall.shell(f"cat {group}/{file}").stdout.strip() == "max"


def test_group_made_beforehand_keeps_its_limits(wall):
    wall.linux["cgroupsPath"] = "/coffer-made/c"
    wall.resources()
    group = place("pids") / "coffer-made" / "c"
    group.mkdir(parents=True)
    if not V1:  # where nobody has handed the controller down, there is no such file
        for parent in (V2, group.parent):
            (parent / "cgroup.subtree_control").write_text("+pids")
    (group / "pids.max").write_text("77")
    try:
        assert wall.shell(f"cat {group}/pids.max").stdout.strip() == "77"
    finally:
        wall("undo")
        for left in CGROUP.glob("**/coffer-made"):
            left.rmdir()


def test_update(wall, tmp_path):
    pid = wall.resources(memory={"limit": 64 * MIB, "swap": 64 * MIB}, cpu={"quota": 50000, "period": 100000}).start(
        "sleep 60")
    change = tmp_path / "change.json"

    def update(check=0, **members):
        change.write_text(json.dumps({"ociVersion": "1.3.0", "linux": {"resources": members}}))
        return wall("update", change, check=check)
    # Both upwards and both downwards: whichever the kernel wants to see first.
    for size in (128, 32):
        update(memory={"limit": size * MIB, "swap": size * MIB})
        assert observed(wall, pid)["memory"]["limit"] == size * MIB
    update(pids={"limit": 9})
    update(cpu={"period": 50000})
    seen = observed(wall, pid)
    assert seen["pids"]["limit"] == 9
    assert (seen["cpu"]["quota"], seen["cpu"]["period"]) == (50000, 50000)
    update(cpu={"cpus": "0"})  # a hierarchy that the start did without
    assert observed(wall, pid)["cpu"]["cpus"] == "0"
    assert "block I/O weight 5" in update(check=125, blockIO={"weight": 5}).stderr
    update(devices=[{"allow": True, "access": "rwm"}])


def observed(wall, pid):
    return json.loads(wall("observe", pid).stdout)["linux"]["resources"]


def test_observe(wall):
    pid = wall.resources(memory={"limit": 64 * MIB}, cpu={"quota": 20000, "period": 100000, "shares": 512},
                         pids={"limit": 11}, devices=[{"allow": False, "access": "rwm"}]).start("sleep 60")
    document = json.loads(wall("observe", pid).stdout)
    assert document["linux"]["cgroupsPath"] == f"/coffer-{wall.id}"
    seen = document["linux"]["resources"]
    assert seen["memory"]["limit"] == 64 * MIB
    assert (seen["cpu"]["quota"], seen["cpu"]["period"]) == (20000, 100000)
    # v2 has a weight from 1 to 10000 for shares from 2 to 262144: what comes back is within one step of that.
    assert seen["cpu"]["shares"] == 512 if V1 else abs(seen["cpu"]["shares"] - 512) <= 27
    assert seen["pids"]["limit"] == 11
    if V1:
        assert {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"} in seen["devices"]


def test_observe_the_tightest_limit_on_the_way_up(wall):
    wall.linux["cgroupsPath"] = "/coffer-tight/c"
    pid = wall.resources(pids={"limit": 11}).start("sleep 60")
    try:
        assert observed(wall, pid)["pids"]["limit"] == 11
        (place("pids") / "coffer-tight" / "pids.max").write_text("4")
        assert observed(wall, pid)["pids"]["limit"] == 4
    finally:
        wall("undo")
        for left in CGROUP.glob("**/coffer-tight"):
            left.rmdir()
    gone(pid)


def test_observe_a_process_without_limits(wall):
    seen = observed(wall, os.getpid())
    assert seen["pids"]["limit"] == -1 and seen["cpu"]["quota"] == -1


def test_observe_the_v2_device_program(wall_v2):
    pid = wall_v2.start("sleep 60")
    document = json.loads(wall_v2("observe", pid).stdout)
    assert int(document["annotations"]["org.cofferdam.cgroup.device-programs"]) >= 1


def test_join_goes_where_init_is(wall):
    pid = wall.resources(cpu={"cpus": "0"}).start("sleep 60")
    mine = Path(f"/proc/{pid}/cgroup").read_text()
    assert f"/coffer-{wall.id}" in mine
    assert wall("join", pid, "/bin/cat", "/proc/self/cgroup").stdout == mine


def test_many_at_once_leave_nothing(tmp_path):
    """Starts and undos race for the common parent group."""
    drivers = []
    for number in range(8):
        drivers.append(Driver(tmp_path, name=f"many{number}"))
    for _ in range(12):
        running = [subprocess.Popen(d.argv("run", "true"), stderr=subprocess.PIPE, text=True) for d in drivers]
        for process in running:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
    assert not list(CGROUP.glob("**/coffer-many*"))


def test_placement_is_cheap(wall):
    """The child's own way into five groups; through cgroup.procs a single one of them can take milliseconds."""
    spent = json.loads(wall("bench", 100).stdout)
    assert spent["child-early"] < 1000, spent


@pytest.mark.skipif(os.environ.get("COFFER_TEST_UID") is None, reason="needs the sandbox's unprivileged account")
def test_unprivileged_without_delegation(tmp_path):
    """No limit asked for: the process runs without a group of its own. A limit asked for: refused by name."""
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if str(folder).startswith("/tmp/") and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    wall = Driver(tmp_path)
    uid = int(os.environ["COFFER_TEST_UID"])

    def as_user(*arguments):
        return subprocess.run(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--inh-caps=-all",
                               *wall.argv(*arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if as_user("run", "true").returncode == 126:
        pytest.skip("the account cannot reach the build directory")
    done = as_user("run", "/bin/cat", "/proc/self/cgroup")
    assert done.returncode == 0 and "coffer" not in done.stdout, done.stderr
    wall.resources(memory={"limit": 64 * MIB})
    done = as_user("run", "true")
    assert done.returncode == 125
    assert "cgroup: memory limit 64m: cannot make " in done.stderr and "not delegated to us" in done.stderr


def test_unprivileged_with_a_delegated_v1_or_v2_subtree(tmp_path):
    """A subtree that belongs to the user is enough for the limits whose hierarchies it is in."""
    uid = int(os.environ.get("COFFER_TEST_UID", "23456"))
    made = []
    for top in {place("pids"), V2}:
        if top.is_dir():
            group = top / "coffer-delegated"
            group.mkdir()
            made.append(group)
            for path in (group, *(group / name for name in ("cgroup.procs", "tasks", "cgroup.subtree_control"))):
                if path.exists():
                    os.chown(path, uid, uid)
    if not V1:
        (V2 / "cgroup.subtree_control").write_text("+pids")
    tmp_path.chmod(0o755)
    wall = Driver(tmp_path)
    wall.linux["cgroupsPath"] = "/coffer-delegated/c"
    wall.resources(pids={"limit": 7})

    def enter():
        for group in made:  # the common ancestor of ours and the new group has to be writable, too
            inner = group / "me"
            inner.mkdir(exist_ok=True)
            (inner / "cgroup.procs").write_text("0")
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    try:
        for folder in tmp_path.parents:
            if str(folder).startswith("/tmp/") and folder.stat().st_uid == 0:
                folder.chmod(folder.stat().st_mode | 0o011)
        script = f"cat {place('pids')}/coffer-delegated/c/pids.max"
        done = subprocess.run(wall.argv("run", "/bin/sh", "-c", script), capture_output=True, text=True,
                              preexec_fn=enter, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and done.stdout.strip() == "7", done.stderr
    finally:
        for group in made:
            for path in (group / "c", group / "me", group):
                if path.exists():
                    path.rmdir()
