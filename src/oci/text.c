/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci/lex.h"

#define MAX_DEPTH 64 /* of nesting; the specification's own members need 8 */

static void tokener_free(struct json_tokener **tok)
{
    if (*tok != NULL)
        json_tokener_free(*tok);
}

/* What a text holds, counted without json-c and in json-c's tree: they must be equal. */
struct tally {
    size_t tokens;  /* strings and other scalars, arrays, objects; in the text only */
    size_t members; /* of all objects */
    size_t bytes;   /* of all strings, names included, and of numbers that are kept as text */
    bool escaped;   /* a name may be written with escapes; in the text only */
};

static int fault_at(const char *text, size_t at, struct err *err, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    return err_set(err, -EINVAL, LAYER_CONFIG, "not JSON at line %zu, column %zu: %s", line, column, what);
}

static int tally_text(const char *text, size_t len, size_t max_tokens, struct tally *ret, struct err *err)
{
    struct lex l = {.at = text, .end = text + len};
    struct tally t = {0};
    for (;;) {
        const char *fault = lex_next(&l);
        if (fault != NULL)
            return fault_at(text, (size_t)(l.at - text), err, fault);
        if (l.kind == LEX_END)
            break;
        t.bytes += l.decoded;
        t.escaped = t.escaped || l.escapes;
        t.members += l.kind == LEX_PUNCTUATION && *l.start == ':';
        if (l.kind != LEX_PUNCTUATION || *l.start == '{' || *l.start == '[')
            t.tokens++;
        if (t.tokens > max_tokens)
            return err_set(err, -EFBIG, LAYER_CONFIG, "more than %zu names and values in one document", max_tokens);
    }
    *ret = t;
    return 0;
}

static void tally_tree(struct json_object *o, struct tally *t)
{
    switch (json_object_get_type(o)) {
    case json_type_string:
        t->bytes += (size_t)json_object_get_string_len(o);
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(o); i++)
            tally_tree(json_object_array_get_idx(o, i), t);
        break;
    case json_type_object: {
        json_object_object_foreach(o, key, value) {
            t->members++;
            t->bytes += strlen(key);
            tally_tree(value, t);
        }
        break;
    }
    case json_type_double: {
        const char *number = json_object_get_userdata(o); /* the tokener keeps its text there */
        t->bytes += number != NULL ? strlen(number) : 0;
        break;
    }
    case json_type_null:
    case json_type_boolean:
    case json_type_int:
        break;
    }
}

/* A member's name in the text, with its quotes. */
struct name {
    const char *start;
    size_t len;
};

static int name_compare(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = memcmp(x->start, y->start, MIN_OF(x->len, y->len));
    if (order == 0 && x->len != y->len)
        order = x->len < y->len ? -1 : 1;
    if (order == 0)
        order = x->start < y->start ? -1 : 1;
    return order;
}

/* Among the names of one object, the second of the first equal pair, or NULL. */
static const struct name *name_twice(struct name *names, size_t n)
{
    const struct name *twice = NULL;
    if (n > 1)
        qsort(names, n, sizeof *names, name_compare);
    for (size_t i = 1; i < n; i++)
        if (names[i].len == names[i - 1].len && memcmp(names[i].start, names[i - 1].start, names[i].len) == 0 &&
            (twice == NULL || names[i].start < twice->start))
            twice = &names[i];
    return twice;
}

/*
 * The tree has fewer members than the text: say which one is given twice. The text is well formed by now. Called
 * only for a document that is refused anyway.
 */
static int fault_twice(const char *text, size_t len, const struct tally *t, struct err *err)
{
    CLEANUP_FREE struct name *names = calloc(t->members + 1, sizeof *names);
    size_t first[MAX_DEPTH + 1] = {0}; /* per open object or array, where its names begin */
    if (names == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_CONFIG, "reading JSON");
    struct lex l = {.at = text, .end = text + len};
    struct name last = {text, 0};
    size_t n = 0, depth = 0;
    while (lex_next(&l) == NULL && l.kind != LEX_END) {
        if (l.kind == LEX_STRING) {
            last = (struct name){l.start, l.len};
        } else if (l.kind != LEX_PUNCTUATION) {
            continue;
        } else if (*l.start == ':' && n < t->members) {
            names[n++] = last;
        } else if ((*l.start == '{' || *l.start == '[') && depth < MAX_DEPTH) {
            first[++depth] = n;
        } else if ((*l.start == '}' || *l.start == ']') && depth > 0) {
            const struct name *twice = name_twice(names + first[depth], n - first[depth]);
            if (twice != NULL) {
                char what[120];
                snprintf(what, sizeof what, "the member %.*s is given twice", (int)MIN_OF(twice->len, (size_t)80),
                         twice->start);
                return fault_at(text, (size_t)(twice->start - text), err, what);
            }
            n = first[depth--];
        }
    }
    if (t->escaped)
        return err_set(err, -EINVAL, LAYER_CONFIG, "a member is given twice, its name once written with escapes");
    return err_set_errno(err, -ENOMEM, LAYER_CONFIG, "reading JSON");
}

int oci_json_read(const char *text, size_t len, size_t max_tokens, struct json_object **ret, struct err *err)
{
    struct tally want = {0}, have = {0};
    int r = tally_text(text, len, max_tokens, &want, err);
    if (r < 0)
        return r;

    CLEANUP(tokener_free) struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
    if (tok == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_CONFIG, "reading JSON");
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
    CLEANUP(oci_json_put) struct json_object *o = json_tokener_parse_ex(tok, text, (int)len);
    enum json_tokener_error status = json_tokener_get_error(tok);
    size_t at = json_tokener_get_parse_end(tok);
    if (status == json_tokener_continue || at > len)
        return fault_at(text, len, err, len == 0 ? "the text is empty" : "the text ends too early");
    if (status != json_tokener_success)
        return fault_at(text, at, err, json_tokener_error_desc(status));
    if (!json_object_is_type(o, json_type_object)) {
        /* json-c has no error of its own for running out of memory: nothing made and no error. */
        struct lex l = {.at = text, .end = text + len};
        if (o == NULL && lex_next(&l) == NULL && *l.start != 'n')
            return err_set_errno(err, -ENOMEM, LAYER_CONFIG, "reading JSON");
        return err_set(err, -EINVAL, LAYER_CONFIG, "the document is not an object ({...})");
    }

    /*
     * json-c takes the last of two members with one name, and json-c 0.16 does not notice when its buffer cannot grow:
     * then strings lose their ends. Neither may go unseen: a mask, a limit or a deny rule could vanish.
     */
    tally_tree(o, &have);
    if (have.members != want.members)
        return fault_twice(text, len, &want, err);
    if (have.bytes != want.bytes)
        return err_set_errno(err, -ENOMEM, LAYER_CONFIG, "reading JSON");
    *ret = TAKE_PTR(o);
    return 0;
}

void oci_json_write_string(const char *s, size_t len, struct buf *out)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = s + len;
    buf_putc(out, '"');
    while (s < end) {
        const char *plain = s;
        while (s < end && *s != '"' && *s != '\\' && (unsigned char)*s >= 0x20)
            s++;
        buf_add(out, plain, (size_t)(s - plain));
        if (s == end)
            break;
        char escape[6] = {'\\', *s};
        size_t n = 2;
        switch (*s) {
        case '"':
        case '\\':
            break;
        case '\n':
            escape[1] = 'n';
            break;
        case '\t':
            escape[1] = 't';
            break;
        default:
            memcpy(escape + 1, "u00", 3);
            escape[4] = hex[(unsigned char)*s >> 4];
            escape[5] = hex[*s & 15];
            n = 6;
        }
        buf_add(out, escape, n);
        s++;
    }
    buf_putc(out, '"');
}

static void write_number(struct json_object *o, struct buf *out)
{
    if (json_object_is_type(o, json_type_double)) {
        buf_puts(out, json_object_get_userdata(o)); /* oci_json_read() saw that it is there */
        return;
    }
    int64_t v = json_object_get_int64(o);
    if (v < 0)
        buf_printf(out, "%" PRId64, v);
    else
        buf_printf(out, "%" PRIu64, json_object_get_uint64(o));
}

/* Not json_object_to_json_string(): when memory runs out that one returns a part of the text. */
void oci_json_write(struct json_object *o, struct buf *out)
{
    bool first = true;
    switch (json_object_get_type(o)) {
    case json_type_null:
        buf_puts(out, "null");
        break;
    case json_type_boolean:
        buf_puts(out, json_object_get_boolean(o) ? "true" : "false");
        break;
    case json_type_double:
    case json_type_int:
        write_number(o, out);
        break;
    case json_type_string:
        oci_json_write_string(json_object_get_string(o), (size_t)json_object_get_string_len(o), out);
        break;
    case json_type_array:
        buf_putc(out, '[');
        for (size_t i = 0; i < json_object_array_length(o); i++) {
            if (i > 0)
                buf_putc(out, ',');
            oci_json_write(json_object_array_get_idx(o, i), out);
        }
        buf_putc(out, ']');
        break;
    case json_type_object: {
        buf_putc(out, '{');
        json_object_object_foreach(o, key, value) {
            if (!first)
                buf_putc(out, ',');
            first = false;
            oci_json_write_string(key, strlen(key), out);
            buf_putc(out, ':');
            oci_json_write(value, out);
        }
        buf_putc(out, '}');
        break;
    }
    }
}

void oci_json_indent(const char *json, unsigned depth, struct buf *out)
{
    struct lex l = {.at = json, .end = json + strlen(json)};
    while (lex_next(&l) == NULL && l.kind != LEX_END) {
        char c = l.kind == LEX_PUNCTUATION ? *l.start : '\0';
        bool empty = (c == '{' || c == '[') && (*l.at == '}' || *l.at == ']');
        bool closes = c == '}' || c == ']';
        if (closes) {
            depth--;
            buf_putc(out, '\n');
            buf_pad(out, ' ', (size_t)depth * 2);
        }
        buf_add(out, l.start, l.len);
        if (empty) {
            buf_putc(out, *l.at++);
        } else if (c == '{' || c == '[' || c == ',') {
            depth += c != ',';
            buf_putc(out, '\n');
            buf_pad(out, ' ', (size_t)depth * 2);
        } else if (c == ':') {
            buf_putc(out, ' ');
        }
    }
}
