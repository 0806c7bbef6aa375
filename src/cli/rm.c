/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include "cli/commands.h"

struct rm_options {
    bool force, volumes;
};

static const struct option options[] = {
    {"force", 'f', OPTION_BOOL, LAYER_CLI, offsetof(struct rm_options, force), NULL, "Kill it first if it runs", NULL},
    {"volumes", 'v', OPTION_BOOL, LAYER_CLI, offsetof(struct rm_options, volumes), NULL,
     "Remove its anonymous volumes too; this version makes none", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static int remove_one(struct store *s, const char *reference, bool force, struct err *err)
{
    struct container c = {0};
    int r = container_find(s, reference, &c, err);
    if (r == -ENOENT && force)
        return 0; /* as with Docker: there is none left */
    if (r < 0)
        return r;
    if (c.state != CONTAINER_EXITED && !force)
        return err_set(err, -EBUSY, LAYER_ENGINE, "container %s is running; stop it, or add --force", reference);
    r = container_remove(s, &c, err);
    if (r == 0)
        puts(reference);
    return r;
}

static int rm(const struct invocation *in, struct err *err)
{
    struct rm_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 1, SIZE_MAX, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    int code = 0;
    for (size_t i = 0; i < n; i++) {
        if (remove_one(&s, words[i], o.force, err) < 0) {
            err_print(stderr, "coffer", err);
            code = 1;
        }
    }
    return code;
}

const struct command rm_command = {
    .name = "rm",
    .arguments = "[OPTIONS] CONTAINER [CONTAINER...]",
    .summary = "Remove containers",
    .options = options,
    .run = rm,
};
