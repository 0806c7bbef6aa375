/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From words to json-c's tree. Not json-c 0.16's own tokener, which dereferences NULL or drops the ends of strings when
 * memory runs out, besides taking more than JSON (see lex.c). tests/fuzz/fuzz_oci.c holds the two against each other.
 */
#include "oci/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/lex.h"

#define MAX_DEPTH 64 /* of nesting; the specification's own members need 8 */

struct reader {
    const char *text;
    struct lex lex;
    struct arena *names;
    struct err *err;
    size_t tokens, max_tokens;
    struct json_object *open[MAX_DEPTH]; /* objects and arrays around the current place, owned by the outermost */
    size_t depth;
    const char *name; /* of the member that is being read */
    struct buf scratch;
};

char *oci_json_printable(char *s)
{
    for (char *p = s; *p != '\0'; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    return s;
}

static int fault_at(struct reader *r, const char *at, const char *what)
{
    size_t line = 1, column = 1;
    for (const char *p = r->text; p < at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return err_set(r->err, -EINVAL, LAYER_CONFIG, "not JSON at line %zu, column %zu: %s", line, column, what);
}

static int fault(struct reader *r, const char *what)
{
    return fault_at(r, r->lex.start, r->lex.kind == LEX_END ? "the text ends too early" : what);
}

static int no_memory(struct reader *r)
{
    return err_set_errno(r->err, -ENOMEM, LAYER_CONFIG, "reading JSON");
}

static int next(struct reader *r)
{
    const char *what = lex_next(&r->lex);
    if (what != NULL)
        return fault_at(r, r->lex.at, what);
    return 0;
}

/* Count a name or a value. */
static int count(struct reader *r)
{
    if (++r->tokens <= r->max_tokens)
        return 0;
    return err_set(r->err, -EFBIG, LAYER_CONFIG, "more than %zu names and values in one document", r->max_tokens);
}

static bool is(const struct reader *r, char punctuation)
{
    return r->lex.kind == LEX_PUNCTUATION && *r->lex.start == punctuation;
}

/* The text of the current word, strings without quotes and escapes, into r->scratch. */
static int word(struct reader *r)
{
    r->scratch.len = 0;
    buf_add(&r->scratch, "", 0); /* an empty string, too, ends what was there */
    if (r->lex.kind == LEX_STRING)
        lex_decode(&r->lex, &r->scratch);
    else
        buf_add(&r->scratch, r->lex.start, r->lex.len);
    return r->scratch.failed ? no_memory(r) : 0;
}

static int make_scalar(struct reader *r, struct json_object **ret)
{
    char first = *r->lex.start;
    if (first == 'n') {
        *ret = NULL;
        return 0;
    }
    if (first == 't' || first == 'f') {
        *ret = json_object_new_boolean(first == 't');
    } else {
        int e = word(r);
        if (e < 0)
            return e;
        const char *s = buf_str(&r->scratch);
        if (r->lex.kind == LEX_STRING)
            *ret = json_object_new_string_len(s, (int)r->scratch.len);
        else if (!r->lex.whole)
            *ret = json_object_new_double_s(strtod(s, NULL), s);
        else if (first == '-')
            *ret = json_object_new_int64(strtoll(s, NULL, 10));
        else
            *ret = json_object_new_uint64(strtoull(s, NULL, 10));
    }
    return *ret != NULL ? 0 : no_memory(r);
}

/* The value that begins with the current word, empty if it is an object or an array. */
static int make(struct reader *r, struct json_object **ret)
{
    int e = count(r);
    if (e < 0)
        return e;
    if (r->lex.kind == LEX_SCALAR || r->lex.kind == LEX_STRING)
        return make_scalar(r, ret);
    if (!is(r, '{') && !is(r, '['))
        return fault(r, "expected a value");
    if (r->depth == MAX_DEPTH)
        return fault(r, "nested too deep");
    *ret = is(r, '{') ? json_object_new_object() : json_object_new_array_ext(4);
    return *ret != NULL ? 0 : no_memory(r);
}

/* "name": into r->name; the current word is then the one after the colon. */
static int read_name(struct reader *r)
{
    if (r->lex.kind != LEX_STRING)
        return fault(r, "expected a member's name in quotes");
    int e = count(r);
    if (e == 0)
        e = word(r);
    if (e < 0)
        return e;
    r->name = arena_strndup(r->names, r->scratch.data, r->scratch.len);
    if (r->name == NULL)
        return no_memory(r);
    /* Readers differ in which of two they take: what one has checked is not what another one uses. */
    if (json_object_object_get_ex(r->open[r->depth - 1], r->name, NULL)) {
        char what[120];
        snprintf(what, sizeof what, "the member \"%.80s\" is given twice", r->name);
        return fault(r, oci_json_printable(what));
    }
    e = next(r);
    if (e == 0 && !is(r, ':'))
        e = fault(r, "expected ':'");
    return e < 0 ? e : next(r);
}

/* One element or member of the innermost open object or array, or its end. */
static int step(struct reader *r)
{
    struct json_object *in = r->open[r->depth - 1];
    bool object = json_object_is_type(in, json_type_object);
    bool first = (object ? (size_t)json_object_object_length(in) : json_object_array_length(in)) == 0;
    int e = next(r);
    if (e < 0)
        return e;
    if (is(r, object ? '}' : ']')) {
        r->depth--;
        return 0;
    }
    if (!first) {
        if (!is(r, ','))
            return fault(r, object ? "expected ',' or '}'" : "expected ',' or ']'");
        e = next(r);
    }
    if (e == 0 && object)
        e = read_name(r);
    if (e < 0)
        return e;
    struct json_object *value = NULL;
    e = make(r, &value);
    if (e < 0)
        return e;
    const unsigned flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;
    e = object ? json_object_object_add_ex(in, r->name, value, flags) : json_object_array_add(in, value);
    if (e < 0) {
        json_object_put(value);
        return no_memory(r);
    }
    if (json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array))
        r->open[r->depth++] = value;
    return 0;
}

int oci_json_read(struct arena *names, const char *text, size_t len, size_t max_tokens, struct json_object **ret,
                  struct err *err)
{
    CLEANUP(oci_json_put) struct json_object *root = NULL;
    struct reader r = {
        .text = text,
        .lex = {.at = text, .end = text + len},
        .names = names,
        .err = err,
        .max_tokens = max_tokens,
    };
    int e = next(&r);
    if (e == 0 && r.lex.kind == LEX_END)
        e = fault_at(&r, r.lex.start, "there is nothing");
    else if (e == 0 && !is(&r, '{'))
        e = err_set(err, -EINVAL, LAYER_CONFIG, "the document is not an object ({...})");
    if (e == 0)
        e = make(&r, &root);
    if (e == 0)
        r.open[r.depth++] = root;
    while (e == 0 && r.depth > 0)
        e = step(&r);
    if (e == 0)
        e = next(&r);
    if (e == 0 && r.lex.kind != LEX_END)
        e = fault(&r, "something follows the document");
    buf_free(&r.scratch);
    if (e == 0)
        *ret = TAKE_PTR(root);
    return e;
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
            depth -= depth > 0;
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
