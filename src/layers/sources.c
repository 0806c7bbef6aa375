/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

bool source_next(const char **cursor, struct source_line *ret)
{
    while (*cursor != NULL && **cursor != '\0') {
        const char *line = *cursor, *end = strchrnul(line, '\n');
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        *cursor = *end == '\0' ? end : end + 1;
        if (tab == NULL || tab == line)
            continue;
        const char *open = memchr(line, '[', (size_t)(tab - line));
        if (open != NULL && tab[-1] != ']')
            open = NULL;
        *ret = (struct source_line){.path = line, .path_length = (size_t)((open != NULL ? open : tab) - line),
                                    .source = tab + 1, .source_length = (size_t)(end - tab - 1)};
        if (open != NULL) {
            ret->entry = open + 1;
            ret->entry_length = (size_t)(tab - open - 2);
        }
        return true;
    }
    return false;
}

static bool same(const char *a, size_t n_a, const char *b, size_t n_b)
{
    return n_a == n_b && memcmp(a, b, n_a) == 0;
}

static bool same_place(const struct source_line *a, const struct source_line *b)
{
    return same(a->path, a->path_length, b->path, b->path_length) && (a->entry == NULL) == (b->entry == NULL) &&
           (a->entry == NULL || same(a->entry, a->entry_length, b->entry, b->entry_length));
}

struct origin {
    struct source_line line;
    const char *name; /* without the number of the line */
    size_t name_length;
    unsigned long number; /* of a profile's line; 0: not a profile's */
    bool told;
};

static struct origin origin_of(const struct source_line *line)
{
    struct origin o = {.line = *line, .name = line->source, .name_length = line->source_length};
    size_t n = line->source_length;
    while (n > 0 && line->source[n - 1] >= '0' && line->source[n - 1] <= '9')
        n--;
    if (str_starts(line->source, "profile ") && n > 0 && n < line->source_length && line->source[n - 1] == ':') {
        o.name_length = n - 1;
        o.number = strtoul(line->source + n, NULL, 10);
    }
    return o;
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
    return x < y ? -1 : x > y;
}

/* ":10-11,14": the lines of one profile, in their order */
static void put_numbers(struct buf *out, unsigned long *numbers, size_t n)
{
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    for (size_t i = 0, first = 0; i < n; i++) {
        if (i + 1 < n && numbers[i + 1] <= numbers[i] + 1)
            continue;
        buf_printf(out, "%c%lu", first == 0 ? ':' : ',', numbers[first]);
        if (numbers[i] > numbers[first])
            buf_printf(out, "-%lu", numbers[i]);
        first = i + 1;
    }
}

static void tell(struct buf *out, struct origin *origins, size_t n, size_t i, unsigned long *numbers)
{
    const struct origin *o = &origins[i];
    size_t n_numbers = 0;
    for (size_t k = i; k < n; k++)
        if (!origins[k].told && same(o->name, o->name_length, origins[k].name, origins[k].name_length) &&
            (o->number == 0) == (origins[k].number == 0)) {
            origins[k].told = true;
            numbers[n_numbers++] = origins[k].number;
        }
    buf_puts(out, out->len > 0 ? "; " : "");
    buf_add(out, o->name, o->name_length);
    if (o->number > 0)
        put_numbers(out, numbers, n_numbers);
}

/* The lines that speak of path, the last one of each place; an entry that is asked for stands alone. */
static size_t collect(const char *sources, const struct source_line *asked, struct origin *ret)
{
    struct source_line line;
    size_t n = 0;
    for (const char *cursor = sources; source_next(&cursor, &line);) {
        if (!same(line.path, line.path_length, asked->path, asked->path_length) ||
            (asked->entry != NULL && !same_place(&line, asked)))
            continue;
        size_t i = 0;
        while (i < n && !same_place(&ret[i].line, &line))
            i++;
        ret[i] = origin_of(&line);
        n += i == n;
    }
    return n;
}

char *source_of(struct arena *a, const char *sources, const char *path)
{
    const char *cursor = arena_printf(a, "%s\t", path);
    struct source_line asked;
    size_t lines = 1;
    for (const char *p = sources; p != NULL && *p != '\0'; p++)
        lines += *p == '\n';
    struct origin *origins = arena_calloc(a, lines, sizeof *origins);
    unsigned long *numbers = arena_calloc(a, lines, sizeof *numbers);
    if (sources == NULL || origins == NULL || numbers == NULL || !source_next(&cursor, &asked))
        return NULL;
    size_t n = collect(sources, &asked, origins);
    if (n == 0 && asked.entry != NULL) {
        /* No line of its own: the list's, without its other entries. */
        size_t all = 0;
        asked.entry = NULL;
        all = collect(sources, &asked, origins);
        for (size_t i = 0; i < all; i++)
            if (origins[i].line.entry == NULL)
                origins[n++] = origins[i];
    }
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        if (!origins[i].told)
            tell(&text, origins, n, i, numbers);
    if (text.failed)
        a->failed = true;
    return text.len == 0 || text.failed ? NULL : arena_strdup(a, buf_str(&text));
}
