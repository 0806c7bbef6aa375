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

/* A detached mount to cover one path with. It stays the walk's until release_cover() says that it was used. */
static int take_cover(struct rootfs_walk *w, bool directory, struct err *err)
{
    int *origin = directory ? &w->empty_origin : &w->null_origin;
    int *spare = directory ? &w->empty_spare : &w->null_spare;
    if (*spare >= 0)
        return *spare;
    if (*origin < 0) {
        *origin = directory ? make_empty(err) : open_null(w, err);
        if (*origin < 0)
            return *origin;
        if (directory) /* the first mount itself serves; later ones are cloned from where it was put */
            return *spare = *origin;
    }
    *spare = open_tree(*origin, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    return *spare >= 0 ? *spare : err_set_errno(err, -errno, LAYER_ROOTFS, "mask: clone the cover");
}

static void release_cover(struct rootfs_walk *w, bool directory)
{
    if (directory && w->empty_spare == w->empty_origin)
        w->empty_spare = -EBADF;
    else
        fd_close(directory ? &w->empty_spare : &w->null_spare);
}

static bool is_absent(int r)
{
    return r == -ENOENT || r == -ENOTDIR;
}

/* 0: covered; 1: it is of the other kind; or a negative errno with its message. */
static int cover(struct rootfs_walk *w, const struct rootfs_mask *m, int dir, const char *relative, bool directory,
                 struct err *err)
{
    /* Do not make an empty file system for a path that this kernel does not have. */
    if (directory && w->empty_origin < 0 && relative[0] != '\0') {
        CLEANUP_FD int fd = openat(dir, relative, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return errno == ENOTDIR || errno == ELOOP ? 1 : errno == ENOENT ? 0
                       : err_set_errno(err, -errno, LAYER_ROOTFS, "mask %s", m->place.path);
    }
    int fd = take_cover(w, directory, err);
    if (fd < 0)
        return fd;
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (relative[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
    if (move_mount(fd, "", dir, relative, flags) < 0) {
        if (errno == ENOENT)
            return 0;
        if (errno == EINVAL || errno == ENOTDIR)
            return 1;
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mask %s", m->place.path);
    }
    release_cover(w, directory);
    return 0;
}

static int cover_either(struct rootfs_walk *w, const struct rootfs_mask *m, int dir, const char *relative,
                        bool directory, struct err *err)
{
    int r = cover(w, m, dir, relative, directory, err);
    if (r == 1)
        r = cover(w, m, dir, relative, !directory, err);
    if (r == 1)
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mask %s: neither a file nor a directory can cover it",
                       m->place.path);
    return r;
}

/*
 * From the held root, and not through magic links: /proc/self/root would be the host's until the pivot.
 */
static int open_target(const struct rootfs_walk *w, const struct rootfs_place *place)
{
    return rootfs_open_in(w->root, place->path[1] != '\0' ? place->path + 1 : ".", O_PATH, 0);
}

int rootfs_mask(struct rootfs_walk *w, const struct rootfs_mask *m, struct err *err)
{
    if (m->place.slot >= 0 && !m->place.fresh && w->ap->fds[m->place.slot] >= 0)
        return cover_either(w, m, w->ap->fds[m->place.slot], m->place.relative, m->likely_directory, err);
    CLEANUP_FD int target = open_target(w, &m->place);
    if (is_absent(target))
        return 0;
    struct stat st;
    if (target < 0 || fstat(target, &st) < 0)
        return err_set_errno(err, target < 0 ? target : -errno, LAYER_ROOTFS, "mask %s", m->place.path);
    return cover_either(w, m, target, "", S_ISDIR(st.st_mode), err);
}

int rootfs_readonly(const struct rootfs_walk *w, const struct rootfs_place *place, struct err *err)
{
    CLEANUP_FD int target = -EBADF;
    int dir;
    const char *relative = place->relative;
    bool direct = place->slot >= 0 && !place->fresh && w->ap->fds[place->slot] >= 0;
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
