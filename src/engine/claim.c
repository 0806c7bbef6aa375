/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/*
 * Names are taken without a lock, for symlinkat(2) takes them or says that they are taken. They are let go of, and dead
 * ones cleared, under a lock on the directory: between the look at a link and its removal it must not become another's.
 */
static int lock(int dir)
{
    CLEANUP_FD int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/*
 * Take a dead thing's claim away; the lock is held. 0: it is gone; -EEXIST: it is not dead. The thing is looked at
 * through the target that was read, never through the name: a name that is free at one moment can be a live one's at
 * the next, but a dead one's link stays as it is until a holder of the lock removes it.
 */
static int clear_dead(int dir, const char *name)
{
    char owner[PATH_MAX];
    struct stat st;
    ssize_t n = readlinkat(dir, name, owner, sizeof owner - 1);
    if (n < 0)
        return errno == ENOENT ? 0 : -errno;
    owner[n] = '\0';
    if (fstatat(dir, owner, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
        return -EEXIST;
    return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

int claim_take(int dir, const char *name, const char *target)
{
    int r = 0;
    while (r == 0) {
        if (symlinkat(target, dir, name) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
        CLEANUP_FD int held = lock(dir);
        r = held < 0 ? held : clear_dead(dir, name);
    }
    return r;
}

void claim_sweep(int dir)
{
    int fd = lock(dir);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        fd_close(&fd);
        return;
    }
    for (struct dirent *e; (e = readdir(list)) != NULL;)
        if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
            (void)clear_dead(dir, e->d_name);
    closedir(list);
}

void claim_release(int dir, const char *name, const char *target)
{
    CLEANUP_FD int held = lock(dir);
    char owner[PATH_MAX];
    ssize_t n = held < 0 ? -1 : readlinkat(dir, name, owner, sizeof owner - 1);
    if (n < 0)
        return;
    owner[n] = '\0';
    if (str_eq(owner, target))
        (void)unlinkat(dir, name, 0);
}
