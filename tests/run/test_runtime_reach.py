# SPDX-License-Identifier: Apache-2.0
"""What the runtime still holds when it lets go must not be reachable by names that the image chose.

CVE-2019-5736 (the runtime's own binary through /proc/self/exe) and CVE-2024-21626 (its descriptors), each also through
a link, a script's first line and the working directory.
"""
import os
import shutil
import subprocess
import time

import pytest

from conftest import BUILD


def link(bundle, name, target):
    path = bundle.rootfs / name
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8, 9, 10, 12])
def test_a_program_through_the_runtimes_descriptors(oci, bundle, number):
    link(bundle, "bin/app", f"/proc/self/fd/{number}/../../../../../../../../../../bin/true")
    done = oci("run", "--bundle", bundle.args("/bin/app").path, "fd")
    assert done.returncode in (126, 127) and done.stderr.startswith("coffer-oci: start: /bin/app: "), done


def test_control_an_ordinary_link_is_followed(oci, bundle):
    script = bundle.rootfs / "tmp/script"
    script.write_text("#!/bin/sh\necho followed\n")
    script.chmod(0o755)
    link(bundle, "bin/app", "/../../tmp/script")
    assert oci("run", "--bundle", bundle.args("/bin/app").path, "plain", check=0).stdout == "followed\n"


@pytest.mark.parametrize("program", ["/proc/self/exe", "/bin/exe", "/bin/script", "exe"])
def test_the_runtimes_own_binary_is_not_executed(oci, bundle, program):
    link(bundle, "bin/exe", "/proc/self/exe")
    script = bundle.rootfs / "bin/script"
    script.write_text("#!/bin/exe --version\n")
    script.chmod(0o755)
    done = oci("run", "--bundle", bundle.args(program, "--version").path, "exe")
    assert done.returncode == 126 and "version" not in done.stdout, done


def test_control_a_script_runs(oci, bundle):
    script = bundle.rootfs / "bin/script"
    script.write_text("#! /bin/sh -e\necho ran\n")
    script.chmod(0o755)
    assert oci("run", "--bundle", bundle.args("/bin/script").path, "script", check=0).stdout == "ran\n"


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8, 9])
def test_a_working_directory_through_the_runtimes_descriptors(oci, bundle, tmp_path, number):
    """Nothing is entered there, and nothing is made there either."""
    outside = tmp_path / "outside"
    outside.mkdir()
    bundle.config["process"]["cwd"] = f"/proc/self/fd/{number}/../../../../../../../../../..{outside}/made"
    done = oci("run", "--bundle", bundle.args("/bin/true").path, "cwd")
    assert done.returncode == 125 and done.stderr.startswith("coffer-oci: start: process.cwd "), done
    assert list(outside.iterdir()) == []


def test_a_working_directory_that_is_missing_is_made(oci, bundle):
    (bundle.rootfs / "srv").symlink_to("/tmp/elsewhere")
    (bundle.rootfs / "tmp/elsewhere").mkdir()
    bundle.config["process"]["cwd"] = "/srv//a/./b"
    done = oci("run", "--bundle", bundle.args("/bin/pwd", "-P").path, "mk", check=0)
    assert done.stdout == "/tmp/elsewhere/a/b\n"


def test_a_created_container_holds_nothing_of_the_host(oci, bundle):
    with open("/etc/passwd") as leaked:
        os.set_inheritable(leaked.fileno(), True)
        pid_file = bundle.path / "pid"
        done = subprocess.run(oci.argv("create", "--pid-file", pid_file, "--bundle", bundle.args("/bin/true").path, "held"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              close_fds=False, timeout=30)
    assert done.returncode == 0
    folder = f"/proc/{pid_file.read_text()}/fd"
    open_files = {int(fd): os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}
    oci("delete", "--force", "held", check=0)
    assert [name for fd, name in open_files.items() if fd > 2 and not name.startswith("socket:")] == []


def test_a_neighbour_in_the_pid_namespace_cannot_reach_the_binary(oci, bundle):
    """A start is held up where the new process has the neighbour's powers already and has not executed its program."""
    neighbour_bundle = bundle.path.parent / "neighbour"
    shutil.copytree(bundle.path, neighbour_bundle, symlinks=True)
    watch = "while :; do for p in /proc/[0-9]*; do readlink $p/exe; done; done"
    neighbour = oci.start("run", "--bundle", bundle.shell(watch).path, "watch", stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    try:
        deadline, state = time.monotonic() + 10, None
        while time.monotonic() < deadline and state is None:
            done = oci("state", "watch")
            state = done.stdout if done.returncode == 0 and '"running"' in done.stdout else None
        pid = int(state.split('"pid": ')[1].split(",")[0])
        for entry in bundle.config["linux"]["namespaces"]:
            if entry["type"] == "pid":
                entry["path"] = f"/proc/{pid}/ns/pid"
        bundle.args("/bin/true")
        (neighbour_bundle / "config.json").write_text((bundle.path / "config.json").read_text())
        for call in ("capset", "prctl", "setresuid"):
            subprocess.run(["strace", "-qq", "-f", "-o", os.devnull, "-e", f"inject={call}:delay_exit=100000:when=1+",
                            "--", *oci.argv("run", "--bundle", neighbour_bundle, "late")],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    finally:
        oci("kill", "watch", "KILL")
        seen = neighbour.communicate(timeout=20)[0]
    assert "/bin/busybox" in seen, "the neighbour sees nothing at all: the test is worth nothing"
    assert str(BUILD / "coffer-oci") not in seen and "coffer-oci" not in seen
