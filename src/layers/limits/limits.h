/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits wall: what one process may use, and what the kernel settings of its namespaces are. Names are shared
 * with the engine (--ulimit) and with insight/; the list parser with runtime/ (execCPUAffinity counts at exec).
 */
#ifndef COFFER_LAYERS_LIMITS_H
#define COFFER_LAYERS_LIMITS_H

#include <limits.h>
#include <stddef.h>

struct limits_rlimit {
    const char *name;  /* "RLIMIT_NOFILE" */
    const char *label; /* as /proc/PID/limits has it */
    int resource;      /* getrlimit(2) */
};

#define LIMITS_RLIMITS 16
extern const struct limits_rlimit limits_rlimits[LIMITS_RLIMITS];

/* NULL for a name that Linux does not have. */
const struct limits_rlimit *limits_rlimit_find(const char *name);

/* The most CPUs or memory nodes that a list may name: what kernels for servers are built for. */
#define LIMITS_LIST_BITS 8192
#define LIMITS_LIST_WORDS (LIMITS_LIST_BITS / (sizeof(unsigned long) * CHAR_BIT))

/*
 * A list of CPUs or nodes as cpuset(7) writes it, "0-3,7": one bit each in ret, all others cleared. Blanks around
 * numbers are allowed, an empty list is one of nothing. 0, -EINVAL (no such list) or -ERANGE (a number too large).
 */
int limits_parse_list(const char *list, unsigned long ret[LIMITS_LIST_WORDS]);

#endif
