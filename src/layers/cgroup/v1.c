/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of cgroup v1 controllers (Documentation/admin-guide/cgroup-v1/). A controller that the host does not have
 * at all comes here as well, and is refused by settings_add().
 */
#include <inttypes.h>

#include "layers/cgroup/group.h"

#define SWAP_HINT "swap is not accounted for on this host: boot it with swapaccount=1"

static void bytes(struct settings *s, const char *what, const char *file, int64_t v, unsigned flags, const char *hint)
{
    settings_add(s, &(struct setting){.controller = CGROUP_MEMORY, .what = what, .file = file,
                                      .value = settings_number(s, v), .number = v, .hint = hint,
                                      .flags = SET_BYTES | flags | (v < 0 ? (unsigned)SET_UNLIMITED : 0)});
}

void settings_v1_memory(struct settings *s, const struct oci_memory *m)
{
    if (m->limit.v != 0)
        bytes(s, "memory limit", "memory.limit_in_bytes", m->limit.v, SET_AGAIN, NULL);
    /* Lifting the memory limit lifts the limit on memory and swap together with it, as with cgroup_swap_to_v2(). */
    if (m->swap.v != 0 || m->limit.v < 0)
        bytes(s, "memory and swap limit", "memory.memsw.limit_in_bytes", m->swap.v != 0 ? m->swap.v : -1, SET_SWAP,
              SWAP_HINT);
    if (m->reservation.v != 0)
        bytes(s, "memory reservation", "memory.soft_limit_in_bytes", m->reservation.v, 0, NULL);
    if (m->kernel.v > 0 && host_kernel_at_least(s->host, 5, 16))
        settings_refuse(s, -ENOTSUP, "memory kernel limit: kernels from 5.16 on have none; use the memory limit, which "
                        "includes it");
    else if (m->kernel.v > 0)
        bytes(s, "memory kernel limit", "memory.kmem.limit_in_bytes", m->kernel.v, 0, NULL);
    if (m->kernel_tcp.v != 0)
        bytes(s, "memory kernelTCP limit", "memory.kmem.tcp.limit_in_bytes", m->kernel_tcp.v, 0, NULL);
    if (m->swappiness.set && m->swappiness.v > 100)
        settings_refuse(s, -EINVAL, "memory swappiness %" PRIu64 ": is from 0 to 100", m->swappiness.v);
    else if (m->swappiness.set)
        settings_add(s, &(struct setting){.controller = CGROUP_MEMORY, .what = "memory swappiness",
                                          .file = "memory.swappiness",
                                          .value = settings_number(s, (int64_t)m->swappiness.v)});
    if (m->disable_oom_killer.v)
        settings_add(s, &(struct setting){.controller = CGROUP_MEMORY, .what = "memory disableOOMKiller",
                                          .file = "memory.oom_control", .value = "1"});
}

static void cpu(struct settings *s, const char *what, const char *file, int64_t v, unsigned flags, const char *hint)
{
    settings_add(s, &(struct setting){.controller = CGROUP_CPU, .what = what, .file = file,
                                      .value = settings_number(s, v), .flags = flags, .hint = hint});
}

void settings_v1_cpu(struct settings *s, const struct oci_cpu *c)
{
    static const char *const realtime_hint =
        "real-time budget has to be given to the parent group first, and the kernel built with CONFIG_RT_GROUP_SCHED";
    /* An idle group takes no shares, and one that ceases to be idle gets the default ones: so in this order. */
    if (c->idle.set && c->idle.v == 0)
        cpu(s, "cpu idle", "cpu.idle", 0, SET_UNLIMITED, NULL);
    if (c->shares.v != 0)
        cpu(s, "cpu shares", "cpu.shares", (int64_t)c->shares.v, 0, NULL);
    if (c->idle.set && c->idle.v != 0)
        cpu(s, "cpu idle", "cpu.idle", c->idle.v, 0, "needs Linux 5.15");
    /* The period first: a quota is checked against it. On an update the old quota may not fit the new period. */
    if (c->period.v != 0)
        cpu(s, "cpu period", "cpu.cfs_period_us", (int64_t)c->period.v, SET_AGAIN,
            "from 1000 to 1000000 microseconds; needs CONFIG_CFS_BANDWIDTH");
    if (c->quota.v != 0)
        cpu(s, "cpu quota", "cpu.cfs_quota_us", c->quota.v < 0 ? -1 : c->quota.v,
            SET_AGAIN | (c->quota.v < 0 ? (unsigned)SET_UNLIMITED : 0),
            "at least 1000 microseconds, and not above the parent's; needs CONFIG_CFS_BANDWIDTH");
    if (c->burst.set)
        cpu(s, "cpu burst", "cpu.cfs_burst_us", (int64_t)c->burst.v, c->burst.v == 0 ? SET_UNLIMITED : 0,
            "not above the quota; needs Linux 5.14");
    if (c->realtime_period.v != 0)
        cpu(s, "cpu realtimePeriod", "cpu.rt_period_us", (int64_t)c->realtime_period.v, 0, realtime_hint);
    if (c->realtime_runtime.v != 0)
        cpu(s, "cpu realtimeRuntime", "cpu.rt_runtime_us", c->realtime_runtime.v, 0, realtime_hint);
}

static void io(struct settings *s, const char *what, const char *file, const char *other, const char *value)
{
    settings_add(s, &(struct setting){.controller = CGROUP_IO, .what = what, .file = file, .value = value,
                                      .other_file = other, .other_value = value,
                                      .hint = "does this device exist, and its scheduler (BFQ for weights) too?"});
}

static void throttle(struct settings *s, const char *what, const char *file, const oci_block_throttles *list)
{
    for (size_t i = 0; i < list->n; i++)
        io(s, what, file, NULL, arena_printf(s->arena, "%" PRId64 ":%" PRId64 " %" PRIu64, list->v[i].major.v,
                                             list->v[i].minor.v, list->v[i].rate.v));
}

void settings_v1_io(struct settings *s, const struct oci_block_io *b)
{
    /* blkio.weight was CFQ's and went with it in 5.0; BFQ has its own file, and none for leaves. */
    if (b->weight.v != 0)
        io(s, "block I/O weight", "blkio.weight", "blkio.bfq.weight", settings_number(s, (int64_t)b->weight.v));
    if (b->leaf_weight.v != 0)
        io(s, "block I/O leafWeight", "blkio.leaf_weight", NULL, settings_number(s, (int64_t)b->leaf_weight.v));
    for (size_t i = 0; i < b->weight_device.n; i++) {
        const struct oci_block_weight *w = &b->weight_device.v[i];
        if (w->weight.v != 0)
            io(s, "block I/O weight of device", "blkio.weight_device", "blkio.bfq.weight_device",
               arena_printf(s->arena, "%" PRId64 ":%" PRId64 " %" PRIu64, w->major.v, w->minor.v, w->weight.v));
        if (w->leaf_weight.v != 0)
            io(s, "block I/O leafWeight of device", "blkio.leaf_weight_device", NULL,
               arena_printf(s->arena, "%" PRId64 ":%" PRId64 " %" PRIu64, w->major.v, w->minor.v, w->leaf_weight.v));
    }
    throttle(s, "block I/O read limit", "blkio.throttle.read_bps_device", &b->read_bps);
    throttle(s, "block I/O write limit", "blkio.throttle.write_bps_device", &b->write_bps);
    throttle(s, "block I/O read operations limit", "blkio.throttle.read_iops_device", &b->read_iops);
    throttle(s, "block I/O write operations limit", "blkio.throttle.write_iops_device", &b->write_iops);
}

void settings_v1_network(struct settings *s, const struct oci_net_cls *n)
{
    if (n->class_id.set)
        settings_add(s, &(struct setting){.controller = CGROUP_NET_CLS, .what = "network classID",
                                          .file = "net_cls.classid",
                                          .value = settings_number(s, (int64_t)n->class_id.v)});
    for (size_t i = 0; i < n->priorities.n; i++)
        settings_add(s, &(struct setting){.controller = CGROUP_NET_PRIO, .what = "network priority",
                                          .file = "net_prio.ifpriomap", .hint = "does the host have this interface?",
                                          .value = arena_printf(s->arena, "%s %" PRIu32, n->priorities.v[i].name,
                                                                n->priorities.v[i].priority)});
}
