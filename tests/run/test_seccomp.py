# SPDX-License-Identifier: Apache-2.0
"""The seccomp wall in real containers: what a profile refuses is refused by every way in, and agents get their say."""
import array
import fcntl
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import threading
import time

import oci_spec
import pytest
from attempts import fails_without_the_wall, refused, run, shell
from conftest import BUILD, SOURCE

PROGRAM = BUILD / "tests/run/syscalls"
AF_ALG, AF_VSOCK, AF_UNIX = 38, 40, 1
X86_64 = {"socket": 41, "clone3": 435, "keyctl": 250, "unshare": 272, "getxattrat": 464, "open_tree_attr": 467}
GETPID32, SOCKET32 = 20, 359
SIGSYS_STATUS = 128 + 31

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="call numbers in here are x86_64's")


def docker_profile():
    """Docker's default profile for its fourteen capabilities, resolved here so that our resolver is not its own witness."""
    profile = json.loads((SOURCE / "profiles/seccomp/docker-default.json").read_text())
    mine = next(m for m in profile["archMap"] if m["architecture"] == "SCMP_ARCH_X86_64")
    section = {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile["defaultErrnoRet"],
               "architectures": [mine["architecture"], *mine["subArchitectures"]], "syscalls": []}
    for rule in profile["syscalls"]:
        wants, spurns = rule.get("includes", {}), rule.get("excludes", {})
        if set(wants.get("caps", [])) - set(oci_spec.CAPABILITIES) or "amd64" not in wants.get("arches", ["amd64"]):
            continue
        if set(spurns.get("caps", [])) & set(oci_spec.CAPABILITIES) or "amd64" in spurns.get("arches", []):
            continue
        section["syscalls"].append({k: v for k, v in rule.items() if k in ("names", "action", "args", "errnoRet")})
    return section


def give(bundle, section=None):
    bundle.config["linux"]["seccomp"] = section if section is not None else docker_profile()
    return bundle


def allow_all_but(**rules):
    """A profile that names single calls: allow_all_but(getppid="SCMP_ACT_KILL")."""
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": [name], "action": action} for name, action in rules.items()]}


def calling(bundle, *what):
    shutil.copy(PROGRAM, bundle.rootfs / "bin/syscalls")
    return bundle.args("/bin/syscalls", *map(str, what))


def call(oci, bundle, *what):
    return run(oci, calling(bundle, *what), check=0).stdout.strip()


# --- what is refused is refused ----------------------------------------------------------------------------------

REFUSED = [(("native", X86_64["socket"], AF_VSOCK, 1), "EPERM"), (("native", X86_64["keyctl"], 0, -3, 1), "EPERM"),
           (("native", X86_64["unshare"], 0), "EPERM"), (("native", X86_64["clone3"], 0, 0), "ENOSYS"),
           (("compat", SOCKET32, AF_VSOCK, 1), "EPERM"), (("socketcall", AF_VSOCK), "EPERM"),
           (("socketcall", AF_ALG), "EPERM"), (("socketcall", AF_UNIX), "EPERM")]


def is_refused(oci, bundle, what, how):
    assert call(oci, bundle, *what) == how


@pytest.mark.parametrize("what, how", REFUSED)
@pytest.mark.parametrize("nnp", [False, True])
def test_dockers_profile_refuses(oci, bundle, what, how, nnp):
    give(bundle).config["process"]["noNewPrivileges"] = nnp
    is_refused(oci, bundle, what, how)


@pytest.mark.parametrize("what, how", REFUSED)
def test_control_without_the_wall_it_is_not(oci, bundle, what, how):
    bundle.without("linux.seccomp")
    fails_without_the_wall(is_refused, oci, bundle, what, how)


def test_what_the_profile_allows_works(oci, bundle):
    give(bundle)
    assert call(oci, bundle, "native", X86_64["socket"], AF_UNIX, 1) == "ok"
    assert call(oci, bundle, "compat", SOCKET32, AF_UNIX, 1) == "ok"
    assert call(oci, bundle, "compat", GETPID32) == "ok"
    assert shell(oci, bundle, "grep ^Seccomp: /proc/self/status").split() == ["Seccomp:", "2"]


def test_calls_newer_than_the_profile_do_not_exist(oci, bundle):
    give(bundle)
    assert call(oci, bundle, "native", X86_64["open_tree_attr"], -1, 0, 0, 0, 0) == "ENOSYS"
    # Newer than libseccomp, and named by the profile: the kernel answers.
    assert call(oci, bundle, "native", X86_64["getxattrat"], -1, 0, 0, 0, 0, 0) != "EPERM"


def test_socketcall_can_be_asked_for_by_operation(oci, bundle):
    section = docker_profile()
    section["syscalls"].insert(0, {"names": ["socketcall"], "action": "SCMP_ACT_ALLOW",
                                   "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]})
    assert call(oci, give(bundle, section), "socketcall", AF_UNIX) == "ok"


def test_no_32_bit_calls(oci, bundle):
    give(bundle).config["annotations"] = {"org.cofferdam.seccomp.compat32": "false"}
    assert run(oci, calling(bundle, "compat", GETPID32)).returncode == SIGSYS_STATUS
    assert call(oci, bundle, "native", X86_64["socket"], AF_UNIX, 1) == "ok"


@pytest.mark.parametrize("action, status", [("SCMP_ACT_KILL", SIGSYS_STATUS), ("SCMP_ACT_KILL_PROCESS", SIGSYS_STATUS),
                                            ("SCMP_ACT_TRAP", SIGSYS_STATUS), ("SCMP_ACT_LOG", 0),
                                            ("SCMP_ACT_ALLOW", 0)])
def test_actions(oci, bundle, action, status):
    give(bundle, allow_all_but(getppid=action))
    assert run(oci, calling(bundle, "getppid")).returncode == status


def test_errno_is_the_rules(oci, bundle):
    section = allow_all_but(keyctl="SCMP_ACT_ERRNO")
    section["syscalls"][0]["errnoRet"] = 28
    assert call(oci, give(bundle, section), "native", X86_64["keyctl"]) == "ENOSPC"


def test_an_ordinary_users_container(user_oci, user_bundle):
    give(user_bundle)
    assert call(user_oci, user_bundle, "socketcall", AF_ALG) == "EPERM"
    assert call(user_oci, user_bundle, "native", X86_64["socket"], AF_UNIX, 1) == "ok"


# --- what cannot be honoured -------------------------------------------------------------------------------------

def test_an_unknown_call_is_refused_by_name(oci, bundle):
    give(bundle, allow_all_but(getpidd="SCMP_ACT_KILL"))
    refused(oci, bundle, "seccomp", 'linux.seccomp.syscalls[0]: no system call is named "getpidd"')


def test_notify_without_an_agent_is_refused(oci, bundle):
    give(bundle, allow_all_but(getppid="SCMP_ACT_NOTIFY"))
    refused(oci, bundle, "seccomp", "listenerPath")


# --- the cache ---------------------------------------------------------------------------------------------------

def cached(tmp_path):
    return sorted((tmp_path / "oci").rglob("*.bpf"))


def test_a_filter_is_compiled_once(oci, bundle, tmp_path):
    give(bundle)
    shell(oci, bundle, "true")
    [first] = cached(tmp_path)
    before = first.stat()
    shell(oci, bundle, "true")
    assert cached(tmp_path) == [first]
    after = first.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    give(bundle, allow_all_but(acct="SCMP_ACT_KILL"))
    shell(oci, bundle, "true")
    assert len(cached(tmp_path)) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[:-1] + b"\xff",
                                    lambda data: bytes(len(data))])
def test_a_damaged_filter_is_compiled_again(oci, bundle, tmp_path, damage):
    give(bundle)
    is_refused(oci, bundle, ("native", X86_64["keyctl"], 0, -3, 1), "EPERM")
    [file] = cached(tmp_path)
    good = file.read_bytes()
    file.write_bytes(damage(good))
    is_refused(oci, bundle, ("native", X86_64["keyctl"], 0, -3, 1), "EPERM")
    assert file.read_bytes() == good


def test_a_cache_that_others_can_write_is_not_used(oci, bundle, tmp_path):
    give(bundle)
    shell(oci, bundle, "true")
    [file] = cached(tmp_path)
    file.parent.chmod(0o777)
    file.unlink()
    is_refused(oci, bundle, ("native", X86_64["keyctl"], 0, -3, 1), "EPERM")
    assert cached(tmp_path) == []
    file.parent.chmod(0o700)


# --- agents ------------------------------------------------------------------------------------------------------

RECV, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND of Linux 5.0
GETPPID = 110
CONTINUE = 1


class Agent(threading.Thread):
    """Answers 4242 to getppid, and lets every other call go on."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(str(path))
        self.listening.listen(1)
        self.listening.settimeout(20)
        self.state, self.calls = None, []
        self.start()

    def run(self):
        connection, _ = self.listening.accept()
        text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
        [(_, kind, data)] = ancillary
        assert kind == socket.SCM_RIGHTS
        [notify] = array.array("i", data)
        self.state = json.loads(text)
        connection.close()
        waiting = select.poll()
        waiting.register(notify, select.POLLIN)
        try:
            while any(events & select.POLLIN for _, events in waiting.poll(20000)):
                self.answer(notify)
        finally:
            os.close(notify)
            self.listening.close()

    def answer(self, notify):
        request = bytearray(80)
        try:
            fcntl.ioctl(notify, RECV, request)
        except FileNotFoundError:
            return  # killed meanwhile
        number, _, _, call = struct.unpack_from("=QIIi", request)
        self.calls.append(call)
        value, flags = (4242, 0) if call == GETPPID else (0, CONTINUE)
        try:
            fcntl.ioctl(notify, SEND, struct.pack("=QqiI", number, value, 0, flags))
        except FileNotFoundError:
            pass


def agent_for(bundle, tmp_path, section, nnp):
    section["listenerPath"] = str(tmp_path / "agent")
    section["listenerMetadata"] = 'say "4242"\n'
    give(bundle, section).config["process"]["noNewPrivileges"] = nnp
    return Agent(tmp_path / "agent")


@pytest.mark.parametrize("nnp", [False, True])
def test_an_agent_answers(oci, bundle, tmp_path, nnp):
    agent = agent_for(bundle, tmp_path, allow_all_but(getppid="SCMP_ACT_NOTIFY"), nnp)
    assert call(oci, bundle, "getppid") == "4242"
    agent.join(20)
    assert GETPPID in agent.calls
    assert agent.state["fds"] == ["seccompFd"]
    assert agent.state["metadata"] == 'say "4242"\n'
    assert agent.state["state"]["status"] == "creating" and agent.state["state"]["pid"] == agent.state["pid"]
    assert agent.state["state"]["bundle"] == str(bundle.path)


@pytest.mark.parametrize("nnp", [False, True])
def test_an_agent_asked_about_everything(oci, bundle, tmp_path, nnp):
    """Also about the very calls by which a start goes on: runc forbids to ask about write for that."""
    agent = agent_for(bundle, tmp_path, {"defaultAction": "SCMP_ACT_NOTIFY"}, nnp)
    assert run(oci, calling(bundle, "getppid"), check=0, timeout=30).stdout.strip() == "4242"
    agent.join(20)
    assert GETPPID in agent.calls and len(agent.calls) > 5


def test_an_agent_asked_about_everything_between_create_and_start(oci, bundle, tmp_path):
    agent = agent_for(bundle, tmp_path, {"defaultAction": "SCMP_ACT_NOTIFY"}, True)
    calling(bundle, "getppid")
    # The container keeps what it inherits open: no pipe to wait for.
    create = oci.start("create", "--bundle", bundle.path, "asked", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert create.wait(30) == 0
    agent_had_it = agent.state is not None
    oci("start", "asked", check=0, timeout=30)
    agent.join(20)
    oci("delete", "--force", "asked", check=0)
    assert agent_had_it and GETPPID in agent.calls
