/* SPDX-License-Identifier: Apache-2.0 */
/* What a new container's process is handed over with: pid file, console socket, seccomp agent. */
#ifndef COFFER_RUNTIME_HANDOVER_H
#define COFFER_RUNTIME_HANDOVER_H

#include "runtime/runtime.h"
#include "start/start.h"

/* Do the terminal, the console socket and the agent of this request fit together? Before anything is made. */
int handover_check(const struct runtime_create *q, const struct oci_config *config, struct err *err);

/* Send a container's seccomp listener to listenerPath, while the container is being built. */
int handover_listener(const struct runtime_create *q, const struct oci_config *config, pid_t pid, int listener,
                      struct err *err);

/*
 * Write the pid file and send the terminal's master to the console socket.
 * started->console stays open only when the caller wants it.
 */
int handover(const struct runtime_create *q, struct started *started, struct err *err);

/* End and reap a process that cannot be handed over, and close its descriptors. */
void handover_kill(struct started *started);

#endif
