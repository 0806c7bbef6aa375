/* SPDX-License-Identifier: Apache-2.0 */
/* A filter in numbers, for explain: from the rules, by the same meaning that they are compiled with. */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "layers/seccomp/meaning.h"
#include "layers/seccomp/numbers.h"
#include "layers/seccomp/rules.h"
#include "layers/seccomp/seccomp.h"
#include "layers/seccomp/words.h"

/* Calls that have led out of containers, or would: worth naming where they are refused. */
static const char *const dangerous[] = {
    "acct",         "add_key",    "bpf",          "clone3",          "delete_module", "finit_module",
    "fsopen",       "init_module", "io_uring_setup", "kexec_file_load", "kexec_load",  "keyctl",
    "mount",        "move_mount", "open_by_handle_at", "open_tree",  "perf_event_open", "pivot_root",
    "process_vm_writev", "ptrace", "reboot",      "request_key",     "setns",         "swapon",
    "umount2",      "unshare",    "userfaultfd",
};

/* Numbers per ABI end well below this above its base; libseccomp answers for the base itself. */
#define NUMBERS 1024

struct counter {
    struct arena *arena;
    const struct seccomp_rules *rules;
    struct seccomp_calls calls;
    struct seccomp_arch_summary *sum;
    uint32_t arch;
};

enum verdict { ALLOWED, CONDITIONAL, REFUSED };

static enum verdict of_action(uint32_t action)
{
    switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return ALLOWED;
    case SECCOMP_RET_USER_NOTIF:
    case SECCOMP_RET_TRACE:
        return CONDITIONAL;
    default:
        return REFUSED;
    }
}

static int judge_mux(struct counter *c, const struct seccomp_mux *mux, enum verdict *ret)
{
    struct seccomp_mux_verdicts v;
    int e = seccomp_mux_judge(c->arena, c->rules, &c->calls, mux, seccomp_arch_is_64(c->arch), &v);
    if (e < 0)
        return e;
    *ret = of_action(v.ops[0]);
    for (size_t i = 1; i < mux->n_ops; i++)
        if (of_action(v.ops[i]) != *ret)
            *ret = CONDITIONAL;
    /* What the direct call could be allowed, the multiplexed one is not. */
    const struct seccomp_call *direct = seccomp_calls_find(&c->calls, "socket");
    if (str_eq(mux->name, "socketcall") && of_action(v.ops[0]) == REFUSED)
        for (size_t i = 0; direct != NULL && i < direct->n; i++)
            c->sum->socketcall_closed |= of_action(direct->rules[i]->action) == ALLOWED;
    return 0;
}

static int judge(struct counter *c, const char *name, enum verdict *ret)
{
    const struct seccomp_mux *mux = seccomp_mux_find(name);
    if (mux != NULL && seccomp_number(c->arch, name) >= 0)
        return judge_mux(c, mux, ret);
    const struct seccomp_call *call = seccomp_calls_find(&c->calls, name);
    *ret = of_action(c->rules->default_action);
    if (call == NULL)
        return 0;
    struct seccomp_rule *live = arena_calloc(c->arena, call->n, sizeof *live);
    if (live == NULL)
        return -ENOMEM;
    int n = seccomp_rules_live(c->arena, c->rules->default_action, call->rules, call->n,
                               seccomp_arch_is_64(c->arch), live);
    if (n <= 0)
        return n;
    bool always = live[n - 1].n_conds == 0;
    enum verdict first = of_action(live[0].action);
    bool same = always || first == *ret;
    for (int i = 1; i < n; i++)
        same = same && of_action(live[i].action) == first;
    *ret = same ? first : CONDITIONAL;
    return 0;
}

static int count(struct counter *c, const char *name)
{
    enum verdict v = REFUSED;
    int e = judge(c, name, &v);
    if (e < 0)
        return e;
    struct seccomp_arch_summary *s = c->sum;
    s->calls++;
    s->allowed += v == ALLOWED;
    s->conditional += v == CONDITIONAL;
    s->refused += v == REFUSED;
    for (size_t i = 0; v == REFUSED && i < ARRAY_LEN(dangerous); i++)
        if (str_eq(dangerous[i], name))
            s->notable[s->n_notable++] = dangerous[i];
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int count_arch(struct counter *c)
{
    c->sum->architecture = seccomp_arch_name(c->arch);
    c->sum->notable = arena_calloc(c->arena, ARRAY_LEN(dangerous) * 2, sizeof *c->sum->notable);
    if (c->sum->notable == NULL)
        return -ENOMEM;
    int base = seccomp_number_base(c->arch);
    for (int i = 0; i < NUMBERS; i++) {
        char *name = seccomp_syscall_resolve_num_arch(c->arch, base + i);
        const char *newer = name == NULL ? seccomp_number_newer(c->arch, base + i) : NULL;
        int e = name != NULL ? count(c, name) : newer != NULL ? count(c, newer) : 0;
        free(name);
        if (e < 0)
            return e;
    }
    if (c->sum->n_notable > 0)
        qsort(c->sum->notable, c->sum->n_notable, sizeof *c->sum->notable, by_text);
    return 0;
}

static const char *action_text(struct arena *a, uint32_t action)
{
    unsigned data = action & SECCOMP_RET_DATA;
    switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
        return "allow";
    case SECCOMP_RET_LOG:
        return "allow and log";
    case SECCOMP_RET_USER_NOTIF:
        return "ask the agent";
    case SECCOMP_RET_TRACE:
        return arena_printf(a, "ask the tracer (%u)", data);
    case SECCOMP_RET_TRAP:
        return "SIGSYS";
    case SECCOMP_RET_KILL_PROCESS:
        return "kill the process";
    case SECCOMP_RET_KILL_THREAD:
        return "kill the thread";
    case SECCOMP_RET_ERRNO: {
        const char *name = strerrorname_np((int)data);
        return name != NULL ? arena_printf(a, "errno %s", name) : arena_printf(a, "errno %u", data);
    }
    default:
        return "?";
    }
}

int seccomp_summarise(struct arena *a, const struct oci_seccomp *section, const char *machine, bool compat32,
                      struct seccomp_summary *ret, struct err *err)
{
    struct seccomp_rules rules;
    int e = seccomp_rules_make(a, section, machine, compat32, &rules, err);
    if (e < 0)
        return e;
    struct counter c = {.arena = a, .rules = &rules};
    struct seccomp_summary sum = {.notify = rules.notify, .enosys_beyond = rules.enosys, .n_archs = rules.n_archs};
    sum.default_action = action_text(a, rules.default_action);
    sum.archs = arena_calloc(a, rules.n_archs, sizeof *sum.archs);
    if (sum.default_action == NULL || sum.archs == NULL || seccomp_calls_make(a, &rules, &c.calls) < 0)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    for (size_t i = 0; i < rules.n_archs; i++) {
        c.arch = rules.archs[i];
        c.sum = &sum.archs[i];
        if (count_arch(&c) < 0)
            return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    }
    *ret = sum;
    return 0;
}
