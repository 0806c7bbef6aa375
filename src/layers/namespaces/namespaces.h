/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces wall: which of the eight namespaces (namespaces(7)) are new, joined by path, or the host's.
 * Shared with start/, which has to know the kinds, and with insight/.
 */
#ifndef COFFER_LAYERS_NAMESPACES_H
#define COFFER_LAYERS_NAMESPACES_H

#include <stddef.h>
#include <stdint.h>

struct namespace_kind {
    const char *type;      /* as config.json names it */
    const char *proc_name; /* below /proc/PID/ns */
    uint64_t flag;         /* CLONE_NEW* */
};

#define NAMESPACE_KINDS 8
extern const struct namespace_kind namespace_kinds[NAMESPACE_KINDS];

/* NULL for a type that Linux does not have. */
const struct namespace_kind *namespace_kind_find(const char *type);

#endif
