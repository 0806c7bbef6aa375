/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting in the foreground for a container's process, with the signals that are meant for it passed on. */
#ifndef COFFER_RUNTIME_WAIT_H
#define COFFER_RUNTIME_WAIT_H

#include <signal.h>

#include "runtime/runtime.h"

struct wait_signals {
    sigset_t before;
    int fd; /* signalfd of all that is passed on */
};

/* Block what is to be passed on and open a descriptor for it. */
int wait_signals_block(struct wait_signals *ret, struct err *err);
void wait_signals_restore(struct wait_signals *signals);

/* Wait until the process has ended and reap it; closes started->pidfd. The status is as wait(2) encodes it. */
int wait_for_end(struct runtime_started *started, struct wait_signals *signals, int *ret_status, struct err *err);

#endif
