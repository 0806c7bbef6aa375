/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/pidfd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/commands.h"
#include "runtime/runtime.h"
#include "sys/signals.h"

struct stop_options {
    const char *time, *signal;
};

static const struct option options[] = {
    {"time", 't', OPTION_STRING, LAYER_CLI, offsetof(struct stop_options, time), "SECONDS",
     "How long to wait before it is killed; -1: for ever", NULL},
    {"timeout", 0, OPTION_STRING, LAYER_CLI, offsetof(struct stop_options, time), "SECONDS", NULL, NULL},
    {"signal", 's', OPTION_STRING, LAYER_CLI, offsetof(struct stop_options, signal), "SIGNAL",
     "What to send instead of the container's own stop signal", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static int stop_one(struct store *s, const char *reference, const char *signal, const int64_t *seconds, struct err *err)
{
    struct container c = {0};
    int r = container_find(s, reference, &c, err);
    if (r < 0)
        return r;
    if (c.pid > 0) {
        /* The process that was found is the one that is waited for, whatever gets its number later. */
        CLEANUP_FD int pidfd = pidfd_open(c.pid, 0);
        int number = signal_number(signal != NULL ? signal : c.stop_signal != NULL ? c.stop_signal : "TERM");
        int64_t wait = seconds != NULL ? *seconds : c.stop_timeout;
        r = runtime_kill(s->state_root, c.id, number > 0 ? number : SIGTERM, false, err);
        struct pollfd fd = {.fd = pidfd, .events = POLLIN};
        if (r == 0 && pidfd >= 0 && poll(&fd, 1, wait < 0 ? -1 : (int)MIN_OF(wait, 2000000) * 1000) == 0) {
            r = runtime_kill(s->state_root, c.id, SIGKILL, false, err);
            (void)poll(&fd, 1, -1);
        }
        if (r < 0 && r != -ESRCH)
            return r;
    }
    puts(reference);
    return 0;
}

static int stop(const struct invocation *in, struct err *err)
{
    struct stop_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int64_t seconds = 0;
    int r = command_parse(in, &o, false, 1, SIZE_MAX, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (o.time != NULL && (str_to_i64(o.time, &seconds) < 0 || seconds < -1))
        return err_set(err, -EINVAL, LAYER_CLI, "--time %s: expected seconds, or -1", o.time);
    if (o.signal != NULL && signal_number(o.signal) < 0)
        return err_set(err, -EINVAL, LAYER_CLI, "--signal %s: there is no such signal", o.signal);
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    int code = 0;
    for (size_t i = 0; i < n; i++) {
        if (stop_one(&s, words[i], o.signal, o.time != NULL ? &seconds : NULL, err) < 0) {
            err_print(stderr, "coffer", err);
            code = 1;
        }
    }
    return code;
}

const struct command stop_command = {
    .name = "stop",
    .arguments = "[OPTIONS] CONTAINER [CONTAINER...]",
    .summary = "Ask containers to end, and kill those that do not",
    .options = options,
    .run = stop,
};
