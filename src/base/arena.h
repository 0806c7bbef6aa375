/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region allocator: everything that belongs to one document or one plan is allocated from one arena and freed with
 * it. Memory is zeroed. Every allocating function returns NULL when memory is out and sets arena->failed, so that a
 * caller that builds a large thing may check once at its end.
 */
#ifndef COFFER_BASE_ARENA_H
#define COFFER_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct arena_block;

struct arena {
    struct arena_block *last;
    bool failed;
};

#define ARENA_INIT {.last = NULL, .failed = false}

void arena_free(struct arena *a); /* frees every block; the arena can be used again */

void *arena_alloc(struct arena *a, size_t size); /* aligned to 16 bytes */
void *arena_calloc(struct arena *a, size_t n, size_t size); /* checks n * size for overflow */
/*
 * Room for one more behind the n items of an array that was grown by this function alone: the same array, or a copy
 * twice as large (4, 8, 16 ... items). NULL: memory is out.
 */
void *arena_grow(struct arena *a, void *items, size_t n, size_t size);

char *arena_strdup(struct arena *a, const char *s); /* NULL in, NULL out */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define CLEANUP_ARENA CLEANUP(arena_free)

#endif
