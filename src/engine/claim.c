/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* The link's target; negative errno. */
static int target_of(int dir, const char *name, char buf[static PATH_MAX])
{
    ssize_t n = readlinkat(dir, name, buf, PATH_MAX - 1);
    if (n < 0)
        return -errno;
    buf[n] = '\0';
    return 0;
}

/* Take a dead thing's claim away. -EEXIST: it is not dead; -EAGAIN: it is gone, look again. */
static int clear_dead(int dir, const char *name)
{
    char owner[PATH_MAX], moved[PATH_MAX], aside[NAME_MAX + 1];
    int r = target_of(dir, name, owner);
    if (r < 0)
        return r == -ENOENT ? -EAGAIN : r;
    struct stat st;
    if (fstatat(dir, name, &st, 0) == 0 || errno != ENOENT)
        return -EEXIST;
    /*
     * Of two that found it dead, one may by now have put its own link there. So it is moved aside, where nobody else
     * looks, and looked at once more.
     */
    int length = snprintf(aside, sizeof aside, ".%s.%d", name, (int)getpid());
    if (length < 0 || (size_t)length >= sizeof aside)
        return -ENAMETOOLONG;
    if (renameat(dir, name, dir, aside) < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    bool dead = target_of(dir, aside, moved) == 0 && str_eq(moved, owner);
    if (!dead && renameat2(dir, aside, dir, name, RENAME_NOREPLACE) == 0)
        return -EEXIST;
    (void)unlinkat(dir, aside, 0);
    return -EAGAIN;
}

int claim_take(int dir, const char *name, const char *target)
{
    int r;
    do {
        if (symlinkat(target, dir, name) == 0)
            return 0;
        r = errno == EEXIST ? clear_dead(dir, name) : -errno;
    } while (r == -EAGAIN);
    return r;
}

void claim_sweep(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        fd_close(&fd);
        return;
    }
    for (struct dirent *e; (e = readdir(list)) != NULL;)
        if (e->d_name[0] != '.')
            (void)clear_dead(dir, e->d_name);
    closedir(list);
}

void claim_release(int dir, const char *name, const char *target)
{
    char owner[PATH_MAX];
    if (target_of(dir, name, owner) == 0 && str_eq(owner, target))
        (void)unlinkat(dir, name, 0);
}
