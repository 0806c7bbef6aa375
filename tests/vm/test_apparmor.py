# SPDX-License-Identifier: Apache-2.0
"""AppArmor labels on containers, enforced: each denial with the control that without the label there is none."""
import json
import os
import subprocess
from pathlib import Path

import box as boxes
import pytest
from attempts import attempt, fails_without_the_wall, refused, shell
from test_explain import Running, fact

PROFILE = Path(__file__).resolve().parent / "profile"


@pytest.fixture(scope="module", autouse=True)
def profiles():
    """apparmor_parser talks to securityfs, which the sandbox does not show: mounted for that command alone."""
    def parser(option):
        script = f"mount -t securityfs securityfs /sys/kernel/security && apparmor_parser {option} {PROFILE}"
        subprocess.run(["unshare", "--mount", "sh", "-c", script], check=True, capture_output=True, text=True)
    parser("--replace --skip-cache")
    yield
    parser("--remove")


@pytest.fixture
def secret(bundle):
    (bundle.rootfs / "etc/secret").write_text("secret\n")
    (bundle.rootfs / "etc/secret").chmod(0o666)
    return bundle


def label(bundle, name="coffer-test"):
    bundle.config["process"]["apparmorProfile"] = name
    return bundle


def cannot_read(oci, bundle):
    assert "Permission denied" in shell(oci, bundle, "cat /etc/secret 2>&1 || true")


def test_what_the_profile_denies_is_denied(oci, secret):
    cannot_read(oci, label(secret))


def test_control_without_the_label(oci, secret):
    assert shell(oci, secret, "cat /etc/secret") == "secret"
    fails_without_the_wall(cannot_read, oci, secret)


def test_what_the_profile_allows_is_allowed(oci, secret):
    assert shell(oci, label(secret), "echo x > /tmp/new; cat /tmp/new") == "x"


@pytest.mark.parametrize("name, mode", [("coffer-test", "enforce"), ("coffer-test-complain", "complain")])
def test_the_kernel_knows_the_label(oci, bundle, name, mode):
    assert shell(oci, label(bundle, name), "cat /proc/self/attr/current") == f"{name} ({mode})"


@pytest.mark.parametrize("name", [None, "", "unconfined"])
def test_control_unconfined(oci, secret, name):
    if name is not None:
        label(secret, name)
    assert shell(oci, secret, "cat /proc/self/attr/current") == "unconfined"
    assert shell(oci, secret, "cat /etc/secret") == "secret"


def test_no_new_privileges_does_not_keep_the_label_away(oci, secret):
    secret.config["process"]["noNewPrivileges"] = True
    cannot_read(oci, label(secret))


def cannot_make_nodes(oci, bundle):
    assert "Operation not permitted" in shell(oci, bundle, "mknod /tmp/n c 1 3 2>&1 || true")


def test_a_denied_capability(oci, bundle):
    """CAP_MKNOD is in the container's sets and the device rules let it through: the profile alone is in the way."""
    cannot_make_nodes(oci, label(bundle))


def test_control_the_capability_without_the_label(oci, bundle):
    fails_without_the_wall(cannot_make_nodes, oci, bundle)


def test_a_profile_that_is_not_loaded(oci, bundle):
    refused(oci, label(bundle, "no-such-profile"), "mac", "AppArmor profile no-such-profile is not loaded")


def test_label_and_landlock_together(oci, secret):
    secret.config["annotations"] = {"org.cofferdam.landlock": "on"}
    cannot_read(oci, label(secret))
    assert attempt(oci, secret, "mount", "/tmp") == "EPERM"
    # Each without the other, or one of them might do both.
    secret.config["annotations"] = {"org.cofferdam.landlock": "off"}
    cannot_read(oci, secret)
    assert attempt(oci, secret, "mount", "/tmp") != "EPERM"
    secret.config["annotations"] = {"org.cofferdam.landlock": "on"}
    fails_without_the_wall(cannot_read, oci, secret.without("process.apparmorProfile"))
    assert attempt(oci, secret, "mount", "/tmp") == "EPERM"


def test_an_ordinary_user_may_ask_for_a_label(user_oci, user_bundle):
    (user_bundle.rootfs / "etc/secret").write_text("secret\n")
    (user_bundle.rootfs / "etc/secret").chmod(0o666)
    fails_without_the_wall(cannot_read, user_oci, user_bundle)
    cannot_read(user_oci, label(user_bundle))


def test_a_proc_of_the_image_does_not_swallow_the_label(oci, secret):
    """CVE-2019-16884: a /proc that is no procfs takes the write, and the container would run without its profile."""
    mounts = secret.config["mounts"]
    secret.config["mounts"] = [m for m in mounts if m["destination"] != "/proc"]
    (secret.rootfs / "proc/self/attr/apparmor").mkdir(parents=True)
    for name in ("attr/exec", "attr/apparmor/exec"):
        (secret.rootfs / "proc/self" / name).write_text("")
    secret.config["linux"].update(maskedPaths=[], readonlyPaths=[])
    cannot_read(oci, label(secret))
    assert (secret.rootfs / "proc/self/attr/exec").read_text() == ""


def test_explain_says_the_label(coffer, oci, secret, tmp_path):
    for name, state in (("coffer-test", "holds"), ("coffer-test-complain", "open"), (None, "open")):
        if name:
            label(secret, name)
        else:
            secret.without("process.apparmorProfile")
        secret.shell("echo ready; exec sleep 1000")
        with Running(oci, secret, tmp_path, f"e-{state}-{bool(name)}") as running:
            told = json.loads(coffer("explain", "--format", "json", running.pid, check=0).stdout)
            said = fact(told, "mac", "apparmor")
            assert said["state"] == state and (name or "unconfined") in said["detail"], said


def test_coffer_run(rootfs_template, tmp_path):
    box = boxes.make(rootfs_template, tmp_path / "store")
    flags = ["--security-opt", "apparmor=coffer-test"]
    assert box.sh(flags, "cat /proc/self/attr/current") == "coffer-test (enforce)"
    script = "echo x > /etc/secret || echo denied"
    assert box.sh(flags, script) == "denied"
    assert box.sh(["--security-opt", "apparmor=unconfined"], script) == ""
    done = box("run", "--rm", "--security-opt", "apparmor=nosuch", "box", "true", check=125)
    assert "mac: process.apparmorProfile: AppArmor profile nosuch is not loaded" in done.stderr and len(done.stderr.splitlines()) == 1
    assert os.listdir(tmp_path / "store" / "containers") == []
