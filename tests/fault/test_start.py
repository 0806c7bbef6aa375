# SPDX-License-Identifier: Apache-2.0
"""Faults during a start: the runtime killed, or a system call of it failing, at every point in turn.

strace makes the faults. Without -f it follows only the runtime itself; with -f the child too. After each fault the
container is deleted as a person would, and nothing of it may be left (the fixture no_leaks looks at cgroups, mounts,
processes).
"""
import collections
import os
import re
import subprocess
import tempfile
import time

import pytest

import leaks

# Calls whose failure is nobody's business: reading the clock, freeing, ending, what the C library does before main().
HARMLESS = ("exit", "exit_group", "rt_sigreturn", "restart_syscall", "clock_gettime", "close", "munmap", "brk",
            "execve", "mprotect", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "rt_sigprocmask", "getrandom")


def strace(oci, arguments, *options, log=os.devnull):
    """Output goes to files: a created container keeps a pipe open, and reading it would wait for its end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(["strace", "-qq", "-o", log, *options, "--", *oci.argv(*arguments)],
                              stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=60)
        err.seek(0)
        done.stderr = err.read()
    return done


def calls_of(oci, bundle, command):
    """[(name, ordinal among those of its name)] for every system call of an undisturbed run: strace counts by name."""
    log = bundle.path / "calls"
    done = strace(oci, [command, "--bundle", bundle.path, "count"], log=str(log))
    assert done.returncode == 0, done.stderr
    oci("delete", "--force", "count", check=0)
    seen, found = collections.Counter(), []
    for line in log.read_text().splitlines():
        match = re.match(r"([a-z0-9_]+)\(", line)
        if match:
            seen[match[1]] += 1
            found.append((match[1], seen[match[1]]))
    return found


def spread(points, most):
    """Every point when there are few, an even spread otherwise; always the first and the last."""
    if len(points) <= most:
        return points
    return [points[i] for i in sorted({round(i * (len(points) - 1) / (most - 1)) for i in range(most)})]


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
    bundle.args("/bin/true")
    killed = 0
    for call, at in spread(calls_of(oci, bundle, command), 120):
        name = f"k-{call}-{at}"
        before = leaks.snapshot()
        done = strace(oci, [command, "--bundle", bundle.path, name], "-e", f"inject={call}:signal=KILL:when={at}")
        assert done.returncode in (-9, 137, 0), f"{call} {at}: {done.returncode} {done.stderr}"
        killed += done.returncode != 0
        gone(oci, name)
        left = leaks.leaked(before, patience=2.0)
        assert not left, f"killed at {call} number {at}:\n" + "\n".join(left)
    assert killed > 50


def test_killed_start_is_swept_by_the_next(oci, bundle):
    """Nobody deletes: the next run of the same ID takes away what the killed one left."""
    bundle.args("/bin/true")
    for call, at in spread(calls_of(oci, bundle, "run"), 40):
        strace(oci, ["run", "--bundle", bundle.path, "again"], "-e", f"inject={call}:signal=KILL:when={at}")
        deadline = time.monotonic() + 5
        while True:
            done = oci("run", "--bundle", bundle.path, "again")
            if done.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        assert done.returncode == 0, f"killed at {call} number {at}: {done.stderr}"


@pytest.mark.parametrize("error", ["ENOMEM", "EPERM", "EIO"])
def test_every_call_failing(oci, bundle, error):
    """One line that names a layer, an exit status of ours, nothing left; or the program ran all the same."""
    bundle.config["linux"]["resources"]["memory"] = {"limit": 64 << 20}
    bundle.args("/bin/true")
    points = [point for point in calls_of(oci, bundle, "run") if point[0] not in HARMLESS]
    named = 0
    for call, at in spread(points, 100):
        name = f"f-{call}-{at}"
        before = leaks.snapshot()
        done = strace(oci, ["run", "--bundle", bundle.path, name], "-e", f"inject={call}:error={error}:when={at}")
        if done.returncode != 0:
            lines = done.stderr.splitlines()
            assert len(lines) == 1 and re.match(r"coffer-oci: [a-z]+: .", lines[0]), f"{call} {at}: {done.stderr!r}"
            assert done.returncode in (1, 125, 126, 127), f"{call} {at}: status {done.returncode}"
            named += 1
        oci("delete", "--force", name, check=0)
        left = leaks.leaked(before, patience=2.0)
        assert not left, f"{call} number {at} failing:\n" + "\n".join(left)
    assert named > 20, "hardly any injected failure was noticed: is the injection working?"


def test_child_killed_at_every_step(oci, bundle):
    """The child dies in the middle of the handshake: the runtime says so, and nothing is left."""
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
