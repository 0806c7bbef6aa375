/* SPDX-License-Identifier: Apache-2.0 */
/* A person's terminal joined to a container's pseudo-terminal. */
#ifndef COFFER_ENGINE_TERMINAL_H
#define COFFER_ENGINE_TERMINAL_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Carry bytes between our standard input and output and the master `console` until the process behind pidfd has ended
 * and its last output has come. signals: descriptor of the signals that are meant for the process (signalfd(2)).
 * Meanwhile our terminal, if input is one, is in raw mode, its size is handed on, and
 * signals are passed to the process. interactive: input is carried too.
 *
 * Neither side waits for the other: both directions have a bounded buffer, and what has no room stays in the kernel.
 */
int terminal_relay(int console, int pidfd, int signals, bool interactive, struct err *err);

#endif
