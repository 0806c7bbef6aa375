/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mandatory access control: labels of the kernel's security modules, which the host's administrator configures, and
 * Landlock, which needs no configuration.
 *
 * child-early  The labels, while the host's /proc is there to be written to. They count from the next exec on, which is
 *              the container's program. In the container's own /proc the file may be another one that takes the write
 *              and does nothing (CVE-2019-16884, CVE-2025-52881).
 * child-late   Landlock. From then on labels could not be written any more.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
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
    if (apparmor) {
        struct op *op = mac_add(plan, STEP_CHILD_EARLY, MAC_APPARMOR, "label", "apparmor", profile, 0);
        if (op != NULL)
            op->args = arena_printf(plan->arena, "exec %s", profile);
    }
    if (asked(label)) {
        struct op *op = mac_add(plan, STEP_CHILD_EARLY, MAC_SELINUX, "label", "selinux", label, 0);
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

/* The file that the label of the next exec is written to. AppArmor's has a directory of its own since Linux 5.8. */
static int open_attribute(int proc, bool apparmor)
{
    int fd = -1;
    if (apparmor)
        fd = openat(proc, "thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fd = openat(proc, "thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* One write: the kernel takes a label in one piece. */
static int write_once(int fd, const char *text)
{
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

static int write_label(int proc, const struct op *op, struct err *err)
{
    bool apparmor = op->kind == MAC_APPARMOR;
    const char *what = apparmor ? "process.apparmorProfile" : "process.selinuxLabel";
    CLEANUP_FD int fd = open_attribute(proc, apparmor);
    if (fd < 0)
        return err_set_errno(err, fd, LAYER_MAC, "%s: %s: open /proc/thread-self/attr/exec", what, op->value);
    int r = write_once(fd, op->args);
    if (r == -ENOENT && apparmor)
        return err_set(err, r, LAYER_MAC,
                       "%s: AppArmor profile %s is not loaded (apparmor_parser -r FILE loads one)", what, op->value);
    if (r == -EINVAL)
        return err_set(err, r, LAYER_MAC, "%s: %s: the host's policy does not know it", what, op->value);
    return r == 0 ? 0 : err_set_errno(err, r, LAYER_MAC, "%s: %s: cannot be set", what, op->value);
}

static int child_early(struct apply *ap, struct err *err)
{
    CLEANUP_FD int proc = -EBADF;
    plan_each(op, ap->plan, LAYER_MAC, STEP_CHILD_EARLY) {
        if (proc < 0 && (proc = apply_procfs_early(ap, err)) < 0)
            return proc;
        int r = write_label(proc, op, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int child_late(struct apply *ap, struct err *err)
{
    CLEANUP(mac_landlock_close) struct mac_landlock state = {.ruleset = -EBADF, .root = -EBADF};
    plan_each(op, ap->plan, LAYER_MAC, STEP_CHILD_LATE) {
        int r = mac_landlock_apply(op, &state, err);
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
