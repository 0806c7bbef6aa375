# SPDX-License-Identifier: Apache-2.0
"""coffer run: each option reaches the kernel, or the program. Errors are in test_errors.py."""
import collections
import json
import os
import re
import signal
import stat
import subprocess
import time
from pathlib import Path

import box as boxes
import leaks
import pytest

V2 = not os.path.exists("/sys/fs/cgroup/memory")


@pytest.fixture(scope="module")
def box(rootfs_template, tmp_path_factory):
    return boxes.make(
        rootfs_template, tmp_path_factory.mktemp("store"),
        entry=['ENTRYPOINT ["/bin/echo", "entry"]', 'CMD ["one", "two"]', "ENV COLOUR=green", "WORKDIR /var/tmp",
               "LABEL from=image"],
        asuser=["USER user", "STOPSIGNAL SIGINT", 'CMD ["id", "-un"]'])


@pytest.fixture(autouse=True)
def clean_store(box):
    before = box.contents()
    yield
    assert box.clear() == []
    assert box.contents() == before


# --- the program ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("flags, expected", [
    ([], "0 0 0"),
    (["-u", "user"], "1000 1000 1000 2000"),
    (["--user=1000"], "1000 1000 1000 2000"),
    (["-u", "user:extra"], "1000 2000 2000"),
    (["-u", "1234"], "1234 0 0"),
    (["-u", "1234:77"], "1234 77 77"),
    (["-u", "1234:77", "--group-add", "extra", "--group-add", "5"], "1234 77 77 5 2000"),
])
def test_user(box, flags, expected):
    assert box.sh(flags, "echo $(id -u) $(id -g) $(id -G)") == expected


@pytest.mark.parametrize("flags, groups", [
    ([], "0 "), (["-u", "user"], "1000 2000 "), (["-u", "5:6"], "6 "), (["-u", "1234"], "0 "),
    (["-u", "user:extra"], "2000 "), (["-u", "5:6", "--group-add", "7"], "6 7 "),
])
def test_primary_group_is_a_supplementary_group_too(box, flags, groups):
    assert box.sh(flags, "grep Groups: /proc/self/status").split(":")[1].split() == groups.split()


def test_user_of_the_image(box):
    assert box("run", "--rm", "asuser", check=0).stdout == "user\n"
    assert box.sh([], "echo $HOME", image="asuser") == "/home"
    assert box.sh(["-u", "0"], "id -u", image="asuser") == "0"


def test_environment(box, tmp_path, monkeypatch):
    (tmp_path / "env").write_text("# a comment\n\nFROM_FILE=1 2\nBOTH=file\nINHERITED\n")
    monkeypatch.setenv("INHERITED", "ours")
    monkeypatch.delenv("ABSENT", raising=False)
    lines = box.sh(["-e", "BOTH=flag", "--env", "EMPTY=", "-eABSENT", "--env-file", tmp_path / "env", "-h", "web"],
                   "env").splitlines()
    assert {"FROM_FILE=1 2", "BOTH=flag", "EMPTY=", "INHERITED=ours", "HOSTNAME=web", "HOME=/root"} <= set(lines)
    assert not any(line.startswith("ABSENT") for line in lines)


def test_entry_point_and_command_of_the_image(box):
    def out(*arguments):
        return box("run", "--rm", *arguments, check=0).stdout
    assert out("entry") == "entry one two\n"
    assert out("entry", "three") == "entry three\n"
    assert out("--entrypoint", "/bin/pwd", "entry") == "/var/tmp\n"
    assert out("--entrypoint=", "entry", "sh", "-c", "echo $COLOUR") == "green\n"
    assert out("-e", "COLOUR=red", "--entrypoint", "sh", "entry", "-c", "echo $COLOUR") == "red\n"


def test_options_behind_the_image_belong_to_the_program(box):
    assert box("run", "--rm", "box", "echo", "--rm", "-it", "--", "x", check=0).stdout == "--rm -it -- x\n"
    assert box("run", "--rm", "--", "box", "echo", "-n", "x", check=0).stdout == "x"


def test_working_directory_is_made(box):
    assert box.sh(["-w", "/srv/new/deep"], "pwd") == "/srv/new/deep"


@pytest.mark.parametrize("command, code", [
    (["true"], 0), (["sh", "-c", "exit 7"], 7), (["nosuch"], 127), (["/nosuch"], 127), (["/etc/passwd"], 126),
    (["/etc"], 126),
])
def test_exit_codes(box, command, code):
    done = box("run", "--rm", "box", *command, check=code)
    assert (done.stderr == "") == (code < 125)


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_end_by_signal(box, name):
    process = box.start(["--rm", "--init", "--name", "ending"])
    box("kill", "-s", name, "ending", check=0)
    assert process.wait(20) == 128 + getattr(signal, f"SIG{name}")


def test_signals_are_passed_on(box):
    script = "trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.05; done"
    process = box.start(["--rm"], "sh", "-c", script)
    process.send_signal(signal.SIGUSR1)
    assert process.communicate(timeout=20)[0] == "got\n"
    assert process.returncode == 9


def test_standard_input_only_when_asked_for(box):
    assert box.sh([], "cat", input="lost") == ""
    assert box.sh(["-i"], "cat", input="kept") == "kept"
    assert box("run", "--rm", "-i", "box", "cat", input=b"\0\xff\r\n", text=False, check=0).stdout == b"\0\xff\r\n"


def test_attach(box):
    done = box("run", "--rm", "-a", "stderr", "box", "sh", "-c", "echo out; echo err >&2", check=0)
    assert (done.stdout, done.stderr) == ("", "err\n")


def test_closed_standard_descriptors_become_the_null_device(box):
    """Otherwise a file of the store is the program's output."""
    script = "for n in 0 1 2; do test $(stat -L -c %t:%T /proc/$$/fd/$n) = 1:3 || exit $((n + 1)); done; echo lost; exit 9"
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh",
                           *box.argv("run", "--rm", "-i", "box", "sh", "-c", script)], timeout=60)
    assert done.returncode == 9


def test_init_reaps_and_is_pid_1(box):
    assert box.sh(["--init"], "sh -c 'sleep 0.05 & exit 0'; sleep 0.3; echo $$; ps | grep -c '[Z] '; true") == "2\n0"


# --- names and namespaces ------------------------------------------------------------------------------------------

def test_host_name(box):
    assert box.sh(["-h", "web", "--domainname", "example.org"],
                  "hostname; cat /etc/hostname /proc/sys/kernel/domainname") == "web\nweb\nexample.org"
    assert re.fullmatch("[0-9a-f]{12}", box.sh([], "hostname"))


NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "uts"]


def shared_with_host(box, flags):
    inside = dict(line.split() for line in box.sh(
        flags, "for n in /proc/self/ns/*; do echo ${n##*/} $(readlink $n); done").splitlines())
    return {name for name in inside if inside[name] == os.readlink(f"/proc/self/ns/{name}")}


@pytest.mark.parametrize("flags, shared", [
    ([], {"user"}),
    (["--network", "host"], {"user", "net"}),
    (["--net=none"], {"user"}),
    (["--pid", "host"], {"user", "pid", "pid_for_children"}),
    (["--ipc", "host"], {"user", "ipc"}),
    (["--uts", "host"], {"user", "uts"}),
    (["--cgroupns", "host"], {"user", "cgroup"}),
    (["--timens", "host"], {"user", "time", "time_for_children"}),
    (["--userns", "auto"], set()),
])
def test_namespaces(box, flags, shared):
    assert shared_with_host(box, flags) == shared


@pytest.mark.parametrize("flag, name", [("network", "net"), ("pid", "pid"), ("ipc", "ipc")])
def test_namespaces_of_another_container(box, flag, name):
    process = box.start(["--rm", "--name", "other"])
    pid = box.containers()["other"]["pid"]
    link = os.readlink(f"/proc/{pid}/ns/{name}")
    assert box.sh([f"--{flag}", "container:other"], f"readlink /proc/self/ns/{name}") == link
    box("kill", "other", check=0)
    process.wait(20)


def test_namespace_by_path(box):
    link = os.readlink("/proc/self/ns/uts")
    assert box.sh([f"--uts=ns:/proc/{os.getpid()}/ns/uts"], "readlink /proc/self/ns/uts") == link


def test_network_none_has_a_loopback(box):
    assert box.sh(["--network", "none"], "ip -o addr | grep -c 'lo .*127.0.0.1/8'; ls /sys/class/net") == "1\nlo"


def test_shared_memory_of_the_host(box):
    Path("/dev/shm/mark").write_text("host's")
    try:
        assert box.sh(["--ipc", "host"], "cat /dev/shm/mark") == "host's"
        assert box.sh([], "ls /dev/shm") == ""
        assert box.sh(["--ipc", "none"], "ls -d /dev/shm || echo absent", check=0) == "absent"
    finally:
        os.unlink("/dev/shm/mark")


def test_hosts_and_resolver(box):
    out = box.sh(["--add-host", "db:10.0.0.5", "--add-host=six=[2001:db8::1]", "--dns", "192.0.2.53", "--dns-search",
                  "example.org", "--dns-option", "ndots:2"], "cat /etc/hosts /etc/resolv.conf")
    assert "127.0.0.1\tlocalhost" in out and "10.0.0.5\tdb" in out and "2001:db8::1\tsix" in out
    assert "nameserver 192.0.2.53\nsearch example.org\noptions ndots:2" in out


@pytest.fixture
def etc_image(box, rootfs_template, tmp_path):
    """An image whose root file system a test has changed: etc_image(change) imports it as "etcetera"."""
    def make(change):
        top = tmp_path / "top"
        subprocess.run(["cp", "-a", f"{rootfs_template}/.", top], check=True)
        change(top)
        tar = subprocess.run(["tar", "-C", top, "-c", "."], capture_output=True, check=True).stdout
        box("import", "-", "etcetera", input=tar, text=False, check=0)
    yield make
    box("rmi", "etcetera", check=0)


LOOK = "stat -c '%a %u %g' /etc/ /etc/hosts; grep -c localhost /etc/hosts; hostname | cmp - /etc/hostname && echo same"


def test_etc_keeps_its_owner_and_mode(box, etc_image):
    def change(top):
        os.chown(top / "etc", 5, 6)
        os.chmod(top / "etc", 0o2751)
        (top / "etc/hosts").symlink_to("/nowhere")
    etc_image(change)
    assert box.sh([], LOOK, image="etcetera") == "2751 5 6\n644 0 0\n2\nsame"
    assert box.sh(["--userns", "auto"], LOOK, image="etcetera") == "2751 5 6\n644 0 0\n2\nsame"


@pytest.mark.parametrize("how", ["link", "absent", "attributes"])
def test_etc_of_other_kinds(box, etc_image, how):
    def change(top):
        if how == "link":
            (top / "etc").rename(top / "conf")
            (top / "etc").symlink_to("conf")
        elif how == "absent":
            subprocess.run(["rm", "-r", top / "etc"], check=True)
        else:
            os.setxattr(top / "etc", "user.note", b"kept")
    etc_image(change)
    assert box.sh([], LOOK, image="etcetera") == "755 0 0\n644 0 0\n2\nsame"
    assert box.sh(["--userns", "auto"], LOOK, image="etcetera") == "755 0 0\n644 0 0\n2\nsame"


def test_etc_that_is_mounted(box, tmp_path):
    (tmp_path / "etc").mkdir()
    assert box.sh(["-v", f"{tmp_path}/etc:/etc"], LOOK).endswith("2\nsame")
    assert box.sh(["--tmpfs", "/etc"], LOOK).endswith("2\nsame")


def test_etc_files_can_be_replaced(box):
    assert box.sh([], "echo mine > /tmp/h && mv /tmp/h /etc/hosts && cat /etc/hosts") == "mine"


def test_sysctl(box):
    assert box.sh(["--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.shm_rmid_forced=1"],
                  "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced") == "1\n1"


# --- user namespace ------------------------------------------------------------------------------------------------

def test_userns_auto_makes_root_nobody_outside(box):
    process = box.start(["--rm", "--userns", "auto", "--name", "mapped"])
    pid = box.containers()["mapped"]["pid"]
    assert os.stat(f"/proc/{pid}").st_uid >= 100000
    box("kill", "mapped", check=0)
    process.wait(20)


def test_userns_files_are_owned_as_the_image_says(box):
    assert box.sh(["--userns", "auto"], "stat -c '%u %g' /bin/busybox /etc/passwd; touch /root/new; "
                  "stat -c %u /root/new; chown 1000:1000 /root/new; stat -c '%u:%g' /root/new /etc/hosts"
                  ) == "0 0\n0 0\n0\n1000:1000\n0:0"


def test_userns_ranges_do_not_overlap_and_are_given_back(box):
    processes = [box.start(["--rm", "--userns", "auto", "--name", f"range{i}"]) for i in range(3)]
    maps = [Path(f"/proc/{c['pid']}/uid_map").read_text().split() for c in box.containers().values()]
    starts = sorted(int(m[1]) for m in maps)
    assert len(starts) == 3 and all(int(m[2]) == 65536 for m in maps)
    assert all(b - a >= 65536 for a, b in zip(starts, starts[1:]))
    assert len(os.listdir("/run/coffer/ids")) == 3
    for i, process in enumerate(processes):
        box("kill", f"range{i}", check=0)
        process.wait(20)
    assert os.listdir("/run/coffer/ids") == []


def test_explicit_id_maps(box):
    out = box.sh(["--uidmap", "0:300000:1000", "--uidmap", "1000:400000:1", "--gidmap", "0:500000:2000"],
                 "cat /proc/self/uid_map /proc/self/gid_map")
    assert [line.split() for line in out.splitlines()] == [["0", "300000", "1000"], ["1000", "400000", "1"],
                                                           ["0", "500000", "2000"]]


# --- resources -----------------------------------------------------------------------------------------------------

def group_file(box, flags, v1, v2):
    """A file of the container's own group, as it reads inside."""
    return box.sh(flags, f"cat /sys/fs/cgroup/{v2 if V2 else v1}")


@pytest.mark.parametrize("flags, v1, v2", [
    (["-m", "64m"], ("memory/memory.limit_in_bytes", "67108864"), ("memory.max", "67108864")),
    (["-m64m"], ("memory/memory.memsw.limit_in_bytes", "134217728"), ("memory.swap.max", "67108864")),
    (["-m", "64m", "--memory-swap", "96m"], ("memory/memory.memsw.limit_in_bytes", "100663296"),
     ("memory.swap.max", "33554432")),
    (["--memory-reservation", "32m"], ("memory/memory.soft_limit_in_bytes", "33554432"), ("memory.low", "33554432")),
    (["--cpus", "0.5"], ("cpu/cpu.cfs_quota_us", "50000"), ("cpu.max", "50000 100000")),
    (["--cpu-period", "50000", "--cpu-quota", "20000"], ("cpu/cpu.cfs_period_us", "50000"), ("cpu.max", "20000 50000")),
    (["-c", "512"], ("cpu/cpu.shares", "512"), None),
    (["--cpuset-cpus", "0"], ("cpuset/cpuset.cpus", "0"), ("cpuset.cpus", "0")),
    (["--cpuset-mems", "0"], ("cpuset/cpuset.mems", "0"), ("cpuset.mems", "0")),
    (["--pids-limit", "77"], ("pids/pids.max", "77"), ("pids.max", "77")),
    (["--pids-limit", "-1"], ("pids/pids.max", "max"), ("pids.max", "max")),
    ([], ("pids/pids.max", "4096"), ("pids.max", "4096")),
])
def test_limits_reach_the_group(box, flags, v1, v2):
    case = v2 if V2 else v1
    if case is None:
        pytest.skip("cgroup v2 keeps a weight instead of shares; the cgroup wall's own tests check the conversion")
    assert group_file(box, flags, case[0], case[0]) == case[1]


@pytest.mark.skipif(V2, reason="cgroup v2 has neither swappiness nor an OOM killer that can be turned off")
def test_limits_of_cgroup_v1(box):
    assert group_file(box, ["--memory-swappiness", "7"], "memory/memory.swappiness", "") == "7"
    out = group_file(box, ["-m", "64m", "--oom-kill-disable"], "memory/memory.oom_control", "")
    assert "oom_kill_disable 1" in out


@pytest.fixture
def disk():
    """A node of a real block device, without the name that the host has for it."""
    with open("/proc/partitions") as f:
        rows = [line.split() for line in f.readlines()[2:]]
    rows = [row for row in rows if int(row[1]) == 0 or not row[3][-1].isdigit()]
    if not rows:
        pytest.skip("this machine has no block device")
    os.mknod("/dev/testdisk", stat.S_IFBLK | 0o600, os.makedev(int(rows[0][0]), int(rows[0][1])))
    yield f"{rows[0][0]}:{rows[0][1]}"
    os.unlink("/dev/testdisk")


@pytest.mark.parametrize("flag, value, v1, number", [
    ("--device-read-bps", "1mb", "read_bps", "1048576"), ("--device-write-bps", "2m", "write_bps", "2097152"),
    ("--device-read-iops", "100", "read_iops", "100"), ("--device-write-iops", "200", "write_iops", "200")])
def test_block_io_throttles(box, disk, flag, value, v1, number):
    out = group_file(box, [f"{flag}=/dev/testdisk:{value}"], f"blkio/blkio.throttle.{v1}_device", "io.max")
    key = {"read_bps": "rbps", "write_bps": "wbps", "read_iops": "riops", "write_iops": "wiops"}[v1]
    assert f"{key}={number}" in out if V2 else out == f"{disk} {number}"


def test_resource_limits_and_oom_score(box):
    out = box.sh(["--ulimit", "nofile=100:200", "--ulimit", "core=-1", "--oom-score-adj", "321"],
                 "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj")
    assert out == "100\n200\n321"


def test_cgroup_parent(box):
    out = box.sh(["--cgroupns", "host", "--cgroup-parent", "/lodge"], "cat /proc/self/cgroup")
    assert re.search(r":/lodge/[0-9a-f]{64}$", out, re.M)
    for top, folders, _ in os.walk("/sys/fs/cgroup"):
        if "lodge" in folders:
            os.rmdir(os.path.join(top, "lodge"))


# --- files and devices ---------------------------------------------------------------------------------------------

def test_root_file_system_is_private_and_writable(box):
    assert box.sh([], "echo changed > /etc/passwd; rm /bin/vi; cat /etc/passwd") == "changed"
    assert box.sh([], "head -c4 /etc/passwd; ls /bin/vi") == "root/bin/vi"


def test_read_only_root(box):
    assert box.sh(["--read-only", "--tmpfs", "/scratch"], "touch /x || touch /etc/hosts || touch /scratch/y && "
                  "ls /scratch") == "y"


def mount_options(box, flags, target):
    """The per-mount and super block options of what is mounted there, as sets."""
    out = box.sh(flags, f"grep ' {target} ' /proc/self/mountinfo")
    before, after = out.splitlines()[-1].split(" - ")
    return set(before.split()[5].split(",")) | set(after.split()[2].split(","))


def test_tmpfs(box):
    assert {"rw", "noexec", "nosuid", "nodev"} <= mount_options(box, ["--tmpfs", "/t"], "/t")
    options = mount_options(box, ["--tmpfs", "/t:exec,size=1m,mode=700,ro"], "/t")
    assert {"ro", "nosuid", "nodev", "size=1024k", "mode=700"} <= options and "noexec" not in options
    options = mount_options(box, ["--mount", "type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1770"], "/t")
    assert {"size=2048k", "mode=1770"} <= options


def test_shm_size(box):
    assert "size=1024k" in mount_options(box, ["--shm-size", "1m"], "/dev/shm")
    assert "size=65536k" in mount_options(box, [], "/dev/shm")


@pytest.fixture
def shared(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "file").write_text("from the host")
    return folder


def test_volume(box, shared):
    assert box.sh(["-v", f"{shared}:/mnt/new/place"], "cat /mnt/new/place/file; echo back > /mnt/new/place/answer"
                  ) == "from the host"
    assert (shared / "answer").read_text() == "back\n"
    assert box.sh(["-v", f"{shared}/file:/one"], "cat /one") == "from the host"


@pytest.mark.parametrize("how", [
    lambda d: ["-v", f"{d}:/m:ro"],
    lambda d: ["-v", f"{d}:/m:rro,z"],
    lambda d: ["--mount", f"type=bind,source={d},target=/m,readonly"],
    lambda d: ["--mount", f'type=bind,"src={d}",dst=/m,ro=true,bind-recursive=readonly']])
def test_read_only_volume(box, shared, how):
    assert box.sh(how(shared), "cat /m/file; touch /m/x 2>/dev/null || echo refused") == "from the hostrefused"


def test_read_only_volume_is_read_only_below_too(box, shared):
    (shared / "below").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", shared / "below"], check=True)
    try:
        script = "touch /m/below/x 2>/dev/null && echo written || echo refused"
        assert box.sh(["-v", f"{shared}:/m:ro"], script) == "refused"
        assert box.sh(["--mount", f"type=bind,src={shared},dst=/m,ro,bind-recursive=writable"], script) == "written"
        assert box.sh(["--mount", f"type=bind,src={shared},dst=/m,bind-nonrecursive"], "grep -c /m/below "
                      "/proc/mounts; true") == "0"
    finally:
        subprocess.run(["umount", shared / "below"], check=True)


@pytest.mark.parametrize("how, words", [("private", ["rshared", "slave"]), ("shared", []), ("slave", ["rshared"])])
def test_propagation_needs_a_mount_that_propagates(box, tmp_path, how, words):
    source = tmp_path / "source"
    source.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "--make-shared", "tmpfs", source], check=True)
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(["mount", "--bind", source, copy], check=True)
    subprocess.run(["mount", f"--make-{how}", copy], check=True)
    try:
        for word in ("rshared", "slave"):
            done = box("run", "--rm", "-v", f"{copy}:/m:{word}", "box", "true", check=125 if word in words else 0)
            assert (f"{word} has no effect" in done.stderr) == (word in words)
    finally:
        subprocess.run(["umount", copy, source], check=True)


def test_volume_options(box, shared):
    options = mount_options(box, ["-v", f"{shared}:/m:nosuid,nodev,noexec"], "/m")
    assert {"nosuid", "nodev", "noexec"} <= options


def test_relative_volume(box, shared):
    assert box.sh(["-v", "./shared:/m"], "cat /m/file", cwd=shared.parent) == "from the host"


def test_idmapped_volume(box, shared):
    out = box.sh(["--userns", "auto", "-v", f"{shared}:/m:idmap"], "stat -c %u /m/file; touch /m/new")
    assert out == "0" and (shared / "new").stat().st_uid == 0
    assert box.sh(["--userns", "auto", "-v", f"{shared}:/m"], "stat -c %u /m/file") == "65534"


def test_volume_in_place_of_a_default_mount(box, shared):
    assert box.sh(["-v", f"{shared}:/dev/shm"], "cat /dev/shm/file") == "from the host"
    assert box.sh(["-v", f"{shared}/file:/etc/hosts:ro"], "cat /etc/hosts") == "from the host"


def test_device(box):
    script = "ls -l /dev/other | cut -c1; (: < /dev/other) && echo reads; (: > /dev/other) 2>/dev/null || echo no writes"
    assert box.sh(["--device", "/dev/fuse:/dev/other:r"], script) == "c\nreads\nno writes"
    assert box.sh(["--device", "/dev/fuse"], "(: > /dev/fuse) && echo writes") == "writes"
    assert box.sh([], "ls /dev/fuse 2>/dev/null || echo absent") == "absent"


def test_directory_of_devices(box):
    assert box.sh(["--device", "/dev/net:/dev/nets"], "ls /dev/nets") == "tun"


def test_device_rule(box):
    script = "mknod /tmp/f c 10 229 && (: < /tmp/f) 2>/dev/null && echo opened || echo refused"
    flags = ["--cap-add", "MKNOD", "--security-opt", "landlock=off"]
    assert box.sh(flags, script) == "refused"
    assert box.sh([*flags, "--device-cgroup-rule", "c 10:229 rm"], script) == "opened"


# --- privilege -----------------------------------------------------------------------------------------------------

DOCKER = {"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
          "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"}
NUMBERS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
           "NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_CHROOT": 18, "MKNOD": 27, "AUDIT_WRITE": 29,
           "SETFCAP": 31}
DEFAULT = DOCKER - {"NET_RAW", "MKNOD", "AUDIT_WRITE"}


def status(box, flags):
    return dict(line.split(":\t", 1) for line in box.sh(flags, "cat /proc/self/status").splitlines() if ":\t" in line)


def sets(box, flags):
    fields = status(box, flags)
    return {name: int(fields[name], 16) for name in ("CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb")}


def bits(names):
    return sum(1 << NUMBERS[name] for name in names)


@pytest.mark.parametrize("flags, names", [
    ([], DEFAULT),
    (["--profile", "docker"], DOCKER),
    (["--cap-drop", "all", "--cap-add", "cap_net_bind_service"], {"NET_BIND_SERVICE"}),
    (["--cap-drop=ALL"], set()),
    (["--cap-drop", "CHOWN", "--cap-drop=CAP_KILL"], DEFAULT - {"CHOWN", "KILL"}),
    (["--cap-add", "NET_RAW"], DEFAULT | {"NET_RAW"}),
])
def test_capabilities_of_root(box, flags, names):
    assert sets(box, flags) == {"CapBnd": bits(names), "CapEff": bits(names), "CapPrm": bits(names), "CapInh": 0,
                                "CapAmb": 0}


def test_all_but_some_capabilities(box):
    everything = sets(box, ["--privileged"])["CapEff"]
    assert sets(box, ["--cap-add", "ALL", "--cap-drop", "NET_RAW"])["CapEff"] == everything & ~bits({"NET_RAW"})


def test_capabilities_of_another_user(box):
    added = bits({"NET_BIND_SERVICE"})
    assert sets(box, ["-u", "1000"]) == {"CapBnd": bits(DEFAULT), "CapEff": 0, "CapPrm": 0, "CapInh": 0, "CapAmb": 0}
    found = sets(box, ["-u", "1000", "--cap-add", "NET_BIND_SERVICE"])
    assert found == {"CapBnd": bits(DEFAULT), "CapEff": added, "CapPrm": added, "CapInh": added, "CapAmb": added}
    assert sets(box, ["-u", "1000", "--cap-add", "NET_BIND_SERVICE", "--profile", "docker"])["CapEff"] == 0


def test_no_new_privs(box):
    assert status(box, [])["NoNewPrivs"] == "0"
    assert status(box, ["--security-opt", "no-new-privileges"])["NoNewPrivs"] == "1"
    assert status(box, ["--security-opt", "no-new-privileges:false"])["NoNewPrivs"] == "0"


def test_seccomp(box, tmp_path):
    assert status(box, [])["Seccomp"] == "2"
    assert status(box, ["--security-opt", "seccomp=unconfined"])["Seccomp"] == "0"
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}))
    assert "not supported" in box.sh(["--security-opt", f"seccomp={profile}"], "mkdir /x 2>&1; true")


def test_masks(box):
    script = "cat /proc/timer_list | wc -c; test -w /proc/sys/kernel && touch /proc/sys/kernel 2>/dev/null; " \
             "grep -c ' /proc/sys ' /proc/mounts; true"
    assert box.sh([], script) == "0\n1"
    assert box.sh(["--security-opt", "systempaths=unconfined"], script).split()[1] == "0"
    assert int(box.sh(["--security-opt", "unmask=/proc/timer_list", "--security-opt", "landlock=off"],
                      "cat /proc/timer_list | wc -c")) > 0
    assert box.sh(["--security-opt", "unmask=/proc/*"], "grep -c ' /proc/' /proc/mounts; true") == "0"
    assert box.sh(["--security-opt", "mask=/proc/version:/etc/group"], "cat /proc/version /etc/group") == ""


@pytest.mark.parametrize("flags, layers", [
    ([], "1"), (["--security-opt", "landlock=on"], "1"), (["--security-opt", "landlock=off"], "0"),
    (["--profile", "docker"], "0"), (["--cap-add", "SYS_ADMIN"], "0")])
def test_landlock(box, flags, layers):
    row = next(line for line in box("hello", *flags, check=0).stdout.splitlines() if "Landlock" in line)
    assert row.split()[2] == layers


def test_privileged(box):
    out = box.sh(["--privileged"], "grep -E '^(CapEff|Seccomp):' /proc/self/status; ls /dev/kmsg; "
                 "mkdir -p /tmp/m && mount -t tmpfs t /tmp/m && echo mounted; grep -c ' /proc/sys ' /proc/mounts; true")
    lines = out.splitlines()
    assert lines[1:] == ["Seccomp:\t0", "/dev/kmsg", "mounted", "0"]
    assert int(lines[0].split()[1], 16) & bits(DOCKER) == bits(DOCKER)


# --- profiles ------------------------------------------------------------------------------------------------------

def test_restricted(box):
    fields = status(box, ["--profile", "restricted", "-u", "1000"])
    assert fields["NoNewPrivs"] == "1" and fields["CapBnd"] == "0000000000000000" and fields["Seccomp"] == "2"
    assert box.sh(["--profile", "restricted", "-u", "1000"], "touch /x 2>/dev/null || touch /tmp/x && echo only there"
                  ) == "only there"
    found = sets(box, ["--profile", "restricted", "-u", "1000", "--cap-add", "NET_BIND_SERVICE"])
    assert found["CapEff"] == bits({"NET_BIND_SERVICE"})


def test_ping_without_a_raw_socket(box):
    assert box.sh([], "cat /proc/sys/net/ipv4/ping_group_range") == "0\t2147483647"
    assert box.sh(["--userns", "auto"], "cat /proc/sys/net/ipv4/ping_group_range") == "0\t65535"


def test_own_profile(box, tmp_path):
    mine = tmp_path / "mine.profile"
    mine.write_text("include = default\ncapabilities = CHOWN\npids_limit = 33\nmasked_paths += /etc/group\n")
    assert sets(box, ["--profile", mine])["CapBnd"] == bits({"CHOWN"})
    assert box.sh(["--profile", mine], "wc -c < /etc/group") == "0"
    by_name = box.root / "profiles"
    by_name.mkdir()
    (by_name / "house.profile").write_text(mine.read_text())
    assert sets(box, ["--profile", "house"])["CapBnd"] == bits({"CHOWN"})


def test_profile_show_names_lines(box):
    out = box("profile", "show", "default", check=0).stdout
    assert re.search(r"^pids_limit +4096 +default:\d+$", out, re.M)
    assert re.search(r"/proc/kcore +docker:\d+$", out, re.M)
    assert box("profile", "ls", check=0).stdout.split() == ["docker", "default", "restricted"]


def sources(box, flags):
    """What explain says of where settings came from: path to source."""
    process = box.start([*flags, "--rm", "--name", "explained"])
    config = json.loads(next((box.root / "run").glob("*/config.json")).read_text())
    explained = box("explain", "explained", "--format", "json", check=0).stdout
    box("kill", "explained", check=0)
    process.wait(20)
    lines = config["annotations"]["org.cofferdam.sources"].splitlines()
    return dict(line.split("\t") for line in lines), json.loads(explained)


def test_every_setting_has_a_source(box):
    found, explained = sources(box, ["-m", "64m", "--cap-add", "NET_RAW", "--profile", "docker"])
    assert found["linux.resources.memory.limit"] == "flag --memory 64m"
    assert found["process.capabilities[CAP_NET_RAW]"] == "flag --cap-add NET_RAW"
    line = int(re.fullmatch(r"profile docker:(\d+)", found["linux.maskedPaths[/proc/kcore]"])[1])
    text = box("profile", "text", "docker", check=0).stdout.splitlines()
    assert text[line - 1] == "masked_paths += /proc/kcore"
    assert found["process.args"] == "command line" and found["process.user"].startswith("built in")
    assert "--memory 64m" in json.dumps(explained)


def test_secrets_are_not_in_the_sources(box):
    found, _ = sources(box, ["-e", "TOKEN=hunter2"])
    assert found["process.env[TOKEN]"] == "flag --env" and not any("hunter2" in v for v in found.values())


# --- records -------------------------------------------------------------------------------------------------------

def test_life_of_a_container(box, tmp_path):
    process = box.start(["--name", "kept", "-l", "tier=web", "--cidfile", tmp_path / "cid"])
    shown = box.containers()["kept"]
    assert shown["state"] == "running" and shown["id"] == (tmp_path / "cid").read_text()
    assert os.path.exists(f"/proc/{shown['pid']}")
    assert shown["id"][:12] in box("ps", check=0).stdout
    done = box("rm", "kept", check=1)
    assert "kept is running" in done.stderr
    box("stop", "-t", "0", "kept", check=0)
    assert process.wait(20) == 128 + signal.SIGKILL
    assert box.containers()["kept"]["exitCode"] == 137
    assert "kept" not in box("ps", check=0).stdout
    box("rm", shown["id"][:10], check=0)
    assert box.containers() == {}


def test_only_what_is_removed_at_its_end_is_not_written_out_to_disk(box):
    root = "grep ' / overlay ' /proc/mounts"
    assert "volatile" in box.sh([], root)
    kept = box("run", "--name", "lasting", "box", "sh", "-c", root, check=0).stdout
    box("rm", "lasting", check=0)
    assert "overlay" in kept and "volatile" not in kept


def test_stop_uses_the_images_signal(box):
    script = "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done"
    process = box.start(["--rm", "--name", "polite"], "sh", "-c", script, image="asuser")
    box("stop", "polite", check=0)
    assert process.wait(20) == 42


def test_exit_code_is_recorded(box):
    box("run", "--name", "done", "box", "sh", "-c", "exit 5", check=5)
    assert box.containers()["done"] | {"id": 0, "created": 0} == {
        "id": 0, "name": "done", "image": "box", "state": "exited", "pid": 0, "exitCode": 5, "created": 0,
        "args": ["sh", "-c", "exit 5"]}
    box("rm", "done", check=0)


def test_image_in_use_is_kept(box):
    process = box.start(["--rm", "--name", "user-of-image"], image="asuser", *[])
    done = box("rmi", "asuser", check=1)
    assert done.stderr.startswith("coffer: image: ")
    box("kill", "user-of-image", check=0)
    process.wait(20)


def test_a_killed_run_leaves_what_rm_clears(box):
    process = box.start(["--rm", "--name", "orphan"])
    process.kill()
    process.wait()
    assert box.containers()["orphan"]["state"] == "running"
    box("rm", "-f", "orphan", check=0)


def test_a_killed_run_whose_program_ended_is_cleared(box):
    process = box.start(["--rm", "--name", "gone"])
    pid = box.containers()["gone"]["pid"]
    process.kill()
    process.wait()
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert box.containers() == {}


TRACED = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # which does not work under a tracer


def calls_of(box, arguments, trace):
    """The system calls that `coffer run` itself makes: name and how many of that name there were, up to and with it."""
    subprocess.run(["strace", "-o", trace, *box.argv(*arguments)], capture_output=True, check=True, env=TRACED)
    seen, calls = collections.Counter(), []
    for line in trace.read_text().splitlines():
        name = re.match(r"(\w+)\(", line)
        if name:
            seen[name[1]] += 1
            calls.append((name[1], seen[name[1]]))
    return calls


@pytest.mark.parametrize("flags", [["--rm"], ["--rm", "--userns", "auto"]], ids=["plain", "userns"])
def test_a_run_killed_at_any_call_leaves_nothing(box, flags, tmp_path):
    """SIGKILL at every fifth system call of `coffer run`; what is left is cleared by the next look."""
    arguments = ["run", *flags, "--name", "victim", "box", "true"]
    calls = [c for c in calls_of(box, arguments, tmp_path / "trace") if c[0] not in ("execve", "exit_group")]
    before, groups = box.contents(), leaks.snapshot()
    killed = 0
    for name, count in calls[::5]:
        done = subprocess.run(["strace", "-o", tmp_path / "trace", "-e", f"inject={name}:signal=KILL:when={count}",
                               *box.argv(*arguments)], capture_output=True, env=TRACED)
        killed += done.returncode != 0
        deadline = time.monotonic() + 10
        while box.containers() != {} and time.monotonic() < deadline:
            time.sleep(0.01)  # its program may be about to end
        assert box.contents() == before, f"killed at {name} {count}"
    assert killed > len(calls) / 5 * 0.9
    assert leaks.leaked(groups, patience=5.0) == []
    assert not os.path.exists("/run/coffer/ids") or os.listdir("/run/coffer/ids") == []


def test_names_are_unique_and_free_again(box):
    process = box.start(["--rm", "--name", "only"])
    done = box("run", "--rm", "--name", "only", "box", "true", check=125)
    assert "another container has this name" in done.stderr
    box("kill", "only", check=0)
    process.wait(20)
    box("run", "--rm", "--name", "only", "box", "true", check=0)


# --- other commands ------------------------------------------------------------------------------------------------

def test_hello(box):
    done = box("hello", check=0, env={**os.environ, "COLUMNS": "120"})
    assert "INSIDE" in done.stdout and "OUTSIDE" in done.stdout
    row = next(line for line in done.stdout.splitlines() if "own PID" in line)
    inside, outside = row.split()[-2:]
    assert inside == "1" and int(outside) > 1
    assert all(len(line) <= 120 for line in done.stdout.splitlines())


def test_version_info_help(box):
    assert box("--version", check=0).stdout.startswith("coffer ")
    assert json.loads(box("version", "--format", "json", check=0).stdout)["ociVersion"]
    assert json.loads(box("info", "-f", "json", check=0).stdout)["root"] == str(box.root)
    overview = box("--help", check=0).stdout
    for command in ("run", "hello", "load", "import", "images", "rmi", "explain", "ps", "rm", "kill", "stop"):
        assert f"  {command} " in overview
        assert box(command, "--help", check=0).stdout.startswith(f"Usage: coffer {command} ")


def test_output_that_cannot_be_written_is_an_error(box):
    with open("/dev/full", "w") as full:
        done = subprocess.run(box.argv("images"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0 and "standard output" in done.stderr


def test_stores_stand_side_by_side(box, rootfs_template, tmp_path):
    other = boxes.make(rootfs_template, tmp_path / "other")
    process = box.start(["--rm", "--name", "same"])
    second = other.start(["--rm", "--name", "same"])
    assert box.containers()["same"]["id"] != other.containers()["same"]["id"]
    box("kill", "same", check=0)
    other("kill", "same", check=0)
    process.wait(20), second.wait(20)
