/* SPDX-License-Identifier: Apache-2.0 */
/* What a list of rules means, call by call: the groups of rules of a call, and the two multiplexed calls. */
#ifndef COFFER_LAYERS_SECCOMP_MEANING_H
#define COFFER_LAYERS_SECCOMP_MEANING_H

#include "base/arena.h"
#include "layers/seccomp/rules.h"

struct seccomp_call {
    const char *name;
    const struct seccomp_rule *const *rules; /* in document order */
    size_t n;
};

struct seccomp_calls { /* sorted by name */
    struct seccomp_call *v;
    size_t n;
};

int seccomp_calls_make(struct arena *a, const struct seccomp_rules *rules, struct seccomp_calls *ret);
const struct seccomp_call *seccomp_calls_find(const struct seccomp_calls *calls, const char *name);

/*
 * socketcall(2) and ipc(2) carry many calls, whose arguments lie in memory that a filter cannot read. An operation of
 * one of them is judged as the call that it stands for; where that call's verdict depends on its arguments, it gets
 * the strictest verdict the call could get. A rule that names socketcall and compares its first argument is obeyed
 * as it stands, wherever it stands: whoever writes that has thought of it.
 */
struct seccomp_mux {
    const char *name;
    uint32_t mask; /* of the first argument: the operation */
    const struct seccomp_mux_op {
        uint32_t op;
        const char *call;
    } *ops;
    size_t n_ops;
};

#define SECCOMP_MUXES 2
extern const struct seccomp_mux seccomp_muxes[SECCOMP_MUXES];

const struct seccomp_mux *seccomp_mux_find(const char *name);

struct seccomp_mux_verdicts {
    uint32_t *ops;  /* as seccomp_mux.ops */
    uint32_t other; /* operations that the kernel does not have */
};

int seccomp_mux_judge(struct arena *a, const struct seccomp_rules *rules, const struct seccomp_calls *calls,
                      const struct seccomp_mux *mux, bool is64, struct seccomp_mux_verdicts *ret);

/* The stricter of two verdicts, in the kernel's order (seccomp(2)): kill, trap, errno, notify, trace, log, allow. */
uint32_t seccomp_stricter(uint32_t a, uint32_t b);

#endif
