/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes that OCI documents are made of. Whether a member was present is kept, so that a document can be printed
 * back as it was read: scalars carry `set`, strings and objects are NULL when absent, arrays and maps carry `set`
 * (an empty one that is present prints as [] or {}). Everything lives in the arena of the document.
 */
#ifndef COFFER_OCI_TYPES_H
#define COFFER_OCI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#undef linux /* gcc and clang predefine it as 1 in their GNU dialects; here it is a member's name */

struct oci_bool {
    bool set, v;
};

struct oci_int {
    bool set;
    int64_t v;
};

struct oci_uint {
    bool set;
    uint64_t v;
};

struct oci_strs {
    char **v; /* n strings and a final NULL, so that it serves as an argv */
    size_t n;
    bool set;
};

struct oci_uints {
    uint32_t *v;
    size_t n;
    bool set;
};

struct oci_pair {
    char *key, *value;
};

struct oci_map { /* string to string, in document order */
    struct oci_pair *v;
    size_t n;
    bool set;
};

/* Members of an object that the specification does not name: kept as JSON text and printed back. */
struct oci_extra {
    struct oci_extra *next;
    char *key;
    char *json;
};

#define OCI_ARRAY(type) \
    struct {            \
        type *v;        \
        size_t n;       \
        bool set;       \
    }

#endif
