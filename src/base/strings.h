/* SPDX-License-Identifier: Apache-2.0 */
/* A list of strings that grows in an arena: options that may be given again. The strings are not copied. */
#ifndef COFFER_BASE_STRINGS_H
#define COFFER_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct strings {
    const char **v;
    size_t n;
};

/* Append; false: out of memory (the arena remembers). */
bool strings_add(struct arena *a, struct strings *list, const char *s);

#endif
