# SPDX-License-Identifier: Apache-2.0
"""Tests that make sense on the virtual machine only: cgroup v2 with every controller, AppArmor in force."""
import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "run")]
from containers import *  # noqa: E402,F401,F403


@pytest.fixture(scope="session", autouse=True)
def machine():
    """A machine that is not as these tests need it is a mistake in tests/vm, no reason to skip."""
    assert os.environ.get("COFFER_VM") == "1", "these tests run in the virtual machine (make test-vm)"
    assert Path("/sys/module/apparmor/parameters/enabled").read_text() == "Y\n"
    controllers = set(Path("/sys/fs/cgroup/cgroup.controllers").read_text().split())
    assert {"cpuset", "cpu", "io", "memory", "pids", "hugetlb"} <= controllers
