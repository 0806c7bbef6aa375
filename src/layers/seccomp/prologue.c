/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape of what is written: load the architecture; for each, jump over its section if it is another's; a section
 * ends in a verdict or in a jump to the end, where libseccomp's program starts afresh. Conditional jumps reach 255
 * instructions, plain ones anywhere.
 */
#include "layers/seccomp/prologue.h"

#include <endian.h>
#include <errno.h>
#include <seccomp.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "layers/seccomp/numbers.h"
#include "layers/seccomp/words.h"

#define TO_END UINT32_MAX /* plain jumps to the end carry this until the end is known */
#define LOW_WORD (__BYTE_ORDER == __LITTLE_ENDIAN ? 0U : 4U)

static size_t emit(struct seccomp_code *c, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
    if (c->n >= c->cap) {
        c->overflow = true;
        return 0;
    }
    c->v[c->n] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
    return c->n++;
}

static void emit_load(struct seccomp_code *c, size_t offset)
{
    emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(struct seccomp_code *c, uint32_t verdict)
{
    emit(c, BPF_RET | BPF_K, verdict, 0, 0);
}

static void emit_to_end(struct seccomp_code *c)
{
    emit(c, BPF_JMP | BPF_JA, TO_END, 0, 0);
}

/* "Unless A is k, jump to where emit_land() is called." */
static size_t emit_unless(struct seccomp_code *c, uint32_t k)
{
    return emit(c, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 0);
}

/* Jumps are relative and none leads across the start of a body, so a body may be moved to make room for a long one. */
static void emit_land(struct seccomp_code *c, size_t jump)
{
    size_t length = c->n - jump - 1;
    if (c->overflow)
        return;
    if (length <= UINT8_MAX) {
        c->v[jump].jf = (uint8_t)length;
        return;
    }
    emit(c, BPF_JMP | BPF_JA, 0, 0, 0);
    if (c->overflow)
        return;
    memmove(&c->v[jump + 2], &c->v[jump + 1], length * sizeof *c->v);
    c->v[jump].jt = 1;
    c->v[jump + 1] = (struct sock_filter){.code = BPF_JMP | BPF_JA, .k = (uint32_t)length};
}

/* A range of equal verdicts for the value in A. */
static void emit_range(struct seccomp_code *c, uint32_t low, uint32_t high, uint32_t verdict)
{
    if (low == high) {
        emit(c, BPF_JMP | BPF_JEQ | BPF_K, low, 0, 1);
    } else {
        emit(c, BPF_JMP | BPF_JGE | BPF_K, low, 0, 2);
        emit(c, BPF_JMP | BPF_JGT | BPF_K, high, 1, 0);
    }
    emit_return(c, verdict);
}

/* Jump targets within one rule: PASS is the instruction after the condition, FAIL the one after the rule. */
enum { NEXT = 0, PASS = 254, FAIL = 255 };

static void emit_check(struct seccomp_code *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
    emit(c, BPF_JMP | op | BPF_K, k, jt, jf);
}

static void emit_word(struct seccomp_code *c, const struct seccomp_cond *cond, bool high)
{
    size_t at = offsetof(struct seccomp_data, args) + cond->index * sizeof(uint64_t);
    emit_load(c, at + (high ? 4U - LOW_WORD : LOW_WORD));
    if (cond->op == SCMP_CMP_MASKED_EQ)
        emit(c, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(high ? cond->a >> 32 : cond->a), 0, 0);
}

/* One condition, with PASS and FAIL as jump targets still to be resolved. */
static void emit_cond(struct seccomp_code *c, const struct seccomp_cond *cond, bool is64)
{
    uint64_t value = cond->op == SCMP_CMP_MASKED_EQ ? cond->b : cond->a;
    uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;
    enum scmp_compare op = (enum scmp_compare)cond->op;
    if (is64) {
        emit_word(c, cond, true);
        if (op == SCMP_CMP_EQ || op == SCMP_CMP_MASKED_EQ) {
            emit_check(c, BPF_JEQ, high, NEXT, FAIL);
        } else if (op == SCMP_CMP_NE) {
            emit_check(c, BPF_JEQ, high, NEXT, PASS);
        } else {
            bool greater = op == SCMP_CMP_GT || op == SCMP_CMP_GE;
            emit_check(c, BPF_JGT, high, greater ? PASS : FAIL, NEXT);
            emit_check(c, BPF_JEQ, high, NEXT, greater ? FAIL : PASS);
        }
    }
    emit_word(c, cond, false);
    bool equal = op == SCMP_CMP_EQ || op == SCMP_CMP_MASKED_EQ || op == SCMP_CMP_NE;
    bool greater_equal = op == SCMP_CMP_GE || op == SCMP_CMP_LT;
    bool negated = op == SCMP_CMP_NE || op == SCMP_CMP_LT || op == SCMP_CMP_LE;
    emit_check(c, equal ? BPF_JEQ : greater_equal ? BPF_JGE : BPF_JGT, low, negated ? FAIL : NEXT,
               negated ? NEXT : FAIL);
}

/* Resolve jumps to target in [from, to) so that they reach instruction `where`. At most 60 instructions a rule. */
static void resolve(struct seccomp_code *c, size_t from, size_t to, uint8_t target, size_t where)
{
    for (size_t i = from; i < to && !c->overflow; i++) {
        struct sock_filter *f = &c->v[i];
        if (BPF_CLASS(f->code) != BPF_JMP || BPF_OP(f->code) == BPF_JA)
            continue;
        if (f->jt == target)
            f->jt = (uint8_t)(where - i - 1);
        if (f->jf == target)
            f->jf = (uint8_t)(where - i - 1);
    }
}

/* A call's rules in order, then the default action. */
static void emit_rules(struct seccomp_code *c, const struct seccomp_special *s, uint32_t default_action, bool is64)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct seccomp_rule *rule = &s->rules[i];
        size_t start = c->n;
        for (unsigned k = 0; k < rule->n_conds; k++) {
            size_t cond = c->n;
            emit_cond(c, &rule->conds[k], is64);
            resolve(c, cond, c->n, PASS, c->n);
        }
        emit_return(c, rule->action);
        resolve(c, start, c->n - (c->n > start ? 1 : 0), FAIL, c->n);
        if (rule->n_conds == 0)
            return;
    }
    emit_return(c, default_action);
}

static void emit_mux(struct seccomp_code *c, const struct seccomp_special *s)
{
    const struct seccomp_mux *mux = s->mux;
    emit_load(c, offsetof(struct seccomp_data, args) + LOW_WORD);
    if (mux->mask != UINT32_MAX)
        emit(c, BPF_ALU | BPF_AND | BPF_K, mux->mask, 0, 0);
    for (size_t i = 0; i < mux->n_ops;) {
        size_t last = i;
        while (last + 1 < mux->n_ops && s->verdicts.ops[last + 1] == s->verdicts.ops[i] &&
               mux->ops[last + 1].op == mux->ops[last].op + 1)
            last++;
        if (s->verdicts.ops[i] != s->verdicts.other)
            emit_range(c, mux->ops[i].op, mux->ops[last].op, s->verdicts.ops[i]);
        i = last + 1;
    }
    emit_return(c, s->verdicts.other);
}

/* Does the call get one verdict whatever its arguments are? */
static bool constant(const struct seccomp_special *s)
{
    return s->mux == NULL && s->n > 0 && s->rules[0].n_conds == 0;
}

/* Calls with constant verdicts, runs of them as ranges; ENOSYS beyond the last. All of them are large numbers. */
static void emit_constants(struct seccomp_code *c, const struct seccomp_part *part)
{
    bool guarded = false;
    for (size_t i = 0; i < part->n; i++) {
        const struct seccomp_special *s = &part->specials[i];
        if (!constant(s))
            continue;
        if (!guarded) {
            emit(c, BPF_JMP | BPF_JGE | BPF_K, s->number, 1, 0);
            emit_to_end(c);
            guarded = true;
        }
        size_t last = i;
        while (last + 1 < part->n && constant(&part->specials[last + 1]) &&
               part->specials[last + 1].number == part->specials[last].number + 1 &&
               part->specials[last + 1].rules[0].action == s->rules[0].action)
            last++;
        emit_range(c, s->number, part->specials[last].number, s->rules[0].action);
        i = last;
    }
    if (part->last != 0 && part->arch == SCMP_ARCH_ARM) {
        emit(c, BPF_JMP | BPF_JGE | BPF_K, ARM_PRIVATE, 0, 1);
        emit_to_end(c);
    }
    if (part->last != 0) {
        emit(c, BPF_JMP | BPF_JGT | BPF_K, part->last, 0, 1);
        emit_return(c, SCMP_ACT_ERRNO(ENOSYS));
    }
}

/* With the number of the call in A. */
static void emit_part(struct seccomp_code *c, const struct seccomp_part *part, uint32_t default_action)
{
    /* setup(2), number 0, is how s390 carries numbers that its kernel does not know. */
    if (part->last != 0 && (part->arch == SCMP_ARCH_S390 || part->arch == SCMP_ARCH_S390X))
        emit_range(c, 0, 0, SCMP_ACT_ERRNO(ENOSYS));
    for (size_t i = 0; i < part->n; i++) {
        const struct seccomp_special *s = &part->specials[i];
        /* A multiplexer that is not named, nor any call it carries, is beyond the last like others. */
        if (constant(s) || (part->last != 0 && s->number > part->last))
            continue;
        size_t jump = emit_unless(c, s->number);
        if (s->mux != NULL)
            emit_mux(c, s);
        else
            emit_rules(c, s, default_action, seccomp_arch_is_64(part->arch));
        emit_land(c, jump);
    }
    emit_constants(c, part);
    emit_to_end(c);
}

static const struct seccomp_part *part_of(const struct seccomp_part *parts, size_t n, uint32_t arch)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].arch == arch)
            return &parts[i];
    return NULL;
}

/* x86_64 and x32 have one architecture in the kernel's eyes and differ by a bit of the number. */
static void emit_x86_64(struct seccomp_code *c, const struct seccomp_part *parts, size_t n, uint32_t default_action)
{
    const struct seccomp_part *x86_64 = part_of(parts, n, SCMP_ARCH_X86_64);
    const struct seccomp_part *x32 = part_of(parts, n, SCMP_ARCH_X32);
    /* libseccomp's program refuses the one that is not in the filter; -1 is neither's, and no call. */
    emit(c, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    size_t to_x32 = emit(c, BPF_JMP | BPF_JA, 0, 0, 0);
    if (x86_64 != NULL)
        emit_part(c, x86_64, default_action);
    else
        emit_to_end(c);
    if (!c->overflow)
        c->v[to_x32].k = (uint32_t)(c->n - to_x32 - 1);
    if (x32 != NULL)
        emit_part(c, x32, default_action);
    else
        emit_to_end(c);
}

static bool has_work(const struct seccomp_part *part)
{
    return part->n > 0 || part->last != 0;
}

int seccomp_prologue(const struct seccomp_rules *rules, const struct seccomp_part *parts, size_t n,
                     struct seccomp_code *code)
{
    bool x86_64_done = false, any = false;
    for (size_t i = 0; i < n; i++)
        any |= has_work(&parts[i]);
    if (!any)
        return 0;
    emit_load(code, offsetof(struct seccomp_data, arch));
    for (size_t i = 0; i < n; i++) {
        bool x86 = parts[i].arch == SCMP_ARCH_X86_64 || parts[i].arch == SCMP_ARCH_X32;
        if ((!x86 && !has_work(&parts[i])) || (x86 && x86_64_done))
            continue;
        /* libseccomp's tokens are the kernel's AUDIT_ARCH_*, but for x32's. */
        size_t jump = emit_unless(code, x86 ? SCMP_ARCH_X86_64 : parts[i].arch);
        emit_load(code, offsetof(struct seccomp_data, nr));
        if (x86)
            emit_x86_64(code, parts, n, rules->default_action);
        else
            emit_part(code, &parts[i], rules->default_action);
        emit_land(code, jump);
        x86_64_done |= x86;
    }
    if (code->overflow)
        return -E2BIG;
    for (size_t i = 0; i < code->n; i++)
        if (code->v[i].code == (BPF_JMP | BPF_JA) && code->v[i].k == TO_END)
            code->v[i].k = (uint32_t)(code->n - i - 1);
    return 0;
}
