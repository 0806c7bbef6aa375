# SPDX-License-Identifier: Apache-2.0
"""The image store as tests see it: the driver's commands, and pictures of directory trees."""
import hashlib
import json
import os
import stat
import subprocess
import tarfile
from pathlib import Path

from conftest import BUILD, Program
from image_archives import digest, entry, file, folder, hardlink, symlink, tar

DRIVER = BUILD / "tests/run/image-driver"


class Store(Program):
    """image-driver on a store of its own."""

    def __init__(self, root, prefix=()):
        super().__init__(DRIVER, [str(root)], prefix)
        self.root = Path(root)

    def load(self, archive, *options, check=0, verb=("load",)):
        done = subprocess.run(self.argv(*verb, *options), input=archive, capture_output=True, timeout=120)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode(errors="replace")
        if check is not None:
            assert done.returncode == check, f"{done.returncode}: {done.stdout}{done.stderr}"
        return done

    def layers(self, reference="test"):
        """The image's layer directories, topmost first."""
        return [Path(line) for line in self("resolve", reference, check=0).stdout.splitlines()[2:]]

    def names(self):
        return [line.split()[0] for line in self("list", check=0).stdout.splitlines()]

    def verify(self):
        """Every blob is whole, everything is used by an entry of the index, nothing is in progress."""
        index = json.loads((self.root / "images/index.json").read_text())
        blobs, layers = set(), set()
        for descriptor in index["manifests"]:
            manifest = json.loads(self.blob(descriptor["digest"]))
            config = json.loads(self.blob(manifest["config"]["digest"]))
            blobs |= {d["digest"] for d in (descriptor, manifest["config"], *manifest["layers"])}
            chain = None
            for diff_id in config["rootfs"]["diff_ids"]:
                chain = diff_id if chain is None else digest(f"{chain} {diff_id}".encode())
                layers.add(chain[7:])
        assert {"sha256:" + f.name for f in (self.root / "images/blobs/sha256").iterdir()} == blobs
        assert {f.name for f in (self.root / "layers").iterdir()} == layers
        assert all((self.root / "layers" / chain / "fs").is_dir() for chain in layers)
        for blob in blobs:
            self.blob(blob)
        assert sorted(f.name for f in self.root.iterdir()) == [
            "containers", "images", "layers", "lock", "reserve", "tmp"]
        assert sorted(f.name for f in (self.root / "images").iterdir()) == ["blobs", "index.json", "oci-layout"]
        assert not list((self.root / "tmp").iterdir())

    def blob(self, wanted):
        data = (self.root / "images/blobs/sha256" / wanted[7:]).read_bytes()
        assert digest(data) == wanted
        return data




def picture(top, content=True):
    """Everything about a tree that anybody could see."""
    seen = {}
    for where, folders, files in os.walk(top):
        for name in ["."] + folders + files:
            path = os.path.join(where, name)
            st = os.lstat(path)
            seen[os.path.relpath(path, top)] = (
                stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_rdev, st.st_nlink,
                os.readlink(path) if stat.S_ISLNK(st.st_mode) else None,
                st.st_mtime_ns if not stat.S_ISDIR(st.st_mode) else None,
                hashlib.sha256(Path(path).read_bytes()).hexdigest() if content and stat.S_ISREG(st.st_mode) else None,
                sorted((x, os.getxattr(path, x, follow_symlinks=False))
                       for x in os.listxattr(path, follow_symlinks=False)))
    return seen


def plain_layer():
    return tar(folder("bin", mtime=1000), file("bin/sh", b"#!/bin/false", mode=0o4755, uid=0, gid=7, mtime=1234),
               hardlink("bin/ash", "bin/sh"), symlink("bin/link", "/etc/passwd"),
               folder("home/user", uid=1000, gid=1000, mode=0o2700, mtime=77),
               file("home/user/f", b"x" * 100000, uid=1000, gid=1001, mode=0o640), entry("fifo", kind=tarfile.FIFOTYPE),
               folder("tmp", mode=0o1777))


def overlay_view(layers, tmp_path):
    """What a container would see: the layers under overlayfs, copied out."""
    point, copy = tmp_path / "merged", tmp_path / "copy"
    point.mkdir()
    empty = tmp_path / "empty"  # overlayfs without an upper directory wants two lower ones
    empty.mkdir()
    lower = ":".join(map(str, [empty, *layers]))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower}", point], check=True)
    try:
        subprocess.run(["cp", "-a", f"{point}/.", copy], check=True)
    finally:
        subprocess.run(["umount", point], check=True)
        point.rmdir()
        empty.rmdir()
    return copy


def no_times(seen):
    """Without the top (its mode is the unpacker's own) and times of links, which umoci does not keep."""
    return {name: value[:6] + value[7:] for name, value in seen.items() if name != "."}
