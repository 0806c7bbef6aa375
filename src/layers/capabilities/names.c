/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"

/* By number (include/uapi/linux/capability.h). Linux has added none since 5.9. */
static const char *const names[] = {
    [CAP_CHOWN] = "CAP_CHOWN",
    [CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
    [CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
    [CAP_FOWNER] = "CAP_FOWNER",
    [CAP_FSETID] = "CAP_FSETID",
    [CAP_KILL] = "CAP_KILL",
    [CAP_SETGID] = "CAP_SETGID",
    [CAP_SETUID] = "CAP_SETUID",
    [CAP_SETPCAP] = "CAP_SETPCAP",
    [CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
    [CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
    [CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
    [CAP_NET_ADMIN] = "CAP_NET_ADMIN",
    [CAP_NET_RAW] = "CAP_NET_RAW",
    [CAP_IPC_LOCK] = "CAP_IPC_LOCK",
    [CAP_IPC_OWNER] = "CAP_IPC_OWNER",
    [CAP_SYS_MODULE] = "CAP_SYS_MODULE",
    [CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
    [CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
    [CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
    [CAP_SYS_PACCT] = "CAP_SYS_PACCT",
    [CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
    [CAP_SYS_BOOT] = "CAP_SYS_BOOT",
    [CAP_SYS_NICE] = "CAP_SYS_NICE",
    [CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
    [CAP_SYS_TIME] = "CAP_SYS_TIME",
    [CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
    [CAP_MKNOD] = "CAP_MKNOD",
    [CAP_LEASE] = "CAP_LEASE",
    [CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
    [CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
    [CAP_SETFCAP] = "CAP_SETFCAP",
    [CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
    [CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
    [CAP_SYSLOG] = "CAP_SYSLOG",
    [CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
    [CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
    [CAP_AUDIT_READ] = "CAP_AUDIT_READ",
    [CAP_PERFMON] = "CAP_PERFMON",
    [CAP_BPF] = "CAP_BPF",
    [CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};
static_assert(ARRAY_LEN(names) == CAP_LAST_CAP + 1, "the headers know a capability that has no name here");
static_assert(CAP_LAST_CAP < 64, "a set is one 64-bit word");

int capability_from_name(const char *name)
{
    if (strncasecmp(name, "CAP_", 4) == 0)
        name += 4;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(names[i] + 4, name) == 0)
            return (int)i;
    return -EINVAL;
}

const char *capability_name(unsigned number)
{
    return number < ARRAY_LEN(names) ? names[number] : NULL;
}

uint64_t capability_all(const struct host *host)
{
    return host->last_capability >= 63 ? UINT64_MAX : CAPABILITY_BIT(host->last_capability + 1) - 1;
}

uint64_t capability_grantable(const struct host *host, bool own_userns)
{
    return own_userns ? capability_all(host) : host->capabilities & capability_all(host);
}

int capability_names(struct arena *a, uint64_t set, struct oci_strs *ret)
{
    size_t n = (size_t)__builtin_popcountll(set);
    char **v = arena_calloc(a, n + 1, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    size_t i = 0;
    for (unsigned number = 0; number < 64; number++) {
        if ((set & CAPABILITY_BIT(number)) == 0)
            continue;
        const char *name = capability_name(number);
        v[i] = name != NULL ? arena_strdup(a, name) : arena_printf(a, "CAP_%u", number);
        if (v[i++] == NULL)
            return -ENOMEM;
    }
    *ret = (struct oci_strs){.v = v, .n = n, .set = true};
    return 0;
}

char *capability_list(struct arena *a, uint64_t set)
{
    if (set == 0)
        return arena_strdup(a, "none");
    /* By hand: this is part of every start, and five lists by printf() took longer than all else that is planned. */
    char list[64 * (sizeof "CAP_CHECKPOINT_RESTORE" + 1)];
    size_t len = 0;
    for (; set != 0; set &= set - 1) {
        unsigned number = (unsigned)__builtin_ctzll(set);
        char unnamed[sizeof "CAP_63"];
        const char *name = capability_name(number);
        if (name == NULL) {
            snprintf(unnamed, sizeof unnamed, "CAP_%u", number & 63);
            name = unnamed;
        }
        size_t n = strlen(name);
        if (len + n + 1 > sizeof list)
            return NULL;
        if (len > 0)
            list[len++] = ',';
        memcpy(list + len, name, n);
        len += n;
    }
    return arena_strndup(a, list, len);
}

int capability_set(const struct oci_strs *list, uint64_t *ret, const char **ret_bad)
{
    uint64_t set = 0;
    for (size_t i = 0; i < list->n; i++) {
        int number = capability_from_name(list->v[i]);
        if (number < 0) {
            *ret_bad = list->v[i];
            return number;
        }
        set |= CAPABILITY_BIT(number);
    }
    *ret = set;
    return 0;
}
