/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masked paths: a file is covered by /dev/null, a directory by an empty read-only file system. There is one of each,
 * cloned for every path; a superblock for each directory is what makes other runtimes slow here.
 * Read-only paths: covered by a read-only clone of themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/rootfs/rootfs.h"
#include "sys/calls.h"

/*
 * The container's own /dev/null where it is ours, or else the host's: and in any case one that is the null device, for
 * a path that an image has filled would mask nothing (CVE-2025-31133).
 */
static int open_null(const struct rootfs_walk *w, struct err *err)
{
    CLEANUP_FD int fd = rootfs_open_in(w->root, "dev/null", O_PATH | O_NOFOLLOW, 0);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
        fd_close(&fd);
        fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
            return err_set(err, -ENODEV, LAYER_ROOTFS, "mask: neither the container nor the host has a real /dev/null");
    }
    return TAKE_FD(fd);
}

static int make_empty(struct err *err)
{
    CLEANUP_FD int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mask: empty file system");
    int fd = fsmount(fs, FSMOUNT_CLOEXEC,
                     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "mask: empty file system");
}

/*
 * A detached mount to cover one path with. The first empty file system serves as it is, the others are clones of it
 * where it was put. The path is known to exist: a detached mount that nobody needs costs a grace period of RCU.
 */
static int make_cover(struct rootfs_walk *w, bool directory, struct err *err)
{
    int *origin = directory ? &w->empty_origin : &w->null_origin;
    if (*origin < 0) {
        int first = directory ? make_empty(err) : open_null(w, err);
        if (first < 0)
            return first;
        if (directory) {
            *origin = fcntl(first, F_DUPFD_CLOEXEC, 3);
            return *origin >= 0 ? first : err_set_errno(err, -errno, LAYER_ROOTFS, "mask: descriptor");
        }
        *origin = first;
    }
    int fd = open_tree(*origin, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "mask: clone the cover");
}

static bool is_absent(int r)
{
    return r == -ENOENT || r == -ENOTDIR;
}

/*
 * From the held root, and not through magic links: /proc/self/root would be the host's until the pivot.
 */
static int open_target(const struct rootfs_walk *w, const struct rootfs_place *place)
{
    return rootfs_open_in(w->root, place->path[1] != '\0' ? place->path + 1 : ".", O_PATH, 0);
}

/* In our own /proc or /sys no name leads elsewhere: one call finds and uses it. */
static bool is_direct(const struct rootfs_walk *w, const struct rootfs_place *place)
{
    return place->slot >= 0 && !place->fresh && w->ap->fds[place->slot] >= 0;
}

static int cover(struct rootfs_walk *w, const struct rootfs_place *place, int dir, const char *relative,
                 bool directory, struct err *err)
{
    CLEANUP_FD int fd = make_cover(w, directory, err);
    if (fd < 0)
        return fd;
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (relative[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
    if (move_mount(fd, "", dir, relative, flags) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mask %s", place->path);
    return 0;
}

int rootfs_mask(struct rootfs_walk *w, const struct rootfs_place *place, struct err *err)
{
    struct stat st;
    if (is_direct(w, place)) {
        int dir = w->ap->fds[place->slot];
        if (fstatat(dir, place->relative, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return is_absent(-errno) ? 0 : err_set_errno(err, -errno, LAYER_ROOTFS, "mask %s", place->path);
        if (!S_ISLNK(st.st_mode))
            return cover(w, place, dir, place->relative, S_ISDIR(st.st_mode), err);
        /* A link of the kernel's: what it leads to is to be masked, not the link. */
    }
    CLEANUP_FD int target = open_target(w, place);
    if (is_absent(target))
        return 0;
    if (target < 0 || fstat(target, &st) < 0)
        return err_set_errno(err, target < 0 ? target : -errno, LAYER_ROOTFS, "mask %s", place->path);
    return cover(w, place, target, "", S_ISDIR(st.st_mode), err);
}

/* A clone of the tree at this place: 0 with *ret, or 1 when it is a link. */
static int clone_tree(int dir, const char *relative, int *ret)
{
    CLEANUP_FD int fd = open_tree(dir, relative, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
                                                     AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode))
        return 1;
    *ret = TAKE_FD(fd);
    return 0;
}

int rootfs_readonly(const struct rootfs_walk *w, const struct rootfs_place *place, struct err *err)
{
    CLEANUP_FD int fd = -EBADF, target = -EBADF;
    int dir = is_direct(w, place) ? w->ap->fds[place->slot] : -EBADF;
    const char *relative = place->relative;
    int r = dir >= 0 ? clone_tree(dir, relative, &fd) : 1;
    if (r == 1) {
        target = dir = open_target(w, place);
        relative = "";
        r = target < 0 ? target : clone_tree(target, "", &fd);
    }
    if (is_absent(r))
        return 0;
    if (r != 0)
        return err_set_errno(err, r, LAYER_ROOTFS, "read-only %s", place->path);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (relative[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0 ||
        move_mount(fd, "", dir, relative, flags) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "read-only %s", place->path);
    return 0;
}
