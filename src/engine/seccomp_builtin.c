/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/seccomp_builtin.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* Is machine a word of " x86_64 aarch64 "? */
static bool has_word(const char *words, const char *machine)
{
    size_t n = strlen(machine);
    for (const char *p = words; (p = strstr(p, machine)) != NULL; p += n)
        if (p > words && p[-1] == ' ' && p[n] == ' ')
            return true;
    return false;
}

/* As moby's setupSeccomp(): any match of what it excludes rules a rule out; all that it includes must match. */
static bool applies(const struct seccomp_builtin_rule *r, const struct seccomp_facts *f)
{
    bool kernel = f->kernel_major > r->kernel_major ||
                  (f->kernel_major == r->kernel_major && f->kernel_minor >= r->kernel_minor);
    if ((f->capabilities & r->barred_by) != 0 || (r->not_machines != NULL && has_word(r->not_machines, f->machine)))
        return false;
    return (f->capabilities & r->needs) == r->needs && kernel &&
           (r->machines == NULL || has_word(r->machines, f->machine));
}

int seccomp_builtin(struct arena *a, const struct seccomp_facts *facts, struct oci_seccomp **ret, struct err *err)
{
    const struct seccomp_builtin_arch *arch = seccomp_builtin_archs;
    while (arch->machine != NULL && !str_eq(arch->machine, facts->machine))
        arch++;
    if (arch->machine == NULL) /* one that the tables are not for */
        return seccomp_resolve_docker_profile(a, seccomp_builtin_json, seccomp_builtin_json_len, facts, ret, err);
    struct oci_seccomp *s = arena_new(a, struct oci_seccomp);
    struct oci_seccomp_rule *rules = arena_calloc(a, seccomp_builtin_n_rules, sizeof *rules);
    char *action = arena_strdup(a, seccomp_builtin_action);
    if (s == NULL || rules == NULL || action == NULL)
        return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
    s->default_action = action;
    s->default_errno_ret.set = true;
    s->default_errno_ret.v = seccomp_builtin_errno;
    s->architectures = arch->architectures;
    s->syscalls.v = rules;
    s->syscalls.set = true;
    for (size_t i = 0; i < seccomp_builtin_n_rules; i++)
        if (applies(&seccomp_builtin_rules[i], facts))
            rules[s->syscalls.n++] = seccomp_builtin_rules[i].rule;
    *ret = s;
    return 0;
}
