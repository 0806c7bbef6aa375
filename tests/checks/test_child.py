# SPDX-License-Identifier: Apache-2.0
"""Between clone and exec the child neither allocates, nor locks, nor uses stdio (docs/process-model.md).

The call graph is read from the compiled objects: each function lies in a section of its own (-ffunction-sections), and
its relocations name what it calls or takes the address of. Roots are the functions that a child begins with and those
that the layers' tables name for its steps. What is reached through a pointer in a struct is found because taking a
function's address counts as calling it.
"""
import re
import subprocess
from collections import defaultdict

import pytest

import tree

ROOTS = ("child_main", "stone_main")
FORBIDDEN = {
    "malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "asprintf", "vasprintf", "getline",
    "printf", "fprintf", "vfprintf", "dprintf", "vdprintf", "puts", "fputs", "fopen", "fdopen", "fclose", "fread", "fwrite",
    "fflush", "fgets", "fscanf", "perror", "opendir", "fdopendir", "readdir", "closedir", "scandir", "qsort", "getpwnam",
    "getpwuid", "getgrnam", "getgrgid", "syslog", "setenv", "putenv", "unsetenv", "pthread_mutex_lock", "dlopen",
    "__printf_chk", "__fprintf_chk", "__vfprintf_chk", "__dprintf_chk", "__asprintf_chk", "strerror", "setlocale",
    "pthread_create", "exit", "atexit", "localtime", "strftime", "mkstemp", "getaddrinfo", "realpath", "glob",
}
# On a path that a child does not take; each with its reason. "caller > callee" where the compiler may put one function
# into another.
EXCEPTIONS = {
    "log_debug_write": "debug lines only, asked for by --debug: one formatted write",
    "set_mapped_layers": "overlay layers with mapped ids are held by the parent, before and after clone",
    "rootfs_overlay_mount > calloc": "the same, with set_mapped_layers put into it",
    "rootfs_overlay_mount > free": "the same; in the child it is free(NULL)",
}
# Offset of at[] in struct layer: after the enum (padded) and plan. Steps of the child: child-early to child-last.
POINTER, AT, CHILD_STEPS = 8, 16, (2, 3, 4, 5)
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
RELOCATION = re.compile(r"^\s+[0-9a-f]+: R_X86_64_\w+\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$")
DATA_RELOCATION = re.compile(r"^([0-9a-f]+) R_X86_64_64\s+(\S+?)(?:\+0x[0-9a-f]+)?$")


class Graph:
    def __init__(self):
        self.calls = defaultdict(set)  # (object, function) -> names as they stand in that object
        self.defined = defaultdict(set)  # global name -> {object}
        self.steps = set()  # (object, name) of the functions in layers' tables

    def read(self, archive):
        self.read_code(archive)
        self.read_tables(archive)

    def read_code(self, archive):
        text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", archive], capture_output=True, text=True,
                              check=True).stdout
        member = function = None
        for line in text.splitlines():
            if line.endswith("file format elf64-x86-64"):
                member = f"{archive.name}:{line.split(':')[0]}"
            elif match := FUNCTION.match(line):
                function = match[1].removesuffix(".cold")
                self.calls[member, function]
            elif (match := RELOCATION.match(line)) and function:
                self.calls[member, function].add(self.plain(match[1]))
        names = subprocess.run(["nm", "-A", "--defined-only", archive], capture_output=True, text=True, check=True).stdout
        for line in names.splitlines():
            where, kind, name = line.rsplit(None, 2)
            if kind in "TW":
                self.defined[name].add(f"{archive.name}:{where.split(':')[1]}")

    @staticmethod
    def plain(name):
        """A static function is named by its section, .text.NAME, a cold part by .text.unlikely.NAME."""
        name = re.sub(r"^\.text\.(unlikely\.|hot\.|startup\.)?", "", name)
        return name.removesuffix(".cold").removesuffix("@plt")

    def read_tables(self, archive):
        """Functions at the child's steps of every `struct layer NAME_layer`: relocations of its section."""
        text = subprocess.run(["objdump", "-r", archive], capture_output=True, text=True, check=True).stdout
        member, table = None, False
        for line in text.splitlines():
            if line.endswith("file format elf64-x86-64"):
                member = f"{archive.name}:{line.split(':')[0]}"
            elif line.startswith("RELOCATION RECORDS FOR"):
                table = re.search(r"\[\.data\.rel\.ro(\.local)?\.\w+_layer\]", line) is not None
            elif table and (match := DATA_RELOCATION.match(line)):
                step, rest = divmod(int(match[1], 16) - AT, POINTER)
                if rest == 0 and step in CHILD_STEPS:
                    self.steps.add((member, self.plain(match[2])))

    def resolve(self, member, name):
        if (member, name) in self.calls:
            return [(member, name)]
        return [(other, name) for other in self.defined.get(name, ()) if (other, name) in self.calls]

    def forbidden(self, roots):
        """{forbidden call: path to it}"""
        path = {root: [root[1]] for root in roots}
        todo, found = list(roots), {}
        while todo:
            node = todo.pop(0)
            for name in self.calls[node]:
                if name in EXCEPTIONS or f"{node[1]} > {name}" in EXCEPTIONS:
                    continue
                if name in FORBIDDEN:
                    found.setdefault(f"{name} in {node[1]}", " > ".join(path[node] + [name]))
                for target in self.resolve(node[0], name):
                    if target not in path:
                        path[target] = path[node] + [name]
                        todo.append(target)
        return found

    def functions(self, *names):
        return [node for node in self.calls if node[1] in names]


@pytest.fixture(scope="module")
def graph():
    archives = sorted((tree.BUILD / "src").rglob("*.a"))
    if not archives:
        pytest.skip(f"nothing is built in {tree.BUILD}")
    if "-fsanitize" in (tree.BUILD / "build.ninja").read_text():
        pytest.skip("the sanitizers' own calls are in every function of this build")
    made = Graph()
    for archive in archives:
        made.read(archive)
    return made


def test_child_neither_allocates_nor_locks_nor_prints(graph):
    roots = graph.functions(*ROOTS) + [node for member, name in graph.steps for node in graph.resolve(member, name)]
    assert len(graph.functions(*ROOTS)) == len(ROOTS)
    assert len(graph.steps) >= 6, "the layers' tables were not found"
    assert graph.forbidden(roots) == {}


def test_control_the_parent_does(graph):
    """The same search from a function of the parent finds allocations, through several files."""
    found = graph.forbidden(graph.functions("cgroup_plan"))
    assert any(call.startswith("malloc") or call.startswith("calloc") for call in found)
