/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        (void)close(*fd);
        errno = saved;
    }
    *fd = -EBADF;
}

int fd_write_all(int fd, const void *data, size_t n)
{
    const char *p = data;
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

ssize_t fd_read_full(int fd, void *data, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(fd, (char *)data + got, n - got);
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

int file_read(struct arena *a, int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
    CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    size_t cap = st.st_size > 0 && (uintmax_t)st.st_size < max ? (size_t)st.st_size + 1 : 4096;
    size_t len = 0;
    char *data = arena_alloc(a, cap + 1);
    if (data == NULL)
        return -ENOMEM;
    for (;;) {
        ssize_t r = fd_read_full(fd, data + len, cap - len);
        if (r < 0)
            return (int)r;
        len += (size_t)r;
        if (len < cap)
            break;
        if (len > max)
            return -EFBIG;
        char *more = arena_alloc(a, cap * 2 + 1);
        if (more == NULL)
            return -ENOMEM;
        memcpy(more, data, len);
        data = more;
        cap *= 2;
    }
    if (len > max)
        return -EFBIG;
    data[len] = '\0';
    *ret = data;
    if (ret_len != NULL)
        *ret_len = len;
    return 0;
}

ssize_t file_read_into(int dirfd, const char *path, char *buf, size_t size)
{
    CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t r = fd_read_full(fd, buf, size - 1);
    if (r < 0)
        return r;
    buf[r] = '\0';
    return r;
}

int file_write(int dirfd, const char *path, const char *s)
{
    CLEANUP_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t n = strlen(s);
    ssize_t w = write(fd, s, n);
    if (w < 0)
        return -errno;
    return (size_t)w == n ? 0 : -EIO;
}

int file_replace(int dirfd, const char *path, const void *data, size_t n, mode_t mode, int sync)
{
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof temporary, "%s.%d.new", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary)
        return -ENAMETOOLONG;
    CLEANUP_FD int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, data, n);
    if (r == 0 && sync && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dirfd, temporary, 0);
    return r;
}

int dir_make(int dirfd, const char *path, mode_t mode)
{
    if (mkdirat(dirfd, path, mode) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return -errno;
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return -ENAMETOOLONG;
    memcpy(part, path, n + 1);
    for (char *slash = part + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return mkdirat(dirfd, path, mode) < 0 && errno != EEXIST ? -errno : 0;
}
