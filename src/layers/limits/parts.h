/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the limits wall: its operations, and the files that plan and carry them out. */
#ifndef COFFER_LAYERS_LIMITS_PARTS_H
#define COFFER_LAYERS_LIMITS_PARTS_H

#include "layers/layer.h"

enum limits_kind {
    LIMITS_OWN_NAMESPACE, /* host-before-clone: a namespace joined by path must not be the host's */
    LIMITS_OOM_SCORE,     /* host-after-clone */
    LIMITS_RAISE,         /* host-after-clone: a hard limit that only the parent can raise */
    LIMITS_SYSCTL,        /* child-early */
    LIMITS_PERSONALITY,   /* child-late from here on */
    LIMITS_MEMORY_POLICY,
    LIMITS_RLIMIT,
    LIMITS_SCHEDULER,
    LIMITS_IO_PRIORITY,
};

/* Append an operation without arguments; NULL when memory is out. */
struct op *limits_add(struct plan *plan, enum step step, enum limits_kind kind, const char *name, const char *target,
                      const char *value);

/* sysctl.c */
int limits_plan_sysctls(const struct oci_config *config, struct plan *plan, struct err *err);
int limits_check_namespace(const struct op *op, struct err *err);
int limits_write_sysctls(struct apply *ap, struct err *err);

/* schedule.c: scheduler, I/O priority, memory policy, personality, CPU lists */
int limits_plan_schedule(const struct oci_config *config, struct plan *plan, struct err *err);
int limits_set_schedule(const struct op *op, struct err *err);

/* The kernel's view of a scheduler (sched_setattr(2), first version), which headers of libraries do not agree on. */
struct limits_sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

struct limits_name {
    const char *name;
    unsigned number;
};
extern const struct limits_name limits_policies[], limits_sched_flags[], limits_io_classes[]; /* end: name NULL */

/* observe.c */
int limits_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                   struct err *err);
/* The rlimits of a /proc/PID/limits file's text; for tests. 0 or -ENOMEM. */
int limits_read_rlimits(struct arena *a, const char *text, struct oci_process *ret);

#endif
