/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one process may use.
 *
 * host-before-clone  Namespaces whose settings are to be changed, but are joined by path, must not be the host's.
 * host-after-clone   OOM score, and raising hard limits for a container with a user namespace: root in there has no
 *                    CAP_SYS_RESOURCE that counts for either. Must not lower anything yet: the child has work to do.
 * child-early        sysctl, while the host's /proc is there to be written to.
 * child-late         Personality, memory policy, rlimits, scheduler, I/O priority. rlimits come before the scheduler,
 *                    since RLIMIT_NICE and RLIMIT_RTPRIO may be what permits it; all come before the walls that could
 *                    forbid the calls.
 */
#include "layers/limits/limits.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/limits/parts.h"

const struct limits_rlimit limits_rlimits[LIMITS_RLIMITS] = {
    {"RLIMIT_CPU", "Max cpu time", RLIMIT_CPU},
    {"RLIMIT_FSIZE", "Max file size", RLIMIT_FSIZE},
    {"RLIMIT_DATA", "Max data size", RLIMIT_DATA},
    {"RLIMIT_STACK", "Max stack size", RLIMIT_STACK},
    {"RLIMIT_CORE", "Max core file size", RLIMIT_CORE},
    {"RLIMIT_RSS", "Max resident set", RLIMIT_RSS},
    {"RLIMIT_NPROC", "Max processes", RLIMIT_NPROC},
    {"RLIMIT_NOFILE", "Max open files", RLIMIT_NOFILE},
    {"RLIMIT_MEMLOCK", "Max locked memory", RLIMIT_MEMLOCK},
    {"RLIMIT_AS", "Max address space", RLIMIT_AS},
    {"RLIMIT_LOCKS", "Max file locks", RLIMIT_LOCKS},
    {"RLIMIT_SIGPENDING", "Max pending signals", RLIMIT_SIGPENDING},
    {"RLIMIT_MSGQUEUE", "Max msgqueue size", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", "Max nice priority", RLIMIT_NICE},
    {"RLIMIT_RTPRIO", "Max realtime priority", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", "Max realtime timeout", RLIMIT_RTTIME},
};
static_assert(LIMITS_RLIMITS == RLIM_NLIMITS, "the headers know a limit that has no name here");

const struct limits_rlimit *limits_rlimit_find(const char *name)
{
    for (size_t i = 0; i < LIMITS_RLIMITS; i++)
        if (str_eq(limits_rlimits[i].name, name))
            return &limits_rlimits[i];
    return NULL;
}

struct op *limits_add(struct plan *plan, enum step step, enum limits_kind kind, const char *name, const char *target,
                      const char *value)
{
    return plan_add(plan, &(struct op){.layer = LAYER_LIMITS,
                                       .step = step,
                                       .kind = kind,
                                       .name = name,
                                       .target = target,
                                       .value = value,
                                       .slot = -1});
}

static const char *amount(uint64_t limit, char buf[24])
{
    if (limit == RLIM64_INFINITY)
        return "unlimited";
    snprintf(buf, 24, "%" PRIu64, limit);
    return buf;
}

static int plan_rlimits(const struct oci_config *config, struct plan *plan, struct err *err)
{
    const struct oci_process *process = config->process;
    uint32_t seen = 0;
    for (size_t i = 0; i < process->rlimits.n; i++) {
        const struct oci_rlimit *limit = &process->rlimits.v[i];
        const struct limits_rlimit *known = limits_rlimit_find(limit->type);
        if (known == NULL)
            return err_set(err, -EINVAL, LAYER_LIMITS, "process.rlimits[%zu]: %s is no resource limit known to Linux",
                           i, limit->type);
        if ((seen & 1U << known->resource) != 0)
            return err_set(err, -EINVAL, LAYER_LIMITS, "process.rlimits[%zu]: %s is given twice", i, limit->type);
        seen |= 1U << known->resource;
        char soft[24], hard[24];
        if (limit->soft > limit->hard)
            return err_set(err, -EINVAL, LAYER_LIMITS, "process.rlimits[%zu]: %s: soft limit %s is above hard limit %s",
                           i, limit->type, amount(limit->soft, soft), amount(limit->hard, hard));
        struct rlimit64 *value = arena_new(plan->arena, struct rlimit64);
        if (value == NULL)
            return err_set(err, -ENOMEM, LAYER_LIMITS, "out of memory");
        *value = (struct rlimit64){.rlim_cur = limit->soft, .rlim_max = limit->hard};
        struct op op = {.layer = LAYER_LIMITS,
                        .step = STEP_CHILD_LATE,
                        .kind = LIMITS_RLIMIT,
                        .name = "rlimit",
                        .target = known->name,
                        .value = arena_printf(plan->arena, "soft %s hard %s", amount(limit->soft, soft),
                                              amount(limit->hard, hard)),
                        .args = value,
                        .number = (uint64_t)known->resource,
                        .slot = -1};
        plan_add(plan, &op);
        if (!oci_has_userns(config))
            continue;
        op.step = STEP_HOST_AFTER_CLONE;
        op.kind = LIMITS_RAISE;
        op.name = "raise";
        op.value = arena_printf(plan->arena, "hard %s", amount(limit->hard, hard));
        plan_add(plan, &op);
    }
    return 0;
}

static int plan_oom_score(const struct oci_process *process, struct plan *plan, struct err *err)
{
    if (!process->oom_score_adj.set)
        return 0;
    int64_t score = process->oom_score_adj.v;
    if (score < -1000 || score > 1000)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.oomScoreAdj: %" PRId64 " is not between -1000 and 1000",
                       score);
    limits_add(plan, STEP_HOST_AFTER_CLONE, LIMITS_OOM_SCORE, "write", "oom_score_adj",
               arena_printf(plan->arena, "%" PRId64, score));
    return 0;
}

static int limits_plan(const struct oci_config *config, const struct host *host UNUSED, const char *id UNUSED,
                       const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    int r = limits_plan_sysctls(config, plan, err);
    if (r < 0)
        return r;
    if (config->process != NULL) {
        if ((r = plan_oom_score(config->process, plan, err)) < 0 || (r = plan_rlimits(config, plan, err)) < 0)
            return r;
    }
    return limits_plan_schedule(config, plan, err);
}

static int host_before_clone(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_LIMITS, STEP_HOST_BEFORE_CLONE) {
        int r = limits_check_namespace(op, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int write_oom_score(const struct apply *ap, const struct op *op, struct err *err)
{
    char path[48], own[16] = "?";
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)ap->pid);
    int r = file_write(AT_FDCWD, path, op->value);
    if (r != -EACCES)
        return r == 0 ? 0 : err_set_errno(err, r, LAYER_LIMITS, "process.oomScoreAdj: %s", op->value);
    ssize_t n = file_read_into(AT_FDCWD, path, own, sizeof own);
    if (n > 0 && own[n - 1] == '\n')
        own[n - 1] = '\0';
    return err_set(err, r, LAYER_LIMITS,
                   "process.oomScoreAdj: %s is below the caller's own %s, which needs CAP_SYS_RESOURCE", op->value,
                   own);
}

/* What could not be set, and what this host allows. */
static int rlimit_error(int code, const struct op *op, uint64_t now, struct err *err)
{
    const struct rlimit64 *want = op->args;
    char buf[24], have[24];
    if (code != -EPERM)
        return err_set_errno(err, code, LAYER_LIMITS, "process.rlimits: %s", op->target);
    if (op->number == RLIMIT_NOFILE && want->rlim_max <= now)
        return err_set(err, code, LAYER_LIMITS, "process.rlimits: %s: hard limit %s is above this host's fs.nr_open",
                       op->target, amount(want->rlim_max, buf));
    return err_set(err, code, LAYER_LIMITS,
                   "process.rlimits: %s: hard limit %s is above the caller's %s, which needs CAP_SYS_RESOURCE%s",
                   op->target, amount(want->rlim_max, buf), amount(now, have),
                   op->number == RLIMIT_NOFILE ? " and at most fs.nr_open" : "");
}

static int raise_hard_limit(const struct apply *ap, const struct op *op, struct err *err)
{
    const struct rlimit64 *want = op->args;
    struct rlimit64 now = {0};
    if (prlimit64(ap->pid, (enum __rlimit_resource)op->number, NULL, &now) < 0)
        return err_set_errno(err, -errno, LAYER_LIMITS, "process.rlimits: %s of the child", op->target);
    if (want->rlim_max <= now.rlim_max)
        return 0;
    struct rlimit64 raised = {.rlim_cur = now.rlim_cur, .rlim_max = want->rlim_max};
    if (prlimit64(ap->pid, (enum __rlimit_resource)op->number, &raised, NULL) < 0)
        return rlimit_error(-errno, op, now.rlim_max, err);
    return 0;
}

static int host_after_clone(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_LIMITS, STEP_HOST_AFTER_CLONE) {
        int r = op->kind == LIMITS_OOM_SCORE ? write_oom_score(ap, op, err) : raise_hard_limit(ap, op, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_rlimit(const struct op *op, struct err *err)
{
    if (prlimit64(0, (enum __rlimit_resource)op->number, op->args, NULL) == 0)
        return 0;
    int code = -errno;
    struct rlimit64 now = {0};
    (void)prlimit64(0, (enum __rlimit_resource)op->number, NULL, &now);
    return rlimit_error(code, op, now.rlim_max, err);
}

static int child_late(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_LIMITS, STEP_CHILD_LATE) {
        int r = op->kind == LIMITS_RLIMIT ? set_rlimit(op, err) : limits_set_schedule(op, err);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct layer limits_layer = {
    .id = LAYER_LIMITS,
    .plan = limits_plan,
    .at = {[STEP_HOST_BEFORE_CLONE] = host_before_clone,
           [STEP_HOST_AFTER_CLONE] = host_after_clone,
           [STEP_CHILD_EARLY] = limits_write_sysctls,
           [STEP_CHILD_LATE] = child_late},
    .observe = limits_observe,
};
