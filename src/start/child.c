/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's process from clone3 to exec. It walks the plan and talks to the parent; it allocates nothing, takes
 * no lock, and leaves every decision to what the parent prepared.
 *
 *   1. wait until the ids are mapped (only with a new user namespace), become root in it
 *   2. new session and session keyring                  should: nothing of the caller's terminal or keys comes along
 *   3. child-early, child-rootfs, terminal              must not: trust a path of the container's file system
 *   4. wait for GO: the parent has put the container on record
 *   5. child-late; close what is left of the host; check the program
 *   6. with a listener: report CREATED, wait to be started
 *   7. child-last: ids and capabilities go, working directory, EXEC, seccomp filter
 *   8. execve
 */
#include "start/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "sys/calls.h"

_Noreturn void child_fail(struct child *c, const struct err *err)
{
    struct err ignored = ERR_INIT;
    (void)protocol_send(&c->protocol, MSG_ERROR, -1, -1, err, &ignored);
    _exit(125);
}

static int raise_fd(struct apply *ap, int slot, struct err *err)
{
    struct child *c = ap->start;
    return protocol_send(&c->protocol, MSG_RAISED, slot, ap->fds[slot], NULL, err);
}

/* Receive until a frame of this type has come, putting descriptors into their slots on the way. */
static int wait_for(struct child *c, enum message wanted, struct err *err)
{
    for (;;) {
        struct frame frame;
        CLEANUP_FD int fd = -EBADF;
        int r = protocol_receive(&c->protocol, &frame, &fd, err);
        if (r < 0)
            return r;
        if (r == 0)
            return err_set(err, -EPIPE, LAYER_START, "the runtime died before the container was started");
        if (frame.type == wanted)
            return 0;
        if (frame.type != MSG_SLOT || frame.slot < 0 || frame.slot >= c->apply.plan->n_slots)
            return err_set(err, -EPROTO, LAYER_START, "protocol: %s instead of %s", message_rules[frame.type].name,
                           message_rules[wanted].name);
        fd_close(&c->apply.fds[frame.slot]);
        c->apply.fds[frame.slot] = TAKE_FD(fd);
    }
}

/* With the maps written, 0 is root of the new user namespace; a map without 0 leaves the ids as they are. */
static int become_root(const struct child *c, struct err *err)
{
    if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
        return err_set_errno(err, -errno, LAYER_IDMAP, "become group 0 of the user namespace");
    if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
        return err_set_errno(err, -errno, LAYER_IDMAP, "become user 0 of the user namespace");
    /*
     * Changing ids made this process undumpable and with that the owner of /proc/self root outside, so that labels
     * could not be written. In a fresh pid namespace nobody can see us yet; forget_caller() takes it back.
     */
    if ((c->request->plan->clone_flags & CLONE_NEWPID) != 0 && prctl(PR_SET_DUMPABLE, 1) < 0)
        return err_set_errno(err, -errno, LAYER_START, "PR_SET_DUMPABLE");
    return 0;
}

static int new_session(const struct child *c, struct err *err)
{
    if (setsid() < 0)
        return err_set_errno(err, -errno, LAYER_START, "setsid");
    /* Keyrings have no namespace: without one of its own the container could read the caller's session keys. */
    if (c->session_keyring[0] != '\0' &&
        syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, c->session_keyring, 0, 0, 0) < 0 && errno != ENOSYS)
        return err_set_errno(err, -errno, LAYER_START, "new session keyring");
    return 0;
}

static int set_stdio(const struct child *c, struct err *err)
{
    for (int i = 0; i < 3; i++) {
        int fd = c->request->stdio[i];
        if (fd < 0)
            continue;
        if (fd == i ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, i) < 0)
            return err_set_errno(err, -errno, LAYER_START, "standard descriptor %d", i);
    }
    return 0;
}

/*
 * Open a directory of the container, making what is missing as runc does. The root is the container's already; what
 * could still lead out of it are the links of /proc that the kernel follows by itself (/proc/self/fd/N, /proc/1/root),
 * so those are never followed.
 */
static int open_directory(const char *path, bool make, int *ret_fd)
{
    int r = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
    if (r != -ENOENT || !make) {
        if (r >= 0)
            *ret_fd = r;
        return r < 0 ? r : 0;
    }
    CLEANUP_FD int at = sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
    if (at < 0)
        return at;
    for (const char *p = path; *(p += strspn(p, "/")) != '\0';) {
        char name[NAME_MAX + 1];
        size_t n = strcspn(p, "/");
        if (n > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, p, n);
        name[n] = '\0';
        p += n;
        int next = sys_openat2(at, name, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
        if (next == -ENOENT) {
            if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
                return -errno;
            next = sys_openat2(at, name, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
        }
        if (next < 0)
            return next;
        fd_close(&at);
        at = next;
    }
    *ret_fd = TAKE_FD(at);
    return 0;
}

static int enter_directory(const struct child *c, bool make, struct err *err)
{
    CLEANUP_FD int fd = -EBADF;
    int r = open_directory(c->cwd, make, &fd);
    if (r == 0 && fchdir(fd) < 0)
        r = -errno;
    if (r == -ELOOP)
        return err_set(err, r, LAYER_START, "process.cwd %s: leads through a link of /proc, or in a circle", c->cwd);
    if (r < 0)
        return err_set_errno(err, r, LAYER_START, "process.cwd %s", c->cwd);
    /* A working directory outside the root would be a way out (CVE-2024-21626); the kernel says "(unreachable)". */
    char at[PATH_MAX];
    long n = syscall(SYS_getcwd, at, sizeof at);
    if (n < 0 || at[0] != '/')
        return err_set(err, -EINVAL, LAYER_START, "process.cwd %s: lies outside the container's root", c->cwd);
    return 0;
}

/* Nobody inside may trace us or reach the runtime's binary through /proc (CVE-2019-5736). Changing ids undoes it. */
static int be_undumpable(struct err *err)
{
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? err_set_errno(err, -errno, LAYER_START, "PR_SET_DUMPABLE") : 0;
}

/*
 * Close what is left of the host before the first path of the image is followed: a name in the image can lead through
 * /proc/self/fd, and to execve a descriptor that closes on exec is still there (CVE-2024-21626). What stays are the
 * sockets and the init program, none of which is a directory.
 */
static int close_host(struct child *c, struct err *err)
{
    int keep[] = {c->protocol.socket, c->request->listener, c->init};
    for (size_t i = 1; i < ARRAY_LEN(keep); i++)
        for (size_t k = i; k > 0 && keep[k] < keep[k - 1]; k--) {
            int swap = keep[k];
            keep[k] = keep[k - 1];
            keep[k - 1] = swap;
        }
    unsigned from = 3 + c->request->preserve_fds;
    int r = 0;
    for (size_t i = 0; i < ARRAY_LEN(keep) && r == 0; i++) {
        if (keep[i] < 0 || (unsigned)keep[i] < from)
            continue;
        if ((unsigned)keep[i] > from)
            r = sys_close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    if (r == 0)
        r = sys_close_range(from, ~0U, 0);
    if (r < 0)
        return err_set_errno(err, r, LAYER_START, "close_range");
    c->apply.proc_fd = -EBADF;
    for (int i = 0; i < c->apply.plan->n_slots; i++)
        c->apply.fds[i] = -EBADF;
    return 0;
}

static int wait_for_start(struct child *c, struct err *err)
{
    int r = protocol_send(&c->protocol, MSG_CREATED, -1, -1, NULL, err);
    if (r < 0)
        return r;
    fd_close(&c->protocol.socket);
    for (;;) {
        CLEANUP_FD int connection = accept4(c->request->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            _exit(125); /* nobody is left to hear of it */
        }
        struct protocol p = c->protocol;
        p.socket = connection;
        struct frame frame;
        CLEANUP_FD int fd = -EBADF;
        if (protocol_receive(&p, &frame, &fd, err) != 1 || frame.type != MSG_START)
            continue; /* a starter that died or spoke nonsense; the next one may do better */
        c->protocol = p;
        c->protocol.socket = TAKE_FD(connection);
        return 0;
    }
}

static int build(struct child *c, struct err *err)
{
    struct apply *ap = &c->apply;
    int r = 0;
    /* In a pid namespace that others live in we must never be reachable; in a new one nobody is there yet. */
    bool alone = (ap->plan->clone_flags & CLONE_NEWPID) != 0;
    if (!alone && (r = be_undumpable(err)) < 0)
        return r;
    if (ap->plan->parent_maps_ids && (r = wait_for(c, MSG_MAPPED, err)) < 0)
        return r;
    if ((ap->plan->parent_maps_ids || ap->plan->join_user >= 0) && (r = become_root(c, err)) < 0)
        return r;
    if ((r = new_session(c, err)) < 0)
        return r;
    log_debug(LAYER_START, "child-early");
    if ((r = layers_apply(ap, STEP_CHILD_EARLY, err)) < 0)
        return r;
    log_debug(LAYER_START, "child-rootfs");
    if ((r = layers_apply(ap, STEP_CHILD_ROOTFS, err)) < 0)
        return r;
    const struct oci_process *process = c->request->config->process;
    r = process->terminal.v ? terminal_attach(c, err) : set_stdio(c, err);
    if (r < 0)
        return r;
    log_debug(LAYER_START, "child-late");
    if ((r = wait_for(c, MSG_GO, err)) < 0)
        return r;
    if ((r = layers_apply(ap, STEP_CHILD_LATE, err)) < 0 || (r = be_undumpable(err)) < 0)
        return r;
    if ((r = close_host(c, err)) < 0)
        return r;
    return exec_check(c, err);
}

/* child-last, with what has to happen between the loss of privilege and the filter put in between. */
static int leave(struct child *c, struct err *err)
{
    /* Again after the wait, still with full privilege: what was checked before may have been replaced. */
    if (c->request->listener >= 0) {
        int vetted = exec_check(c, err);
        if (vetted < 0)
            return vetted;
    }
    struct err first = ERR_INIT;
    bool inside = enter_directory(c, true, &first) == 0;
    if (!inside && first.code != -EACCES) {
        *err = first;
        return err->code = -EINVAL; /* ENOENT and EACCES of this layer are said of the program */
    }
    for (enum layer_id l = 0; l < LAYER_WALLS; l++) {
        step_fn *fn = all_layers[l]->at[STEP_CHILD_LAST];
        int r = fn == NULL ? 0 : fn(&c->apply, err);
        if (r < 0) {
            err->step = STEP_CHILD_LAST;
            return r;
        }
        if (l != LAYER_CAPABILITIES)
            continue;
        /* A directory that only the program's user may enter (NFS, FUSE). */
        if (!inside && (r = enter_directory(c, false, err)) < 0)
            return err->code = -EINVAL;
        if ((r = be_undumpable(err)) < 0)
            return r;
        if ((r = protocol_send(&c->protocol, MSG_EXEC, -1, -1, NULL, err)) < 0)
            return r;
    }
    return 0;
}

_Noreturn void child_main(struct child *c)
{
    struct err err = ERR_INIT;
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    fd_close(&c->parent_end);
    c->protocol.self = PARTY_CHILD;
    c->apply.pid = 0;
    c->apply.send_fd = raise_fd;
    c->apply.start = c;

    if (build(c, &err) < 0)
        child_fail(c, &err);
    if (c->request->listener >= 0 && wait_for_start(c, &err) < 0)
        child_fail(c, &err);
    log_debug(LAYER_START, "child-last");
    if (leave(c, &err) < 0)
        child_fail(c, &err);
    log_debug(LAYER_START, "exec");
    (void)exec_program(c, &err);
    child_fail(c, &err);
}
