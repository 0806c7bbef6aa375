# SPDX-License-Identifier: Apache-2.0
"""coffer with an image of its own: busybox, imported once for a whole file of tests."""
import json
import os
import subprocess
from pathlib import Path

BUILD = Path(os.environ.get("COFFER_BUILD", Path(__file__).resolve().parents[2] / "build"))


def apparmor():
    """Whether this kernel enforces AppArmor profiles; the module's file is there where it is compiled in but off, too."""
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    return enabled.exists() and enabled.read_text().startswith("Y")


class Box:
    """One store with the image "box". box(...) runs coffer; box.sh(flags, script) runs a shell in a container."""

    def __init__(self, root):
        self.root, self.started = Path(root), []

    def argv(self, *arguments):
        return [str(BUILD / "coffer"), "--root", str(self.root), *map(str, arguments)]

    def __call__(self, *arguments, check=None, **keywords):
        keywords.setdefault("timeout", 60)
        if "input" not in keywords:
            keywords.setdefault("stdin", subprocess.DEVNULL)
        keywords.setdefault("text", True)
        done = subprocess.run(self.argv(*arguments), capture_output=True, **keywords)
        if check is not None:
            assert done.returncode == check, (
                f"{' '.join(map(str, arguments))}\nstatus {done.returncode}, not {check}\n{done.stdout}{done.stderr}")
        return done

    def sh(self, flags, script, check=0, image="box", **keywords):
        """What the script prints in a container with these flags, without the last line break."""
        return self("run", "--rm", *flags, image, "sh", "-c", script, check=check, **keywords).stdout.rstrip("\n")

    def start(self, flags, *command, image="box", **keywords):
        """A container in the background: its Popen, once its program has said "ready"."""
        keywords.setdefault("stdin", subprocess.DEVNULL)
        command = command or ("sh", "-c", "echo ready; exec sleep 60")
        process = subprocess.Popen(self.argv("run", *flags, image, *command), stdout=subprocess.PIPE, text=True,
                                   **keywords)
        self.started.append(process)
        line = process.stdout.readline()
        assert line == "ready\n", f"{line!r}, status {process.poll()}"
        return process

    def containers(self):
        return {c["name"]: c for c in map(json.loads, self("ps", "-a", "--format", "json", check=0).stdout.splitlines())}

    def clear(self):
        """Whatever a failed test left running."""
        while self.started:
            process = self.started.pop()
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
        left = list(self.containers())
        if left:
            self("rm", "-f", *left)
        return left

    def contents(self):
        """Everything in the store that a container may have added: files below containers/, names/ and run/."""
        found = []
        for top in ("containers", "names", "run"):
            for folder, folders, files in os.walk(self.root / top):
                found += [os.path.join(folder, name) for name in folders + files if not name.endswith(".bpf")]
        return sorted(found)


def make(rootfs, root, **images):
    """A store with "box" made of this root file system, and one image more a keyword: name = list of changes."""
    box = Box(root)
    tar = subprocess.run(["tar", "-C", str(rootfs), "-c", "."], capture_output=True, check=True).stdout
    box("import", "-", "box", input=tar, text=False, check=0)
    for name, changes in images.items():
        flags = [word for change in changes for word in ("--change", change)]
        box("import", *flags, "-", name, input=tar, text=False, check=0)
    box("run", "--rm", "box", "true", check=0)  # caches are filled: what a test adds now is its own
    return box
