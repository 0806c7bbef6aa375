/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/seccomp/rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>

#include "base/macros.h"
#include "layers/seccomp/meaning.h"
#include "layers/seccomp/numbers.h"
#include "layers/seccomp/words.h"

#define PATH "linux.seccomp"

static bool has_arch(const struct seccomp_rules *rules, uint32_t arch)
{
    for (size_t i = 0; i < rules->n_archs; i++)
        if (rules->archs[i] == arch)
            return true;
    return false;
}

static int make_archs(struct arena *a, const struct oci_seccomp *section, const char *machine, bool compat32,
                      struct seccomp_rules *rules, struct err *err)
{
    rules->native = seccomp_arch_of_machine(machine);
    if (rules->native == 0)
        return err_set(err, -ENOTSUP, LAYER_SECCOMP,
                       "libseccomp has no tables for this machine (%s): leave linux.seccomp out", machine);
    rules->archs = arena_calloc(a, section->architectures.n + 1, sizeof *rules->archs);
    if (rules->archs == NULL)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    /* The program of the container is the machine's own, listed or not; so libseccomp and runc have it too. */
    rules->archs[rules->n_archs++] = rules->native;
    for (size_t i = 0; i < section->architectures.n; i++) {
        const char *word = section->architectures.v[i];
        uint32_t arch = seccomp_arch_of_word(word);
        if (arch == 0)
            return err_set(err, -EINVAL, LAYER_SECCOMP, PATH ".architectures[%zu]: \"%s\" is no architecture that "
                           "libseccomp knows", i, word);
        if (compat32 && !has_arch(rules, arch))
            rules->archs[rules->n_archs++] = arch;
    }
    return 0;
}

static int make_flags(const struct oci_seccomp *section, struct seccomp_rules *rules, struct err *err)
{
    for (size_t i = 0; i < section->flags.n; i++) {
        unsigned flag = 0;
        if (seccomp_flag_parse(section->flags.v[i], &flag) < 0)
            return err_set(err, -EINVAL, LAYER_SECCOMP, PATH ".flags[%zu]: no flag is called \"%s\"", i,
                           section->flags.v[i]);
        rules->load_flags |= flag;
    }
    if ((rules->load_flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0 && !rules->notify)
        return err_set(err, -EINVAL, LAYER_SECCOMP,
                       PATH ".flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY");
    /*
     * TSYNC asks that all threads get the filter. Between clone and exec there is one, so it is fulfilled without
     * being passed on, and must not be where a helper thread hands out the listener (load.c).
     */
    rules->load_flags &= ~(unsigned)SECCOMP_FILTER_FLAG_TSYNC;
    return 0;
}

static int make_conds(struct arena *a, const struct oci_seccomp_rule *rule, size_t index, struct seccomp_cond **ret,
                      struct err *err)
{
    struct seccomp_cond *conds = arena_calloc(a, rule->args.n, sizeof *conds);
    if (conds == NULL)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    for (size_t i = 0; i < rule->args.n; i++) {
        const struct oci_seccomp_arg *arg = &rule->args.v[i];
        struct seccomp_cond *cond = &conds[i];
        if (arg->index >= SECCOMP_ARGS)
            return err_set(err, -EINVAL, LAYER_SECCOMP, PATH ".syscalls[%zu].args[%zu].index: a call has arguments "
                           "0 to 5, there is no %u", index, i, arg->index);
        if (arg->op == NULL || seccomp_operator_parse(arg->op, &cond->op) < 0)
            return err_set(err, -EINVAL, LAYER_SECCOMP, PATH ".syscalls[%zu].args[%zu].op: \"%s\" is no operator of "
                           "runtime-spec (SCMP_CMP_EQ, ...)", index, i, arg->op != NULL ? arg->op : "");
        if (cond->op != SCMP_CMP_MASKED_EQ && arg->value_two.v != 0)
            return err_set(err, -EINVAL, LAYER_SECCOMP, PATH ".syscalls[%zu].args[%zu].valueTwo: only "
                           "SCMP_CMP_MASKED_EQ has a second value", index, i);
        cond->index = arg->index;
        cond->a = arg->value;
        cond->b = arg->value_two.v;
    }
    *ret = conds;
    return 0;
}

/*
 * A rule with conditions on socketcall or ipc tells their operations apart; what the other arguments point at cannot
 * be seen, and a rule that pretends to is refused. (Only where such a call exists: elsewhere the rule says nothing.)
 */
static int check_mux(const struct seccomp_rules *rules, const struct seccomp_rule *rule, const char *path,
                     struct err *err)
{
    if (rule->n_conds == 0 || seccomp_mux_find(rule->name) == NULL)
        return 0;
    bool other = false;
    for (unsigned i = 0; i < rule->n_conds; i++)
        other |= rule->conds[i].index != 0;
    for (size_t i = 0; other && i < rules->n_archs; i++)
        if (seccomp_number(rules->archs[i], rule->name) >= 0)
            return err_set(err, -EINVAL, LAYER_SECCOMP, "%s: only the first argument of %s can be compared; the "
                           "others point into memory that no filter sees", path, rule->name);
    return 0;
}

/*
 * Conditions of one rule that name an argument twice cannot all be meant to hold: since runc wrote down its first
 * rules they are alternatives, each a rule of its own, and profiles rely on it.
 */
static bool alternatives(const struct seccomp_cond *conds, size_t n)
{
    unsigned seen = 0;
    for (size_t i = 0; i < n; i++) {
        if ((seen >> conds[i].index & 1U) != 0)
            return true;
        seen |= 1U << conds[i].index;
    }
    return false;
}

static int add_rule(struct arena *a, const struct oci_seccomp_rule *rule, size_t index, struct seccomp_rules *rules,
                    struct err *err)
{
    struct seccomp_rule r = {.source = index};
    char path[64];
    snprintf(path, sizeof path, PATH ".syscalls[%zu]", index);
    int e = seccomp_action_parse(rule->action, &rule->errno_ret, path, "errnoRet", &r.action, err);
    if (e < 0)
        return e;
    rules->notify |= r.action == SCMP_ACT_NOTIFY;
    struct seccomp_cond *conds = NULL;
    if (rule->args.n > 0 && (e = make_conds(a, rule, index, &conds, err)) < 0)
        return e;
    size_t each = alternatives(conds, rule->args.n) ? rule->args.n : 1;
    for (size_t i = 0; i < rule->names.n; i++) {
        r.name = rule->names.v[i];
        if (!seccomp_number_in_library(r.name) && seccomp_number(rules->native, r.name) == NUMBER_UNKNOWN)
            return err_set(err, -EINVAL, LAYER_SECCOMP, "%s: no system call is named \"%s\"", path, r.name);
        for (size_t k = 0; k < each; k++) {
            r.conds = conds != NULL ? conds + k : NULL;
            r.n_conds = each > 1 ? 1 : (unsigned)rule->args.n;
            if ((e = check_mux(rules, &r, path, err)) < 0)
                return e;
            rules->v[rules->n++] = r;
        }
    }
    return 0;
}

static int make_list(struct arena *a, const struct oci_seccomp *section, struct seccomp_rules *rules, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < section->syscalls.n; i++)
        n += section->syscalls.v[i].names.n * MAX_OF(section->syscalls.v[i].args.n, (size_t)1);
    rules->v = arena_calloc(a, n, sizeof *rules->v);
    if (rules->v == NULL)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    for (size_t i = 0; i < section->syscalls.n; i++) {
        int e = add_rule(a, &section->syscalls.v[i], i, rules, err);
        if (e < 0)
            return e;
    }
    return 0;
}

int seccomp_rules_make(struct arena *a, const struct oci_seccomp *section, const char *machine, bool compat32,
                       struct seccomp_rules *ret, struct err *err)
{
    struct seccomp_rules rules = {.n = 0};
    int e = seccomp_action_parse(section->default_action, &section->default_errno_ret, PATH ".defaultAction",
                                 "defaultErrnoRet", &rules.default_action, err);
    if (e < 0)
        return e;
    rules.notify = rules.default_action == SCMP_ACT_NOTIFY;
    if ((e = make_archs(a, section, machine, compat32, &rules, err)) < 0 ||
        (e = make_list(a, section, &rules, err)) < 0 || (e = make_flags(section, &rules, err)) < 0)
        return e;
    /* As runc: a default that lets calls through (or a tracer, who may emulate them) keeps them all. */
    uint32_t kind = rules.default_action & SECCOMP_RET_ACTION_FULL;
    rules.enosys = kind != SCMP_ACT_ALLOW && kind != SCMP_ACT_LOG && kind != SCMP_ACT_TRACE(0) &&
                   rules.default_action != SCMP_ACT_ERRNO(ENOSYS);
    *ret = rules;
    return 0;
}

enum seccomp_fold seccomp_cond_fold(const struct seccomp_cond *cond, bool is64, struct seccomp_cond *ret)
{
    uint64_t top = is64 ? UINT64_MAX : UINT32_MAX; /* the largest value the argument can have */
    *ret = *cond;
    switch ((enum scmp_compare)cond->op) {
    case SCMP_CMP_NE:
        return cond->a > top ? FOLD_ALWAYS : FOLD_CHECK;
    case SCMP_CMP_EQ:
        return cond->a > top ? FOLD_NEVER : FOLD_CHECK;
    case SCMP_CMP_LT:
        return cond->a > top ? FOLD_ALWAYS : cond->a == 0 ? FOLD_NEVER : FOLD_CHECK;
    case SCMP_CMP_LE:
        return cond->a >= top ? FOLD_ALWAYS : FOLD_CHECK;
    case SCMP_CMP_GE:
        return cond->a > top ? FOLD_NEVER : cond->a == 0 ? FOLD_ALWAYS : FOLD_CHECK;
    case SCMP_CMP_GT:
        return cond->a >= top ? FOLD_NEVER : FOLD_CHECK;
    case SCMP_CMP_MASKED_EQ:
        ret->a = cond->a & top;
        if ((cond->b & ~ret->a) != 0)
            return FOLD_NEVER;
        return ret->a == 0 ? FOLD_ALWAYS : FOLD_CHECK;
    case _SCMP_CMP_MIN:
    case _SCMP_CMP_MAX:
        break;
    }
    return FOLD_NEVER;
}

/* Fold the conditions of *rule. False where they can never all hold. */
static bool fold_rule(struct arena *a, bool is64, struct seccomp_rule *rule, int *ret_error)
{
    if (rule->n_conds == 0)
        return true;
    struct seccomp_cond *conds = arena_calloc(a, rule->n_conds, sizeof *conds);
    if (conds == NULL) {
        *ret_error = -ENOMEM;
        return false;
    }
    unsigned n = 0;
    for (unsigned i = 0; i < rule->n_conds; i++) {
        enum seccomp_fold fold = seccomp_cond_fold(&rule->conds[i], is64, &conds[n]);
        if (fold == FOLD_NEVER)
            return false;
        if (fold == FOLD_CHECK)
            n++;
    }
    rule->conds = conds;
    rule->n_conds = n;
    return true;
}

int seccomp_rules_live(struct arena *a, uint32_t default_action, const struct seccomp_rule *const *group,
                       size_t n_group, bool is64, struct seccomp_rule *ret)
{
    int n = 0, e = 0;
    for (size_t i = 0; i < n_group; i++) {
        struct seccomp_rule rule = *group[i];
        if (rule.action == default_action || !fold_rule(a, is64, &rule, &e)) {
            if (e < 0)
                return e;
            continue;
        }
        ret[n++] = rule;
        if (rule.n_conds == 0)
            break;
    }
    return n;
}
