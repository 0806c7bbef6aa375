/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/rootfs/mounts.h"

#include "base/str.h"
#include "layers/rootfs/rootfs.h"

/*
 * As apply_options() and remount() do it: first the attributes of the top, then those of the whole tree, top included,
 * as in runc: rro is not taken back by a rw beside it. A new file system is one mount, to which all that was said applies.
 */
static bool top_is_readonly(const struct rootfs_options *o, bool bind)
{
    if (!bind && !o->remount)
        return ((o->set | o->tree_set) & MOUNT_ATTR_RDONLY) != 0;
    if (((o->tree_set | o->tree_clear) & MOUNT_ATTR_RDONLY) != 0)
        return (o->tree_set & MOUNT_ATTR_RDONLY) != 0;
    return (o->set & MOUNT_ATTR_RDONLY) != 0;
}

struct rootfs_mount_meaning rootfs_mount_meaning(const struct oci_mount *m)
{
    struct rootfs_options o = {.set = 0};
    rootfs_options_attributes(&m->options, &o);
    bool bind = rootfs_mount_is_bind(m->type, &o), remount = o.remount;
    return (struct rootfs_mount_meaning){
        .bind = bind && !remount,
        .remount = remount,
        .recursive = o.recursive || (m->type != NULL && str_eq(m->type, "rbind")),
        .readonly = top_is_readonly(&o, bind),
        .says_access = ((o.set | o.clear | o.tree_set | o.tree_clear) & MOUNT_ATTR_RDONLY) != 0,
        .readonly_below = (o.tree_set & MOUNT_ATTR_RDONLY) != 0,
    };
}

/* Cheaper than asking for the meaning of every other mount: remounts are rare, and starts should be quick. */
static bool is_remount(const struct oci_mount *m)
{
    for (size_t i = 0; i < m->options.n; i++)
        if (str_eq(m->options.v[i], "remount"))
            return true;
    return false;
}

static bool same_place(struct arena *a, const char *path, const char *other)
{
    char *clean = other != NULL ? rootfs_path_clean(a, other) : NULL;
    return path != NULL && clean != NULL && str_eq(path, clean);
}

struct rootfs_mount_meaning rootfs_mount_finally(struct arena *a, const struct oci_config *c, size_t i)
{
    struct rootfs_mount_meaning meaning = rootfs_mount_meaning(&c->mounts.v[i]);
    const char *destination = c->mounts.v[i].destination;
    char *path = destination != NULL ? rootfs_path_clean(a, destination) : NULL;
    for (size_t k = i + 1; k < c->mounts.n; k++) {
        if (!is_remount(&c->mounts.v[k]) || !same_place(a, path, c->mounts.v[k].destination))
            continue;
        struct rootfs_mount_meaning later = rootfs_mount_meaning(&c->mounts.v[k]);
        if (!later.says_access)
            continue;
        meaning.readonly = later.readonly;
        meaning.says_access = true;
        meaning.readonly_below = meaning.readonly_below || later.readonly_below;
    }
    for (size_t k = 0; c->linux != NULL && k < c->linux->readonly_paths.n; k++)
        if (same_place(a, path, c->linux->readonly_paths.v[k]))
            meaning.readonly = meaning.readonly_below = meaning.says_access = true;
    return meaning;
}

char *rootfs_mount_source(struct arena *a, const struct oci_mount *m, const char *bundle)
{
    if (m->source == NULL || m->source[0] == '\0')
        return NULL;
    const char *path = m->source[0] == '/' ? m->source : arena_printf(a, "%s/%s", bundle, m->source);
    return path != NULL ? rootfs_path_clean(a, path) : NULL;
}

bool rootfs_mount_is_readonly(struct arena *a, const struct oci_config *c, size_t i)
{
    return rootfs_mount_finally(a, c, i).readonly;
}
