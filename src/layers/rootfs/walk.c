/* SPDX-License-Identifier: Apache-2.0 */
/* The steps: each walks its operations. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/rootfs/rootfs.h"

static int overlay_root(struct apply *ap, const struct op *op, struct err *err)
{
    int fd = rootfs_overlay_mount(ap, op->args, 0, err);
    if (fd < 0)
        return fd;
    ap->fds[op->slot] = fd;
    return 0;
}

/* What may happen on either side of the clone: with privilege in the parent, without it in the child. */
static int open_outside(struct apply *ap, const struct op *op, struct err *err)
{
    switch (op->kind) {
    case ROOTFS_OPEN_ROOT:
        return rootfs_open_root(ap, op, err);
    case ROOTFS_OVERLAY:
        return overlay_root(ap, op, err);
    case ROOTFS_SOURCE:
        return rootfs_open_source(ap, op, err);
    case ROOTFS_IDMAP:
        return rootfs_map_ids(ap, op, err);
    default:
        return err_set(err, -EINVAL, LAYER_ROOTFS, "plan: %s does not belong into a step of the host", op->name);
    }
}

static int host_step(struct apply *ap, enum step step, struct err *err)
{
    plan_each(op, ap->plan, LAYER_ROOTFS, step) {
        int r = open_outside(ap, op, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int rootfs_host_before_clone(struct apply *ap, struct err *err)
{
    return host_step(ap, STEP_HOST_BEFORE_CLONE, err);
}

int rootfs_host_after_clone(struct apply *ap, struct err *err)
{
    return host_step(ap, STEP_HOST_AFTER_CLONE, err);
}

/* Does the second field of a line of /proc/self/cgroup, "cpu,cpuacct" or "name=systemd", name this hierarchy? */
static bool is_hierarchy(const char *field, const struct rootfs_options *o)
{
    const struct rootfs_parameter *last = &o->parameters[o->n_parameters - 1];
    if (last->value != NULL)
        return str_starts(field, "name=") && str_eq(field + strlen("name="), last->value);
    size_t n = strlen(o->parameters[0].key); /* a controller is in one hierarchy only: the first tells */
    for (const char *c = field; *c != '\0';) {
        size_t len = strcspn(c, ",");
        if (len == n && strncmp(c, o->parameters[0].key, n) == 0)
            return true;
        c += len + (c[len] == ',');
    }
    return false;
}

/*
 * Our group in this hierarchy, as a path of the host: from a line "4:memory:/docker/abc" of /proc/self/cgroup. The old
 * root's /proc knows us, whatever pid namespace we are in.
 */
static int own_group(const struct rootfs_mount *m, char *buf, size_t size, struct err *err)
{
    char text[4096];
    ssize_t n = file_read_into(AT_FDCWD, "/proc/self/cgroup", text, sizeof text);
    if (n < 0)
        return err_set_errno(err, (int)n, LAYER_ROOTFS, "/proc/self/cgroup");
    for (char *line = text; *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        char *next = *end != '\0' ? end + 1 : end;
        *end = '\0';
        char *field = strchr(line, ':');
        char *group = field != NULL ? strchr(field + 1, ':') : NULL;
        if (group != NULL) {
            *group++ = '\0';
            if (is_hierarchy(field + 1, &m->options)) {
                int used = snprintf(buf, size, "%s%s", m->source, group);
                return used > 0 && (size_t)used < size
                           ? 0 : err_set_errno(err, -ENAMETOOLONG, LAYER_ROOTFS, "cgroup %s", m->source);
            }
        }
        line = next;
    }
    return err_set(err, -ENOENT, LAYER_ROOTFS, "mount %s: /proc/self/cgroup does not name this hierarchy",
                   m->place.path);
}

static int bind_own_cgroup(const struct rootfs_mount *m, struct err *err)
{
    char path[4096];
    int r = own_group(m, path, sizeof path, err);
    if (r < 0)
        return r;
    CLEANUP_FD int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr attr = {.attr_set = m->options.set | m->options.tree_set, .attr_clr = m->options.clear};
    if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: %s", m->place.path, path);
    return TAKE_FD(fd);
}

static int remount(const struct rootfs_walk *w, const struct rootfs_mount *m, struct err *err)
{
    CLEANUP_FD int fd = rootfs_open_in(w->root, m->place.path[1] != '\0' ? m->place.path + 1 : ".", O_PATH, 0);
    if (fd < 0)
        return err_set_errno(err, fd, LAYER_ROOTFS, "mount %s: remount", m->place.path);
    const struct {
        uint64_t set, clear;
        unsigned flags;
    } calls[] = {{m->options.set, m->options.clear, 0}, {m->options.tree_set, m->options.tree_clear, AT_RECURSIVE}};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct mount_attr attr = {.attr_set = calls[i].set, .attr_clr = calls[i].clear};
        if ((calls[i].set | calls[i].clear) != 0 &&
            mount_setattr(fd, "", AT_EMPTY_PATH | calls[i].flags, &attr, sizeof attr) < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: remount; is it a mount point?", m->place.path);
    }
    return 0;
}

/* Propagation of a new file system's mount: private from birth. */
static int set_propagation(int fd, const struct rootfs_mount *m, struct err *err)
{
    struct mount_attr attr = {.propagation = m->options.propagation};
    if (attr.propagation == 0 || attr.propagation == MS_PRIVATE || m->kind == ROOTFS_BIND)
        return 0;
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: its propagation", m->place.path);
    return 0;
}

static int make_mount(struct rootfs_walk *w, const struct rootfs_mount *m, struct err *err)
{
    uint64_t attributes = m->options.set | m->options.tree_set;
    switch (m->kind) {
    case ROOTFS_FILESYSTEM:
        return rootfs_filesystem(m, attributes, err);
    case ROOTFS_OVERLAYFS:
        return rootfs_overlay_mount(w->ap, m->overlay, attributes, err);
    case ROOTFS_OWN_CGROUP:
        return bind_own_cgroup(m, err);
    case ROOTFS_BIND: {
        int fd = w->ap->fds[m->source_slot];
        w->ap->fds[m->source_slot] = -EBADF;
        return fd >= 0 ? fd : err_set(err, -EBADF, LAYER_ROOTFS, "mount %s: its source is gone", m->place.path);
    }
    case ROOTFS_REMOUNT:
        break;
    }
    return err_set(err, -EINVAL, LAYER_ROOTFS, "plan: mount %s of no kind", m->place.path);
}

static int mount_one(struct rootfs_walk *w, const struct rootfs_mount *m, struct err *err)
{
    if (m->kind == ROOTFS_REMOUNT)
        return remount(w, m, err);
    CLEANUP_FD int fd = make_mount(w, m, err);
    if (fd < 0)
        return fd;
    int r = set_propagation(fd, m, err);
    if (r < 0)
        return r;
    if (m->options.copy_up && (r = rootfs_copy_up(w, fd, m, err)) < 0)
        return r;
    enum rootfs_shape shape = m->real_directory          ? ROOTFS_REAL_DIRECTORY
                              : m->kind != ROOTFS_BIND ? ROOTFS_DIRECTORY
                                                       : ROOTFS_ANY;
    if ((r = rootfs_attach(w, fd, &m->place, shape, err)) < 0)
        return r;
    if (m->keep_slot >= 0)
        w->ap->fds[m->keep_slot] = TAKE_FD(fd);
    return 0;
}

static int set_propagation_of_all(const struct op *op, struct err *err)
{
    struct mount_attr attr = {.propagation = op->number};
    if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "cut the container's mounts off from the host's (%s)",
                             op->value);
    return 0;
}

static int seal(int fd, const struct op *op, struct err *err)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "make %s read-only", op->target);
    return 0;
}

static int set_root_propagation(const struct op *op, struct err *err)
{
    struct mount_attr attr = {.propagation = op->number & ~(uint64_t)MS_REC};
    unsigned flags = (op->number & MS_REC) != 0 ? AT_RECURSIVE : 0;
    if (mount_setattr(AT_FDCWD, "/", flags, &attr, sizeof attr) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "linux.rootfsPropagation %s", op->value);
    return 0;
}

/*
 * Over the current root, where nobody looks: "/" itself is a mount point that every mount namespace has. Lookups that
 * begin at our root still find the old tree.
 */
static int attach_root(struct rootfs_walk *w, const struct op *op, struct err *err)
{
    w->root = w->ap->fds[op->slot];
    if (w->root < 0)
        return err_set(err, -EBADF, LAYER_ROOTFS, "the root file system was not opened");
    if (move_mount(w->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        int r = -errno;
        struct stat st;
        if (fstat(w->root, &st) == 0 && !S_ISDIR(st.st_mode))
            r = -ENOTDIR;
        return err_set_errno(err, r, LAYER_ROOTFS, "root file system%s%s", op->value != NULL ? " " : "",
                             op->value != NULL ? op->value : "");
    }
    return 0;
}

static int child_op(struct rootfs_walk *w, const struct op *op, struct err *err)
{
    switch ((enum rootfs_op)op->kind) {
    case ROOTFS_OPEN_ROOT:
    case ROOTFS_OVERLAY:
    case ROOTFS_SOURCE:
    case ROOTFS_IDMAP:
        return open_outside(w->ap, op, err);
    case ROOTFS_PROPAGATION:
        return set_propagation_of_all(op, err);
    case ROOTFS_ATTACH_ROOT:
        return attach_root(w, op, err);
    case ROOTFS_MOUNT:
        return mount_one(w, op->args, err);
    case ROOTFS_DEVICE:
        return rootfs_device(w, op->args, err);
    case ROOTFS_BIND_DEVICES:
        return rootfs_bind_devices(w, err);
    case ROOTFS_LINK:
        return rootfs_link(w, op->args, err);
    case ROOTFS_CONSOLE:
        return rootfs_console(w, op->args, err);
    case ROOTFS_READONLY:
        return rootfs_readonly(w, op->args, err);
    case ROOTFS_MASK:
        return rootfs_mask(w, op->args, err);
    case ROOTFS_SEAL:
    case ROOTFS_READONLY_ROOT:
        return seal(w->ap->fds[op->slot], op, err);
    case ROOTFS_PIVOT:
        return rootfs_pivot(w, err);
    case ROOTFS_ROOT_PROPAGATION:
        return set_root_propagation(op, err);
    }
    return err_set(err, -EINVAL, LAYER_ROOTFS, "plan: unknown operation %u", op->kind);
}

/* Nothing of ours stays open into the program's life; it may be long until exec closes what is close-on-exec. */
static void close_all(struct rootfs_walk *w)
{
    fd_close(&w->null_origin);
    fd_close(&w->empty_origin);
    plan_each(op, w->ap->plan, LAYER_ROOTFS, STEP_CHILD_ROOTFS) {
        if (op->kind == ROOTFS_MOUNT) {
            const struct rootfs_mount *m = op->args;
            if (m->keep_slot >= 0)
                fd_close(&w->ap->fds[m->keep_slot]);
        }
    }
    fd_close(&w->ap->fds[SLOT_ROOTFS]);
}

int rootfs_child(struct apply *ap, struct err *err)
{
    struct rootfs_walk w = {.ap = ap, .root = -EBADF, .null_origin = -EBADF, .empty_origin = -EBADF};
    /* Modes are those that are asked for. */
    mode_t mask = umask(0);
    int r = 0;
    plan_each(op, ap->plan, LAYER_ROOTFS, STEP_CHILD_ROOTFS) {
        if ((r = child_op(&w, op, err)) < 0)
            break;
    }
    (void)umask(mask);
    close_all(&w);
    return r;
}
