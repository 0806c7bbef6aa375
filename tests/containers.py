# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests that run real containers. They run inside tests/sandbox (tests/run-all does that)."""
import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import leaks  # noqa: E402
import oci_spec  # noqa: E402

SOURCE = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("COFFER_BUILD", SOURCE / "build"))
UID = int(os.environ.get("COFFER_TEST_UID", "23456"))


def pytest_sessionstart(session):
    if os.environ.get("COFFER_SANDBOX") != "1":
        raise pytest.UsageError("run these tests through tests/sandbox: a bug in them could harm this host")


@pytest.fixture(autouse=True)
def no_leaks():
    """Whatever a test starts must be gone when it ends."""
    before = leaks.snapshot()
    yield
    left = leaks.leaked(before, patience=1.0)
    assert not left, "left behind:\n" + "\n".join(left)


class Program:
    """One of our executables with a state directory of its own. Calling it runs it and returns the finished process."""

    def __init__(self, path, options, prefix=()):
        self.path, self.options, self.prefix = path, options, list(prefix)

    def argv(self, *arguments):
        return [*self.prefix, str(self.path), *self.options, *map(str, arguments)]

    def __call__(self, *arguments, check=None, **keywords):
        """check: the exit status that is required; None: any."""
        keywords.setdefault("stdin", subprocess.DEVNULL if "input" not in keywords else None)
        keywords = {k: v for k, v in keywords.items() if v is not None}
        keywords.setdefault("timeout", 60)
        done = subprocess.run(self.argv(*arguments), capture_output=True, text=True, **keywords)
        if check is not None:
            assert done.returncode == check, (
                f"{' '.join(done.args)}\nstatus {done.returncode}, not {check}\n{done.stdout}{done.stderr}")
        return done

    def start(self, *arguments, **keywords):
        """Run it in the background; returns the Popen."""
        keywords.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.argv(*arguments), text=True, **keywords)


def as_user(uid=UID):
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--inh-caps=-all", "--"]


@pytest.fixture
def coffer(tmp_path):
    """coffer --root DIR, as root."""
    return Program(BUILD / "coffer", ["--root", str(tmp_path / "coffer")])


@pytest.fixture
def oci(tmp_path):
    """coffer-oci --root DIR, as root."""
    return Program(BUILD / "coffer-oci", ["--root", str(tmp_path / "oci")])


@pytest.fixture
def user_dir(tmp_path):
    """A directory that the unprivileged test user owns and can reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != Path("/") and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    path = tmp_path / "user"
    path.mkdir()
    os.chown(path, UID, UID)
    return path


@pytest.fixture
def user_oci(user_dir):
    """coffer-oci as the unprivileged test user."""
    return Program(BUILD / "coffer-oci", ["--root", str(user_dir / "oci")], as_user())


@pytest.fixture
def user_coffer(user_dir):
    """coffer as the unprivileged test user."""
    return Program(BUILD / "coffer", ["--root", str(user_dir / "coffer")],
                   ["env", f"HOME={user_dir}", f"XDG_RUNTIME_DIR={user_dir}", *as_user()])


@pytest.fixture(scope="session")
def rootfs_template(tmp_path_factory):
    """A small root file system: static busybox with all its names, accounts, the usual directories."""
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing (scripts/packages, section test: busybox-static)"
    top = tmp_path_factory.mktemp("rootfs")
    top.chmod(0o755)
    for folder in ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr/bin", "var/tmp"):
        (top / folder).mkdir(parents=True)
    (top / "tmp").chmod(0o1777)
    shutil.copy(busybox, top / "bin/busybox")
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if name != "busybox":
            (top / "bin" / name).symlink_to("busybox")
    (top / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n")
    (top / "etc/group").write_text("root:x:0:\nuser:x:1000:\nextra:x:2000:user\n")
    return top


@pytest.fixture
def rootfs(rootfs_template, tmp_path):
    """A copy of the template that the test may change."""
    path = tmp_path / "bundle" / "rootfs"
    path.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", str(rootfs_template), str(path)], check=True)
    return path


class Bundle:
    def __init__(self, path):
        self.path, self.rootfs = path, path / "rootfs"
        self.config = oci_spec.default()

    def args(self, *arguments):
        self.config["process"]["args"] = list(arguments)
        return self.write()

    def shell(self, script):
        return self.args("/bin/sh", "-c", script)

    def write(self):
        (self.path / "config.json").write_text(json.dumps(self.config, indent=1))
        return self

    def without(self, *members):
        """Take members away: without("linux.seccomp") leaves a wall out, for a negative control."""
        for member in members:
            *path, last = member.split(".")
            where = self.config
            for step in path:
                where = where.get(step, {})
            where.pop(last, None)
        return self.write()

    def copy_config(self):
        return copy.deepcopy(self.config)


@pytest.fixture
def bundle(rootfs):
    """A bundle with Docker's default walls (oci_spec.default()); write() after changing .config."""
    return Bundle(rootfs.parent).write()


@pytest.fixture
def user_bundle(rootfs, user_dir):
    """A bundle that the unprivileged test user owns, with a user namespace of one id."""
    path = user_dir / "bundle"
    path.mkdir()
    subprocess.run(["cp", "-a", str(rootfs), str(path / "rootfs")], check=True)
    subprocess.run(["chown", "-R", f"{UID}:{UID}", str(path)], check=True)
    made = Bundle(path)
    oci_spec.rootless(made.config, UID)
    return made.write()
