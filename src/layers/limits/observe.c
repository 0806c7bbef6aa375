/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force for a live process: /proc/PID/limits, oom_score_adj, personality, scheduler, I/O priority, CPUs. */
#include <fcntl.h>
#include <linux/ioprio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/limits/limits.h"
#include "layers/limits/parts.h"

/* A column of /proc/PID/limits; moves *p behind it. */
static bool read_amount(const char **p, uint64_t *ret)
{
    *p += strspn(*p, " ");
    if (str_starts(*p, "unlimited")) {
        *p += strlen("unlimited");
        *ret = RLIM64_INFINITY;
        return true;
    }
    char *end = NULL;
    *ret = strtoull(*p, &end, 10);
    bool ok = end != *p;
    *p = end;
    return ok;
}

int limits_read_rlimits(struct arena *a, const char *text, struct oci_process *ret)
{
    struct oci_rlimit *v = arena_calloc(a, LIMITS_RLIMITS, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < LIMITS_RLIMITS; i++) {
        const char *line = strstr(text, limits_rlimits[i].label);
        if (line == NULL)
            continue;
        const char *p = line + strlen(limits_rlimits[i].label);
        if (!read_amount(&p, &v[n].soft) || !read_amount(&p, &v[n].hard))
            continue;
        v[n].type = arena_strdup(a, limits_rlimits[i].name);
        if (v[n++].type == NULL)
            return -ENOMEM;
    }
    ret->rlimits.v = v;
    ret->rlimits.n = n;
    ret->rlimits.set = true;
    return 0;
}

static const char *name_of(const struct limits_name *table, unsigned number)
{
    for (; table->name != NULL; table++)
        if (table->number == number)
            return table->name;
    return NULL;
}

static int read_scheduler(struct arena *a, pid_t pid, struct oci_process *ret)
{
    /* The kernel fills as many bytes as it is told and reports its own size; newer members are not asked for. */
    struct limits_sched_attr attr = {.size = sizeof attr};
    if (syscall(SYS_sched_getattr, pid, &attr, (unsigned)sizeof attr, 0U) < 0)
        return 0;
    const char *policy = name_of(limits_policies, attr.policy);
    struct oci_scheduler *s = arena_new(a, struct oci_scheduler);
    if (s == NULL)
        return -ENOMEM;
    if (policy == NULL)
        return 0;
    s->policy = arena_strdup(a, policy);
    s->nice = (struct oci_int){.set = true, .v = attr.nice};
    s->priority = (struct oci_int){.set = true, .v = attr.priority};
    if (str_eq(policy, "SCHED_DEADLINE")) {
        s->runtime = (struct oci_uint){.set = true, .v = attr.runtime};
        s->deadline = (struct oci_uint){.set = true, .v = attr.deadline};
        s->period = (struct oci_uint){.set = true, .v = attr.period};
    }
    size_t n = 0;
    char **flags = arena_calloc(a, (size_t)__builtin_popcountll(attr.flags) + 1, sizeof *flags);
    if (flags == NULL)
        return -ENOMEM;
    for (const struct limits_name *f = limits_sched_flags; f->name != NULL; f++)
        if ((attr.flags & f->number) != 0)
            flags[n++] = arena_strdup(a, f->name);
    if (n > 0)
        s->flags = (struct oci_strs){.v = flags, .n = n, .set = true};
    ret->scheduler = s;
    return a->failed ? -ENOMEM : 0;
}

static int read_io_priority(struct arena *a, pid_t pid, struct oci_process *ret)
{
    long value = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid);
    const char *class = value < 0 ? NULL : name_of(limits_io_classes, (unsigned)IOPRIO_PRIO_CLASS(value));
    if (class == NULL)
        return 0; /* none of its own: the kernel derives one from nice */
    struct oci_io_priority *p = arena_new(a, struct oci_io_priority);
    if (p == NULL || (p->class = arena_strdup(a, class)) == NULL)
        return -ENOMEM;
    p->priority = (struct oci_int){.set = true, .v = IOPRIO_PRIO_LEVEL(value)};
    ret->io_priority = p;
    return 0;
}

static int read_personality(struct arena *a, pid_t pid, struct oci_linux *ret)
{
    char path[48], text[32];
    snprintf(path, sizeof path, "/proc/%d/personality", (int)pid);
    if (file_read_into(AT_FDCWD, path, text, sizeof text) <= 0)
        return 0;
    if ((strtoul(text, NULL, 16) & PER_MASK) != PER_LINUX32)
        return 0;
    ret->personality = arena_new(a, struct oci_personality);
    if (ret->personality == NULL || (ret->personality->domain = arena_strdup(a, "LINUX32")) == NULL)
        return -ENOMEM;
    return 0;
}

/* runtime-spec has CPUs only as a member of cgroups; what holds for the process can be less. */
static int read_cpus(struct arena *a, pid_t pid, struct oci_config *ret)
{
    static const char key[] = "\nCpus_allowed_list:";
    char path[48], text[8192];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (file_read_into(AT_FDCWD, path, text, sizeof text) <= 0)
        return 0;
    char *value = strstr(text, key);
    if (value == NULL)
        return 0;
    value += strlen(key);
    value += strspn(value, " \t");
    value[strcspn(value, "\n")] = '\0';
    return layers_annotate(a, ret, ANNOTATION_OBSERVED_CPUS, value);
}

int limits_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED,
                   struct oci_config *ret, struct err *err)
{
    char path[48], text[4096];
    int r = 0;
    snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
    if (file_read_into(AT_FDCWD, path, text, sizeof text) > 0)
        r = limits_read_rlimits(a, text, ret->process);
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
    if (file_read_into(AT_FDCWD, path, text, sizeof text) > 0)
        ret->process->oom_score_adj = (struct oci_int){.set = true, .v = strtol(text, NULL, 10)};
    if (r < 0 || (r = read_scheduler(a, pid, ret->process)) < 0 || (r = read_io_priority(a, pid, ret->process)) < 0 ||
        (r = read_personality(a, pid, ret->linux)) < 0 || (r = read_cpus(a, pid, ret)) < 0)
        return err_set(err, r, LAYER_LIMITS, "out of memory");
    return 0;
}
