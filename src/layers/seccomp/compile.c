/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each architecture gets a libseccomp context of its own, which are merged at the end: a rule may be different on
 * each (conditions folded to 32 bits, calls left to the prologue), and raw numbers are accepted only in a context of
 * the architecture that libseccomp was built for.
 */
#include "layers/seccomp/compile.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/seccomp/meaning.h"
#include "layers/seccomp/numbers.h"
#include "layers/seccomp/prologue.h"
#include "layers/seccomp/words.h"

static void release(scmp_filter_ctx *ctx)
{
    if (*ctx != NULL)
        seccomp_release(*ctx);
}
#define CLEANUP_CTX CLEANUP(release)

struct compiler {
    struct arena *arena;
    const struct seccomp_rules *rules;
    struct seccomp_calls calls;
    struct seccomp_part *parts;
    unsigned fewest; /* calls handed to libseccomp for the architecture that has fewest */
    struct err *err;
};

static int no_memory(const struct compiler *c)
{
    return err_set(c->err, -ENOMEM, LAYER_SECCOMP, "out of memory while compiling the filter");
}

/*
 * A call through a foreign architecture: 32-bit code, or x32, in a container that was not to have it. The kernel and
 * libseccomp would kill one thread and leave a program without it; the process is meant.
 */
#define BAD_ARCH_ACTION SCMP_ACT_KILL_PROCESS

static scmp_filter_ctx new_context(const struct compiler *c, uint32_t arch)
{
    CLEANUP_CTX scmp_filter_ctx ctx = seccomp_init(c->rules->default_action);
    if (ctx == NULL) {
        err_set(c->err, -EINVAL, LAYER_SECCOMP, "libseccomp does not take the default action %#x: this kernel may "
                "not have it", c->rules->default_action);
        return NULL;
    }
    int e = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, BAD_ARCH_ACTION);
    /* no_new_privs is the capabilities wall's, and this filter is loaded without libseccomp. */
    if (e == 0)
        e = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
    if (e == 0 && arch != seccomp_arch_native()) {
        e = seccomp_arch_add(ctx, arch);
        if (e == 0)
            e = seccomp_arch_remove(ctx, seccomp_arch_native());
    }
    if (e < 0) {
        err_set_errno(c->err, e, LAYER_SECCOMP, "libseccomp cannot make a filter for architecture %s here",
                      seccomp_arch_name(arch));
        return NULL;
    }
    return TAKE_PTR(ctx);
}

static int add_to_library(const struct compiler *c, scmp_filter_ctx ctx, const struct seccomp_rule *rule, int number)
{
    struct scmp_arg_cmp args[SECCOMP_ARGS];
    for (unsigned i = 0; i < rule->n_conds; i++) {
        const struct seccomp_cond *cond = &rule->conds[i];
        args[i] = (struct scmp_arg_cmp){cond->index, (enum scmp_compare)cond->op, cond->a, cond->b};
    }
    int e = seccomp_rule_add_array(ctx, rule->action, number, rule->n_conds, args);
    if (e < 0)
        return err_set_errno(c->err, e, LAYER_SECCOMP, "linux.seccomp.syscalls[%zu]: libseccomp does not take the "
                             "rule for \"%s\"", rule->source, rule->name);
    return 0;
}

/*
 * Does libseccomp compile these rules of one call to what they mean? Alone, each; several, it merges into one tree,
 * and 2.5.4 gets that wrong for 64-bit inequalities on one argument, and orders different actions in its own way.
 * Equalities with one argument, the common case, it does well. (test_seccomp_meaning.c found this out, and checks it.)
 */
static bool library_compiles(const struct seccomp_rule *live, int n)
{
    for (int i = 0; n > 1 && i < n; i++)
        if (live[i].action != live[0].action || live[i].n_conds != 1 || live[i].conds[0].op != SCMP_CMP_EQ ||
            live[i].conds[0].index != live[0].conds[0].index)
            return false;
    return true;
}

/* Rules with one action, the last of them unconditional, are that one. */
static void absorb(struct seccomp_rule *live, int *n)
{
    for (int i = 1; i < *n; i++)
        if (live[i].action != live[0].action)
            return;
    if (*n > 1 && live[*n - 1].n_conds == 0) {
        live[0] = live[*n - 1];
        *n = 1;
    }
}

/*
 * The multiplexed calls are the prologue's. libseccomp adds rules for them by itself whenever a call that they carry
 * is added; an unconditional rule keeps those out. It is never reached, so it is the safe one.
 */
static int shut_mux(const struct compiler *c, scmp_filter_ctx ctx, const struct seccomp_mux *mux)
{
    uint32_t action = c->rules->default_action == SCMP_ACT_KILL_PROCESS ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
    struct seccomp_rule rule = {.name = mux->name, .action = action};
    return add_to_library(c, ctx, &rule, seccomp_syscall_resolve_name(mux->name));
}

/*
 * Remember the largest number that is named. A list that names no more than call 0 has no end that tells anything: as
 * in runc, no ENOSYS beyond it.
 */
static void note_number(const struct compiler *c, struct seccomp_part *part, int number)
{
    if (part->arch == SCMP_ARCH_ARM && number >= (int)ARM_PRIVATE)
        return;
    if (c->rules->enosys && number > seccomp_number_base(part->arch) && (uint32_t)number > part->last)
        part->last = (uint32_t)number;
}

/* Who names a call that is carried names the carrier. */
static bool mux_named(const struct compiler *c, const struct seccomp_mux *mux)
{
    bool named = seccomp_calls_find(&c->calls, mux->name) != NULL;
    for (size_t i = 0; i < mux->n_ops && !named; i++)
        named = seccomp_calls_find(&c->calls, mux->ops[i].call) != NULL;
    return named;
}

static int add_muxes(struct compiler *c, scmp_filter_ctx ctx, struct seccomp_part *part)
{
    for (size_t i = 0; i < SECCOMP_MUXES; i++) {
        const struct seccomp_mux *mux = &seccomp_muxes[i];
        int number = seccomp_number(part->arch, mux->name);
        if (number < 0)
            continue;
        if (mux_named(c, mux))
            note_number(c, part, number);
        struct seccomp_special *s = &part->specials[part->n++];
        s->number = (uint32_t)number;
        s->mux = mux;
        if (seccomp_mux_judge(c->arena, c->rules, &c->calls, mux, seccomp_arch_is_64(part->arch), &s->verdicts) < 0)
            return no_memory(c);
        int e = shut_mux(c, ctx, mux);
        if (e < 0)
            return e;
    }
    return 0;
}

static int add_call(struct compiler *c, scmp_filter_ctx ctx, struct seccomp_part *part,
                    const struct seccomp_call *call, unsigned *added)
{
    int number = seccomp_number(part->arch, call->name);
    note_number(c, part, number);
    if (number < 0 || seccomp_mux_find(call->name) != NULL)
        return 0;
    struct seccomp_rule *live = arena_calloc(c->arena, call->n, sizeof *live);
    if (live == NULL)
        return no_memory(c);
    int n = seccomp_rules_live(c->arena, c->rules->default_action, call->rules, call->n,
                               seccomp_arch_is_64(part->arch), live);
    if (n < 0)
        return no_memory(c);
    if (n == 0)
        return 0;
    absorb(live, &n);
    bool in_library = seccomp_number_in_library(call->name);
    if (!library_compiles(live, n) || (!in_library && part->arch != seccomp_arch_native())) {
        part->specials[part->n++] =
            (struct seccomp_special){.number = (uint32_t)number, .rules = live, .n = (size_t)n};
        return 0;
    }
    /* libseccomp takes the number of its own architecture (a negative one where it lacks the call), and translates. */
    int token = in_library ? seccomp_syscall_resolve_name(call->name) : number;
    for (int i = 0; i < n; i++) {
        int e = add_to_library(c, ctx, &live[i], token);
        if (e < 0)
            return e;
    }
    ++*added;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct seccomp_special *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static scmp_filter_ctx fill_context(struct compiler *c, struct seccomp_part *part)
{
    CLEANUP_CTX scmp_filter_ctx ctx = new_context(c, part->arch);
    if (ctx == NULL)
        return NULL;
    part->specials = arena_calloc(c->arena, c->calls.n + SECCOMP_MUXES, sizeof *part->specials);
    if (part->specials == NULL) {
        no_memory(c);
        return NULL;
    }
    if (add_muxes(c, ctx, part) < 0)
        return NULL;
    unsigned added = 0;
    for (size_t i = 0; i < c->calls.n; i++)
        if (add_call(c, ctx, part, &c->calls.v[i], &added) < 0)
            return NULL;
    if (part->n > 1)
        qsort(part->specials, part->n, sizeof *part->specials, by_number);
    c->fewest = MIN_OF(c->fewest, added);
    return TAKE_PTR(ctx);
}

/* libseccomp's program, behind what code holds already. */
static int append_library(const struct compiler *c, scmp_filter_ctx ctx, struct seccomp_code *code)
{
    CLEANUP_FD int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return err_set_errno(c->err, -errno, LAYER_SECCOMP, "memfd_create");
    int e = seccomp_export_bpf(ctx, fd);
    if (e < 0)
        return err_set_errno(c->err, e, LAYER_SECCOMP, "libseccomp cannot generate the filter");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set_errno(c->err, -errno, LAYER_SECCOMP, "lseek in a memfd");
    size_t room = (code->cap - code->n) * sizeof *code->v;
    ssize_t got = fd_read_full(fd, code->v + code->n, room);
    if (got < 0)
        return err_set_errno(c->err, (int)got, LAYER_SECCOMP, "reading the generated filter");
    code->n += (size_t)got / sizeof *code->v;
    if (code->n >= code->cap)
        code->overflow = true;
    return 0;
}

/* All architectures in one context. */
static scmp_filter_ctx build(struct compiler *c)
{
    CLEANUP_CTX scmp_filter_ctx all = NULL;
    for (size_t i = 0; i < c->rules->n_archs; i++) {
        c->parts[i].arch = c->rules->archs[i];
        CLEANUP_CTX scmp_filter_ctx one = fill_context(c, &c->parts[i]);
        if (one == NULL)
            return NULL;
        if (all == NULL) {
            all = TAKE_PTR(one);
            continue;
        }
        int e = seccomp_merge(all, one);
        if (e < 0) {
            err_set_errno(c->err, e, LAYER_SECCOMP, "architectures %s and %s do not go into one filter",
                          seccomp_arch_name(c->rules->archs[0]), seccomp_arch_name(c->rules->archs[i]));
            return NULL;
        }
        one = NULL; /* merging freed it */
    }
    /*
     * A search tree instead of a chain of comparisons: loading is three times faster, since the kernel runs the
     * program once per call number to find the ones it may always allow. libseccomp up to 2.5.4 gets it wrong
     * without rules (its issue 370), and for a few a chain is as good.
     */
    if (c->fewest > 16 && seccomp_attr_set(all, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0) {
        err_set(c->err, -ENOTSUP, LAYER_SECCOMP, "libseccomp is older than 2.5");
        return NULL;
    }
    return TAKE_PTR(all);
}

int seccomp_compile(struct arena *a, const struct seccomp_rules *rules, struct sock_fprog *ret, struct err *err)
{
    struct compiler c = {.arena = a, .rules = rules, .fewest = UINT32_MAX, .err = err};
    /* One more than the kernel takes, to notice. */
    struct seccomp_code code = {.cap = BPF_MAXINSNS + 1};
    code.v = arena_calloc(a, code.cap, sizeof *code.v);
    c.parts = arena_calloc(a, rules->n_archs, sizeof *c.parts);
    if (code.v == NULL || c.parts == NULL || seccomp_calls_make(a, rules, &c.calls) < 0)
        return no_memory(&c);
    CLEANUP_CTX scmp_filter_ctx ctx = build(&c);
    if (ctx == NULL)
        return err != NULL && err->code < 0 ? err->code : -EINVAL;
    if (seccomp_prologue(rules, c.parts, rules->n_archs, &code) < 0)
        code.overflow = true;
    int e = code.overflow ? 0 : append_library(&c, ctx, &code);
    if (e < 0)
        return e;
    if (code.overflow || code.n > BPF_MAXINSNS)
        return err_set(err, -E2BIG, LAYER_SECCOMP, "the filter has more than %d instructions, which is all the kernel "
                       "takes: use fewer rules or architectures", BPF_MAXINSNS);
    *ret = (struct sock_fprog){.len = (unsigned short)code.n, .filter = code.v};
    return 0;
}
