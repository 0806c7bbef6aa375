# SPDX-License-Identifier: Apache-2.0
"""The limits wall in real containers: rlimits, OOM score, scheduling, and sysctl that are the container's own."""
import pytest
from attempts import attempt, fails_without_the_wall, refused, shell


def limit(bundle, name, soft, hard=None):
    bundle.config["process"].setdefault("rlimits", []).append(
        {"type": f"RLIMIT_{name}", "soft": soft, "hard": soft if hard is None else hard})
    return bundle


def host_file(path):
    with open(path) as f:
        return f.read()


# --- rlimits ---------------------------------------------------------------------------------------------------------

def has_few_descriptors(oci, bundle):
    assert attempt(oci, bundle, "descriptors", 100).split()[1] == "EMFILE"


def test_open_files(oci, bundle):
    limit(bundle, "NOFILE", 40)
    has_few_descriptors(oci, bundle)


def test_control_open_files_without_the_limit(oci, bundle):
    fails_without_the_wall(has_few_descriptors, oci, bundle)


def cannot_fork(oci, bundle):
    bundle.config["process"]["user"] = {"uid": 54321, "gid": 54321}
    assert attempt(oci, bundle, "fork") == "EAGAIN"


def test_processes(oci, bundle):
    limit(bundle, "NPROC", 1)
    cannot_fork(oci, bundle)


def test_control_processes_without_the_limit(oci, bundle):
    fails_without_the_wall(cannot_fork, oci, bundle)


def test_every_rlimit_arrives(oci, bundle):
    names = {"CPU": "cpu time", "FSIZE": "file size", "DATA": "data size", "STACK": "stack size",
             "CORE": "core file size", "RSS": "resident set", "NPROC": "processes", "NOFILE": "open files",
             "MEMLOCK": "locked memory", "AS": "address space", "LOCKS": "file locks", "SIGPENDING": "pending signals",
             "MSGQUEUE": "msgqueue size", "NICE": "nice priority", "RTPRIO": "realtime priority",
             "RTTIME": "realtime timeout"}
    own = {line[:26].strip()[4:]: line[26:].split()[1] for line in host_file("/proc/self/limits").splitlines()[1:]}
    expected = {}
    for i, (name, label) in enumerate(names.items()):
        # Just below what we have ourselves: raising would need CAP_SYS_RESOURCE.
        hard = 2**40 + i if own[label] == "unlimited" else max(int(own[label]) - 1, 0)
        limit(bundle, name, max(hard - 1, 0), hard)
        expected[label] = [str(max(hard - 1, 0)), str(hard)]
    text = shell(oci, bundle, "exec cat /proc/self/limits")
    seen = {line[:26].strip()[4:]: line[26:].split()[:2] for line in text.splitlines()[1:]}
    assert seen == expected


def test_rlimits_in_a_user_namespace(oci, bundle):
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    for member in ("uidMappings", "gidMappings"):
        bundle.config["linux"][member] = [{"containerID": 0, "hostID": 0, "size": 1000}]
    limit(bundle, "NOFILE", 41, 42)
    assert shell(oci, bundle, "ulimit -Sn; ulimit -Hn").split() == ["41", "42"]


def test_a_hard_limit_above_the_callers(oci, bundle):
    oci.prefix = ["setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", "--",
                  "prlimit", "--nofile=500:500"]
    limit(bundle, "NOFILE", 600)
    refused(oci, bundle, "limits", "hard limit 600 is above the caller's 500, which needs CAP_SYS_RESOURCE")


@pytest.mark.parametrize("limits, text", [
    ([("FOO", 1, 1)], "RLIMIT_FOO is no resource limit known to Linux"),
    ([("CPU", 1, 1), ("CPU", 2, 2)], "RLIMIT_CPU is given twice"),
    ([("CPU", 2, 1)], "soft limit 2 is above hard limit 1"),
])
def test_rlimits_that_cannot_be(oci, bundle, limits, text):
    for one in limits:
        limit(bundle, *one)
    refused(oci, bundle, "limits", text)


# --- OOM score -------------------------------------------------------------------------------------------------------

def test_oom_score(oci, bundle):
    bundle.config["process"]["oomScoreAdj"] = 321
    assert shell(oci, bundle, "cat /proc/self/oom_score_adj") == "321"


def test_an_oom_score_below_the_callers(oci, bundle):
    oci.prefix = ["setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", "--"]
    bundle.config["process"]["oomScoreAdj"] = -999
    refused(oci, bundle, "limits", "process.oomScoreAdj: -999 is below the caller's own")


# --- scheduling ------------------------------------------------------------------------------------------------------

def test_scheduler_and_io_priority(oci, bundle):
    bundle.config["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 7}
    bundle.config["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    policy_and_nice = "cut -d ' ' -f 19,41 /proc/self/stat"
    assert shell(oci, bundle, f"{policy_and_nice}; ionice -p $$").splitlines() == ["7 3", "best-effort: prio 6"]


def test_personality(oci, bundle):
    bundle.config["linux"]["personality"] = {"domain": "LINUX32"}
    assert shell(oci, bundle, "uname -m") != shell(oci, bundle.without("linux.personality"), "uname -m")


def test_memory_policy(oci, bundle):
    bundle.config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}
    assert " bind:0 " in shell(oci, bundle, "head -1 /proc/self/numa_maps")
    bundle.config["linux"]["memoryPolicy"]["nodes"] = "1023"
    refused(oci, bundle, "limits", "linux.memoryPolicy: MPOL_BIND 1023: a node that the host does not have")


# --- sysctl ----------------------------------------------------------------------------------------------------------

def can_ping_without_privilege(oci, bundle):
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    bundle.config["process"]["capabilities"] = {}
    assert attempt(oci, bundle, "ping") == "ok"


def test_ping_group_range(oci, bundle):
    path = "/proc/sys/net/ipv4/ping_group_range"
    before = host_file(path)
    bundle.config["linux"]["sysctl"] = {"net.ipv4.ping_group_range": "0 2147483647"}
    can_ping_without_privilege(oci, bundle)
    assert host_file(path) == before


def test_control_ping_without_the_setting(oci, bundle):
    fails_without_the_wall(can_ping_without_privilege, oci, bundle)


def test_settings_of_each_namespace(oci, bundle):
    names = {"kernel.shmmni": "123", "fs.mqueue.msg_max": "11", "kernel.domainname": "example",
             "net/ipv4/ip_unprivileged_port_start": "80"}
    paths = ["/proc/sys/" + name.replace(".", "/") for name in names]
    before = [host_file(path) for path in paths]
    bundle.config["linux"]["sysctl"] = names
    assert shell(oci, bundle, "cat " + " ".join(paths)).splitlines() == list(names.values())
    assert [host_file(path) for path in paths] == before


@pytest.mark.parametrize("name", ["kernel.panic", "vm.overcommit_memory", "kernel/core_pattern"])
def test_settings_of_the_host_are_refused(oci, bundle, name):
    bundle.config["linux"]["sysctl"] = {name: "1"}
    refused(oci, bundle, "limits", f"linux.sysctl: {name} belongs to no namespace")


def test_settings_of_a_shared_namespace_are_refused(oci, bundle):
    namespaces = bundle.config["linux"]["namespaces"]
    bundle.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
    namespaces.remove({"type": "network"})
    refused(oci, bundle, "limits", "shares the host's network namespace")
    namespaces.append({"type": "network", "path": "/proc/self/ns/net"})
    refused(oci, bundle, "limits", "network namespace /proc/self/ns/net is the host's")


@pytest.mark.parametrize("name, value, text", [
    ("net.no_such_thing", "1", "this kernel has no such setting"),
    ("kernel.shmmni", "many", "the kernel does not take the value \"many\""),
])
def test_settings_that_the_kernel_refuses(oci, bundle, name, value, text):
    bundle.config["linux"]["sysctl"] = {name: value}
    refused(oci, bundle, "limits", f"linux.sysctl: {name}: {text}")
