# SPDX-License-Identifier: Apache-2.0
"""Golden plans: what a start of whole documents does, on hosts that need not be here, line by line.

A plan touches nothing, so these need neither privilege nor containers. After a change that is meant to change plans:
COFFER_GOLDEN=write python3 -m pytest tests/plan, and read the difference before committing it.
"""
import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import oci_spec  # noqa: E402

HERE = Path(__file__).resolve().parent
PROGRAM = Path(os.environ.get("COFFER_BUILD", HERE.parent.parent / "build")) / "tests/plan/plan-print"
HOSTS = ("v1", "hybrid", "v2", "user")


def docker():
    """Docker's default walls, with limits and a small filter."""
    config = oci_spec.default()
    config["linux"]["resources"].update(memory={"limit": 512 << 20}, cpu={"quota": 100000, "period": 100000},
                                        pids={"limit": 100})
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
                                  "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}]}
    config["linux"]["sysctl"] = {"net.ipv4.ping_group_range": "0 0"}
    return config


def hardened():
    """No capability, nobody's id, read-only root, Landlock, everything after no_new_privs."""
    config = docker()
    process = config["process"]
    process.update(user={"uid": 1000, "gid": 1000, "additionalGids": [2000], "umask": 0o77}, noNewPrivileges=True,
                   capabilities={}, oomScoreAdj=100,
                   rlimits=[{"type": "RLIMIT_NOFILE", "soft": 256, "hard": 512}])
    config["root"]["readonly"] = True
    config["mounts"].append({"destination": "/data", "type": "bind", "source": "/srv/data",
                             "options": ["rbind", "ro", "nosuid"]})
    config["annotations"] = {"org.cofferdam.landlock": "auto"}
    return config


def remapped():
    """An overlay of image layers seen through a user namespace."""
    config = docker()
    config["linux"]["namespaces"].append({"type": "user"})
    for member in ("uidMappings", "gidMappings"):
        config["linux"][member] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["annotations"] = {"org.cofferdam.rootfs.lower": "/store/b:/store/a", "org.cofferdam.rootfs.upper": "/c/upper",
                             "org.cofferdam.rootfs.work": "/c/work", "org.cofferdam.rootfs.idmap": "true"}
    return config


def pod():
    """A second container of a pod: three namespaces joined, its own time, a terminal."""
    config = docker()
    paths = {"network": "/run/pod/net", "ipc": "/run/pod/ipc", "uts": "/run/pod/uts"}
    config["linux"]["namespaces"] = [{"type": n["type"], "path": paths[n["type"]]} if n["type"] in paths else n
                                     for n in config["linux"]["namespaces"]] + [{"type": "time"}]
    config["linux"]["timeOffsets"] = {"boottime": {"secs": -3600}}
    config["linux"].pop("sysctl")
    config["linux"]["cgroupsPath"] = "/pods/one/second"
    config["process"]["terminal"] = True
    config.pop("hostname")
    return config


def rootless():
    return oci_spec.rootless(copy.deepcopy(oci_spec.default()), 1000)


DOCUMENTS = {"docker": docker, "hardened": hardened, "remapped": remapped, "pod": pod, "rootless": rootless}


def plan(host, config, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = subprocess.run([PROGRAM, host, tmp_path / "config.json"], capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_golden(name, host, tmp_path):
    golden = HERE / "golden" / f"{name}-{host}.txt"
    text = plan(host, DOCUMENTS[name](), tmp_path)
    if os.environ.get("COFFER_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def test_the_same_input_gives_the_same_plan(tmp_path):
    assert plan("v2", docker(), tmp_path) == plan("v2", docker(), tmp_path)


def test_control_a_changed_document_changes_the_plan(tmp_path):
    """Each part of the document shows in the plan: without it, lines are missing."""
    whole = plan("hybrid", docker(), tmp_path)
    for path in ("linux.seccomp", "linux.sysctl", "linux.maskedPaths", "linux.resources", "process.capabilities",
                 "mounts", "hostname"):
        config = docker()
        *parents, last = path.split(".")
        where = config
        for parent in parents:
            where = where[parent]
        del where[last]
        assert plan("hybrid", config, tmp_path) != whole, path
