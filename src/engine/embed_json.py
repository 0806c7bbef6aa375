#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a C file that holds the seccomp profile without its blanks, which every start parses: embed_json.py OUT IN"""
import json
import sys


def main():
    output, source = sys.argv[1:]
    with open(source, encoding="utf-8") as f:
        text = json.dumps(json.load(f), separators=(",", ":"))
    lines = [text[i : i + 100] for i in range(0, len(text), 100)]
    with open(output, "w", encoding="utf-8") as out:
        out.write('/* Made by src/engine/embed_json.py. */\n#include "engine/spec_private.h"\n\n')
        out.write("const char spec_seccomp_default[] =\n")
        for line in lines:
            escaped = line.replace("\\", "\\\\").replace('"', '\\"')
            out.write(f'    "{escaped}"\n')
        out.write("    ;\nconst size_t spec_seccomp_default_len = sizeof spec_seccomp_default - 1;\n")


main()
