/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/capabilities/capabilities.h"

#include <string.h>

#include "insight/facts.h"

static const struct {
    const char *name, *meaning;
} strong[] = {
    {"SYS_ADMIN", "With it a process can mount file systems and do most of what root can: it outweighs most walls."},
    {"SYS_MODULE", "With it a process can load code into the kernel: no wall stands after that."},
    {"SYS_RAWIO", "With it a process can reach the machine's memory and ports through devices."},
    {"SYS_PTRACE", "With it a process can read and change every other process that it sees."},
    {"DAC_READ_SEARCH", "With it a process can read any file of a file system that it has one descriptor of."},
    {"BPF", "With it a process can load programs into the kernel."},
    {"PERFMON", "With it a process can watch what other processes and the kernel do."},
    {"NET_ADMIN", "With it a process can change interfaces, routes and packet filters of its network namespace."},
    {"SYS_BOOT", "With it a process can reboot the machine or start another kernel."},
    {"SYS_TIME", "With it a process can set the machine's clock."},
    {"SYSLOG", "With it a process can read the kernel's messages and addresses."},
    {"MAC_ADMIN", "With it a process can change the rules of the mandatory access control."},
    {"MAC_OVERRIDE", "With it a process can pass over mandatory access control."},
    {"LINUX_IMMUTABLE", "With it a process can take protection from files that are marked immutable."},
    {"AUDIT_CONTROL", "With it a process can switch the audit of the machine off."},
    {"SYS_RESOURCE", "With it a process can pass over limits of files, processes and disk quota."},
    {"CHECKPOINT_RESTORE", "With it a process can read the memory map of others and choose process ids."},
};

static uint64_t set_of(const struct oci_strs *names)
{
    uint64_t set = 0;
    const char *bad = NULL;
    if (capability_set(names, &set, &bad) < 0)
        return 0;
    return set;
}

/* What Docker gives: nothing among them breaks out by itself, though not all of them are needed often. */
static uint64_t ordinary_set(const struct wall_view *v)
{
    uint64_t set = 0;
    for (size_t i = 0; i < v->usual->capabilities.n; i++) {
        int n = capability_from_name(v->usual->capabilities.v[i].value);
        if (n >= 0)
            set |= CAPABILITY_BIT(n);
    }
    return set;
}

/*
 * What the program will have after execve (capabilities(7)): the root user gets the bounding set back, unless
 * no_new_privs holds it to what is permitted already; anyone else keeps the ambient set alone.
 */
static uint64_t after_exec(const struct oci_process *p)
{
    const struct oci_capabilities *c = p->capabilities;
    bool root = p->user == NULL || p->user->uid.v == 0;
    if (!root)
        return set_of(&c->ambient) & set_of(&c->inheritable) & set_of(&c->permitted);
    uint64_t gained = set_of(&c->bounding) | set_of(&c->inheritable);
    return p->no_new_privileges.v ? gained & set_of(&c->permitted) : gained;
}

/* "CHOWN, KILL": without the prefix that all of them have. */
static const char *names_of(struct wall_view *v, uint64_t set)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (unsigned i = 0; i < 64; i++) {
        if ((set & CAPABILITY_BIT(i)) == 0)
            continue;
        const char *name = capability_name(i);
        buf_puts(&text, text.len > 0 ? ", " : "");
        if (name != NULL)
            buf_puts(&text, name + strlen("CAP_"));
        else
            buf_printf(&text, "%u", i);
    }
    if (text.failed)
        v->a->failed = true;
    return arena_strdup(v->a, buf_str(&text));
}

static const char *amount(struct wall_view *v, uint64_t set, uint64_t all)
{
    int n = __builtin_popcountll(set), n_all = __builtin_popcountll(all);
    if (set == 0)
        return "none";
    if ((set & all) == all)
        return arena_printf(v->a, "all %d", n_all);
    if (n > n_all / 2)
        return arena_printf(v->a, "%d of %d, all but %s", n, n_all, names_of(v, all & ~set));
    return arena_printf(v->a, "%d of %d: %s", n, n_all, names_of(v, set));
}

/* More than a list of single powers can say. */
static bool nearly_all(uint64_t set)
{
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(strong); i++) {
        int number = capability_from_name(strong[i].name);
        n += number >= 0 && (set & CAPABILITY_BIT(number)) != 0;
    }
    return n > ARRAY_LEN(strong) / 2;
}

static void explain_effective(struct wall_view *v, uint64_t set, uint64_t all)
{
    const char *path = "process.capabilities";
    bool own = view_has_userns(v) && !view_unread(v, "user");
    enum fact_state state = FACT_HOLDS;
    const char *meaning = "Of root's powers it has these and no other.";
    if (set == 0) {
        meaning = "None of root's powers is left to it.";
    } else if ((set & ~ordinary_set(v)) != 0) {
        state = !own && nearly_all(set) ? FACT_OPEN : FACT_PARTIAL;
        meaning = own ? "They count for what its own user namespace owns, and open more of the kernel to it."
                      : state == FACT_OPEN ? "It has what root has: mounting, modules, other processes, the network."
                                           : "It has more of root's powers than a container commonly needs.";
    } else if (own) {
        meaning = "Of root's powers it has these, and only over what its own user namespace owns.";
    }
    struct fact *f = fact_add(v, state, "effective", path, meaning, "%s", amount(v, set, all));
    f->value = arena_printf(v->a, "%llx", (unsigned long long)set);
    for (size_t i = 0; i < ARRAY_LEN(strong) && !nearly_all(set); i++) {
        int n = capability_from_name(strong[i].name);
        if (n < 0 || (set & CAPABILITY_BIT(n)) == 0)
            continue;
        const char *subject = capability_name((unsigned)n);
        f = fact_add(v, own ? FACT_PARTIAL : FACT_OPEN, subject, arena_printf(v->a, "process.capabilities[%s]", subject),
                     strong[i].meaning, "%s", own ? "held, in its own user namespace" : "held");
        f->value = "held";
    }
}

static void explain_sets(struct wall_view *v, const struct oci_capabilities *c, uint64_t all)
{
    uint64_t bounding = set_of(&c->bounding), ambient = set_of(&c->ambient), inheritable = set_of(&c->inheritable);
    struct fact *f = NULL;
    if (bounding == 0)
        f = fact_add(v, FACT_HOLDS, "bounding", "process.capabilities", "No program it starts can ever gain a capability.",
                     "none");
    else
        f = fact_add(v, nearly_all(bounding) ? FACT_OPEN : FACT_HOLDS, "bounding", "process.capabilities",
                     "The most that a set-user-id program or file capability can give it.", "%s",
                     amount(v, bounding, all));
    f->value = arena_printf(v->a, "%llx", (unsigned long long)bounding);
    uint64_t dropped = ambient;
    ambient &= inheritable & set_of(&c->permitted);
    dropped &= ~ambient;
    if (dropped != 0 && !v->observed)
        fact_add(v, FACT_NOTE, "ambient asked for", "process.capabilities.ambient",
                 "The kernel gives no ambient capability that is not permitted and inheritable as well: of these none.",
                 "%s", names_of(v, dropped));
    if (ambient != 0) {
        bool root = v->c->process->user == NULL || v->c->process->user->uid.v == 0;
        f = fact_add(v, FACT_PARTIAL, "ambient", "process.capabilities",
                     root ? "Every program that it starts has these, and keeps them as another user."
                          : "Every program that it starts has these, though its user is not root.",
                     "%s", names_of(v, ambient));
        f->value = arena_printf(v->a, "%llx", (unsigned long long)ambient);
    }
    if (inheritable != 0) {
        f = fact_add(v, FACT_PARTIAL, "inheritable", "process.capabilities",
                     "Programs with inheritable file capabilities gain these (CVE-2022-24769).", "%s",
                     names_of(v, inheritable));
        f->value = arena_printf(v->a, "%llx", (unsigned long long)inheritable);
    }
}

void explain_capabilities(struct wall_view *v)
{
    const struct oci_process *p = v->c->process;
    if (p == NULL)
        return;
    uint64_t all = capability_all(v->input->host);
    uint64_t bounding = 0;
    if (p->capabilities == NULL) {
        fact_add(v, v->observed ? FACT_UNKNOWN : FACT_HOLDS, "effective", "process.capabilities",
                 v->observed ? "Which of root's powers it has cannot be told from here."
                             : "The document grants none of root's powers.",
                 "%s", v->observed ? "cannot be read" : "none")
            ->value = "0";
    } else {
        bounding = set_of(&p->capabilities->bounding);
        explain_effective(v, v->observed ? set_of(&p->capabilities->effective) : after_exec(p), all);
        explain_sets(v, p->capabilities, all);
    }
    if (v->observed && !p->no_new_privileges.set)
        fact_add(v, FACT_UNKNOWN, "no_new_privs", NULL,
                 "Whether a set-user-id program can raise it cannot be told from here.", "cannot be read");
    else if (p->no_new_privileges.v)
        fact_add(v, FACT_HOLDS, "no_new_privs", "process.noNewPrivileges",
                 "Set-user-id programs and file capabilities give it nothing.", "set");
    else if (bounding == 0 && p->capabilities != NULL)
        fact_add(v, FACT_PARTIAL, "no_new_privs", "process.noNewPrivileges",
                 "A set-user-id program changes its user, but gives no capability: the bounding set is empty.", "not set");
    else
        fact_add(v, FACT_OPEN, "no_new_privs", "process.noNewPrivileges",
                 "A set-user-id program can raise it to root with the bounding set.", "not set");
}
