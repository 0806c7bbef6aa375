/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine sees of a running container from the host, by the keys of hello/keys.h. */
#ifndef COFFER_CLI_OUTSIDE_H
#define COFFER_CLI_OUTSIDE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/config.h"
#include "sys/host.h"

struct outside {
    const struct host *host;
    pid_t pid;
    const struct oci_config *observed;
    char *status, *mountinfo, *cgroup, *limits; /* texts of /proc/PID, read while it lived */
    char *namespaces[8];               /* "4026531836" each, in the order of outside_namespaces */
    unsigned processes;                /* on the whole host */
};

int outside_look(struct arena *a, const struct host *host, pid_t pid, int pidfd, struct outside *ret, struct err *err);

/* Beside one line of the report; "" where there is nothing to say. again: not the first line with this key. */
const char *outside_value(struct arena *a, const struct outside *o, const char *key, const char *inside, bool again);

#endif
