/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay of image layers with a private upper directory, as a detached mount.
 *
 * With ids mapped, every layer is seen through an idmapped clone (overlayfs itself cannot be idmapped): a file that 0
 * owns in the image is owned by the container's 0, and what the container creates is stored as 0. Upper and work must
 * lie on one mount, so it is their common parent that is cloned. Overlayfs works in its upper directory with the ids of
 * who mounted it, and the host's 0 does not exist in that clone; so the mount is made with the file system ids that
 * own the upper directory as the container sees it: those of container root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/idmap/idmap.h"
#include "layers/rootfs/rootfs.h"
#include "sys/calls.h"

#define MAX_VALUE 255 /* of fsconfig(2), without its NUL */

_Static_assert(sizeof(struct __user_cap_data_struct) * 2 == sizeof((struct rootfs_identity){0}.caps), "caps");

static struct __user_cap_header_struct cap_header(void)
{
    return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

/* Of this thread only: the raw calls, not glibc's. Leaving id 0 drops capabilities that overlayfs needs to act with. */
int rootfs_become(const struct stat *owner, struct rootfs_identity *ret_old, struct err *err)
{
    struct __user_cap_header_struct header = cap_header();
    struct rootfs_identity old = {0};
    int r = sys_capget(&header, old.caps);
    if (r < 0)
        return err_set_errno(err, r, LAYER_ROOTFS, "overlay: capget");
    old.gid = (uint32_t)syscall(SYS_setfsgid, owner->st_gid);
    old.uid = (uint32_t)syscall(SYS_setfsuid, owner->st_uid);
    header = cap_header();
    r = sys_capset(&header, old.caps);
    *ret_old = old;
    if (r < 0 || (uint32_t)syscall(SYS_setfsuid, -1) != owner->st_uid) {
        (void)rootfs_unbecome(&old, NULL);
        return err_set(err, -EPERM, LAYER_ROOTFS, "overlay: cannot act as host user %u, the owner of upper",
                       owner->st_uid);
    }
    return 0;
}

int rootfs_unbecome(const struct rootfs_identity *old, struct err *err)
{
    struct __user_cap_header_struct header = cap_header();
    (void)syscall(SYS_setfsuid, old->uid);
    (void)syscall(SYS_setfsgid, old->gid);
    int r = sys_capset(&header, (void *)(uintptr_t)old->caps);
    return r < 0 ? err_set_errno(err, r, LAYER_ROOTFS, "overlay: capset") : 0;
}

static int failed(int fs, int code, const char *key, const char *path, struct err *err)
{
    char what[300];
    snprintf(what, sizeof what, "overlay: %s %s", key, path);
    return rootfs_filesystem_failed(fs, code, err, what);
}

/* A path that is too long for fsconfig is said through a descriptor. */
static int set_path(int fs, const char *key, const char *path, struct err *err)
{
    if (strlen(path) <= MAX_VALUE)
        return fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0) < 0 ? failed(fs, -errno, key, path, err) : 0;
    CLEANUP_FD int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: %s %s", key, path);
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return fsconfig(fs, FSCONFIG_SET_STRING, key, link, 0) < 0 ? failed(fs, -errno, key, path, err) : 0;
}

static int clone_mapped(const char *path, int userns, struct err *err)
{
    CLEANUP_FD int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: layer %s", path);
    int r = rootfs_set_idmap(fd, userns, false, path, err);
    return r < 0 ? r : TAKE_FD(fd);
}

/* Clones live as long as their descriptors, and overlayfs takes them only when it is created: hold them until then. */
struct held {
    int *fds;
    size_t n;
};

static void held_free(struct held *h)
{
    for (size_t i = 0; i < h->n; i++)
        fd_close(&h->fds[i]);
    free(h->fds);
}

static int set_mapped_upper(int fs, const struct rootfs_overlay *o, int userns, struct held *held,
                            struct stat *ret_owner, struct err *err)
{
    int base = clone_mapped(o->base, userns, err);
    if (base < 0)
        return base;
    held->fds[held->n++] = base;
    const struct {
        const char *key, *below, *path;
    } sides[] = {{"upperdir", o->upper_below, o->upper}, {"workdir", o->work_below, o->work}};
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        CLEANUP_FD int fd = openat(base, sides[i].below, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: %s %s", sides[i].key, sides[i].path);
        if (fsconfig(fs, FSCONFIG_SET_FD, sides[i].key, NULL, fd) < 0)
            return failed(fs, -errno, sides[i].key, sides[i].path, err);
        if (i == 0 && fstat(fd, ret_owner) < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: upper %s", o->upper);
    }
    return 0;
}

/* Runs in the parent only, where memory may be asked for. */
static int set_mapped_layers(int fs, const struct rootfs_overlay *o, int userns, struct held *held,
                             struct stat *ret_owner, struct err *err)
{
    held->fds = calloc(o->n_lower + 1, sizeof *held->fds);
    if (held->fds == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    for (size_t i = 0; i < o->n_lower; i++) {
        int fd = clone_mapped(o->lower[i], userns, err);
        if (fd < 0)
            return fd;
        held->fds[held->n++] = fd;
        if (fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, fd) < 0)
            return failed(fs, -errno, "layer", o->lower[i], err);
    }
    return o->upper != NULL ? set_mapped_upper(fs, o, userns, held, ret_owner, err) : 0;
}

static int set_upper(int fs, const struct rootfs_overlay *o, struct err *err)
{
    if (o->upper == NULL)
        return 0;
    int r = set_path(fs, "upperdir", o->upper, err);
    return r < 0 ? r : set_path(fs, "workdir", o->work, err);
}

static int set_layers(int fs, const struct rootfs_overlay *o, struct err *err)
{
    int r = 0;
    for (size_t i = 0; i < o->n_lower && r == 0; i++)
        r = set_path(fs, "lowerdir+", o->lower[i], err);
    return r < 0 ? r : set_upper(fs, o, err);
}

/* Kernels before 6.8: all layers in one string, here of at most 255 bytes (the plan saw to that). */
static int set_layers_classic(int fs, const struct rootfs_overlay *o, struct err *err)
{
    char list[MAX_VALUE + 1];
    size_t used = 0;
    for (size_t i = 0; i < o->n_lower && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ":" : "", o->lower[i]);
    if (used >= sizeof list)
        return err_set(err, -E2BIG, LAYER_ROOTFS, "overlay: its layers' paths do not fit into %d bytes", MAX_VALUE);
    int r = set_path(fs, "lowerdir", list, err);
    return r < 0 ? r : set_upper(fs, o, err);
}

static int set_rest(int fs, const struct rootfs_overlay *o, struct err *err)
{
    const struct rootfs_parameter fixed[] = {{"source", "overlay"}, {"context", o->label}};
    int r = 0;
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].value != NULL && (r = rootfs_parameter_set(fs, "overlay", &fixed[i], err)) < 0)
            return r;
    for (size_t i = 0; i < o->n_parameters; i++)
        if ((r = rootfs_parameter_set(fs, "overlay", &o->parameters[i], err)) < 0)
            return r;
    if (o->user_xattr)
        return rootfs_parameter_set(fs, "overlay", &(struct rootfs_parameter){.key = "userxattr"}, err);
    return 0;
}

static int create(int fs, const struct stat *owner, struct err *err)
{
    if (owner == NULL)
        return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0
                   ? rootfs_filesystem_failed(fs, -errno, err, "overlay") : 0;
    struct rootfs_identity old;
    int r = rootfs_become(owner, &old, err);
    if (r < 0)
        return r;
    r = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
    int back = rootfs_unbecome(&old, err);
    if (r < 0)
        return rootfs_filesystem_failed(fs, r, err, "overlay");
    return back;
}

int rootfs_overlay_mount(const struct apply *ap, const struct rootfs_overlay *o, uint64_t attributes, struct err *err)
{
    CLEANUP_FD int userns = o->idmap != NULL ? rootfs_userns(ap, o->idmap, err) : -EBADF;
    if (o->idmap != NULL && userns < 0)
        return userns;
    if (o->by_path)
        return rootfs_overlay_by_path(o, userns, attributes, err);
    CLEANUP_FD int fs = fsopen("overlay", FSOPEN_CLOEXEC);
    if (fs < 0 && errno == ENODEV)
        return err_set(err, -ENODEV, LAYER_ROOTFS, "overlay: this kernel has none; modprobe overlay");
    if (fs < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: fsopen");
    struct stat owner = {0};
    CLEANUP(held_free) struct held held = {.fds = NULL};
    int r = userns >= 0  ? set_mapped_layers(fs, o, userns, &held, &owner, err)
            : o->append ? set_layers(fs, o, err)
                        : set_layers_classic(fs, o, err);
    if (r < 0 || (r = set_rest(fs, o, err)) < 0 ||
        (r = create(fs, userns >= 0 && o->upper != NULL ? &owner : NULL, err)) < 0)
        return r;
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attributes);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: fsmount");
}
