/* SPDX-License-Identifier: Apache-2.0 */
#include "insight/facts.h"

#include <string.h>

#include "base/str.h"
#include "layers/layer.h"
#include "layers/sources.h"

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

const char *fact_source(struct arena *a, const struct oci_config *c, const char *path)
{
    return fact_clean(a, source_of(a, oci_annotation(c, ANNOTATION_SOURCES), path));
}

bool view_unread(const struct wall_view *v, const char *type)
{
    const char *list = v->observed ? oci_annotation(v->c, ANNOTATION_OBSERVED_UNREAD) : NULL;
    size_t n = strlen(type);
    for (const char *line = list; line != NULL && *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, type, n) == 0 && line[n] == '\n')
            return true;
    return false;
}

const char *fact_join(struct arena *a, const char *one, const char *other)
{
    return one == NULL ? other : other == NULL ? one : arena_printf(a, "%s; %s", one, other);
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
