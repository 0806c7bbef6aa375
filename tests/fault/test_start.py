# SPDX-License-Identifier: Apache-2.0
"""Faults during a start: the runtime killed, or a system call of it failing, at every point in turn.

strace makes the faults. Without -f it follows only the runtime itself; with -f the child too. After each fault the
container is deleted as a person would, and nothing of it may be left (the fixture no_leaks looks at cgroups, mounts,
processes).
"""
import os
import re
import subprocess
import time

import pytest

import leaks

# Calls whose failure is nobody's business: reading the clock or ending.
HARMLESS = "!exit,exit_group,rt_sigreturn,restart_syscall,clock_gettime"


def strace(oci, arguments, *options):
    return subprocess.run(["strace", "-o", os.devnull, *options, "--", *oci.argv(*arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def count_calls(oci, bundle, *options):
    """How many system calls an undisturbed run makes; with -f of the runtime and the child up to exec."""
    log = bundle.path / "calls"
    done = subprocess.run(["strace", *options, "-qq", "-o", str(log), "--",
                           *oci.argv("run", "--bundle", bundle.path, "count")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return sum(1 for line in log.read_text().splitlines() if re.match(r"(\d+ +)?[a-z0-9_]+\(", line))


def points(total, most):
    """Every point when there are few, an even spread otherwise; always the first and the last."""
    if total <= most:
        return range(1, total + 1)
    return sorted({1 + round(i * (total - 1) / (most - 1)) for i in range(most)})


def gone(oci, name):
    """delete takes away whatever is there; a second one finds nothing."""
    deadline = time.monotonic() + 5
    while True:  # a child of a killed runtime may still be on its way to noticing
        done = oci("delete", "--force", name)
        if done.returncode == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert done.returncode == 0, done.stderr
    assert oci("state", name).returncode == 1


@pytest.mark.parametrize("command", ["run", "create"])
def test_killed_at_every_call(oci, bundle, command):
    bundle.config["linux"]["resources"]["memory"] = {"limit": 64 << 20}
    bundle.config["linux"]["cgroupsPath"] = f"/coffer-test-{os.getpid()}/kill"
    bundle.args("/bin/true")
    total = count_calls(oci, bundle)
    for at in points(total, 120):
        name = f"k{at}"
        before = leaks.snapshot()
        done = strace(oci, [command, "--bundle", bundle.path, name], "-e",
                      f"inject=all:signal=KILL:when={at}")
        assert done.returncode in (-9, 137, 0), f"call {at}: {done.returncode} {done.stderr}"
        gone(oci, name)
        left = leaks.leaked(before, patience=2.0)
        assert not left, f"killed at call {at} of {total}:\n" + "\n".join(left)


def test_killed_start_is_swept_by_the_next(oci, bundle):
    """Nobody deletes: the next run of the same ID takes away what the killed one left."""
    bundle.config["linux"]["cgroupsPath"] = f"/coffer-test-{os.getpid()}/again"
    bundle.args("/bin/true")
    total = count_calls(oci, bundle)
    for at in points(total, 40):
        strace(oci, ["run", "--bundle", bundle.path, "again"], "-e", f"inject=all:signal=KILL:when={at}")
        deadline = time.monotonic() + 5
        while True:
            done = oci("run", "--bundle", bundle.path, "again")
            if done.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        assert done.returncode == 0, f"killed at call {at} of {total}: {done.stderr}"


@pytest.mark.parametrize("error", ["ENOMEM", "EPERM", "EIO"])
def test_every_call_failing(oci, bundle, error):
    """One line that names a layer, an exit status of ours, nothing left; or the program ran all the same."""
    bundle.config["linux"]["resources"]["memory"] = {"limit": 64 << 20}
    bundle.config["linux"]["cgroupsPath"] = f"/coffer-test-{os.getpid()}/fail"
    bundle.args("/bin/true")
    total = count_calls(oci, bundle)
    named = 0
    for at in points(total, 100):
        name = f"f{at}"
        before = leaks.snapshot()
        done = strace(oci, ["run", "--bundle", bundle.path, name], "-e", f"inject={HARMLESS}:error={error}:when={at}")
        if done.returncode != 0:
            lines = done.stderr.splitlines()
            assert len(lines) == 1 and re.match(r"coffer-oci: [a-z]+: .", lines[0]), f"call {at}: {done.stderr!r}"
            assert done.returncode in (1, 125, 126, 127), f"call {at}: status {done.returncode}"
            named += 1
        oci("delete", "--force", name, check=0)
        left = leaks.leaked(before, patience=2.0)
        assert not left, f"call {at} of {total} failing:\n" + "\n".join(left)
    assert named > total / 10, "hardly any injected failure was noticed: is the injection working?"


def test_child_killed_at_every_step(oci, bundle):
    """The child dies in the middle of the handshake: the runtime says so, and nothing is left."""
    bundle.config["linux"]["cgroupsPath"] = f"/coffer-test-{os.getpid()}/child"
    bundle.args("/bin/true")
    said = 0
    # Calls that only the child makes, one after the other through its life.
    for call in ("setsid", "unshare", "move_mount", "pivot_root", "umount2", "capset", "close_range"):
        name = f"c-{call.replace('_', '')}"
        before = leaks.snapshot()
        done = strace(oci, ["run", "--bundle", bundle.path, name], "-f", "-e", f"inject={call}:signal=KILL:when=1")
        if done.returncode != 0:
            assert "killed by signal 9" in done.stderr, f"{call}: {done.stderr}"
            said += 1
        oci("delete", "--force", name, check=0)
        assert not leaks.leaked(before, patience=2.0), call
    assert said >= 5


def test_two_at_once_with_one_name(oci, bundle):
    bundle.shell("sleep 0.3")
    running = [oci.start("run", "--bundle", bundle.path, "twin", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for _ in range(4)]
    results = [(p.communicate(timeout=30)[1], p.returncode) for p in running]
    assert sorted(code for _, code in results) == [0, 125, 125, 125], results
    assert all("exists already" in text for text, code in results if code != 0), results
