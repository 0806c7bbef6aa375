# SPDX-License-Identifier: Apache-2.0
"""Trying one thing inside a container with the program "attempt" (attempt.c), and taking walls away."""
import itertools
import shutil

import pytest

from conftest import BUILD

PROGRAM = BUILD / "tests/run/attempt"
_ids = itertools.count()


class NotRun(Exception):
    """The container or its program did not get as far as the test's question. No AssertionError: a negative control
    must not take a broken test for a missing wall."""


def run(oci, bundle, *options, check=None, **keywords):
    """Run the bundle's program; the finished process. check: the exit status without which there is no answer."""
    done = oci("run", *options, "--bundle", bundle.path, f"t{next(_ids)}", **keywords)
    if check is not None and done.returncode != check:
        raise NotRun(f"status {done.returncode}, not {check}\n{done.stdout}{done.stderr}")
    return done


def shell(oci, bundle, script, **keywords):
    """What a shell in the container prints."""
    bundle.shell(script)
    keywords.setdefault("check", 0)
    return run(oci, bundle, **keywords).stdout.strip()


def attempt(oci, bundle, *what):
    """"ok" or the name of the error that came of it."""
    shutil.copy(PROGRAM, bundle.rootfs / "bin/attempt")
    bundle.args("/bin/attempt", *map(str, what))
    return run(oci, bundle, check=0).stdout.strip()


def refused(oci, bundle, layer, text):
    """The start fails with one line that names the layer and the thing, and nothing of the program runs."""
    bundle.shell("echo started")
    done = run(oci, bundle)
    assert done.returncode != 0
    assert "started" not in done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert f"{layer}: " in lines[0] and text in lines[0], done.stderr


def fails_without_the_wall(test, *arguments):
    """Negative control: the wall is away, so the wall's own test has to fail."""
    with pytest.raises(AssertionError):
        test(*arguments)
