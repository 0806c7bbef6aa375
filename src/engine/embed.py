#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a C file that holds the given profiles: embed.py OUTPUT NAME.profile ..."""
import pathlib
import sys


def literal(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(f'    "{line}\\n"' for line in escaped.splitlines())


def main():
    output, *files = sys.argv[1:]
    names = [pathlib.Path(f).stem for f in files]
    with open(output, "w", encoding="utf-8") as out:
        out.write('/* Made by src/engine/embed.py from profiles/. */\n#include "engine/profile.h"\n\n#include <string.h>\n\n')
        out.write("static const char *const names[] = {" + ", ".join(f'"{n}"' for n in names) + ", NULL};\n")
        out.write("static const char *const texts[] = {\n")
        for f in files:
            out.write(literal(pathlib.Path(f).read_text(encoding="utf-8")) + ",\n")
        out.write("};\n\nconst char *profile_embedded(const char *name)\n{\n")
        out.write("    for (size_t i = 0; names[i] != NULL; i++)\n        if (strcmp(names[i], name) == 0)\n")
        out.write("            return texts[i];\n    return NULL;\n}\n\n")
        out.write("const char *const *profile_embedded_names(void)\n{\n    return names;\n}\n")


main()
