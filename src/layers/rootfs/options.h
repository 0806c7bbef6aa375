/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a mount's options (runtime-spec 1.3, config.md "Linux mount options") as what mount_setattr(2) and
 * fsconfig(2) take.
 */
#ifndef COFFER_LAYERS_ROOTFS_OPTIONS_H
#define COFFER_LAYERS_ROOTFS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/types.h"

struct rootfs_parameter { /* of a file system, for fsconfig(2) */
    const char *key;
    const char *value; /* NULL: a flag */
};

struct rootfs_options {
    uint64_t set, clear;           /* MOUNT_ATTR_* of this mount */
    uint64_t tree_set, tree_clear; /* MOUNT_ATTR_* of the mounts below as well (rro, rnosuid ...) */
    uint64_t propagation;          /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0: not said */
    bool propagation_tree;         /* its r-form */
    bool bind, recursive, remount, copy_up;
    bool idmap, idmap_tree;
    struct rootfs_parameter *parameters;
    size_t n_parameters;
};

/* Words that are not of the table are the file system's. Fails only when memory is out. */
int rootfs_options_parse(struct arena *a, const struct oci_strs *words, struct rootfs_options *ret, struct err *err);

/* The same without the parameters, which need memory: added to what *ret holds. */
void rootfs_options_attributes(const struct oci_strs *words, struct rootfs_options *ret);

/* Is a mount of this type (which may be NULL) with these options a bind? */
bool rootfs_mount_is_bind(const char *type, const struct rootfs_options *o);

/* All words of the table, for `features` and for tests: the i-th, or NULL past the last. */
const char *rootfs_option_word(size_t i);

#endif
