/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI documents as data. One const table per object type names its members: JSON name, kind, place in the C
 * struct, range, allowed strings, form, whether it must be there. Three walkers use the tables and nothing else knows
 * the documents' shape: oci_parse() reads and checks, oci_print() writes, oci_visit() lists the members.
 *
 * To support a new member, add it to the struct and to the table; tests/unit/test_oci_schema.c holds the tables
 * against the specification's JSON schemas.
 */
#ifndef COFFER_OCI_TABLE_H
#define COFFER_OCI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "oci/types.h"

enum oci_kind {             /* what the C member is */
    OCI_KIND_STRING,        /* char * */
    OCI_KIND_BOOL,          /* struct oci_bool */
    OCI_KIND_INT,           /* struct oci_int */
    OCI_KIND_UINT,          /* struct oci_uint */
    OCI_KIND_PLAIN_INT,     /* int64_t; plain numbers cannot be absent, so they are required */
    OCI_KIND_PLAIN_UINT,    /* uint64_t */
    OCI_KIND_PLAIN_U32,     /* uint32_t */
    OCI_KIND_STRINGS,       /* struct oci_strs: ["a", "b"] */
    OCI_KIND_UINTS,         /* struct oci_uints: [1, 2] */
    OCI_KIND_MAP,           /* struct oci_map: {"key": "value"} */
    OCI_KIND_KEYS,          /* struct oci_strs: {"80/tcp": {}}, the names of empty objects */
    OCI_KIND_OBJECT,        /* pointer to a struct */
    OCI_KIND_OBJECTS,       /* OCI_ARRAY of structs: [{...}] */
    OCI_KIND_NAMED_OBJECTS, /* OCI_ARRAY of structs whose first member is char *key: {"eth0": {...}} */
    OCI_KIND_SECTION,       /* no C member: an object that is checked, then kept as JSON text in extra */
    OCI_KINDS,
};

/* The form of a string. */
struct oci_form {
    bool (*ok)(const char *s);
    const char *pattern; /* as the schema has it; NULL: the schema has none, its text asks for this form */
    const char *form;    /* completes "is not of the form ..." */
};

struct oci_object;

struct oci_field {
    const char *name;
    const struct oci_object *sub;  /* of objects and sections */
    const char *const *values;     /* strings: the allowed ones, NULL at the end; NULL: any */
    const struct oci_form *form;   /* strings; NULL: any */
    int64_t min;                   /* numbers */
    uint64_t max;
    uint16_t offset;
    uint8_t kind;      /* enum oci_kind */
    uint8_t min_items; /* arrays */
    bool required;
};

#define OCI_MAX_FIELDS 32 /* of one object: members that were seen are bits of an uint32_t */

struct oci_object {
    const struct oci_field *fields;
    uint16_t n;
    uint16_t size;  /* of the C struct; 0: there is none (parts of sections) */
    uint16_t extra; /* offset of its struct oci_extra * */
};

/* A document: its outermost object and how much of one we are willing to hold in memory. */
struct oci_document {
    const struct oci_object *object;
    size_t max_bytes;
    size_t max_tokens; /* names and values; an empty object costs json-c about 800 bytes */
};

extern const struct oci_document oci_config_document, oci_process_document, oci_resources_document,
    oci_seccomp_document, oci_state_document, oci_features_document, oci_index_document, oci_manifest_document,
    oci_image_document, oci_layout_document;

/*
 * Read one JSON document into a new struct of the document's type in the arena. err gets layer config and the JSON
 * path of the fault, or line and column (in bytes) where the text is not JSON.
 *
 * Stricter than JSON: a member name given twice is refused (readers differ in which one they take), as are \u0000
 * (our strings end there) and whole numbers beyond 64 bits (json-c would replace them by the nearest).
 * More lenient: bytes above 0x7f in strings are taken as they are, for arguments and paths are bytes to the kernel.
 * null counts as absent, and is kept.
 *
 * -EINVAL: the document is at fault. -EFBIG: too large. -ENOMEM.
 */
int oci_parse(struct arena *a, const struct oci_document *document, const char *json, size_t len, void **ret,
              struct err *err);

/* The same from a file; err is prefixed with path. */
int oci_parse_file(struct arena *a, const struct oci_document *document, int dirfd, const char *path, void **ret,
                   struct err *err);

/* Append the document as JSON: members in the table's order, then the ones that the table does not name. */
void oci_print(const struct oci_document *document, const void *value, bool pretty, struct buf *out);

/*
 * Call visit for every member of a document's tables, outer ones first, with its path: "linux.devices[].path",
 * "linux.netDevices.*.name". Stops when visit returns non-zero, and returns that.
 */
typedef int oci_visitor(const char *path, const struct oci_field *field, void *arg);
int oci_visit(const struct oci_document *document, oci_visitor *visit, void *arg);

/*
 * Making tables. X_table describes struct X, by name, so that a table cannot be paired with another struct; each
 * macro refuses a C member of another type than its kind's.
 */
#define OCI_REQUIRE(condition) (0 * sizeof(char[(condition) ? 1 : -1])) /* 0, where the condition holds */
#define OCI_IS_A(s, member, type) __builtin_types_compatible_p(__typeof__(((struct s *)NULL)->member), type)
#define OCI_OFFSET(s, member, type) (offsetof(struct s, member) + OCI_REQUIRE(OCI_IS_A(s, member, type)))
#define OCI_OFFSET_ARRAY(s, member, element) \
    (offsetof(struct s, member) + OCI_REQUIRE(OCI_IS_A(s, member.v, struct element *)))

#define OCI_STRING(s, member, json, ...) \
    {.name = (json), .kind = OCI_KIND_STRING, .offset = OCI_OFFSET(s, member, char *), __VA_ARGS__}
#define OCI_BOOL(s, member, json, ...) \
    {.name = (json), .kind = OCI_KIND_BOOL, .offset = OCI_OFFSET(s, member, struct oci_bool), __VA_ARGS__}
#define OCI_INT(s, member, json, ...) \
    {.name = (json), .kind = OCI_KIND_INT, .offset = OCI_OFFSET(s, member, struct oci_int), __VA_ARGS__}
#define OCI_UINT(s, member, json, ...) \
    {.name = (json), .kind = OCI_KIND_UINT, .offset = OCI_OFFSET(s, member, struct oci_uint), __VA_ARGS__}
#define OCI_PLAIN_INT(s, member, json, ...)                        \
    {.name = (json), .kind = OCI_KIND_PLAIN_INT, .required = true, \
     .offset = OCI_OFFSET(s, member, int64_t), __VA_ARGS__}
#define OCI_PLAIN_UINT(s, member, json, ...)                         \
    {.name = (json), .kind = OCI_KIND_PLAIN_UINT, .required = true, \
     .offset = OCI_OFFSET(s, member, uint64_t), __VA_ARGS__}
#define OCI_PLAIN_U32(s, member, json)                                                      \
    {.name = (json), .kind = OCI_KIND_PLAIN_U32, .required = true, .max = UINT32_MAX,       \
     .offset = OCI_OFFSET(s, member, uint32_t)}
#define OCI_STRINGS(s, member, json, ...) \
    {.name = (json), .kind = OCI_KIND_STRINGS, .offset = OCI_OFFSET(s, member, struct oci_strs), __VA_ARGS__}
#define OCI_UINTS(s, member, json)                                \
    {.name = (json), .kind = OCI_KIND_UINTS, .max = UINT32_MAX, \
     .offset = OCI_OFFSET(s, member, struct oci_uints)}
#define OCI_MAP(s, member, json) \
    {.name = (json), .kind = OCI_KIND_MAP, .offset = OCI_OFFSET(s, member, struct oci_map)}
#define OCI_KEYS(s, member, json) \
    {.name = (json), .kind = OCI_KIND_KEYS, .offset = OCI_OFFSET(s, member, struct oci_strs)}
#define OCI_OBJECT(s, member, json, type, ...)                              \
    {.name = (json), .kind = OCI_KIND_OBJECT, .sub = &type##_table,         \
     .offset = OCI_OFFSET(s, member, struct type *), __VA_ARGS__}
#define OCI_OBJECTS(s, member, json, type, ...)                             \
    {.name = (json), .kind = OCI_KIND_OBJECTS, .sub = &type##_table,        \
     .offset = OCI_OFFSET_ARRAY(s, member, type), __VA_ARGS__}
#define OCI_NAMED_OBJECTS(s, member, json, type)                                \
    {.name = (json), .kind = OCI_KIND_NAMED_OBJECTS, .sub = &type##_table,      \
     .offset = OCI_OFFSET_ARRAY(s, member, type) + OCI_REQUIRE(offsetof(struct type, key) == 0)}
#define OCI_SECTION(json, type) {.name = (json), .kind = OCI_KIND_SECTION, .sub = &type##_table}

#define OCI_REQUIRED .required = true
#define OCI_VALUES(...) .values = (const char *const[]){__VA_ARGS__, NULL}
#define OCI_FORM(form_) .form = &oci_form_##form_
#define OCI_RANGE(lo, hi) .min = (lo), .max = (hi)
#define OCI_I32 OCI_RANGE(INT32_MIN, INT32_MAX)
#define OCI_I64 OCI_RANGE(INT64_MIN, INT64_MAX)
#define OCI_U16 OCI_RANGE(0, UINT16_MAX)
#define OCI_U32 OCI_RANGE(0, UINT32_MAX)
#define OCI_U64 OCI_RANGE(0, UINT64_MAX)

#define OCI_COUNT(fields) (ARRAY_LEN(fields) + OCI_REQUIRE(ARRAY_LEN(fields) <= OCI_MAX_FIELDS))
#define OCI_TABLE(type)                                       \
    const struct oci_object type##_table = {                  \
        .fields = type##_fields,                              \
        .n = OCI_COUNT(type##_fields),                        \
        .size = sizeof(struct type),                          \
        .extra = OCI_OFFSET(type, extra, struct oci_extra *), \
    }
#define OCI_SECTION_TABLE(type) \
    const struct oci_object type##_table = {.fields = type##_fields, .n = OCI_COUNT(type##_fields)}

extern const struct oci_form oci_form_page_size, oci_form_rlimit, oci_form_cpu_list, oci_form_memory_bandwidth,
    oci_form_device_type, oci_form_capability, oci_form_version, oci_form_media_type, oci_form_digest, oci_form_uri,
    oci_form_date_time, oci_form_base64;

#endif
