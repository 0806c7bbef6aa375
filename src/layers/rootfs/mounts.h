/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mounts of a document come to: this wall's public header. Whoever else must know (Landlock's rules, who is
 * given the control group, explain) asks here and does not read the words of the options again.
 */
#ifndef COFFER_LAYERS_ROOTFS_MOUNTS_H
#define COFFER_LAYERS_ROOTFS_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "oci/config.h"

struct rootfs_mount_meaning {
    bool bind;           /* it shows a part of the host's tree */
    bool remount;        /* no mount of its own: new attributes for what is mounted there */
    bool recursive;      /* a bind that brings along what is mounted below its source */
    bool readonly;       /* nothing can be written through it */
    bool says_access;    /* its options say whether it is read-only; otherwise a bind is as its source on the host */
    bool readonly_below; /* of a recursive bind: nor through the mounts that it brings along */
};

/* One entry of mounts, by itself. */
struct rootfs_mount_meaning rootfs_mount_meaning(const struct oci_mount *m);

/*
 * The same for mounts[i] when all is done: later remounts of the same place and linux.readonlyPaths count as well. The
 * arena is for paths; when it fails, what is said is what the entry says by itself.
 */
struct rootfs_mount_meaning rootfs_mount_finally(struct arena *a, const struct oci_config *c, size_t i);

/* The path of the host that a bind shows: absolute, without "." and "..". NULL: it has no source, or no memory. */
char *rootfs_mount_source(struct arena *a, const struct oci_mount *m, const char *bundle);

/* Paths of documents, as text: absolute, with "." and ".." resolved; and what is behind a directory in one that was. */
char *rootfs_path_clean(struct arena *a, const char *path);
const char *rootfs_path_below(const char *path, const char *directory); /* "" for itself, NULL: not below */

bool rootfs_mount_is_readonly(struct arena *a, const struct oci_config *c, size_t i);

#endif
