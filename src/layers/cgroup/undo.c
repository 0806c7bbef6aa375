/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking the groups away. The ordinary case, everything has ended, is an rmdir for each hierarchy; only where one says
 * EBUSY is looked closer: what is left in the group is killed, if it is this container's, and waited for.
 *
 * Must not kill a process of somebody else: the same cgroupsPath may have been given to another container, whose group
 * made our start fail with -EEXIST. So on a host with a v2 tree only processes of a v2 group that carries our mark are
 * killed. Without a v2 tree, only in groups whose name has the container's ID in it, as engines name them.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "layers/cgroup/group.h"

#define WAIT_MS 5000 /* for killed processes to go: writing out, a core dump, a slow device */

static int kill_one(pid_t pid, void *arg)
{
    bool *any = arg;
    *any = true;
    if (kill(pid, SIGKILL) < 0 && errno != ESRCH)
        return -errno;
    return 0;
}

static void sleep_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Without cgroup.kill a fork may run ahead of us: again, until nobody is left. */
static int kill_until_empty(int group_fd)
{
    long waited = 0;
    for (long pause = 1; waited <= WAIT_MS; waited += pause, pause = MIN_OF(pause * 2, 50)) {
        bool any = false;
        int r = cgroup_tree_each_pid(group_fd, kill_one, &any);
        if (r < 0)
            return r;
        if (!any)
            return 0;
        sleep_ms(pause);
    }
    return -ETIMEDOUT;
}

static int kill_v2(int group_fd)
{
    if (file_write(group_fd, "cgroup.kill", "1") < 0)
        return kill_until_empty(group_fd);
    /* SIGKILL wakes frozen processes too, since cgroup.kill came. */
    return cgroup_tree_wait_empty_v2(group_fd, WAIT_MS);
}

/* May what is in this group be killed? */
static bool is_ours(const struct undo *u, struct arena *a, int group_fd, const struct place *p)
{
    const char *mark = cgroup_mark(a, u->id, u->owner);
    int r = p->v2 && mark != NULL ? cgroup_mark_check(u->host, group_fd, mark) : -EOPNOTSUPP;
    if (r >= 0)
        return r == 1;
    if (p->v2 && r == -ENODATA)
        return false;
    return p->ours || strstr(p->name, u->id) != NULL;
}

/* 0: it is gone, 1: it is another container's, so that ours was never made; or a negative errno. */
static int remove_group(const struct undo *u, struct arena *a, const struct place *p, bool may_kill, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s/%s", p->mount, p->parent, p->name);
    if (rmdir(path) == 0 || errno == ENOENT)
        return 0;
    snprintf(path, sizeof path, "%s%s", p->mount, p->parent);
    CLEANUP_FD int parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? 0
                   : err_set_errno(err, -errno, LAYER_CGROUP, "%s", path);
    if (unlinkat(parent, p->name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTDIR)
        return 0;
    int r = -errno;
    if (r == -EACCES || r == -EPERM || r == -EROFS) {
        /* It was not ours to make, so it is not ours to remove. */
        return 0;
    }
    CLEANUP_FD int fd = openat(parent, p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, -errno, LAYER_CGROUP, "%s/%s", path, p->name);
    bool ours = is_ours(u, a, fd, p);
    if (p->v2 && !ours)
        return 1;
    if (may_kill && ours)
        r = p->v2 ? kill_v2(fd) : kill_until_empty(fd);
    /* A process is off the list a moment before the kernel lets its group go. */
    long waited = 0, limit = may_kill ? WAIT_MS : 200;
    for (long pause = 1; (r = cgroup_tree_remove(parent, p->name)) == -EBUSY && waited <= limit;
         waited += pause, pause = MIN_OF(pause * 2, 50))
        sleep_ms(pause);
    if (r == -EBUSY && !ours)
        return 0;
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "cannot remove the group %s/%s", path, p->name);
    return 0;
}

int cgroup_undo(const struct undo *u, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct places places;
    struct err ignored = ERR_INIT;
    /* A configuration that cannot be placed was refused at the start: nothing can be left of it. */
    if (cgroup_locate(&a, u->config, u->host, u->id, &places, &ignored) < 0)
        return ignored.code == -ENOMEM ? err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory") : 0;
    int first = 0;
    for (size_t i = 0; i < places.n; i++) {
        const struct place *p = &places.v[i];
        /* With a v2 tree, which comes first, all processes of the container were in the group there. */
        bool may_kill = p->v2 || places.v[0].v2 == false;
        int r = remove_group(u, &a, p, may_kill, first == 0 ? err : &ignored);
        if (r == 1)
            break; /* the v2 group, which a start makes before any other */
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}
