/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte string for building output. Always NUL-terminated once something was added. */
#ifndef COFFER_BASE_BUF_H
#define COFFER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct buf {
    char *data; /* NULL while empty; use buf_str() to read */
    size_t len, cap;
    bool failed; /* memory ran out; later additions do nothing */
};

#define BUF_INIT {.data = NULL, .len = 0, .cap = 0, .failed = false}
#define CLEANUP_BUF CLEANUP(buf_free)

void buf_free(struct buf *b);
void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_pad(struct buf *b, char c, size_t n); /* n times c */

static inline const char *buf_str(const struct buf *b)
{
    return b->data != NULL ? b->data : "";
}

#endif
