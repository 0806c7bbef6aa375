/* SPDX-License-Identifier: Apache-2.0 */
/* run: one container in the foreground, from the image's name to the program's exit code. */
#ifndef COFFER_ENGINE_RUN_H
#define COFFER_ENGINE_RUN_H

#include "engine/run_options.h"
#include "engine/store.h"

/* Docker's exit codes for what is not the program's. */
enum { RUN_ENGINE_FAILED = 125, RUN_NOT_EXECUTABLE = 126, RUN_NOT_FOUND = 127, RUN_BY_SIGNAL = 128 };

/* Whether this user can run containers at all: 0 or -EPERM, before anything is opened or made. */
int engine_run_permitted(struct err *err);

/* For callers that take part in a run. */
struct run_hooks {
    int stdio[3]; /* the program's standard streams; -1: as the options say */
    /* Called once the program runs, in the process that then waits for it. */
    void (*started)(void *data, struct store *s, const struct container *c, pid_t pid, int pidfd);
    void *data;
};

/*
 * Run, wait, and clean up. *ret_exit is always set: the program's code, 128 + signal, or one of the above together with
 * a negative errno and err. hooks may be NULL.
 */
int engine_run(struct store *s, const struct run_options *o, const struct run_hooks *hooks, int *ret_exit,
               struct err *err);

#endif
