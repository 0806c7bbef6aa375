/* SPDX-License-Identifier: Apache-2.0 */
/* The walker that writes: structs to JSON text, as the tables describe them. One writer per kind of member. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "oci/table.h"
#include "oci/text.h"

struct writer {
    struct buf *out;
    bool pretty;
    unsigned depth;
};

static void line(struct writer *w)
{
    if (!w->pretty)
        return;
    buf_putc(w->out, '\n');
    buf_pad(w->out, ' ', (size_t)w->depth * 2);
}

static void begin(struct writer *w, char bracket)
{
    buf_putc(w->out, bracket);
    w->depth++;
}

/* Before each element or member. */
static void next(struct writer *w, bool *first)
{
    if (!*first)
        buf_putc(w->out, ',');
    *first = false;
    line(w);
}

static void end(struct writer *w, char bracket, bool empty)
{
    w->depth--;
    if (!empty)
        line(w);
    buf_putc(w->out, bracket);
}

static void string(struct writer *w, const char *s)
{
    oci_json_write_string(s, strlen(s), w->out);
}

static void name(struct writer *w, const char *s)
{
    string(w, s);
    buf_puts(w->out, w->pretty ? ": " : ":");
}

static void write_object(struct writer *w, const struct oci_object *table, const void *base);

/* Is the member there? Arrays that code has filled count, whether it thought of `set` or not. */
static bool present(const struct oci_field *f, const void *member)
{
    switch ((enum oci_kind)f->kind) {
    case OCI_KIND_STRING:
    case OCI_KIND_OBJECT:
        return *(void *const *)member != NULL;
    case OCI_KIND_BOOL:
        return ((const struct oci_bool *)member)->set;
    case OCI_KIND_INT:
        return ((const struct oci_int *)member)->set;
    case OCI_KIND_UINT:
        return ((const struct oci_uint *)member)->set;
    case OCI_KIND_PLAIN_INT:
    case OCI_KIND_PLAIN_UINT:
    case OCI_KIND_PLAIN_U32:
        return true;
    case OCI_KIND_STRINGS:
    case OCI_KIND_KEYS:
    case OCI_KIND_UINTS:
    case OCI_KIND_MAP:
    case OCI_KIND_OBJECTS:
    case OCI_KIND_NAMED_OBJECTS: {
        const OCI_ARRAY(void) *array = member;
        return array->set || array->n > 0;
    }
    case OCI_KIND_SECTION:
    case OCI_KINDS:
        break;
    }
    return false;
}

static void write_strings(struct writer *w, const struct oci_strs *strs)
{
    bool first = true;
    begin(w, '[');
    for (size_t i = 0; i < strs->n; i++) {
        next(w, &first);
        string(w, strs->v[i]);
    }
    end(w, ']', first);
}

static void write_uints(struct writer *w, const struct oci_uints *uints)
{
    bool first = true;
    begin(w, '[');
    for (size_t i = 0; i < uints->n; i++) {
        next(w, &first);
        buf_printf(w->out, "%" PRIu32, uints->v[i]);
    }
    end(w, ']', first);
}

static void write_map(struct writer *w, const struct oci_map *map)
{
    bool first = true;
    begin(w, '{');
    for (size_t i = 0; i < map->n; i++) {
        next(w, &first);
        name(w, map->v[i].key);
        string(w, map->v[i].value);
    }
    end(w, '}', first);
}

static void write_keys(struct writer *w, const struct oci_strs *strs)
{
    bool first = true;
    begin(w, '{');
    for (size_t i = 0; i < strs->n; i++) {
        next(w, &first);
        name(w, strs->v[i]);
        buf_puts(w->out, "{}");
    }
    end(w, '}', first);
}

static void write_objects(struct writer *w, const struct oci_field *f, const void *member)
{
    const OCI_ARRAY(char) *array = member;
    bool named = f->kind == OCI_KIND_NAMED_OBJECTS, first = true;
    begin(w, named ? '{' : '[');
    for (size_t i = 0; i < array->n; i++) {
        const char *element = array->v + i * f->sub->size;
        next(w, &first);
        if (named)
            name(w, *(char *const *)(const void *)element);
        write_object(w, f->sub, element);
    }
    end(w, named ? '}' : ']', first);
}

static void write_value(struct writer *w, const struct oci_field *f, const void *member)
{
    switch ((enum oci_kind)f->kind) {
    case OCI_KIND_STRING:
        string(w, *(char *const *)member);
        break;
    case OCI_KIND_BOOL:
        buf_puts(w->out, ((const struct oci_bool *)member)->v ? "true" : "false");
        break;
    case OCI_KIND_INT:
        buf_printf(w->out, "%" PRId64, ((const struct oci_int *)member)->v);
        break;
    case OCI_KIND_UINT:
        buf_printf(w->out, "%" PRIu64, ((const struct oci_uint *)member)->v);
        break;
    case OCI_KIND_PLAIN_INT:
        buf_printf(w->out, "%" PRId64, *(const int64_t *)member);
        break;
    case OCI_KIND_PLAIN_UINT:
        buf_printf(w->out, "%" PRIu64, *(const uint64_t *)member);
        break;
    case OCI_KIND_PLAIN_U32:
        buf_printf(w->out, "%" PRIu32, *(const uint32_t *)member);
        break;
    case OCI_KIND_STRINGS:
        write_strings(w, member);
        break;
    case OCI_KIND_UINTS:
        write_uints(w, member);
        break;
    case OCI_KIND_MAP:
        write_map(w, member);
        break;
    case OCI_KIND_KEYS:
        write_keys(w, member);
        break;
    case OCI_KIND_OBJECT:
        write_object(w, f->sub, *(void *const *)member);
        break;
    case OCI_KIND_OBJECTS:
    case OCI_KIND_NAMED_OBJECTS:
        write_objects(w, f, member);
        break;
    case OCI_KIND_SECTION:
    case OCI_KINDS:
        break; /* never present as a member */
    }
}

/* Was the member e written from the struct already? So it is where the document had null and code has set it since. */
static bool written(const struct oci_object *table, uint32_t done, const struct oci_extra *e)
{
    for (size_t i = 0; i < table->n; i++)
        if ((done >> i & 1) != 0 && strcmp(table->fields[i].name, e->key) == 0)
            return true;
    return false;
}

static void write_object(struct writer *w, const struct oci_object *table, const void *base)
{
    bool first = true;
    uint32_t done = 0;
    begin(w, '{');
    for (size_t i = 0; i < table->n; i++) {
        const struct oci_field *f = &table->fields[i];
        const void *member = (const char *)base + f->offset;
        if (!present(f, member))
            continue;
        next(w, &first);
        name(w, f->name);
        write_value(w, f, member);
        done |= 1U << i;
    }
    const struct oci_extra *e = *(struct oci_extra *const *)(const void *)((const char *)base + table->extra);
    for (; e != NULL; e = e->next) {
        if (written(table, done, e))
            continue;
        next(w, &first);
        name(w, e->key);
        if (w->pretty)
            oci_json_indent(e->json, w->depth, w->out);
        else
            buf_puts(w->out, e->json);
    }
    end(w, '}', first);
}

void oci_print(const struct oci_document *document, const void *value, bool pretty, struct buf *out)
{
    struct writer w = {.out = out, .pretty = pretty};
    write_object(&w, document->object, value);
    if (pretty)
        buf_putc(out, '\n');
}
