/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sources.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* A tab or a line break in a value would end the field. */
static void put_clean(struct buf *out, const char *s)
{
    for (; *s != '\0'; s++)
        buf_putc(out, *s == '\t' || *s == '\n' ? ' ' : *s);
}

static void put_path(struct buf *out, const char *path, const char *entry)
{
    put_clean(out, path);
    if (entry != NULL) {
        buf_putc(out, '[');
        put_clean(out, entry);
        buf_putc(out, ']');
    }
    buf_putc(out, '\t');
}

void source_entry_flag(struct buf *out, const char *path, const char *entry, const char *flag, const char *value)
{
    put_path(out, path, entry);
    buf_printf(out, "flag %s", flag);
    if (value != NULL) {
        buf_putc(out, ' ');
        put_clean(out, value);
    }
    buf_putc(out, '\n');
}

void source_entry_profile(struct buf *out, const char *path, const char *entry, const struct profile_item *item)
{
    put_path(out, path, entry);
    buf_printf(out, "profile %s:%u\n", item->profile, item->line);
}

void source_entry_text(struct buf *out, const char *path, const char *entry, const char *source)
{
    put_path(out, path, entry);
    put_clean(out, source);
    buf_putc(out, '\n');
}

void source_flag(struct buf *out, const char *path, const char *flag, const char *value)
{
    source_entry_flag(out, path, NULL, flag, value);
}

void source_profile(struct buf *out, const char *path, const struct profile_item *item)
{
    source_entry_profile(out, path, NULL, item);
}

void source_text(struct buf *out, const char *path, const char *source)
{
    source_entry_text(out, path, NULL, source);
}

/* Does the text hold these n bytes? */
static bool mentions(const char *text, const char *part, size_t n)
{
    return n > 0 && memmem(text, strlen(text), part, n) != NULL;
}

/* A later line for the same member replaces an earlier one, so the last that fits is right. */
void source_blame(const char *sources, struct err *err)
{
    const char *flag = NULL;
    size_t flag_length = 0;
    for (const char *line = sources; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n'), *tab = memchr(line, '\t', (size_t)(end - line));
        size_t path = tab != NULL ? (size_t)(tab - line) : 0, base = strcspn(line, "[\t");
        const char *entry = line + base + 1;
        size_t entry_length = base < path ? path - base - 2 : 0;
        if (tab != NULL && mentions(err->text, line, base) &&
            (entry_length == 0 || mentions(err->text, entry, entry_length))) {
            bool is_flag = str_starts(tab + 1, "flag ");
            flag = is_flag ? tab + 1 + strlen("flag ") : NULL;
            flag_length = is_flag ? (size_t)(end - flag) : 0;
        }
        line = *end == '\0' ? end : end + 1;
    }
    size_t n = strlen(err->text);
    if (flag != NULL && n + flag_length + 4 < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - n, " (%.*s)", (int)flag_length, flag);
}
