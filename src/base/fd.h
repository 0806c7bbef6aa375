/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: closing, reading and writing whole small files. -EBADF is "no descriptor". */
#ifndef COFFER_BASE_FD_H
#define COFFER_BASE_FD_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/macros.h"

/* Close *fd if it is one, and set it to -EBADF. Keeps errno. Never retried: the descriptor is gone even on EINTR. */
void fd_close(int *fd);
#define CLEANUP_FD CLEANUP(fd_close)

static inline void free_pointer(void *p)
{
    free(*(void **)p);
}
#define CLEANUP_FREE CLEANUP(free_pointer)

/* Write all n bytes, across short writes and EINTR. 0 or negative errno. */
int fd_write_all(int fd, const void *data, size_t n);

/* Up to n bytes from fd until end of file; the number read, or negative errno. */
ssize_t fd_read_full(int fd, void *data, size_t n);

/*
 * The whole file, NUL-terminated, into the arena. dirfd may be AT_FDCWD. Not more than max bytes: -EFBIG.
 * *ret_len may be NULL. 0 or negative errno. Works on files of /proc and /sys, whose size reads as 0.
 */
int file_read(struct arena *a, int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);

/* The same into a caller's buffer, cut at size - 1 bytes; the number of bytes, or negative errno. No allocation. */
ssize_t file_read_into(int dirfd, const char *path, char *buf, size_t size);

/*
 * One write(2) of the string s to an existing file (O_WRONLY | O_CLOEXEC | O_NOFOLLOW is not implied: these are
 * control files of the kernel). 0 or negative errno. No allocation.
 */
int file_write(int dirfd, const char *path, const char *s);

/* Replace the file path below dirfd by these bytes atomically: temporary file beside it, fsync if asked, rename. */
int file_replace(int dirfd, const char *path, const void *data, size_t n, mode_t mode, int sync);

/* mkdir -p below dirfd; every missing component gets mode. Follows links: for our own directories only. */
int dir_make(int dirfd, const char *path, mode_t mode);

#endif
