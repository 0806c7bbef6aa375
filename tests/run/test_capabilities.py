# SPDX-License-Identifier: Apache-2.0
"""The capabilities wall in real containers: what is dropped cannot be done, and who the program is."""
import shutil

import oci_spec
import pytest
from attempts import PROGRAM, attempt, fails_without_the_wall, refused, run, shell

SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")


def give(bundle, names, *sets):
    """Exactly these capabilities in these sets (default: as Docker, all but inheritable and ambient)."""
    sets = sets or ("bounding", "effective", "permitted")
    bundle.config["process"].setdefault("capabilities", {}).update({s: list(names) for s in sets})
    return bundle


def status(oci, bundle):
    """/proc/self/status of the program as a dictionary."""
    text = shell(oci, bundle, "cat /proc/self/status")
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


# --- what is dropped cannot be done ------------------------------------------------------------------------------

DROPS = [("CAP_CHOWN", ("chown", "/etc/passwd")), ("CAP_NET_RAW", ("raw",)), ("CAP_MKNOD", ("mknod", "/tmp/node"))]


def is_denied(oci, bundle, what):
    assert attempt(oci, bundle, *what) == "EPERM"


@pytest.mark.parametrize("name, what", DROPS)
def test_a_dropped_capability_is_gone(oci, bundle, name, what):
    give(bundle, [c for c in oci_spec.CAPABILITIES if c != name])
    is_denied(oci, bundle, what)


@pytest.mark.parametrize("name, what", DROPS)
def test_control_without_the_wall_it_can_be_done(oci, bundle, name, what):
    give(bundle, oci_spec.CAPABILITIES)
    fails_without_the_wall(is_denied, oci, bundle, what)


def test_a_document_without_capabilities_gives_none(oci, bundle):
    bundle.without("process.capabilities")
    for name, value in status(oci, bundle).items():
        assert not name.startswith("Cap") or int(value, 16) == 0


def test_each_set_is_what_was_asked_for(oci, bundle):
    give(bundle, ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"], "bounding")
    give(bundle, ["CAP_CHOWN", "CAP_KILL"], "permitted", "effective", "inheritable")
    give(bundle, ["CAP_KILL"], "ambient")
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    seen = status(oci, bundle)
    # An ordinary user's program has what is ambient; root's would get all of the bounding set (capabilities(7)).
    assert {s: int(seen[s], 16) for s in ("CapBnd", "CapInh", "CapPrm", "CapEff", "CapAmb")} == {
        "CapBnd": 1 << 0 | 1 << 5 | 1 << 7, "CapInh": 1 << 0 | 1 << 5, "CapPrm": 1 << 5, "CapEff": 1 << 5,
        "CapAmb": 1 << 5}


def test_an_ambient_capability_works_for_an_ordinary_user(oci, bundle):
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    give(bundle, ["CAP_NET_RAW"], *SETS)
    assert attempt(oci, bundle, "raw") == "ok"
    give(bundle, [], "ambient")
    assert attempt(oci, bundle, "raw") == "EPERM"


def test_the_inheritable_set_is_not_filled(oci, bundle):
    """CVE-2022-24769, CVE-2022-29162."""
    assert int(status(oci, bundle)["CapInh"], 16) == 0


def test_runc_specs_ambient_without_inheritable_starts(oci, bundle):
    give(bundle, ["CAP_KILL"], "bounding", "effective", "permitted", "ambient")
    assert int(status(oci, bundle)["CapAmb"], 16) == 0


# --- no_new_privs and set-user-ID programs ---------------------------------------------------------------------------

def set_user_id_gives_nothing(oci, bundle):
    program = bundle.rootfs / "bin/suid"
    shutil.copy(PROGRAM, program)
    program.chmod(0o4755)
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    bundle.args("/bin/suid", "chown", "/etc/passwd")
    assert run(oci, bundle, check=0).stdout.strip() == "EPERM"


def test_no_new_privs_stops_set_user_id(oci, bundle):
    bundle.config["process"]["noNewPrivileges"] = True
    set_user_id_gives_nothing(oci, bundle)
    assert status(oci, bundle)["NoNewPrivs"] == "1"


def test_control_set_user_id_without_no_new_privs(oci, bundle):
    bundle.config["process"]["noNewPrivileges"] = False
    fails_without_the_wall(set_user_id_gives_nothing, oci, bundle)


def test_set_user_id_does_not_get_past_the_bounding_set(oci, bundle):
    give(bundle, [c for c in oci_spec.CAPABILITIES if c != "CAP_CHOWN"])
    set_user_id_gives_nothing(oci, bundle)


# --- identity ----------------------------------------------------------------------------------------------------

def test_identity(oci, bundle):
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 100, "additionalGids": [4, 2000], "umask": 0o27}
    seen = status(oci, bundle)
    assert seen["Uid"].split() == ["1000"] * 4
    assert seen["Gid"].split() == ["100"] * 4
    assert seen["Groups"].split() == ["4", "2000"]
    assert seen["Umask"] == "0027"


def test_the_callers_groups_and_umask_stay_outside(oci, bundle):
    oci.prefix = ["setpriv", "--groups", "7,8", "--", "sh", "-c", 'umask 0; exec "$@"', "sh"]
    seen = status(oci, bundle)
    assert seen["Groups"].split() == []
    assert seen["Umask"] == "0022"


def test_the_callers_ambient_set_stays_outside(oci, bundle):
    oci.prefix = ["setpriv", "--inh-caps", "+kill,+chown", "--ambient-caps", "+kill,+chown", "--"]
    give(bundle, ["CAP_KILL", "CAP_CHOWN"], "bounding", "effective", "permitted", "inheritable")
    give(bundle, ["CAP_KILL"], "ambient")
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    assert int(status(oci, bundle)["CapAmb"], 16) == 1 << 5


def test_rootless_identity(user_oci, user_bundle):
    """The user namespace denies setgroups: no groups can be asked for, and the caller's own must not be a failure."""
    seen = status(user_oci, user_bundle)
    assert seen["Uid"].split() == ["0"] * 4
    assert int(seen["CapEff"], 16) == sum(1 << n for n in (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31))
    user_bundle.config["process"]["user"]["additionalGids"] = [0]
    refused(user_oci, user_bundle, "capabilities", "the container's user namespace denies setgroups")


# --- refused by name, before anything has changed ------------------------------------------------------------------

@pytest.mark.parametrize("which", SETS)
def test_an_unknown_capability(oci, bundle, which):
    give(bundle, ["CAP_FOO"], which)
    refused(oci, bundle, "capabilities", f"process.capabilities.{which}: CAP_FOO is no capability known to Linux")


@pytest.mark.parametrize("user, text", [
    ({"uid": 4294967295, "gid": 0}, "4294967295 is no valid id"),
    ({"uid": 0, "gid": 4294967295}, "4294967295 is no valid id"),
])
def test_the_id_that_setresuid_would_ignore(oci, bundle, user, text):
    bundle.config["process"]["user"] = user
    refused(oci, bundle, "capabilities", text)


def test_an_id_that_is_not_mapped(oci, bundle):
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    for member in ("uidMappings", "gidMappings"):
        bundle.config["linux"][member] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 0}
    refused(oci, bundle, "capabilities", "process.user.uid: 1000 is not mapped")


def test_what_the_caller_does_not_hold(oci, bundle):
    oci.prefix = ["setpriv", "--bounding-set", "-sys_time", "--inh-caps", "-sys_time", "--"]
    give(bundle, ["CAP_SYS_TIME"], "bounding")
    refused(oci, bundle, "capabilities", "CAP_SYS_TIME cannot be given, the caller does not hold it itself")
