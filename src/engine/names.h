/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people write in several spellings, in the one spelling of the OCI documents. */
#ifndef COFFER_ENGINE_NAMES_H
#define COFFER_ENGINE_NAMES_H

#include <stddef.h>

#include "base/arena.h"

/* "net_raw", "CAP_NET_RAW" -> "CAP_NET_RAW"; NULL when this kernel interface knows no such capability. */
const char *capability_canonical(const char *name);

/* "nofile", "RLIMIT_NOFILE" -> "RLIMIT_NOFILE"; NULL: no such limit. */
const char *rlimit_canonical(const char *name);

/* "TERM", "sigterm", "15", "RTMIN+3" -> number; -EINVAL. */
int signal_number(const char *name);

/*
 * The candidate nearest to word, for "did you mean": NULL when none is near. next(ctx, i) gives the i-th candidate and
 * NULL after the last.
 */
const char *name_nearest(const char *word, const char *(*next)(const void *ctx, size_t i), const void *ctx);

#endif
