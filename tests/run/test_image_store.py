# SPDX-License-Identifier: Apache-2.0
"""The image store: many at once, killed at any time, on a full disk, without privilege."""
import ctypes
import errno
import os
import random
import signal
import stat
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest
from conftest import UID, as_user
from image_archives import Image, entry, file, folder, tar
from image_store import DRIVER, Store, picture


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def busy_image(number, files=60):
    common = tar(*[file(f"common/{i}", os.urandom(0) + b"c" * 3000) for i in range(files)])
    own = tar(*[file(f"own/{i}", b"%d" % number * 1000) for i in range(files)])
    return Image(common, own, name=f"busy:{number}", compression="gzip")


def test_the_same_image_from_many(store):
    image = busy_image(0)
    archive = image.oci()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen(store.argv("load"), **pipes) for _ in range(8)]
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


def fill(directory):
    with open(directory / "ballast", "wb", buffering=0) as f:
        for size in (65536, 512, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError as e:
                assert e.errno == errno.ENOSPC


def test_removing_on_a_full_disk(tmp_path):
    """Images can be removed where not a byte is left, one after the other, and what they held is free."""
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", point], check=True)
    try:
        store = Store(point / "store")
        for name in "abc":
            store.load(Image(tar(file(name, name.encode() * 500000)), name=name).oci())
        for left in (["b:latest", "c:latest"], ["c:latest"], []):
            fill(point)
            assert "no space left" in store.load(tar(file("n", bytes(300000))), "n", verb=("import",), check=125).stderr
            store("remove", "abc"[2 - len(left)], check=0)
            assert store.names() == left
            store.verify()
            assert os.statvfs(point).f_bavail * os.statvfs(point).f_frsize > 500000
        (point / "ballast").unlink()
        store.load(Image(tar(file("d")), name="d").oci())
        store.verify()
    finally:
        subprocess.run(["umount", point], check=True)


def test_read_only_store(tmp_path):
    store = Store(tmp_path / "store")
    store.load(Image(tar(file("a")), name="a").oci())
    subprocess.run(["mount", "--bind", store.root, store.root], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", store.root], check=True)
        assert "read-only" in store.load(tar(file("n")), "n", verb=("import",), check=125).stderr
        assert "read-only" in store("remove", "a", check=125).stderr
        assert store.names() == ["a:latest"]
    finally:
        subprocess.run(["umount", store.root], check=True)


def test_a_list_clears_what_a_kill_left(store):
    store.load(Image(tar(file("a")), name="a").oci())
    process = subprocess.Popen(store.argv("import", "n"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(tar(file("n", bytes(300000)))[:200000])
    process.stdin.flush()
    deadline = time.monotonic() + 10
    while not list((store.root / "tmp").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    store.names()
    assert list((store.root / "tmp").iterdir())  # it lives
    process.kill()
    process.wait()
    process.stdin.close()
    assert list((store.root / "tmp").iterdir())
    store.names()
    store.verify()


def test_as_an_ordinary_user(user_dir):
    """Files stay the user's, devices are left out, and both are said; directories that are shut do not stop it."""
    store = Store(user_dir / "store", as_user())
    layer = tar(folder("shut", mode=0o555, uid=7), file("shut/f", mode=0o400, uid=7), folder("none", mode=0),
                file("none/g", b"g"), entry("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
                file("su", mode=0o4755), file(".wh.gone", b""), folder("o"), file("o/.wh..wh..opq", b""))
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
