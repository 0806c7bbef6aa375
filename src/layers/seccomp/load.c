/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter with SCMP_ACT_NOTIFY gives the one who loads it a descriptor, the listener, on which an agent answers for
 * the calls of the filtered. The listener must get to the agent, but whoever has loaded the filter may be stopped by
 * it at the very calls that sending takes, waiting for an answer that nobody can give yet. (runc therefore forbids
 * to notify on write.)
 *
 * So the sender is not the one who loads. Before loading, the child starts a thread that shares its memory and its
 * descriptors. A filter is a thread's own: the sender stays free of it. After the load, the child makes no system
 * call at all: it writes the descriptor's number into memory and spins until the kernel says that the thread is gone.
 * The sender, meanwhile, waits for the number, sends the descriptor up, closes it and exits. Any call may be notified
 * then, the next one of the child included, as long as the parent passes the listener on to the agent without first
 * waiting for another message from the child.
 */
#include "layers/seccomp/load.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/calls.h"

enum { NOT_YET = -1, NO_LISTENER = -2 };
#define STACK_SIZE ((size_t)32 * 1024) /* send_fd builds a message and perhaps an error: a few KiB */

struct seccomp_handover {
    struct apply *ap;
    atomic_int listener; /* NOT_YET, then the descriptor or NO_LISTENER */
    atomic_int thread;   /* its id; the kernel sets it to 0 when it is gone */
    int result;
    struct err err;
    _Alignas(16) char stack[STACK_SIZE];
};

struct seccomp_handover *seccomp_handover_new(struct arena *a)
{
    return arena_new(a, struct seccomp_handover);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/*
 * The sender thread. It has the child's thread-local storage, errno included: until the number is there it makes only
 * calls that cannot fail, and from then on the child keeps off errno.
 */
static int sender(void *arg)
{
    struct seccomp_handover *h = arg;
    int fd = NOT_YET;
    while ((fd = atomic_load_explicit(&h->listener, memory_order_acquire)) == NOT_YET)
        sched_yield();
    if (fd < 0)
        return 0;
    h->ap->fds[SLOT_SECCOMP_LISTENER] = fd;
    h->result = h->ap->send_fd(h->ap, SLOT_SECCOMP_LISTENER, &h->err);
    fd_close(&h->ap->fds[SLOT_SECCOMP_LISTENER]);
    return 0;
}

static int load_failed(int code, struct err *err)
{
    if (code == -EACCES)
        return err_set(err, code, LAYER_SECCOMP, "loading the filter without no_new_privs needs CAP_SYS_ADMIN: set "
                       "process.noNewPrivileges");
    return err_set_errno(err, code, LAYER_SECCOMP, "loading the filter");
}

static int load_with_listener(struct apply *ap, const struct seccomp_load_filter *load, struct sock_fprog *program,
                              struct err *err)
{
    /* In child-late: the capabilities wall has not done it yet, and without it this would take CAP_SYS_ADMIN. */
    if (load->nnp && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set_errno(err, -errno, LAYER_SECCOMP, "prctl(PR_SET_NO_NEW_PRIVS)");
    struct seccomp_handover *h = load->handover;
    h->ap = ap;
    h->err = (struct err)ERR_INIT;
    h->result = 0;
    atomic_store(&h->listener, NOT_YET);
    /* CLONE_THREAD: never a zombie, and gone at exec whatever happens. */
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    int tid = clone(sender, h->stack + STACK_SIZE, flags, h, &h->thread, NULL, &h->thread);
    if (tid < 0)
        return err_set_errno(err, -errno, LAYER_SECCOMP, "starting the thread that hands the seccomp listener over");
    int fd = sys_seccomp(SECCOMP_SET_MODE_FILTER, load->rules.load_flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, program);
    /* From here on no system call: it may wait for ever. */
    atomic_store_explicit(&h->listener, fd >= 0 ? fd : NO_LISTENER, memory_order_release);
    while (atomic_load_explicit(&h->thread, memory_order_acquire) != 0)
        relax();
    if (fd < 0)
        return load_failed(fd, err);
    if (h->result < 0) {
        if (err != NULL)
            *err = h->err;
        return h->result;
    }
    return 0;
}

int seccomp_load_filter(struct apply *ap, const struct seccomp_load_filter *load, struct err *err)
{
    struct sock_fprog program = load->program;
    if (load->handover != NULL)
        return load_with_listener(ap, load, &program, err);
    int e = sys_seccomp(SECCOMP_SET_MODE_FILTER, load->rules.load_flags, &program);
    return e < 0 ? load_failed(e, err) : 0;
}
