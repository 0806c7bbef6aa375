/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/seccomp/seccomp.h"

#include <string.h>

#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"

#define PATH "linux.seccomp"

static void explain_observed(struct wall_view *v)
{
    const char *mode = oci_annotation(v->c, ANNOTATION_OBSERVED_SECCOMP);
    struct fact *f = NULL;
    if (mode == NULL) {
        fact_add(v, FACT_UNKNOWN, "filter", NULL, "Which system calls it can make cannot be told from here.",
                 "cannot be read");
        return;
    }
    if (str_eq(mode, "strict"))
        f = fact_add(v, FACT_HOLDS, "filter", NULL, "It can read, write, return from a signal and exit, no more.", "strict");
    else if (str_starts(mode, "filter"))
        f = fact_add(v, FACT_PARTIAL, "filter", NULL,
                     "Every system call passes a filter; what that lets through cannot be read back.", "%s%s%s",
                     "in force", mode[strlen("filter")] == ' ' ? ", filters:" : "", mode + strlen("filter"));
    else
        f = fact_add(v, FACT_OPEN, "filter", NULL, "Every system call of the kernel can be reached.", "none");
    f->value = str_starts(mode, "filter") ? "filter" : str_eq(mode, "strict") ? "strict" : "none";
}

static void explain_architecture(struct wall_view *v, const struct seccomp_arch_summary *s, bool native)
{
    const char *subject = arena_printf(v->a, "%s calls", s->architecture);
    const char *meaning = native ? "The part of the kernel that it can reach at all." :
                                   "The same for programs of this architecture, which the processor runs as well.";
    struct fact *f = fact_add(v, s->refused > 0 ? FACT_HOLDS : FACT_OPEN, subject, PATH, meaning,
                              "%u of %u reach the kernel, %u more depend on arguments, %u are refused", s->allowed,
                              s->calls, s->conditional, s->refused);
    f->part_of = "filter";
    if (!native || s->n_notable == 0)
        return;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < s->n_notable; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", s->notable[i]);
    if (text.failed)
        v->a->failed = true;
    f = fact_add(v, FACT_HOLDS, "refused among others", PATH, "Attacks on kernels and containers have gone through these.",
                 "%s", buf_str(&text));
    f->part_of = "filter";
}

static void explain_planned(struct wall_view *v, const struct oci_seccomp *section)
{
    const char *compat = oci_annotation(v->c, ANNOTATION_COMPAT32);
    struct seccomp_summary s = {.default_action = NULL};
    struct err err = ERR_INIT;
    if (section == NULL) {
        fact_add(v, FACT_OPEN, "filter", PATH, "Every system call of the kernel can be reached.", "none")->value = "none";
        return;
    }
    const char *machine = v->input->host->machine;
    if (seccomp_summarise(v->a, section, machine, compat == NULL || !str_eq(compat, "false"), &s, &err) < 0) {
        fact_add(v, FACT_UNKNOWN, "filter", PATH, "The profile cannot be made into a filter.", "%s",
                 fact_clean(v->a, err.text))
            ->value = "filter";
        return;
    }
    bool denies = !str_starts(s.default_action, "allow") && !str_starts(s.default_action, "log");
    struct fact *f = fact_add(v, denies ? FACT_HOLDS : FACT_PARTIAL, "filter", PATH,
                              denies ? "A call that the profile does not name is refused."
                                     : "A call that the profile does not name is let through.",
                              "in force, by default: %s", s.default_action);
    f->value = "filter";
    f->speaks = true;
    for (size_t i = 0; i < s.n_archs; i++)
        explain_architecture(v, &s.archs[i], i == 0);
    if (s.notify)
        fact_add(v, FACT_PARTIAL, "agent", PATH,
                 "Some calls are decided by a program outside; what it lets through is its word alone.", "asked")
            ->part_of = "filter";
    if (s.enosys_beyond)
        fact_add(v, FACT_HOLDS, "newer calls", PATH, "Calls newer than the profile look as if the kernel lacked them.",
                 "ENOSYS")
            ->part_of = "filter";
}

void explain_seccomp(struct wall_view *v)
{
    if (v->observed)
        explain_observed(v);
    else
        explain_planned(v, v->c->linux != NULL ? v->c->linux->seccomp : NULL);
}
