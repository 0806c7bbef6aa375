/* SPDX-License-Identifier: Apache-2.0 */
/* start, state, kill, delete and list: each a thin layer over one function of runtime/. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/oci/command.h"
#include "runtime/runtime.h"
#include "sys/signals.h"

static int start(const struct oci_globals *g, void *data UNUSED, const char *const *arguments, size_t n UNUSED, struct err *err)
{
    return runtime_start(g->root, arguments[0], err) < 0 ? 1 : 0;
}

const struct oci_command oci_start_command = {
    .name = "start",
    .arguments = "CONTAINER",
    .summary = "let the program of a created container go",
    .least = 1,
    .most = 1,
    .run = start,
};

static int state(const struct oci_globals *g, void *data UNUSED, const char *const *arguments, size_t n UNUSED, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_state *s = NULL;
    if (runtime_state(&a, g->root, arguments[0], &s, err) < 0)
        return 1;
    CLEANUP_BUF struct buf json = BUF_INIT;
    oci_state_print(s, true, &json);
    printf("%s\n", buf_str(&json));
    return 0;
}

const struct oci_command oci_state_command = {
    .name = "state",
    .arguments = "CONTAINER",
    .summary = "print a container's state as JSON",
    .least = 1,
    .most = 1,
    .run = state,
};

struct kill_options {
    bool all;
};
OCI_COMMAND_FITS(struct kill_options);

static const struct option kill_rows[] = {
    {"all", 'a', OPTION_BOOL, LAYER_CLI,
     offsetof(struct kill_options, all), NULL, "every process of the container, not only its first", NULL},
    {0},
};

static int kill_container(const struct oci_globals *g, void *data, const char *const *arguments, size_t n, struct err *err)
{
    const struct kill_options *o = data;
    const char *name = n > 1 ? arguments[1] : "SIGTERM";
    int number = signal_number(name);
    if (number < 0)
        err_set(err, number, LAYER_CLI, "%s: no such signal", name);
    return number < 0 || runtime_kill(g->root, arguments[0], number, o->all, err) < 0 ? 1 : 0;
}

const struct oci_command oci_kill_command = {
    .name = "kill",
    .arguments = "CONTAINER [SIGNAL]",
    .summary = "send a signal (default: SIGTERM)",
    .options = kill_rows,
    .least = 1,
    .most = 2,
    .run = kill_container,
};

struct delete_options {
    bool force;
};
OCI_COMMAND_FITS(struct delete_options);

static const struct option delete_rows[] = {
    {"force", 'f', OPTION_BOOL, LAYER_CLI,
     offsetof(struct delete_options, force), NULL, "kill it first when it runs; no error when there is none", NULL},
    {0},
};

static int delete_container(const struct oci_globals *g, void *data, const char *const *arguments, size_t n UNUSED,
                            struct err *err)
{
    const struct delete_options *o = data;
    int r = runtime_delete(g->root, arguments[0], o->force, err);
    if (r == -ENOENT && o->force) {
        err->code = 0;
        return 0;
    }
    return r < 0 ? 1 : 0;
}

const struct oci_command oci_delete_command = {
    .name = "delete",
    .arguments = "CONTAINER",
    .summary = "remove all that is left of a container",
    .options = delete_rows,
    .least = 1,
    .most = 1,
    .run = delete_container,
};

struct list_options {
    bool quiet;
    const char *format;
};
OCI_COMMAND_FITS(struct list_options);

static const struct option list_rows[] = {
    {"quiet", 'q', OPTION_BOOL, LAYER_CLI,
     offsetof(struct list_options, quiet), NULL, "IDs only", NULL},
    {"format", 'f', OPTION_STRING, LAYER_CLI,
     offsetof(struct list_options, format), "FORMAT", "table (default) or json", NULL},
    {0},
};

static void print_row(const char *format, const struct oci_state *s, bool first)
{
    if (str_eq(format, "json")) {
        CLEANUP_BUF struct buf json = BUF_INIT;
        oci_state_print(s, false, &json);
        printf("%s%s", first ? "" : ",", buf_str(&json));
        return;
    }
    printf("%-20s %-8" PRId64 " %-9s %s\n", s->id, s->pid.v, s->status, s->bundle);
}

static int list(const struct oci_globals *g, void *data, const char *const *arguments UNUSED, size_t n UNUSED, struct err *err)
{
    const struct list_options *o = data;
    const char *format = o->format != NULL ? o->format : "table";
    if (!str_eq(format, "table") && !str_eq(format, "json")) {
        err_set(err, -EINVAL, LAYER_CLI, "--format %s: table or json", format);
        return 1;
    }
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char **ids = NULL;
    size_t count = 0;
    if (runtime_list(&a, g->root, &ids, &count, err) < 0)
        return 1;
    bool json = str_eq(format, "json") && !o->quiet, first = true;
    if (json)
        printf("[");
    else if (!o->quiet)
        printf("%-20s %-8s %-9s %s\n", "ID", "PID", "STATUS", "BUNDLE");
    for (size_t i = 0; i < count; i++) {
        struct oci_state *s = NULL;
        struct err ignored = ERR_INIT; /* deleted since, or being deleted */
        if (runtime_state(&a, g->root, ids[i], &s, &ignored) < 0)
            continue;
        if (o->quiet)
            printf("%s\n", ids[i]);
        else
            print_row(format, s, first);
        first = false;
    }
    if (json)
        printf("]\n");
    return 0;
}

const struct oci_command oci_list_command = {
    .name = "list",
    .arguments = "",
    .summary = "list containers",
    .options = list_rows,
    .least = 0,
    .most = 0,
    .run = list,
};
