/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduler, I/O priority, memory policy, personality, and lists of CPUs and nodes. */
#include <assert.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "layers/limits/limits.h"
#include "layers/limits/parts.h"

/* include/uapi/linux/sched.h, which cannot be included beside <sched.h>. SCHED_ISO has a number and no code. */
enum { POLICY_OTHER = 0, POLICY_FIFO = 1, POLICY_RR = 2, POLICY_BATCH = 3, POLICY_IDLE = 5, POLICY_DEADLINE = 6 };

const struct limits_name limits_policies[] = {
    {"SCHED_OTHER", POLICY_OTHER}, {"SCHED_FIFO", POLICY_FIFO}, {"SCHED_RR", POLICY_RR},
    {"SCHED_BATCH", POLICY_BATCH}, {"SCHED_IDLE", POLICY_IDLE}, {"SCHED_DEADLINE", POLICY_DEADLINE},
    {NULL, 0},
};

/* UTIL_CLAMP_MIN and _MAX are not here: the specification has no member for the values that they announce. */
const struct limits_name limits_sched_flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01}, {"SCHED_FLAG_RECLAIM", 0x02},     {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},   {"SCHED_FLAG_KEEP_PARAMS", 0x10}, {NULL, 0},
};

const struct limits_name limits_io_classes[] = {
    {"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
    {"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
    {"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
    {NULL, 0},
};

#define MEMORY_WEIGHTED_INTERLEAVE 6 /* Linux 6.9 */

static const struct limits_name memory_modes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},
    {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
    {"MPOL_WEIGHTED_INTERLEAVE", MEMORY_WEIGHTED_INTERLEAVE},
    {"MPOL_PREFERRED", MPOL_PREFERRED},
    {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_LOCAL", MPOL_LOCAL},
    {NULL, 0},
};

static const struct limits_name memory_flags[] = {
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
    {NULL, 0},
};

static const struct limits_name *find(const struct limits_name *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (str_eq(table->name, name))
            return table;
    return NULL;
}

/* A number and the blanks around it; moves *p behind them. */
static int parse_number(const char **p, unsigned long *ret)
{
    *p += strspn(*p, " ");
    if (**p < '0' || **p > '9')
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    *ret = strtoul(*p, &end, 10);
    if (errno == ERANGE || *ret >= LIMITS_LIST_BITS)
        return -ERANGE;
    *p = end + strspn(end, " ");
    return 0;
}

int limits_parse_list(const char *list, unsigned long ret[LIMITS_LIST_WORDS])
{
    unsigned long bits[LIMITS_LIST_WORDS] = {0};
    const char *p = list + strspn(list, " ");
    while (*p != '\0') {
        unsigned long first = 0, last = 0;
        int r = parse_number(&p, &first);
        last = first;
        if (r == 0 && *p == '-') {
            p++;
            r = parse_number(&p, &last);
        }
        if (r < 0)
            return r;
        if (last < first)
            return -EINVAL;
        for (unsigned long n = first; n <= last; n++)
            bits[n / (sizeof *bits * CHAR_BIT)] |= 1UL << n % (sizeof *bits * CHAR_BIT);
        if (*p == '\0')
            break;
        if (*p != ',' || p[1] == '\0')
            return -EINVAL;
        p++;
    }
    memcpy(ret, bits, sizeof bits);
    return 0;
}

/* Values that the kernel would ignore with this policy are refused: the document means something that does not come. */
static int check_scheduler(const struct oci_scheduler *s, unsigned policy, struct err *err)
{
    if (s->nice.v < -20 || s->nice.v > 19)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.scheduler.nice: %" PRId64 " is not between -20 and 19",
                       s->nice.v);
    if (s->nice.v != 0 && policy != POLICY_OTHER && policy != POLICY_BATCH)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.scheduler.nice: %s has none; only SCHED_OTHER and "
                       "SCHED_BATCH do", s->policy);
    bool realtime = policy == POLICY_FIFO || policy == POLICY_RR;
    if (realtime ? s->priority.v < 1 || s->priority.v > 99 : s->priority.v != 0)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.scheduler.priority: %" PRId64 ": %s", s->priority.v,
                       realtime ? "SCHED_FIFO and SCHED_RR need one between 1 and 99"
                                : "only SCHED_FIFO and SCHED_RR have one");
    bool times = s->runtime.v != 0 || s->deadline.v != 0 || s->period.v != 0;
    if (times && policy != POLICY_DEADLINE)
        return err_set(err, -EINVAL, LAYER_LIMITS,
                       "process.scheduler: runtime, deadline and period belong to SCHED_DEADLINE, not %s", s->policy);
    if (policy == POLICY_DEADLINE && (s->runtime.v == 0 || s->deadline.v == 0))
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.scheduler: SCHED_DEADLINE needs runtime and deadline");
    return 0;
}

static int plan_scheduler(const struct oci_scheduler *s, struct plan *plan, struct err *err)
{
    const struct limits_name *policy = find(limits_policies, s->policy);
    if (policy == NULL)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.scheduler.policy: Linux has no %s", s->policy);
    int r = check_scheduler(s, policy->number, err);
    if (r < 0)
        return r;
    struct limits_sched_attr *attr = arena_new(plan->arena, struct limits_sched_attr);
    if (attr == NULL)
        return err_set(err, -ENOMEM, LAYER_LIMITS, "out of memory");
    *attr = (struct limits_sched_attr){
        .size = sizeof *attr, .policy = policy->number, .nice = (int32_t)s->nice.v,
        .priority = (uint32_t)s->priority.v, .runtime = s->runtime.v, .deadline = s->deadline.v,
        .period = s->period.v};
    CLEANUP_BUF struct buf value = BUF_INIT;
    if (policy->number == POLICY_DEADLINE)
        buf_printf(&value, "runtime %" PRIu64 " deadline %" PRIu64 " period %" PRIu64, attr->runtime, attr->deadline,
                   attr->period);
    else if (attr->priority != 0)
        buf_printf(&value, "priority %u", attr->priority);
    else
        buf_printf(&value, "nice %d", attr->nice);
    for (size_t i = 0; i < s->flags.n; i++) {
        const struct limits_name *flag = find(limits_sched_flags, s->flags.v[i]);
        if (flag == NULL)
            return err_set(err, -EINVAL, LAYER_LIMITS, "process.scheduler.flags: %s %s", s->flags.v[i],
                           str_starts(s->flags.v[i], "SCHED_FLAG_UTIL_CLAMP_")
                               ? "announces a value that runtime-spec has no member for"
                               : "is unknown");
        attr->flags |= flag->number;
        buf_printf(&value, " %s", flag->name);
    }
    struct op *op = limits_add(plan, STEP_CHILD_LATE, LIMITS_SCHEDULER, "scheduler", policy->name,
                               arena_strdup(plan->arena, buf_str(&value)));
    if (op == NULL || value.failed)
        return err_set(err, -ENOMEM, LAYER_LIMITS, "out of memory");
    op->args = attr;
    return 0;
}

static int plan_io_priority(const struct oci_io_priority *p, struct plan *plan, struct err *err)
{
    const struct limits_name *class = find(limits_io_classes, p->class);
    if (class == NULL)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.ioPriority.class: Linux has no %s", p->class);
    if (p->priority.v < 0 || p->priority.v >= IOPRIO_NR_LEVELS)
        return err_set(err, -EINVAL, LAYER_LIMITS, "process.ioPriority.priority: %" PRId64 " is not between 0 and 7",
                       p->priority.v);
    struct op *op = limits_add(plan, STEP_CHILD_LATE, LIMITS_IO_PRIORITY, "io-priority", class->name,
                               arena_printf(plan->arena, "%" PRId64, p->priority.v));
    if (op != NULL)
        op->number = (uint64_t)class->number << IOPRIO_CLASS_SHIFT | (uint64_t)p->priority.v;
    return 0;
}

static int check_list(const char *member, const char *list, unsigned long bits[LIMITS_LIST_WORDS], struct err *err)
{
    int r = list == NULL ? 0 : limits_parse_list(list, bits);
    if (r == -ERANGE)
        return err_set(err, r, LAYER_LIMITS, "%s: \"%s\" names a number of %d or more", member, list,
                       LIMITS_LIST_BITS);
    return r == 0 ? 0 : err_set(err, r, LAYER_LIMITS, "%s: \"%s\" is not a list like 0-3,7", member, list);
}

struct memory_policy {
    unsigned mode;
    bool any;
    unsigned long nodes[LIMITS_LIST_WORDS];
};

static int plan_memory_policy(const struct oci_memory_policy *p, struct plan *plan, struct err *err)
{
    const struct limits_name *mode = p->mode != NULL ? find(memory_modes, p->mode) : NULL;
    if (mode == NULL)
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.memoryPolicy.mode: %s",
                       p->mode == NULL ? "is needed" : "Linux has no such mode");
    struct memory_policy *policy = arena_new(plan->arena, struct memory_policy);
    if (policy == NULL)
        return err_set(err, -ENOMEM, LAYER_LIMITS, "out of memory");
    int r = check_list("linux.memoryPolicy.nodes", p->nodes, policy->nodes, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < LIMITS_LIST_WORDS; i++)
        policy->any = policy->any || policy->nodes[i] != 0;
    bool takes_nodes = mode->number != MPOL_DEFAULT && mode->number != MPOL_LOCAL;
    if (policy->any && !takes_nodes)
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.memoryPolicy.nodes: %s takes none", mode->name);
    if (!policy->any && takes_nodes && mode->number != MPOL_PREFERRED)
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.memoryPolicy.nodes: %s needs some", mode->name);
    policy->mode = mode->number;
    for (size_t i = 0; i < p->flags.n; i++) {
        const struct limits_name *flag = find(memory_flags, p->flags.v[i]);
        if (flag == NULL)
            return err_set(err, -EINVAL, LAYER_LIMITS, "linux.memoryPolicy.flags: %s is unknown", p->flags.v[i]);
        policy->mode |= flag->number;
    }
    if ((policy->mode & MPOL_F_STATIC_NODES) != 0 && (policy->mode & MPOL_F_RELATIVE_NODES) != 0)
        return err_set(err, -EINVAL, LAYER_LIMITS,
                       "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    struct op *op = limits_add(plan, STEP_CHILD_LATE, LIMITS_MEMORY_POLICY, "memory-policy", mode->name,
                               policy->any ? p->nodes : "none");
    if (op != NULL)
        op->args = policy;
    return 0;
}

static int plan_personality(const struct oci_personality *p, struct plan *plan, struct err *err)
{
    if (p->flags.n > 0)
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.personality.flags: %s: runtime-spec defines no flag yet",
                       p->flags.v[0]);
    bool is32 = p->domain != NULL && str_eq(p->domain, "LINUX32");
    if (p->domain == NULL || (!is32 && !str_eq(p->domain, "LINUX")))
        return err_set(err, -EINVAL, LAYER_LIMITS, "linux.personality.domain: LINUX or LINUX32 is needed");
    struct op *op = limits_add(plan, STEP_CHILD_LATE, LIMITS_PERSONALITY, "personality", p->domain, NULL);
    if (op != NULL)
        op->number = is32 ? PER_LINUX32 : PER_LINUX;
    return 0;
}

/* execCPUAffinity counts when a program enters the container later; here it only must be readable. */
static int check_affinity(const struct oci_cpu_affinity *affinity, struct err *err)
{
    unsigned long bits[LIMITS_LIST_WORDS];
    int r = check_list("process.execCPUAffinity.initial", affinity->initial, bits, err);
    return r < 0 ? r : check_list("process.execCPUAffinity.final", affinity->final, bits, err);
}

int limits_plan_schedule(const struct oci_config *config, struct plan *plan, struct err *err)
{
    const struct oci_process *process = config->process;
    const struct oci_linux *l = config->linux;
    int r = 0;
    if (l != NULL && l->personality != NULL && (r = plan_personality(l->personality, plan, err)) < 0)
        return r;
    if (l != NULL && l->memory_policy != NULL && (r = plan_memory_policy(l->memory_policy, plan, err)) < 0)
        return r;
    if (process == NULL)
        return 0;
    if (process->exec_cpu_affinity != NULL && (r = check_affinity(process->exec_cpu_affinity, err)) < 0)
        return r;
    if (process->scheduler != NULL && (r = plan_scheduler(process->scheduler, plan, err)) < 0)
        return r;
    return process->io_priority != NULL ? plan_io_priority(process->io_priority, plan, err) : 0;
}

static int set_scheduler(const struct op *op, struct err *err)
{
    if (syscall(SYS_sched_setattr, 0, op->args, 0U) == 0)
        return 0;
    int code = -errno;
    if (code == -EPERM)
        return err_set(err, code, LAYER_LIMITS,
                       "process.scheduler: %s %s needs CAP_SYS_NICE outside the container's user namespace (or "
                       "RLIMIT_NICE, RLIMIT_RTPRIO), and a cgroup that has real-time budget", op->target, op->value);
    if (code == -EBUSY)
        return err_set(err, code, LAYER_LIMITS, "process.scheduler: %s: the host has no room for this runtime per "
                       "period", op->target);
    return err_set_errno(err, code, LAYER_LIMITS, "process.scheduler: %s %s", op->target, op->value);
}

static int set_memory_policy(const struct op *op, struct err *err)
{
    const struct memory_policy *policy = op->args;
    /* One more than the number of bits: the kernel takes one off (set_mempolicy(2), "maxnode"). */
    if (syscall(SYS_set_mempolicy, policy->mode, policy->any ? policy->nodes : NULL,
                policy->any ? (unsigned long)LIMITS_LIST_BITS + 1 : 0UL) == 0)
        return 0;
    int code = -errno;
    if (code == -ENOSYS)
        return err_set(err, code, LAYER_LIMITS, "linux.memoryPolicy: this kernel knows only one memory node");
    if (code == -EINVAL)
        return err_set(err, code, LAYER_LIMITS,
                       "linux.memoryPolicy: %s %s: a node that the host does not have, or a mode it does not know",
                       op->target, op->value);
    return err_set_errno(err, code, LAYER_LIMITS, "linux.memoryPolicy: %s %s", op->target, op->value);
}

int limits_set_schedule(const struct op *op, struct err *err)
{
    if (op->kind == LIMITS_SCHEDULER)
        return set_scheduler(op, err);
    if (op->kind == LIMITS_MEMORY_POLICY)
        return set_memory_policy(op, err);
    if (op->kind == LIMITS_PERSONALITY) {
        if (personality(op->number) < 0)
            return err_set_errno(err, -errno, LAYER_LIMITS, "linux.personality: %s", op->target);
        return 0;
    }
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)op->number) == 0)
        return 0;
    int code = -errno;
    if (code == -EPERM)
        return err_set(err, code, LAYER_LIMITS,
                       "process.ioPriority: %s needs CAP_SYS_NICE outside the container's user namespace", op->target);
    return err_set_errno(err, code, LAYER_LIMITS, "process.ioPriority: %s %s", op->target, op->value);
}
