/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/rootfs/options.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/str.h"

enum effect {
    EFFECT_NONE,   /* the kernel's own behaviour already */
    EFFECT_MOUNT,  /* attributes of the mount */
    EFFECT_TREE,   /* attributes of the mount and those below it */
    EFFECT_SUPER,  /* a flag of the superblock, which fsconfig(2) takes by the same word */
    EFFECT_PROPAGATION,
    EFFECT_PROPAGATION_TREE,
    EFFECT_BIND,
    EFFECT_RBIND,
    EFFECT_REMOUNT,
    EFFECT_COPY_UP,
    EFFECT_IDMAP,
    EFFECT_RIDMAP,
};

struct word {
    const char *word;
    enum effect effect;
    uint64_t set, clear; /* MOUNT_ATTR_*, or the propagation in set */
};

/* Access times are a field of several bits: who sets one must clear them all. Relatime is the field's zero. */
#define ATIME MOUNT_ATTR__ATIME

#define BOTH(w, on, off) {w, EFFECT_MOUNT, on, off}, {"r" w, EFFECT_TREE, on, off}

static const struct word words[] = {
    BOTH("ro", MOUNT_ATTR_RDONLY, 0),
    BOTH("rw", 0, MOUNT_ATTR_RDONLY),
    BOTH("nosuid", MOUNT_ATTR_NOSUID, 0),
    BOTH("suid", 0, MOUNT_ATTR_NOSUID),
    BOTH("nodev", MOUNT_ATTR_NODEV, 0),
    BOTH("dev", 0, MOUNT_ATTR_NODEV),
    BOTH("noexec", MOUNT_ATTR_NOEXEC, 0),
    BOTH("exec", 0, MOUNT_ATTR_NOEXEC),
    BOTH("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0),
    BOTH("symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW),
    BOTH("noatime", MOUNT_ATTR_NOATIME, ATIME),
    BOTH("atime", 0, ATIME),
    BOTH("relatime", 0, ATIME),
    BOTH("norelatime", 0, 0), /* mount(2) without MS_RELATIME is relatime all the same, since 2.6.30 */
    BOTH("strictatime", MOUNT_ATTR_STRICTATIME, ATIME),
    BOTH("nostrictatime", 0, ATIME),
    BOTH("nodiratime", MOUNT_ATTR_NODIRATIME, 0),
    BOTH("diratime", 0, MOUNT_ATTR_NODIRATIME),
    {"defaults", EFFECT_NONE, 0, 0},
    {"async", EFFECT_NONE, 0, 0},
    {"loud", EFFECT_NONE, 0, 0},
    {"silent", EFFECT_NONE, 0, 0}, /* the new mount API reports to its caller, not to the log */
    {"nomand", EFFECT_NONE, 0, 0},
    {"noiversion", EFFECT_NONE, 0, 0},
    {"nolazytime", EFFECT_NONE, 0, 0},
    {"sync", EFFECT_SUPER, 0, 0},
    {"dirsync", EFFECT_SUPER, 0, 0},
    {"mand", EFFECT_SUPER, 0, 0},
    {"lazytime", EFFECT_SUPER, 0, 0},
    {"iversion", EFFECT_SUPER, 0, 0},
    {"private", EFFECT_PROPAGATION, MS_PRIVATE, 0},
    {"rprivate", EFFECT_PROPAGATION_TREE, MS_PRIVATE, 0},
    {"shared", EFFECT_PROPAGATION, MS_SHARED, 0},
    {"rshared", EFFECT_PROPAGATION_TREE, MS_SHARED, 0},
    {"slave", EFFECT_PROPAGATION, MS_SLAVE, 0},
    {"rslave", EFFECT_PROPAGATION_TREE, MS_SLAVE, 0},
    {"unbindable", EFFECT_PROPAGATION, MS_UNBINDABLE, 0},
    {"runbindable", EFFECT_PROPAGATION_TREE, MS_UNBINDABLE, 0},
    {"bind", EFFECT_BIND, 0, 0},
    {"rbind", EFFECT_RBIND, 0, 0},
    {"remount", EFFECT_REMOUNT, 0, 0},
    {"tmpcopyup", EFFECT_COPY_UP, 0, 0},
    {"idmap", EFFECT_IDMAP, 0, 0},
    {"ridmap", EFFECT_RIDMAP, 0, 0},
};

const char *rootfs_option_word(size_t i)
{
    return i < ARRAY_LEN(words) ? words[i].word : NULL;
}

static void add_parameter(struct arena *a, const char *word, struct rootfs_options *o)
{
    struct rootfs_parameter *p = &o->parameters[o->n_parameters++];
    const char *equals = strchr(word, '=');
    p->key = equals != NULL ? arena_strndup(a, word, (size_t)(equals - word)) : arena_strdup(a, word);
    p->value = equals != NULL ? arena_strdup(a, equals + 1) : NULL;
}

/* The last word about an attribute counts. */
static void merge(uint64_t *set, uint64_t *clear, const struct word *w)
{
    *set = (*set & ~w->clear) | w->set;
    *clear = (*clear & ~w->set) | w->clear;
}

static void apply_word(const struct word *w, struct rootfs_options *o)
{
    switch (w->effect) {
    case EFFECT_NONE:
    case EFFECT_SUPER: /* a parameter */
        break;
    case EFFECT_MOUNT:
        merge(&o->set, &o->clear, w);
        break;
    case EFFECT_TREE:
        merge(&o->tree_set, &o->tree_clear, w);
        break;
    case EFFECT_PROPAGATION:
    case EFFECT_PROPAGATION_TREE:
        o->propagation = w->set;
        o->propagation_tree = w->effect == EFFECT_PROPAGATION_TREE;
        break;
    case EFFECT_BIND:
        o->bind = true;
        break;
    case EFFECT_RBIND:
        o->bind = o->recursive = true;
        break;
    case EFFECT_REMOUNT:
        o->remount = true;
        break;
    case EFFECT_COPY_UP:
        o->copy_up = true;
        break;
    case EFFECT_IDMAP:
    case EFFECT_RIDMAP:
        o->idmap = true;
        o->idmap_tree = w->effect == EFFECT_RIDMAP;
        break;
    }
}

static const struct word *find(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i].word, word))
            return &words[i];
    return NULL;
}

void rootfs_options_attributes(const struct oci_strs *list, struct rootfs_options *ret)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct word *w = find(list->v[i]);
        if (w != NULL)
            apply_word(w, ret);
    }
}

bool rootfs_mount_is_bind(const char *type, const struct rootfs_options *o)
{
    return o->bind || (type != NULL && (str_eq(type, "bind") || str_eq(type, "rbind")));
}

int rootfs_options_parse(struct arena *a, const struct oci_strs *list, struct rootfs_options *ret, struct err *err)
{
    struct rootfs_options o = {.parameters = arena_calloc(a, list->n + 1, sizeof *o.parameters)};
    if (o.parameters == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    for (size_t i = 0; i < list->n; i++) {
        const struct word *w = find(list->v[i]);
        if (w != NULL && w->effect != EFFECT_SUPER)
            apply_word(w, &o);
        else if (list->v[i][0] != '\0')
            add_parameter(a, list->v[i], &o);
    }
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    *ret = o;
    return 0;
}
