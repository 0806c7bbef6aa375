/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "cli/commands.h"

struct rmi_options {
    bool force;
};

static const struct option options[] = {
    {"force", 'f', OPTION_BOOL, LAYER_IMAGE, offsetof(struct rmi_options, force), NULL,
     "Take all names away, also where a container uses the image", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static int rmi(const struct invocation *in, struct err *err)
{
    struct rmi_options o = {0};
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
        struct image_removed removed = {0};
        if (image_remove(in->arena, s.images, words[i], o.force, &removed, err) < 0) {
            err_print(stderr, "coffer", err);
            code = 1;
            continue;
        }
        for (size_t k = 0; k < removed.n_untagged; k++)
            printf("Untagged: %s\n", removed.untagged[k]);
        if (removed.deleted != NULL)
            printf("Deleted: %s\n", removed.deleted);
    }
    return code;
}

const struct command rmi_command = {
    .name = "rmi",
    .arguments = "[OPTIONS] IMAGE [IMAGE...]",
    .summary = "Remove images",
    .options = options,
    .run = rmi,
};
