/* SPDX-License-Identifier: Apache-2.0 */
/* The words of JSON text (RFC 8259), checked one by one. Private to oci/. */
#ifndef COFFER_OCI_LEX_H
#define COFFER_OCI_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum lex_kind {
    LEX_END,
    LEX_STRING,
    LEX_SCALAR, /* a number, true, false, null */
    LEX_PUNCTUATION,
};

struct lex {
    const char *at, *end; /* what is not read yet */

    /* the word that was read last */
    enum lex_kind kind;
    const char *start; /* of a string: its opening quote */
    size_t len;
    bool whole; /* of a number: it has neither fraction nor exponent, and fits 64 bits */
};

/* Read the next word. NULL, or what is wrong at l->at: "a control character in a string". */
const char *lex_next(struct lex *l);

/* Append the string that was read last, without quotes and with its escapes resolved. */
void lex_decode(const struct lex *l, struct buf *out);

#endif
