/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of bytes on its way through: read, decompressed (gzip, zstd or not at all, by its first bytes), counted
 * against the limits, digested. Whoever reads a layer from a file, a pipe or later a socket reads it through this.
 */
#ifndef COFFER_IMAGE_INFLATE_H
#define COFFER_IMAGE_INFLATE_H

#include <stdint.h>
#include <sys/types.h>

#include "image/digest.h"
#include "image/image.h"
#include "image/store.h"

/* Gives the next block, valid until the next call: its length, 0 at the end, or a negative errno with err filled. */
struct byte_source {
    ssize_t (*read)(void *ctx, const void **block, struct err *err);
    void *ctx;
};

/* Blocks of a descriptor; offset-independent, so pipes do. */
struct fd_source {
    int fd;
    uint64_t bytes; /* read so far */
    const struct image_load_options *options; /* progress; may be NULL */
    unsigned char *buffer;
};
int image_fd_source_open(int fd, const struct image_load_options *options, struct fd_source *ret, struct err *err);
struct byte_source image_fd_source_bytes(struct fd_source *s);
void image_fd_source_close(struct fd_source *s); /* not the descriptor */

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

/* What the first bytes say. xz and bzip2 are refused with the way around, anything else counts as not compressed. */
int image_compression_detect(const void *data, size_t len, enum compression *ret, struct err *err);

/* The limits with their defaults filled in. */
struct image_limits image_limits_of(const struct image_load_options *options);

struct inflate {
    const struct archive_lib *lib;
    struct archive *archive;
    struct byte_source source;
    struct image_limits limits;
    uint64_t in, out;
    uint64_t zeros; /* how many bytes at the end of what came out so far are 0 */
    struct digest digest; /* of what comes out; lib NULL: not wanted */
    bool ended;
    struct err why; /* of the source's failure, on its way through libarchive */
};

/* digest: keep a sha256 of the decompressed bytes. inflate must stay where it is until it is closed. */
int image_inflate_open(struct image_store *s, struct byte_source source, const struct image_limits *limits, bool digest,
                       struct inflate *inflate, struct err *err);
struct byte_source image_inflate_bytes(struct inflate *f);

/* Read to the end, whatever follows the archive in it; then the digest of all of it. */
int image_inflate_drain(struct inflate *f, struct err *err);
int image_inflate_digest(struct inflate *f, char ret[static DIGEST_SIZE], struct err *err);
void image_inflate_close(struct inflate *f);
#define CLEANUP_INFLATE CLEANUP(image_inflate_close)

#endif
