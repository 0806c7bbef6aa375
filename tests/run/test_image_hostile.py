# SPDX-License-Identifier: Apache-2.0
"""Images: what archives that are made to attack, or are damaged, cannot do."""
import io
import json
import os
import random
import shutil
import stat
import tarfile
from pathlib import Path

import pytest
from image_archives import Image, compress, digest, document, entry, file, hostile_layers, symlink, tar
from image_store import Store, picture, plain_layer


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


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
        outside = "sha256:../../../../etc/passwd"
        return image.oci(lambda f: change_index(f, lambda d: d.update(digest=outside))), "digest"
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
        empty = document({"schemaVersion": 2, "manifests": []})
        return image.oci(lambda f: f.update({"index.json": empty})), "no image"
    if name == "docker: configuration elsewhere":
        return image.docker(lambda f: f.update({"manifest.json": document(
            [{"Config": "/etc/passwd", "RepoTags": ["x"], "Layers": []}])})), "lacks the configuration"
    if name == "docker: layer elsewhere":
        entry_of = {"Config": image.id()[7:] + ".json", "RepoTags": ["x"], "Layers": ["../../../etc/passwd"]}
        return image.docker(lambda f: f.update({"manifest.json": document([entry_of])})), "lacks layer"
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
