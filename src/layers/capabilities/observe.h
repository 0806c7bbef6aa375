/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_LAYERS_CAPABILITIES_OBSERVE_H
#define COFFER_LAYERS_CAPABILITIES_OBSERVE_H

#include "layers/layer.h"

/* The observe of capabilities_layer: process.capabilities, user and noNewPrivileges out of /proc/PID/status. */
int capabilities_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                         struct err *err);

/* The same from the text of a status file, ids as they stand there; for tests. 0, -EINVAL or -ENOMEM. */
int capabilities_read_status(struct arena *a, const char *status, struct oci_process *ret);

#endif
