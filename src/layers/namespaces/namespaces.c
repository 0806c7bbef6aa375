/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces, in three ways:
 *   new       one bit in plan->clone_flags each, so that one clone3 makes them all. Two cannot come from there: the
 *             cgroup namespace takes the group that its maker is in as its root, so the cgroup layer unshares it once
 *             the child sits in its group; and a time namespace with offsets must be configured before its first
 *             member enters, so the child unshares it, writes the offsets and enters.
 *   joined    opened and checked by the parent (host-before-clone), entered by the child (child-early). The user and
 *             pid namespaces are different: one must be entered before the others are made, the other only counts for
 *             children. start/ does both on the way to clone3 (plan->join_user, plan->join_pid).
 *   the host's  nothing to do, and explain says what that opens.
 * Host and domain name are set here too, for they are the content of the UTS namespace.
 */
#include "layers/namespaces/namespaces.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/layer.h"
#include "layers/namespaces/observe.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* The order in which a child joins: user first, for it gives the right to join the others. */
const struct namespace_kind namespace_kinds[NAMESPACE_KINDS] = {
    {"user", "user", CLONE_NEWUSER},       {"pid", "pid_for_children", CLONE_NEWPID},
    {"network", "net", CLONE_NEWNET},      {"ipc", "ipc", CLONE_NEWIPC},
    {"uts", "uts", CLONE_NEWUTS},          {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"time", "time", CLONE_NEWTIME},       {"mount", "mnt", CLONE_NEWNS},
};

const struct namespace_kind *namespace_kind_find(const char *type)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (str_eq(namespace_kinds[i].type, type))
            return &namespace_kinds[i];
    return NULL;
}

enum kind { OP_NEW, OP_OPEN, OP_JOIN, OP_OFFSETS, OP_HOSTNAME, OP_DOMAINNAME };

static int refuse_duplicates(const struct oci_config *config, struct err *err)
{
    const struct oci_linux *l = config->linux;
    for (size_t i = 0; i < l->namespaces.n; i++) {
        const char *type = l->namespaces.v[i].type;
        if (namespace_kind_find(type) == NULL)
            return err_set(err, -EINVAL, LAYER_NAMESPACES, "linux.namespaces[%zu].type: Linux has no %s namespace", i,
                           type);
        for (size_t j = 0; j < i; j++)
            if (str_eq(l->namespaces.v[j].type, type))
                return err_set(err, -EINVAL, LAYER_NAMESPACES, "linux.namespaces[%zu]: the %s namespace is given twice",
                               i, type);
    }
    return 0;
}

static void plan_join(struct plan *plan, const struct namespace_kind *kind, const char *path)
{
    int slot = plan_slot(plan);
    plan_add(plan, &(struct op){.layer = LAYER_NAMESPACES,
                                .step = STEP_HOST_BEFORE_CLONE,
                                .kind = OP_OPEN,
                                .name = "open",
                                .target = kind->type,
                                .value = path,
                                .number = kind->flag,
                                .slot = slot});
    if (kind->flag == CLONE_NEWUSER)
        plan->join_user = slot;
    else if (kind->flag == CLONE_NEWPID)
        plan->join_pid = slot;
    else
        plan_add(plan, &(struct op){.layer = LAYER_NAMESPACES,
                                    .step = STEP_CHILD_EARLY,
                                    .kind = OP_JOIN,
                                    .name = "join",
                                    .target = kind->type,
                                    .value = path,
                                    .number = kind->flag,
                                    .slot = slot});
}

static void add_offset(struct buf *lines, const char *clock, const struct oci_time_offset *offset)
{
    if (offset != NULL)
        buf_printf(lines, "%s %" PRId64 " %" PRIu64 "\n", clock, offset->secs.v, offset->nanosecs.v);
}

static int plan_time(const struct oci_config *config, struct plan *plan, struct err *err)
{
    const struct oci_time_offsets *offsets = config->linux->time_offsets;
    const struct oci_namespace *time = oci_namespace_find(config, "time");
    bool wanted = offsets != NULL && (offsets->boottime != NULL || offsets->monotonic != NULL);
    if (wanted && (time == NULL || time->path != NULL))
        return err_set(err, -EINVAL, LAYER_NAMESPACES,
                       "linux.timeOffsets: only a new time namespace can have offsets; add {\"type\": \"time\"} to "
                       "linux.namespaces");
    if (time == NULL || time->path != NULL)
        return 0;
    if (!wanted) {
        plan->clone_flags |= CLONE_NEWTIME;
        return 0;
    }
    CLEANUP_BUF struct buf lines = BUF_INIT;
    add_offset(&lines, "monotonic", offsets->monotonic);
    add_offset(&lines, "boottime", offsets->boottime);
    if (lines.failed)
        return err_set(err, -ENOMEM, LAYER_NAMESPACES, "out of memory");
    plan_add(plan, &(struct op){.layer = LAYER_NAMESPACES,
                                .step = STEP_CHILD_EARLY,
                                .kind = OP_OFFSETS,
                                .name = "offsets",
                                .target = "time",
                                .value = arena_strdup(plan->arena, buf_str(&lines)),
                                .slot = -1});
    return 0;
}

static int plan_uts(const struct oci_config *config, struct plan *plan, struct err *err)
{
    const struct {
        enum kind kind;
        const char *name, *member, *value;
    } names[] = {{OP_HOSTNAME, "sethostname", "hostname", config->hostname},
                 {OP_DOMAINNAME, "setdomainname", "domainname", config->domainname}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].value == NULL || names[i].value[0] == '\0')
            continue;
        if (oci_namespace_find(config, "uts") == NULL)
            return err_set(err, -EINVAL, LAYER_NAMESPACES,
                           "%s %s: without a UTS namespace of its own the container would rename the host",
                           names[i].member, names[i].value);
        if (strlen(names[i].value) > 64)
            return err_set(err, -EINVAL, LAYER_NAMESPACES, "%s %s: longer than the kernel's 64 bytes",
                           names[i].member, names[i].value);
        plan_add(plan, &(struct op){.layer = LAYER_NAMESPACES,
                                    .step = STEP_CHILD_EARLY,
                                    .kind = names[i].kind,
                                    .name = names[i].name,
                                    .target = "uts",
                                    .value = names[i].value,
                                    .slot = -1});
    }
    return 0;
}

static int namespaces_plan(const struct oci_config *config, const struct host *host, const char *id UNUSED,
                           const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    if (config->linux == NULL)
        return err_set(err, -EINVAL, LAYER_NAMESPACES, "linux: the section is missing; a Linux container needs it");
    int r = refuse_duplicates(config, err);
    if (r < 0)
        return r;
    if (oci_namespace_find(config, "mount") == NULL)
        return err_set(err, -EINVAL, LAYER_NAMESPACES,
                       "linux.namespaces: no mount namespace; the container would change the host's own mounts");
    for (size_t k = 0; k < NAMESPACE_KINDS; k++) {
        const struct namespace_kind *kind = &namespace_kinds[k];
        const struct oci_namespace *ns = oci_namespace_find(config, kind->type);
        if (ns == NULL)
            continue;
        if (kind->flag == CLONE_NEWTIME && !host_kernel_at_least(host, 5, 6))
            return err_set(err, -ENOSYS, LAYER_NAMESPACES, "time namespace: this kernel has none (needs 5.6)");
        if (ns->path != NULL) {
            plan_join(plan, kind, ns->path);
            continue;
        }
        if (kind->flag == CLONE_NEWTIME)
            continue; /* plan_time() */
        plan_add(plan, &(struct op){.layer = LAYER_NAMESPACES,
                                    .step = STEP_HOST_BEFORE_CLONE,
                                    .kind = OP_NEW,
                                    .name = "new",
                                    .target = kind->type,
                                    .number = kind->flag,
                                    .slot = -1});
        if (kind->flag != CLONE_NEWCGROUP)
            plan->clone_flags |= kind->flag;
    }
    r = plan_time(config, plan, err);
    return r < 0 ? r : plan_uts(config, plan, err);
}

/* Open what the document names and make sure that it is a namespace of the right kind (ioctl_ns(2)). */
static int host_before_clone(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_NAMESPACES, STEP_HOST_BEFORE_CLONE) {
        if (op->kind != OP_OPEN)
            continue;
        CLEANUP_FD int fd = open(op->value, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            return err_set_errno(err, -errno, LAYER_NAMESPACES, "%s namespace %s", op->target, op->value);
        int type = ioctl(fd, NS_GET_NSTYPE);
        if (type < 0)
            return err_set(err, -EINVAL, LAYER_NAMESPACES, "%s namespace %s: this is not a namespace", op->target,
                           op->value);
        if ((uint64_t)type != op->number)
            return err_set(err, -EINVAL, LAYER_NAMESPACES, "%s namespace %s: this is a namespace of another type",
                           op->target, op->value);
        ap->fds[op->slot] = TAKE_FD(fd);
    }
    return 0;
}

/*
 * A time namespace takes its offsets as long as nobody lives in it (time_namespaces(7)): unshare makes it for our
 * children only, the offsets are written, then we enter it ourselves.
 */
static int make_time_namespace(struct apply *ap, const struct op *op, struct err *err)
{
    if (unshare(CLONE_NEWTIME) < 0)
        return err_set_errno(err, -errno, LAYER_NAMESPACES, "time namespace: unshare");
    int proc = apply_procfs(ap, err);
    if (proc < 0)
        return proc;
    int r = file_write(proc, "self/timens_offsets", op->value);
    if (r < 0)
        return err_set_errno(err, r, LAYER_NAMESPACES, "linux.timeOffsets");
    CLEANUP_FD int fd = openat(proc, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_NAMESPACES, "time namespace: open");
    if (setns(fd, CLONE_NEWTIME) < 0)
        return err_set_errno(err, -errno, LAYER_NAMESPACES, "time namespace: enter");
    return 0;
}

static int child_early(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_NAMESPACES, STEP_CHILD_EARLY) {
        switch ((enum kind)op->kind) {
        case OP_JOIN:
            if (setns(ap->fds[op->slot], (int)op->number) < 0)
                return err_set_errno(err, -errno, LAYER_NAMESPACES, "join %s namespace %s", op->target, op->value);
            break;
        case OP_OFFSETS: {
            int r = make_time_namespace(ap, op, err);
            if (r < 0)
                return r;
            break;
        }
        case OP_HOSTNAME:
            if (sethostname(op->value, strlen(op->value)) < 0)
                return err_set_errno(err, -errno, LAYER_NAMESPACES, "hostname %s", op->value);
            break;
        case OP_DOMAINNAME:
            if (setdomainname(op->value, strlen(op->value)) < 0)
                return err_set_errno(err, -errno, LAYER_NAMESPACES, "domainname %s", op->value);
            break;
        case OP_NEW:
        case OP_OPEN:
            break;
        }
    }
    return 0;
}

const struct layer namespaces_layer = {
    .id = LAYER_NAMESPACES,
    .plan = namespaces_plan,
    .at = {[STEP_HOST_BEFORE_CLONE] = host_before_clone, [STEP_CHILD_EARLY] = child_early},
    .observe = namespaces_observe,
};
