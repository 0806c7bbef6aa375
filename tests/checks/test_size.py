# SPDX-License-Identifier: Apache-2.0
"""A file has at most 800 lines and a function at most 100 (docs/architecture.md, CONTRIBUTING.md)."""
import tree

FILE, FUNCTION = 800, 100


def functions(text):
    """(first line, number of lines) of each function: its braces stand alone in the first column."""
    begin = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            begin = number
        elif line.startswith("}") and begin is not None:
            yield begin, number - begin + 1
            begin = None


def faults(top):
    found = []
    for name in tree.files(top):
        if not name.endswith((".c", ".h", ".py")) and not name.startswith(("scripts/", "tests/run-all", "bench/")):
            continue
        text = (top / name).read_text(errors="replace")
        lines = text.count("\n")
        if lines > FILE:
            found.append(f"{name}: {lines} lines")
        if name.endswith((".c", ".h")):
            found += [f"{name}:{at}: function of {n} lines" for at, n in functions(text) if n > FUNCTION]
    return found


def test_sizes():
    assert faults(tree.SOURCE) == []


def test_control_long_ones_are_found(tmp_path):
    tree.write(tmp_path, "src/base/long.c", "x\n" * 801)
    tree.write(tmp_path, "src/base/function.c", "int f(void)\n{\n" + "    ;\n" * 99 + "}\n")
    assert faults(tmp_path) == ["src/base/function.c:2: function of 101 lines", "src/base/long.c: 801 lines"]


def test_control_sizes_at_the_limit_pass(tmp_path):
    tree.write(tmp_path, "src/base/function.c", "int f(void)\n{\n" + "    ;\n" * 98 + "}\n")
    assert faults(tmp_path) == []
