/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sources.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "layers/sources.h"

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
    struct source_line line, blamed = {.source = NULL};
    for (const char *cursor = sources; source_next(&cursor, &line);)
        if (mentions(err->text, line.path, line.path_length) &&
            (line.entry == NULL || mentions(err->text, line.entry, line.entry_length)))
            blamed = line;
    static const char flag[] = "flag ";
    if (blamed.source == NULL || !str_starts(blamed.source, flag))
        return;
    int length = (int)(blamed.source_length - strlen(flag));
    size_t n = strlen(err->text);
    if (n + (size_t)length + strlen(" ()") < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - n, " (%.*s)", length, blamed.source + strlen(flag));
}
