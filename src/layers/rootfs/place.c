/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in the container's tree, found from the held root by descriptor. What the image's symbolic links say, the
 * result lies inside the root (openat2(2), RESOLVE_IN_ROOT), and it is used as a descriptor, never looked up again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/rootfs/rootfs.h"
#include "sys/calls.h"

/* A rename or mount elsewhere during a ".." makes the kernel give up (openat2(2), EAGAIN). */
#define MAX_ATTEMPTS 64

int rootfs_open_in(int root, const char *relative, uint64_t flags, uint64_t resolve)
{
    for (int i = 0;; i++) {
        int fd = sys_openat2(root, relative, flags, 0, resolve | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        if (fd != -EAGAIN || i == MAX_ATTEMPTS)
            return fd;
    }
}

/* One component below a directory that we hold; a symbolic link there is refused, not followed. */
static int make_component(int parent, const char *name, bool directory)
{
    int r = directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
    if (r < 0)
        return -errno;
    return sys_openat2(parent, name, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/*
 * mkdir -p inside the root. Each prefix is looked up from the root, so that links in it resolve inside; the first that
 * is missing is made in the descriptor of the one before. A dangling link makes a name that is neither there nor free.
 */
static int make(const struct rootfs_walk *w, const char *path, bool directory, struct err *err)
{
    char prefix[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof prefix)
        return err_set_errno(err, -ENAMETOOLONG, LAYER_ROOTFS, "%s", path);
    memcpy(prefix, path, len + 1);
    CLEANUP_FD int parent = -EBADF;
    for (char *name = prefix + 1;;) {
        char *slash = strchr(name, '/');
        if (slash != NULL)
            *slash = '\0';
        bool last = slash == NULL;
        int fd = rootfs_open_in(w->root, prefix + 1, O_PATH, 0);
        if (fd == -ENOENT)
            fd = make_component(parent >= 0 ? parent : w->root, name, directory || !last);
        if (fd == -EEXIST)
            return err_set(err, -ELOOP, LAYER_ROOTFS,
                           "%s: %s in the image is a symbolic link to what is not there; nothing can be mounted on it",
                           path, prefix);
        if (fd == -EROFS)
            return err_set(err, -EROFS, LAYER_ROOTFS,
                           "%s: the image has no such path and is read-only, so that it cannot be made", path);
        if (fd < 0)
            return err_set_errno(err, fd, LAYER_ROOTFS, "%s: making %s", path, prefix);
        fd_close(&parent);
        if (last)
            return fd;
        parent = fd;
        *slash = '/';
        name = slash + 1;
    }
}

int rootfs_directory(const struct rootfs_walk *w, const char *path, struct err *err)
{
    const char *relative = path[1] != '\0' ? path + 1 : ".";
    int fd = rootfs_open_in(w->root, relative, O_PATH | O_DIRECTORY, 0);
    if (fd == -ENOENT)
        return make(w, path, true, err);
    return fd < 0 ? err_set_errno(err, fd, LAYER_ROOTFS, "%s", path) : fd;
}

static bool is_below_proc(const char *path)
{
    return rootfs_path_below(path, "/proc") != NULL;
}

/*
 * The mount point; -ENOENT alone comes without a message. A path without links cannot lead into /proc unless it says
 * so, and then the plan has checked it; one with links might (CVE-2019-19921, CVE-2023-27561): nothing is to stand in
 * for the kernel's files by a detour.
 */
static int find(const struct rootfs_walk *w, const struct rootfs_place *place, bool real_directory, struct err *err)
{
    CLEANUP_FD int fd = rootfs_open_in(w->root, place->relative, O_PATH, RESOLVE_NO_SYMLINKS);
    bool linked = fd == -ELOOP;
    if (linked && real_directory)
        return err_set(err, -ELOOP, LAYER_ROOTFS,
                       "mount %s: a symbolic link in the image leads elsewhere; it must be a real directory",
                       place->path);
    if (linked)
        fd = rootfs_open_in(w->root, place->relative, O_PATH, 0);
    if (fd == -ENOENT)
        return fd;
    if (fd < 0)
        return err_set_errno(err, fd, LAYER_ROOTFS, "mount %s", place->path);
    struct statfs fs;
    if (linked && !is_below_proc(place->path) && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
        return err_set(err, -EPERM, LAYER_ROOTFS, "mount %s: a symbolic link in the image leads it into /proc",
                       place->path);
    return TAKE_FD(fd);
}

static int attach_failed(const struct rootfs_place *place, int mount, int dir, const char *relative, int code,
                         struct err *err)
{
    struct stat what, where;
    if (fstat(mount, &what) == 0 && fstatat(dir, relative, &where, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(what.st_mode) != S_ISDIR(where.st_mode)) {
        const char *kind = S_ISDIR(what.st_mode) ? "directory" : "file";
        return err_set(err, -ENOTDIR, LAYER_ROOTFS, "mount %s: a %s can only be mounted on a %s", place->path, kind,
                       kind);
    }
    return err_set_errno(err, code, LAYER_ROOTFS, "mount %s", place->path);
}

static int attach_trusted(const struct rootfs_walk *w, int mount, const struct rootfs_place *place, bool is_directory,
                          struct err *err)
{
    int parent = w->ap->fds[place->slot];
    if (place->fresh) {
        struct stat st = {.st_mode = S_IFDIR};
        if (!is_directory && fstat(mount, &st) < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s", place->path);
        int r = S_ISDIR(st.st_mode) ? mkdirat(parent, place->relative, 0755)
                                    : mknodat(parent, place->relative, S_IFREG | 0644, 0);
        if (r < 0 && errno != EEXIST)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: making its mount point", place->path);
    }
    if (move_mount(mount, "", parent, place->relative, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return attach_failed(place, mount, parent, place->relative, -errno, err);
    return 0;
}

int rootfs_attach(const struct rootfs_walk *w, int mount, const struct rootfs_place *place, enum rootfs_shape shape,
                  struct err *err)
{
    if (place->slot >= 0 && w->ap->fds[place->slot] >= 0)
        return attach_trusted(w, mount, place, shape != ROOTFS_ANY, err);
    CLEANUP_FD int target = find(w, place, shape == ROOTFS_REAL_DIRECTORY, err);
    if (target == -ENOENT) {
        struct stat st;
        if (fstat(mount, &st) < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s", place->path);
        target = make(w, place->path, S_ISDIR(st.st_mode), err);
    }
    if (target < 0)
        return target;
    if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return attach_failed(place, mount, target, "", -errno, err);
    return 0;
}
