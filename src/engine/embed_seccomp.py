#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the built-in seccomp profile as C: its text, and the same as tables, which a start needs not parse.

usage: embed_seccomp.py OUTPUT PROFILE.json
"""
import json
import sys

# moby's words for architectures, and what uname -m calls the machines that the tables are for.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x", "riscv64": "riscv64"}
NATIVE = {"SCMP_ARCH_X86_64": "x86_64", "SCMP_ARCH_AARCH64": "aarch64", "SCMP_ARCH_S390X": "s390x",
          "SCMP_ARCH_RISCV64": "riscv64"}


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def strings(name, values):
    rows = [f"    {', '.join(quoted(v) for v in values[i:i + 4])}," for i in range(0, len(values), 4)]
    return f"static const char *const {name}[] = {{\n" + "\n".join(rows) + "\n    NULL,\n};\n"


def capability_set(conditions):
    return " | ".join(f"UINT64_C(1) << {name}" for name in conditions.get("caps", [])) or "0"


def machine_set(conditions, nothing):
    if not conditions.get("arches"):
        return nothing
    return quoted(" ".join(["", *(MACHINES[w] for w in conditions["arches"] if w in MACHINES), ""]))


def rule(index, r):
    known = {"names", "action", "args", "comment", "includes", "excludes", "errnoRet"}
    assert set(r) <= known, f"syscalls[{index}]: unknown members {set(r) - known}"
    includes, excludes = r.get("includes") or {}, r.get("excludes") or {}
    assert set(includes) <= {"caps", "arches", "minKernel"} and set(excludes) <= {"caps", "arches"}
    out = [strings(f"names_{index}", r["names"])]
    args = r.get("args") or []
    if args:
        rows = []
        for a in args:
            two = a.get("valueTwo")
            rows.append(f"    {{.index = {a['index']}, .value = {a['value']}U, " +
                        (f".value_two = {{true, {two}U}}, " if two is not None else "") +
                        f".op = (char *){quoted(a['op'])}}},")
        out.append(f"static const struct oci_seccomp_arg args_{index}[] = {{\n" + "\n".join(rows) + "\n};\n")
    kernel = (includes.get("minKernel") or "0.0").split(".")
    entry = [f"    {{.rule = {{.names = {{(char **)names_{index}, {len(r['names'])}, true}},",
             f"              .action = (char *){quoted(r['action'])},"]
    if r.get("errnoRet") is not None:
        entry.append(f"              .errno_ret = {{true, {r['errnoRet']}}},")
    if args:
        entry.append(f"              .args = {{(struct oci_seccomp_arg *)args_{index}, {len(args)}, true}},")
    entry[-1] = entry[-1].rstrip(",") + "},"
    entry += [f"     .needs = {capability_set(includes)},", f"     .barred_by = {capability_set(excludes)},",
              f"     .machines = {machine_set(includes, 'NULL')}, .not_machines = {machine_set(excludes, 'NULL')},",
              f"     .kernel_major = {int(kernel[0])}, .kernel_minor = {int(kernel[1])}}},"]
    return "\n".join(out), "\n".join(entry)


def main():
    output, source = sys.argv[1:]
    with open(source, encoding="utf-8") as f:
        profile = json.load(f)
    assert set(profile) <= {"defaultAction", "defaultErrnoRet", "archMap", "syscalls"}, set(profile)
    text = json.dumps(profile, separators=(",", ":"))
    with open(output, "w", encoding="utf-8") as out:
        out.write('/* Made by src/engine/embed_seccomp.py. */\n#include "engine/seccomp_builtin.h"\n\n'
                  "#include <linux/capability.h>\n#include <stddef.h>\n\nconst char seccomp_builtin_json[] =\n")
        out.writelines(f"    {quoted(text[i:i + 96])}\n" for i in range(0, len(text), 96))
        out.write("    ;\nconst size_t seccomp_builtin_json_len = sizeof seccomp_builtin_json - 1;\n\n")
        out.write(f"const char seccomp_builtin_action[] = {quoted(profile['defaultAction'])};\n"
                  f"const unsigned seccomp_builtin_errno = {profile['defaultErrnoRet']};\n\n")
        maps = []
        for i, entry in enumerate(profile["archMap"]):
            if entry["architecture"] in NATIVE:
                archs = [entry["architecture"], *(entry["subArchitectures"] or [])]
                out.write(strings(f"archs_{i}", archs))
                maps.append(f"    {{{quoted(NATIVE[entry['architecture']])}, {{(char **)archs_{i}, {len(archs)}, true}}}},")
        out.write("const struct seccomp_builtin_arch seccomp_builtin_archs[] = {\n" + "\n".join(maps) +
                  "\n    {NULL, {NULL, 0, false}},\n};\n\n")
        parts = [rule(i, r) for i, r in enumerate(profile["syscalls"])]
        out.write("\n".join(p[0] for p in parts))
        out.write("\nconst struct seccomp_builtin_rule seccomp_builtin_rules[] = {\n" + "\n".join(p[1] for p in parts) +
                  f"\n}};\nconst size_t seccomp_builtin_n_rules = {len(parts)};\n")


main()
