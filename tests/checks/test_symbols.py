# SPDX-License-Identifier: Apache-2.0
"""No name is defined twice in the libraries: the linker would take the first it meets, and say nothing."""
import subprocess
from collections import defaultdict

import pytest

import tree


def definitions(archive):
    out = subprocess.run(["nm", "-A", "--defined-only", "--extern-only", archive], capture_output=True, text=True,
                         check=True).stdout
    for line in out.splitlines():
        where, kind, name = line.rsplit(None, 2)
        if kind in "TDBRGS":
            yield name, where.rsplit(":", 1)[0].split(":")[-1]


def faults(archives):
    found = defaultdict(set)
    for archive in archives:
        for name, member in definitions(archive):
            found[name].add(member)
    return {name: sorted(members) for name, members in found.items() if len(members) > 1}


def test_every_name_is_defined_once():
    archives = sorted((tree.BUILD / "src").rglob("*.a"))
    if not archives:
        pytest.fail(f"nothing is built in {tree.BUILD}")
    assert faults(archives) == {}


def test_control_a_second_definition_is_found(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.c").write_text("int twice(void) { return 1; }\nstatic int s;\nint *f_%s(void) { return &s; }\n"
                                            % name)
        subprocess.run(["gcc", "-c", "-o", tmp_path / f"{name}.o", tmp_path / f"{name}.c"], check=True)
        subprocess.run(["ar", "rc", tmp_path / f"lib{name}.a", tmp_path / f"{name}.o"], check=True)
    assert list(faults(sorted(tmp_path.glob("*.a")))) == ["twice"]
