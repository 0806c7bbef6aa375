/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp section of a configuration as checked, flat rules: what compiling, hashing and explaining work from.
 *
 * The meaning of a list of rules: those of a call are tried in document order, and the first whose conditions all
 * hold decides; where none does, the default action. A rule whose action is the default action says nothing and is
 * left out first, as runc does.
 */
#ifndef COFFER_LAYERS_SECCOMP_RULES_H
#define COFFER_LAYERS_SECCOMP_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/config.h"

#define SECCOMP_ARGS 6

struct seccomp_cond {
    uint32_t index; /* of the argument, below SECCOMP_ARGS */
    int op;         /* enum scmp_compare */
    uint64_t a, b;  /* operand; for SCMP_CMP_MASKED_EQ the mask and the value */
};

struct seccomp_rule {
    const char *name;
    uint32_t action; /* SCMP_ACT_* with its data, which is the kernel's SECCOMP_RET_* */
    unsigned n_conds; /* all must hold; 0: always */
    const struct seccomp_cond *conds;
    size_t source; /* index in linux.seccomp.syscalls */
};

struct seccomp_rules {
    uint32_t default_action;
    uint32_t native;
    uint32_t *archs; /* SCMP_ARCH_*, the native one first, each once */
    size_t n_archs;
    struct seccomp_rule *v; /* one a name, in document order */
    size_t n;
    unsigned load_flags; /* SECCOMP_FILTER_FLAG_* */
    bool notify;         /* some action is SCMP_ACT_NOTIFY */
    bool enosys;         /* calls beyond the largest number in the rules get ENOSYS, see prologue.h */
};

/*
 * Check the section and make rules of it. compat32: keep other architectures than the machine's. Strings stay the
 * section's. Errors name the path below linux.seccomp. Pure.
 */
int seccomp_rules_make(struct arena *a, const struct oci_seccomp *section, const char *machine, bool compat32,
                       struct seccomp_rules *ret, struct err *err);

/* What a condition is on an architecture whose arguments have 32 bits (or 64): decided already, or a check. */
enum seccomp_fold { FOLD_NEVER, FOLD_ALWAYS, FOLD_CHECK };
enum seccomp_fold seccomp_cond_fold(const struct seccomp_cond *cond, bool is64, struct seccomp_cond *ret);

/*
 * The rules that decide about one call on an architecture: of its rules in document order (group), those that say
 * something and can hold, conditions folded, up to the first unconditional one. ret has room for n_group rules.
 * Returns their number, or -ENOMEM.
 */
int seccomp_rules_live(struct arena *a, uint32_t default_action, const struct seccomp_rule *const *group,
                       size_t n_group, bool is64, struct seccomp_rule *ret);

#endif
