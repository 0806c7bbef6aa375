/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup wall alone, for tests/run/test_cgroup.py: a process behind this one wall, and the runtime's operations on
 * its groups, without any other part of a container.
 *
 * usage: cgroup-driver [--v2] CONFIG ID COMMAND [ARGUMENT...]
 *   run PROGRAM ...   place a child, let it run PROGRAM, wait, undo; exit status is the program's
 *   start PROGRAM ... place a child, print its pid, leave it running
 *   undo | freeze | thaw | frozen | pids | kill SIGNAL | update FILE | observe PID | join PID PROGRAM ...
 *   bench N           N times run true; prints the medians in microseconds
 * --v2: as if the host had the v2 tree only, so that its code runs on a hybrid host, too.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/cgroup/cgroup.h"
#include "sys/calls.h"

struct driver {
    struct arena arena;
    struct host host;
    struct oci_config *config;
    struct undo undo;
    struct err err;
    double before, child; /* microseconds of the steps */
};

static int fail(const struct driver *d)
{
    err_print(stderr, "cgroup-driver", &d->err);
    return 125;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void in_child(struct driver *d, struct apply *ap, int answer, char **program)
{
    double begin = now();
    int r = cgroup_layer.at[STEP_CHILD_EARLY](ap, &d->err);
    double spent = r < 0 ? -1 : now() - begin;
    if (r < 0)
        (void)fail(d);
    if (write(answer, &spent, sizeof spent) != sizeof spent || r < 0)
        _exit(125);
    if (program[0] == NULL)
        _exit(0);
    execvp(program[0], program);
    _exit(127);
}

/* The pid of a child that sits behind the wall, or -1. */
static pid_t place(struct driver *d, char **program)
{
    struct plan plan;
    plan_init(&plan, &d->arena);
    if (cgroup_layer.plan(d->config, &d->host, d->undo.id, d->undo.bundle, &plan, &d->err) < 0)
        return -1;
    int *fds = arena_calloc(&d->arena, (size_t)plan.n_slots, sizeof *fds);
    int answer[2], pidfd = -EBADF;
    if (fds == NULL || pipe2(answer, O_CLOEXEC) < 0)
        return -1;
    for (int i = 0; i < plan.n_slots; i++)
        fds[i] = -EBADF;
    struct apply ap = {.plan = &plan, .config = d->config, .host = &d->host, .id = d->undo.id, .fds = fds,
                       .bundle = d->undo.bundle, .pidfd = -EBADF, .proc_fd = -EBADF};
    double begin = now();
    int r = cgroup_layer.at[STEP_HOST_BEFORE_CLONE](&ap, &d->err);
    d->before = now() - begin;
    pid_t pid = -1;
    if (r == 0) {
        struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
        if (plan.clone_into_cgroup && fds[SLOT_CGROUP] >= 0) {
            args.flags |= CLONE_INTO_CGROUP;
            args.cgroup = (uint64_t)fds[SLOT_CGROUP];
        }
        if (getenv("DRIVER_USERNS") != NULL)
            args.flags |= CLONE_NEWUSER;
        pid = sys_clone3(&args, sizeof args);
        if (pid == 0)
            in_child(d, &ap, answer[1], program);
        if (pid < 0)
            err_set_errno(&d->err, pid, LAYER_START, "clone3");
    }
    (void)close(answer[1]);
    if (pid > 0 && (read(answer[0], &d->child, sizeof d->child) != sizeof d->child || d->child < 0)) {
        waitpid(pid, NULL, 0);
        pid = -1;
    }
    (void)close(answer[0]);
    fd_close(&pidfd);
    for (int i = 0; i < plan.n_slots; i++)
        fd_close(&fds[i]);
    return pid > 0 ? pid : -1;
}

static int run(struct driver *d, char **program)
{
    int status = 0;
    pid_t pid = place(d, program);
    int code = pid < 0 ? fail(d) : 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid)
        code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (cgroup_layer.undo(&d->undo, &d->err) < 0)
        return fail(d);
    return code;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int bench(struct driver *d, size_t n)
{
    double *before = arena_calloc(&d->arena, n, sizeof *before), *child = arena_calloc(&d->arena, n, sizeof *child),
           *undo = arena_calloc(&d->arena, n, sizeof *undo);
    char *nothing[] = {NULL};
    if (before == NULL || child == NULL || undo == NULL)
        return 125;
    for (size_t i = 0; i < n; i++) {
        pid_t pid = place(d, nothing);
        if (pid < 0)
            return fail(d);
        waitpid(pid, NULL, 0);
        double begin = now();
        if (cgroup_layer.undo(&d->undo, &d->err) < 0)
            return fail(d);
        undo[i] = now() - begin;
        before[i] = d->before;
        child[i] = d->child;
    }
    qsort(before, n, sizeof *before, by_size);
    qsort(child, n, sizeof *child, by_size);
    qsort(undo, n, sizeof *undo, by_size);
    printf("{\"before-clone\": %.0f, \"child-early\": %.0f, \"undo\": %.0f}\n", before[n / 2], child[n / 2],
           undo[n / 2]);
    return 0;
}

static int join(struct driver *d, pid_t init, char **program)
{
    struct cgroup_join groups;
    int status = 0;
    if (cgroup_join_open(&d->host, init, &groups, &d->err) < 0)
        return fail(d);
    struct clone_args args = {.exit_signal = SIGCHLD};
    if (groups.v2 >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)groups.v2;
    }
    pid_t pid = sys_clone3(&args, sizeof args);
    if (pid == 0) {
        if (cgroup_join(&groups, &d->err) < 0)
            _exit(fail(d));
        execvp(program[0], program);
        _exit(127);
    }
    cgroup_join_close(&groups);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int observe(struct driver *d, pid_t pid)
{
    struct oci_config *seen = arena_new(&d->arena, struct oci_config);
    if (seen == NULL || cgroup_layer.observe(&d->arena, pid, -EBADF, &d->host, seen, &d->err) < 0)
        return fail(d);
    struct buf out = BUF_INIT;
    oci_config_print(seen, false, &out);
    puts(buf_str(&out));
    buf_free(&out);
    return 0;
}

static int update(struct driver *d, const char *file)
{
    struct oci_config *changed = NULL;
    if (oci_config_read(&d->arena, AT_FDCWD, file, &changed, &d->err) < 0 ||
        cgroup_update(&d->undo, changed->linux->resources, &d->err) < 0)
        return fail(d);
    return 0;
}

static int pids(struct driver *d)
{
    pid_t *v = NULL;
    size_t n = 0;
    if (cgroup_pids(&d->undo, &d->arena, &v, &n, &d->err) < 0)
        return fail(d);
    for (size_t i = 0; i < n; i++)
        printf("%d\n", (int)v[i]);
    return 0;
}

static int command(struct driver *d, const char *name, char **arguments)
{
    const char *first = arguments[0] != NULL ? arguments[0] : "";
    int r = 0;
    if (str_eq(name, "run"))
        return run(d, arguments);
    if (str_eq(name, "bench"))
        return bench(d, (size_t)atoi(first));
    if (str_eq(name, "join"))
        return join(d, atoi(first), arguments + 1);
    if (str_eq(name, "observe"))
        return observe(d, atoi(first));
    if (str_eq(name, "update"))
        return update(d, first);
    if (str_eq(name, "pids"))
        return pids(d);
    if (str_eq(name, "start")) {
        pid_t pid = place(d, arguments);
        if (pid > 0)
            printf("%d\n", (int)pid);
        return pid > 0 ? 0 : fail(d);
    }
    if (str_eq(name, "undo"))
        r = cgroup_layer.undo(&d->undo, &d->err);
    else if (str_eq(name, "freeze") || str_eq(name, "thaw"))
        r = cgroup_freeze(&d->undo, str_eq(name, "freeze"), &d->err);
    else if (str_eq(name, "frozen"))
        printf("%d\n", r = cgroup_frozen(&d->undo, &d->err));
    else if (str_eq(name, "kill"))
        r = cgroup_kill_all(&d->undo, atoi(first), &d->err);
    else
        return 2;
    return r < 0 ? fail(d) : 0;
}

int main(int argc, char **argv)
{
    struct driver d = {.arena = ARENA_INIT, .err = ERR_INIT};
    bool v2 = argc > 1 && str_eq(argv[1], "--v2");
    char **arguments = argv + 1 + v2;
    if (argc - v2 < 4)
        return 2;
    if (host_probe(&d.arena, &d.host, &d.err) < 0 ||
        oci_config_read(&d.arena, AT_FDCWD, arguments[0], &d.config, &d.err) < 0)
        return fail(&d);
    if (v2) {
        d.host.cgroup.n_v1 = 0;
        d.host.cgroup.mode = CGROUP_MODE_V2;
    }
    d.undo = (struct undo){.config = d.config, .host = &d.host, .id = arguments[1], .bundle = "/bundle"};
    int code = command(&d, arguments[2], arguments + 3);
    arena_free(&d.arena);
    return code;
}
