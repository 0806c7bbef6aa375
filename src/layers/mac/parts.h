/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the mac wall: its operations, and the files that carry them out. */
#ifndef COFFER_LAYERS_MAC_PARTS_H
#define COFFER_LAYERS_MAC_PARTS_H

#include "layers/layer.h"

enum mac_kind {
    MAC_APPARMOR, /* child-early */
    MAC_SELINUX,
    MAC_NO_NEW_PRIVS,      /* child-late from here on; only for a caller that may not use Landlock otherwise */
    MAC_LANDLOCK_LEFT_OUT, /* says why; does nothing */
    MAC_LANDLOCK_RULES,   /* begin a set of rules */
    MAC_LANDLOCK_ALLOW,   /* one path */
    MAC_LANDLOCK_STDIO,   /* standard descriptors that are files of the host */
    MAC_LANDLOCK_ENTER,
};

/* Append an operation; NULL when memory is out. */
struct op *mac_add(struct plan *plan, enum step step, enum mac_kind kind, const char *name, const char *target,
                   const char *value, uint64_t number);

/* A set of rules while it is being made. */
struct mac_landlock {
    int ruleset, root; /* -EBADF: not begun */
};

/* Carry out one of the Landlock operations. child: the current root is the container's. */
int mac_landlock_apply(const struct op *op, struct mac_landlock *state, struct err *err);
void mac_landlock_close(struct mac_landlock *state);

/* observe.c */
int mac_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                struct err *err);

#endif
