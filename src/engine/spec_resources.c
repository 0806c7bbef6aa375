/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, CPU and process limits, in Docker's units. */
#include <ctype.h>
#include <unistd.h>

#include "engine/spec_private.h"

#define PERIOD_DEFAULT 100000U /* microseconds; Docker's period for --cpus */

static int bytes(struct spec *s, const char *flag, const char *value, uint64_t *ret)
{
    int r = str_to_size(value, ret);
    if (r == 0 && *ret > INT64_MAX)
        r = -ERANGE;
    if (r < 0)
        return spec_fault(s, LAYER_CGROUP, flag, value,
                          r == -ERANGE ? "is larger than any size" : "is not a size such as 512m or 1.5g");
    return 0;
}

static int number(struct spec *s, const char *flag, const char *value, int64_t low, int64_t high, int64_t *ret)
{
    int64_t n = 0;
    if (str_to_i64(value, &n) < 0)
        return spec_fault(s, LAYER_CGROUP, flag, value, "is not a whole number");
    if (n < low || n > high)
        return spec_fault(s, LAYER_CGROUP, flag, value, "must be between %lld and %lld", (long long)low,
                          (long long)high);
    *ret = n;
    return 0;
}

static struct oci_memory *memory_section(struct spec *s)
{
    struct oci_resources *r = s->config->linux->resources;
    if (r->memory == NULL)
        r->memory = arena_new(s->arena, struct oci_memory);
    return r->memory;
}

/* Docker: without --memory-swap, a container may swap as much as it may use memory. */
static int swap(struct spec *s, struct oci_memory *m)
{
    const char *value = s->o->memory_swap;
    m->swap.set = true;
    if (value == NULL || str_eq(value, "0")) {
        m->swap.v = m->limit.v > INT64_MAX / 2 ? INT64_MAX : 2 * m->limit.v;
        source_text(&s->sources, "linux.resources.memory.swap", "built in: twice --memory");
        return 0;
    }
    source_flag(&s->sources, "linux.resources.memory.swap", "--memory-swap", value);
    if (str_eq(value, "-1")) {
        m->swap.v = -1;
        return 0;
    }
    uint64_t n = 0;
    int r = bytes(s, "--memory-swap", value, &n);
    if (r < 0)
        return r;
    m->swap.v = (int64_t)n;
    return m->swap.v >= m->limit.v ? 0
                                   : spec_fault(s, LAYER_CGROUP, "--memory-swap", value,
                                                "is memory and swap together, so it cannot be less than --memory");
}

static int memory(struct spec *s)
{
    const struct run_options *o = s->o;
    uint64_t n = 0;
    int64_t small = 0;
    int r = 0;
    bool any = o->memory != NULL || o->memory_reservation != NULL || o->oom_kill_disable ||
               (o->memory_swappiness != NULL && !str_eq(o->memory_swappiness, "-1"));
    struct oci_memory *m = any ? memory_section(s) : NULL;
    if (any && m == NULL)
        return spec_no_memory(s);
    if (o->memory != NULL && (r = bytes(s, "--memory", o->memory, &n)) == 0 && n > 0) {
        m->limit.set = true;
        m->limit.v = (int64_t)n;
        source_flag(&s->sources, "linux.resources.memory.limit", "--memory", o->memory);
        r = swap(s, m);
    } else if (r == 0 && o->memory_swap != NULL && !str_eq(o->memory_swap, "0") && !str_eq(o->memory_swap, "-1")) {
        return spec_fault(s, LAYER_CGROUP, "--memory-swap", o->memory_swap, "needs --memory beside it");
    }
    if (r == 0 && o->memory_reservation != NULL &&
        (r = bytes(s, "--memory-reservation", o->memory_reservation, &n)) == 0 && n > 0) {
        m->reservation.set = true;
        m->reservation.v = (int64_t)n;
        if (m->limit.set && m->reservation.v > m->limit.v)
            return spec_fault(s, LAYER_CGROUP, "--memory-reservation", o->memory_reservation,
                              "cannot be more than --memory");
        source_flag(&s->sources, "linux.resources.memory.reservation", "--memory-reservation", o->memory_reservation);
    }
    if (r == 0 && o->memory_swappiness != NULL &&
        (r = number(s, "--memory-swappiness", o->memory_swappiness, -1, 100, &small)) == 0 && small >= 0) {
        m->swappiness.set = true;
        m->swappiness.v = (uint64_t)small;
        source_flag(&s->sources, "linux.resources.memory.swappiness", "--memory-swappiness", o->memory_swappiness);
    }
    if (r == 0 && o->oom_kill_disable) {
        m->disable_oom_killer.set = m->disable_oom_killer.v = true;
        source_flag(&s->sources, "linux.resources.memory.disableOOMKiller", "--oom-kill-disable", NULL);
    }
    return r;
}

/* "1.5" CPUs in microseconds of each period; up to three digits behind the point count, as with Docker's minimum. */
static int cpus(struct spec *s, struct oci_cpu *cpu)
{
    const char *value = s->o->cpus;
    uint64_t whole = 0, micro = 0, place = PERIOD_DEFAULT / 10;
    const char *p = value;
    for (; isdigit((unsigned char)*p) && whole < 1000000; p++)
        whole = whole * 10 + (uint64_t)(*p - '0');
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++, place /= 10)
            micro += place * (uint64_t)(*p - '0');
    if (*p != '\0' || p == value || str_eq(value, "."))
        return spec_fault(s, LAYER_CGROUP, "--cpus", value, "is not a number of CPUs such as 1.5");
    if (s->o->cpu_quota != NULL || s->o->cpu_period != NULL)
        return spec_fault(s, LAYER_CGROUP, "--cpus", value, "contradicts --cpu-quota and --cpu-period");
    uint64_t quota = whole * PERIOD_DEFAULT + micro;
    if (quota == 0 && strspn(value, "0.") == strlen(value))
        return 0; /* 0: no limit */
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (quota < 1000 || (online > 0 && quota > (uint64_t)online * PERIOD_DEFAULT))
        return spec_fault(s, LAYER_CGROUP, "--cpus", value, "must be from 0.01 to %ld, the CPUs of this host", online);
    cpu->period.set = cpu->quota.set = true;
    cpu->period.v = PERIOD_DEFAULT;
    cpu->quota.v = (int64_t)quota;
    source_flag(&s->sources, "linux.resources.cpu.quota", "--cpus", value);
    source_flag(&s->sources, "linux.resources.cpu.period", "--cpus", value);
    return 0;
}

/* "0-3,5": what the kernel's list parser takes, without its extensions. */
static bool is_list(const char *p)
{
    do {
        if (!isdigit((unsigned char)*p))
            return false;
        p += strspn(p, "0123456789");
        if (*p == '-') {
            if (!isdigit((unsigned char)p[1]))
                return false;
            p += 1 + strspn(p + 1, "0123456789");
        }
    } while (*p == ',' && *++p != '\0');
    return *p == '\0';
}

static int cpuset(struct spec *s, const char *flag, const char *value, const char *path, char **ret)
{
    if (value == NULL || value[0] == '\0')
        return 0;
    if (!is_list(value))
        return spec_fault(s, LAYER_CGROUP, flag, value, "is not a list such as 0-3,5");
    *ret = arena_strdup(s->arena, value);
    source_flag(&s->sources, path, flag, value);
    return 0;
}

/* The plain numbers of the CPU section. */
static int cpu_number(struct spec *s, const char *flag, const char *value, const char *path, int64_t low, int64_t high,
                      struct oci_int *ret)
{
    int64_t n = 0;
    if (value == NULL)
        return 0;
    int r = number(s, flag, value, low, high, &n);
    if (r < 0 || n == 0) /* 0: not set, as in Docker */
        return r;
    ret->set = true;
    ret->v = n;
    source_flag(&s->sources, path, flag, value);
    return 0;
}

static void as_unsigned(const struct oci_int *from, struct oci_uint *to)
{
    if (from->set) {
        to->set = true;
        to->v = (uint64_t)from->v;
    }
}

static int cpu(struct spec *s)
{
    const struct run_options *o = s->o;
    if (o->cpus == NULL && o->cpu_shares == NULL && o->cpu_quota == NULL && o->cpu_period == NULL &&
        o->cpu_rt_period == NULL && o->cpu_rt_runtime == NULL && o->cpuset_cpus == NULL && o->cpuset_mems == NULL)
        return 0;
    struct oci_cpu *c = s->config->linux->resources->cpu = arena_new(s->arena, struct oci_cpu);
    if (c == NULL)
        return spec_no_memory(s);
    struct oci_int shares = {0}, period = {0}, rt_period = {0};
    int r = o->cpus != NULL ? cpus(s, c) : 0;
    if (r == 0)
        r = cpu_number(s, "--cpu-shares", o->cpu_shares, "linux.resources.cpu.shares", 0, 262144, &shares);
    if (r == 0)
        r = cpu_number(s, "--cpu-period", o->cpu_period, "linux.resources.cpu.period", 0, 1000000, &period);
    if (r == 0)
        r = cpu_number(s, "--cpu-quota", o->cpu_quota, "linux.resources.cpu.quota", -1, INT64_MAX, &c->quota);
    if (r == 0)
        r = cpu_number(s, "--cpu-rt-period", o->cpu_rt_period, "linux.resources.cpu.realtimePeriod", 0, INT64_MAX,
                       &rt_period);
    if (r == 0)
        r = cpu_number(s, "--cpu-rt-runtime", o->cpu_rt_runtime, "linux.resources.cpu.realtimeRuntime", 0, INT64_MAX,
                       &c->realtime_runtime);
    as_unsigned(&shares, &c->shares);
    as_unsigned(&period, &c->period);
    as_unsigned(&rt_period, &c->realtime_period);
    if (r == 0)
        r = cpuset(s, "--cpuset-cpus", o->cpuset_cpus, "linux.resources.cpu.cpus", &c->cpus);
    if (r == 0)
        r = cpuset(s, "--cpuset-mems", o->cpuset_mems, "linux.resources.cpu.mems", &c->mems);
    return r;
}

static int pids(struct spec *s)
{
    const char *value = s->o->pids_limit;
    const struct profile_item *item = &s->p->pids_limit;
    int64_t limit = -1;
    if (value != NULL) {
        int r = number(s, "--pids-limit", value, -1, INT32_MAX, &limit);
        if (r < 0)
            return r;
        if (limit == 0)
            limit = -1;
        source_flag(&s->sources, "linux.resources.pids.limit", "--pids-limit", value);
    } else if (item->value == NULL || str_eq(item->value, "unlimited")) {
        return 0;
    } else {
        (void)str_to_i64(item->value, &limit); /* checked when the profile was read */
        source_profile(&s->sources, "linux.resources.pids.limit", item);
    }
    struct oci_pids *section = s->config->linux->resources->pids = arena_new(s->arena, struct oci_pids);
    if (section == NULL)
        return spec_no_memory(s);
    section->limit.set = true;
    section->limit.v = limit;
    return 0;
}

static int cgroup_parent(struct spec *s)
{
    const char *parent = s->o->cgroup_parent;
    if (parent == NULL || parent[0] == '\0')
        return 0;
    if (strstr(parent, "..") != NULL)
        return spec_fault(s, LAYER_CGROUP, "--cgroup-parent", parent, "must not hold \"..\"");
    size_t n = strlen(parent);
    while (n > 1 && parent[n - 1] == '/')
        n--;
    s->config->linux->cgroups_path = arena_printf(s->arena, "%s%.*s/%s", parent[0] == '/' ? "" : "/", (int)n, parent,
                                                  s->request->id);
    source_flag(&s->sources, "linux.cgroupsPath", "--cgroup-parent", parent);
    return s->arena->failed ? spec_no_memory(s) : 0;
}

int spec_resources(struct spec *s)
{
    int r = memory(s);
    if (r == 0)
        r = cpu(s);
    if (r == 0)
        r = pids(s);
    return r < 0 ? r : cgroup_parent(s);
}
