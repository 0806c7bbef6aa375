/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)

struct arena_block {
    struct arena_block *previous;
    size_t used, size;
    _Alignas(16) unsigned char data[];
};

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->last; b != NULL;) {
        struct arena_block *previous = b->previous;
        free(b);
        b = previous;
    }
    a->last = NULL;
    a->failed = false;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) {
        a->failed = true;
        return NULL;
    }
    size = (size + 15) & ~(size_t)15;
    struct arena_block *b = a->last;
    if (b == NULL || b->size - b->used < size) {
        size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        b = calloc(1, sizeof *b + want);
        if (b == NULL) {
            a->failed = true;
            return NULL;
        }
        b->size = want;
        /* A block made for one large thing goes behind the current one, whose rest stays in use. */
        if (size > BLOCK_SIZE && a->last != NULL) {
            b->previous = a->last->previous;
            a->last->previous = b;
        } else {
            b->previous = a->last;
            a->last = b;
        }
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(n, size, &total)) {
        a->failed = true;
        return NULL;
    }
    return arena_alloc(a, total);
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t size)
{
    /* Full when n is one of the sizes. */
    if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
        return items;
    void *more = arena_calloc(a, n < 4 ? 4 : 2 * n, size);
    if (more != NULL && n > 0)
        memcpy(more, items, n * size);
    return more;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    if (s == NULL)
        return NULL;
    n = strnlen(s, n);
    char *p = arena_alloc(a, n + 1);
    if (p != NULL)
        memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) {
        a->failed = true;
        return NULL;
    }
    char *p = arena_alloc(a, (size_t)n + 1);
    if (p != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}
