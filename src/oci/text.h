/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON text to json-c's tree and back, and everything about text that json-c leaves open. Private to oci/. */
#ifndef COFFER_OCI_TEXT_H
#define COFFER_OCI_TEXT_H

#include <json-c/json.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

static inline void oci_json_put(struct json_object **o)
{
    json_object_put(*o);
}

/*
 * Parse one JSON object (the outermost value must be one). The tree is the caller's to json_object_put(); its members'
 * names live in the arena, which must outlive it (json-c 0.16 leaks a name of its own when a table cannot grow).
 * -EINVAL with line and column in err, -EFBIG or -ENOMEM.
 */
int oci_json_read(struct arena *names, const char *text, size_t len, size_t max_tokens, struct json_object **ret,
                  struct err *err);

/* Replace what is not printable ASCII by '?': messages quote documents, and may end up on a terminal. Returns s. */
char *oci_json_printable(char *s);

/* Append a value on one line; a number with a fraction or an exponent as it was written. */
void oci_json_write(struct json_object *o, struct buf *out);

/* Append a string in quotes, escaped. */
void oci_json_write_string(const char *s, size_t len, struct buf *out);

/* Append JSON that oci_json_write() wrote, broken into lines and indented as a value at that depth is. */
void oci_json_indent(const char *json, unsigned depth, struct buf *out);

#endif
