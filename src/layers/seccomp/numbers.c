/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/seccomp/numbers.h"

#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/str.h"

/*
 * Calls that libseccomp 2.5.4 does not know (Debian 12's build of it knows those before 457). Since Linux 5.1 a new
 * call has one number on every architecture (scripts/syscall.tbl), above a base that some ABIs add. A newer
 * libseccomp knows them itself; then these entries are never reached.
 */
static const struct {
    const char *name;
    int number;
} unified[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469},     {"listns", 470},
    {"rseq_slice_yield", 471},
};

/* Newer calls of single architectures. */
static const struct {
    const char *name;
    uint32_t arch;
    int number;
} single[] = {
    {"uretprobe", SCMP_ARCH_X86_64, 335},
    {"uretprobe", SCMP_ARCH_X32, 335},
    {"uprobe", SCMP_ARCH_X86_64, 336},
    {"uprobe", SCMP_ARCH_X32, 336},
    {"riscv_hwprobe", SCMP_ARCH_RISCV64, 258},
};

int seccomp_number_base(uint32_t arch)
{
    switch (arch) {
    case SCMP_ARCH_X32:
        return (int)X32_BIT;
    case SCMP_ARCH_MIPS:
    case SCMP_ARCH_MIPSEL:
        return 4000;
    case SCMP_ARCH_MIPS64:
    case SCMP_ARCH_MIPSEL64:
        return 5000;
    case SCMP_ARCH_MIPS64N32:
    case SCMP_ARCH_MIPSEL64N32:
        return 6000;
    default:
        return 0;
    }
}

/* map_shadow_stack is kept from x32 (arch/x86/entry/syscalls/syscall_64.tbl). */
static bool exists(uint32_t arch, int number)
{
    return !(arch == SCMP_ARCH_X32 && number == 453);
}

bool seccomp_number_in_library(const char *name)
{
    return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}

/*
 * Calls that socketcall or ipc carries have pseudo numbers in libseccomp (-101 to -120, -201 to -224), also where the
 * kernel got direct ones later: ppc's from 326 on (Linux 2.6.37), the others' to 373 (4.3) and 402 (5.1). Only the
 * way back, from number to name, tells the direct ones.
 */
static int direct_number(uint32_t arch, const char *name)
{
    for (int n = 320; n <= 410; n++) {
        char *is = seccomp_syscall_resolve_num_arch(arch, n);
        bool same = is != NULL && str_eq(is, name);
        free(is);
        if (same)
            return n;
    }
    return NUMBER_ELSEWHERE;
}

int seccomp_number(uint32_t arch, const char *name)
{
    int n = seccomp_syscall_resolve_name_arch(arch, name);
    if (n >= 0)
        return n;
    if (n <= -100 && n > -300)
        return direct_number(arch, name);
    if (n != __NR_SCMP_ERROR)
        return NUMBER_ELSEWHERE;
    for (size_t i = 0; i < ARRAY_LEN(unified); i++)
        if (str_eq(unified[i].name, name))
            return exists(arch, unified[i].number) ? seccomp_number_base(arch) + unified[i].number : NUMBER_ELSEWHERE;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(single); i++) {
        if (!str_eq(single[i].name, name))
            continue;
        if (single[i].arch == arch)
            return seccomp_number_base(arch) + single[i].number;
        known = true;
    }
    return known ? NUMBER_ELSEWHERE : NUMBER_UNKNOWN;
}

const char *seccomp_number_newer(uint32_t arch, int number)
{
    number -= seccomp_number_base(arch);
    for (size_t i = 0; i < ARRAY_LEN(single); i++)
        if (single[i].arch == arch && single[i].number == number)
            return single[i].name;
    for (size_t i = 0; i < ARRAY_LEN(unified); i++)
        if (unified[i].number == number && exists(arch, number))
            return unified[i].name;
    return NULL;
}
