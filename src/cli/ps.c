/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "engine/record.h"

struct ps_options {
    bool all, quiet, no_trunc;
    const char *format;
};

static const struct option options[] = {
    {"all", 'a', OPTION_BOOL, LAYER_CLI, offsetof(struct ps_options, all), NULL, "Show those that have ended too", NULL},
    {"quiet", 'q', OPTION_BOOL, LAYER_CLI, offsetof(struct ps_options, quiet), NULL, "Show IDs only", NULL},
    {"no-trunc", 0, OPTION_BOOL, LAYER_CLI, offsetof(struct ps_options, no_trunc), NULL, "Cut nothing off", NULL},
    {"format", 0, OPTION_STRING, LAYER_CLI, offsetof(struct ps_options, format), "json", "One JSON object a line", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static const char *state_word(enum container_state state)
{
    static const char *const words[] = {
        [CONTAINER_STARTING] = "starting",
        [CONTAINER_RUNNING] = "running",
        [CONTAINER_PAUSED] = "paused",
        [CONTAINER_EXITED] = "exited",
    };
    return words[state];
}

static const char *status(struct arena *a, const struct container *c, int64_t now)
{
    if (c->state != CONTAINER_EXITED)
        return c->state == CONTAINER_RUNNING ? arena_printf(a, "Up %s", table_span(a, c->created, now))
                                             : state_word(c->state);
    return c->exit_code >= 0 ? arena_printf(a, "Exited (%d) %s ago", c->exit_code, table_span(a, c->finished, now))
                             : "Exited (code lost)";
}

static const char *command_line(struct arena *a, const struct container *c, bool whole)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < c->args.n; i++)
        buf_printf(&b, "%s%s", i > 0 ? " " : "", c->args.v[i]);
    const char *text = arena_strdup(a, buf_str(&b));
    buf_free(&b);
    return text != NULL && !whole && strlen(text) > 30 ? arena_printf(a, "%.27s...", text) : text;
}

static void print_json(const struct container *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct container *c = &list[i];
        CLEANUP_BUF struct buf b = BUF_INIT;
        buf_printf(&b, "{\"id\":\"%s\",\"name\":", c->id);
        json_string(&b, c->name);
        buf_puts(&b, ",\"image\":");
        json_string(&b, c->image != NULL ? c->image : "");
        buf_printf(&b, ",\"state\":\"%s\",\"pid\":%d,\"exitCode\":%d,\"created\":%lld,\"args\":[", state_word(c->state),
                   (int)c->pid, c->exit_code, (long long)c->created);
        for (size_t k = 0; k < c->args.n; k++) {
            if (k > 0)
                buf_putc(&b, ',');
            json_string(&b, c->args.v[k]);
        }
        buf_puts(&b, "]}");
        puts(buf_str(&b));
    }
}

static int print_table(struct arena *a, const struct container *list, size_t n, bool whole, struct err *err)
{
    enum { COLUMNS = 6 };
    static const char *const head[COLUMNS] = {"CONTAINER ID", "IMAGE", "COMMAND", "PID", "STATUS", "NAME"};
    const char **cells = arena_calloc(a, (n + 1) * COLUMNS, sizeof *cells);
    if (cells == NULL)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    memcpy(cells, head, sizeof head);
    int64_t now = time(NULL);
    for (size_t i = 0; i < n; i++) {
        const char **row = cells + (i + 1) * COLUMNS;
        row[0] = whole ? list[i].id : arena_printf(a, "%.12s", list[i].id);
        row[1] = list[i].image != NULL ? list[i].image : "-";
        row[2] = command_line(a, &list[i], whole);
        row[3] = list[i].pid > 0 ? arena_printf(a, "%d", (int)list[i].pid) : "-";
        row[4] = status(a, &list[i], now);
        row[5] = list[i].name;
    }
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    table_print(stdout, cells, n + 1, COLUMNS);
    return 0;
}

static int ps(const struct invocation *in, struct err *err)
{
    struct ps_options o = {0};
    const char *const *words = NULL;
    size_t n = 0, shown = 0;
    int r = command_parse(in, &o, false, 0, 0, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (o.format != NULL && !str_eq(o.format, "json"))
        return err_set(err, -EINVAL, LAYER_CLI, "--format %s: expected json", o.format);
    CLEANUP_STORE struct store s = STORE_INIT;
    struct container *list = NULL;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r == 0)
        r = container_list(&s, &list, &n, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        if (o.all || list[i].state == CONTAINER_RUNNING || list[i].state == CONTAINER_PAUSED)
            list[shown++] = list[i];
    if (o.format != NULL) {
        print_json(list, shown);
        return 0;
    }
    if (!o.quiet)
        return print_table(in->arena, list, shown, o.no_trunc, err);
    for (size_t i = 0; i < shown; i++)
        printf("%.*s\n", o.no_trunc ? 64 : 12, list[i].id);
    return 0;
}

const struct command ps_command = {
    .name = "ps",
    .arguments = "[OPTIONS]",
    .summary = "List containers",
    .options = options,
    .run = ps,
};
