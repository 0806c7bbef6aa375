/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_BASE_NEAREST_H
#define COFFER_BASE_NEAREST_H

#include <stddef.h>

/*
 * The candidate nearest to word, for "did you mean": NULL when none is near. next(ctx, i) gives the i-th candidate and
 * NULL after the last.
 */
const char *name_nearest(const char *word, const char *(*next)(const void *ctx, size_t i), const void *ctx);

#endif
