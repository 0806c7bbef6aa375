/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outer archive of "save" programs, spooled: each of its files becomes a numbered file in a temporary directory,
 * digested on the way. Names in the archive are keys of a table and never names on the host. One pass, since the
 * archive may come through a pipe and puts its table of contents where it likes.
 */
#ifndef COFFER_IMAGE_SPOOL_H
#define COFFER_IMAGE_SPOOL_H

#include "image/digest.h"
#include "image/image.h"
#include "image/inflate.h"
#include "image/store.h"

struct spool_file {
    const char *name; /* "blobs/sha256/...", "manifest.json"; normalised */
    const char *link; /* another name, for a link; NULL: a file */
    uint64_t size;
    char file[24];    /* its name in the temporary directory */
    char digest[DIGEST_SIZE]; /* by the algorithm of blobs/<algorithm>/, else sha256 */
};

struct spool {
    struct store_tmp *tmp;
    struct spool_file *v;
    size_t n, cap;
    unsigned extra;   /* files of our own making */
    size_t documents; /* bytes of those that were read whole */
};
void image_spool_free(struct spool *s);
#define CLEANUP_SPOOL CLEANUP(image_spool_free)

/* Read the archive from source (compressed or not) to its end. Names go into the arena. */
int image_spool_read(struct arena *a, struct image_store *store, struct byte_source source,
                     const struct image_limits *limits, struct spool *spool, struct err *err);

/* The file of that name, through links between entries; NULL: there is none. */
const struct spool_file *image_spool_find(const struct spool *s, const char *name);

/* The blob that a descriptor means: there, of its size, and with its digest; or -EBADMSG. */
int image_spool_blob(const struct spool *s, const char *digest, int64_t size, const struct spool_file **ret,
                     struct err *err);

/* A document, whole. */
int image_spool_text(struct arena *a, struct spool *s, const struct spool_file *f, char **ret, size_t *ret_len,
                     struct err *err);

/* Add a document of our own making, to be stored as a blob. Synced. */
int image_spool_add(struct arena *a, struct spool *s, const void *data, size_t len, const struct spool_file **ret,
                    struct err *err);

#endif
