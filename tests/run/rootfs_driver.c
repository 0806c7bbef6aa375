/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests/run/test_rootfs.py: the mount tree as an older kernel would get it, what is observed of a live process,
 * and how long the step takes.
 *
 * usage: rootfs-driver run MAJOR.MINOR CONFIG BUNDLE   plan for that kernel, start, wait; the program's exit status
 *        rootfs-driver observe PID                     the document that observe makes of it
 *        rootfs-driver bench N CONFIG BUNDLE           N times the rootfs steps; medians in microseconds
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "start/start.h"
#include "sys/calls.h"

#define MAX_SLOTS 256

struct driver {
    struct arena arena;
    struct host host;
    struct oci_config *config;
    struct plan plan;
    struct err err;
};

static int fail(const struct driver *d)
{
    err_print(stderr, "rootfs-driver", &d->err);
    return 125;
}

static int prepare(struct driver *d, const char *kernel, const char *config, const char *bundle)
{
    int r = host_probe(&d->arena, &d->host, &d->err);
    if (r < 0 || (r = oci_config_read(&d->arena, AT_FDCWD, config, &d->config, &d->err)) < 0)
        return r;
    if (kernel != NULL && sscanf(kernel, "%u.%u", &d->host.kernel_major, &d->host.kernel_minor) != 2)
        return err_set(&d->err, -EINVAL, LAYER_CLI, "%s is no kernel version", kernel);
    plan_init(&d->plan, &d->arena);
    return layers_plan(d->config, &d->host, "driver", bundle, &d->plan, &d->err);
}

static int run(struct driver *d, const char *kernel, const char *config, const char *bundle)
{
    if (prepare(d, kernel, config, bundle) < 0)
        return fail(d);
    const struct start_request request = {.config = d->config, .host = &d->host, .plan = &d->plan, .id = "driver",
                                          .bundle = bundle, .listener = -1, .stdio = {-1, -1, -1}};
    struct started started;
    int status = 0;
    int r = start_container(&request, &started, &d->err);
    if (r == 0)
        while (waitpid(started.pid, &status, 0) < 0 && errno == EINTR)
            ;
    const struct undo undo = {.config = d->config, .host = &d->host, .id = "driver", .bundle = bundle};
    struct err ignored = ERR_INIT;
    (void)layers_undo(&undo, &ignored);
    if (r < 0)
        return fail(d);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int observe(struct driver *d, pid_t pid)
{
    struct oci_config *seen = NULL;
    if (host_probe(&d->arena, &d->host, &d->err) < 0 ||
        layers_observe(&d->arena, pid, -EBADF, &d->host, &seen, &d->err) < 0)
        return fail(d);
    struct buf out = BUF_INIT;
    oci_config_print(seen, true, &out);
    puts(buf_str(&out));
    buf_free(&out);
    return 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int bench_once(struct driver *d, const char *bundle, double *ret_parent, double *ret_child)
{
    int fds[MAX_SLOTS];
    for (int i = 0; i < MAX_SLOTS; i++)
        fds[i] = -EBADF;
    struct apply ap = {.plan = &d->plan, .config = d->config, .host = &d->host, .id = "driver", .bundle = bundle,
                       .fds = fds, .pidfd = -EBADF, .proc_fd = -EBADF};
    double begin = now();
    if (d->plan.n_slots > MAX_SLOTS || rootfs_layer.at[STEP_HOST_BEFORE_CLONE](&ap, &d->err) < 0)
        return fail(d);
    *ret_parent = now() - begin;
    struct clone_args args = {.flags = d->plan.clone_flags | CLONE_NEWCGROUP, .exit_signal = SIGCHLD};
    pid_t pid = sys_clone3(&args, sizeof args);
    if (pid == 0) {
        begin = now();
        int r = rootfs_layer.at[STEP_CHILD_ROOTFS](&ap, &d->err);
        *ret_child = now() - begin;
        _exit(r < 0 ? fail(d) : 0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (int i = 0; i < MAX_SLOTS; i++)
        fd_close(&fds[i]);
    return status;
}

static int bench(struct driver *d, size_t n, const char *config, const char *bundle)
{
    if (n == 0 || prepare(d, NULL, config, bundle) < 0)
        return fail(d);
    double *times = mmap(NULL, 2 * n * sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (times == MAP_FAILED)
        return 125;
    for (size_t i = 0; i < n; i++)
        if (bench_once(d, bundle, &times[i], &times[n + i]) != 0)
            return 125;
    qsort(times, n, sizeof *times, by_size);
    qsort(times + n, n, sizeof *times, by_size);
    printf("host-before-clone %.1f us, child-rootfs %.1f us (p10 %.1f)\n", times[n / 2], times[n + n / 2],
           times[n + n / 10]);
    return 0;
}

int main(int argc, char **argv)
{
    struct driver d = {.arena = ARENA_INIT, .err = ERR_INIT};
    int r = 2;
    if (argc == 5 && str_eq(argv[1], "run"))
        r = run(&d, argv[2], argv[3], argv[4]);
    else if (argc == 3 && str_eq(argv[1], "observe"))
        r = observe(&d, atoi(argv[2]));
    else if (argc == 5 && str_eq(argv[1], "bench"))
        r = bench(&d, strtoul(argv[2], NULL, 10), argv[3], argv[4]);
    else
        fputs("usage: rootfs-driver run MAJOR.MINOR CONFIG BUNDLE | observe PID | bench N CONFIG BUNDLE\n", stderr);
    arena_free(&d.arena);
    return r;
}
