/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive's reader, loaded on first use (see crypto_lib.h for why). Its headers give types and constants, nothing is
 * linked. It knows the tar format in all its dialects, and decompresses; it never writes a file for us.
 */
#ifndef COFFER_IMAGE_ARCHIVE_LIB_H
#define COFFER_IMAGE_ARCHIVE_LIB_H

#include <archive.h>
#include <archive_entry.h>
#include <sys/types.h>

#include "base/err.h"

/* X(result, name without "archive_", parameters) */
#define ARCHIVE_LIB_FUNCTIONS(X)                                                                          \
    X(struct archive *, read_new, (void))                                                                 \
    X(int, read_free, (struct archive *))                                                                 \
    X(int, read_support_filter_gzip, (struct archive *))                                                  \
    X(int, read_support_filter_zstd, (struct archive *))                                                  \
    X(int, read_support_format_raw, (struct archive *))                                                   \
    X(int, read_support_format_tar, (struct archive *))                                                   \
    X(int, read_support_format_empty, (struct archive *))                                                 \
    X(int, read_open, (struct archive *, void *, archive_open_callback *, archive_read_callback *,        \
                       archive_close_callback *))                                                         \
    X(int, read_next_header, (struct archive *, struct archive_entry **))                                 \
    X(int, read_data_block, (struct archive *, const void **, size_t *, la_int64_t *))                    \
    X(int, read_data_skip, (struct archive *))                                                            \
    X(int, filter_code, (struct archive *, int))                                                          \
    X(const char *, error_string, (struct archive *))                                                     \
    X(void, set_error, (struct archive *, int, const char *, ...))                                        \
    X(const char *, entry_pathname, (struct archive_entry *))                                             \
    X(const char *, entry_hardlink, (struct archive_entry *))                                             \
    X(const char *, entry_symlink, (struct archive_entry *))                                              \
    X(mode_t, entry_filetype, (struct archive_entry *))                                                   \
    X(mode_t, entry_perm, (struct archive_entry *))                                                       \
    X(la_int64_t, entry_uid, (struct archive_entry *))                                                    \
    X(la_int64_t, entry_gid, (struct archive_entry *))                                                    \
    X(la_int64_t, entry_size, (struct archive_entry *))                                                   \
    X(int, entry_mtime_is_set, (struct archive_entry *))                                                  \
    X(time_t, entry_mtime, (struct archive_entry *))                                                      \
    X(long, entry_mtime_nsec, (struct archive_entry *))                                                   \
    X(dev_t, entry_rdevmajor, (struct archive_entry *))                                                   \
    X(dev_t, entry_rdevminor, (struct archive_entry *))                                                   \
    X(int, entry_xattr_reset, (struct archive_entry *))                                                   \
    X(int, entry_xattr_next, (struct archive_entry *, const char **, const void **, size_t *))

struct archive_lib {
    void *handle; /* NULL: not loaded */
#define X(result, name, parameters) result(*name) parameters;
    ARCHIVE_LIB_FUNCTIONS(X)
#undef X
};

int image_archive_lib_load(struct archive_lib *lib, struct err *err);
void image_archive_lib_unload(struct archive_lib *lib);

#endif
