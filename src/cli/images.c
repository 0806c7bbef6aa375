/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "engine/record.h"

struct images_options {
    bool quiet, no_trunc, digests;
    const char *format;
};

static const struct option options[] = {
    {"quiet", 'q', OPTION_BOOL, LAYER_CLI, offsetof(struct images_options, quiet), NULL, "Show IDs only", NULL},
    {"no-trunc", 0, OPTION_BOOL, LAYER_CLI, offsetof(struct images_options, no_trunc), NULL, "Cut nothing off", NULL},
    {"digests", 0, OPTION_BOOL, LAYER_CLI, offsetof(struct images_options, digests), NULL, "Show digests", NULL},
    {"format", 0, OPTION_STRING, LAYER_CLI, offsetof(struct images_options, format), "json", "One JSON object a line",
     NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static const char *short_id(struct arena *a, const char *id, bool whole)
{
    return whole ? id : arena_printf(a, "%.12s", str_starts(id, "sha256:") ? id + 7 : id);
}

static void print_json(const struct image *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP_BUF struct buf b = BUF_INIT;
        buf_printf(&b, "{\"id\":\"%s\",\"digest\":\"%s\",\"name\":", list[i].id, list[i].digest);
        if (list[i].name != NULL)
            json_string(&b, list[i].name);
        else
            buf_puts(&b, "null");
        buf_printf(&b, ",\"size\":%llu,\"layers\":%zu}", (unsigned long long)list[i].size, list[i].n_layers);
        puts(buf_str(&b));
    }
}

static int print_table(struct arena *a, const struct image *list, size_t n, const struct images_options *o,
                       struct err *err)
{
    size_t columns = o->digests ? 5 : 4, c = 0;
    const char **cells = arena_calloc(a, (n + 1) * columns, sizeof *cells);
    if (cells == NULL)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    cells[c++] = "NAME";
    if (o->digests)
        cells[c++] = "DIGEST";
    cells[c++] = "IMAGE ID";
    cells[c++] = "CREATED";
    cells[c++] = "SIZE";
    for (size_t i = 0; i < n; i++) {
        char size[32];
        const char *created = list[i].config->created;
        cells[c++] = list[i].familiar != NULL ? list[i].familiar : "-";
        if (o->digests)
            cells[c++] = list[i].digest;
        cells[c++] = short_id(a, list[i].id, o->no_trunc);
        cells[c++] = created != NULL ? arena_printf(a, "%.10s", created) : "-";
        cells[c++] = arena_strdup(a, str_from_size(list[i].size, size, sizeof size));
    }
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    table_print(stdout, cells, n + 1, columns);
    return 0;
}

static int images(const struct invocation *in, struct err *err)
{
    struct images_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 0, 0, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (o.format != NULL && !str_eq(o.format, "json"))
        return err_set(err, -EINVAL, LAYER_CLI, "--format %s: expected json", o.format);
    CLEANUP_STORE struct store s = STORE_INIT;
    struct image *list = NULL;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r == 0)
        r = image_list(in->arena, s.images, &list, &n, err);
    if (r < 0)
        return r;
    if (o.format != NULL)
        print_json(list, n);
    else if (!o.quiet)
        return print_table(in->arena, list, n, &o, err);
    else
        for (size_t i = 0; i < n; i++)
            puts(short_id(in->arena, list[i].id, o.no_trunc));
    return 0;
}

const struct command images_command = {
    .name = "images",
    .arguments = "[OPTIONS]",
    .summary = "List images",
    .options = options,
    .run = images,
};
