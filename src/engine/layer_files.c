/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/layer_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"

enum { MAX_LINKS = 40 };

/* The same directory in several layers, topmost first. */
struct merged {
    int *fds;
    size_t n;
};

static void merged_close(struct merged *m)
{
    for (size_t i = 0; i < m->n; i++)
        fd_close(&m->fds[i]);
    m->n = 0;
}

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool is_opaque(int fd)
{
    char path[64], value[2];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* fgetxattr(2) refuses O_PATH descriptors */
    return (getxattr(path, "trusted.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y') ||
           (getxattr(path, "user.overlay.opaque", value, sizeof value) == 1 && value[0] == 'y');
}

/*
 * One step: name below a merged directory. When it is a directory, next becomes it. Otherwise *ret_fd is the directory
 * of the layer that shows it, and *ret_st what it is.
 */
static int step(const struct merged *dir, const char *name, struct merged *next, int *ret_fd, struct stat *ret_st)
{
    next->n = 0;
    for (size_t i = 0; i < dir->n; i++) {
        struct stat st;
        if (fstatat(dir->fds[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue;
            return -errno;
        }
        if (is_whiteout(&st))
            break;
        if (!S_ISDIR(st.st_mode)) {
            if (next->n > 0)
                break;
            *ret_fd = dir->fds[i];
            *ret_st = st;
            return 0;
        }
        int fd = openat(dir->fds[i], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        next->fds[next->n++] = fd;
        if (i + 1 < dir->n && is_opaque(fd))
            break;
    }
    *ret_fd = -EBADF;
    return next->n > 0 ? 0 : -ENOENT;
}

static int open_layers(struct merged *root, const char *const *layers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int fd = open(layers[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        root->fds[root->n++] = fd;
    }
    return 0;
}

/* ".." at p: what was walked before it is free of links, so its last component goes. */
static void go_up(char *todo, char *p)
{
    char *rest = p + 2;
    while (p > todo && p[-1] == '/')
        p--;
    while (p > todo && p[-1] != '/')
        p--;
    memmove(p, rest, strlen(rest) + 1);
}

/*
 * Walk todo from the root. 1: a symbolic link, or "..", was found and worked into todo, which is to be walked again;
 * 0: *ret_fd is the open file.
 */
static int walk(const struct merged *root, struct merged level[2], char *todo, size_t size, int *ret_fd)
{
    const struct merged *here = root;
    char *p = todo;
    for (unsigned turn = 0;; turn ^= 1U) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");
        if (n == 0 || n > NAME_MAX)
            return -EINVAL; /* the path ends at a directory */
        char name[NAME_MAX + 1];
        memcpy(name, p, n);
        name[n] = '\0';
        if (n == 1 && name[0] == '.') {
            p += n;
            turn ^= 1U;
            continue;
        }
        if (n == 2 && name[0] == '.' && name[1] == '.') {
            go_up(todo, p);
            return 1;
        }
        struct stat st;
        int fd = -EBADF;
        merged_close(&level[turn]);
        int r = step(here, name, &level[turn], &fd, &st);
        if (r < 0)
            return r;
        if (fd < 0) {
            here = &level[turn];
            p += n;
            continue;
        }
        const char *rest = p + n;
        if (S_ISLNK(st.st_mode)) {
            char link[PATH_MAX], out[PATH_MAX];
            ssize_t length = readlinkat(fd, name, link, sizeof link - 1);
            if (length < 0)
                return -errno;
            link[length] = '\0';
            int made = snprintf(out, sizeof out, "%.*s%s%s", link[0] == '/' ? 0 : (int)(p - todo), todo, link, rest);
            if (made < 0 || (size_t)made >= size)
                return -ENAMETOOLONG;
            memcpy(todo, out, (size_t)made + 1);
            return 1;
        }
        if (!S_ISREG(st.st_mode) || rest[strspn(rest, "/")] != '\0')
            return S_ISREG(st.st_mode) ? -ENOTDIR : -EINVAL;
        *ret_fd = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return *ret_fd < 0 ? -errno : 0;
    }
}

int layer_file_read(struct arena *a, const char *const *layers, size_t n_layers, const char *path, size_t max,
                    char **ret)
{
    struct merged root = {arena_calloc(a, n_layers + 1, sizeof(int)), 0};
    struct merged level[2] = {{arena_calloc(a, n_layers + 1, sizeof(int)), 0},
                              {arena_calloc(a, n_layers + 1, sizeof(int)), 0}};
    char todo[PATH_MAX];
    size_t length = strlen(path);
    if (root.fds == NULL || level[0].fds == NULL || level[1].fds == NULL)
        return -ENOMEM;
    if (length >= sizeof todo)
        return -ENAMETOOLONG;
    memcpy(todo, path, length + 1);
    CLEANUP_FD int fd = -EBADF;
    int r = open_layers(&root, layers, n_layers);
    for (unsigned links = 0; r >= 0; links++) {
        if (links > MAX_LINKS) {
            r = -ELOOP;
            break;
        }
        r = walk(&root, level, todo, sizeof todo, &fd);
        if (r <= 0)
            break;
    }
    merged_close(&level[0]);
    merged_close(&level[1]);
    merged_close(&root);
    if (r < 0)
        return r;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if ((uintmax_t)st.st_size > max)
        return -EFBIG;
    char *text = arena_alloc(a, (size_t)st.st_size + 1);
    if (text == NULL)
        return -ENOMEM;
    ssize_t got = fd_read_full(fd, text, (size_t)st.st_size);
    if (got < 0)
        return (int)got;
    text[got] = '\0';
    *ret = text;
    return 0;
}

/* Has it attributes beyond overlayfs' own? */
static bool has_attributes(int fd)
{
    char path[64], names[1024];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = listxattr(path, names, sizeof names);
    if (n < 0)
        return errno != ENOTSUP;
    for (const char *p = names; p < names + n; p += strlen(p) + 1)
        if (strncmp(p, "trusted.overlay.", 16) != 0 && strncmp(p, "user.overlay.", 13) != 0)
            return true;
    return false;
}

int layer_directory(struct arena *a, const char *const *layers, size_t n_layers, const char *name, struct stat *ret)
{
    struct merged root = {arena_calloc(a, n_layers + 1, sizeof(int)), 0};
    struct merged found = {arena_calloc(a, n_layers + 1, sizeof(int)), 0};
    struct stat st;
    int fd = -EBADF;
    if (root.fds == NULL || found.fds == NULL)
        return -ENOMEM;
    int r = open_layers(&root, layers, n_layers);
    if (r == 0)
        r = step(&root, name, &found, &fd, &st);
    if (r == 0 && fd >= 0)
        r = -ENOTDIR;
    if (r == 0)
        r = fstat(found.fds[0], &st) < 0 ? -errno : has_attributes(found.fds[0]) ? 0 : 1;
    merged_close(&found);
    merged_close(&root);
    if (r >= 0)
        *ret = st;
    return r;
}
