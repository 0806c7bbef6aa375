/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a tar archive (ustar, PAX, GNU), as libarchive reads them from a stream that is already decompressed. */
#ifndef COFFER_IMAGE_TAR_H
#define COFFER_IMAGE_TAR_H

#include <locale.h>

#include "image/inflate.h"

struct tar {
    const struct archive_lib *lib;
    struct archive *archive;
    struct byte_source source;
    struct err why;
    uint64_t entries, max_entries;
    locale_t locale, previous;
};

/* tar must stay where it is until it is closed. */
int image_tar_open(struct image_store *s, struct byte_source source, uint64_t max_entries, struct tar *tar,
                   struct err *err);

/* 1: there is an entry, valid until the next call; 0: the end; negative errno. */
int image_tar_next(struct tar *t, struct archive_entry **ret, struct err *err);

/* A block of the entry's data and where in the file it belongs: 1, 0 at the end, negative errno. */
int image_tar_data(struct tar *t, const void **ret, size_t *ret_len, uint64_t *ret_offset, struct err *err);

void image_tar_close(struct tar *t);
#define CLEANUP_TAR CLEANUP(image_tar_close)

#endif
