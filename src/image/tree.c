/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depth first by recursion over descriptors, down to DEPTH_MAX. A directory below that is moved up into the top of the
 * tree that is being removed, under a name of our own, and comes up for removal there: so a tree of any depth takes a
 * bounded number of descriptors, and no path is ever built.
 */
#include "image/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define DEPTH_MAX 24

struct removal {
    int top;          /* directory that is being emptied */
    unsigned long moved; /* number of the next directory that is moved up */
    bool again;       /* something was moved up since the last look at top */
};

static void close_dir(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static int open_dir(int dirfd, const char *name, int *ret)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd = openat(dirfd, name, flags);
    if (fd < 0 && errno == EACCES) {
        /* Our own, but without permission bits (an image's, or overlay's work/work): we are not root. */
        if (fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) < 0 && fchmodat(dirfd, name, 0700, 0) < 0)
            return -EACCES;
        fd = openat(dirfd, name, flags);
    }
    if (fd < 0)
        return -errno;
    *ret = fd;
    return 0;
}

static int move_up(struct removal *rm, int dirfd, const char *name)
{
    char to[32];
    do {
        snprintf(to, sizeof to, ".coffer-moved-%lu", rm->moved++);
        if (renameat2(dirfd, name, rm->top, to, 1 /* RENAME_NOREPLACE */) == 0) {
            rm->again = true;
            return 0;
        }
    } while (errno == EEXIST);
    return -errno;
}

static int empty(struct removal *rm, int fd_taken, unsigned depth)
{
    CLEANUP(close_dir) DIR *dir = fdopendir(fd_taken);
    if (dir == NULL) {
        int code = -errno;
        close(fd_taken);
        return code;
    }
    const struct dirent *entry = NULL;
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (str_eq(name, ".") || str_eq(name, ".."))
            continue;
        if (entry->d_type != DT_DIR) {
            if (unlinkat(dirfd(dir), name, 0) == 0 || errno == ENOENT)
                continue;
            if (errno != EISDIR)
                return -errno;
        }
        if (unlinkat(dirfd(dir), name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            continue;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -errno;
        int r = 0;
        if (depth == DEPTH_MAX) {
            r = move_up(rm, dirfd(dir), name);
        } else {
            int fd = -EBADF;
            r = open_dir(dirfd(dir), name, &fd);
            if (r == 0)
                r = empty(rm, fd, depth + 1);
            if (r == 0 && unlinkat(dirfd(dir), name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                r = -errno;
        }
        if (r < 0)
            return r;
    }
    return -errno;
}

int image_tree_remove(int dirfd, const char *name)
{
    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    CLEANUP_FD int top = -EBADF;
    int r = open_dir(dirfd, name, &top);
    if (r < 0)
        return r;
    struct removal rm = {.top = top};
    do {
        rm.again = false;
        int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        r = empty(&rm, fd, 0);
    } while (r == 0 && rm.again);
    if (r == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r;
}
