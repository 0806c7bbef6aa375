/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying the plan out: the groups and their settings before the clone, the placement in the child. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

/* A host without swap: what limits swap is missing there and nothing is lost. */
static bool host_has_swap(void)
{
    char text[512];
    if (file_read_into(AT_FDCWD, "/proc/swaps", text, sizeof text) < 0)
        return true;
    const char *line = strchr(text, '\n');
    return line != NULL && line[1] != '\0';
}

/* Open a control file of the group for writing, by its descriptor where there is one. */
static int open_control(int group_fd, const char *group, const char *file)
{
    char path[PATH_MAX];
    if (group_fd < 0) {
        int n = snprintf(path, sizeof path, "%s/%s", group, file);
        if (n < 0 || (size_t)n >= sizeof path)
            return -ENAMETOOLONG;
        file = path;
    }
    int fd = openat(group_fd < 0 ? AT_FDCWD : group_fd, file, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int write_control(int group_fd, const char *group, const char *file, const char *value)
{
    CLEANUP_FD int fd = open_control(group_fd, group, file);
    if (fd < 0)
        return fd;
    return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

static int write_lines(int group_fd, const char *group, const char *file, const char *value)
{
    char line[4096];
    do {
        size_t n = strcspn(value, "\n");
        if (n >= sizeof line)
            return -E2BIG;
        memcpy(line, value, n);
        line[n] = '\0';
        int r = write_control(group_fd, group, file, line);
        if (r < 0)
            return r;
        value += n + (value[n] == '\n');
    } while (*value != '\0');
    return 0;
}

int cgroup_write_setting(int group_fd, const char *group, const struct setting *s, struct err *err)
{
    int r = (s->flags & SET_LINES) != 0 ? write_lines(group_fd, group, s->file, s->value)
                                        : write_control(group_fd, group, s->file, s->value);
    if (r == -ENOENT && s->other_file != NULL)
        r = write_control(group_fd, group, s->other_file, s->other_value);
    if (r == 0)
        return 0;
    if (r == -ENOENT && (s->flags & (SET_UNLIMITED | SET_OPTIONAL)) != 0)
        return 0;
    if (r == -ENOENT && (s->flags & SET_SWAP) != 0 && !host_has_swap())
        return 0;
    char size[32];
    const char *value = (s->flags & SET_BYTES) != 0 ? cgroup_size_text(s->number, size, sizeof size) : s->value;
    const char *hint = s->hint;
    if (r == -EBUSY && (s->flags & SET_BYTES) != 0)
        hint = "less than what is in use and cannot be reclaimed";
    if (r == -ENOENT)
        return err_set(err, r, LAYER_CGROUP, "%s %.100s: this host has no %s/%s%s%s%s", s->what, value, group, s->file,
                       hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
    return err_set_errno(err, r, LAYER_CGROUP, "%s %.100s: write %.100s to %s/%s%s%s%s", s->what, value, s->value,
                         group, s->file, hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
}

/* The descriptors of devices.allow and devices.deny are opened once for all lines. */
int cgroup_write_device_lines(int group_fd, const char *group, const struct oci_strs *lines, struct err *err)
{
    CLEANUP_FD int allow = -EBADF;
    CLEANUP_FD int deny = -EBADF;
    for (size_t i = 0; i < lines->n; i++) {
        bool allows = str_starts(lines->v[i], "allow ");
        int *fd = allows ? &allow : &deny;
        const char *file = allows ? "devices.allow" : "devices.deny";
        const char *line = strchr(lines->v[i], ' ') + 1;
        if (*fd < 0)
            *fd = open_control(group_fd, group, file);
        int r = *fd < 0 ? *fd : 0;
        if (r == 0 && write(*fd, line, strlen(line)) < 0)
            r = -errno;
        if (r < 0)
            return err_set_errno(err, r, LAYER_CGROUP, "device rule \"%s\": write to %s/%s%s", lines->v[i], group, file,
                                 r == -EPERM ? " (the group above does not allow it)" : "");
    }
    return 0;
}

/* The files that the kernel says a delegated group's owner may write (cgroup-v2.rst, "Model of Delegation"). */
static int give_away(int group_fd, const char *group, uid_t uid, struct err *err)
{
    char list[4096] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
    (void)file_read_into(AT_FDCWD, "/sys/kernel/cgroup/delegate", list, sizeof list);
    if (fchownat(group_fd, "", uid, (gid_t)-1, AT_EMPTY_PATH) < 0)
        return err_set_errno(err, -errno, LAYER_CGROUP, "cannot give %s to uid %u", group, uid);
    for (char *rest = list, *file; (file = strsep(&rest, "\n")) != NULL;)
        if (*file != '\0' && fchownat(group_fd, file, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
            return err_set_errno(err, -errno, LAYER_CGROUP, "cannot give %s/%s to uid %u", group, file, uid);
    return 0;
}

/* Make the group and fill its slot. 1: made, 0: the container does without it, or a negative errno. */
static int make_group(struct apply *ap, const struct op *op, int *ret_fd, struct err *err)
{
    const struct group_op *group = op->args;
    CLEANUP_FD int fd = -EBADF;
    int r = cgroup_make(ap->host, group, &fd, err);
    if (r == -EACCES || r == -EPERM || r == -EROFS) {
        if (group->needed != NULL)
            return err_set_errno(err, r, LAYER_CGROUP, "%s: cannot make %s, this %s is not delegated to us",
                                 group->needed, op->target, group->place->v2 ? "cgroup tree" : "cgroup hierarchy");
        log_debug(LAYER_CGROUP, "without %s: %s", op->target, strerrordesc_np(-r));
        return 0;
    }
    if (r < 0)
        return r;
    if (group->place->v2 && ap->plan->clone_into_cgroup) {
        ap->fds[op->slot] = TAKE_FD(fd);
        *ret_fd = ap->fds[op->slot];
        return 1;
    }
    const char *file = group->place->v2 ? "cgroup.procs" : "tasks";
    int entry = open_control(fd, op->target, file);
    if (entry < 0)
        return err_set_errno(err, entry, LAYER_CGROUP, "%s/%s", op->target, file);
    ap->fds[op->slot] = entry;
    *ret_fd = TAKE_FD(fd);
    return 1;
}

int cgroup_host_before_clone(struct apply *ap, struct err *err)
{
    CLEANUP_FD int held = -EBADF; /* the current group, when no slot holds it */
    int group_fd = -EBADF;
    const char *group = NULL; /* NULL: the container does without one here */
    plan_each(op, ap->plan, LAYER_CGROUP, STEP_HOST_BEFORE_CLONE) {
        int r = 0;
        if (op->kind == OP_NOTE)
            continue;
        if (op->kind == OP_GROUP) {
            fd_close(&held);
            group_fd = -EBADF;
            r = make_group(ap, op, &group_fd, err);
            if (r < 0)
                return r;
            group = r > 0 ? op->target : NULL;
            if (r > 0 && ap->fds[op->slot] != group_fd)
                held = group_fd;
            continue;
        }
        if (group == NULL)
            continue; /* nothing was asked for that needs it */
        if (op->kind == OP_WRITE)
            r = cgroup_write_setting(group_fd, group, op->args, err);
        else if (op->kind == OP_LINES)
            r = cgroup_write_device_lines(group_fd, group, op->args, err);
        else if (op->kind == OP_PROGRAM)
            r = cgroup_device_attach(group_fd, op->args, true, err);
        else if (op->kind == OP_OWN)
            r = give_away(group_fd, group, (uid_t)op->number, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int cgroup_child_early(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_CGROUP, STEP_CHILD_EARLY) {
        if (op->kind == OP_JOIN && ap->fds[op->slot] >= 0) {
            if (write(ap->fds[op->slot], "0", 1) < 0)
                return err_set_errno(err, -errno, LAYER_CGROUP, "cannot enter the group: write 0 to %s", op->target);
            fd_close(&ap->fds[op->slot]);
        } else if (op->kind == OP_UNSHARE && unshare(CLONE_NEWCGROUP) < 0) {
            return err_set_errno(err, -errno, LAYER_CGROUP, "cannot make a cgroup namespace");
        }
    }
    return 0;
}

const struct layer cgroup_layer = {
    .id = LAYER_CGROUP,
    .plan = cgroup_plan,
    .at = {[STEP_HOST_BEFORE_CLONE] = cgroup_host_before_clone, [STEP_CHILD_EARLY] = cgroup_child_early},
    .observe = cgroup_observe,
    .undo = cgroup_undo,
};
