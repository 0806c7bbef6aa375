/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup: a new tmpfs starts with what the image has in its place. The tree is copied by descriptors, without
 * following links, before the tmpfs is attached; in the child, so without allocating.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/rootfs/rootfs.h"

#define MAX_DEPTH 64

struct copy {
    const char *path; /* for messages */
    struct err *err;
};

static int failed(const struct copy *c, int code, const char *name)
{
    return err_set_errno(c->err, code, LAYER_ROOTFS, "mount %s: tmpcopyup of %s", c->path, name);
}

static int copy_bytes(int from, int to)
{
    for (;;) {
        ssize_t n = sendfile(to, from, NULL, 1 << 20);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int copy_file(int from, int to, const char *name)
{
    /* O_NONBLOCK: were it swapped for a fifo, we would not hang. */
    CLEANUP_FD int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (in < 0)
        return -errno;
    CLEANUP_FD int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return out < 0 ? -errno : copy_bytes(in, out);
}

static int copy_link(int from, int to, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from, name, target, sizeof target - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_attributes(int to, const char *name, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    /* After the owner, for a change of owner takes the set-id bits away. */
    if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0)
        return -errno;
    return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_directory(const struct copy *c, int from, int to, int depth);

static int copy_subdirectory(const struct copy *c, int from, int to, const char *name, int depth)
{
    CLEANUP_FD int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0 || mkdirat(to, name, 0700) < 0)
        return failed(c, -errno, name);
    CLEANUP_FD int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out < 0)
        return failed(c, -errno, name);
    return copy_directory(c, in, out, depth + 1);
}

static int copy_entry(const struct copy *c, int from, int to, const char *name, int depth)
{
    struct stat st;
    int r = 0;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(c, -errno, name);
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
        if ((r = copy_subdirectory(c, from, to, name, depth)) < 0)
            return r;
        break;
    case S_IFREG:
        r = copy_file(from, to, name);
        break;
    case S_IFLNK:
        r = copy_link(from, to, name);
        break;
    default:
        r = mknodat(to, name, st.st_mode, st.st_rdev) < 0 ? -errno : 0;
        break;
    }
    if (r == 0)
        r = copy_attributes(to, name, &st);
    return r < 0 ? failed(c, r, name) : 0;
}

struct entry { /* struct linux_dirent64, getdents64(2) */
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int copy_directory(const struct copy *c, int from, int to, int depth)
{
    if (depth > MAX_DEPTH)
        return err_set(c->err, -ELOOP, LAYER_ROOTFS, "mount %s: tmpcopyup: directories are nested deeper than %d",
                       c->path, MAX_DEPTH);
    _Alignas(struct entry) char buf[4096];
    for (;;) {
        long n = syscall(SYS_getdents64, from, buf, sizeof buf);
        if (n < 0)
            return failed(c, -errno, "a directory");
        if (n == 0)
            return 0;
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(buf + at);
            at += e->length;
            if (str_eq(e->name, ".") || str_eq(e->name, ".."))
                continue;
            int r = copy_entry(c, from, to, e->name, depth);
            if (r < 0)
                return r;
        }
    }
}

static bool has_parameter(const struct rootfs_options *o, const char *key)
{
    for (size_t i = 0; i < o->n_parameters; i++)
        if (str_eq(o->parameters[i].key, key))
            return true;
    return false;
}

int rootfs_copy_up(const struct rootfs_walk *w, int mount, const struct rootfs_mount *m, struct err *err)
{
    const struct copy c = {.path = m->place.path, .err = err};
    const char *relative = m->place.path[1] != '\0' ? m->place.path + 1 : ".";
    CLEANUP_FD int from = rootfs_open_in(w->root, relative, O_RDONLY | O_DIRECTORY, 0);
    if (from == -ENOENT)
        return 0;
    struct stat st;
    if (from < 0 || fstat(from, &st) < 0)
        return failed(&c, from < 0 ? from : -errno, "the directory");
    int r = copy_directory(&c, from, mount, 0);
    if (r < 0)
        return r;
    if (!has_parameter(&m->options, "mode") && fchmodat(mount, ".", st.st_mode & 07777, 0) < 0)
        return failed(&c, -errno, "the directory's mode");
    if (!has_parameter(&m->options, "uid") && !has_parameter(&m->options, "gid") &&
        fchownat(mount, ".", st.st_uid, st.st_gid, 0) < 0)
        return failed(&c, -errno, "the directory's owner");
    return 0;
}
