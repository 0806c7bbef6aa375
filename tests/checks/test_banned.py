# SPDX-License-Identifier: Apache-2.0
"""Calls that the project does without, and printing or ending the program below cli/."""
import re

import tree

# What overruns a buffer, runs a shell, or eats the stack. The right-hand side says what to use.
BANNED = {
    "strcpy": "str_* or a struct buf", "strcat": "a struct buf", "sprintf": "snprintf", "vsprintf": "vsnprintf",
    "stpcpy": "a struct buf", "strncpy": "snprintf", "strncat": "a struct buf", "gets": "read",
    "system": "posix_spawn", "popen": "posix_spawn", "alloca": "an arena", "strdupa": "an arena", "mktemp": "mkostemp",
    "tmpnam": "mkostemp", "strtok": "strsep", "atol": "str_to_i64", "rand": "getrandom",
}
ENDS = {"exit", "abort", "err", "errx", "perror", "printf", "puts", "putchar", "fprintf", "fputs", "vfprintf"}
# The places that are there to print: errors and debug lines have one way out each.
MAY_PRINT = {"src/base/err.c", "src/base/log.c"}
# Programs of their own.
PROGRAMS = ("src/cli/", "src/hello/", "src/start/init/")
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")


def faults(top):
    found = []
    # Tests are not among them: what they work on is their own, and the sanitizers watch them.
    for name in tree.c_files(top, ("src/", "bench/")):
        code = tree.code_of((top / name).read_text())
        below_cli = name.startswith("src/") and not name.startswith(PROGRAMS) and name not in MAY_PRINT
        for number, line in enumerate(code.splitlines(), 1):
            for call in CALL.findall(line):
                if call in BANNED:
                    found.append(f"{name}:{number}: {call}: use {BANNED[call]}")
                elif below_cli and call in ENDS:
                    found.append(f"{name}:{number}: {call}: nothing below cli/ prints or exits")
    return found


def test_no_banned_call():
    assert faults(tree.SOURCE) == []


def test_control_banned_calls_are_found(tmp_path):
    tree.write(tmp_path, "src/base/a.c", 'void f(char *p)\n{\n    strcpy(p, "x");\n    exit (1);\n}\n')
    assert [line.split(": ")[1] for line in faults(tmp_path)] == ["strcpy", "exit"]


def test_control_comments_strings_and_members_are_not_calls(tmp_path):
    tree.write(tmp_path, "src/base/a.c", '/* exit(1) */ // system()\nconst char *s = "gets(x)"; int n = v->err(1);\n')
    tree.write(tmp_path, "src/cli/a.c", "int f(void) { printf(x); }\n")
    assert faults(tmp_path) == []
