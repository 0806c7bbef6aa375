/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include "cli/commands.h"
#include "runtime/runtime.h"
#include "sys/signals.h"

struct kill_options {
    const char *signal;
};

static const struct option options[] = {
    {"signal", 's', OPTION_STRING, LAYER_CLI, offsetof(struct kill_options, signal), "SIGNAL",
     "What to send; KILL when not given", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static int kill_one(struct store *s, const char *reference, int signal, struct err *err)
{
    struct container c = {0};
    int r = container_find(s, reference, &c, err);
    if (r < 0)
        return r;
    if (c.state == CONTAINER_EXITED || c.state == CONTAINER_STARTING)
        return err_set(err, -ESRCH, LAYER_ENGINE, "container %s is not running", reference);
    r = runtime_kill(s->state_root, c.id, signal, false, err);
    if (r == 0)
        puts(reference);
    return r;
}

static int kill_run(const struct invocation *in, struct err *err)
{
    struct kill_options o = {.signal = "KILL"};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 1, SIZE_MAX, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    int signal = signal_number(o.signal);
    if (signal < 0)
        return err_set(err, signal, LAYER_CLI, "--signal %s: there is no such signal", o.signal);
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    int code = 0;
    for (size_t i = 0; i < n; i++) {
        if (kill_one(&s, words[i], signal, err) < 0) {
            err_print(stderr, "coffer", err);
            code = 1;
        }
    }
    return code;
}

const struct command kill_command = {
    .name = "kill",
    .arguments = "[OPTIONS] CONTAINER [CONTAINER...]",
    .summary = "Send a signal to containers",
    .options = options,
    .run = kill_run,
};
