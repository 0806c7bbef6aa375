# SPDX-License-Identifier: Apache-2.0
"""What hardening must hold in the finished executables: compilers refuse flags silently, so the result is looked at."""
import re
import subprocess

import pytest

import tree

EXECUTABLES = {"coffer": "pie", "coffer-oci": "static-pie"}


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def faults(path, kind):
    header, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
    symbols = readelf("-s", path)
    found = []
    if "Type:                              DYN" not in header:
        found.append("is not position-independent")
    if "GNU_RELRO" not in segments:
        found.append("has no RELRO segment")
    if not re.search(r"\((BIND_NOW|FLAGS)\).*BIND_NOW|\(BIND_NOW\)|FLAGS_1.*NOW", dynamic):
        found.append("binds lazily, so that RELRO is partial")
    stack = re.search(r"GNU_STACK.*\s(\S+)\s+0x\S+$", segments, re.MULTILINE)
    if stack is None or "E" in stack[1]:
        found.append("has an executable stack")
    if re.search(r"LOAD.*\sRWE\s", segments):
        found.append("has memory that is writable and executable")
    if "__stack_chk_fail" not in symbols:
        found.append("has no stack protector")
    if "TEXTREL" in dynamic:
        found.append("relocates its code")
    if re.search(r"\(R(UN)?PATH\)", dynamic):
        found.append("looks for libraries beside itself")
    if kind == "static-pie" and ("INTERP" in segments or "(NEEDED)" in dynamic):
        found.append("needs a dynamic loader")
    return found


def cet_faults(build):
    """Our own objects carry the note for indirect-branch tracking and shadow stacks; Debian's libraries do not yet."""
    archives = sorted((build / "src").rglob("*.a"))
    assert archives
    return [archive.name for archive in archives if not re.search("IBT.*SHSTK", readelf("-n", archive))]


def executable(name):
    path = tree.BUILD / name
    if not path.exists():
        found = [p for p in (tree.BUILD / "src").rglob(name) if p.is_file()]
        if not found:
            pytest.fail(f"{name} is not built in {tree.BUILD}")
        path = found[0]
    return path


def sanitized():
    return "-fsanitize" in (tree.BUILD / "build.ninja").read_text()


@pytest.mark.parametrize("name", EXECUTABLES)
def test_hardening(name):
    if sanitized():
        pytest.skip("a build with sanitizers is not one that ships")
    assert faults(executable(name), EXECUTABLES[name]) == []


def test_our_objects_are_marked_for_cet():
    if "x86" not in readelf("-h", executable("coffer-oci")).lower().replace("x86-64", "x86"):
        pytest.skip("control-flow enforcement is of x86")
    assert cet_faults(tree.BUILD) == []


def compile_plain(folder, *flags):
    source = folder / "a.c"
    source.write_text("#include <stdio.h>\nint main(void) { char b[64]; return fgets(b, 64, stdin) == NULL; }\n")
    out = folder / "a"
    subprocess.run(["gcc", *flags, "-o", out, source], check=True)
    return out


def test_control_every_missing_protection_is_found(tmp_path):
    plain = compile_plain(tmp_path, "-no-pie", "-fno-pie", "-Wl,-z,norelro", "-Wl,-z,lazy", "-Wl,-z,execstack",
                          "-fno-stack-protector", "-Wl,-rpath,/x")
    assert faults(plain, "static-pie") == [
        "is not position-independent", "has no RELRO segment", "binds lazily, so that RELRO is partial",
        "has an executable stack", "has no stack protector", "looks for libraries beside itself",
        "needs a dynamic loader"]


def test_control_a_hardened_program_passes(tmp_path):
    good = compile_plain(tmp_path, "-pie", "-fPIE", "-Wl,-z,relro,-z,now", "-fstack-protector-all")
    assert faults(good, "pie") == []
