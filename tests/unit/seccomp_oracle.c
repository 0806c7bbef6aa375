/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp_oracle.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oracle_arch oracle_archs[ORACLE_ARCHS] = {
    [ORACLE_X86_64] = {"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, 0, false, -1, -1, {NULL}},
    [ORACLE_X86] = {"SCMP_ARCH_X86", AUDIT_ARCH_I386, 0, true, 102, 117, {NULL}},
    [ORACLE_X32] = {"SCMP_ARCH_X32", AUDIT_ARCH_X86_64, 0x40000000, true, -1, -1, {NULL}},
    [ORACLE_AARCH64] = {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64, 0, false, -1, -1, {NULL}},
    [ORACLE_ARM] = {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM, 0, true, -1, -1, {NULL}},
};

/* Calls after Linux 6.1, whose headers Debian 12 has: scripts/syscall.tbl and arch/x86/entry/syscalls of Linux 6.18. */
static const char *const newer[] = {
    "cachestat", "fchmodat2", "map_shadow_stack", "futex_wake", "futex_wait", "futex_requeue", "statmount",
    "listmount", "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal", "setxattrat", "getxattrat",
    "listxattrat", "removexattrat", "open_tree_attr", "file_getattr", "file_setattr",
};

static void set_name(struct oracle_arch *arch, unsigned number, const char *name)
{
    if (number >= ORACLE_CALLS || arch->name[number] != NULL)
        return;
    arch->name[number] = strdup(name);
}

/* Lines "#define __NR_read 0", "#define __NR_read (__X32_SYSCALL_BIT + 0)", and arm64's "#define __NR3264_fcntl 25". */
static bool read_header(struct oracle_arch *arch, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    char line[512], name[256];
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned number = 0;
        /* 403 to 423 are 32-bit ABIs' calls with 64-bit times, also where the shared header names them for all. */
        bool shared = strstr(path, "asm-generic") != NULL;
        if (sscanf(line, "#define __NR_%255s (__X32_SYSCALL_BIT + %u)", name, &number) == 2 ||
            sscanf(line, "#define __NR_%255s %u", name, &number) == 2 ||
            sscanf(line, "#define __NR3264_%255s %u", name, &number) == 2)
            if (!(shared && number >= 403 && number <= 423) && strcmp(name, "syscalls") != 0 && strcmp(name, "arch_specific_syscall") != 0)
                set_name(arch, number, strcmp(name, "fstatat") == 0 ? "newfstatat" : name);
    }
    fclose(f);
    return true;
}

static void read_library(struct oracle_arch *arch)
{
    for (unsigned n = 0; n < 1000; n++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_ARM, (int)n);
        if (name != NULL)
            set_name(arch, n, name);
        free(name);
    }
}

bool oracle_load(void)
{
    struct oracle_arch *a = oracle_archs;
    if (!read_header(&a[ORACLE_X86_64], "/usr/include/x86_64-linux-gnu/asm/unistd_64.h") ||
        !read_header(&a[ORACLE_X86], "/usr/include/x86_64-linux-gnu/asm/unistd_32.h") ||
        !read_header(&a[ORACLE_X32], "/usr/include/x86_64-linux-gnu/asm/unistd_x32.h") ||
        !read_header(&a[ORACLE_AARCH64], "/usr/include/asm-generic/unistd.h"))
        return false;
    read_library(&a[ORACLE_ARM]);
    for (unsigned i = 0; i < sizeof newer / sizeof newer[0]; i++)
        for (unsigned k = 0; k < ORACLE_ARCHS; k++)
            set_name(&a[k], 451 + i, newer[i]);
    free(a[ORACLE_X32].name[453]); /* map_shadow_stack: not for x32 */
    a[ORACLE_X32].name[453] = NULL;
    set_name(&a[ORACLE_X86_64], 335, "uretprobe");
    set_name(&a[ORACLE_X32], 335, "uretprobe");
    set_name(&a[ORACLE_X86_64], 336, "uprobe");
    set_name(&a[ORACLE_X32], 336, "uprobe");
    return true;
}

void oracle_free(void)
{
    for (unsigned k = 0; k < ORACLE_ARCHS; k++)
        for (unsigned i = 0; i < ORACLE_CALLS; i++) {
            free(oracle_archs[k].name[i]);
            oracle_archs[k].name[i] = NULL;
        }
}

static uint32_t action(const char *word, const struct oci_uint *data)
{
    uint32_t d = data->set ? (uint32_t)data->v : EPERM;
    if (strcmp(word, "SCMP_ACT_KILL_PROCESS") == 0)
        return SECCOMP_RET_KILL_PROCESS;
    if (strcmp(word, "SCMP_ACT_KILL") == 0 || strcmp(word, "SCMP_ACT_KILL_THREAD") == 0)
        return SECCOMP_RET_KILL_THREAD;
    if (strcmp(word, "SCMP_ACT_TRAP") == 0)
        return SECCOMP_RET_TRAP;
    if (strcmp(word, "SCMP_ACT_ERRNO") == 0)
        return SECCOMP_RET_ERRNO | d;
    if (strcmp(word, "SCMP_ACT_NOTIFY") == 0)
        return SECCOMP_RET_USER_NOTIF;
    if (strcmp(word, "SCMP_ACT_TRACE") == 0)
        return SECCOMP_RET_TRACE | d;
    if (strcmp(word, "SCMP_ACT_LOG") == 0)
        return SECCOMP_RET_LOG;
    if (strcmp(word, "SCMP_ACT_ALLOW") == 0)
        return SECCOMP_RET_ALLOW;
    abort();
}

static bool names(const struct oci_seccomp_rule *r, const char *name)
{
    for (size_t i = 0; i < r->names.n; i++)
        if (strcmp(r->names.v[i], name) == 0)
            return true;
    return false;
}

static bool arg_holds(const struct oci_seccomp_arg *arg, uint64_t v)
{
    const char *op = arg->op + strlen("SCMP_CMP_");
    if (strcmp(op, "NE") == 0)
        return v != arg->value;
    if (strcmp(op, "EQ") == 0)
        return v == arg->value;
    if (strcmp(op, "LT") == 0)
        return v < arg->value;
    if (strcmp(op, "LE") == 0)
        return v <= arg->value;
    if (strcmp(op, "GT") == 0)
        return v > arg->value;
    if (strcmp(op, "GE") == 0)
        return v >= arg->value;
    if (strcmp(op, "MASKED_EQ") == 0)
        return (v & arg->value) == arg->value_two.v;
    abort();
}

/* All conditions; or any, where two of them are about one argument (runc's reading of such rules). */
static bool rule_holds(const struct oci_seccomp_rule *r, const uint64_t *args)
{
    unsigned holding = 0;
    bool twice = false;
    for (size_t i = 0; i < r->args.n; i++) {
        holding += arg_holds(&r->args.v[i], args[r->args.v[i].index]);
        for (size_t k = 0; k < i; k++)
            twice |= r->args.v[k].index == r->args.v[i].index;
    }
    return twice ? holding > 0 : holding == r->args.n;
}

static uint32_t by_rules(const struct oci_seccomp *s, const char *name, const uint64_t *args)
{
    uint32_t otherwise = action(s->default_action, &s->default_errno_ret);
    for (size_t i = 0; i < s->syscalls.n; i++) {
        const struct oci_seccomp_rule *r = &s->syscalls.v[i];
        uint32_t a = action(r->action, &r->errno_ret);
        if (a != otherwise && names(r, name) && rule_holds(r, args))
            return a;
    }
    return otherwise;
}

/* seccomp(2): kill process, kill thread, trap, errno, notify, trace, log, allow. */
static int leniency(uint32_t verdict)
{
    static const uint32_t order[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
                                     SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE, SECCOMP_RET_LOG,
                                     SECCOMP_RET_ALLOW};
    for (int i = 0; i < 8; i++)
        if ((verdict & SECCOMP_RET_ACTION_FULL) == order[i])
            return i;
    abort();
}

static bool can_hold(const struct oci_seccomp_rule *r, bool narrow)
{
    uint64_t top = narrow ? UINT32_MAX : UINT64_MAX;
    bool twice = false;
    unsigned possible = 0;
    for (size_t i = 0; i < r->args.n; i++) {
        const struct oci_seccomp_arg *arg = &r->args.v[i];
        const char *op = arg->op + strlen("SCMP_CMP_");
        bool can = true;
        if (strcmp(op, "EQ") == 0 || strcmp(op, "GE") == 0)
            can = arg->value <= top;
        else if (strcmp(op, "GT") == 0)
            can = arg->value < top;
        else if (strcmp(op, "LT") == 0)
            can = arg->value > 0;
        else if (strcmp(op, "MASKED_EQ") == 0)
            can = (arg->value_two.v & ~(arg->value & top)) == 0;
        possible += can;
        for (size_t k = 0; k < i; k++)
            twice |= r->args.v[k].index == arg->index;
    }
    return twice ? possible > 0 : possible == r->args.n;
}

static bool always_holds(const struct oci_seccomp_rule *r, bool narrow)
{
    uint64_t top = narrow ? UINT32_MAX : UINT64_MAX;
    bool twice = false;
    unsigned always = 0;
    for (size_t i = 0; i < r->args.n; i++) {
        const struct oci_seccomp_arg *arg = &r->args.v[i];
        const char *op = arg->op + strlen("SCMP_CMP_");
        always += (strcmp(op, "NE") == 0 && arg->value > top) || (strcmp(op, "LT") == 0 && arg->value > top) ||
                  (strcmp(op, "LE") == 0 && arg->value >= top) || (strcmp(op, "GE") == 0 && arg->value == 0) ||
                  (strcmp(op, "MASKED_EQ") == 0 && (arg->value & top) == 0 && arg->value_two.v == 0);
        for (size_t k = 0; k < i; k++)
            twice |= r->args.v[k].index == arg->index;
    }
    return twice ? always > 0 : always == r->args.n;
}

/* The strictest verdict that some arguments of the call could get. */
static uint32_t strictest(const struct oci_seccomp *s, const char *name, bool narrow)
{
    uint32_t otherwise = action(s->default_action, &s->default_errno_ret), worst = SECCOMP_RET_ALLOW, last = 0;
    bool any = false, all = false;
    for (size_t i = 0; i < s->syscalls.n && !all; i++) {
        const struct oci_seccomp_rule *r = &s->syscalls.v[i];
        uint32_t a = action(r->action, &r->errno_ret);
        if (a == otherwise || !names(r, name) || !can_hold(r, narrow))
            continue;
        if (!any || leniency(a) < leniency(worst))
            worst = a;
        any = true;
        last = a;
        all = always_holds(r, narrow);
    }
    if (!any || (!all && leniency(otherwise) < leniency(worst)))
        return otherwise;
    /* Of several refusals of one kind, the errno is the one of the call with no particular arguments. */
    if (!all && leniency(otherwise) == leniency(worst))
        return otherwise;
    return all && leniency(last) == leniency(worst) ? last : worst;
}

static const char *const socketcalls[] = {
    NULL, "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair", "send", "recv",
    "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg",
    "sendmmsg",
};
static const char *const ipcs[] = {
    NULL, "semop", "semget", "semctl", "semtimedop", NULL, NULL, NULL, NULL, NULL, NULL, "msgsnd", "msgrcv", "msgget",
    "msgctl", NULL, NULL, NULL, NULL, NULL, NULL, "shmat", "shmdt", "shmget", "shmctl",
};

static uint32_t multiplexed(const struct oci_seccomp *s, const char *name, uint32_t op, bool narrow)
{
    const char *call = NULL;
    if (strcmp(name, "socketcall") == 0)
        call = op <= 20 ? socketcalls[op] : NULL;
    else
        call = op <= 24 ? ipcs[op] : NULL;
    const struct oci_seccomp_rule *own = NULL;
    /* An operation that does not exist is like any other that does not. */
    uint64_t args[6] = {call != NULL ? op : strcmp(name, "ipc") == 0 ? 0xffff : UINT32_MAX};
    /* A rule that compares the operation goes before one that does not. */
    for (int without = 0; without < 2; without++)
        for (size_t i = 0; i < s->syscalls.n && own == NULL; i++)
            if ((s->syscalls.v[i].args.n == 0) == without && names(&s->syscalls.v[i], name) &&
                rule_holds(&s->syscalls.v[i], args))
                own = &s->syscalls.v[i];
    uint32_t explicit = own != NULL ? action(own->action, &own->errno_ret) : 0;
    if (call == NULL)
        return own != NULL ? explicit : action(s->default_action, &s->default_errno_ret);
    if (own != NULL && own->args.n > 0)
        return explicit;
    uint32_t meant = strictest(s, call, narrow);
    return own != NULL && leniency(explicit) <= leniency(meant) ? explicit : meant;
}

static bool named_at_all(const struct oci_seccomp *s, const char *name)
{
    for (size_t i = 0; i < s->syscalls.n; i++)
        if (names(&s->syscalls.v[i], name))
            return true;
    return false;
}

/* A multiplexer counts as named where a call that it carries is. */
static bool carries_named(const struct oci_seccomp *s, const struct oracle_arch *arch, int number)
{
    bool named = false;
    for (unsigned i = 1; i <= 20 && number == arch->socketcall; i++)
        named = named || named_at_all(s, socketcalls[i]);
    for (unsigned i = 1; i <= 24 && number == arch->ipc; i++)
        named = named || (ipcs[i] != NULL && named_at_all(s, ipcs[i]));
    return named;
}

static uint32_t largest(const struct oci_seccomp *s, const struct oracle_arch *arch)
{
    for (unsigned n = ORACLE_CALLS; n-- > 0;)
        if (arch->name[n] != NULL && (named_at_all(s, arch->name[n]) || carries_named(s, arch, (int)n)))
            return n;
    return 0;
}

void oracle_init(struct oracle *o, const struct oci_seccomp *section, unsigned covered)
{
    o->section = section;
    o->covered = covered;
    for (unsigned k = 0; k < ORACLE_ARCHS; k++)
        o->last[k] = largest(section, &oracle_archs[k]);
}

uint32_t oracle_verdict(const struct oracle *o, const struct seccomp_data *data)
{
    const struct oci_seccomp *s = o->section;
    uint32_t otherwise = action(s->default_action, &s->default_errno_ret);
    uint32_t nr = (uint32_t)data->nr;
    const struct oracle_arch *arch = NULL;
    for (unsigned k = 0; k < ORACLE_ARCHS; k++)
        if ((o->covered >> k & 1U) != 0 && oracle_archs[k].audit_arch == data->arch &&
            (data->arch != AUDIT_ARCH_X86_64 || (nr >= 0x40000000) == (oracle_archs[k].base != 0)))
            arch = &oracle_archs[k];
    /* -1 is how a tracer skips a call, and must be left to the default where x32 calls are killed. */
    bool skipped = nr == UINT32_MAX && data->arch == AUDIT_ARCH_X86_64 && (o->covered & 1U << ORACLE_X86_64) != 0;
    if (arch == NULL)
        return skipped ? otherwise : SECCOMP_RET_KILL_PROCESS;
    uint32_t number = nr - arch->base;
    int kind = leniency(otherwise);
    bool enosys = kind < leniency(SECCOMP_RET_TRACE) && otherwise != (SECCOMP_RET_ERRNO | ENOSYS);
    uint32_t last = o->last[arch - oracle_archs];
    static const char *const arm_private[] = {"breakpoint", "cacheflush", "usr26", "usr32", "set_tls", "get_tls"};
    uint64_t args[6];
    for (int i = 0; i < 6; i++)
        args[i] = arch->narrow ? (uint32_t)data->args[i] : data->args[i];
    if (arch->audit_arch == AUDIT_ARCH_ARM && number >= 0xf0000)
        return number >= 0xf0001 && number <= 0xf0006 ? by_rules(s, arm_private[number - 0xf0001], args) : otherwise;
    if (enosys && last != 0 && number > last)
        return SECCOMP_RET_ERRNO | ENOSYS;
    const char *name = number < ORACLE_CALLS ? arch->name[number] : NULL;
    if (name == NULL)
        return otherwise;
    if ((int)number == arch->socketcall)
        return multiplexed(s, name, (uint32_t)data->args[0], arch->narrow);
    if ((int)number == arch->ipc)
        return multiplexed(s, name, (uint32_t)data->args[0] & 0xffff, arch->narrow);
    return by_rules(s, name, args);
}

unsigned oracle_operands(const struct oci_seccomp *s, const char *name, unsigned index, uint64_t *ret, unsigned max)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->syscalls.n; i++)
        for (size_t k = 0; names(&s->syscalls.v[i], name) && k < s->syscalls.v[i].args.n; k++)
            if (s->syscalls.v[i].args.v[k].index == index && n + 2 <= max) {
                ret[n++] = s->syscalls.v[i].args.v[k].value;
                if (s->syscalls.v[i].args.v[k].value_two.v != 0)
                    ret[n++] = s->syscalls.v[i].args.v[k].value_two.v;
            }
    return n;
}
