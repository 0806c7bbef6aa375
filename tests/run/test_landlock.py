# SPDX-License-Identifier: Apache-2.0
"""Landlock in real containers. Other walls are taken away where they would answer first, so that it stands alone."""
import ctypes
import os
import shutil
import socket
import subprocess

import oci_spec
import pytest
from attempts import PROGRAM, attempt, fails_without_the_wall, refused, run, shell
from box import apparmor

ABI = max(0, ctypes.CDLL(None).syscall(444, None, 0, 1))  # landlock_create_ruleset(NULL, 0, VERSION)


def needs(abi):
    return pytest.mark.skipif(ABI < abi, reason=f"needs Landlock ABI {abi}, this kernel has {ABI}")


def landlock(bundle, mode):
    bundle.config.setdefault("annotations", {})["org.cofferdam.landlock"] = mode
    return bundle


def share(bundle, kind):
    namespaces = bundle.config["linux"]["namespaces"]
    bundle.config["linux"]["namespaces"] = [n for n in namespaces if n["type"] != kind]


@pytest.fixture(params=["on", "off"])
def mode(request):
    return request.param


def expect(mode, test, *arguments):
    """With the wall its test passes; without it the test fails (negative control)."""
    if mode == "on":
        test(*arguments)
    else:
        fails_without_the_wall(test, *arguments)


# --- what it denies, each with its control -----------------------------------------------------------------------

def cannot_mount(oci, bundle):
    assert attempt(oci, bundle, "mount", "/tmp") == "EPERM"


@needs(2)
def test_no_mount_even_in_a_user_namespace_of_ones_own(oci, bundle, mode):
    expect(mode, cannot_mount, oci, landlock(bundle, mode))


@needs(2)
def test_no_mount_rootless(user_oci, user_bundle, mode):
    expect(mode, cannot_mount, user_oci, landlock(user_bundle, mode))


def cannot_make_nodes(oci, bundle):
    """Landlock answers before the missing capability, which would say EPERM. Not every kernel that has Landlock lets it
    refuse whiteouts (0:0), which need no capability: so with a node of a real device."""
    assert attempt(oci, bundle, "mknod", "/tmp/node") == "EACCES"


@needs(2)
def test_no_device_nodes_without_mknod(oci, bundle, mode):
    names = [c for c in oci_spec.CAPABILITIES if c != "CAP_MKNOD"]
    bundle.config["process"]["capabilities"] = {s: names for s in ("bounding", "permitted", "effective")}
    expect(mode, cannot_make_nodes, oci, landlock(bundle, mode))


@needs(2)
def test_device_nodes_with_mknod(oci, bundle):
    assert attempt(oci, landlock(bundle, "on"), "mknod", "/tmp/node") == "ok"


def cannot_use_devices_elsewhere(oci, bundle):
    os.mknod(bundle.rootfs / "elsewhere", 0o20666, os.makedev(1, 3))
    assert attempt(oci, bundle, "ioctl", "/elsewhere") == "EACCES"


@needs(5)
def test_no_ioctl_on_devices_outside_dev(oci, bundle, mode):
    expect(mode, cannot_use_devices_elsewhere, oci, landlock(bundle, mode))


@needs(5)
def test_ioctl_on_devices_in_dev(oci, bundle):
    assert attempt(oci, landlock(bundle, "on"), "ioctl", "/dev/null") == "ENOTTY"


@pytest.fixture
def neighbour():
    """A process of the host without any capability, so that only walls keep a container's root from it."""
    process = subprocess.Popen(["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "sleep", "1000"])
    yield process.pid
    process.kill()
    process.wait()


def cannot_signal(oci, bundle, pid):
    assert attempt(oci, bundle, "kill", pid) == "EPERM"


@needs(6)
def test_no_signal_out_of_a_shared_pid_namespace(oci, bundle, neighbour, mode):
    share(bundle, "pid")
    expect(mode, cannot_signal, oci, landlock(bundle, mode), neighbour)


def cannot_trace(oci, bundle, pid):
    assert attempt(oci, bundle, "trace", pid) == "EPERM"


@needs(2)
def test_no_ptrace_out_of_a_shared_pid_namespace(oci, bundle, neighbour, mode):
    share(bundle, "pid")
    expect(mode, cannot_trace, oci, landlock(bundle, mode), neighbour)


def cannot_connect(oci, bundle, name):
    assert attempt(oci, bundle, "abstract", name) == "EPERM"


@needs(6)
def test_no_abstract_socket_of_a_shared_network_namespace(oci, bundle, mode):
    """CVE-2020-15257: containerd's shim listened on such a socket."""
    share(bundle, "network")
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if not m["destination"].startswith("/sys")]
    name = f"coffer-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        expect(mode, cannot_connect, oci, landlock(bundle, mode), name)


def cannot_reopen_a_leaked_file(oci, bundle, outside):
    """A descriptor that came along (CVE-2024-21626) cannot be opened anew with other rights."""
    shutil.copy(PROGRAM, bundle.rootfs / "bin/attempt")
    bundle.args("/bin/attempt", "open", "/proc/self/fd/3")
    leaked = os.open(outside, os.O_RDONLY)
    # This process's own descriptor 3 may be pytest's; a shell (not dash, which knows only 0 to 9) puts ours there.
    oci.prefix = ["bash", "-c", f'exec "$@" 3<&{leaked}', "bash"]
    try:
        done = run(oci, bundle, "--preserve-fds", "1", check=0, pass_fds=[leaked])
    finally:
        os.close(leaked)
        oci.prefix = []
    assert done.stdout.strip() == "EACCES"  # without Landlock: ok


@needs(2)
def test_no_reopening_of_files_outside_the_root(oci, bundle, tmp_path, mode):
    outside = tmp_path / "outside"
    outside.write_text("host")
    expect(mode, cannot_reopen_a_leaked_file, oci, landlock(bundle, mode), outside)


# --- what programs do all day goes on working ----------------------------------------------------------------------

@needs(2)
def test_ordinary_work_on_a_writable_root(oci, bundle):
    done = shell(oci, landlock(bundle, "on"), """set -e
        mkdir -p /srv/new /opt2 && echo x > /srv/new/a && mv /srv/new/a /opt2/b && ln /opt2/b /srv/hard
        ln -s b /opt2/link && cat /opt2/link && : > /opt2/b && rm -r /srv/new /opt2 /srv/hard
        mkfifo /tmp/fifo && rm /tmp/fifo && cp /bin/busybox /tmp/busybox && /tmp/busybox true
        echo x > /dev/null && echo x > /dev/shm/y && rm /dev/shm/y && echo done""")
    assert done == "x\ndone"


@needs(2)
def test_ordinary_work_on_a_readonly_root(oci, bundle, tmp_path):
    bundle.config["root"]["readonly"] = True
    data, single = tmp_path / "data", tmp_path / "hosts"
    data.mkdir()
    single.write_text("127.0.0.1 localhost\n")
    (bundle.rootfs / "data").mkdir()
    (bundle.rootfs / "etc/hosts").touch()
    bundle.config["mounts"] += [oci_spec.mount("/tmp", "tmpfs", "tmpfs", "mode=1777"),
                                oci_spec.mount("/data", "bind", str(data), "rbind"),
                                oci_spec.mount("/etc/hosts", "bind", str(single), "rbind")]
    done = shell(oci, landlock(bundle, "on"), """set -e
        mkdir /tmp/d /data/d && echo x > /tmp/d/a && mv /tmp/d/a /tmp/b && echo y > /data/d/z && mv /data/d/z /data/z
        echo 127.0.0.2 more >> /etc/hosts && cp /bin/busybox /tmp/busybox && /tmp/busybox true
        echo x > /dev/null && echo x > /dev/shm/y && echo z > /dev/shm/y
        echo 5 > /proc/self/oom_score_adj && echo name > /proc/self/comm && echo done""")
    assert done == "done"
    assert (data / "z").read_text() == "y\n"
    assert "more" in single.read_text()


@needs(2)
@pytest.mark.parametrize("readonly", [False, True])
def test_standard_descriptors_can_be_reopened(oci, bundle, tmp_path, readonly):
    """Images let programs log to /dev/stdout by name; it may be a file of the host."""
    bundle.config["root"]["readonly"] = readonly
    landlock(bundle, "on").shell("cat /dev/stdin > /proc/self/fd/1; echo err > /dev/stderr")
    (tmp_path / "in").write_text("from the host\n")
    with open(tmp_path / "in") as i, open(tmp_path / "out", "a") as o, open(tmp_path / "err", "a") as e:
        subprocess.run(oci.argv("run", "--bundle", bundle.path, "stdio"), stdin=i, stdout=o, stderr=e, check=True)
    assert (tmp_path / "out").read_text() == "from the host\n"
    assert (tmp_path / "err").read_text() == "err\n"


@needs(6)
def test_signals_inside(oci, bundle):
    done = shell(oci, landlock(bundle, "on"), "sleep 100 & kill $! && wait $!; echo $?; kill -0 1 && echo one")
    assert done.split() == ["143", "one"]


# --- when it is on -------------------------------------------------------------------------------------------------

@needs(2)
def test_auto_without_a_filter_takes_mounting_from_nobody(oci, bundle):
    assert attempt(oci, landlock(bundle, "auto"), "mount", "/tmp") == "ok"


@needs(2)
def test_auto_is_on_where_nobody_could_mount_anyway(oci, bundle):
    bundle.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mount", "move_mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
    os.mknod(bundle.rootfs / "elsewhere", 0o20666, os.makedev(1, 3))
    assert attempt(oci, landlock(bundle, "auto"), "ioctl", "/elsewhere") == ("EACCES" if ABI >= 5 else "ENOTTY")


@needs(2)
def test_a_container_that_may_mount(oci, bundle):
    for which in ("bounding", "permitted", "effective"):
        bundle.config["process"]["capabilities"][which].append("CAP_SYS_ADMIN")
    refused(oci, landlock(bundle, "on"), "mac", "CAP_SYS_ADMIN may mount, which Landlock forbids")
    assert attempt(oci, landlock(bundle, "auto"), "mount", "/tmp") == "ok"


def test_an_unknown_mode(oci, bundle):
    refused(oci, landlock(bundle, "maybe"), "mac", "\"maybe\" is not on, off or auto")


@pytest.mark.parametrize("member, label, text", [
    ("apparmorProfile", "docker-default", "this host has no AppArmor"),
    ("selinuxLabel", "system_u:system_r:container_t:s0", "this host has no SELinux"),
])
def test_labels_that_the_host_has_not(oci, bundle, member, label, text):
    enabled = (os.path.exists("/sys/fs/selinux/enforce") if member == "selinuxLabel"
               else apparmor())
    if enabled:
        pytest.skip("this host has the security module")
    bundle.config["process"][member] = label
    refused(oci, bundle, "mac", text)
