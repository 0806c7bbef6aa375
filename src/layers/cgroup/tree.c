/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups together with the groups below them, which the container may have made. Everything goes through descriptors;
 * depth is bounded, for what lies below is the container's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

#define MAX_DEPTH 64

static void close_directory(DIR **d)
{
    if (*d != NULL)
        closedir(*d);
}

/* Call fn for the name of each sub-group. Directories are all that counts; cgroupfs fills in d_type. */
static int each_child(int group_fd, int (*fn)(int group_fd, const char *name, void *arg), void *arg)
{
    int fd = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    CLEANUP(close_directory) DIR *d = fdopendir(fd);
    if (d == NULL) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_type != DT_DIR || str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
            continue;
        int r = fn(group_fd, e->d_name, arg);
        if (r < 0)
            return r;
    }
    return 0;
}

struct walk {
    pid_fn *fn;
    void *arg;
    int depth;
};

static int walk_group(int fd, struct walk *w);

static int walk_child(int group_fd, const char *name, void *arg)
{
    struct walk *w = arg;
    CLEANUP_FD int fd = openat(group_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return walk_group(fd, w);
}

/* The whole list is read before fn is called: fn may kill, and the list would move under a reader of pieces. */
static int walk_group(int fd, struct walk *w)
{
    if (w->depth >= MAX_DEPTH)
        return -ELOOP;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *text = NULL;
    int r = file_read(&a, fd, "cgroup.procs", (size_t)64 * 1024 * 1024, &text, NULL);
    /* A threaded v2 group has its processes in the group above (-EOPNOTSUPP); one that was removed has none. */
    if (r < 0 && r != -EOPNOTSUPP && r != -ENODEV && r != -ENOENT)
        return r;
    for (char *line = NULL; r == 0 && (line = strsep(&text, "\n")) != NULL;) {
        int64_t pid = 0;
        /* 0: a process that our pid namespace does not see. */
        if (str_to_i64(line, &pid) < 0 || pid <= 0)
            continue;
        int stop = w->fn((pid_t)pid, w->arg);
        if (stop < 0)
            return stop;
    }
    w->depth++;
    r = each_child(fd, walk_child, w);
    w->depth--;
    return r == -ENOENT || r == -ENODEV ? 0 : r;
}

int cgroup_tree_each_pid(int group_fd, pid_fn *fn, void *arg)
{
    struct walk w = {.fn = fn, .arg = arg};
    return walk_group(group_fd, &w);
}

static int one_is_enough(pid_t pid, void *arg)
{
    (void)pid;
    (void)arg;
    return -EALREADY;
}

static bool populated(int group_fd)
{
    char events[128];
    return file_read_into(group_fd, "cgroup.events", events, sizeof events) > 0 &&
           strstr(events, "populated 1") != NULL;
}

bool cgroup_tree_has_process(int group_fd, bool v2)
{
    return v2 ? populated(group_fd) : cgroup_tree_each_pid(group_fd, one_is_enough, NULL) == -EALREADY;
}

struct removal {
    int depth;
};

static int remove_one(int parent_fd, const char *name, void *arg)
{
    struct removal *removal = arg;
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    /* EBUSY: a process or a sub-group; ENOTEMPTY is not what cgroupfs says, but costs nothing. */
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;
    if (removal->depth >= MAX_DEPTH)
        return -ELOOP;
    CLEANUP_FD int fd = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    removal->depth++;
    int r = each_child(fd, remove_one, removal);
    removal->depth--;
    if (r < 0)
        return r;
    return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgroup_tree_remove(int parent_fd, const char *name)
{
    struct removal removal = {.depth = 0};
    return remove_one(parent_fd, name, &removal);
}

int cgroup_tree_wait_empty_v2(int group_fd, int timeout_ms)
{
    CLEANUP_FD int events = openat(group_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return errno == ENOENT || errno == ENODEV ? 0 : -errno;
    struct timespec begin, now;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    /* The kernel notifies on every change since the last read; a change between read and poll is not lost. */
    for (;;) {
        char text[128];
        ssize_t n = pread(events, text, sizeof text - 1, 0);
        if (n < 0)
            return errno == ENODEV ? 0 : -errno;
        text[n] = '\0';
        if (strstr(text, "populated 1") == NULL)
            return 0;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t waited = (int64_t)(now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
        if (waited >= timeout_ms)
            return -ETIMEDOUT;
        struct pollfd p = {.fd = events, .events = POLLPRI};
        (void)poll(&p, 1, (int)(timeout_ms - waited));
    }
}
