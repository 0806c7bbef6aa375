/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type. It is owned by the caller, allocates nothing, and crosses the parent-child socket as it is.
 *
 * Functions that can fail return 0 (or a non-negative result) or a negative errno, and fill the struct err that
 * they were handed with the layer that failed and one line of text: what was asked for, what happened, what to do.
 * The text carries neither the program's name nor the layer's; err_print() adds them.
 */
#ifndef COFFER_BASE_ERR_H
#define COFFER_BASE_ERR_H

#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"

/* Who failed. The walls come first, in the order of the stack from the kernel up; then the engine's own parts. */
enum layer_id {
    LAYER_NAMESPACES,
    LAYER_IDMAP,
    LAYER_CGROUP,
    LAYER_NETWORK,
    LAYER_ROOTFS,
    LAYER_LIMITS,
    LAYER_MAC,
    LAYER_CAPABILITIES,
    LAYER_SECCOMP,
    LAYER_WALLS, /* number of walls, not a layer */

    LAYER_START = LAYER_WALLS, /* the process model: clone, handshake, exec */
    LAYER_CONFIG,              /* a document or an option that cannot be understood */
    LAYER_HOST,                /* what the host has or lacks */
    LAYER_RUNTIME,             /* OCI operations and their state */
    LAYER_IMAGE,
    LAYER_STORAGE,
    LAYER_ENGINE,
    LAYER_INSIGHT,
    LAYER_CLI,
    LAYER_COUNT,
};

/* When it failed; see layers/layer.h. STEP_NONE: outside a start. */
enum step {
    STEP_HOST_BEFORE_CLONE,
    STEP_HOST_AFTER_CLONE,
    STEP_CHILD_EARLY,
    STEP_CHILD_ROOTFS,
    STEP_CHILD_LATE,
    STEP_CHILD_LAST,
    STEP_COUNT,
    STEP_NONE = STEP_COUNT,
};

struct err {
    int code; /* negative errno; 0: no error */
    enum layer_id layer;
    enum step step;
    char text[500];
};

#define ERR_INIT {.code = 0, .layer = LAYER_CLI, .step = STEP_NONE, .text = ""}

/*
 * Fill *err and return code, which must be negative. err may be NULL. Keeps err->step.
 * err_set_errno() appends ": " and the name of the error to the text.
 */
int err_set(struct err *err, int code, enum layer_id layer, const char *fmt, ...) PRINTF_LIKE(4, 5);
int err_set_errno(struct err *err, int code, enum layer_id layer, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Put "fmt: " before the text that is there, without touching code and layer. Returns err->code. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "cgroup", "seccomp"; the same words serve as log tags and as keys of JSON reports. Never NULL. */
const char *layer_name(enum layer_id layer);
const char *step_name(enum step step);

/* One line on f: "program: layer: text\n". */
void err_print(FILE *f, const char *program, const struct err *err);

#endif
