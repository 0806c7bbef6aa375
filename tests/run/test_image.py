# SPDX-License-Identifier: Apache-2.0
"""Images: what honest archives become, and what hostile ones cannot do."""
import ctypes
import errno
import hashlib
import io
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from conftest import BUILD, UID, Program, as_user
from image_archives import (Image, compress, digest, document, entry, file, folder, hardlink, hostile_layers, pax_record,
                            raw_pax, symlink, tar)

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
        assert sorted(f.name for f in self.root.iterdir()) == ["containers", "images", "layers", "lock", "tmp"]
        assert sorted(f.name for f in (self.root / "images").iterdir()) == ["blobs", "index.json", "oci-layout"]
        assert not list((self.root / "tmp").iterdir())

    def blob(self, wanted):
        data = (self.root / "images/blobs/sha256" / wanted[7:]).read_bytes()
        assert digest(data) == wanted
        return data


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


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


# --- round trips -----------------------------------------------------------------------------------------------------

def plain_layer():
    return tar(folder("bin", mtime=1000), file("bin/sh", b"#!/bin/false", mode=0o4755, uid=0, gid=7, mtime=1234),
               hardlink("bin/ash", "bin/sh"), symlink("bin/link", "/etc/passwd"), folder("home/user", uid=1000, gid=1000,
                                                                                      mode=0o2700, mtime=77),
               file("home/user/f", b"x" * 100000, uid=1000, gid=1001, mode=0o640), entry("fifo", kind=tarfile.FIFOTYPE),
               folder("tmp", mode=0o1777))


@pytest.mark.parametrize("outer", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("inner", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("form", ["oci", "docker"])
def test_load(store, form, inner, outer):
    image = Image(plain_layer(), tar(file("etc/second", b"2")), compression=inner)
    done = store.load(compress(getattr(image, form)(), outer))
    assert done.stdout.splitlines() == [f"test:latest {image.id()}", "skipped devices 0, owners lost 0"]
    top, bottom = store.layers()
    assert (top / "etc/second").read_text() == "2"
    sh = (bottom / "bin/sh").stat()
    assert (stat.S_IMODE(sh.st_mode), sh.st_uid, sh.st_gid, sh.st_nlink, sh.st_mtime) == (0o4755, 0, 7, 2, 1234)
    assert (bottom / "bin").stat().st_mtime == 1000
    assert os.readlink(bottom / "bin/link") == "/etc/passwd"
    home = (bottom / "home/user").stat()
    assert (stat.S_IMODE(home.st_mode), home.st_uid, home.st_mtime) == (0o2700, 1000, 77)
    assert stat.S_IMODE((bottom / "home").stat().st_mode) == 0o755
    assert (bottom / "home/user/f").read_bytes() == b"x" * 100000
    assert stat.S_ISFIFO((bottom / "fifo").stat().st_mode)
    assert stat.S_IMODE((bottom / "tmp").stat().st_mode) == 0o1777
    assert stat.S_IMODE(bottom.stat().st_mode) == 0o755
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    store.verify()


def test_second_load_changes_nothing(store):
    archive = Image(plain_layer()).oci()
    store.load(archive)
    before = picture(store.root)
    store.load(archive)
    assert picture(store.root) == before


def umoci_image(tmp_path):
    """An image of three layers by umoci, the upper ones deleting and replacing; the layout's directory."""
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"

    def umoci(*arguments):
        subprocess.run(["umoci", *map(str, arguments)], check=True, capture_output=True)
    umoci("init", "--layout", layout)
    umoci("new", "--image", f"{layout}:v1")
    for step in range(3):
        shutil.rmtree(bundle, ignore_errors=True)
        umoci("unpack", "--image", f"{layout}:v1", bundle)
        root = bundle / "rootfs"
        if step == 0:
            for name in ("keep", "gone", "dir/a", "dir/b", "dir2/sub/x", "was-dir/x", "was-file"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(name)
            os.chown(root / "keep", 1000, 2000)
            os.link(root / "keep", root / "kept")
            os.symlink("keep", root / "soft")
            os.setxattr(root / "keep", "user.note", b"seen")
            os.chmod(root / "dir", 0o2751)
        elif step == 1:
            (root / "gone").unlink()
            shutil.rmtree(root / "dir2")
            (root / "dir/a").unlink()
            shutil.rmtree(root / "was-dir")
            (root / "was-dir").write_text("now a file")
            (root / "was-file").unlink()
            (root / "was-file").mkdir()
            (root / "was-file/in").write_text("in")
        else:
            (root / "dir2").mkdir()
            (root / "dir2/new").write_text("new")
            shutil.rmtree(root / "dir")
            (root / "dir").mkdir()
            (root / "dir/c").write_text("c")
        umoci("repack", "--image", f"{layout}:v1", bundle)
    umoci("config", "--image", f"{layout}:v1", "--config.cmd", "/bin/x", "--config.user", "7:8")
    shutil.rmtree(bundle)
    umoci("unpack", "--image", f"{layout}:v1", bundle)
    return layout, bundle / "rootfs"


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


def test_layers_mean_what_umoci_says(store, tmp_path):
    layout, wanted = umoci_image(tmp_path)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(layout, ".")
    store.load(out.getvalue())
    layers = store.layers("v1")
    assert len(layers) == 3
    assert no_times(picture(overlay_view(layers, tmp_path))) == no_times(picture(wanted))
    done = store("resolve", "v1", check=0)
    assert "user 7:8 cmd /bin/x" in done.stdout
    store.verify()


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_skopeo_round_trip(store, tmp_path, form):
    """What skopeo writes loads here, and what is in our store skopeo reads: same ID, same layers."""
    layout, _ = umoci_image(tmp_path)
    archive = tmp_path / "image.tar"
    subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", f"oci:{layout}:v1", f"{form}:{archive}:example.org/a/b:v1"],
                   check=True)
    done = store.load(archive.read_bytes())
    assert done.stdout.startswith("example.org/a/b:v1 sha256:")
    store.verify()
    back = tmp_path / "back"
    subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", f"oci:{store.root}/images:example.org/a/b:v1",
                    f"dir:{back}"], check=True)
    manifest = json.loads((back / "manifest.json").read_text())
    assert manifest["config"]["digest"] == done.stdout.split()[1]
    assert len(manifest["layers"]) == 3
    if form == "oci-archive":
        index = json.loads((layout / "index.json").read_text())
        assert store("resolve", "example.org/a/b:v1", check=0).stdout.split()[2] == index["manifests"][0]["digest"]


def test_import_keeps_what_tar_keeps(store, tmp_path):
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/ping").write_text("ping")
    os.setxattr(root / "usr/bin/ping", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    os.setxattr(root / "usr/bin/ping", "user.note", b"\0\xff binary")
    (root / "usr/bin/su").write_text("su")
    (root / "usr/bin/su").chmod(0o4755)
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.symlink("usr/bin", root / "bin")
    (root / "Főtanúsítvány").write_text("utf-8")
    with open(root / "sparse", "wb") as f:
        f.truncate(1 << 40)
        f.seek(1 << 30)
        f.write(b"in the middle")
    (root / "shut").mkdir()
    (root / "shut").chmod(0o555)
    (root / "shut").chmod(0o555)
    done = subprocess.run(["tar", "-C", root, "--xattrs", "--xattrs-include=*", "--sparse", "-c", "."],
                          capture_output=True, check=True)
    for how in ("none", "gzip", "zstd"):
        store.load(compress(done.stdout, how), f"imported:{how}", verb=("import",))
        layer, = store.layers(f"imported:{how}")
        assert picture(layer, content=False) == picture(root, content=False)
        with open(layer / "sparse", "rb") as f:
            f.seek(1 << 30)
            assert f.read(13) == b"in the middle"
        assert (layer / "sparse").stat().st_blocks < 100
    store.verify()
    assert len(list((store.root / "layers").iterdir())) == 1  # one content, one layer


def test_import_wants_the_whole_archive(store):
    """tar writes its end mark last; without it the archive may have been cut between two files."""
    whole = tar(file("a", b"a" * 512), file("b", b"b" * 512))
    done = store.load(whole[:1024], "cut", verb=("import",), check=125)
    assert "end mark" in done.stderr
    assert "empty" in store.load(bytes(1024), "empty", verb=("import",), check=125).stderr
    assert store.names() == []


def test_odd_names(store):
    """Bytes are kept as they are: control characters, Latin-1 in ustar, UTF-8 in PAX, the longest name."""
    names = [b"new\nline", b"esc\x1b[31m", b"latin-\xe9\xff", "schön-☃".encode(), b"n" * 255, b" ", b"-rf", b"\\", b"*"]
    form = [tarfile.USTAR_FORMAT if b"latin" in n else tarfile.GNU_FORMAT for n in names]
    for i, name in enumerate(names):
        text = name.decode("utf-8", "surrogateescape")
        store.load(tar(file(text, b"1"), form=form[i]), f"odd:{i}", verb=("import",))
        layer, = store.layers(f"odd:{i}")
        assert os.listdir(os.fsencode(layer)) == [name]
    store.load(tar(file("schön-☃", b"1"), form=tarfile.PAX_FORMAT), "odd:pax", verb=("import",))
    assert os.listdir(store.layers("odd:pax")[0]) == ["schön-☃"]


def test_names_that_libarchive_would_change(store):
    """A PAX name that is no UTF-8 is kept byte for byte or refused, never changed; a NUL ends it."""
    data = raw_pax([pax_record(b"path", b"latin-\xe9")], tarfile.TarInfo("short")) + bytes(1024)
    done = store.load(data, "pax", verb=("import",), check=None)
    if done.returncode == 0:
        layer, = store.layers("pax")
        assert os.listdir(os.fsencode(layer)) == [b"latin-\xe9"]
    else:
        assert done.returncode == 125 and done.stderr.count("\n") == 1 and "converted" in done.stderr, done.stderr
    data = raw_pax([pax_record(b"path", b"name\0/../../x")], tarfile.TarInfo("short")) + bytes(1024)
    store.load(data, "nul", verb=("import",))
    assert os.listdir(store.layers("nul")[0]) == ["name"]


def test_deep_tree(store):
    """As deep as a name can be; and its removal, which has to take it down again."""
    path = "/".join(["d"] * 2000)
    store.load(tar(folder(path), file(path + "/f")), "deep", verb=("import",))
    store("remove", "deep", check=0)
    store.verify()
    assert not list((store.root / "layers").iterdir())


def test_deeper_than_any_name(store):
    """A container can make a tree that is deeper than PATH_MAX; dropping the snapshot takes it away."""
    lines = store("prepare", "c1", check=0).stdout.splitlines()
    fd = os.open(lines[1], os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("deep", dir_fd=fd)
        below = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    store("drop", "c1", check=0)
    assert not list((store.root / "containers").iterdir())


def test_implied_parents_have_the_mode_of_below(store):
    image = Image(tar(folder("tmp", mode=0o1777), folder("home", mode=0o700, uid=5, gid=6)),
                  tar(file("tmp/x"), file("home/y"), file("new/z")))
    store.load(image.oci())
    top = store.layers()[0]
    assert stat.S_IMODE((top / "tmp").stat().st_mode) == 0o1777
    assert (stat.S_IMODE((top / "home").stat().st_mode), (top / "home").stat().st_uid) == (0o700, 5)
    assert stat.S_IMODE((top / "new").stat().st_mode) == 0o755


def test_whiteouts_in_any_order(store, tmp_path):
    """A layer that deletes what it makes itself deletes what is below, whichever comes first."""
    lower = tar(folder("a"), file("a/old"), folder("b"), file("b/old"), folder("c"), file("c/old"), file("f", b"old"),
                folder("o"), file("o/old"))
    upper = tar(file(".wh.a", b""), folder("a"), file("a/new"),       # deleted, made anew
                folder("b"), file("b/new"), file(".wh.b", b""),       # made anew, the deletion after it
                file(".wh.c", b""), file("c/new"),                    # deleted, its directory only implied
                file(".wh.f", b""), file("f", b"new"),
                file("o/new"), file("o/.wh..wh..opq", b""), file(".wh..wh.plnk", b""))
    store.load(Image(lower, upper).oci())
    seen = overlay_view(store.layers(), tmp_path)
    for name in "abco":
        assert os.listdir(seen / name) == ["new"], name
    assert (seen / "f").read_text() == "new"
    assert sorted(os.listdir(seen)) == ["a", "b", "c", "f", "o"]


# --- hostile ---------------------------------------------------------------------------------------------------------

CORPUS = sorted(hostile_layers(Path("/placeholder")))


@pytest.fixture
def world(tmp_path):
    """A directory beside the store with something in it that attacks aim at."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("unharmed")
    (outside / "victim").chmod(0o640)
    (outside / "sub").mkdir()
    return outside


def falls_for_it(entries, outside, tmp_path):
    """Does a program that trusts names (Python's tarfile without a filter) change what is outside?"""
    before = picture(outside)
    victim = tmp_path / "naive"
    victim.mkdir()
    with tarfile.open(fileobj=io.BytesIO(tar(*entries))) as archive:
        try:
            archive.extractall(victim)
        except (OSError, tarfile.TarError, KeyError):
            pass
    changed = picture(outside) != before
    shutil.rmtree(victim)
    return changed


@pytest.mark.parametrize("form", ["oci", "import"])
@pytest.mark.parametrize("case", CORPUS)
def test_hostile_layer(store, world, tmp_path, case, form):
    entries, outcome, naive = hostile_layers(world)[case]
    store("list", check=0)
    store.load(Image(tar(file("unrelated"))).oci(lambda files: None), check=0)
    before, before_store = picture(tmp_path / "outside"), picture(store.root)
    above = os.listdir(tmp_path)
    layer = tar(*entries)
    if form == "import":
        done = store.load(layer, "attack", verb=("import",), check=None)
    else:
        done = store.load(Image(layer, name="attack").oci(), check=None)
    assert picture(tmp_path / "outside") == before
    assert os.listdir(tmp_path) == above
    if outcome == "refused":
        assert done.returncode == 125 and done.stderr.count("\n") == 1, done.stdout + done.stderr
        assert done.stderr.startswith(("image-driver: image: ", "image-driver: storage: "))
        assert picture(store.root) == before_store
    else:
        assert done.returncode == 0, done.stderr
        layer, = store.layers("attack")
        assert all(os.path.realpath(p).startswith(str(layer)) or p.is_symlink() for p in layer.rglob("*"))
    store.verify()
    if naive and outcome != "skip":
        assert falls_for_it(entries, world, tmp_path), "this case attacks nothing"


def test_device_nodes_by_root(store):
    store.load(tar(entry("d", kind=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
                   entry("b", kind=tarfile.BLKTYPE, devmajor=7, devminor=0)), "dev", verb=("import",))
    layer, = store.layers("dev")
    assert (layer / "d").lstat().st_rdev == os.makedev(1, 3) and (layer / "b").is_block_device()
    for folder_name in ("layers", "."):
        assert stat.S_IMODE((store.root / folder_name).stat().st_mode) == 0o700  # nobody else gets at them


def test_xattrs_of_the_building_host_are_left_out(store):
    pax = {"SCHILY.xattr.user.note": "kept", "SCHILY.xattr.security.selinux": "system_u:object_r:etc_t:s0",
           "SCHILY.xattr.security.ima": "x"}
    store.load(tar(file("f", pax=pax)), "x", verb=("import",))
    layer, = store.layers("x")
    assert os.listxattr(layer / "f") == ["user.note"]


def test_bombs(store):
    zeros = tar(file("zeros", bytes(64 << 20)))
    small = ("free-bytes=1000000", "max-ratio=200")
    before = store("list", check=0).stdout
    for how in ("gzip", "zstd"):
        done = store.load(compress(zeros, how), "bomb", *small, verb=("import",), check=125)
        assert "bomb" in done.stderr
        done = store.load(Image(zeros, compression=how).oci(), *small, check=125)
        assert "bomb" in done.stderr
    done = store.load(zeros, "bomb", "max-bytes=1000000", verb=("import",), check=125)
    assert "limit" in done.stderr
    done = store.load(Image(tar(*[file(str(i), b"") for i in range(100)])).oci(), "max-entries=50", check=125)
    assert "50 entries" in done.stderr
    assert store("list", check=0).stdout == before
    assert not list((store.root / "tmp").iterdir())
    store.load(compress(zeros, "gzip"), "no-bomb", verb=("import",))  # below free-bytes it is an image like any other


def test_one_layer_named_often_is_a_bomb_too(store):
    layer = tar(file("zeros", bytes(1 << 20)))
    image = Image(*[layer] * 40, compression="gzip")
    archive = image.oci()
    done = store.load(archive, "free-bytes=8000000", "max-ratio=200", check=125)
    assert "limit" in done.stderr
    store.load(archive, "free-bytes=80000000", "max-ratio=200")


def test_more_layers_than_overlayfs_takes(store):
    layer = tar(file("f", b""))
    store.load(Image(*[layer] * 500, name="most").oci())
    assert len(store.layers("most")) == 500
    assert "at most 500" in store.load(Image(*[layer] * 501).oci(), check=125).stderr


def test_platforms(store):
    """Of an index for several machines the image for this one; of several for this one the most general."""
    images = {key: Image(tar(file(key)), name=None, config={"Labels": {"for": key}}) for key in ("arm", "v3", "plain")}
    platforms = {"arm": {"architecture": "arm", "os": "linux"},
                 "v3": {"architecture": "amd64", "os": "linux", "variant": "v3"},
                 "plain": {"architecture": "amd64", "os": "linux"}}

    def archive(*keys):
        manifests = [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(images[k].manifest()),
                      "size": len(images[k].manifest()), "platform": platforms[k]} for k in keys]
        inner = document({"schemaVersion": 2, "manifests": manifests})
        outer = document({"schemaVersion": 2, "manifests": [
            {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest(inner), "size": len(inner),
             "annotations": {"io.containerd.image.name": "docker.io/library/multi:1",
                             "org.opencontainers.image.ref.name": "1"}}]})
        files = {"blobs/sha256/" + digest(inner)[7:]: inner}
        for k in keys:
            files.update(images[k].oci_files())
        files["index.json"] = outer
        return tar(*[file(name, data) for name, data in files.items()])
    if os.uname().machine != "x86_64":
        pytest.skip("the platforms of this test are those of x86_64")
    store.load(archive("arm", "v3", "plain"))
    assert store("resolve", "multi:1", check=0).stdout.split()[1] == images["plain"].id()
    store.load(archive("arm", "v3"))
    assert store("resolve", "multi:1", check=0).stdout.split()[1] == images["v3"].id()
    assert "linux/amd64" in store.load(archive("arm"), check=125).stderr


def damage(name):
    """(archive, a word of the message) of an image damaged in one way."""
    image = Image(plain_layer(), compression="gzip")
    layer_name = "blobs/sha256/" + digest(image.blobs[0])[7:]
    manifest_name = "blobs/sha256/" + digest(image.manifest())[7:]

    def flip(files, blob):
        data = bytearray(files[blob])
        data[len(data) // 2] ^= 1
        files[blob] = bytes(data)

    def change_index(files, change):
        index = json.loads(files["index.json"])
        change(index["manifests"][0])
        files["index.json"] = document(index)
    if name == "layer blob changed":
        return image.oci(lambda f: flip(f, layer_name)), "another digest"
    if name == "manifest changed":
        return image.oci(lambda f: flip(f, manifest_name)), "another digest"
    if name == "layer blob missing":
        return image.oci(lambda f: f.pop(layer_name)), "lacks the blob"
    if name == "wrong size":
        return image.oci(lambda f: change_index(f, lambda d: d.update(size=d["size"] + 1))), "its descriptor says"
    if name == "digest with a path":
        return image.oci(lambda f: change_index(f, lambda d: d.update(digest="sha256:../../../../etc/passwd"))), "digest"
    if name == "other diff ID":
        image.diff_ids[0] = digest(b"something else")
        return image.oci(), "diff ID"
    if name == "fewer diff IDs":
        image.diff_ids.append(image.diff_ids[0])
        return image.oci(), "layers"
    if name == "diff ID with a path":
        image.diff_ids[0] = "sha256:" + "../" * 21 + "a"
        return image.oci(), "diff"
    if name == "artifact":
        image.config_type = "application/vnd.example.thing"
        return image.oci(), "artifact"
    if name == "layer of another type":
        image.layer_type = "application/vnd.oci.image.layer.v1.tar+encrypted"
        return image.oci(), "no file system layer"
    if name == "index of no image":
        return image.oci(lambda f: f.update({"index.json": document({"schemaVersion": 2, "manifests": []})})), "no image"
    if name == "docker: configuration elsewhere":
        return image.docker(lambda f: f.update({"manifest.json": document(
            [{"Config": "/etc/passwd", "RepoTags": ["x"], "Layers": []}])})), "lacks the configuration"
    if name == "docker: layer elsewhere":
        return image.docker(lambda f: f.update({"manifest.json": document(
            [{"Config": image.id()[7:] + ".json", "RepoTags": ["x"], "Layers": ["../../../etc/passwd"]}])})), "lacks layer"
    if name == "docker: manifest.json is no list":
        return image.docker(lambda f: f.update({"manifest.json": b"{}"})), "manifest.json"
    if name == "truncated":
        whole = Image(plain_layer()).oci()
        return whole[:len(whole) // 2], "damaged"
    if name == "truncated gzip":
        whole = compress(image.oci(), "gzip")
        return whole[:len(whole) // 2], "damaged"
    if name == "layer truncated":
        image.blobs[0] = image.blobs[0][:len(image.blobs[0]) // 2]
        return image.oci(), "damaged"
    if name == "empty":
        return b"", "no image"
    if name == "noise":
        return random.Random(1).randbytes(5000), "no tar archive"
    if name == "xz":
        return b"\xfd7zXZ\0" + bytes(600), "xz -dc"
    if name == "a root file system":
        return tar(file("etc/passwd"), file("bin/sh")), "coffer import"
    raise KeyError(name)


@pytest.mark.parametrize("name", [
    "layer blob changed", "manifest changed", "layer blob missing", "wrong size", "digest with a path", "other diff ID",
    "fewer diff IDs", "diff ID with a path", "artifact", "layer of another type", "index of no image",
    "docker: configuration elsewhere", "docker: layer elsewhere", "docker: manifest.json is no list", "truncated",
    "truncated gzip", "layer truncated", "empty", "noise", "xz", "a root file system"])
def test_damaged_archive(store, name):
    store.load(Image(tar(file("unrelated")), name="other").oci())
    before = picture(store.root)
    archive, word = damage(name)
    done = store.load(archive, check=125)
    assert word in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert picture(store.root) == before
    store.verify()


def test_links_within_docker_archives(store, tmp_path):
    """Old "docker save" stores a layer once and links to it; a link out of the archive leads nowhere."""
    image = Image(plain_layer(), plain_layer())
    files = image.docker_files()
    del files["1/layer.tar"]
    entries = [file(name, data) for name, data in files.items()]
    store.load(tar(*entries, symlink("1/layer.tar", "../0/layer.tar")))
    assert len(store.layers()) == 2
    secret = tmp_path / "secret.tar"
    secret.write_bytes(plain_layer())
    done = store.load(tar(*entries, symlink("1/layer.tar", secret)), check=125)
    assert "lacks layer 2" in done.stderr


# --- names -----------------------------------------------------------------------------------------------------------

def test_names(store):
    image = Image(plain_layer(), name="docker.io/library/nginx:1.27")
    store.load(image.oci())
    for reference in ("nginx:1.27", "library/nginx:1.27", "docker.io/nginx:1.27", "index.docker.io/library/nginx:1.27",
                      image.id(), image.id()[7:], image.id()[7:19], "nginx@" + digest(image.manifest())):
        assert store("resolve", reference, check=0).stdout.split()[1] == image.id(), reference
    for reference, word in (("nginx", "no image"), ("Nginx", "no image name"), ("localhost/nginx:1.27", "no image"),
                            ("", "empty"), ("../x", "no image name"), ("nginx:" + "t" * 129, "tag"),
                            ("nginx@sha256:12", "digest"), ("f" * 64, "image ID"), ("nginx@sha256:" + "0" * 64, "no image")):
        done = store("resolve", reference, check=125)
        assert word in done.stderr, done.stderr


def test_a_name_moves_and_its_image_stays(store):
    first, second = Image(tar(file("1")), name="a:1"), Image(tar(file("2")), name="a:1")
    store.load(first.oci())
    store.load(second.oci())
    assert store.names() == ["-", "a:1"]
    assert store("resolve", "a:1", check=0).stdout.split()[1] == second.id()
    assert store("resolve", first.id(), check=0).stdout.split()[1] == first.id()
    first.name = "b"
    store.load(first.oci())
    assert sorted(store.names()) == ["a:1", "b:latest"]
    store.verify()


def test_remove(store):
    shared = tar(file("shared"))
    one, two = Image(shared, tar(file("1")), name="one"), Image(shared, tar(file("2")), name="two")
    store.load(one.oci())
    store.load(two.oci())
    assert len(list((store.root / "layers").iterdir())) == 3
    assert store("remove", "one", check=0).stdout.splitlines() == ["untagged one:latest", f"deleted {one.id()}"]
    assert len(list((store.root / "layers").iterdir())) == 2
    store.verify()
    two.name = "second"
    store.load(two.oci())
    done = store("remove", two.id(), check=125)
    assert "2 names" in done.stderr
    assert store("remove", "two", check=0).stdout.splitlines() == ["untagged two:latest"]
    assert store("remove", two.id(), check=0).stdout.splitlines() == ["untagged second:latest", f"deleted {two.id()}"]
    assert "no image" in store("remove", "two", check=125).stderr
    store.verify()
    assert not list((store.root / "layers").iterdir())


def test_a_container_holds_its_image(store):
    image = Image(tar(folder(".", mode=0o711, uid=3), file("x")))
    store.load(image.oci())
    directory, upper, work = store("prepare", "c1", "test", check=0).stdout.splitlines()
    assert (stat.S_IMODE(os.stat(upper).st_mode), os.stat(upper).st_uid) == (0o711, 3)
    assert os.path.dirname(upper) == os.path.dirname(work) == directory == str(store.root / "containers/c1")
    assert "writable layer already" in store("prepare", "c1", "test", check=125).stderr
    assert "in use by container c1" in store("remove", "test", check=125).stderr
    assert store("remove", "--force", "test", check=0).stdout.splitlines() == ["untagged test:latest"]
    assert store.layers(image.id())[0].is_dir()
    store("drop", "c1", check=0)
    store("drop", "c1", check=0)
    assert not os.path.exists(directory)
    store.load(Image(tar(file("other")), name="other").oci())
    store("remove", "other", check=0)  # takes what waited, too
    assert store.names() == []
    store.verify()


@pytest.mark.parametrize("identity", ["..", ".", "", "a/b", "x" * 256, "a b"])
def test_container_ids_are_checked(store, identity):
    assert "no container ID" in store("prepare", identity, check=125).stderr
    assert "no container ID" in store("drop", identity, check=125).stderr


# --- many at once, and the end at any time ---------------------------------------------------------------------------

def busy_image(number, files=60):
    common = tar(*[file(f"common/{i}", os.urandom(0) + b"c" * 3000) for i in range(files)])
    own = tar(*[file(f"own/{i}", b"%d" % number * 1000) for i in range(files)])
    return Image(common, own, name=f"busy:{number}", compression="gzip")


def test_the_same_image_from_many(store):
    image = busy_image(0)
    archive = image.oci()
    running = [subprocess.Popen(store.argv("load"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for _ in range(8)]
    for process in running:
        process.stdin.write(archive)
        process.stdin.close()
    for process in running:
        errors = process.stderr.read().decode()
        assert process.wait(60) == 0, errors
        process.stdout.close()
        process.stderr.close()
    store.verify()
    assert store.names() == ["busy:0"]


def test_loads_and_removes_at_once(store, tmp_path):
    """Each load is whole the moment that it ends, while others take the same layers away."""
    script = tmp_path / "loop"
    archives = []
    for number in range(3):
        archives.append(tmp_path / f"{number}.tar")
        archives[-1].write_bytes(busy_image(number, 20).oci())
    script.write_text('n=$1; for i in 1 2 3 4 5 6 7 8; do "$2" "$3" load < "$4" || exit 1; '
                      '"$2" "$3" remove busy:$n || exit 2; done\n')
    running = [subprocess.Popen(["sh", script, str(n), str(DRIVER), str(store.root), str(archives[n])],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for n in range(3)]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    store.verify()
    assert not list((store.root / "layers").iterdir())


def test_killed_at_any_time(store, tmp_path):
    """kill -9 of loads and removals: names that are there work at once, and the next load clears what was left."""
    rng = random.Random(20)
    archive = tmp_path / "image.tar"
    archive.write_bytes(busy_image(1, 200).oci())
    begin = time.monotonic()
    store.load(archive.read_bytes())
    whole = time.monotonic() - begin
    landed = 0
    for i in range(40):
        verb = ["load"] if i % 2 else ["remove", "busy:1"]
        with open(archive, "rb") as f:
            process = subprocess.Popen(store.argv(*verb), stdin=f, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, whole * 1.2))
        process.kill()
        landed += process.wait() == -signal.SIGKILL
        for name in store.names():  # whatever is visible is whole
            for layer in store.layers(name):
                assert layer.is_dir() and len(list(next(layer.iterdir()).iterdir())) == 200
    assert landed > 5
    store.load(Image(tar(file("next")), name="next").oci())
    store.verify()


def test_full_disk(tmp_path):
    """The error says so, and the store is as it was."""
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", point], check=True)
    try:
        store = Store(point / "store")
        store.load(Image(tar(file("a", b"a" * 100000)), name="fits").oci())
        before = picture(store.root)
        for size in (2 << 20, 5 << 20):  # full while it unpacks, and before
            big = Image(tar(file("b", random.Random(3).randbytes(size))), name="large")
            done = store.load(big.oci(), check=125)
            assert "no space left" in done.stderr, done.stderr
            assert picture(store.root) == before
            done = store.load(tar(file("b", bytes(5 << 20))), "large", verb=("import",), check=125)
            assert "no space left" in done.stderr, done.stderr
            assert picture(store.root) == before
        store.verify()
    finally:
        subprocess.run(["umount", point], check=True)


# --- without privilege -----------------------------------------------------------------------------------------------

def test_as_an_ordinary_user(user_dir):
    """Files stay the user's, devices are left out, and both are said; directories without permissions do not stop it."""
    store = Store(user_dir / "store", as_user())
    layer = tar(folder("shut", mode=0o555, uid=7), file("shut/f", mode=0o400, uid=7), folder("none", mode=0),
                file("none/g", b"g"), entry("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3), file("su", mode=0o4755),
                file(".wh.gone", b""), folder("o"), file("o/.wh..wh..opq", b""))
    done = store.load(Image(layer).oci())
    assert "skipped devices 1, owners lost 6" in done.stdout, done.stdout
    top, = store.layers()
    assert stat.S_IMODE((top / "shut").stat().st_mode) == 0o555 and stat.S_IMODE((top / "none").stat().st_mode) == 0
    assert (top / "none/g").stat().st_uid == UID
    assert stat.S_ISCHR((top / "gone").stat().st_mode) and (top / "gone").stat().st_rdev == 0
    assert os.listxattr(top / "o") == ["user.overlay.opaque"]
    store("remove", "test", check=0)
    assert not list((store.root / "layers").iterdir())


def in_user_namespace(command, data, uid_map):
    """Run command as root of a new user namespace with this map. Returns (status, output)."""
    libc = ctypes.CDLL(None, use_errno=True)
    ready_r, ready_w = os.pipe()
    go_r, go_w = os.pipe()

    def enter():
        if libc.unshare(0x10000000) < 0:
            os._exit(3)
        os.write(ready_w, b"x")
        os.read(go_r, 1)
        os.setgid(0)
        os.setuid(0)
    import threading
    result = {}

    def run():
        result["done"] = subprocess.run(command, input=data, capture_output=True, preexec_fn=enter,
                                        pass_fds=(ready_w, go_r), timeout=60)
    # The parent has to write the maps while subprocess waits for the child's exec.
    thread = threading.Thread(target=run)
    thread.start()
    os.read(ready_r, 1)
    children = Path(f"/proc/self/task/{thread.native_id}/children").read_text().split()
    for pid in children:
        Path(f"/proc/{pid}/uid_map").write_text(uid_map)
        Path(f"/proc/{pid}/gid_map").write_text(uid_map)
    os.write(go_w, b"x")
    thread.join()
    for fd in (ready_r, ready_w, go_r, go_w):
        os.close(fd)
    done = result["done"]
    return done.returncode, (done.stdout + done.stderr).decode()


def test_in_a_user_namespace(user_dir):
    """Owners are kept as the namespace maps them; one beyond its map is an error that names it."""
    root = user_dir / "store"
    root.mkdir()
    os.chown(root, 2000000, 2000000)
    for part in user_dir.parents:
        if part != Path("/") and part.stat().st_uid == 0:
            part.chmod(part.stat().st_mode | 0o011)
    user_dir.chmod(0o755)
    layer = tar(file("f", uid=1000, gid=1001), entry("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
                file(".wh.gone", b""), file("o/.wh..wh..opq", b""),
                file("cap", pax={"SCHILY.xattr.user.x": "1"}))
    status, output = in_user_namespace([str(DRIVER), str(root), "load"], Image(layer).oci(), "0 2000000 65536\n")
    assert status == 0 and "skipped devices 1, owners lost 0" in output, output
    top, = Store(root).layers()
    assert ((top / "f").stat().st_uid, (top / "f").stat().st_gid) == (2001000, 2001001)
    assert (top / "gone").lstat().st_rdev == 0
    assert os.listxattr(top / "o") == ["user.overlay.opaque"]
    far = Image(tar(file("far", uid=70000)), name="far").oci()
    status, output = in_user_namespace([str(DRIVER), str(root), "load"], far, "0 2000000 65536\n")
    assert status == 125 and "70000" in output and "subuid" in output, output


# --- the embedded image, and speed -----------------------------------------------------------------------------------

def test_embedded(store, tmp_path):
    """Its archive is what any other engine loads, and loading that gives what image_resolve() wrote itself."""
    archive = subprocess.run(store.argv("embedded"), capture_output=True, check=True).stdout
    assert len(archive) < 300 * 1024
    first = store("resolve", "cofferdam/hello", check=0).stdout.splitlines()
    store.verify()
    other = Store(tmp_path / "other")
    other.load(archive)
    second = other("resolve", "cofferdam/hello", check=0).stdout.splitlines()
    assert first[:2] == second[:2]
    assert no_times(picture(first[2])) == no_times(picture(second[2]))
    hello = subprocess.run([Path(first[2]) / "hello", "--report"], capture_output=True, text=True, check=True).stdout
    assert "kernel=Linux" in hello and "uid=0" in hello
    (tmp_path / "e.tar").write_bytes(archive)
    subprocess.run(["skopeo", "inspect", f"oci-archive:{tmp_path}/e.tar"], check=True, capture_output=True)
    store("remove", "cofferdam/hello", check=0)
    store("resolve", "cofferdam/hello", check=0)


def test_embedded_of_another_build(store):
    """An image under that name that is not ours of this build gives way to it; the other keeps its ID."""
    old = Image(tar(file("hello", b"old")), name="docker.io/cofferdam/hello:latest")
    store.load(old.oci())
    assert store("resolve", "cofferdam/hello", check=0).stdout.split()[1] != old.id()
    store("resolve", old.id(), check=0)


def test_look_up_is_fast_and_loads_no_library(store, tmp_path):
    for number in range(30):
        store.load(Image(tar(file("same")), *[tar(file(str(i))) for i in range(8)], name=f"many:{number}",
                         config={"Labels": {"n": str(number)}}).oci())
    best = min(float(store("time", "many:7", "200", check=0).stdout) for _ in range(5))
    if b"__asan_init" not in DRIVER.read_bytes():  # a sanitizer's time is its own
        assert best < 300, f"{best} microseconds"
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-o", trace, "-e", "trace=openat,getdents64", *store.argv("resolve", "many:7")], check=True,
                   capture_output=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    text = trace.read_text()
    assert "libarchive" not in text and "libcrypto" not in text and "getdents" not in text
