/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mandatory access control: labels of the kernel's security modules, which the host's administrator configures, and
 * Landlock, which needs no configuration.
 *
 * child-early  A private procfs where a label is to be written: in a user namespace it can only be mounted while the
 *              host's /proc is visible.
 * child-late   The labels for the next exec first, then Landlock, which from then on denies writing them. Should:
 *              write labels through the private procfs only. In the container's own /proc the file may be another one
 *              that takes the write and does nothing (CVE-2019-16884, CVE-2025-52881).
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/mac/mac.h"
#include "layers/mac/parts.h"

struct op *mac_add(struct plan *plan, enum step step, enum mac_kind kind, const char *name, const char *target,
                   const char *value, uint64_t number)
{
    return plan_add(plan, &(struct op){.layer = LAYER_MAC,
                                       .step = step,
                                       .kind = kind,
                                       .name = name,
                                       .target = target,
                                       .value = value,
                                       .number = number,
                                       .slot = -1});
}

static bool asked(const char *label)
{
    return label != NULL && label[0] != '\0';
}

static int plan_labels(const struct oci_process *process, const struct host *host, struct plan *plan, struct err *err)
{
    const char *profile = process->apparmor_profile, *label = process->selinux_label;
    bool apparmor = asked(profile) && (host->apparmor || !str_eq(profile, "unconfined"));
    if (apparmor && !host->apparmor)
        return err_set(err, -ENOTSUP, LAYER_MAC,
                       "process.apparmorProfile: %s: this host has no AppArmor: leave it out, or name \"unconfined\"",
                       profile);
    if (asked(label) && !host->selinux)
        return err_set(err, -ENOTSUP, LAYER_MAC, "process.selinuxLabel: %s: this host has no SELinux: leave it out",
                       label);
    if (apparmor || asked(label))
        mac_add(plan, STEP_CHILD_EARLY, MAC_PROCFS, "open", "private procfs", NULL, 0);
    if (apparmor) {
        struct op *op = mac_add(plan, STEP_CHILD_LATE, MAC_APPARMOR, "label", "apparmor", profile, 0);
        if (op != NULL)
            op->args = arena_printf(plan->arena, "exec %s", profile);
    }
    if (asked(label)) {
        struct op *op = mac_add(plan, STEP_CHILD_LATE, MAC_SELINUX, "label", "selinux", label, 0);
        if (op != NULL)
            op->args = label;
    }
    return 0;
}

static int mac_plan(const struct oci_config *config, const struct host *host, const char *id UNUSED,
                    const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    int r = config->process == NULL ? 0 : plan_labels(config->process, host, plan, err);
    return r < 0 ? r : mac_landlock_plan(config, host, true, plan, err);
}

static int child_early(struct apply *ap, struct err *err)
{
    if (ap->plan->first[LAYER_MAC][STEP_CHILD_EARLY] == NULL)
        return 0;
    int fd = apply_procfs(ap, err);
    return fd < 0 ? fd : 0;
}

/* One write: the kernel takes a label in one piece. */
static int write_attribute(int proc, const char *path, const char *text)
{
    CLEANUP_FD int fd = openat(proc, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return -errno;
    if (fs.f_type != PROC_SUPER_MAGIC)
        return -EXDEV;
    size_t n = strlen(text);
    ssize_t w = write(fd, text, n);
    if (w < 0)
        return -errno;
    return (size_t)w == n ? 0 : -EIO;
}

static int write_label(struct apply *ap, const struct op *op, struct err *err)
{
    int proc = apply_procfs(ap, err);
    if (proc < 0)
        return proc;
    int r = -ENOENT;
    bool apparmor = op->kind == MAC_APPARMOR;
    if (apparmor) /* a directory of its own since Linux 5.8, for modules can be stacked */
        r = write_attribute(proc, "thread-self/attr/apparmor/exec", op->args);
    bool old = r == -ENOENT && (!apparmor || faccessat(proc, "thread-self/attr/apparmor/exec", F_OK, 0) < 0);
    if (old)
        r = write_attribute(proc, "thread-self/attr/exec", op->args);
    if (r == 0)
        return 0;
    if (r == -ENOENT && apparmor)
        return err_set(err, r, LAYER_MAC, "AppArmor profile %s is not loaded (apparmor_parser -r FILE loads one)",
                       op->value);
    return err_set_errno(err, r, LAYER_MAC, "%s %s: cannot be set for the container's program",
                         apparmor ? "AppArmor profile" : "SELinux label", op->value);
}

static int carry_out(struct apply *ap, const struct op *op, struct mac_landlock *state, struct err *err)
{
    switch ((enum mac_kind)op->kind) {
    case MAC_APPARMOR:
    case MAC_SELINUX:
        return write_label(ap, op, err);
    case MAC_NO_NEW_PRIVS:
        if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
            return err_set_errno(err, -errno, LAYER_MAC, "no_new_privs");
        return 0;
    case MAC_LANDLOCK_RULES:
    case MAC_LANDLOCK_ALLOW:
    case MAC_LANDLOCK_STDIO:
    case MAC_LANDLOCK_ENTER:
        return mac_landlock_apply(op, state, err);
    case MAC_PROCFS:
    case MAC_LANDLOCK_LEFT_OUT:
        return 0;
    }
    return 0;
}

static int child_late(struct apply *ap, struct err *err)
{
    CLEANUP(mac_landlock_close) struct mac_landlock state = {.ruleset = -EBADF, .root = -EBADF};
    plan_each(op, ap->plan, LAYER_MAC, STEP_CHILD_LATE) {
        int r = carry_out(ap, op, &state, err);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct layer mac_layer = {
    .id = LAYER_MAC,
    .plan = mac_plan,
    .at = {[STEP_CHILD_EARLY] = child_early, [STEP_CHILD_LATE] = child_late},
    .observe = mac_observe,
};
