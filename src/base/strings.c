/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strings.h"

#include <string.h>

bool strings_add(struct arena *a, struct strings *list, const char *s)
{
    const char **v = arena_grow(a, list->v, list->n, sizeof *v);
    if (v == NULL)
        return false;
    list->v = v;
    list->v[list->n++] = s;
    return true;
}
