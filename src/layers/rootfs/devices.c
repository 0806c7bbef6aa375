/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes, the links of /dev, and the console. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/rootfs/rootfs.h"

/* The directory that a device belongs into: our tmpfs, or one found from the root; *ret_owned must be closed. */
static int directory_of(const struct rootfs_walk *w, int slot, const char *parent, int *ret_owned, struct err *err)
{
    if (slot >= 0 && w->ap->fds[slot] >= 0)
        return w->ap->fds[slot];
    int fd = rootfs_directory(w, parent, err);
    *ret_owned = fd;
    return fd;
}

static bool is_device(const struct stat *st, const struct rootfs_device *d)
{
    return (st->st_mode & S_IFMT) == (d->mode & S_IFMT) && (S_ISFIFO(d->mode) || st->st_rdev == d->number);
}

/*
 * Make room for a name. What an image has put there in the place of a device is not to be taken for it
 * (CVE-2025-31133); it goes. 1: the device is there already.
 */
static int clear_name(int dir, const struct rootfs_device *d, struct err *err)
{
    struct stat st;
    if (fstatat(dir, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "device %s", d->place.path);
    if (is_device(&st, d))
        return 1;
    if (unlinkat(dir, d->name, 0) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "device %s: the image has something else there, which cannot "
                             "be removed", d->place.path);
    return 0;
}

static int make_node(int dir, const struct rootfs_device *d, struct err *err)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        if (mknodat(dir, d->name, d->mode, d->number) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
        int r = clear_name(dir, d, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    return -EEXIST;
}

static int own(int dir, const struct rootfs_device *d, struct err *err)
{
    if ((d->uid != 0 || d->gid != 0) && fchownat(dir, d->name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "device %s: owner %u:%u", d->place.path, d->uid, d->gid);
    return 0;
}

int rootfs_device(struct rootfs_walk *w, const struct rootfs_device *d, struct err *err)
{
    if (d->bind || w->bind_devices)
        return 0; /* ROOTFS_BIND_DEVICES does it */
    CLEANUP_FD int owned = -EBADF;
    int dir = directory_of(w, d->place.slot, d->parent, &owned, err);
    if (dir < 0)
        return dir;
    struct err ignored = ERR_INIT;
    int r = make_node(dir, d, &ignored);
    if (r == -EPERM && !S_ISFIFO(d->mode)) {
        w->bind_devices = true; /* a device cgroup or a security module forbids making nodes */
        return 0;
    }
    if (r < 0 && ignored.code < 0) {
        *err = ignored;
        return r;
    }
    return r < 0 ? err_set_errno(err, r, LAYER_ROOTFS, "device %s", d->place.path) : own(dir, d, err);
}

static int bind_device(const struct rootfs_walk *w, const struct rootfs_device *d, struct err *err)
{
    CLEANUP_FD int owned = -EBADF;
    int dir = directory_of(w, d->place.slot, d->parent, &owned, err);
    if (dir < 0)
        return dir;
    struct stat st;
    if (fstatat(dir, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_device(&st, d))
        return 0;
    /* We are still in the host's tree: this is the host's own node. */
    CLEANUP_FD int source =
        open_tree(AT_FDCWD, d->place.path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    if (source < 0 || fstat(source, &st) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "device %s: nodes cannot be made here, and the host's",
                             d->place.path);
    if (!is_device(&st, d))
        return err_set(err, -ENODEV, LAYER_ROOTFS,
                       "device %s: nodes cannot be made here, and what the host has there is another", d->place.path);
    if (mknodat(dir, d->name, S_IFREG | 0666, 0) < 0) {
        if (errno != EEXIST)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "device %s: its mount point", d->place.path);
        if (fstatat(dir, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
            return err_set(err, -EEXIST, LAYER_ROOTFS, "device %s: the image has a directory or a link there",
                           d->place.path);
    }
    if (move_mount(source, "", dir, d->name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "device %s: bind the host's", d->place.path);
    return 0;
}

int rootfs_bind_devices(struct rootfs_walk *w, struct err *err)
{
    plan_each(op, w->ap->plan, LAYER_ROOTFS, STEP_CHILD_ROOTFS) {
        if (op->kind != ROOTFS_DEVICE)
            continue;
        const struct rootfs_device *d = op->args;
        if (!d->bind && (!w->bind_devices || S_ISFIFO(d->mode)))
            continue;
        int r = bind_device(w, d, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int rootfs_link(const struct rootfs_walk *w, const struct rootfs_link *l, struct err *err)
{
    CLEANUP_FD int owned = -EBADF;
    int dir = directory_of(w, l->slot, l->parent, &owned, err);
    if (dir < 0)
        return dir;
    if (symlinkat(l->to, dir, l->name) < 0 && errno != EEXIST)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "link %s/%s", l->parent, l->name);
    return 0;
}

/* The multiplexer of the container's own devpts, or whatever is mounted on its /dev/pts if that is one. */
static int open_multiplexer(const struct rootfs_walk *w, int pts_slot, struct err *err)
{
    if (pts_slot >= 0) {
        int fd = openat(w->ap->fds[pts_slot], "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
        return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "console: /dev/pts/ptmx");
    }
    CLEANUP_FD int dir = rootfs_open_in(w->root, "dev/pts", O_PATH | O_DIRECTORY, 0);
    struct statfs fs;
    if (dir < 0 || fstatfs(dir, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
        return err_set(err, -ENODEV, LAYER_ROOTFS,
                       "process.terminal: there is no devpts on /dev/pts; add the mount, or do without a terminal");
    int fd = openat(dir, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "console: /dev/pts/ptmx");
}

/*
 * The peer comes from the master by ioctl and is bound from its own descriptor: no name in the container's tree is
 * trusted to lead to it (CVE-2025-52565).
 */
int rootfs_console(struct rootfs_walk *w, const struct rootfs_console *c, struct err *err)
{
    CLEANUP_FD int master = open_multiplexer(w, c->pts_slot, err);
    if (master < 0)
        return master;
    int unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "console: unlock");
    CLEANUP_FD int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "console: open the terminal");
    CLEANUP_FD int clone = open_tree(peer, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (clone < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "console: clone the terminal");
    const struct rootfs_place place = {.path = "/dev/console",
                                       .slot = c->dev_slot,
                                       .relative = c->dev_slot >= 0 ? "console" : "dev/console",
                                       .fresh = c->dev_slot >= 0};
    int r = rootfs_attach(w, clone, &place, ROOTFS_ANY, err);
    if (r < 0)
        return r;
    w->ap->fds[SLOT_CONSOLE] = TAKE_FD(master);
    return 0;
}
