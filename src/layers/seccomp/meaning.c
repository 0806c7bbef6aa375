/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/seccomp/meaning.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/str.h"

/* Operations of socketcall: include/uapi/linux/net.h; of ipc: include/uapi/linux/ipc.h. */
static const struct seccomp_mux_op socketcall_ops[] = {
    {1, "socket"},       {2, "bind"},        {3, "connect"},      {4, "listen"},   {5, "accept"},
    {6, "getsockname"},  {7, "getpeername"}, {8, "socketpair"},   {9, "send"},     {10, "recv"},
    {11, "sendto"},      {12, "recvfrom"},   {13, "shutdown"},    {14, "setsockopt"}, {15, "getsockopt"},
    {16, "sendmsg"},     {17, "recvmsg"},    {18, "accept4"},     {19, "recvmmsg"}, {20, "sendmmsg"},
};
static const struct seccomp_mux_op ipc_ops[] = {
    {1, "semop"},   {2, "semget"},  {3, "semctl"},  {4, "semtimedop"}, {11, "msgsnd"}, {12, "msgrcv"},
    {13, "msgget"}, {14, "msgctl"}, {21, "shmat"},  {22, "shmdt"},     {23, "shmget"}, {24, "shmctl"},
};
const struct seccomp_mux seccomp_muxes[SECCOMP_MUXES] = {
    {"socketcall", UINT32_MAX, socketcall_ops, ARRAY_LEN(socketcall_ops)},
    /* The upper half is a version, which the kernel takes off (ipc/syscall.c). */
    {"ipc", 0xffff, ipc_ops, ARRAY_LEN(ipc_ops)},
};

const struct seccomp_mux *seccomp_mux_find(const char *name)
{
    for (size_t i = 0; i < SECCOMP_MUXES; i++)
        if (str_eq(seccomp_muxes[i].name, name))
            return &seccomp_muxes[i];
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct seccomp_rule *x = *(const struct seccomp_rule *const *)a;
    const struct seccomp_rule *y = *(const struct seccomp_rule *const *)b;
    int r = strcmp(x->name, y->name);
    return r != 0 ? r : (x > y) - (x < y); /* rules lie in document order */
}

int seccomp_calls_make(struct arena *a, const struct seccomp_rules *rules, struct seccomp_calls *ret)
{
    const struct seccomp_rule **sorted = arena_calloc(a, rules->n, sizeof *sorted);
    struct seccomp_call *calls = arena_calloc(a, rules->n, sizeof *calls);
    if (sorted == NULL || calls == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < rules->n; i++)
        sorted[i] = &rules->v[i];
    if (rules->n > 0)
        qsort(sorted, rules->n, sizeof *sorted, by_name);
    size_t n = 0;
    for (size_t i = 0; i < rules->n; i++) {
        if (n == 0 || !str_eq(calls[n - 1].name, sorted[i]->name))
            calls[n++] = (struct seccomp_call){.name = sorted[i]->name, .rules = &sorted[i]};
        calls[n - 1].n++;
    }
    *ret = (struct seccomp_calls){.v = calls, .n = n};
    return 0;
}

static int named(const void *key, const void *call)
{
    return strcmp(key, ((const struct seccomp_call *)call)->name);
}

const struct seccomp_call *seccomp_calls_find(const struct seccomp_calls *calls, const char *name)
{
    return calls->n == 0 ? NULL : bsearch(name, calls->v, calls->n, sizeof *calls->v, named);
}

uint32_t seccomp_stricter(uint32_t a, uint32_t b)
{
    /* The kernel compares the action as a signed number, so that SECCOMP_RET_KILL_PROCESS is the smallest. */
    int32_t x = (int32_t)(a & SECCOMP_RET_ACTION_FULL), y = (int32_t)(b & SECCOMP_RET_ACTION_FULL);
    return y < x ? b : a;
}

/* The strictest verdict that the call of this name can get with any arguments. */
static int strictest_of(struct arena *a, const struct seccomp_rules *rules, const struct seccomp_calls *calls,
                        const char *name, bool is64, uint32_t *ret)
{
    const struct seccomp_call *call = seccomp_calls_find(calls, name);
    if (call == NULL) {
        *ret = rules->default_action;
        return 0;
    }
    struct seccomp_rule *live = arena_calloc(a, call->n, sizeof *live);
    if (live == NULL)
        return -ENOMEM;
    int n = seccomp_rules_live(a, rules->default_action, call->rules, call->n, is64, live);
    if (n < 0)
        return n;
    bool always = n > 0 && live[n - 1].n_conds == 0;
    uint32_t verdict = always ? live[n - 1].action : rules->default_action;
    for (int i = 0; i < n; i++)
        verdict = seccomp_stricter(verdict, live[i].action);
    *ret = verdict;
    return 0;
}

static bool holds(const struct seccomp_cond *cond, uint64_t v)
{
    switch ((enum scmp_compare)cond->op) {
    case SCMP_CMP_NE:
        return v != cond->a;
    case SCMP_CMP_LT:
        return v < cond->a;
    case SCMP_CMP_LE:
        return v <= cond->a;
    case SCMP_CMP_EQ:
        return v == cond->a;
    case SCMP_CMP_GE:
        return v >= cond->a;
    case SCMP_CMP_GT:
        return v > cond->a;
    case SCMP_CMP_MASKED_EQ:
        return (v & cond->a) == cond->b;
    case _SCMP_CMP_MIN:
    case _SCMP_CMP_MAX:
        break;
    }
    return false;
}

/*
 * The rule of the multiplexed call itself that decides about op: one that compares the operation before one that does
 * not, wherever they stand. Conditions are on the first argument only (rules.c).
 */
static const struct seccomp_rule *own_rule(const struct seccomp_call *self, uint32_t op)
{
    const struct seccomp_rule *always = NULL;
    for (size_t i = 0; self != NULL && i < self->n; i++) {
        const struct seccomp_rule *rule = self->rules[i];
        bool all = true;
        for (unsigned k = 0; k < rule->n_conds; k++)
            all = all && holds(&rule->conds[k], op);
        if (all && rule->n_conds > 0)
            return rule;
        if (all && always == NULL)
            always = rule;
    }
    return always;
}

int seccomp_mux_judge(struct arena *a, const struct seccomp_rules *rules, const struct seccomp_calls *calls,
                      const struct seccomp_mux *mux, bool is64, struct seccomp_mux_verdicts *ret)
{
    const struct seccomp_call *self = seccomp_calls_find(calls, mux->name);
    uint32_t *ops = arena_calloc(a, mux->n_ops, sizeof *ops);
    if (ops == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < mux->n_ops; i++) {
        const struct seccomp_rule *own = own_rule(self, mux->ops[i].op);
        if (own != NULL && own->n_conds > 0) {
            ops[i] = own->action;
            continue;
        }
        int e = strictest_of(a, rules, calls, mux->ops[i].call, is64, &ops[i]);
        if (e < 0)
            return e;
        if (own != NULL)
            ops[i] = seccomp_stricter(own->action, ops[i]);
    }
    ret->ops = ops;
    /* Any number that is no operation serves: the kernel answers EINVAL to all of them. */
    const struct seccomp_rule *own = own_rule(self, mux->mask);
    ret->other = own != NULL ? own->action : rules->default_action;
    return 0;
}
