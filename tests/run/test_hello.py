# SPDX-License-Identifier: Apache-2.0
"""The embedded image's program: each line of its report against what is known from outside."""
import ctypes
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import BUILD

HELLO = BUILD / "src/image/hello"
KEYS = Path(__file__).resolve().parents[2] / "src/hello/keys.h"
PR_SET_NO_NEW_PRIVS, SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 38, 444, 446
libc = ctypes.CDLL(None, use_errno=True)


def report(*prefix, **keywords):
    """key -> list of values, in order."""
    done = subprocess.run([*prefix, str(HELLO), "--report"], capture_output=True, text=True, check=True, **keywords)
    seen = {}
    for line in done.stdout.splitlines():
        key, value = line.split("=", 1)
        seen.setdefault(key, []).append(value)
    return seen


def documented_keys():
    return re.findall(r'^    X\([A-Z0-9_]+, "([^"]+)"', KEYS.read_text(), re.M)


def test_keys_are_the_documented_ones_in_their_order():
    keys, seen = documented_keys(), report()
    assert len(keys) > 30
    assert set(seen) <= set(keys)
    assert list(seen) == [key for key in keys if key in seen]
    assert set(keys) - set(seen) <= {"groups", "seccomp_filters"}


def test_what_it_says_is_so():
    seen = report()
    uname = os.uname()
    assert seen["kernel"] == [f"Linux {uname.release} {uname.machine}"]
    assert seen["hostname"] == [socket.gethostname()]
    assert seen["uid"] == ["0"] and seen["gid"] == ["0"]
    for name in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts"):
        assert seen[f"ns.{name}"] == [str(os.stat(f"/proc/self/ns/{name}").st_ino)]
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert seen["no_new_privs"] == [status["NoNewPrivs"].strip()]
    assert seen["seccomp"] == [("disabled", "strict", "filter")[int(status["Seccomp"])]]
    assert seen["uid_map"] == [" ".join(line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    assert len(seen["mount"]) == len(Path("/proc/self/mountinfo").read_text().splitlines())
    assert any(line.startswith("lo up 127.0.0.1/8") for line in seen["interface"])
    assert seen["cgroup"] == Path("/proc/self/cgroup").read_text().splitlines()
    assert any(line.split()[2] == "hello" and line.split()[0] == seen["pid"][0] for line in seen["process"])


def test_walls_show(tmp_path):
    """Each wall, put up by another program, appears in the report; without it it does not."""
    seen = report("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--uts", "--net",
                  "sh", "-c", 'hostname inside; ulimit -n 77; exec "$0" "$@"')
    assert seen["pid"] == ["1"] and len(seen["process"]) == 1
    assert seen["hostname"] == ["inside"]
    assert seen["host_uid"] == ["0"] and seen["uid_map"] == ["0 0 1"]
    assert seen["interface"] == ["lo down"]
    assert "nofile 77 77" in seen["rlimit"]
    assert seen["ns.user"] != report()["ns.user"]
    seen = report("setpriv", "--no-new-privs", "--bounding-set", "-all,+chown,+net_raw", "--inh-caps", "-all",
                  "--reuid", "7", "--regid", "8", "--groups", "9,10")
    assert seen["no_new_privs"] == ["1"]
    assert (seen["uid"], seen["gid"], seen["groups"]) == (["7"], ["8"], ["9 10"])
    assert seen["cap.bounding"] == ["CHOWN NET_RAW"] and seen["cap.effective"] == ["none"]


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_landlock_layers_are_counted(layers):
    handled = ctypes.c_uint64(1 << 12)

    def restrict():
        assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        for _ in range(layers):
            ruleset = libc.syscall(SYS_LANDLOCK_CREATE_RULESET, ctypes.byref(handled), 8, 0)
            assert ruleset >= 0 and libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    if libc.syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, 1) < 0:
        assert report()["landlock"] == ["? not in this kernel"]
        pytest.skip("this kernel has no Landlock")
    assert report(preexec_fn=restrict)["landlock"] == [str(layers)]


def test_it_waits_for_the_end_of_its_input():
    process = subprocess.Popen([HELLO, "--report", "--wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines = iter(process.stdout.readline, "ready=1\n")
    pid = next(line for line in lines if line.startswith("pid="))
    assert pid == f"pid={process.pid}\n"
    for _ in lines:
        pass
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


def test_for_people():
    text = subprocess.run([HELLO], capture_output=True, text=True, check=True).stdout
    for group in ("processes", "namespaces", "identity", "limits", "file system", "network", "capabilities",
                  "system calls", "labels"):
        assert f"\n{group}\n" in text
    assert subprocess.run([HELLO, "--nonsense"], capture_output=True).returncode == 2
    with open("/dev/full", "w") as full:
        assert subprocess.run([HELLO], stdout=full, stderr=subprocess.DEVNULL).returncode == 1


def test_one_static_program():
    data = HELLO.read_bytes()
    assert data[:4] == b"\x7fELF" and len(data) < 120 * 1024
    headers = subprocess.run(["readelf", "-lW", HELLO], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers and re.search(r"GNU_STACK.* RW ", headers)
