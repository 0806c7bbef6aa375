/* SPDX-License-Identifier: Apache-2.0 */
/* The OCI state document (runtime-spec 1.3, runtime.md "State"). */
#ifndef COFFER_OCI_STATE_H
#define COFFER_OCI_STATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci/types.h"

struct oci_state {
    char *oci_version;
    char *id;
    char *status; /* "creating", "created", "running", "stopped"; runtimes add "paused" */
    struct oci_int pid;
    char *bundle;
    struct oci_map annotations;
    struct oci_extra *extra;
};

int oci_state_parse(struct arena *a, const char *json, size_t len, struct oci_state **ret, struct err *err);
void oci_state_print(const struct oci_state *s, bool pretty, struct buf *out);

#endif
