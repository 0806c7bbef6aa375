/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs into every /dev (runtime-spec, config-linux.md "Default Devices" and "Dev symbolic links"), and more. */
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "layers/rootfs/rootfs.h"

static const struct {
    const char *path;
    unsigned major, minor;
} default_devices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct {
    const char *name, *to;
} default_links[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static bool is_bound(const struct rootfs_planning *p)
{
    for (size_t i = 0; i < p->n_mounts; i++)
        if (str_eq(p->mounts[i]->place.path, "/dev") && p->mounts[i]->kind == ROOTFS_BIND)
            return true;
    return false;
}

/* The descriptor of our own tmpfs on /dev, or -1. */
static int dev_slot(struct rootfs_planning *p)
{
    struct rootfs_place place;
    rootfs_plan_place(p, "/dev/null", &place);
    return place.fresh && str_eq(place.relative, "null") ? place.slot : -1;
}

static int add_device(struct rootfs_planning *p, struct rootfs_device *d, const char *path, struct err *err)
{
    char *clean = rootfs_path_clean(p->plan->arena, path);
    if (clean == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    char *slash = strrchr(clean, '/');
    if (slash[1] == '\0')
        return err_set(err, -EINVAL, LAYER_ROOTFS, "linux.devices: %s cannot be a device", path);
    rootfs_plan_place(p, clean, &d->place);
    if (!d->place.fresh)
        d->place.slot = -1;
    d->name = slash + 1;
    d->parent = slash == clean ? "/" : arena_strndup(p->plan->arena, clean, (size_t)(slash - clean));
    const char *letter = S_ISCHR(d->mode) ? "c" : S_ISBLK(d->mode) ? "b" : "p";
    rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_DEVICE, d->bind ? "bind-device" : "device", clean,
                   arena_printf(p->plan->arena, "%s %u:%u mode %04o owner %u:%u", letter, major(d->number),
                                minor(d->number), d->mode & 07777, d->uid, d->gid),
                   d, d->place.slot);
    return 0;
}

static bool is_in_config(const struct oci_linux *l, const char *path)
{
    for (size_t i = 0; i < l->devices.n; i++)
        if (l->devices.v[i].path != NULL && str_eq(l->devices.v[i].path, path))
            return true;
    return false;
}

static int plan_default_devices(struct rootfs_planning *p, bool bind, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(default_devices); i++) {
        if (is_in_config(p->config->linux, default_devices[i].path))
            continue;
        struct rootfs_device *d = arena_new(p->plan->arena, struct rootfs_device);
        if (d == NULL)
            return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
        d->mode = S_IFCHR | 0666;
        d->number = makedev(default_devices[i].major, default_devices[i].minor);
        d->bind = bind;
        int r = add_device(p, d, default_devices[i].path, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int plan_config_device(struct rootfs_planning *p, size_t i, bool bind, struct err *err)
{
    const struct oci_device *c = &p->config->linux->devices.v[i];
    struct rootfs_device *d = arena_new(p->plan->arena, struct rootfs_device);
    if (d == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    if (c->path != NULL && str_eq(c->path, "/dev/ptmx"))
        return 0; /* the link to the container's own multiplexer is that */
    if (c->path == NULL || c->path[0] != '/')
        return err_set(err, -EINVAL, LAYER_ROOTFS, "linux.devices[%zu].path: an absolute path is needed", i);
    mode_t type = 0;
    switch (c->type != NULL ? c->type[0] : '\0') {
    case 'c':
    case 'u':
        type = S_IFCHR;
        break;
    case 'b':
        type = S_IFBLK;
        break;
    case 'p':
        type = S_IFIFO;
        break;
    default:
        return err_set(err, -EINVAL, LAYER_ROOTFS, "linux.devices[%zu] %s: type is one of c, b, u and p", i, c->path);
    }
    if (type != S_IFIFO && (c->major.v < 0 || c->minor.v < 0 || c->major.v > 0xfff || c->minor.v > 0xfffff))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "linux.devices[%zu] %s: %" PRId64 ":%" PRId64 " is no device number",
                       i, c->path, c->major.v, c->minor.v);
    d->mode = type | (c->file_mode.set ? (mode_t)(c->file_mode.v & 07777) : 0666);
    d->number = type == S_IFIFO ? 0 : makedev((unsigned)c->major.v, (unsigned)c->minor.v);
    d->uid = (uid_t)c->uid.v;
    d->gid = (gid_t)c->gid.v;
    d->bind = bind && type != S_IFIFO;
    return add_device(p, d, c->path, err);
}

static int plan_console(struct rootfs_planning *p, bool bound, struct err *err)
{
    struct rootfs_console *c = arena_new(p->plan->arena, struct rootfs_console);
    if (c == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    c->pts_slot = -1;
    for (size_t i = p->n_mounts; i-- > 0;) {
        struct rootfs_mount *m = p->mounts[i];
        if (rootfs_path_below("/dev/pts", m->place.path) == NULL)
            continue;
        if (m->kind == ROOTFS_FILESYSTEM && str_eq(m->type, "devpts")) {
            if (m->keep_slot < 0)
                m->keep_slot = plan_slot(p->plan);
            c->pts_slot = m->keep_slot;
        }
        break;
    }
    c->dev_slot = bound ? -1 : dev_slot(p);
    rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_CONSOLE, "console", "/dev/console", NULL, c, SLOT_CONSOLE);
    return 0;
}

int rootfs_plan_dev(struct rootfs_planning *p, struct err *err)
{
    bool bound = is_bound(p);
    bool bind = p->user_namespace || !p->host->initial_userns || !host_has_capability(p->host, CAP_MKNOD);
    int r = 0;
    /* A /dev that is the host's is not to be written to; it has them all. */
    if (!bound) {
        if ((r = plan_default_devices(p, bind, err)) < 0)
            return r;
        for (size_t i = 0; i < p->config->linux->devices.n; i++)
            if ((r = plan_config_device(p, i, bind, err)) < 0)
                return r;
        rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_BIND_DEVICES, "bind-devices", "/dev",
                       bind ? "always" : "where nodes are refused", NULL, -1);
        int slot = dev_slot(p);
        for (size_t i = 0; i < ARRAY_LEN(default_links); i++) {
            struct rootfs_link *l = arena_new(p->plan->arena, struct rootfs_link);
            if (l == NULL)
                return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
            *l = (struct rootfs_link){
                .slot = slot, .parent = "/dev", .name = default_links[i].name, .to = default_links[i].to};
            rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_LINK, "link",
                           arena_printf(p->plan->arena, "/dev/%s", l->name), l->to, l, slot);
        }
    }
    if (p->config->process != NULL && p->config->process->terminal.v)
        r = plan_console(p, bound, err);
    return r;
}
