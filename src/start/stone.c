/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stepping stone. A user namespace that is joined must be entered before the others are made, so that it owns
 * them; a pid namespace that is joined only counts for the children of who joined it. Neither can be done by the
 * caller, which could not get back. So a short-lived process enters both, makes the container's process as its
 * *sibling* (CLONE_PARENT: the caller remains the parent), sends its pidfd up and ends.
 */
#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <unistd.h>

#include "base/fd.h"
#include "start/child.h"
#include "sys/calls.h"

static int enter(const struct child *c, int slot, int flag, const char *what, struct err *err)
{
    if (slot >= 0 && setns(c->apply.fds[slot], flag) < 0)
        return err_set_errno(err, -errno, LAYER_NAMESPACES, "join %s namespace", what);
    return 0;
}

_Noreturn void stone_main(struct child *c, uint64_t clone_flags)
{
    struct err err = ERR_INIT;
    c->protocol.self = PARTY_STONE;
    fd_close(&c->parent_end);
    const struct plan *plan = c->apply.plan;
    /* A user namespace may deny setgroups to its members; ours must not come along. */
    if (plan->join_user >= 0 && setgroups(0, NULL) < 0 && errno != EPERM) {
        err_set_errno(&err, -errno, LAYER_NAMESPACES, "leave the caller's groups");
        child_fail(c, &err);
    }
    if (enter(c, plan->join_user, CLONE_NEWUSER, "user", &err) < 0 ||
        enter(c, plan->join_pid, CLONE_NEWPID, "pid", &err) < 0)
        child_fail(c, &err);
    int pidfd = -EBADF;
    struct clone_args args = {.flags = clone_flags | CLONE_PARENT | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd};
    pid_t pid = sys_clone3(&args, sizeof args);
    if (pid < 0) {
        err_set_errno(&err, pid, LAYER_NAMESPACES, "clone3 in the joined namespaces");
        child_fail(c, &err);
    }
    if (pid == 0)
        child_main(c);
    if (protocol_send(&c->protocol, MSG_ENTERED, -1, pidfd, NULL, &err) < 0)
        child_fail(c, &err);
    _exit(0);
}
