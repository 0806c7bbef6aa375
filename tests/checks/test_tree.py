# SPDX-License-Identifier: Apache-2.0
"""Things that hold for every file: its licence line, no trace of anybody's machine, links that lead somewhere."""
import re

import tree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Paths of the machines that the project is written on have no business in it. In two parts, so that this file is none.
FOREIGN = re.compile("/wo" + "rk/|/tm" + "p/b-")


def without_licence(top):
    wanted = [n for n in tree.files(top) if n.endswith((".c", ".h", ".py", ".sh"))
              or n.startswith(("scripts/", ".ci/")) or n in ("Makefile", "tests/run-all", "tests/sandbox")
              or (n.startswith("bench/") and "." not in n)]
    return [n for n in wanted if "SPDX-License-Identifier: Apache-2.0" not in "".join(
        (top / n).read_text(errors="replace").splitlines(True)[:3])]


def foreign(top):
    found = []
    for name in tree.files(top):
        if name.startswith("tests/data/"):
            continue
        for number, line in enumerate((top / name).read_text(errors="replace").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def dead_links(top):
    found = []
    for name in tree.files(top):
        if not name.endswith(".md"):
            continue
        for link in LINK.findall((top / name).read_text()):
            path = link.split("#")[0]
            if path and "://" not in path and not ((top / name).parent / path).exists():
                found.append(f"{name}: {link}")
    return found


def test_every_source_file_names_its_licence():
    assert without_licence(tree.SOURCE) == []


def test_no_trace_of_a_workplace():
    assert foreign(tree.SOURCE) == []


def test_links_of_the_documentation_exist():
    assert dead_links(tree.SOURCE) == []


def test_controls(tmp_path):
    tree.write(tmp_path, "src/base/a.c", "int a;\n")
    tree.write(tmp_path, "docs/a.md", "[there](a.md) [not there](b.md) [elsewhere](https://example.org/)\n")
    tree.write(tmp_path, "docs/b.txt", "see /wo" + "rk/main\n")
    assert without_licence(tmp_path) == ["src/base/a.c"]
    assert dead_links(tmp_path) == ["docs/a.md: b.md"]
    assert len(foreign(tmp_path)) == 1
