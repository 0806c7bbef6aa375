/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mountinfo (proc_pid_mountinfo(5)) as data. */
#ifndef COFFER_LAYERS_ROOTFS_MOUNTINFO_H
#define COFFER_LAYERS_ROOTFS_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct mountinfo_entry {
    int id, parent;
    const char *device; /* "254:0" */
    const char *root;   /* of the mount, in its file system */
    const char *path;   /* mount point, as the process sees it */
    const char *options, *optional, *type, *source, *super; /* optional: "shared:1 master:2", may be empty */
};

/* Lines that do not have the form are left out. 0, -ENOMEM. text is changed and must live as long as the entries. */
int rootfs_mountinfo_parse(struct arena *a, char *text, struct mountinfo_entry **ret, size_t *ret_n);

/* Is this word in the list that commas separate? */
bool rootfs_mountinfo_has(const char *list, const char *word);

/* The value of "key=..." in such a list, in the arena, with overlay's escapes taken out; NULL: not there. */
char *rootfs_mountinfo_value(struct arena *a, const char *list, const char *key);

#endif
