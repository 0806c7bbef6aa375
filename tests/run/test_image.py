# SPDX-License-Identifier: Apache-2.0
"""Images: what honest archives become, and by which names they are found."""
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
from image_archives import Image, compress, digest, file, folder, pax_record, raw_pax, symlink, tar
from image_store import DRIVER, Store, no_times, overlay_view, picture, plain_layer


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


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
    subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", f"oci:{layout}:v1",
                    f"{form}:{archive}:example.org/a/b:v1"], check=True)
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
    names = [b"new\nline", b"esc\x1b[31m", b"latin-\xe9\xff", "schön-☃".encode(), b"n" * 255, b" ", b"-rf", b"\\",
             b"*"]
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


def test_names(store):
    image = Image(plain_layer(), name="docker.io/library/nginx:1.27")
    store.load(image.oci())
    for reference in ("nginx:1.27", "library/nginx:1.27", "docker.io/nginx:1.27", "index.docker.io/library/nginx:1.27",
                      image.id(), image.id()[7:], image.id()[7:19], "nginx@" + digest(image.manifest())):
        assert store("resolve", reference, check=0).stdout.split()[1] == image.id(), reference
    for reference, word in (("nginx", "no image"), ("Nginx", "no image name"), ("localhost/nginx:1.27", "no image"),
                            ("", "empty"), ("../x", "no image name"), ("nginx:" + "t" * 129, "tag"),
                            ("nginx@sha256:12", "digest"), ("f" * 64, "image ID"),
                            ("nginx@sha256:" + "0" * 64, "no image")):
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
    # A sanitizer's time is its own, and so is an emulated processor's.
    if b"__asan_init" not in DRIVER.read_bytes() and os.environ.get("COFFER_VM") != "1":
        assert best < 300, f"{best} microseconds"
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-o", trace, "-e", "trace=openat,getdents64", *store.argv("resolve", "many:7")],
                   check=True, capture_output=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    text = trace.read_text()
    assert "libarchive" not in text and "libcrypto" not in text and "getdents" not in text
