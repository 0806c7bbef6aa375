/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the groups of a running container; see cgroup.h. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

#define FREEZE_MS 10000

static int locate(const struct undo *c, struct arena *a, struct places *ret, struct err *err)
{
    return cgroup_locate(a, c->config, c->host, c->id, ret, err);
}

/* The group that has all the container's processes: in the v2 tree where there is one, else in a v1 hierarchy. */
static int open_main(const struct undo *c, struct arena *a, uint32_t v1_controllers, struct place *ret_place,
                     int *ret_fd, struct err *err)
{
    struct places places;
    int r = locate(c, a, &places, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < places.n; i++) {
        const struct place *p = &places.v[i];
        if (!p->v2 && (p->controllers & v1_controllers) == 0)
            continue;
        r = cgroup_open(p, ret_fd);
        if (r == 0) {
            *ret_place = *p;
            return 0;
        }
        if (r != -ENOENT)
            return err_set_errno(err, r, LAYER_CGROUP, "%s%s/%s", p->mount, p->parent, p->name);
    }
    return err_set(err, -ENOENT, LAYER_CGROUP, "container %s has no group of its own", c->id);
}

#define V1_WITH_PROCESSES (BIT(CGROUP_PIDS) | BIT(CGROUP_MEMORY) | BIT(CGROUP_CPU))

bool cgroup_exists(const struct undo *c)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct places places;
    struct err ignored = ERR_INIT;
    if (locate(c, &a, &places, &ignored) < 0)
        return false;
    for (size_t i = 0; i < places.n; i++) {
        CLEANUP_FD int fd = -EBADF;
        if (cgroup_open(&places.v[i], &fd) == 0)
            return true;
    }
    return false;
}

struct pid_list {
    struct arena *arena;
    pid_t *v;
    size_t n, cap;
};

static int add_pid(pid_t pid, void *arg)
{
    struct pid_list *list = arg;
    if (list->n == list->cap) {
        size_t cap = list->cap == 0 ? 64 : list->cap * 2;
        pid_t *v = arena_calloc(list->arena, cap, sizeof *v);
        if (v == NULL)
            return -ENOMEM;
        if (list->n > 0)
            memcpy(v, list->v, list->n * sizeof *v);
        list->v = v;
        list->cap = cap;
    }
    list->v[list->n++] = pid;
    return 0;
}

int cgroup_pids(const struct undo *c, struct arena *a, pid_t **ret, size_t *ret_n, struct err *err)
{
    CLEANUP_FD int fd = -EBADF;
    struct place place;
    int r = open_main(c, a, V1_WITH_PROCESSES, &place, &fd, err);
    if (r < 0)
        return r;
    struct pid_list list = {.arena = a};
    r = cgroup_tree_each_pid(fd, add_pid, &list);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "reading the processes of %s", c->id);
    *ret = list.v;
    *ret_n = list.n;
    return 0;
}

static int signal_one(pid_t pid, void *arg)
{
    const int *signal = arg;
    return kill(pid, *signal) < 0 && errno != ESRCH ? -errno : 0;
}

int cgroup_kill_all(const struct undo *c, int signal, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_FD int fd = -EBADF;
    struct place place;
    int r = open_main(c, &a, V1_WITH_PROCESSES, &place, &fd, err);
    if (r < 0)
        return r;
    if (signal == SIGKILL && place.v2 && file_write(fd, "cgroup.kill", "1") == 0)
        return 0;
    struct err ignored = ERR_INIT;
    bool was_frozen = cgroup_frozen(c, &ignored) == 1;
    bool froze = !was_frozen && cgroup_freeze(c, true, &ignored) == 0;
    r = cgroup_tree_each_pid(fd, signal_one, &signal);
    if (froze)
        (void)cgroup_freeze(c, false, &ignored);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "signal %d to the processes of %s", signal, c->id);
    return 0;
}

/* v2 tells in cgroup.events, and notifies; v1's freezer.state has to be read until it says so. */
static int frozen_now(int fd, bool v2)
{
    char text[256];
    ssize_t n = file_read_into(fd, v2 ? "cgroup.events" : "freezer.state", text, sizeof text);
    if (n < 0)
        return (int)n;
    return strstr(text, v2 ? "frozen 1" : "FROZEN") != NULL;
}

static int open_freezer(const struct undo *c, struct arena *a, struct place *ret, int *ret_fd, struct err *err)
{
    int r = open_main(c, a, BIT(CGROUP_FREEZER), ret, ret_fd, err);
    if (r < 0)
        return r;
    if (ret->v2 && faccessat(*ret_fd, "cgroup.freeze", F_OK, 0) < 0) {
        /* Before Linux 5.2: the v1 freezer beside it. */
        struct places places;
        fd_close(ret_fd);
        r = locate(c, a, &places, err);
        for (size_t i = 0; r == 0 && i < places.n; i++)
            if (!places.v[i].v2 && (places.v[i].controllers & BIT(CGROUP_FREEZER)) != 0) {
                *ret = places.v[i];
                return cgroup_open(ret, ret_fd);
            }
        return err_set(err, -ENOTSUP, LAYER_CGROUP, "this kernel cannot freeze the processes of %s", c->id);
    }
    return 0;
}

int cgroup_frozen(const struct undo *c, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_FD int fd = -EBADF;
    struct place place;
    int r = open_freezer(c, &a, &place, &fd, err);
    if (r < 0)
        return r;
    r = frozen_now(fd, place.v2);
    return r < 0 ? err_set_errno(err, r, LAYER_CGROUP, "is %s frozen", c->id) : r;
}

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int cgroup_freeze(const struct undo *c, bool freeze, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_FD int fd = -EBADF;
    struct place place;
    int r = open_freezer(c, &a, &place, &fd, err);
    if (r < 0)
        return r;
    const char *file = place.v2 ? "cgroup.freeze" : "freezer.state";
    const char *value = place.v2 ? (freeze ? "1" : "0") : (freeze ? "FROZEN" : "THAWED");
    CLEANUP_FD int events = place.v2 ? openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC) : -EBADF;
    int64_t end = now_ms() + FREEZE_MS;
    long pause = 1;
    for (bool written = false;;) {
        /* v1 must be told again: a process that was forked meanwhile stays FREEZING for ever otherwise. */
        if (!written || !place.v2)
            r = file_write(fd, file, value);
        written = true;
        if (r == 0)
            r = frozen_now(fd, place.v2);
        if (r < 0)
            return err_set_errno(err, r, LAYER_CGROUP, "%s %s", freeze ? "freeze" : "thaw", c->id);
        if ((r == 1) == freeze)
            return 0;
        if (now_ms() >= end)
            break;
        struct pollfd p = {.fd = events, .events = POLLPRI};
        (void)poll(events >= 0 ? &p : NULL, events >= 0 ? 1 : 0, (int)pause);
        char text[128];
        /* Reading takes the notification; what it says is read by frozen_now(). */
        if (events >= 0 && pread(events, text, sizeof text, 0) < 0)
            return err_set_errno(err, -errno, LAYER_CGROUP, "%s %s", freeze ? "freeze" : "thaw", c->id);
        pause = MIN_OF(pause * 2, 20);
        r = 0;
    }
    if (freeze)
        (void)file_write(fd, file, place.v2 ? "0" : "THAWED");
    return err_set(err, -ETIMEDOUT, LAYER_CGROUP, "%s %s: its processes did not %s within %d seconds",
                   freeze ? "freeze" : "thaw", c->id, freeze ? "stop" : "go on", FREEZE_MS / 1000);
}

/* A hierarchy that the start did without: make the group now and bring the processes in. */
static int join_late(const struct undo *c, struct arena *a, const struct place *p, int *ret_fd, struct err *err)
{
    struct group_op op = {.place = p, .inherit_cpuset = (p->controllers & BIT(CGROUP_CPUSET)) != 0};
    int r = cgroup_make(c->host, &op, ret_fd, err);
    if (r == -EACCES || r == -EPERM || r == -EROFS)
        return err_set_errno(err, r, LAYER_CGROUP, "cannot make %s%s/%s", p->mount, p->parent, p->name);
    if (r < 0)
        return r;
    pid_t *pids = NULL;
    size_t n = 0;
    r = cgroup_pids(c, a, &pids, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const char *pid = arena_printf(a, "%d", (int)pids[i]);
        int w = pid != NULL ? file_write(*ret_fd, "cgroup.procs", pid) : -ENOMEM;
        if (w < 0 && w != -ESRCH)
            return err_set_errno(err, w, LAYER_CGROUP, "process %d into %s%s/%s", (int)pids[i], p->mount, p->parent,
                                 p->name);
    }
    return r;
}

/* cpu.max holds both numbers: a period alone must not lift the quota. */
static const char *keep_quota(struct arena *a, int fd, const struct setting *s, const struct oci_cpu *cpu)
{
    char text[64];
    if (cpu == NULL || cpu->quota.v != 0 || file_read_into(fd, "cpu.max", text, sizeof text) < 0)
        return s->value;
    return arena_printf(a, "%.*s %llu", (int)strcspn(text, " \n"), text, (unsigned long long)cpu->period.v);
}

/* The settings of one place; those marked SET_AGAIN may have to wait for a later one (quota and period, swap). */
static int update_place(const struct undo *c, struct arena *a, const struct place *p, const struct settings *settings,
                        const struct oci_resources *resources, struct err *err)
{
    CLEANUP_FD int fd = -EBADF;
    const char *path = arena_printf(a, "%s%s/%s", p->mount, p->parent, p->name);
    bool again = false;
    for (int round = 0; round < 2; round++) {
        for (const struct setting *s = settings->first; s != NULL; s = s->next) {
            if (p->v2 ? !s->v2 : s->v2 || (p->controllers & BIT(s->controller)) == 0)
                continue;
            if (round == 1 && (s->flags & SET_AGAIN) == 0)
                continue;
            int r = fd >= 0 ? 0 : cgroup_open(p, &fd);
            if (r == -ENOENT && !p->v2)
                r = join_late(c, a, p, &fd, err);
            else if (r < 0)
                return err_set_errno(err, r, LAYER_CGROUP, "%s", path);
            if (r < 0)
                return r;
            struct setting copy = *s;
            if (s->v2 && str_eq(s->file, "cpu.max"))
                copy.value = keep_quota(a, fd, s, resources->cpu);
            r = copy.value != NULL ? cgroup_write_setting(fd, path, &copy, err) : -ENOMEM;
            if (r < 0 && round == 0 && (s->flags & SET_AGAIN) != 0)
                again = true;
            else if (r < 0)
                return r;
        }
        if (!again)
            break;
    }
    return 0;
}

static int update_devices(const struct undo *c, struct arena *a, const struct places *places,
                          const struct oci_resources *resources, struct err *err)
{
    struct device_rules rules;
    int r = cgroup_device_rules(a, resources, &rules, err);
    if (r < 0)
        return r;
    bool v1 = cgroup_version_of(c->host, CGROUP_DEVICES) == CGROUP_V1;
    for (size_t i = 0; i < places->n; i++) {
        const struct place *p = &places->v[i];
        if (v1 ? p->v2 || (p->controllers & BIT(CGROUP_DEVICES)) == 0 : !p->v2)
            continue;
        CLEANUP_FD int fd = -EBADF;
        r = cgroup_open(p, &fd);
        if (r < 0)
            return err_set_errno(err, r, LAYER_CGROUP, "device rules: %s%s/%s", p->mount, p->parent, p->name);
        struct device_program program;
        struct oci_strs lines;
        if (v1) {
            r = cgroup_device_lines(a, &rules, &lines, err);
            if (r == 0)
                r = cgroup_write_device_lines(fd, p->name, &lines, err);
            return r;
        }
        r = cgroup_device_program(a, &rules, &program);
        return r < 0 ? err_set(err, r, LAYER_CGROUP, "out of memory") : cgroup_device_attach(fd, &program, true, err);
    }
    return err_set(err, -ENOTSUP, LAYER_CGROUP, "device rules: this host has no means for them");
}

int cgroup_update(const struct undo *c, const struct oci_resources *resources, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct places places;
    struct settings settings = {.arena = &a, .host = c->host, .err = err};
    int r = locate(c, &a, &places, err);
    if (r == 0)
        r = cgroup_settings(resources, &settings);
    for (size_t i = 0; r == 0 && i < places.n; i++)
        r = update_place(c, &a, &places.v[i], &settings, resources, err);
    if (r == 0 && resources->devices.n > 0)
        r = update_devices(c, &a, &places, resources, err);
    return r;
}

void cgroup_join_close(struct cgroup_join *join)
{
    fd_close(&join->v2);
    for (size_t i = 0; i < join->n; i++)
        fd_close(&join->tasks[i]);
    join->n = 0;
}

int cgroup_join(const struct cgroup_join *join, struct err *err)
{
    for (size_t i = 0; i < join->n; i++)
        if (write(join->tasks[i], "0", 1) < 0)
            return err_set_errno(err, -errno, LAYER_CGROUP, "cannot enter the container's group");
    return 0;
}

int cgroup_join_open(const struct host *host, pid_t init, struct cgroup_join *ret, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP(cgroup_join_close) struct cgroup_join join = {.v2 = -EBADF};
    struct membership m;
    int r = cgroup_membership(&a, init, host, &m);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "the groups of process %d", (int)init);
    for (size_t i = 0; i < m.n; i++) {
        char path[PATH_MAX];
        const struct member *g = &m.v[i];
        if (!g->v2 && str_eq(g->path, g->own))
            continue; /* where we are already, so the child will be */
        int n = snprintf(path, sizeof path, "%s%s%s", g->mount, g->path, g->v2 ? "" : "/tasks");
        if (n < 0 || (size_t)n >= sizeof path || join.n == CGROUP_JOIN_MAX)
            return err_set(err, -E2BIG, LAYER_CGROUP, "the groups of process %d are too many or too deep", (int)init);
        int fd = open(path, (g->v2 ? O_PATH | O_DIRECTORY : O_WRONLY) | O_CLOEXEC);
        if (fd < 0)
            return err_set_errno(err, -errno, LAYER_CGROUP, "%s", path);
        if (g->v2)
            join.v2 = fd;
        else
            join.tasks[join.n++] = fd;
    }
    *ret = join;
    join = (struct cgroup_join){.v2 = -EBADF};
    return 0;
}
