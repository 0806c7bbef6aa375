/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <sys/resource.h>

#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"

static const struct {
    const char *type, *subject, *meaning;
    bool common; /* worth a line though nobody asked for it */
} rlimits[] = {
    {"RLIMIT_NOFILE", "open files", "A process of it can hold so many descriptors.", true},
    {"RLIMIT_NPROC", "processes of the user", "Counted over all processes of the same user on the host.", true},
    {"RLIMIT_CORE", "core files", "Core dumps of its processes are cut at this size.", true},
    {"RLIMIT_MEMLOCK", "locked memory", "So much memory a process may keep from being swapped out.", true},
    {"RLIMIT_AS", "address space", "A process of it can map so much.", false},
    {"RLIMIT_CPU", "cpu seconds", "A process that has used so much is ended.", false},
    {"RLIMIT_DATA", "data", "A process's heap and data end here.", false},
    {"RLIMIT_FSIZE", "file size", "No file that it writes grows beyond this.", false},
    {"RLIMIT_STACK", "stack", "A stack grows to this.", false},
    {"RLIMIT_RSS", "resident memory", "Linux does nothing about this limit.", false},
    {"RLIMIT_LOCKS", "locks", "Linux does nothing about this limit.", false},
    {"RLIMIT_SIGPENDING", "queued signals", "Counted over all processes of the same user.", false},
    {"RLIMIT_MSGQUEUE", "message queues", "Bytes in POSIX queues, counted over all processes of the same user.", false},
    {"RLIMIT_NICE", "nice", "How far a process may raise its priority.", false},
    {"RLIMIT_RTPRIO", "real-time priority", "The highest real-time priority that a process may take.", false},
    {"RLIMIT_RTTIME", "real-time time", "Microseconds that a real-time process may run without a break.", false},
};

static const char *amount(struct arena *a, uint64_t n)
{
    return n == (uint64_t)RLIM64_INFINITY ? "unlimited" : arena_printf(a, "%" PRIu64, n);
}

static void explain_rlimit(struct wall_view *v, const struct oci_rlimit *r)
{
    for (size_t i = 0; i < ARRAY_LEN(rlimits); i++) {
        if (!str_eq(rlimits[i].type, r->type))
            continue;
        bool unlimited = r->hard == (uint64_t)RLIM64_INFINITY;
        struct fact *f = fact_add(v, unlimited ? FACT_OPEN : FACT_HOLDS, rlimits[i].subject,
                                  arena_printf(v->a, "process.rlimits[%s]", r->type),
                                  unlimited ? "This limit holds nothing: the program may take it away." : rlimits[i].meaning,
                                  r->soft == r->hard ? "%s" : "%s, can be raised to %s", amount(v->a, r->soft),
                                  amount(v->a, r->hard));
        f->quiet = v->observed && !rlimits[i].common;
        return;
    }
}

static void explain_priority(struct wall_view *v, const struct oci_process *p)
{
    struct fact *f = NULL;
    if (p->oom_score_adj.set) {
        bool spared = p->oom_score_adj.v < 0;
        f = fact_add(v, spared ? FACT_OPEN : FACT_NOTE, "oom score", "process.oomScoreAdj",
                     spared ? "When memory is short the kernel kills the host's other programs before it."
                            : "When memory is short it is no less likely to be killed than others.",
                     "%+" PRId64, p->oom_score_adj.v);
        f->quiet = v->observed && p->oom_score_adj.v == 0;
    }
    const struct oci_scheduler *s = p->scheduler;
    if (s != NULL && s->policy != NULL) {
        bool real_time = str_eq(s->policy, "SCHED_FIFO") || str_eq(s->policy, "SCHED_RR") ||
                         str_eq(s->policy, "SCHED_DEADLINE");
        f = fact_add(v, real_time ? FACT_OPEN : FACT_NOTE, "scheduler", "process.scheduler",
                     real_time ? "It runs before every ordinary program of the host."
                               : "It takes turns with the host's other programs.",
                     "%s, nice %" PRId64, fact_clean(v->a, s->policy), s->nice.v);
        f->quiet = v->observed && !real_time && s->nice.v == 0;
    }
    if (p->io_priority != NULL && p->io_priority->class != NULL) {
        bool real_time = str_eq(p->io_priority->class, "IOPRIO_CLASS_RT");
        f = fact_add(v, real_time ? FACT_OPEN : FACT_NOTE, "I/O priority", "process.ioPriority",
                     real_time ? "Its disk accesses go before everybody else's." : "Its disk accesses wait their turn.",
                     "%s %" PRId64, fact_clean(v->a, p->io_priority->class), p->io_priority->priority.v);
        f->quiet = v->observed && !real_time;
    }
}

void explain_limits(struct wall_view *v)
{
    const struct oci_process *p = v->c->process;
    if (p != NULL) {
        for (size_t i = 0; i < p->rlimits.n; i++)
            explain_rlimit(v, &p->rlimits.v[i]);
        if (!v->observed && p->rlimits.n == 0)
            fact_add(v, FACT_OPEN, "resource limits", NULL, "It has those of whoever starts it.", "none of its own")
                ->part_of = "resource limits"; /* for a plan alone: of a live process each limit can be read */
        explain_priority(v, p);
    }
    const char *cpus = v->observed ? oci_annotation(v->c, ANNOTATION_OBSERVED_CPUS) : NULL;
    if (cpus != NULL)
        fact_add(v, FACT_NOTE, "runs on", NULL, "The CPUs that control group and affinity leave it.", "CPUs %s",
                 fact_clean(v->a, cpus));
    const struct oci_linux *l = v->c->linux;
    for (size_t i = 0; l != NULL && i < l->sysctl.n; i++)
        fact_add(v, FACT_NOTE, fact_clean(v->a, l->sysctl.v[i].key),
                 arena_printf(v->a, "linux.sysctl[%s]", l->sysctl.v[i].key), "Set in its own namespaces alone.", "%s",
                 fact_clean(v->a, l->sysctl.v[i].value));
}
