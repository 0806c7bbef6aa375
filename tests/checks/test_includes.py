# SPDX-License-Identifier: Apache-2.0
"""Folders include downwards only, and walls do not look into each other (docs/architecture.md)."""
import re

import tree

ORDER = ["base", "sys", "oci", "layers", "start", "runtime", "image", "storage", "network", "engine", "insight", "cli"]
# The public header of a wall is layers/X/X.h; this one keeps that name for its inside.
PUBLIC = {"rootfs": "mounts.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Programs of their own, which are put into containers and know nothing of the rest. What one prints, others may read:
# its header has the words for both.
APART = {"hello"}


def faults(top):
    found = []
    for name in tree.c_files(top, ("src/",)):
        parts = name.split("/")
        folder = parts[1]
        if folder in APART:
            found += [f"{name}: includes {target}, though it is a program of its own"
                      for target in INCLUDE.findall((top / name).read_text()) if target.split("/")[0] in ORDER]
            continue
        if folder not in ORDER:
            found.append(f"{name}: folder {folder} has no place in the order")
            continue
        for target in INCLUDE.findall((top / name).read_text()):
            if "/" not in target and not (top / name).with_name(target).exists():
                continue  # made by the build
            found += [f"{name}: {why}" for why in judge(folder, parts, target)]
    return found


def judge(folder, parts, target):
    where = target.split("/")
    if len(where) == 1:
        return [f"includes {target} without its folder"]
    if where[0] in APART:
        return []
    if where[0] not in ORDER:
        return [f"includes {target} of an unknown folder"]
    if ORDER.index(where[0]) > ORDER.index(folder):
        return [f"includes {target}, which is above it"]
    # layers/X/... : of another wall only its public header may be seen.
    own_wall = parts[2] if folder == "layers" and len(parts) > 3 else None
    if where[0] == "layers" and len(where) == 3 and where[1] != own_wall and where[2] != PUBLIC.get(where[1], f"{where[1]}.h"):
        return [f"includes {target}, which is private to that wall"]
    return []


def test_no_upward_include():
    assert faults(tree.SOURCE) == []


def test_control_upward_include_is_found(tmp_path):
    tree.write(tmp_path, "src/base/a.c", '#include "cli/command.h"\n')
    assert faults(tmp_path) == ["src/base/a.c: includes cli/command.h, which is above it"]


def test_control_private_header_of_a_wall_is_found(tmp_path):
    tree.write(tmp_path, "src/layers/mac/a.c", '#include "layers/cgroup/group.h"\n#include "layers/cgroup/cgroup.h"\n')
    tree.write(tmp_path, "src/engine/a.c", '#include "layers/cgroup/group.h"\n')
    assert len(faults(tmp_path)) == 2


def test_control_unknown_folder_is_found(tmp_path):
    tree.write(tmp_path, "src/helpers/a.c", "")
    assert len(faults(tmp_path)) == 1
