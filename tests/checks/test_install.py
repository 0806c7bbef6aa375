# SPDX-License-Identifier: Apache-2.0
"""What an installation has, made below another directory as packagers do: programs that run, manuals, profiles, licence."""
import re
import subprocess

import pytest

import tree


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    top = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", tree.BUILD, "--no-rebuild", "--quiet", "--destdir", top], check=True)
    program, = top.rglob("bin/coffer")
    return program.parents[1]


def below(top, pattern):
    return sorted(p.name for p in top.glob(pattern) if p.is_file())


@pytest.mark.parametrize("name", ["coffer", "coffer-oci"])
def test_programs_run(installed, name):
    done = subprocess.run([installed / "bin" / name, "--version"], capture_output=True, text=True, check=True)
    assert re.match(rf"{name} (version )?\d+\.\d+\.\d+", done.stdout)


def test_manuals(installed):
    for section in "15":
        written = below(tree.SOURCE, f"man/*.{section}")
        assert written and below(installed, f"share/man/man{section}/*") == written


def test_profiles_and_documents(installed):
    assert {"default.profile", "docker.profile", "restricted.profile"} <= set(below(installed, "share/coffer/profiles/*"))
    assert below(installed, "share/coffer/profiles/seccomp/*") == below(tree.SOURCE, "profiles/seccomp/*")
    assert {"LICENSE", "README.md", "SECURITY.md"} <= set(below(installed, "share/doc/coffer/*"))
    assert below(installed, "share/doc/coffer/docs/*.md") == below(tree.SOURCE, "docs/*.md")
