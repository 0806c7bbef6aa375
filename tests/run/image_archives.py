# SPDX-License-Identifier: Apache-2.0
"""Archives for the image tests: honest ones, and a corpus of hostile ones."""
import gzip
import hashlib
import io
import json
import subprocess
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def document(value):
    return json.dumps(value).encode()


def entry(name, data=None, kind=tarfile.REGTYPE, link="", mode=None, pax=None, **members):
    """One tar entry as (TarInfo, data)."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.mode = mode if mode is not None else (0o755 if kind == tarfile.DIRTYPE else 0o644)
    if data is not None:
        info.size = len(data)
    if pax:
        info.pax_headers = pax
    for member, value in members.items():
        setattr(info, member, value)
    return info, data


def file(name, data=b"changed", **members):
    return entry(name, data, **members)


def folder(name, **members):
    return entry(name, kind=tarfile.DIRTYPE, **members)


def symlink(name, target, **members):
    return entry(name, kind=tarfile.SYMTYPE, link=str(target), **members)


def hardlink(name, target, **members):
    return entry(name, kind=tarfile.LNKTYPE, link=str(target), **members)


def tar(*entries, form=tarfile.PAX_FORMAT):
    """Names are written as they are: TarInfo strips a leading slash only in add()."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


def pax_record(key, value):
    """A PAX record with any bytes in it, which tarfile would not write."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def raw_pax(records, info):
    """An extended header with these records before an ordinary ustar entry."""
    body = b"".join(records)
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, len(body)
    return (header.tobuf(tarfile.USTAR_FORMAT) + body.ljust((len(body) + 511) // 512 * 512, b"\0")
            + info.tobuf(tarfile.USTAR_FORMAT))


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


class Image:
    """An image of these layer tars, written as either kind of archive. Change members to damage it."""

    def __init__(self, *layers, name="docker.io/library/test:latest", compression="none", config=None):
        self.name = name
        self.tars = list(layers)
        self.blobs = [compress(layer, compression) for layer in layers]
        self.suffix = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}[compression]
        self.diff_ids = [digest(layer) for layer in layers]
        self.run = config or {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}
        self.config_type = CONFIG
        self.layer_type = LAYER + self.suffix

    def config(self):
        return document({"architecture": "amd64", "os": "linux", "config": self.run,
                         "rootfs": {"type": "layers", "diff_ids": self.diff_ids}})

    def manifest(self):
        config = self.config()
        return document({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": self.config_type, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": self.layer_type, "digest": digest(b), "size": len(b)} for b in self.blobs]})

    def id(self):
        return digest(self.config())

    def oci_files(self):
        manifest, config = self.manifest(), self.config()
        descriptor = {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest)}
        if self.name:
            descriptor["annotations"] = {"org.opencontainers.image.ref.name": self.name}
        files = {"oci-layout": document({"imageLayoutVersion": "1.0.0"}),
                 "index.json": document({"schemaVersion": 2, "manifests": [descriptor]})}
        for blob in (manifest, config, *self.blobs):
            files["blobs/sha256/" + digest(blob)[7:]] = blob
        return files

    def oci(self, change=None):
        files = self.oci_files()
        if change:
            change(files)
        return tar(*[file(name, data) for name, data in files.items()])

    def docker_files(self):
        config = self.config()
        files = {digest(config)[7:] + ".json": config}
        layers = []
        for i, blob in enumerate(self.blobs):
            layers.append(f"{i}/layer.tar")
            files[layers[-1]] = blob
        files["manifest.json"] = document([{"Config": digest(config)[7:] + ".json",
                                            "RepoTags": [self.name] if self.name else None, "Layers": layers}])
        return files

    def docker(self, change=None):
        files = self.docker_files()
        if change:
            change(files)
        return tar(*[file(name, data) for name, data in files.items()])


def hostile_layers(outside):
    """
    The corpus: name -> (entries, what must happen). outside is an absolute directory with a file "victim" in it, at
    least one level below /. "refused": an error. "kept in": it loads, all of it inside the layer. The third member
    says whether Python's tarfile.extractall, without a filter, falls for it: the proof that the case is one.
    """
    up = "../" * 30 + str(outside).lstrip("/")
    victim = f"{outside}/victim"
    return {
        "dotdot": ([file(f"{up}/victim")], "refused", True),
        "dotdot after a directory": ([folder("a"), file(f"a/../{up}/victim")], "refused", True),
        "dotdot at the end": ([folder("a/..")], "refused", False),
        "absolute": ([file(victim)], "kept in", True),
        "absolute with slashes": ([file("//" + victim)], "kept in", True),
        "link out, then through it": ([symlink("l", outside), file("l/victim")], "refused", True),
        "link out, target made before": ([folder(str(outside)[1:]), symlink("l", outside), file("l/victim")],
                                         "kept in", True),
        "relative link out": ([symlink("l", up), file("l/victim")], "refused", True),
        "links through links": ([folder("d"), symlink("d/a", ".."), symlink("d/b", "a/.."),
                                 symlink("c", "d/b/" + up), file("c/victim")], "refused", True),
        "link to itself": ([symlink("l", "l"), file("l/x")], "refused", False),
        "links in a circle": ([symlink("a", "b"), symlink("b", "a"), file("a/x")], "refused", False),
        "link at the file's own name": ([symlink("f", victim), file("f")], "kept in", True),
        "link at a directory's name": ([symlink("d", outside), folder("d", mode=0o700)], "kept in", True),
        "link at a directory's name, then a file in it": ([symlink("d", outside), folder("d"), file("d/victim")],
                                                          "kept in", True),
        "directory replaced by a link between its files": ([folder("d"), file("d/a"), symlink("d", outside),
                                                            file("d/victim")], "refused", False),
        "link to the root of a process": ([symlink("l", "/proc/self/root" + str(outside)), file("l/victim")], "refused",
                                          True),
        "hard link to a file outside": ([hardlink("h", victim), file("h")], "refused", False),
        "hard link with dotdot": ([hardlink("h", f"{up}/victim"), file("h")], "refused", False),
        "hard link through a link": ([symlink("l", outside), hardlink("h", "l/victim")], "refused", False),
        "hard link to a link, then a file": ([symlink("l", victim), hardlink("h", "l"), file("h")], "kept in", True),
        "hard link to a directory": ([folder("d"), hardlink("h", "d")], "refused", False),
        "hard link to nothing": ([hardlink("h", "nothing")], "refused", False),
        "hard link to a later entry": ([hardlink("h", "later"), file("later")], "refused", False),
        "hard link to the root": ([hardlink("h", "/")], "refused", False),
        "whiteout of dot": ([file(".wh..", b"")], "refused", False),
        "whiteout of dotdot": ([file("a/.wh...", b"")], "refused", False),
        "whiteout of nothing": ([file(".wh.", b"")], "refused", False),
        "whiteout through a link": ([symlink("l", outside), file("l/.wh.victim", b"")], "refused", True),
        "opaque through a link": ([symlink("l", outside), file("l/.wh..wh..opq", b"")], "refused", True),
        "whiteout with dotdot": ([file(f"{up}/.wh.victim", b"")], "refused", True),
        "overlay's redirect": ([folder("d", pax={"SCHILY.xattr.trusted.overlay.redirect": "/../../etc"})], "refused",
                               False),
        "overlay's opaque, user form": ([folder("d", pax={"SCHILY.xattr.user.overlay.opaque": "y"})], "refused", False),
        "file as a parent": ([file("f"), file("f/x")], "refused", False),
        "fifo as a parent": ([entry("f", kind=tarfile.FIFOTYPE), file("f/x")], "refused", False),
        "file over a fifo": ([entry("f", kind=tarfile.FIFOTYPE), file("f")], "kept in", False),
        "file over a device": ([entry("f", kind=tarfile.CHRTYPE, devmajor=1, devminor=3), file("f")], "kept in", False),
        "root as a file": ([file(".")], "refused", False),
        "root as a link": ([symlink("./", outside)], "refused", False),
        "name of 256 bytes": ([file("n" * 256)], "refused", False),
        "path of 5000 bytes": ([file("/".join(["d" * 100] * 50))], "refused", False),
        "unknown type": ([entry("x", kind=b"Q", data=b"")], "kept in", False),
        "owner beyond 32 bits": ([file("x", pax={"uid": str(2 ** 32)})], "refused", False),
        "owner that means none": ([file("x", pax={"uid": str(2 ** 32 - 1)})], "refused", False),
        "time far off": ([file("x", pax={"mtime": "99999999999999999"})], "kept in", False),
        "time before all": ([file("x", pax={"mtime": "-99999999999.5"})], "kept in", False),
    }
