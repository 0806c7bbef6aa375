/* SPDX-License-Identifier: Apache-2.0 */
#include "insight/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "layers/layer.h"

struct fact *fact_add(struct wall_view *v, enum fact_state state, const char *subject, const char *path,
                      const char *meaning, const char *fmt, ...)
{
    static struct fact spare; /* written to, never read: only after memory ran out */
    struct fact *f = arena_new(v->a, struct fact);
    if (f == NULL)
        return &spare;
    va_list ap;
    va_start(ap, fmt);
    f->detail = arena_vprintf(v->a, fmt, ap);
    va_end(ap);
    f->state = state;
    f->subject = subject;
    f->meaning = meaning;
    f->verified = v->observed;
    f->source = path == NULL || v->observed ? NULL : fact_source(v->a, v->c, path);
    if (v->facts->last == NULL)
        v->facts->first = f;
    else
        v->facts->last->next = f;
    v->facts->last = f;
    return f;
}

/* The last line of sources for exactly this path. */
static const char *source_line(struct arena *a, const char *sources, const char *path, size_t n)
{
    const char *found = NULL;
    for (const char *line = sources; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, path, n) == 0 && line[n] == '\t')
            found = line + n + 1;
    return found == NULL ? NULL : arena_strndup(a, found, strcspn(found, "\n"));
}

const char *fact_source(struct arena *a, const struct oci_config *c, const char *path)
{
    const char *sources = oci_annotation(c, ANNOTATION_SOURCES);
    if (sources == NULL)
        return NULL;
    const char *found = source_line(a, sources, path, strlen(path));
    const char *entry = strchr(path, '[');
    if (found == NULL && entry != NULL)
        found = source_line(a, sources, path, (size_t)(entry - path));
    return found == NULL ? NULL : fact_clean(a, found);
}

/* A list of sources in the order in which they were met. */
struct origins {
    struct origin {
        char *name;                /* "profile docker" or a whole source */
        unsigned long first, last; /* lines; 0: not a profile's */
    } v[16];
    size_t n;
};

static void add_origin(struct arena *a, struct origins *list, const char *source, size_t n)
{
    char *text = arena_strndup(a, source, n);
    if (text == NULL || list->n == ARRAY_LEN(list->v))
        return;
    char *colon = str_starts(text, "profile ") ? strrchr(text, ':') : NULL;
    unsigned long line = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
    if (line > 0)
        *colon = '\0';
    for (size_t i = 0; i < list->n; i++) {
        struct origin *o = &list->v[i];
        if (!str_eq(o->name, text) || (o->first == 0) != (line == 0))
            continue;
        o->first = MIN_OF(o->first, line);
        o->last = MAX_OF(o->last, line);
        return;
    }
    list->v[list->n++] = (struct origin){.name = text, .first = line, .last = line};
}

const char *fact_entry_sources(struct arena *a, const struct oci_config *c, const char *path)
{
    const char *sources = oci_annotation(c, ANNOTATION_SOURCES);
    struct origins origins = {.n = 0};
    size_t n = strlen(path);
    for (const char *line = sources; line != NULL && *line != '\0';) {
        const char *tab = strchr(line, '\t'), *end = line + strcspn(line, "\n");
        if (tab != NULL && tab < end && strncmp(line, path, n) == 0 && line[n] == '[')
            add_origin(a, &origins, tab + 1, (size_t)(end - tab - 1));
        line = *end == '\n' ? end + 1 : end;
    }
    if (origins.n == 0)
        return fact_source(a, c, path);
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < origins.n; i++) {
        const struct origin *o = &origins.v[i];
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", o->name);
        if (o->first > 0)
            buf_printf(&text, ":%lu", o->first);
        if (o->last > o->first)
            buf_printf(&text, "-%lu", o->last);
    }
    if (text.failed)
        a->failed = true;
    return fact_clean(a, buf_str(&text));
}

/* The length of the UTF-8 sequence at s that may be printed, 0 for none. */
static size_t printable(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != 0x7f;
    size_t n = p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
    if (n == 0)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    unsigned long c = p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    if (n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000)))
        return 0;
    if (n == 4 && (c < 0x10000 || c > 0x10ffff))
        return 0;
    /* C1 controls, and the characters that turn or hide text: directional marks, overrides and isolates. */
    bool hides = (c >= 0x80 && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                 (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    return hides ? 0 : n;
}

const char *fact_clean(struct arena *a, const char *s)
{
    if (s == NULL)
        return NULL;
    CLEANUP_BUF struct buf out = BUF_INIT;
    while (*s != '\0') {
        size_t n = printable(s);
        if (n > 0) {
            buf_add(&out, s, n);
            s += n;
        } else {
            buf_printf(&out, "\\x%02x", (unsigned char)*s++);
        }
    }
    if (out.failed)
        a->failed = true;
    return arena_strdup(a, buf_str(&out));
}
