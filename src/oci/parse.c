/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker that reads: from json-c's tree into the structs that the tables describe, checking as it goes. One reader
 * per kind of member. Where base is NULL, it only checks: so are sections handled that have no structs.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "oci/table.h"
#include "oci/text.h"

struct walk {
    struct arena *arena;
    struct err *err;
};

/* Where we are in the document: a list upward that lives on the stack, written out only for a fault. */
struct place {
    const struct place *up;
    const char *key; /* NULL: element number index of an array */
    size_t index;
};

static void place_write(const struct place *at, struct buf *out)
{
    if (at->up != NULL)
        place_write(at->up, out);
    if (at->key == NULL) {
        if (at->up != NULL)
            buf_printf(out, "[%zu]", at->index);
        return;
    }
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
    if (at->key[0] != '\0' && at->key[strspn(at->key, plain)] == '\0') {
        if (out->len > 0)
            buf_putc(out, '.');
        buf_puts(out, at->key);
    } else {
        buf_putc(out, '[');
        oci_json_write_string(at->key, strlen(at->key), out);
        buf_putc(out, ']');
    }
}

static int fault(struct walk *w, const struct place *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int fault(struct walk *w, const struct place *at, const char *fmt, ...)
{
    char what[sizeof w->err->text], text[sizeof w->err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    CLEANUP_BUF struct buf path = BUF_INIT;
    place_write(at, &path);
    snprintf(text, sizeof text, "%.200s%s: %.*s", buf_str(&path), path.len > 200 ? "..." : "", (int)sizeof text - 210,
             what);
    return err_set(w->err, -EINVAL, LAYER_CONFIG, "%s", oci_json_printable(text));
}

static int no_memory(struct walk *w)
{
    return err_set_errno(w->err, -ENOMEM, LAYER_CONFIG, "reading JSON");
}

/* A value as a fault shows it: scalars in full or cut, others by their kind. */
struct shown {
    char text[80];
};

static const char *show(struct json_object *o, struct shown *ret)
{
    if (json_object_is_type(o, json_type_object))
        return "an object";
    if (json_object_is_type(o, json_type_array))
        return "an array";
    CLEANUP_BUF struct buf b = BUF_INIT;
    oci_json_write(o, &b);
    size_t n = sizeof ret->text - sizeof "...";
    snprintf(ret->text, sizeof ret->text, "%.*s%s", (int)n, buf_str(&b), n < b.len ? "..." : "");
    return ret->text;
}

static int wrong_type(struct walk *w, const struct place *at, const char *want, struct json_object *o)
{
    struct shown shown;
    return fault(w, at, "expected %s, found %s", want, show(o, &shown));
}

static int check_string(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o)
{
    struct shown shown;
    if (!json_object_is_type(o, json_type_string))
        return wrong_type(w, at, "a string", o);
    const char *s = json_object_get_string(o);
    if (f->form != NULL && !f->form->ok(s))
        return fault(w, at, "%s is not of the form %s", show(o, &shown), f->form->form);
    if (f->values == NULL)
        return 0;
    for (const char *const *v = f->values; *v != NULL; v++)
        if (strcmp(*v, s) == 0)
            return 0;
    char list[200] = "";
    size_t n = 0;
    for (const char *const *v = f->values; *v != NULL; v++) {
        bool fits = n + strlen(*v) + strlen(", , ...") < sizeof list;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n > 0 ? ", " : "", fits ? *v : "...");
        if (!fits)
            break;
    }
    return fault(w, at, "%s is not one of %s", show(o, &shown), list);
}

/* The number in two's complement: fields with a negative minimum read it as int64_t. */
static int check_number(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                        uint64_t *ret)
{
    bool ok = json_object_is_type(o, json_type_int);
    int64_t v = ok ? json_object_get_int64(o) : 0;
    uint64_t u = !ok ? 0 : v < 0 ? (uint64_t)v : json_object_get_uint64(o);
    if (v < 0)
        ok = v >= f->min;
    else if (ok)
        ok = u <= f->max && (f->min <= 0 || u >= (uint64_t)f->min);
    if (!ok) {
        char want[80];
        snprintf(want, sizeof want, "a whole number from %" PRId64 " to %" PRIu64, f->min, f->max);
        return wrong_type(w, at, want, o);
    }
    *ret = u;
    return 0;
}

static char *copy(struct walk *w, const char *s, size_t len)
{
    char *p = arena_alloc(w->arena, len + 1);
    if (p != NULL)
        memcpy(p, s, len);
    return p;
}

static char *copy_string(struct walk *w, struct json_object *o)
{
    return copy(w, json_object_get_string(o), (size_t)json_object_get_string_len(o));
}

/* Keep a member as JSON text in *end, the list's end, and move *end on. */
static int keep(struct walk *w, struct oci_extra ***end, const char *key, struct json_object *o)
{
    struct oci_extra *e = arena_new(w->arena, struct oci_extra);
    CLEANUP_BUF struct buf b = BUF_INIT;
    oci_json_write(o, &b);
    if (e == NULL || b.failed || (e->key = arena_strdup(w->arena, key)) == NULL ||
        (e->json = copy(w, b.data, b.len)) == NULL)
        return no_memory(w);
    **end = e;
    *end = &e->next;
    return 0;
}

static int walk_object(struct walk *w, const struct place *at, const struct oci_object *table, struct json_object *o,
                       void *base);

/* Every reader: check o, the member f of the struct at base, and store it unless base is NULL. */
typedef int reader(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                   void *base);

#define MEMBER(type, base, f) ((type *)(void *)((char *)(base) + (f)->offset))

static int read_string(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                       void *base)
{
    int r = check_string(w, at, f, o);
    if (r < 0 || base == NULL)
        return r;
    char *s = copy_string(w, o);
    if (s == NULL)
        return no_memory(w);
    *MEMBER(char *, base, f) = s;
    return 0;
}

static int read_bool(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                     void *base)
{
    if (!json_object_is_type(o, json_type_boolean))
        return wrong_type(w, at, "true or false", o);
    if (base != NULL)
        *MEMBER(struct oci_bool, base, f) = (struct oci_bool){.set = true, .v = json_object_get_boolean(o)};
    return 0;
}

static int read_number(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                       void *base)
{
    uint64_t v = 0;
    int r = check_number(w, at, f, o, &v);
    if (r < 0 || base == NULL)
        return r;
    if (f->kind == OCI_KIND_INT)
        *MEMBER(struct oci_int, base, f) = (struct oci_int){.set = true, .v = (int64_t)v};
    else if (f->kind == OCI_KIND_UINT)
        *MEMBER(struct oci_uint, base, f) = (struct oci_uint){.set = true, .v = v};
    else if (f->kind == OCI_KIND_PLAIN_INT)
        *MEMBER(int64_t, base, f) = (int64_t)v;
    else if (f->kind == OCI_KIND_PLAIN_UINT)
        *MEMBER(uint64_t, base, f) = v;
    else
        *MEMBER(uint32_t, base, f) = (uint32_t)v;
    return 0;
}

/* Check that o is an array of enough elements. */
static int check_array(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                       const char *want)
{
    if (!json_object_is_type(o, json_type_array))
        return wrong_type(w, at, want, o);
    if (json_object_array_length(o) < f->min_items)
        return fault(w, at, "expected %s with at least %d of them, found %zu", want, f->min_items,
                     json_object_array_length(o));
    return 0;
}

static int read_strings(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                        void *base)
{
    int r = check_array(w, at, f, o, "an array of strings");
    if (r < 0)
        return r;
    size_t n = json_object_array_length(o);
    char **v = base != NULL ? arena_calloc(w->arena, n + 1, sizeof *v) : NULL;
    if (base != NULL && v == NULL)
        return no_memory(w);
    for (size_t i = 0; i < n; i++) {
        struct json_object *element = json_object_array_get_idx(o, i);
        r = check_string(w, &(struct place){at, NULL, i}, f, element);
        if (r < 0)
            return r;
        if (v != NULL && (v[i] = copy_string(w, element)) == NULL)
            return no_memory(w);
    }
    if (base != NULL)
        *MEMBER(struct oci_strs, base, f) = (struct oci_strs){.v = v, .n = n, .set = true};
    return 0;
}

static int read_uints(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                      void *base)
{
    int r = check_array(w, at, f, o, "an array of numbers");
    if (r < 0)
        return r;
    size_t n = json_object_array_length(o);
    uint32_t *v = base != NULL ? arena_calloc(w->arena, n, sizeof *v) : NULL;
    if (base != NULL && v == NULL)
        return no_memory(w);
    for (size_t i = 0; i < n; i++) {
        uint64_t number = 0;
        r = check_number(w, &(struct place){at, NULL, i}, f, json_object_array_get_idx(o, i), &number);
        if (r < 0)
            return r;
        if (v != NULL)
            v[i] = (uint32_t)number;
    }
    if (base != NULL)
        *MEMBER(struct oci_uints, base, f) = (struct oci_uints){.v = v, .n = n, .set = true};
    return 0;
}

static int read_map(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                    void *base)
{
    if (!json_object_is_type(o, json_type_object))
        return wrong_type(w, at, "an object of strings", o);
    size_t n = 0;
    struct oci_pair *v =
        base != NULL ? arena_calloc(w->arena, (size_t)json_object_object_length(o), sizeof *v) : NULL;
    if (base != NULL && v == NULL)
        return no_memory(w);
    json_object_object_foreach(o, key, value) {
        int r = check_string(w, &(struct place){at, key, 0}, f, value);
        if (r < 0)
            return r;
        if (v == NULL)
            continue;
        v[n].key = arena_strdup(w->arena, key);
        v[n].value = copy_string(w, value);
        if (v[n].key == NULL || v[n].value == NULL)
            return no_memory(w);
        n++;
    }
    if (base != NULL)
        *MEMBER(struct oci_map, base, f) = (struct oci_map){.v = v, .n = n, .set = true};
    return 0;
}

static int read_keys(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                     void *base)
{
    if (!json_object_is_type(o, json_type_object))
        return wrong_type(w, at, "an object whose values are {}", o);
    size_t n = 0;
    char **v = base != NULL ? arena_calloc(w->arena, (size_t)json_object_object_length(o) + 1, sizeof *v) : NULL;
    if (base != NULL && v == NULL)
        return no_memory(w);
    json_object_object_foreach(o, key, value) {
        if (!json_object_is_type(value, json_type_object) || json_object_object_length(value) != 0)
            return wrong_type(w, &(struct place){at, key, 0}, "{}", value);
        if (v != NULL && (v[n++] = arena_strdup(w->arena, key)) == NULL)
            return no_memory(w);
    }
    if (base != NULL)
        *MEMBER(struct oci_strs, base, f) = (struct oci_strs){.v = v, .n = n, .set = true};
    return 0;
}

static int read_object(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                       void *base)
{
    void *made = base != NULL ? arena_alloc(w->arena, f->sub->size) : NULL;
    if (base != NULL && made == NULL)
        return no_memory(w);
    int r = walk_object(w, at, f->sub, o, made);
    if (r == 0 && base != NULL)
        *MEMBER(void *, base, f) = made;
    return r;
}

typedef OCI_ARRAY(void) any_array; /* how every OCI_ARRAY lies in memory */

static int read_objects(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                        void *base)
{
    int r = check_array(w, at, f, o, "an array of objects");
    if (r < 0)
        return r;
    size_t n = json_object_array_length(o);
    char *v = base != NULL ? arena_calloc(w->arena, n, f->sub->size) : NULL;
    if (base != NULL && v == NULL)
        return no_memory(w);
    for (size_t i = 0; i < n; i++) {
        r = walk_object(w, &(struct place){at, NULL, i}, f->sub, json_object_array_get_idx(o, i),
                        v != NULL ? v + i * f->sub->size : NULL);
        if (r < 0)
            return r;
    }
    if (base != NULL)
        *MEMBER(any_array, base, f) = (any_array){.v = v, .n = n, .set = true};
    return 0;
}

static int read_named_objects(struct walk *w, const struct place *at, const struct oci_field *f,
                              struct json_object *o, void *base)
{
    if (!json_object_is_type(o, json_type_object))
        return wrong_type(w, at, "an object of objects", o);
    size_t n = 0;
    char *v = base != NULL ? arena_calloc(w->arena, (size_t)json_object_object_length(o), f->sub->size) : NULL;
    if (base != NULL && v == NULL)
        return no_memory(w);
    json_object_object_foreach(o, key, value) {
        char *element = v != NULL ? v + n++ * f->sub->size : NULL;
        if (element != NULL && (*(char **)(void *)element = arena_strdup(w->arena, key)) == NULL)
            return no_memory(w);
        int r = walk_object(w, &(struct place){at, key, 0}, f->sub, value, element);
        if (r < 0)
            return r;
    }
    if (base != NULL)
        *MEMBER(any_array, base, f) = (any_array){.v = v, .n = n, .set = true};
    return 0;
}

static int read_section(struct walk *w, const struct place *at, const struct oci_field *f, struct json_object *o,
                        UNUSED void *base)
{
    return walk_object(w, at, f->sub, o, NULL); /* walk_object() keeps its text */
}

static reader *const readers[] = {
    [OCI_KIND_STRING] = read_string,
    [OCI_KIND_BOOL] = read_bool,
    [OCI_KIND_INT] = read_number,
    [OCI_KIND_UINT] = read_number,
    [OCI_KIND_PLAIN_INT] = read_number,
    [OCI_KIND_PLAIN_UINT] = read_number,
    [OCI_KIND_PLAIN_U32] = read_number,
    [OCI_KIND_STRINGS] = read_strings,
    [OCI_KIND_UINTS] = read_uints,
    [OCI_KIND_MAP] = read_map,
    [OCI_KIND_KEYS] = read_keys,
    [OCI_KIND_OBJECT] = read_object,
    [OCI_KIND_OBJECTS] = read_objects,
    [OCI_KIND_NAMED_OBJECTS] = read_named_objects,
    [OCI_KIND_SECTION] = read_section,
};
static_assert(ARRAY_LEN(readers) == OCI_KINDS, "every kind has a reader");

static const struct oci_field *find(const struct oci_object *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (strcmp(table->fields[i].name, name) == 0)
            return &table->fields[i];
    return NULL;
}

static int walk_object(struct walk *w, const struct place *at, const struct oci_object *table, struct json_object *o,
                       void *base)
{
    if (!json_object_is_type(o, json_type_object))
        return wrong_type(w, at, "an object", o);
    uint32_t seen = 0;
    struct oci_extra **extra = base != NULL ? (struct oci_extra **)(void *)((char *)base + table->extra) : NULL;
    json_object_object_foreach(o, key, value) {
        const struct place place = {at, key, 0};
        const struct oci_field *f = find(table, key);
        /* Go's encoders write null for an absent pointer, list or map; it stays absent and prints as null again. */
        bool known = f != NULL && value != NULL;
        int r = known ? readers[f->kind](w, &place, f, value, base) : 0;
        if (r == 0 && extra != NULL && (!known || f->kind == OCI_KIND_SECTION))
            r = keep(w, &extra, key, value);
        if (r < 0)
            return r;
        if (known)
            seen |= 1U << (f - table->fields);
    }
    for (size_t i = 0; i < table->n; i++)
        if (table->fields[i].required && (seen >> i & 1) == 0)
            return fault(w, &(struct place){at, table->fields[i].name, 0}, "missing, but required");
    return 0;
}

int oci_parse(struct arena *a, const struct oci_document *document, const char *json, size_t len, void **ret,
              struct err *err)
{
    if (len > document->max_bytes)
        return err_set(err, -EFBIG, LAYER_CONFIG, "a document of more than %zu KiB", document->max_bytes / 1024);
    CLEANUP_ARENA struct arena names = ARENA_INIT; /* goes after the tree */
    CLEANUP(oci_json_put) struct json_object *o = NULL;
    int r = oci_json_read(&names, json, len, document->max_tokens, &o, err);
    if (r < 0)
        return r;
    void *made = arena_alloc(a, document->object->size);
    struct walk w = {.arena = a, .err = err};
    if (made == NULL)
        return no_memory(&w);
    r = walk_object(&w, &(struct place){NULL, NULL, 0}, document->object, o, made);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_parse_file(struct arena *a, const struct oci_document *document, int dirfd, const char *path, void **ret,
                   struct err *err)
{
    CLEANUP_ARENA struct arena text = ARENA_INIT;
    char *json = NULL;
    size_t len = 0;
    int r = file_read(&text, dirfd, path, document->max_bytes, &json, &len);
    if (r == -EFBIG)
        return err_set(err, r, LAYER_CONFIG, "%s: more than %zu KiB", path, document->max_bytes / 1024);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CONFIG, "%s", path);
    r = oci_parse(a, document, json, len, ret, err);
    if (r < 0)
        err_prefix(err, "%s", path);
    return r;
}
