#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the embedded image: an OCI archive of one layer, the same bytes for the same input, and a C header that says
where its parts lie, so that it can be put into a store without reading tar or hashing.

usage: make_archive.py PROGRAM ARCHITECTURE NAME OUT.tar OUT.h
"""
import hashlib
import io
import json
import sys
import tarfile

PASSWD = b"root:x:0:0:root:/:/hello\nnobody:x:65534:65534:nobody:/:/hello\n"
GROUP = b"root:x:0:\nnogroup:x:65534:\n"
S_IFDIR, S_IFREG = 0o040000, 0o100000


class Tar:
    """A ustar archive that remembers where each member's data begins."""

    def __init__(self):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.USTAR_FORMAT)
        self.parts = {}

    def add(self, name, data=None, mode=0o755):
        info = tarfile.TarInfo(name)
        info.mode, info.mtime, info.uid, info.gid = mode, 0, 0, 0
        info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
        info.size = 0 if data is None else len(data)
        self.tar.addfile(info, None if data is None else io.BytesIO(data))
        if data is not None:
            padded = (len(data) + 511) // 512 * 512
            self.parts[name] = (self.tar.offset - padded, len(data))

    def close(self):
        self.tar.close()
        return self.file.getvalue()


def document(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


def main():
    program, architecture, name, out_tar, out_header = sys.argv[1:]
    with open(program, "rb") as f:
        hello = f.read()

    layer_tar = Tar()
    for directory, mode in (("dev", 0o755), ("etc", 0o755), ("proc", 0o555), ("sys", 0o555), ("tmp", 0o1777)):
        layer_tar.add(directory, mode=mode)
    layer_tar.add("etc/group", GROUP, 0o644)
    layer_tar.add("etc/passwd", PASSWD, 0o644)
    layer_tar.add("hello", hello, 0o755)
    members = layer_tar.tar.getmembers()
    layer = layer_tar.close()

    config = document({
        "architecture": architecture, "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"Entrypoint": ["/hello"], "Env": ["PATH=/"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": "1970-01-01T00:00:00Z", "comment": "built with Cofferdam"}]})
    manifest = document({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer)]})
    index = document({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [descriptor("application/vnd.oci.image.manifest.v1+json", manifest,
                                 platform={"architecture": architecture, "os": "linux"},
                                 annotations={"org.opencontainers.image.ref.name": name,
                                              "io.containerd.image.name": name})]})

    archive_tar = Tar()
    archive_tar.add("oci-layout", document({"imageLayoutVersion": "1.0.0"}), 0o644)
    archive_tar.add("index.json", index, 0o644)
    archive_tar.add("blobs")
    archive_tar.add("blobs/sha256")
    blobs = {}
    for what, data in (("manifest", manifest), ("config", config), ("layer", layer)):
        blobs[what] = "blobs/sha256/" + digest(data)[7:]
        archive_tar.add(blobs[what], data, 0o644)
    archive = archive_tar.close()
    with open(out_tar, "wb") as f:
        f.write(archive)

    def part(offset, size):
        return "{%d, %d}" % (offset, size)

    layer_offset = archive_tar.parts[blobs["layer"]][0]
    with open(out_header, "w", encoding="ascii") as f:
        f.write("/* Made by make_archive.py: where the parts of the embedded image lie. */\n")
        f.write('#define EMBEDDED_MANIFEST_DIGEST "%s"\n' % digest(manifest))
        for what, name_of_blob in blobs.items():
            f.write("static const struct embedded_part embedded_%s = %s;\n"
                    % (what, part(*archive_tar.parts[name_of_blob])))
        f.write("static const struct embedded_file embedded_files[] = {\n")
        for member in members:
            kind = S_IFDIR if member.isdir() else S_IFREG
            offset, size = layer_tar.parts.get(member.name, (-layer_offset, 0))
            f.write('    {"%s", 0%o, %s},\n' % (member.name, kind | member.mode, part(layer_offset + offset, size)))
        f.write("};\n")
    for what, (offset, size) in archive_tar.parts.items():  # the header's numbers, held against the bytes
        expected = {blobs["manifest"]: manifest, blobs["config"]: config, blobs["layer"]: layer}.get(what)
        assert expected is None or archive[offset:offset + size] == expected, what
    offset, size = layer_tar.parts["hello"]
    assert archive[layer_offset + offset:layer_offset + offset + size] == hello


if __name__ == "__main__":
    main()
