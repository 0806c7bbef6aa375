/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mount tree of a live container lacks of its configuration, and what it has that nobody asked for. Paths of
 * the document are looked up inside the container's root first, for the kernel knows mounts by where links led.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "insight/facts.h"
#include "layers/rootfs/mounts.h"
#include "sys/calls.h"

static bool within(const char *path, const char *top)
{
    return rootfs_path_below(path, top) != NULL;
}

static bool lists(const struct oci_strs *list, const char *path)
{
    for (size_t i = 0; i < list->n; i++)
        if (within(path, list->v[i]))
            return true;
    return false;
}

/* Where this path leads in the container; NULL: it has no such file. Without a look at it: the path as it is. */
static const char *lookup(const struct wall_view *v, const char *path)
{
    const char *clean = rootfs_path_clean(v->a, path);
    char name[64], found[4096];
    if (!v->input->look || clean == NULL)
        return clean;
    snprintf(name, sizeof name, "/proc/%d/root", (int)v->input->pid);
    CLEANUP_FD int root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return clean;
    CLEANUP_FD int fd = sys_openat2(root, clean[1] != '\0' ? clean + 1 : ".", O_PATH, 0,
                                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd < 0)
        return fd == -ENOENT || fd == -ENOTDIR ? NULL : clean;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, found, sizeof found);
    return n > 0 && (size_t)n < sizeof found && found[0] == '/' ? arena_strndup(v->a, found, (size_t)n) : clean;
}

static bool has_option(const struct oci_mount *m, const char *word)
{
    for (size_t i = 0; i < m->options.n; i++)
        if (str_eq(m->options.v[i], word))
            return true;
    return false;
}

/* Can nothing be written at this path? What decides is the mount next above it. */
static bool is_readonly(const struct oci_config *seen, const char *path)
{
    if (lists(&seen->linux->masked_paths, path))
        return true;
    size_t longest = 0;
    bool readonly = seen->root != NULL && seen->root->readonly.v;
    for (size_t i = 0; i < seen->mounts.n; i++) {
        const struct oci_mount *m = &seen->mounts.v[i];
        if (within(path, m->destination) && strlen(m->destination) >= longest) {
            longest = strlen(m->destination);
            readonly = has_option(m, "ro");
        }
    }
    const struct oci_strs *list = &seen->linux->readonly_paths;
    for (size_t i = 0; i < list->n; i++)
        readonly = readonly || (within(path, list->v[i]) && strlen(list->v[i]) >= longest);
    return readonly;
}

static bool mounted_at(const struct oci_config *seen, const char *path)
{
    for (size_t i = 0; i < seen->mounts.n; i++)
        if (str_eq(seen->mounts.v[i].destination, path))
            return true;
    return false;
}

const char *drift_paths(struct wall_view *v, const struct oci_strs *wanted, bool masked)
{
    const struct oci_config *seen = v->c;
    CLEANUP_BUF struct buf lost = BUF_INIT;
    for (size_t i = 0; i < wanted->n; i++) {
        const char *path = lookup(v, wanted->v[i]);
        if (path == NULL)
            continue; /* neither the kernel nor the image has it: there is nothing to cover */
        bool held = masked ? lists(&seen->linux->masked_paths, path) : is_readonly(seen, path);
        /* Of a device bound below /dev it cannot be told whether the null device is meant to hide it. */
        if (held || (masked && within(path, "/dev") && mounted_at(seen, path)))
            continue;
        buf_printf(&lost, "%s%s", lost.len > 0 ? ", " : "", wanted->v[i]);
    }
    if (lost.failed)
        v->a->failed = true;
    return lost.len > 0 ? fact_clean(v->a, buf_str(&lost)) : NULL;
}

/* The entry of the configuration that makes a mount at this path; bring: also one that brings it along. */
static const struct oci_mount *asked_for(struct wall_view *v, const char *path, bool bring)
{
    const struct oci_config *c = v->input->config;
    for (size_t i = c->mounts.n; i-- > 0;) {
        const struct oci_mount *m = &c->mounts.v[i];
        struct rootfs_mount_meaning is = rootfs_mount_meaning(m);
        const char *at = m->destination != NULL && !is.remount ? lookup(v, m->destination) : NULL;
        if (at == NULL)
            continue;
        bool brings = (is.bind && is.recursive) || (m->type != NULL && str_starts(m->type, "cgroup"));
        if (str_eq(at, path) || (bring && brings && within(path, at)))
            return m;
    }
    return NULL;
}

/* Nodes that a runtime binds where it may not make them, and the console. */
static bool is_device(const struct oci_config *c, const char *path)
{
    static const char *const usual[] = {"/dev/console", "/dev/null",   "/dev/zero", "/dev/full",
                                        "/dev/random",  "/dev/urandom", "/dev/tty",  "/dev/ptmx"};
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (str_eq(path, usual[i]))
            return true;
    for (size_t i = 0; c->linux != NULL && i < c->linux->devices.n; i++)
        if (c->linux->devices.v[i].path != NULL && str_eq(path, c->linux->devices.v[i].path))
            return true;
    return false;
}

static bool covers_itself(const struct wall_view *v, const char *path)
{
    const struct oci_linux *l = v->input->config->linux;
    for (size_t i = 0; l != NULL && i < l->masked_paths.n; i++)
        if (str_eq(path, l->masked_paths.v[i]))
            return true;
    for (size_t i = 0; l != NULL && i < l->readonly_paths.n; i++)
        if (str_eq(path, l->readonly_paths.v[i]))
            return true;
    return false;
}

static bool is_kind(const char *type)
{
    static const char *const kinds[] = {"proc", "sysfs", "tmpfs", "devpts", "mqueue"};
    for (size_t i = 0; type != NULL && i < ARRAY_LEN(kinds); i++)
        if (str_eq(type, kinds[i]))
            return true;
    return false;
}

/* Is it another mount than the one that was asked for at this place? Binds are not compared: see host_path(). */
const char *drift_kind(struct wall_view *v, const struct oci_mount *seen)
{
    if (v->input->config == NULL || str_eq(seen->destination, "/"))
        return NULL;
    const struct oci_mount *m = asked_for(v, seen->destination, true);
    if (m == NULL && !is_device(v->input->config, seen->destination) && !covers_itself(v, seen->destination))
        return "no mount here";
    bool compared = m != NULL && !rootfs_mount_meaning(m).bind && is_kind(m->type) && str_eq(m->destination, seen->destination);
    return compared && !str_eq(m->type, seen->type) ? fact_clean(v->a, m->type) : NULL;
}

void drift_missing(struct wall_view *v)
{
    const struct oci_config *c = v->input->config, *seen = v->c;
    for (size_t i = 0; c != NULL && seen->mounts.set && i < c->mounts.n; i++) {
        const struct oci_mount *m = &c->mounts.v[i];
        struct rootfs_mount_meaning is = rootfs_mount_meaning(m);
        if (m->destination == NULL || is.remount)
            continue;
        const char *at = lookup(v, m->destination);
        if (at != NULL && (str_eq(at, "/") || mounted_at(seen, at) || lists(&seen->linux->masked_paths, at) ||
                           lists(&seen->linux->readonly_paths, at)))
            continue;
        struct fact *f = fact_add(v, FACT_NOTE, fact_clean(v->a, m->destination), NULL,
                                  "The mount was taken away, or never made: what lies below it shows.", "not mounted");
        f->wanted = is.bind ? arena_printf(v->a, "the host's %s", m->source != NULL ? fact_clean(v->a, m->source) : "?")
                            : fact_clean(v->a, m->type != NULL ? m->type : "a mount");
    }
}
