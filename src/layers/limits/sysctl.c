/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.sysctl: kernel settings that belong to a namespace of the container. A setting that is the host's is refused
 * by name, because writing it would change the host. Written before the child leaves the host's root: which namespace
 * a file of /proc/sys belongs to depends on who opens it, not on where that procfs is mounted, and /proc in the
 * container may be anything (CVE-2025-52881).
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/limits/parts.h"

/* Settings by the namespace that they belong to: exactly this name, or everything below it when it ends in '.'. */
static const struct owned {
    const char *key, *namespace, *proc_name;
} owned[] = {
    {"kernel.msgmax", "ipc", "ipc"},     {"kernel.msgmnb", "ipc", "ipc"},     {"kernel.msgmni", "ipc", "ipc"},
    {"kernel.sem", "ipc", "ipc"},        {"kernel.shmall", "ipc", "ipc"},     {"kernel.shmmax", "ipc", "ipc"},
    {"kernel.shmmni", "ipc", "ipc"},     {"kernel.shm_rmid_forced", "ipc", "ipc"},
    {"fs.mqueue.", "ipc", "ipc"},        {"kernel.domainname", "uts", "uts"}, {"kernel.hostname", "uts", "uts"},
    {"net.", "network", "net"},
};

/*
 * sysctl(8) takes '.' or '/' as the separator, whichever comes first; the other one is then part of a name
 * ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"). Here: separator '.'.
 */
static char *with_dots(struct arena *a, const char *key)
{
    char *s = arena_strdup(a, key);
    if (s == NULL || s[strcspn(s, "./")] != '/')
        return s;
    for (char *p = s; *p != '\0'; p++)
        *p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
    return s;
}

/* The file below /proc of a key with dots. Names are checked to be names: no "..", none empty. NULL: not a key. */
static char *file_of(struct arena *a, const char *dotted)
{
    char *path = arena_printf(a, "sys/%s", dotted);
    if (path == NULL)
        return NULL;
    for (char *p = path + strlen("sys/"); *p != '\0'; p++)
        *p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
    for (const char *name = path; name != NULL; name = strchr(name, '/')) {
        name += *name == '/';
        size_t n = strcspn(name, "/");
        if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
            return NULL;
    }
    return path;
}

static const struct owned *owner_of(const char *dotted)
{
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        size_t n = strlen(owned[i].key);
        if (owned[i].key[n - 1] == '.' ? str_starts(dotted, owned[i].key) : str_eq(dotted, owned[i].key))
            return &owned[i];
    }
    return NULL;
}

static bool conflicts(const struct oci_config *config, const char *dotted)
{
    return (str_eq(dotted, "kernel.hostname") && config->hostname != NULL) ||
           (str_eq(dotted, "kernel.domainname") && config->domainname != NULL);
}

static int plan_sysctl(const struct oci_config *config, const struct oci_pair *pair, uint32_t *checked,
                       struct plan *plan, struct err *err)
{
    const char *key = with_dots(plan->arena, pair->key);
    if (key == NULL)
        return err_set(err, -ENOMEM, LAYER_LIMITS, "out of memory");
    const char *file = file_of(plan->arena, key);
    if (file == NULL)
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.sysctl: \"%s\" is not the name of a setting", pair->key);
    const struct owned *owner = owner_of(key);
    if (owner == NULL)
        return err_set(err, -EINVAL, LAYER_LIMITS,
                       "linux.sysctl: %s belongs to no namespace: it would change the host", pair->key);
    const struct oci_namespace *ns = oci_namespace_find(config, owner->namespace);
    if (ns == NULL)
        return err_set(err, -EINVAL, LAYER_LIMITS,
                       "linux.sysctl: %s: the container shares the host's %s namespace: it would change the host",
                       pair->key, owner->namespace);
    if (conflicts(config, key))
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.sysctl: %s: the document's member %s sets this already",
                       pair->key, strrchr(key, '.') + 1);
    size_t which = (size_t)(owner - owned);
    if (ns->path != NULL && (*checked & 1U << which) == 0) {
        *checked |= 1U << which;
        struct op *op = limits_add(plan, STEP_HOST_BEFORE_CLONE, LIMITS_OWN_NAMESPACE, "check", owner->namespace,
                                   ns->path);
        if (op != NULL)
            op->args = owner;
    }
    struct op *op = limits_add(plan, STEP_CHILD_EARLY, LIMITS_SYSCTL, "sysctl", key, pair->value);
    if (op != NULL)
        op->args = file;
    return 0;
}

int limits_plan_sysctls(const struct oci_config *config, struct plan *plan, struct err *err)
{
    if (config->linux == NULL || config->linux->sysctl.n == 0)
        return 0;
    uint32_t checked = 0;
    static_assert(ARRAY_LEN(owned) <= 32, "one bit each");
    for (size_t i = 0; i < config->linux->sysctl.n; i++) {
        int r = plan_sysctl(config, &config->linux->sysctl.v[i], &checked, plan, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int limits_check_namespace(const struct op *op, struct err *err)
{
    const struct owned *owner = op->args;
    char path[32];
    struct stat own, joined;
    snprintf(path, sizeof path, "/proc/self/ns/%s", owner->proc_name);
    if (stat(path, &own) < 0)
        return err_set_errno(err, -errno, LAYER_LIMITS, "%s", path);
    if (stat(op->value, &joined) < 0)
        return err_set_errno(err, -errno, LAYER_LIMITS, "%s namespace %s", op->target, op->value);
    if (own.st_dev == joined.st_dev && own.st_ino == joined.st_ino)
        return err_set(err, -EINVAL, LAYER_LIMITS,
                       "linux.sysctl: %s namespace %s is the host's: its settings would change the host", op->target,
                       op->value);
    return 0;
}

static int write_sysctl(struct apply *ap, int proc, const struct op *op, struct err *err)
{
    int r = file_write(proc, op->args, op->value);
    if (r == -EROFS) {
        /* We run in a container ourselves, whose /proc/sys is read-only. */
        int own = apply_procfs(ap, err);
        if (own < 0)
            return own;
        r = file_write(own, op->args, op->value);
    }
    if (r == -ENOENT)
        return err_set(err, r, LAYER_LIMITS, "linux.sysctl: %s: this kernel has no such setting", op->target);
    if (r == -EINVAL || r == -ERANGE) {
        bool groups = str_eq(op->target, "net.ipv4.ping_group_range") && oci_has_userns(ap->config);
        return err_set(err, r, LAYER_LIMITS, "linux.sysctl: %s: the kernel does not take the value \"%s\"%s",
                       op->target, op->value,
                       groups ? " (groups must be mapped in the container's user namespace)" : "");
    }
    if (r == -EACCES || r == -EPERM)
        return err_set(err, r, LAYER_LIMITS, "linux.sysctl: %s: the kernel does not let this container's root set it",
                       op->target);
    return r == 0 ? 0 : err_set_errno(err, r, LAYER_LIMITS, "linux.sysctl: %s", op->target);
}

int limits_write_sysctls(struct apply *ap, struct err *err)
{
    CLEANUP_FD int proc = -EBADF;
    plan_each(op, ap->plan, LAYER_LIMITS, STEP_CHILD_EARLY) {
        if (proc < 0 && (proc = apply_procfs_early(ap, err)) < 0)
            return proc;
        int r = write_sysctl(ap, proc, op, err);
        if (r < 0)
            return r;
    }
    return 0;
}
