/* SPDX-License-Identifier: Apache-2.0 */
/* A new file system as a detached mount: fsopen, its parameters, fsmount. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/rootfs/rootfs.h"

/* The kernel's own words, if it has any, say more than the errno: "e tmpfs: Bad value for 'size'". */
int rootfs_filesystem_failed(int fs, int code, struct err *err, const char *what)
{
    char text[200];
    ssize_t n = read(fs, text, sizeof text - 1);
    if (n <= 0)
        return err_set_errno(err, code, LAYER_ROOTFS, "%s", what);
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    const char *words = strlen(text) > 2 && text[1] == ' ' ? text + 2 : text;
    return err_set_errno(err, code, LAYER_ROOTFS, "%s: %s", what, words);
}

int rootfs_parameter_set(int fs, const char *type, const struct rootfs_parameter *p, struct err *err)
{
    int r = p->value != NULL ? fsconfig(fs, FSCONFIG_SET_STRING, p->key, p->value, 0)
                             : fsconfig(fs, FSCONFIG_SET_FLAG, p->key, NULL, 0);
    if (r == 0)
        return 0;
    r = -errno;
    char what[160];
    snprintf(what, sizeof what, "%s: option \"%s%s%s\"", type, p->key, p->value != NULL ? "=" : "",
             p->value != NULL ? p->value : "");
    return rootfs_filesystem_failed(fs, r, err, what);
}

/*
 * On these, read-only is a matter of the mount alone. On a file system that lives on a device the superblock has to
 * know too, or it would write (a journal, its state).
 */
static bool is_virtual(const char *type)
{
    static const char *const types[] = {"proc",   "sysfs",   "tmpfs",     "devpts",    "mqueue",  "cgroup",
                                        "cgroup2", "ramfs",  "securityfs", "debugfs",  "tracefs", "bpf",
                                        "devtmpfs", "hugetlbfs", "binfmt_misc", "overlay", "fuse", "9p"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(types[i], type))
            return true;
    return false;
}

static const char *hint(const char *type, int code)
{
    if (code != -EPERM && code != -EBUSY)
        return "";
    if (str_eq(type, "sysfs"))
        return "; a user namespace may mount it only with a network namespace of its own: bind /sys instead";
    if (str_eq(type, "proc"))
        return "; inside another container whose /proc is masked this needs a bind of /proc, or that mask lifted";
    return "";
}

int rootfs_filesystem(const struct rootfs_mount *m, uint64_t attributes, struct err *err)
{
    CLEANUP_FD int fs = fsopen(m->type, FSOPEN_CLOEXEC);
    if (fs < 0 && errno == ENODEV)
        return err_set(err, -ENODEV, LAYER_ROOTFS, "mount %s: this kernel has no file system \"%s\"", m->place.path,
                       m->type);
    if (fs < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "mount %s: %s", m->place.path, m->type);
    const struct rootfs_parameter fixed[] = {{"source", m->source}, {"context", m->label}};
    int r = 0;
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].value != NULL && (r = rootfs_parameter_set(fs, m->type, &fixed[i], err)) < 0)
            return err_prefix(err, "mount %s", m->place.path);
    for (size_t i = 0; i < m->options.n_parameters; i++)
        if ((r = rootfs_parameter_set(fs, m->type, &m->options.parameters[i], err)) < 0)
            return err_prefix(err, "mount %s", m->place.path);
    if ((attributes & MOUNT_ATTR_RDONLY) != 0 && !is_virtual(m->type) &&
        (r = rootfs_parameter_set(fs, m->type, &(struct rootfs_parameter){.key = "ro"}, err)) < 0)
        return err_prefix(err, "mount %s", m->place.path);
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        r = -errno;
        char what[128];
        snprintf(what, sizeof what, "%s%s", m->type, hint(m->type, r));
        rootfs_filesystem_failed(fs, r, err, what);
        return err_prefix(err, "mount %s", m->place.path);
    }
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attributes);
    if (fd < 0) {
        r = -errno;
        return err_set_errno(err, r, LAYER_ROOTFS, "mount %s: %s%s", m->place.path, m->type, hint(m->type, r));
    }
    return fd;
}
