/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from the host: the root, the sources of bind mounts, and the mapping of their ids. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/idmap/idmap.h"
#include "layers/rootfs/rootfs.h"

/*
 * The root must be cut off from its peers before anything is mounted in it, or that would appear on the host: a clone
 * of a shared mount is shared with it.
 */
int rootfs_open_root(struct apply *ap, const struct op *op, struct err *err)
{
    CLEANUP_FD int fd = open_tree(AT_FDCWD, op->value, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "root file system %s", op->value);
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "root file system %s", op->value);
    ap->fds[op->slot] = TAKE_FD(fd);
    return 0;
}

static int set_attributes(int fd, bool tree, const struct mount_attr *attr, const char *path, struct err *err)
{
    struct mount_attr copy = *attr;
    if (attr->attr_set == 0 && attr->attr_clr == 0 && attr->propagation == 0)
        return 0;
    if (mount_setattr(fd, "", AT_EMPTY_PATH | (tree ? AT_RECURSIVE : 0), &copy, sizeof copy) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: its attributes", path);
    return 0;
}

/* At most two calls: one for the whole tree, one for its top; a tree of one mount needs only one. */
static int apply_options(int fd, const struct rootfs_mount *m, struct err *err)
{
    const struct rootfs_options *o = &m->options;
    struct mount_attr tree = {.attr_set = o->tree_set, .attr_clr = o->tree_clear};
    struct mount_attr top = {.attr_set = o->set, .attr_clr = o->clear};
    uint64_t propagation = o->propagation != 0 ? o->propagation : m->default_propagation;
    bool propagation_tree = o->propagation != 0 ? o->propagation_tree : true;
    int r = 0;
    if (o->propagation == MS_SHARED && m->cut_peers) {
        /* Shared among who gets it from this container, but not with the host: a slave that is shared. */
        const struct mount_attr slave = {.propagation = MS_SLAVE};
        if ((r = set_attributes(fd, o->recursive, &slave, m->place.path, err)) < 0)
            return r;
    }
    if (propagation_tree || !o->recursive)
        tree.propagation = propagation;
    else
        top.propagation = propagation;
    if (!o->recursive) {
        tree.attr_set |= top.attr_set & ~tree.attr_clr;
        tree.attr_clr |= top.attr_clr;
        return set_attributes(fd, false, &tree, m->place.path, err);
    }
    if ((r = set_attributes(fd, false, &top, m->place.path, err)) < 0)
        return r;
    return set_attributes(fd, true, &tree, m->place.path, err);
}

int rootfs_open_source(struct apply *ap, const struct op *op, struct err *err)
{
    const struct rootfs_mount *m = op->args;
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (m->options.recursive ? AT_RECURSIVE : 0);
    CLEANUP_FD int fd = open_tree(AT_FDCWD, m->source, flags);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, -ENOENT, LAYER_ROOTFS, "mount %s: the source %s does not exist", m->place.path, m->source);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: source %s", m->place.path, m->source);
    if (m->source_must_be_proc) {
        struct statfs fs;
        if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
            return err_set(err, -EPERM, LAYER_ROOTFS, "mount /proc: the source %s is no proc file system", m->source);
    }
    int r = apply_options(fd, m, err);
    if (r < 0)
        return r;
    ap->fds[op->slot] = TAKE_FD(fd);
    return 0;
}

int rootfs_userns(const struct apply *ap, const struct rootfs_idmap *idmap, struct err *err)
{
    if (idmap->uid_map != NULL)
        return idmap_new_userns(idmap->uid_map, idmap->gid_map, err);
    if (ap->plan->join_user < 0)
        return idmap_container_userns(ap, err);
    int fd = fcntl(ap->fds[ap->plan->join_user], F_DUPFD_CLOEXEC, 3);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "%s: the joined user namespace", idmap->what);
}

int rootfs_set_idmap(int fd, int userns, bool tree, const char *what, struct err *err)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
    if (mount_setattr(fd, "", AT_EMPTY_PATH | (tree ? AT_RECURSIVE : 0), &attr, sizeof attr) == 0)
        return 0;
    int r = -errno;
    if (r == -EINVAL)
        return err_set(err, r, LAYER_ROOTFS,
                       "%s: its file system cannot have its ids mapped on this kernel, or the mount is mapped already",
                       what);
    return err_set_errno(err, r, LAYER_ROOTFS, "%s: mapping its ids", what);
}

int rootfs_map_ids(struct apply *ap, const struct op *op, struct err *err)
{
    const struct rootfs_idmap *idmap = op->args;
    CLEANUP_FD int userns = rootfs_userns(ap, idmap, err);
    if (userns < 0)
        return userns;
    return rootfs_set_idmap(ap->fds[op->slot], userns, idmap->tree, idmap->what, err);
}
