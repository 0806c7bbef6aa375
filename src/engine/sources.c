/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sources.h"

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
