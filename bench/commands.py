# SPDX-License-Identifier: Apache-2.0
"""The commands that the benchmark times: the same container through our runtime, the floor and others."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "bench"))
import bundle as bench_bundle  # noqa: E402

ID = "bench"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


# State roots lie where they lie in real use: on the memory file system /run, here the sandbox's own.
STATE = "/run/coffer-bench"
# coffer runs with its default roots: the store below /var/lib, which is a disk in real use.
STORE = "/var/lib/coffer"


class Commands:
    def __init__(self, build, work):
        self.work, self.build = work, Path(build).resolve()
        self.bundle = work / "bundle"
        self.bundle.mkdir()
        self.config = bench_bundle.make(self.bundle, self.build / "bench/bench-true")
        self.filter = work / "filter"
        self.commands, self.notes = {}, []
        self.holder = None  # keeps crun's mount namespace
        self.store = None  # mounted

    def program(self, name):
        """Ours come from the build, others from PATH."""
        ours = self.build / name
        return str(ours) if ours.exists() else shutil.which(name, path=ENVIRONMENT["PATH"])

    def works(self, name, command, descriptor=None):
        """Run a command once; where it fails, leave it out and say why."""
        passed = (descriptor,) if descriptor is not None else ()
        if descriptor is not None:
            os.lseek(descriptor, 0, os.SEEK_SET)
        real = command
        if command[0].startswith("mntns="):
            real = ["nsenter", "--" + command[0].replace("mntns", "mount"), *command[1:]]
        done = subprocess.run(real, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT,
                              pass_fds=passed, timeout=60)
        if done.returncode == 0:
            self.commands[name] = command
            return True
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        self.notes.append(f"{name}: left out, status {done.returncode}: {lines[-1]}")
        return False

    def dump_filter(self):
        """The filter that our runtime loads for this bundle, read back from a container of it."""
        runtime = self.program("coffer-oci") or self.program("runc")
        held = self.work / "held"
        shutil.copytree(self.bundle, held)
        config = json.loads((held / "config.json").read_text())
        config["process"]["args"] = ["/bin/true", "wait"]
        (held / "config.json").write_text(json.dumps(config))
        pid_file = self.work / "pid"
        root = ["--root", str(self.work / "held-state")]
        container = subprocess.Popen([runtime, *root, "run", "--pid-file", str(pid_file), "--bundle", str(held), "held"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        try:
            self.wait_for_program(pid_file, container)
            dump = self.build / "bench/bench-dump-filter"
            newest_last = []
            while True:
                done = subprocess.run([dump, pid_file.read_text().strip(), str(len(newest_last))], capture_output=True)
                if done.returncode != 0:
                    break
                newest_last.append(done.stdout)
            if not newest_last:
                raise SystemExit(f"bench: the container's seccomp filter cannot be read: {done.stderr.decode()}")
            if len(newest_last) > 1:
                self.notes.append(f"our runtime loads {len(newest_last)} filters; the floor loads the last one only")
            self.filter.write_bytes(newest_last[0])
        finally:
            subprocess.run([runtime, *root, "kill", "held", "KILL"], env=ENVIRONMENT, check=False)
            container.wait(timeout=20)

    @staticmethod
    def wait_for_program(pid_file, container):
        """Until the container's process is in its program and sleeps there."""
        end = time.monotonic() + 10
        while time.monotonic() < end and container.poll() is None:
            try:
                pid = pid_file.read_text().strip()
                if Path(f"/proc/{pid}/comm").read_text() == "true\n":
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise SystemExit("bench: the container did not start")

    def prepare(self):
        self.dump_filter()
        rootfs = str(self.bundle / "rootfs")
        self.works("floor", [str(self.build / "bench/bench-floor"), rootfs, str(self.filter), "/bin/true"])
        for name in ("coffer-oci", "runc"):
            if program := self.program(name):
                self.works(name, [program, "--root", f"{STATE}/{name}", "run", "--bundle", str(self.bundle), ID])
        self.prepare_crun()
        self.prepare_bwrap(rootfs)
        self.prepare_coffer()

    def prepare_crun(self):
        """crun refuses a hybrid host whose v2 tree has controllers: let it see the v1 hierarchies alone."""
        crun = self.program("crun")
        if crun is None:
            return
        command = [crun, "--root", f"{STATE}/crun", "run", "--bundle", str(self.bundle), ID]
        bare = [*command[:3], "--cgroup-manager=disabled", *command[3:]]
        if self.works("crun", command) and self.works("crun, no cgroups", bare):
            return
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c",
                                        "umount /sys/fs/cgroup/unified && echo ready && exec sleep 3600"],
                                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if self.holder.stdout.readline() != "ready\n":
            return
        namespace = f"/proc/{self.holder.pid}/ns/mnt"
        self.notes = [n for n in self.notes if not n.startswith("crun")] + ["crun: sees the v1 hierarchies alone"]
        self.works("crun", [f"mntns={namespace}", *command])
        self.works("crun, no cgroups", [f"mntns={namespace}", *bare])

    def prepare_bwrap(self, rootfs):
        """The nearest that bwrap comes: no groups, no cgroup mounts, and masks by its own means."""
        bwrap = self.program("bwrap")
        if bwrap is None:
            return
        command = [bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
                   "--hostname", "bench", "--die-with-parent", "--new-session", "--clearenv", "--bind", rootfs, "/",
                   "--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue", "--tmpfs", "/dev/shm",
                   "--ro-bind", "/sys", "/sys"]
        for path in bench_bundle.oci_spec.MASKED:
            if os.path.isdir(path):
                command += ["--tmpfs", path]
            elif os.path.exists(path):
                command += ["--ro-bind", "/dev/null", path]
        for path in bench_bundle.oci_spec.READONLY:
            if os.path.exists(path):
                command += ["--ro-bind", path, path]
        command += ["--cap-drop", "ALL"]
        for capability in bench_bundle.oci_spec.CAPABILITIES:
            command += ["--cap-add", capability]
        command += ["--seccomp", "3", "/bin/true"]
        self.works("bwrap", command, descriptor=3)

    def mount_store(self):
        """A directory of the work directory's disk in place of the sandbox's tmpfs; nothing outside sees it."""
        store = self.work / "store"
        store.mkdir(mode=0o700)
        subprocess.run(["mount", "--bind", str(store), STORE], check=True)
        self.store = STORE
        kind = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", STORE], capture_output=True, text=True).stdout.split()[-1]
        self.notes.append(f"coffer run: default roots, the store on {kind}")

    def prepare_coffer(self):
        coffer = self.program("coffer")
        if coffer is None:
            return
        archive = self.work / "rootfs.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(self.bundle / "rootfs", arcname=".")
        self.mount_store()
        done = subprocess.run([coffer, "import", str(archive), "bench"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=ENVIRONMENT)
        if done.returncode != 0:
            self.notes.append(f"coffer run: left out: import: {done.stderr.strip()}")
            return
        self.works("coffer run", [coffer, "run", "--rm", "--network", "none", "bench", "/bin/true"])


@contextlib.contextmanager
def prepared(build):
    """The commands that work here. Descriptor 3 is the filter, for bwrap; the others do not look at it."""
    with tempfile.TemporaryDirectory(prefix="coffer-bench-") as folder:
        commands = Commands(build, Path(folder))
        commands.filter.touch()
        os.dup2(os.open(commands.filter, os.O_RDONLY | os.O_CLOEXEC), 3, inheritable=True)
        try:
            commands.prepare()
            yield commands
        finally:
            if commands.holder is not None:
                commands.holder.kill()
                commands.holder.wait()
            if commands.store is not None:
                subprocess.run(["umount", commands.store], check=True)


def enter_sandbox(build):
    """Make the programs of the benchmark, and go on inside tests/sandbox; returns there."""
    if os.environ.get("COFFER_SANDBOX") == "1":
        return
    subprocess.run(["ninja", "-C", build, "bench-programs"], check=True, stdout=subprocess.DEVNULL)
    sandbox = str(SOURCE / "tests/sandbox")
    os.execv(sandbox, [sandbox, sys.executable, *sys.argv])
