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

int rootfs_mask(struct rootfs_walk *w, const struct rootfs_place *place, struct err *err)
{
    CLEANUP_FD int target = -EBADF;
    bool direct = is_direct(w, place);
    int dir = direct ? w->ap->fds[place->slot] : (target = open_target(w, place));
    const char *relative = direct ? place->relative : "";
    if (is_absent(dir))
        return 0;
    struct stat st;
    if (dir < 0 || fstatat(dir, relative, &st, AT_SYMLINK_NOFOLLOW | (direct ? 0 : AT_EMPTY_PATH)) < 0) {
        int r = dir < 0 ? dir : -errno;
        return is_absent(r) ? 0 : err_set_errno(err, r, LAYER_ROOTFS, "mask %s", place->path);
    }
    CLEANUP_FD int cover = make_cover(w, S_ISDIR(st.st_mode), err);
    if (cover < 0)
        return cover;
    if (move_mount(cover, "", dir, relative, MOVE_MOUNT_F_EMPTY_PATH | (direct ? 0 : MOVE_MOUNT_T_EMPTY_PATH)) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mask %s", place->path);
    return 0;
}

int rootfs_readonly(const struct rootfs_walk *w, const struct rootfs_place *place, struct err *err)
{
    CLEANUP_FD int target = -EBADF;
    int dir;
    const char *relative = place->relative;
    bool direct = is_direct(w, place);
    if (direct) {
        dir = w->ap->fds[place->slot];
    } else {
        target = open_target(w, place);
        if (is_absent(target))
            return 0;
        if (target < 0)
            return err_set_errno(err, target, LAYER_ROOTFS, "read-only %s", place->path);
        dir = target;
        relative = "";
    }
    CLEANUP_FD int fd = open_tree(dir, relative, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
                                                     AT_SYMLINK_NOFOLLOW | (direct ? 0 : AT_EMPTY_PATH));
    if (fd < 0 && is_absent(-errno))
        return 0;
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0 ||
        move_mount(fd, "", dir, relative, MOVE_MOUNT_F_EMPTY_PATH | (direct ? 0 : MOVE_MOUNT_T_EMPTY_PATH)) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "read-only %s", place->path);
    return 0;
}
