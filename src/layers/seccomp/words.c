/* SPDX-License-Identifier: Apache-2.0 */
/* The words of runtime-spec's seccomp section, and what they are to libseccomp and the kernel. */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "layers/seccomp/rules.h"
#include "layers/seccomp/seccomp.h"
#include "layers/seccomp/words.h"
#include "sys/calls.h"

static const char *const action_words[] = {
    "SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",   "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW",        "SCMP_ACT_LOG",         "SCMP_ACT_NOTIFY", NULL,
};
static const uint32_t action_values[] = {
    SCMP_ACT_KILL_THREAD, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP,   SCMP_ACT_ERRNO(0),
    SCMP_ACT_TRACE(0),    SCMP_ACT_ALLOW,        SCMP_ACT_LOG,         SCMP_ACT_NOTIFY,
};
_Static_assert(ARRAY_LEN(action_words) == ARRAY_LEN(action_values) + 1, "a value for every action");

static const char *const operator_words[] = {
    "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",        "SCMP_CMP_EQ",
    "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL,
};
static const int operator_values[] = {
    SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ,
};
_Static_assert(ARRAY_LEN(operator_words) == ARRAY_LEN(operator_values) + 1, "a value for every operator");

/* Words, libseccomp's tokens, and `uname -m` where a machine of that architecture has one name. */
static const char *const arch_words[] = {
    "SCMP_ARCH_X86",       "SCMP_ARCH_X86_64",      "SCMP_ARCH_X32",      "SCMP_ARCH_ARM",         "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_MIPS",      "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",     "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",       "SCMP_ARCH_PPC64",    "SCMP_ARCH_PPC64LE",     "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",     "SCMP_ARCH_PARISC",      "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",     NULL,
};
static const struct {
    uint32_t token;
    const char *name;
    bool is64;
} archs[] = {
    {SCMP_ARCH_X86, "x86", false},
    {SCMP_ARCH_X86_64, "x86_64", true},
    {SCMP_ARCH_X32, "x32", false},
    {SCMP_ARCH_ARM, "arm", false},
    {SCMP_ARCH_AARCH64, "aarch64", true},
    {SCMP_ARCH_MIPS, "mips", false},
    {SCMP_ARCH_MIPS64, "mips64", true},
    {SCMP_ARCH_MIPS64N32, "mips64n32", false},
    {SCMP_ARCH_MIPSEL, "mipsel", false},
    {SCMP_ARCH_MIPSEL64, "mipsel64", true},
    {SCMP_ARCH_MIPSEL64N32, "mipsel64n32", false},
    {SCMP_ARCH_PPC, "ppc", false},
    {SCMP_ARCH_PPC64, "ppc64", true},
    {SCMP_ARCH_PPC64LE, "ppc64le", true},
    {SCMP_ARCH_S390, "s390", false},
    {SCMP_ARCH_S390X, "s390x", true},
    {SCMP_ARCH_PARISC, "parisc", false},
    {SCMP_ARCH_PARISC64, "parisc64", true},
    {SCMP_ARCH_RISCV64, "riscv64", true},
};
_Static_assert(ARRAY_LEN(arch_words) == ARRAY_LEN(archs) + 1, "a token for every architecture");

static const char *const flag_words[] = {
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    NULL,
};
static const unsigned flag_values[] = {
    SECCOMP_FILTER_FLAG_TSYNC,
    SECCOMP_FILTER_FLAG_LOG,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};
_Static_assert(ARRAY_LEN(flag_words) == ARRAY_LEN(flag_values) + 1, "a value for every flag");

static int find(const char *const *words, const char *word)
{
    for (int i = 0; words[i] != NULL; i++)
        if (str_eq(words[i], word))
            return i;
    return -1;
}

const char *const *seccomp_known_actions(void)
{
    return action_words;
}

const char *const *seccomp_known_operators(void)
{
    return operator_words;
}

const char *const *seccomp_known_architectures(void)
{
    return arch_words;
}

const char *const *seccomp_known_flags(void)
{
    return flag_words;
}

int seccomp_flag_parse(const char *word, unsigned *ret)
{
    int i = find(flag_words, word);
    if (i < 0)
        return -EINVAL;
    *ret = flag_values[i];
    return 0;
}

bool seccomp_flag_supported(const char *word)
{
    unsigned flag = 0;
    if (seccomp_flag_parse(word, &flag) < 0)
        return false;
    /* This one is only valid beside a listener (kernel/seccomp.c, seccomp_set_mode_filter). */
    if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
        flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    /* No program: a kernel that knows the flag gets as far as reading it, EFAULT; another says EINVAL. */
    return sys_seccomp(SECCOMP_SET_MODE_FILTER, flag, NULL) == -EFAULT;
}

int seccomp_operator_parse(const char *word, int *ret)
{
    int i = find(operator_words, word);
    if (i < 0)
        return -EINVAL;
    *ret = operator_values[i];
    return 0;
}

int seccomp_action_parse(const char *word, const struct oci_uint *errno_ret, const char *path, const char *member,
                         uint32_t *ret, struct err *err)
{
    int i = word != NULL ? find(action_words, word) : -1;
    if (i < 0)
        return err_set(err, -EINVAL, LAYER_SECCOMP, "%s: \"%s\" is no action of runtime-spec (SCMP_ACT_ALLOW, ...)",
                       path, word != NULL ? word : "");
    uint32_t action = action_values[i];
    /* runtime-spec, config-linux.md: an errno beside an action that has none is an error. */
    if (action != SCMP_ACT_ERRNO(0) && action != SCMP_ACT_TRACE(0)) {
        if (errno_ret->set)
            return err_set(err, -EINVAL, LAYER_SECCOMP, "%s: %s takes no %s: remove it", path, word, member);
        *ret = action;
        return 0;
    }
    uint64_t data = errno_ret->set ? errno_ret->v : EPERM;
    /* The kernel hands at most MAX_ERRNO to the caller; a tracer sees 16 bits. */
    uint64_t max = action == SCMP_ACT_ERRNO(0) ? 4095 : 0xffff;
    if (data > max)
        return err_set(err, -ERANGE, LAYER_SECCOMP, "%s: %s %llu is more than %s takes (%llu)", path, member,
                       (unsigned long long)data, word, (unsigned long long)max);
    *ret = action | (uint32_t)data;
    return 0;
}

uint32_t seccomp_arch_of_word(const char *word)
{
    int i = find(arch_words, word);
    return i < 0 ? 0 : archs[i].token;
}

bool seccomp_arch_is_word(const char *word)
{
    static const char *const newer[] = {"SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
                                        NULL};
    return find(arch_words, word) >= 0 || find(newer, word) >= 0;
}

uint32_t seccomp_arch_of_machine(const char *machine)
{
    if (strlen(machine) == 4 && machine[0] == 'i' && str_eq(machine + 2, "86"))
        return SCMP_ARCH_X86;
    if (str_starts(machine, "arm"))
        return SCMP_ARCH_ARM;
    /* "mips" and "mips64" are either byte order's; the one this was built for is the one it runs on. */
    if (str_starts(machine, "mips"))
        return seccomp_arch_native();
    for (size_t i = 0; i < ARRAY_LEN(archs); i++)
        if (str_eq(archs[i].name, machine))
            return archs[i].token;
    return 0;
}

const char *seccomp_arch_name(uint32_t arch)
{
    for (size_t i = 0; i < ARRAY_LEN(archs); i++)
        if (archs[i].token == arch)
            return archs[i].name;
    return "?";
}

bool seccomp_arch_is_64(uint32_t arch)
{
    for (size_t i = 0; i < ARRAY_LEN(archs); i++)
        if (archs[i].token == arch)
            return archs[i].is64;
    return true;
}
