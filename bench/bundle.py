# SPDX-License-Identifier: Apache-2.0
"""The benchmark's bundle: Docker's default walls with its seccomp profile, and a memory, a CPU and a process limit."""
import json
import platform
import shutil
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tests"))
import oci_spec  # noqa: E402

PROFILE = SOURCE / "profiles/seccomp/docker-default.json"
ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
DEVICES = [("c", 1, 3), ("c", 1, 5), ("c", 1, 7), ("c", 1, 8), ("c", 1, 9), ("c", 5, 0), ("c", 5, 2), ("c", 136, None)]


def kernel():
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])


def resolve_seccomp():
    """Docker's profile file as the OCI section that Docker makes of it for this machine and its 14 capabilities."""
    profile = json.loads(PROFILE.read_text())
    machine = platform.machine()
    native = ARCHITECTURES[machine]
    entry = next(e for e in profile["archMap"] if e["architecture"] == native)
    held = set(oci_spec.CAPABILITIES)

    def applies(rule):
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if includes.get("arches") and GO_NAMES[machine] not in includes["arches"]:
            return False
        if GO_NAMES[machine] in (excludes.get("arches") or []):
            return False
        if includes.get("caps") and not set(includes["caps"]) <= held:
            return False
        if set(excludes.get("caps") or []) & held:
            return False
        least = includes.get("minKernel")
        return not least or kernel() >= tuple(int(part) for part in least.split(".")[:2])

    calls = []
    for rule in filter(applies, profile["syscalls"]):
        call = {"names": rule["names"], "action": rule["action"]}
        if rule.get("args"):
            call["args"] = rule["args"]
        if rule.get("errnoRet") is not None:
            call["errnoRet"] = rule["errnoRet"]
        calls.append(call)
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": [native, *entry["subArchitectures"]], "syscalls": calls}


def make(path, true_program):
    """Write the bundle into path (bundle/config.json, bundle/rootfs)."""
    rootfs = path / "rootfs"
    for folder in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (rootfs / folder).mkdir(parents=True)
    shutil.copy(true_program, rootfs / "bin/true")
    (rootfs / "etc/passwd").write_text("root:x:0:0::/:/bin/true\n")
    (rootfs / "etc/group").write_text("root:x:0:\n")
    config = oci_spec.default()
    config["ociVersion"] = "1.0.2"  # crun of Debian 12 knows no newer one
    config["hostname"] = "bench"
    config["process"]["noNewPrivileges"] = True
    linux = config["linux"]
    linux["seccomp"] = resolve_seccomp()
    linux["resources"] = {
        "memory": {"limit": 512 << 20}, "cpu": {"quota": 100000, "period": 100000}, "pids": {"limit": 1024},
        "devices": [{"allow": False, "access": "rwm"},
                    {"allow": True, "type": "c", "access": "m"}, {"allow": True, "type": "b", "access": "m"}] + [
            {"allow": True, "type": kind, "major": major, "access": "rwm", **({} if minor is None else {"minor": minor})}
            for kind, major, minor in DEVICES],
    }
    (path / "config.json").write_text(json.dumps(config))
    return config
