/* SPDX-License-Identifier: Apache-2.0 */
/* The files of cgroup v2 controllers (Documentation/admin-guide/cgroup-v2.rst), with values converted from v1's. */
#include <inttypes.h>

#include "layers/cgroup/group.h"

static void bytes(struct settings *s, const char *what, const char *file, int64_t asked, int64_t v, unsigned flags,
                  const char *hint)
{
    settings_add(s, &(struct setting){.controller = CGROUP_MEMORY, .what = what, .file = file,
                                      .value = v < 0 ? "max" : settings_number(s, v), .number = asked, .hint = hint,
                                      .flags = SET_BYTES | flags | (v < 0 ? (unsigned)SET_UNLIMITED : 0)});
}

void settings_v2_memory(struct settings *s, const struct oci_memory *m)
{
    bool set = false;
    int64_t swap = 0;
    (void)cgroup_swap_to_v2(m->swap.v, m->limit.v, &set, &swap); /* was checked by the caller */
    if (m->kernel.v > 0)
        settings_refuse(s, -ENOTSUP, "memory kernel limit: cgroup v2 has none; use the memory limit, which includes "
                        "it");
    if (m->kernel_tcp.v > 0)
        settings_refuse(s, -ENOTSUP, "memory kernelTCP limit: cgroup v2 has none; use the memory limit, which includes "
                        "it");
    if (m->swappiness.set)
        settings_refuse(s, -ENOTSUP, "memory swappiness: cgroup v2 has none for a group; leave it out");
    if (m->disable_oom_killer.v)
        settings_refuse(s, -ENOTSUP, "memory disableOOMKiller: cgroup v2 cannot switch it off; leave it out");
    if (m->limit.v != 0)
        bytes(s, "memory limit", "memory.max", m->limit.v, m->limit.v, 0, NULL);
    if (set)
        bytes(s, "memory and swap limit", "memory.swap.max", m->swap.v != 0 ? m->swap.v : -1, swap, SET_SWAP,
              "swap is not accounted for on this host: boot it with swapaccount=1");
    if (m->reservation.v != 0)
        bytes(s, "memory reservation", "memory.low", m->reservation.v, m->reservation.v < 0 ? -1 : m->reservation.v, 0,
              NULL);
}

void settings_v2_cpu(struct settings *s, const struct oci_cpu *c)
{
    if (c->realtime_period.v != 0 || c->realtime_runtime.v != 0)
        settings_refuse(s, -ENOTSUP, "cpu realtimePeriod and realtimeRuntime: cgroup v2 has no real-time budgets; "
                        "leave them out");
    /* An idle group takes no weight, and one that ceases to be idle gets the default one: so in this order. */
    if (c->idle.set && c->idle.v == 0)
        settings_add(s, &(struct setting){.controller = CGROUP_CPU, .what = "cpu idle", .file = "cpu.idle",
                                          .value = "0", .flags = SET_UNLIMITED});
    if (c->shares.v != 0)
        settings_add(s, &(struct setting){.controller = CGROUP_CPU, .what = "cpu shares, as weight",
                                          .file = "cpu.weight",
                                          .value = settings_number(s, (int64_t)cgroup_shares_to_weight(c->shares.v))});
    if (c->idle.set && c->idle.v != 0)
        settings_add(s, &(struct setting){.controller = CGROUP_CPU, .what = "cpu idle", .file = "cpu.idle",
                                          .value = "1", .hint = "needs Linux 5.15"});
    if (c->quota.v != 0 || c->period.v != 0) {
        /* One file for both. A new group has no quota; cgroup_update() keeps the one that is in force. */
        const char *quota = c->quota.v > 0 ? settings_number(s, c->quota.v) : "max";
        const char *value = c->period.v != 0 ? arena_printf(s->arena, "%s %" PRIu64, quota, c->period.v) : quota;
        settings_add(s, &(struct setting){.controller = CGROUP_CPU, .what = "cpu quota and period", .file = "cpu.max",
                                          .value = value, .flags = c->quota.v <= 0 ? SET_UNLIMITED : 0,
                                          .hint = "quota at least 1000, period from 1000 to 1000000 microseconds"});
    }
    if (c->burst.set)
        settings_add(s, &(struct setting){.controller = CGROUP_CPU, .what = "cpu burst", .file = "cpu.max.burst",
                                          .value = settings_number(s, (int64_t)c->burst.v),
                                          .flags = c->burst.v == 0 ? SET_UNLIMITED : 0,
                                          .hint = "not above the quota; needs Linux 5.14"});
}

static void weight(struct settings *s, const char *what, const char *device, uint64_t v)
{
    /*
     * Where the kernel has BFQ, its file takes v1's scale; else io.weight (blk-iocost) takes the converted one. That is
     * runc's and crun's order, too.
     */
    const char *value = arena_printf(s->arena, "%s%s%" PRIu64, device, *device != '\0' ? " " : "", v);
    const char *other = arena_printf(s->arena, "%s%s%" PRIu64, device, *device != '\0' ? " " : "",
                                     cgroup_blkio_to_io_weight(v));
    settings_add(s, &(struct setting){.controller = CGROUP_IO, .what = what, .file = "io.bfq.weight", .value = value,
                                      .other_file = "io.weight", .other_value = other,
                                      .hint = "neither BFQ nor blk-iocost is in this kernel, or no such device"});
}

static void throttle(struct settings *s, const char *what, const char *key, const oci_block_throttles *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct oci_block_throttle *t = &list->v[i];
        const char *rate = t->rate.v != 0 ? arena_printf(s->arena, "%" PRIu64, t->rate.v) : "max";
        settings_add(s, &(struct setting){.controller = CGROUP_IO, .what = what, .file = "io.max",
                                          .value = arena_printf(s->arena, "%" PRId64 ":%" PRId64 " %s=%s", t->major.v,
                                                                t->minor.v, key, rate),
                                          .hint = "does this device exist, as a whole disk?"});
    }
}

void settings_v2_io(struct settings *s, const struct oci_block_io *b)
{
    if (b->leaf_weight.v != 0)
        settings_refuse(s, -ENOTSUP, "block I/O leafWeight: cgroup v2 has none; leave it out");
    if (b->weight.v != 0)
        weight(s, "block I/O weight", "", b->weight.v);
    for (size_t i = 0; i < b->weight_device.n; i++) {
        const struct oci_block_weight *w = &b->weight_device.v[i];
        if (w->leaf_weight.v != 0)
            settings_refuse(s, -ENOTSUP, "block I/O leafWeight of device %" PRId64 ":%" PRId64
                            ": cgroup v2 has none; leave it out", w->major.v, w->minor.v);
        const char *device = arena_printf(s->arena, "%" PRId64 ":%" PRId64, w->major.v, w->minor.v);
        if (w->weight.v != 0 && device != NULL)
            weight(s, "block I/O weight of device", device, w->weight.v);
    }
    throttle(s, "block I/O read limit", "rbps", &b->read_bps);
    throttle(s, "block I/O write limit", "wbps", &b->write_bps);
    throttle(s, "block I/O read operations limit", "riops", &b->read_iops);
    throttle(s, "block I/O write operations limit", "wiops", &b->write_iops);
}
