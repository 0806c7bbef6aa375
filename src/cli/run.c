/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include "cli/commands.h"
#include "cli/run_options.h"

static int run(const struct invocation *in, struct err *err)
{
    struct run_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, true, 1, SIZE_MAX, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    o.image = words[0];
    o.args = words + 1;
    o.n_args = n - 1;
    r = engine_run_permitted(err);
    if (r < 0)
        return r;
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    int code = 0;
    r = engine_run(&s, &o, NULL, &code, err);
    if (r < 0) {
        err_print(stderr, "coffer", err);
        return code == 0 ? EXIT_ENGINE : code;
    }
    return code;
}

const struct command run_command = {
    .name = "run",
    .arguments = "[OPTIONS] IMAGE [COMMAND [ARGUMENT...]]",
    .summary = "Run a program in a new container",
    .options = run_options_table,
    .run = run,
};
