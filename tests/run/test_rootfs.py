# SPDX-License-Identifier: Apache-2.0
"""The mount tree in real containers: what is masked shows nothing, what is read-only cannot be written, no link of the
image leads a mount elsewhere, and ids are mapped both ways. Each wall's test is also run with the wall away."""
import contextlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from attempts import NotRun, attempt, fails_without_the_wall, refused, run, shell
from conftest import BUILD

DRIVER = BUILD / "tests/run/rootfs-driver"
HOST_ID = 300000


def add_mount(bundle, destination, source, *options, kind="bind", **members):
    bundle.config["mounts"].append(
        {"destination": destination, "type": kind, "source": str(source), "options": list(options), **members})
    return bundle


def user_namespace(bundle, first=HOST_ID):
    linux = bundle.config["linux"]
    linux["namespaces"].append({"type": "user"})
    linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": first, "size": 65536}]
    return bundle


def mount_options(oci, bundle, path):
    """The options that the container's own mountinfo shows for what is mounted last at path."""
    lines = shell(oci, bundle, "cat /proc/self/mountinfo").splitlines()
    fields = [line.split() for line in lines if line.split()[4] == path][-1]
    return set(fields[5].split(","))


# --- masked and read-only paths ----------------------------------------------------------------------------------

def masked(oci, bundle):
    assert shell(oci, bundle, "cat /proc/timer_list /proc/keys; ls -A /proc/acpi /sys/firmware | grep -v :") == ""


def test_masked_paths_show_nothing(oci, bundle):
    masked(oci, bundle)


def test_control_without_masks_they_show(oci, bundle):
    bundle.without("linux.maskedPaths")
    fails_without_the_wall(masked, oci, bundle)


def test_directories_are_masked_by_one_file_system(oci, bundle):
    (bundle.rootfs / "secret").mkdir()
    (bundle.rootfs / "secret/key").write_text("x")
    bundle.config["linux"]["maskedPaths"] += ["/secret", "/does/not/exist"]
    devices = shell(oci, bundle, "ls -A /secret; stat -c %d /secret /sys/firmware").split()
    assert len(devices) == 2 and devices[0] == devices[1]
    assert not (bundle.rootfs / "does").exists(), "a missing path must not be made"


def test_a_masked_file_of_the_image(oci, bundle):
    (bundle.rootfs / "etc/shadow").write_text("secret")
    (bundle.rootfs / "etc/link").symlink_to("shadow")
    bundle.config["linux"]["maskedPaths"].append("/etc/link")
    assert shell(oci, bundle, "cat /etc/shadow") == ""


def read_only(oci, bundle):
    assert attempt(oci, bundle, "open", "/proc/sys/kernel/domainname") == "EROFS"


def test_read_only_paths(oci, bundle):
    read_only(oci, bundle)


def test_control_without_read_only_paths_they_can_be_written(oci, bundle):
    bundle.without("linux.readonlyPaths")
    fails_without_the_wall(read_only, oci, bundle)


def test_a_read_only_path_of_the_image(oci, bundle):
    bundle.config["linux"]["readonlyPaths"] += ["/etc", "/missing"]
    assert attempt(oci, bundle, "create", "/etc/new") == "EROFS"
    assert attempt(oci, bundle, "create", "/tmp/new") == "ok"


def test_a_read_only_root(oci, bundle):
    bundle.config["root"]["readonly"] = True
    assert attempt(oci, bundle, "create", "/new") == "EROFS"
    assert attempt(oci, bundle, "create", "/dev/shm/new") == "ok"
    assert not (bundle.rootfs / "new").exists()


def test_control_a_writable_root(oci, bundle):
    assert attempt(oci, bundle, "create", "/new") == "ok"
    assert (bundle.rootfs / "new").exists()


# --- what is mounted ---------------------------------------------------------------------------------------------

def test_nothing_of_the_old_root_is_left(oci, bundle):
    paths = shell(oci, bundle, "cut -d' ' -f5 /proc/self/mountinfo").splitlines()
    expected = ("/", "/proc", "/dev", "/sys")
    assert all(p in expected or p.startswith(tuple(f"{e}/" for e in expected[1:])) for p in paths), paths
    assert len(paths) == len(set(paths))


def test_no_descriptor_is_left(oci, bundle):
    # 3 is ls's own, on the directory that it lists
    assert shell(oci, bundle, "ls /proc/self/fd").split() == ["0", "1", "2", "3"]


def test_dev(oci, bundle):
    bundle.config["linux"]["devices"] = [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 5, "gid": 6},
        {"path": "/dev/net/tun", "type": "c", "major": 10, "minor": 200},
        {"path": "/dev/pipe", "type": "p"}]
    seen = shell(oci, bundle, "cd /dev; stat -c '%n %F %t:%T %a %u:%g' null zero full random urandom tty fuse net/tun "
                              "pipe; for l in fd stdin stdout stderr ptmx; do echo $l $(readlink $l); done")
    assert seen.splitlines() == [
        "null character special file 1:3 666 0:0", "zero character special file 1:5 666 0:0",
        "full character special file 1:7 666 0:0", "random character special file 1:8 666 0:0",
        "urandom character special file 1:9 666 0:0", "tty character special file 5:0 666 0:0",
        "fuse character special file a:e5 640 5:6", "net/tun character special file a:c8 666 0:0",
        "pipe fifo 0:0 666 0:0", "fd /proc/self/fd", "stdin /proc/self/fd/0", "stdout /proc/self/fd/1",
        "stderr /proc/self/fd/2", "ptmx pts/ptmx"]


def without_mknod(oci):
    oci.prefix = ["setpriv", "--bounding-set", "-mknod"]
    return oci


def test_devices_are_bound_where_nodes_cannot_be_made(oci, bundle):
    for name in bundle.config["process"]["capabilities"].values():
        name.remove("CAP_MKNOD")
    without_mknod(oci)
    assert shell(oci, bundle, "echo x > /dev/null; stat -c %t:%T /dev/null /dev/tty; head -c1 /dev/zero | wc -c"
                 ).split() == ["1:3", "5:0", "1"]
    masked(oci, bundle)


def test_what_the_image_has_for_devices_is_replaced(oci, bundle):
    """CVE-2025-31133: an image's own "/dev/null" must neither be used as a mask nor stand in for the device."""
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if not m["destination"].startswith("/dev")]
    (bundle.rootfs / "etc/target").write_text("from the image\n")
    (bundle.rootfs / "dev/null").symlink_to("/etc/target")
    (bundle.rootfs / "dev/zero").write_text("no device")
    assert shell(oci, bundle, "stat -c %t:%T /dev/null /dev/zero; cat /proc/timer_list").split() == ["1:3", "1:5"]
    assert (bundle.rootfs / "etc/target").read_text() == "from the image\n"


def test_a_dev_that_is_a_link_stays_inside(oci, bundle):
    """CVE-2026-47766: what goes to /dev goes to the image's target, seen from the container's root."""
    (bundle.rootfs / "dev").rmdir()
    (bundle.rootfs / "elsewhere").mkdir()
    (bundle.rootfs / "dev").symlink_to("/elsewhere")
    before = sorted(os.listdir("/"))
    assert shell(oci, bundle, "stat -c %t:%T /elsewhere/null; ls -d /dev/pts") == "1:3\n/dev/pts"
    assert sorted(os.listdir("/")) == before


def run_on_terminal(oci, bundle, tmp_path):
    """Run with a console socket: the finished process and what came out of the terminal."""
    bundle.config["process"]["terminal"] = True
    bundle.write()
    path = tmp_path / "console"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)
        process = oci.start("run", "--console-socket", path, "-b", bundle.path, "tty", stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)
        output = b""
        readable, _, _ = select.select([listener, process.stderr], [], [], 20)
        if listener in readable:
            connection, _ = listener.accept()
            with connection:
                _, (master,), _, _ = socket.recv_fds(connection, 100, 1)
            with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
                while chunk := os.read(master, 1000):
                    output += chunk
            os.close(master)
        error = process.communicate(timeout=30)[1]
    return process.returncode, output.decode(), error


def test_a_terminal(oci, bundle, tmp_path):
    bundle.shell("test -t 0 && stat -c %t /dev/console && test /dev/console -ef $(tty) && echo same; exit 7")
    status, output, error = run_on_terminal(oci, bundle, tmp_path)
    assert (status, output.split()) == (7, ["88", "same"]), error


def test_a_terminal_needs_a_devpts(oci, bundle, tmp_path):
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if m["destination"] != "/dev/pts"]
    bundle.shell("echo started")
    status, output, error = run_on_terminal(oci, bundle, tmp_path)
    assert status != 0 and output == "" and "there is no devpts on /dev/pts" in error


def test_no_pivot(oci, bundle):
    bundle.shell("ls /bin/busybox; cat /proc/1/comm; ls /; cd ../../../..; ls -d root")
    done = oci("run", "--no-pivot", "-b", bundle.path, "nopivot", check=0)
    assert {"/bin/busybox", "sh", "root"} <= set(done.stdout.split()) and "lib" not in done.stdout.split()


def test_cgroup_shows_the_containers_own_groups(oci, bundle):
    """Java wants memory, cpu, cpuacct and cpuset; other hierarchies would show the caller's group and all below it."""
    if not Path("/sys/fs/cgroup/memory").exists():
        pytest.skip("this host has one cgroup v2 tree: there is nothing to lay out")
    bundle.config["linux"]["resources"]["memory"] = {"limit": 64 << 20}
    seen = set(shell(oci, bundle, "ls /sys/fs/cgroup").split())
    assert {"memory", "cpu", "cpuacct", "cpuset", "pids"} <= seen
    assert shell(oci, bundle, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes") == str(64 << 20)
    assert attempt(oci, bundle, "create", "/sys/fs/cgroup/new") == "EROFS"
    # Nothing but the container's own group is there: no other directory in any hierarchy.
    assert shell(oci, bundle, "find /sys/fs/cgroup/*/ -mindepth 1 -type d") == ""


def test_cgroup_without_a_namespace_binds_the_own_groups(oci, bundle):
    bundle.config["linux"]["namespaces"].remove({"type": "cgroup"})
    bundle.config["linux"]["resources"]["pids"] = {"limit": 77}
    if Path("/sys/fs/cgroup/pids").exists():
        assert shell(oci, bundle, "cat /sys/fs/cgroup/pids/pids.max") == "77"
    else:
        assert shell(oci, bundle, "test -f /sys/fs/cgroup/cgroup.procs && echo yes") == "yes"


# --- options -----------------------------------------------------------------------------------------------------

@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    (path / "file").write_text("content\n")
    return path


@pytest.fixture
def nested(data):
    """A directory with another mount in it."""
    (data / "sub").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(data / "sub")], check=True)
    yield data
    subprocess.run(["umount", "-l", str(data / "sub")], check=True)


def test_binds_of_directories_and_files(oci, bundle, data):
    add_mount(bundle, "/new/place", data, "rbind")
    add_mount(bundle, "/etc/made/file", data / "file", "bind", "ro")
    (bundle.path / "beside").write_text("relative\n")
    add_mount(bundle, "relative", "beside", "bind")
    assert shell(oci, bundle, "cat /new/place/file /etc/made/file /relative") == "content\ncontent\nrelative"
    assert attempt(oci, bundle, "open", "/etc/made/file") == "EROFS"
    assert attempt(oci, bundle, "open", "/new/place/file") == "ok"


def test_ro_is_of_one_mount_and_rro_of_the_tree(oci, bundle, nested):
    add_mount(bundle, "/ro", nested, "rbind", "ro")
    add_mount(bundle, "/rro", nested, "rbind", "rro")
    add_mount(bundle, "/rnoexec", nested, "rbind", "rnoexec", "nosuid")
    assert [attempt(oci, bundle, "create", f"{path}/new") for path in ("/ro", "/ro/sub", "/rro", "/rro/sub")] == [
        "EROFS", "ok", "EROFS", "EROFS"]
    assert {"noexec", "nosuid"} <= mount_options(oci, bundle, "/rnoexec")
    below = mount_options(oci, bundle, "/rnoexec/sub")
    assert "noexec" in below and "nosuid" not in below


def test_attributes_of_file_systems(oci, bundle):
    add_mount(bundle, "/t", "tmpfs", "nosuid", "nodev", "noexec", "noatime", "nosymfollow", "size=64k", "mode=700",
              kind="tmpfs")
    assert {"nosuid", "nodev", "noexec", "noatime", "nosymfollow"} <= mount_options(oci, bundle, "/t")
    assert shell(oci, bundle, "stat -c %a /t; head -c 100000 /dev/zero 2>/dev/null > /t/f; stat -c %s /t/f"
                 ).split() == ["700", "65536"]


def test_a_read_only_tmpfs_takes_what_is_mounted_in_it(oci, bundle, data):
    add_mount(bundle, "/t", "tmpfs", "ro", kind="tmpfs")
    add_mount(bundle, "/t/in", data, "bind")
    assert shell(oci, bundle, "cat /t/in/file") == "content"
    assert attempt(oci, bundle, "create", "/t/new") == "EROFS"


def test_tmpcopyup(oci, bundle):
    where = bundle.rootfs / "copied"
    (where / "a/b").mkdir(parents=True)
    (where / "a/b/file").write_text("deep\n")
    os.chown(where / "a/b/file", 12, 34)
    (where / "a/b/file").chmod(0o4751)
    (where / "link").symlink_to("/etc/passwd")
    os.mkfifo(where / "fifo")
    for i in range(300):  # more than one getdents64
        (where / f"many-{i}").touch()
    where.chmod(0o711)
    add_mount(bundle, "/copied", "tmpfs", "tmpcopyup", kind="tmpfs")
    seen = shell(oci, bundle, "cd /copied; cat a/b/file; stat -c '%a %u:%g' a/b/file .; readlink link; test -p fifo &&"
                              "ls | grep -c many; stat -f -c %T .; touch new").split("\n")
    assert seen == ["deep", "4751 12:34", "711 0:0", "/etc/passwd", "300", "tmpfs"]
    assert not (where / "new").exists()


def test_remount_changes_what_is_there(oci, bundle):
    bundle.config["mounts"].append({"destination": "/dev/shm", "options": ["remount", "ro"]})
    assert attempt(oci, bundle, "create", "/dev/shm/x") == "EROFS"


def test_overlay_as_a_mount(oci, bundle, tmp_path):
    for name in ("lower", "upper", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "lower/file").write_text("below\n")
    add_mount(bundle, "/o", "overlay", f"lowerdir={tmp_path}/lower", f"upperdir={tmp_path}/upper",
              f"workdir={tmp_path}/work", kind="overlay")
    assert shell(oci, bundle, "cat /o/file; echo above > /o/file; cat /o/file").split() == ["below", "above"]
    assert (tmp_path / "lower/file").read_text() == "below\n"
    assert (tmp_path / "upper/file").read_text() == "above\n"


@pytest.fixture
def shared(tmp_path):
    """A mount that is shared with whoever copies it."""
    path = tmp_path / "shared"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(path)], check=True)
    subprocess.run(["mount", "--make-shared", str(path)], check=True)
    (path / "in").mkdir()
    (path / "out").mkdir()
    yield path
    subprocess.run(["umount", "-R", "-l", str(path)], check=True)


def mounts_below(path):
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if line.split()[4].startswith(f"{path}/")]


def propagation(oci, bundle, shared, *options, root=None):
    """Does a mount in the container appear outside ("out"), and one made outside while it runs appear in it ("in")?"""
    if root:
        bundle.config["linux"]["rootfsPropagation"] = root
    for names in bundle.config["process"]["capabilities"].values():
        names.append("CAP_SYS_ADMIN")
    add_mount(bundle, "/s", shared, "rbind", *options)
    bundle.shell("mount -t tmpfs tmpfs /s/out; echo ready; read line; grep -c ' /s/in ' /proc/self/mountinfo")
    process = oci.start("run", "-b", bundle.path, "prop", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE)
    if process.stdout.readline() != "ready\n":
        raise NotRun(process.communicate()[1])
    out = str(shared / "out") in mounts_below(shared)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(shared / "in")], check=True)
    seen, _ = process.communicate("go\n", timeout=30)
    return {word for word, is_so in (("out", out), ("in", seen.strip() == "1")) if is_so}


@pytest.mark.parametrize("options, root, expected", [
    ((), None, {"in"}),                       # a slave, as under runc
    (("rprivate",), None, set()),
    (("rslave",), None, {"in"}),
    (("rshared",), None, {"in"}),             # shared inside, but the root is not: nothing gets out
    (("rshared",), "rshared", {"in", "out"}),
    ((), "rprivate", set()),
])
def test_propagation(oci, bundle, shared, options, root, expected):
    assert propagation(oci, bundle, shared, *options, root=root) == expected


def test_a_user_namespace_never_gets_a_peer_of_the_host(oci, bundle, shared):
    (shared / "out").chmod(0o777)
    user_namespace(bundle)
    subprocess.run(["chown", "-R", f"{HOST_ID}:{HOST_ID}", str(bundle.rootfs)], check=True)
    assert propagation(oci, bundle, shared, "rshared", root="rshared") == {"in"}


def test_a_shared_root_is_not_the_hosts(oci, bundle, shared):
    """The root lies on a shared mount: what is mounted in it must not appear on the host."""
    path = shared / "bundle"
    subprocess.run(["cp", "-a", str(bundle.path), str(path)], check=True)
    bundle.path, bundle.rootfs = path, path / "rootfs"
    assert shell(oci, bundle, "cat /proc/1/comm") != ""
    assert mounts_below(shared) == []


def test_mounts_of_the_root_come_along_and_stay_on_the_host(oci, bundle):
    """A root file system with a mount in it: seen inside, and still there after the pivot let go of the old tree."""
    inner = bundle.rootfs / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(inner)], check=True)
    try:
        (inner / "file").touch()
        assert shell(oci, bundle, "ls /inner") == "file"
        assert str(inner) in mounts_below(bundle.path)
    finally:
        subprocess.run(["umount", "-l", str(inner)], check=True)


# --- links of the image ------------------------------------------------------------------------------------------

def test_links_in_a_destination_resolve_inside(oci, bundle, data, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (bundle.rootfs / "absolute").symlink_to(outside)
    (bundle.rootfs / "climbing").symlink_to("../../../../../../etc")
    (bundle.rootfs / str(outside).lstrip("/")).mkdir(parents=True)
    add_mount(bundle, "/absolute/made", data, "bind")
    add_mount(bundle, "/climbing/made", data, "bind")
    assert shell(oci, bundle, f"cat {outside}/made/file /etc/made/file") == "content\ncontent"
    assert list(outside.iterdir()) == [] and not Path("/etc/made").exists()


def test_a_dangling_link_in_a_destination_is_refused(oci, bundle, data, tmp_path):
    (bundle.rootfs / "dangling").symlink_to(tmp_path / "nowhere")
    add_mount(bundle, "/dangling/made", data, "bind")
    refused(oci, bundle, "rootfs", "/dangling in the image is a symbolic link to what is not there")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_proc_and_sys_are_not_mounted_through_links(oci, bundle, name):
    """CVE-2019-19921, CVE-2023-27561."""
    (bundle.rootfs / name).rmdir()
    (bundle.rootfs / "evil").mkdir()
    (bundle.rootfs / name).symlink_to("/evil")
    refused(oci, bundle, "rootfs", f"mount /{name}: a symbolic link in the image leads elsewhere")


def test_a_link_cannot_lead_a_mount_into_proc(oci, bundle, data):
    """CVE-2019-16884: a volume of the image's choice over /proc/self/attr and the like."""
    (bundle.rootfs / "volume").symlink_to("/proc/sys")
    add_mount(bundle, "/volume", data, "bind")
    refused(oci, bundle, "rootfs", "a symbolic link in the image leads it into /proc")


def test_mounts_inside_proc_are_refused_but_for_a_few(oci, bundle, data):
    add_mount(bundle, "/proc/uptime", data / "file", "bind")
    assert shell(oci, bundle, "cat /proc/uptime") == "content"
    add_mount(bundle, "/proc/self/attr", data, "bind")
    refused(oci, bundle, "rootfs", "mount /proc/self/attr: inside /proc")


def test_a_bind_on_proc_must_be_a_proc(oci, bundle, data):
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if m["destination"] != "/proc"]
    add_mount(bundle, "/proc", data, "bind")
    refused(oci, bundle, "rootfs", "is no proc file system")


def test_masks_of_a_path_that_leads_out(oci, bundle, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("host")
    (bundle.rootfs / "out").symlink_to(outside)
    bundle.config["linux"]["maskedPaths"].append("/out")
    bundle.config["linux"]["readonlyPaths"].append("/out")
    assert shell(oci, bundle, "echo ok") == "ok"
    outside.write_text("still writable")


def test_a_missing_source_is_named(oci, bundle):
    add_mount(bundle, "/x", "/does/not/exist", "bind")
    refused(oci, bundle, "rootfs", "the source /does/not/exist does not exist")


def test_a_root_that_is_a_file_is_named(oci, bundle):
    bundle.config["root"]["path"] = "config.json"
    refused(oci, bundle, "rootfs", "Not a directory")


def test_a_missing_root_is_named(oci, bundle):
    bundle.config["root"]["path"] = "gone"
    refused(oci, bundle, "rootfs", f"root file system {bundle.path}/gone")


def test_a_directory_on_a_file_is_refused(oci, bundle, data):
    add_mount(bundle, "/etc/passwd", data, "bind")
    refused(oci, bundle, "rootfs", "a directory can only be mounted on a directory")


def test_a_bad_value_comes_with_the_kernels_words(oci, bundle):
    add_mount(bundle, "/t", "tmpfs", "size=lots", kind="tmpfs")
    refused(oci, bundle, "rootfs", 'mount /t: tmpfs: option "size=lots"')


# --- overlay and ids ---------------------------------------------------------------------------------------------

@pytest.fixture
def image(bundle, tmp_path):
    """The bundle's root as an overlay: a layer with one file over the root file system, and an upper directory."""
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "file").write_text("image\n")
    os.chown(layer / "file", 1000, 1000)
    for name in ("diff", "work"):
        (tmp_path / "snapshot" / name).mkdir(parents=True)
    bundle.layers = [layer, bundle.rootfs]
    bundle.upper = tmp_path / "snapshot/diff"
    bundle.config["annotations"] = {
        "org.cofferdam.rootfs.lower": ":".join(map(str, bundle.layers)),
        "org.cofferdam.rootfs.upper": str(bundle.upper),
        "org.cofferdam.rootfs.work": str(tmp_path / "snapshot/work")}
    return bundle


CHANGES = "cat /file; stat -c %u:%g /file /bin/busybox; echo changed > /file; touch /root/new; stat -c %u:%g /root/new"


def by_coffer_oci(oci, bundle, script):
    return shell(oci, bundle, script)


def by_kernel(version):
    def run_it(oci, bundle, script):
        bundle.shell(script)
        done = subprocess.run([*oci.prefix, DRIVER, "run", version, bundle.path / "config.json", bundle.path],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            raise NotRun(done.stdout + done.stderr)
        return done.stdout.strip()
    return run_it


# As this kernel does it, one by one but not detached (6.8), and by the helper process (before).
# A plan for a kernel newer than this one would ask for what this one has not.
THIS = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))
OLDER = [version for version in ("6.8", "5.19") if tuple(map(int, version.split("."))) <= THIS]
WAYS = [by_coffer_oci, *map(by_kernel, OLDER)]
WAY_NAMES = ["this-kernel", *OLDER]


@pytest.mark.parametrize("way", WAYS, ids=WAY_NAMES)
def test_overlay(oci, image, way):
    assert way(oci, image, CHANGES).split() == ["image", "1000:1000", "0:0", "0:0"]
    assert (image.layers[0] / "file").read_text() == "image\n"
    assert (image.upper / "file").read_text() == "changed\n"
    assert not (image.rootfs / "root/new").exists()


def ids_are_mapped(oci, image, way):
    assert way(oci, image, CHANGES + "; id -u; cat /proc/self/uid_map").split() == [
        "image", "1000:1000", "0:0", "0:0", "0", "0", str(HOST_ID), "65536"]
    for path, owner in ((image.upper / "file", 1000), (image.upper / "root/new", 0)):
        assert (path.stat().st_uid, path.stat().st_gid) == (owner, owner)


@pytest.mark.parametrize("way", WAYS, ids=WAY_NAMES)
def test_ids_of_an_overlay_are_mapped_both_ways(oci, image, way):
    user_namespace(image)
    image.config["annotations"]["org.cofferdam.rootfs.idmap"] = "true"
    ids_are_mapped(oci, image, way)


def test_control_without_idmapped_layers_the_ids_are_the_hosts(oci, image):
    user_namespace(image)
    image.config["annotations"].pop("org.cofferdam.rootfs.idmap", None)
    # The container's root is nobody there: it cannot even make mount points, so have them made.
    with pytest.raises((AssertionError, NotRun)):
        ids_are_mapped(oci, image, by_coffer_oci)


def test_ids_of_a_plain_root_are_mapped_both_ways(oci, bundle):
    user_namespace(bundle)
    bundle.config["annotations"] = {"org.cofferdam.rootfs.idmap": "true"}
    assert shell(oci, bundle, "stat -c %u:%g /bin/busybox; touch /root/new; stat -c %u:%g /root/new").split() == [
        "0:0", "0:0"]
    assert (bundle.rootfs / "root/new").stat().st_uid == 0


@pytest.mark.parametrize("way", [by_coffer_oci, by_kernel("6.7")], ids=["this-kernel", "6.7"])
def test_many_layers_with_long_names(oci, image, tmp_path, way):
    """100 layers whose names fill far more than one string of fsconfig(2) or one page of mount(2)."""
    top = tmp_path / ("long" * 50)
    layers = []
    for i in range(100):
        layer = top / f"layer-{i}"
        layer.mkdir(parents=True)
        (layer / f"file-{i}").touch()
        layers.append(layer)
    image.config["annotations"]["org.cofferdam.rootfs.lower"] = ":".join(map(str, [*layers, *image.layers]))
    assert way(oci, image, "ls / | grep -c ^file-") == "100"


def test_a_mount_with_the_containers_ids(oci, bundle, data):
    user_namespace(bundle)
    bundle.config["annotations"] = {"org.cofferdam.rootfs.idmap": "true"}
    os.chown(data / "file", 7, 8)
    add_mount(bundle, "/mapped", data, "bind", "idmap")
    add_mount(bundle, "/plain", data, "bind")
    assert shell(oci, bundle, "stat -c %u:%g /mapped/file /plain/file").split() == ["7:8", "65534:65534"]


def test_a_mount_with_ids_of_its_own(oci, bundle, data):
    os.chown(data / "file", 7, 8)
    add_mount(bundle, "/mapped", data, "bind", "idmap",
              uidMappings=[{"containerID": 0, "hostID": 5000, "size": 100}],
              gidMappings=[{"containerID": 0, "hostID": 6000, "size": 100}])
    assert shell(oci, bundle, "stat -c %u:%g /mapped/file") == "5007:6008"


@pytest.fixture
def nested_bind(data):
    """The mount below is of the same file system: a tmpfs takes no id map before Linux 6.3."""
    (data / "sub").mkdir()
    subprocess.run(["mount", "--bind", str(data / "sub"), str(data / "sub")], check=True)
    yield data
    subprocess.run(["umount", "-l", str(data / "sub")], check=True)


def test_ridmap_reaches_the_mounts_below(oci, bundle, nested_bind):
    nested = nested_bind
    (nested / "sub/file").touch()
    maps = [{"containerID": 0, "hostID": 5000, "size": 100}]
    add_mount(bundle, "/one", nested, "rbind", "idmap", uidMappings=maps, gidMappings=maps)
    add_mount(bundle, "/all", nested, "rbind", "ridmap", uidMappings=maps, gidMappings=maps)
    assert shell(oci, bundle, "stat -c %u /one/sub/file /all/sub/file").split() == ["0", "5000"]


def test_an_id_map_that_the_kernel_refuses_is_named(oci, bundle):
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    bundle.config["linux"]["uidMappings"] = bundle.config["linux"]["gidMappings"] = [
        {"containerID": 0, "hostID": 1, "size": 10}, {"containerID": 5, "hostID": 100, "size": 1}]
    refused(oci, bundle, "idmap", "their container ids overlap")


def test_a_user_namespace_without_maps_is_refused(oci, bundle):
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    refused(oci, bundle, "idmap", "linux.uidMappings")


# --- without root ------------------------------------------------------------------------------------------------

def test_rootless(user_oci, user_bundle, user_dir):
    (user_dir / "data").write_text("mine\n")
    os.chown(user_dir / "data", os.stat(user_dir).st_uid, os.stat(user_dir).st_gid)
    add_mount(user_bundle, "/data", user_dir / "data", "bind", "ro")
    assert shell(user_oci, user_bundle, "cat /data; id -u; echo x > /dev/null; stat -c %t:%T /dev/null; "
                                        "cat /proc/timer_list").split() == ["mine", "0", "1:3"]
    assert attempt(user_oci, user_bundle, "open", "/data") == "EROFS"


def test_rootless_with_subordinate_ids(user_oci, user_bundle):
    uid = int(os.environ["COFFER_TEST_UID"])
    linux = user_bundle.config["linux"]
    linux["uidMappings"] = linux["gidMappings"] = [
        {"containerID": 0, "hostID": uid, "size": 1}, {"containerID": 1, "hostID": 2000000, "size": 65536}]
    assert shell(user_oci, user_bundle, "cat /proc/self/uid_map; touch /tmp/f && chown 5:6 /tmp/f && stat -c %u /tmp/f"
                 ).split() == ["0", str(uid), "1", "1", "2000000", "65536", "5"]
    assert (user_bundle.rootfs / "tmp/f").stat().st_uid == 2000004


def test_rootless_ids_that_are_not_granted(user_oci, user_bundle):
    linux = user_bundle.config["linux"]
    linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 10}]
    refused(user_oci, user_bundle, "idmap", "/etc/subuid must grant you these ids")


@pytest.mark.parametrize("way", WAYS, ids=WAY_NAMES)
def test_rootless_overlay(user_oci, user_bundle, user_dir, way):
    for name in ("lower", "s/diff", "s/work"):
        (user_dir / name).mkdir(parents=True)
    (user_dir / "lower/file").touch()
    subprocess.run(["chown", "-R", f"{os.stat(user_dir).st_uid}:{os.stat(user_dir).st_gid}", str(user_dir)], check=True)
    user_bundle.config["annotations"] = {
        "org.cofferdam.rootfs.lower": f"{user_dir}/lower:{user_bundle.rootfs}",
        "org.cofferdam.rootfs.upper": f"{user_dir}/s/diff", "org.cofferdam.rootfs.work": f"{user_dir}/s/work"}
    assert way(user_oci, user_bundle, "ls /file; rm /file; ls / | grep -c file; touch /new").split() == ["/file", "0"]
    assert (user_dir / "s/diff/new").exists()


# --- what is seen of a live process --------------------------------------------------------------------------------

def observe(pid):
    done = subprocess.run([DRIVER, "observe", str(pid)], capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def live(oci):
    """Start a bundle's container and observe it."""
    made = []

    def start(bundle):
        bundle.args("/bin/sleep", "60")
        made.append("live")
        # Not through pipes: the program keeps them, and we would wait for its end.
        process = oci.start("create", "-b", bundle.path, "live", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.wait(30) == 0
        oci("start", "live", check=0)
        return observe(json.loads(oci("state", "live", check=0).stdout)["pid"])
    yield start
    for name in made:
        oci("delete", "--force", name, check=0)


def test_observe(live, bundle, data):
    add_mount(bundle, "/data", data, "bind", "ro")
    (bundle.rootfs / "masked").mkdir()
    (bundle.rootfs / "masked/x").touch()
    bundle.config["linux"]["maskedPaths"].append("/masked")
    bundle.config["root"]["readonly"] = True
    seen = live(bundle)
    assert seen["root"] == {"path": str(bundle.rootfs), "readonly": True}
    exists = [p for p in bundle.config["linux"]["maskedPaths"] if p == "/masked" or os.path.exists(p)]
    assert sorted(seen["linux"]["maskedPaths"]) == sorted(exists)
    assert sorted(seen["linux"]["readonlyPaths"]) == sorted(
        p for p in bundle.config["linux"]["readonlyPaths"] if os.path.exists(p))
    mounts = {m["destination"]: m for m in seen["mounts"]}
    assert (mounts["/data"]["type"], mounts["/data"]["source"]) == ("bind", str(data))
    assert "ro" in mounts["/data"]["options"]
    assert mounts["/proc"]["type"] == "proc" and {"nosuid", "nodev", "noexec"} <= set(mounts["/proc"]["options"])
    assert seen["linux"]["rootfsPropagation"] == "private"
    assert "uidMappings" not in seen["linux"]


def test_observe_sees_that_a_mask_is_none(live, bundle):
    """A read-only tmpfs with something in it and a bind of something else than the null device are no masks."""
    (bundle.rootfs / "full").mkdir()
    (bundle.rootfs / "fake").touch()
    add_mount(bundle, "/full", "tmpfs", "ro", kind="tmpfs")
    add_mount(bundle, "/full/something", "tmpfs", kind="tmpfs")
    add_mount(bundle, "/fake", "/dev/zero", "bind")
    seen = live(bundle)
    assert not {"/full", "/fake"} & set(seen["linux"]["maskedPaths"])
    assert {"/full", "/fake"} <= {m["destination"] for m in seen["mounts"]}


def test_observe_an_overlay_and_ids(live, image):
    user_namespace(image)
    image.config["annotations"]["org.cofferdam.rootfs.idmap"] = "true"
    seen = live(image)
    assert seen["linux"]["uidMappings"] == [{"containerID": 0, "hostID": HOST_ID, "size": 65536}]
    assert seen["annotations"]["org.cofferdam.observed.setgroups"] == "allow"
    assert seen["root"]["readonly"] is False


def test_observe_the_layers_of_an_overlay(live, image):
    seen = live(image)["annotations"]
    for name in ("lower", "upper", "work"):
        assert seen[f"org.cofferdam.rootfs.{name}"] == image.config["annotations"][f"org.cofferdam.rootfs.{name}"]


# --- races -------------------------------------------------------------------------------------------------------

SWAPPER = r"""
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
a, b = sys.argv[1].encode(), sys.argv[2].encode()
while os.getppid() != 1:
    libc.renameat2(-100, a, -100, b, 2)  # RENAME_EXCHANGE
"""


def test_a_destination_that_is_swapped_for_a_link_stays_inside(oci, bundle, data, tmp_path):
    """CVE-2021-30465, CVE-2024-45310: a directory and a link out of the root change places all the time."""
    outside = tmp_path / "outside"
    outside.mkdir()
    volume = bundle.rootfs / "volume"
    volume.mkdir()
    (bundle.rootfs / "link").symlink_to(outside)
    (bundle.rootfs / str(outside).lstrip("/")).mkdir(parents=True)
    add_mount(bundle, "/volume/a/b", data, "bind")
    bundle.args("/bin/true")
    swapper = subprocess.Popen(["/usr/bin/python3", "-c", SWAPPER, volume, bundle.rootfs / "link"])
    ends = {0: 0}
    try:
        for i in range(int(os.environ.get("COFFER_RACES", "200"))):
            done = run(oci, bundle)
            ends[done.returncode] = ends.get(done.returncode, 0) + 1
            shutil.rmtree(bundle.rootfs / "volume/a", ignore_errors=True)
    finally:
        swapper.kill()
        swapper.wait()
    assert list(outside.iterdir()) == [], "something was made on the host"
    assert mounts_below(tmp_path) == []
    assert ends[0] > 0
