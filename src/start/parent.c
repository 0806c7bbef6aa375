/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of a start: the host steps, the one clone3, and the conversation with the child until its program
 * runs or it waits to be started.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "start/child.h"
#include "start/init/embed.h"
#include "sys/calls.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Everything of one start that has to go when it ends. */
struct parent {
    struct arena arena;
    struct child child; /* the child's copy is made by clone3 */
    struct protocol protocol;
    int sockets[2];
    int pidfd;
    pid_t pid;
};

static void parent_free(struct parent *p)
{
    for (int i = 0; p->child.apply.fds != NULL && i < p->child.apply.plan->n_slots; i++)
        fd_close(&p->child.apply.fds[i]);
    fd_close(&p->sockets[0]);
    fd_close(&p->sockets[1]);
    fd_close(&p->pidfd);
    fd_close(&p->child.init);
    arena_free(&p->arena);
}

/* --init: the program becomes the arguments of PID 1. */
static int prepare_init(struct parent *p, struct err *err)
{
    struct child *c = &p->child;
    const char *wanted = oci_annotation(c->request->config, ANNOTATION_INIT);
    if (wanted == NULL || strcmp(wanted, "true") != 0)
        return 0;
    const struct oci_strs *args = &c->request->config->process->args;
    static char name[] = "coffer-init";
    c->argv = arena_calloc(&p->arena, args->n + 2, sizeof *c->argv);
    if (c->argv == NULL)
        return err_set(err, -ENOMEM, LAYER_START, "out of memory");
    c->argv[0] = name;
    memcpy(c->argv + 1, args->v, args->n * sizeof *args->v);
    return init_open(&c->init, err);
}

static int prepare(struct parent *p, const struct start_request *request, struct err *err)
{
    const struct oci_process *process = request->config->process;
    if (process == NULL || process->args.n == 0)
        return err_set(err, -EINVAL, LAYER_CONFIG, "process.args: there is no program to run");
    if (process->cwd == NULL || process->cwd[0] != '/')
        return err_set(err, -EINVAL, LAYER_CONFIG, "process.cwd: an absolute path is needed, not \"%s\"",
                       process->cwd == NULL ? "" : process->cwd);

    struct child *c = &p->child;
    c->request = request;
    c->cwd = process->cwd;
    c->argv = process->args.v;
    c->init = -EBADF;
    int r = prepare_init(p, err);
    if (r < 0)
        return r;
    static char *no_environment[] = {NULL};
    c->envp = process->env.n > 0 ? process->env.v : no_environment;
    c->candidates = exec_candidates(&p->arena, process->args.v[0], &process->env);
    if (!request->no_new_keyring)
        snprintf(c->session_keyring, sizeof c->session_keyring, "_ses.%.64s", request->id);
    int *fds = arena_calloc(&p->arena, (size_t)request->plan->n_slots, sizeof *fds);
    if (fds == NULL || c->candidates == NULL)
        return err_set(err, -ENOMEM, LAYER_START, "out of memory");
    for (int i = 0; i < request->plan->n_slots; i++)
        fds[i] = -EBADF;
    c->apply = (struct apply){.plan = request->plan, .config = request->config, .host = request->host,
                              .id = request->id, .bundle = request->bundle, .fds = fds, .pidfd = -EBADF,
                              .proc_fd = -EBADF, .cache_dir = request->cache_dir, .no_pivot = request->no_pivot};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->sockets) < 0)
        return err_set_errno(err, -errno, LAYER_START, "socketpair");
    c->parent_end = p->sockets[0];
    c->protocol = (struct protocol){.socket = p->sockets[1], .self = PARTY_CHILD};
    p->protocol = (struct protocol){.socket = p->sockets[0], .self = PARTY_PARENT};
    return 0;
}

static int clone_child(struct parent *p, struct err *err)
{
    const struct plan *plan = p->child.apply.plan;
    bool stone = plan->join_user >= 0 || plan->join_pid >= 0;
    struct clone_args args = {
        .flags = (stone ? 0 : plan->clone_flags) | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&p->pidfd,
        .exit_signal = SIGCHLD,
    };
    if (plan->clone_into_cgroup && p->child.apply.fds[SLOT_CGROUP] >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)p->child.apply.fds[SLOT_CGROUP];
    }
    pid_t pid = sys_clone3(&args, sizeof args);
    if (pid == 0) {
        if (stone)
            stone_main(&p->child, plan->clone_flags | CLONE_CLEAR_SIGHAND);
        child_main(&p->child);
    }
    if (pid == -ENOSPC || pid == -EUSERS)
        return err_set(err, pid, LAYER_NAMESPACES,
                       "clone3: the limit for namespaces is reached (see /proc/sys/user/max_*_namespaces)");
    if (pid == -EPERM)
        return err_set(err, pid, LAYER_NAMESPACES,
                       "clone3: not permitted; without root a container needs a new user namespace");
    if (pid == -EAGAIN)
        return err_set(err, pid, LAYER_NAMESPACES, "clone3: the limit for processes is reached (RLIMIT_NPROC, pids)");
    if (pid < 0)
        return err_set_errno(err, pid, LAYER_NAMESPACES, "clone3");
    p->pid = pid;
    return 0;
}

/* The number behind a pidfd that came through the socket (proc_pid_fdinfo(5)). */
static pid_t pid_of(int pidfd)
{
    char path[64], info[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    if (file_read_into(AT_FDCWD, path, info, sizeof info) < 0)
        return -1;
    const char *line = strstr(info, "\nPid:");
    return line != NULL ? atoi(line + strlen("\nPid:")) : -1;
}

/* What became of a process that ended without a word. */
static int died(struct parent *p, struct err *err)
{
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOWAIT) < 0)
        return err_set(err, -EPIPE, LAYER_START, "the container's process ended before its program was started");
    if (info.si_code == CLD_EXITED)
        return err_set(err, -EPIPE, LAYER_START,
                       "the container's process ended with status %d before its program was started", info.si_status);
    if (info.si_status == SIGSYS)
        return err_set(err, -EPIPE, LAYER_SECCOMP,
                       "the filter killed the container's process before its program was started; allow execve and "
                       "what the runtime itself needs, or set no_new_privs so that the filter is loaded last");
    return err_set(err, -EPIPE, LAYER_START,
                   "the container's process was killed by signal %d (%s) before its program was started%s",
                   info.si_status, strsignal(info.si_status),
                   info.si_status == SIGKILL ? "; is its memory limit too small?" : "");
}

/* Receive one frame, waiting for the end of the process as well. 1: frame; 0: end of file. */
static int receive(struct parent *p, struct frame *frame, int *fd, struct err *err)
{
    struct pollfd fds[2] = {{.fd = p->protocol.socket, .events = POLLIN}, {.fd = p->pidfd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return err_set_errno(err, -errno, LAYER_START, "poll");
    /*
     * Frames that were sent before the end are still there to be read, also when the child sent its last one and ended
     * between poll's look at the one descriptor and at the other. Somebody may hold the other end longer than the
     * child lives, so this must not wait.
     */
    if (fds[0].revents == 0 && (poll(fds, 1, 0) <= 0 || fds[0].revents == 0))
        return 0;
    int r = protocol_receive(&p->protocol, frame, fd, err);
    return r == -ECONNRESET ? 0 : r;
}

/* The stepping stone reports the container's process; from then on that one is meant by pid and pidfd. */
static int cross_stone(struct parent *p, struct err *err)
{
    struct frame frame;
    CLEANUP_FD int fd = -EBADF;
    int r = receive(p, &frame, &fd, err);
    if (r == 0)
        return died(p, err);
    if (r < 0)
        return r;
    if (frame.type == MSG_ERROR) {
        *err = frame.err;
        return err->code;
    }
    if (frame.type != MSG_ENTERED)
        return err_set(err, -EPROTO, LAYER_START, "protocol: %s instead of ENTERED", message_rules[frame.type].name);
    siginfo_t info = {0};
    while (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    fd_close(&p->pidfd);
    p->pidfd = TAKE_FD(fd);
    p->pid = pid_of(p->pidfd);
    return p->pid > 0 ? 0 : err_set(err, -ESRCH, LAYER_START, "the container's process is gone already");
}

/*
 * Sending failed because the child is gone: what it said before, or how it ended, tells more than a broken pipe. A
 * layer of the host side can fail for the same reason, with any error; then its own word stands.
 */
static int broken(struct parent *p, int r, struct err *err)
{
    if (r != -EPIPE && r != -ECONNRESET)
        return r;
    struct frame frame;
    CLEANUP_FD int fd = -EBADF;
    struct err ignored = ERR_INIT;
    while (protocol_receive(&p->protocol, &frame, &fd, &ignored) == 1) {
        if (frame.type == MSG_ERROR) {
            *err = frame.err;
            return err->code;
        }
        fd_close(&fd);
    }
    return died(p, err);
}

/* Hand the descriptors that came into being after clone to the child. */
static int send_slots(struct parent *p, const int *before, struct err *err)
{
    const struct apply *ap = &p->child.apply;
    for (int i = 0; i < ap->plan->n_slots; i++) {
        if (ap->fds[i] < 0 || ap->fds[i] == before[i])
            continue;
        int r = protocol_send(&p->protocol, MSG_SLOT, i, ap->fds[i], NULL, err);
        if (r < 0)
            return broken(p, r, err);
    }
    return 0;
}

static int after_clone(struct parent *p, struct err *err)
{
    struct apply *ap = &p->child.apply;
    ap->pid = p->pid;
    ap->pidfd = p->pidfd;
    int *before = arena_calloc(&p->arena, (size_t)ap->plan->n_slots, sizeof *before);
    if (before == NULL)
        return err_set(err, -ENOMEM, LAYER_START, "out of memory");
    memcpy(before, ap->fds, (size_t)ap->plan->n_slots * sizeof *before);
    int r = layers_apply(ap, STEP_HOST_AFTER_CLONE, err);
    if (r < 0)
        return r;
    if (ap->plan->parent_maps_ids) {
        if ((r = send_slots(p, before, err)) < 0)
            return r;
        if ((r = protocol_send(&p->protocol, MSG_MAPPED, -1, -1, NULL, err)) < 0)
            return broken(p, r, err);
    }
    const struct start_request *request = p->child.request;
    if (request->record != NULL && (r = request->record(request->record_data, p->pid, p->pidfd, err)) < 0)
        return r;
    r = protocol_send(&p->protocol, MSG_GO, -1, -1, NULL, err);
    return r < 0 ? broken(p, r, err) : 0;
}

static int pass_listener(struct parent *p, struct err *err)
{
    const struct start_request *request = p->child.request;
    int *fd = &p->child.apply.fds[SLOT_SECCOMP_LISTENER];
    int r = request->listener_raised == NULL
                ? err_set(err, -ENOTSUP, LAYER_START, "nobody to give the seccomp listener to")
                : request->listener_raised(request->listener_raised_data, p->pid, *fd, err);
    fd_close(fd);
    return r;
}

/* Listen to the child until its program runs (or, with a listener, until all is built). */
static int follow(struct parent *p, struct err *err)
{
    bool exec_announced = false;
    for (;;) {
        struct frame frame;
        CLEANUP_FD int fd = -EBADF;
        int r = receive(p, &frame, &fd, err);
        if (r < 0)
            return r;
        if (r == 0)
            return exec_announced ? 0 : died(p, err);
        switch ((enum message)frame.type) {
        case MSG_RAISED:
            if (frame.slot < 0 || frame.slot >= p->child.apply.plan->n_slots)
                return err_set(err, -EPROTO, LAYER_START, "protocol: RAISED for slot %d", frame.slot);
            fd_close(&p->child.apply.fds[frame.slot]);
            p->child.apply.fds[frame.slot] = TAKE_FD(fd);
            if (frame.slot == SLOT_SECCOMP_LISTENER && (r = pass_listener(p, err)) < 0)
                return r;
            break;
        case MSG_CREATED:
            return 0;
        case MSG_EXEC:
            exec_announced = true;
            break;
        case MSG_ERROR:
            *err = frame.err;
            return err->code < 0 ? err->code : -EPROTO;
        case MSG_ENTERED:
        case MSG_SLOT:
        case MSG_MAPPED:
        case MSG_GO:
        case MSG_START:
        case MSG_COUNT:
            return err_set(err, -EPROTO, LAYER_START, "protocol: %s from the child", message_rules[frame.type].name);
        }
    }
}

static void kill_and_reap(struct parent *p)
{
    if (p->pidfd < 0)
        return;
    (void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
    siginfo_t info = {0};
    while (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
}

static int run_start(struct parent *p, const struct start_request *request, struct err *err)
{
    int r = prepare(p, request, err);
    if (r < 0)
        return r;
    log_debug(LAYER_START, "host-before-clone");
    if ((r = layers_apply(&p->child.apply, STEP_HOST_BEFORE_CLONE, err)) < 0)
        return r;
    log_debug(LAYER_START, "clone3");
    if ((r = clone_child(p, err)) < 0)
        return r;
    fd_close(&p->sockets[1]);
    p->protocol.socket = p->sockets[0];
    if ((p->child.apply.plan->join_user >= 0 || p->child.apply.plan->join_pid >= 0) &&
        (r = cross_stone(p, err)) < 0)
        return r;
    log_debug(LAYER_START, "host-after-clone");
    if ((r = after_clone(p, err)) < 0)
        return r;
    log_debug(LAYER_START, "parent waits");
    return follow(p, err);
}

int start_container(const struct start_request *request, struct started *ret, struct err *err)
{
    struct parent p = {.arena = ARENA_INIT, .child = {.init = -EBADF}, .sockets = {-EBADF, -EBADF},
                       .pidfd = -EBADF};
    int r = run_start(&p, request, err);
    log_debug(LAYER_START, "started: %d", r);
    if (r < 0) {
        kill_and_reap(&p);
        parent_free(&p);
        return r;
    }
    *ret = (struct started){.pid = p.pid,
                            .pidfd = TAKE_FD(p.pidfd),
                            .console = TAKE_FD(p.child.apply.fds[SLOT_CONSOLE])};
    parent_free(&p);
    return 0;
}

int start_go(int connection, struct err *err)
{
    /* GO and CREATED passed between others, long ago. */
    struct protocol p = {.socket = connection, .self = PARTY_STARTER, .passed = 1U << MSG_GO | 1U << MSG_CREATED};
    int r = protocol_send(&p, MSG_START, -1, -1, NULL, err);
    if (r < 0)
        return r;
    p.self = PARTY_PARENT; /* the child speaks to whoever starts it as to its parent */
    for (;;) {
        struct frame frame;
        CLEANUP_FD int fd = -EBADF;
        r = protocol_receive(&p, &frame, &fd, err);
        if (r < 0 && r != -ECONNRESET)
            return r;
        if (r <= 0)
            return (p.passed & 1U << MSG_EXEC) != 0
                       ? 0
                       : err_set(err, -EPIPE, LAYER_START, "the container's process ended before its program ran");
        if (frame.type == MSG_ERROR) {
            *err = frame.err;
            return err->code < 0 ? err->code : -EPROTO;
        }
    }
}
