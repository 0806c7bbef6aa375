#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write the seeds of the image fuzzers: one file a hostile or honest archive, one a reference.

usage: make_image_corpus.py ARCHIVE_DIR REFERENCE_DIR
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "run"))
from image_archives import Image, compress, file, folder, hostile_layers, symlink, tar  # noqa: E402

REFERENCES = ["nginx", "nginx:1.27", "library/nginx", "docker.io/library/nginx:latest", "index.docker.io/a/b",
              "localhost/x", "localhost:5000/x@sha256:" + "a" * 64, "[::1]:5000/x", "a__b/c-d.e", "A.b/c",
              "x:" + "t" * 128, "x@sha512:" + "0" * 128, "", "/", ":", "@", "a/", "a//b", "a:b:c", "f" * 64, "x" * 300,
              "ü", "a.b:99999999/c", "docker.io/a.b/c"]


def main():
    archives, references = map(Path, sys.argv[1:])
    for target in (archives, references):
        target.mkdir(parents=True, exist_ok=True)
    honest = tar(folder("d"), file("d/f", b"x" * 1000), symlink("l", "d/f"), file(".wh.gone", b""))
    seeds = {"empty": b"", "tar": honest, "gzip": compress(honest, "gzip"), "bomb": compress(bytes(8 << 20), "gzip")}
    for how in ("none", "gzip"):
        seeds[f"oci-{how}"] = Image(honest, honest, compression=how).oci()
        seeds[f"docker-{how}"] = Image(honest, compression=how).docker()
    seeds["oci-cut"] = seeds["oci-none"][:3000]
    for i, (entries, _, _) in enumerate(hostile_layers("/dev/shm").values()):
        seeds[f"hostile-{i:02}"] = tar(*entries)
    for name, data in seeds.items():
        (archives / name).write_bytes(data)
    for i, text in enumerate(REFERENCES):
        (references / f"{i:02}").write_text(text)


if __name__ == "__main__":
    main()
