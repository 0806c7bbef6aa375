/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/cgroup/cgroup.h"

#include <inttypes.h>

#include "base/str.h"
#include "insight/facts.h"

#define RESOURCES "linux.resources."

static void explain_memory(struct wall_view *v, const struct oci_memory *m)
{
    char text[64], more[64];
    struct fact *f = NULL;
    bool read = !v->observed || m != NULL;
    int64_t limit = m != NULL && m->limit.set && m->limit.v > 0 ? m->limit.v : -1;
    if (!read)
        fact_add(v, FACT_UNKNOWN, "memory", NULL, "How much memory it may use cannot be told from here.",
                 "cannot be read");
    else if (limit < 0)
        f = fact_add(v, FACT_OPEN, "memory", RESOURCES "memory.limit", "It can use all memory of the host.", "no limit");
    else
        f = fact_add(v, FACT_HOLDS, "memory", RESOURCES "memory.limit",
                     "The kernel kills in this group first when it needs more than that.", "%s",
                     str_from_size((uint64_t)limit, text, sizeof text));
    if (f != NULL)
        f->value = arena_printf(v->a, "%" PRId64, limit);
    if (m == NULL)
        return;
    if (m->swap.set && m->swap.v > 0 && limit > 0 && m->swap.v >= limit)
        f = fact_add(v, FACT_HOLDS, "memory and swap", RESOURCES "memory.swap",
                     "What it swaps out is bounded as well.", "%s, of which swap %s",
                     str_from_size((uint64_t)m->swap.v, text, sizeof text),
                     m->swap.v == limit ? "none" : str_from_size((uint64_t)(m->swap.v - limit), more, sizeof more));
    else if (limit > 0 && (v->observed || m->swap.set))
        f = fact_add(v, FACT_PARTIAL, "memory and swap", RESOURCES "memory.swap",
                     "It can fill the host's swap space, where there is any.", "no limit");
    else
        f = NULL;
    if (f != NULL)
        f->value = arena_printf(v->a, "%" PRId64, m->swap.set && m->swap.v > 0 ? m->swap.v : -1);
    if (m->reservation.set && m->reservation.v > 0)
        fact_add(v, FACT_NOTE, "memory reservation", RESOURCES "memory.reservation",
                 "Under pressure the kernel takes memory from others first, down to this.", "%s",
                 str_from_size((uint64_t)m->reservation.v, text, sizeof text));
    if (m->disable_oom_killer.v)
        fact_add(v, FACT_PARTIAL, "out of memory", RESOURCES "memory.disableOOMKiller",
                 "At its limit the group stands still instead of losing a process.", "killer off");
}

static void explain_cpu(struct wall_view *v, const struct oci_cpu *c)
{
    struct fact *f = NULL;
    bool limited = c != NULL && c->quota.set && c->quota.v > 0;
    uint64_t period = limited && c->period.set && c->period.v > 0 ? c->period.v : 100000;
    if (v->observed && (c == NULL || !c->quota.set)) {
        fact_add(v, FACT_UNKNOWN, "cpu time", NULL, "How much CPU time it may use cannot be told from here.",
                 "cannot be read");
    } else if (limited) {
        f = fact_add(v, FACT_HOLDS, "cpu time", RESOURCES "cpu.quota",
                     "When it has used that in a period, its threads wait for the next.",
                     "%.4g %s (%" PRId64 " of every %" PRIu64 " us)", (double)c->quota.v / (double)period,
                     (uint64_t)c->quota.v == period ? "CPU" : "CPUs", c->quota.v, period);
        f->value = arena_printf(v->a, "%" PRId64 "/%" PRIu64, c->quota.v, period);
    } else {
        f = fact_add(v, FACT_OPEN, "cpu time", RESOURCES "cpu.quota",
                     "It can use every CPU that it may run on, as long as nobody else wants it.", "no limit");
        f->value = "none";
    }
    if (c == NULL)
        return;
    if (c->shares.set && c->shares.v > 0) {
        f = fact_add(v, FACT_NOTE, "cpu share", RESOURCES "cpu.shares",
                     "Its part when CPUs are short, beside its neighbours (1024: an equal one).", "%" PRIu64, c->shares.v);
        f->quiet = v->observed;
        /* cgroup v2 has weights instead, and the way there and back is not exact. */
        if (v->input->host->cgroup.mode == CGROUP_MODE_V2)
            f->value = "set";
    }
    if (c->cpus != NULL && *c->cpus != '\0') {
        f = fact_add(v, FACT_HOLDS, "cpus", RESOURCES "cpu.cpus", "It runs on no other CPU.", "%s",
                     fact_clean(v->a, c->cpus));
        f->quiet = v->observed;
    }
    if (c->mems != NULL && *c->mems != '\0') {
        f = fact_add(v, FACT_HOLDS, "memory nodes", RESOURCES "cpu.mems", "It gets memory of no other node.", "%s",
                     fact_clean(v->a, c->mems));
        f->quiet = v->observed;
    }
}

static void explain_pids(struct wall_view *v, const struct oci_pids *p)
{
    struct fact *f = NULL;
    int64_t limit = p != NULL && p->limit.set && p->limit.v > 0 ? p->limit.v : -1;
    if (v->observed && p == NULL)
        fact_add(v, FACT_UNKNOWN, "processes", NULL, "How many processes it may have cannot be told from here.",
                 "cannot be read");
    else if (limit > 0)
        f = fact_add(v, FACT_HOLDS, "processes", RESOURCES "pids.limit", "A fork bomb ends at this number.",
                     "at most %" PRId64, limit);
    else
        f = fact_add(v, FACT_OPEN, "processes", RESOURCES "pids.limit",
                     "A fork bomb in it takes the host's process numbers and memory.", "no limit");
    if (f != NULL)
        f->value = arena_printf(v->a, "%" PRId64, limit);
}

static void add_throttles(struct buf *text, const oci_block_throttles *list, const char *what, bool bytes)
{
    char size[64];
    for (size_t i = 0; i < list->n; i++) {
        const struct oci_block_throttle *t = &list->v[i];
        buf_printf(text, "%s%s ", text->len > 0 ? ", " : "", what);
        if (bytes)
            buf_printf(text, "%s/s", str_from_size(t->rate.v, size, sizeof size));
        else
            buf_printf(text, "%" PRIu64 " operations/s", t->rate.v);
        buf_printf(text, " on %" PRIu64 ":%" PRIu64, (uint64_t)t->major.v, (uint64_t)t->minor.v);
    }
}

static void explain_block_io(struct wall_view *v, const struct oci_block_io *io)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (io != NULL) {
        add_throttles(&text, &io->read_bps, "read", true);
        add_throttles(&text, &io->write_bps, "write", true);
        add_throttles(&text, &io->read_iops, "read", false);
        add_throttles(&text, &io->write_iops, "write", false);
    }
    if (text.failed)
        v->a->failed = true;
    if (text.len > 0)
        fact_add(v, FACT_HOLDS, "block I/O", RESOURCES "blockIO", "On these disks it cannot crowd out others; on others it can.",
                 "%s", buf_str(&text));
    else
        fact_add(v, FACT_OPEN, "block I/O", RESOURCES "blockIO", "It can keep the host's disks as busy as it likes.",
                 "no limit");
    if (io != NULL && io->weight.set && io->weight.v > 0) {
        struct fact *f = fact_add(v, FACT_NOTE, "block I/O weight", RESOURCES "blockIO.weight",
                                  "Its part of a busy disk, beside its neighbours.", "%" PRIu64, io->weight.v);
        f->quiet = v->observed;
    }
}

#define DEVICES RESOURCES "devices"

/* Is it among those that Docker's profile allows? */
static bool is_ordinary(const struct wall_view *v, const struct cgroup_device_range *d)
{
    if (d->usual)
        return true;
    struct cgroup_device_range numbers = *d;
    numbers.read = numbers.write = false;
    const char *rule = arena_printf(v->a, "allow %s", cgroup_device_range_text(v->a, &numbers));
    for (size_t i = 0; rule != NULL && i < v->usual->devices.n; i++)
        if (str_starts(v->usual->devices.v[i].value, rule))
            return true;
    return false;
}

/* The devices that can be opened and are not ordinary (open), or that are refused although others of their kind are not. */
static const char *list_devices(struct wall_view *v, const struct cgroup_device_meaning *m, bool open, bool *ret_block)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < m->n_named; i++) {
        const struct cgroup_device_range *d = &m->named[i];
        bool others = d->type == 'b' ? m->other_block : m->other_character;
        if (open ? !(d->read || d->write) || others || is_ordinary(v, d) : d->read || d->write || !others)
            continue;
        buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", cgroup_device_range_text(v->a, d));
        *ret_block = *ret_block || d->type == 'b';
    }
    if (text.failed)
        v->a->failed = true;
    return text.len > 0 ? arena_strdup(v->a, buf_str(&text)) : NULL;
}

/* Two lists that come to the same have the same value. */
static const char *devices_value(struct wall_view *v, const struct cgroup_device_meaning *m)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_printf(&text, "%d %d", m->other_block, m->other_character);
    for (size_t i = 0; i < m->n_named; i++)
        buf_printf(&text, ",%s", cgroup_device_range_text(v->a, &m->named[i]));
    if (text.failed)
        v->a->failed = true;
    return arena_strdup(v->a, buf_str(&text));
}

static struct fact *explain_meaning(struct wall_view *v, const struct cgroup_device_meaning *m)
{
    bool block = false, ignored = false;
    const char *extra = list_devices(v, m, true, &block), *refused = list_devices(v, m, false, &ignored);
    struct fact *f = NULL;
    if (m->other_block || m->other_character)
        f = fact_add(v, FACT_OPEN, "devices", DEVICES,
                     m->other_block ? "Every disk of the host that it has or makes a node of can be opened."
                                    : "Every character device that it has or makes a node of can be opened.",
                     "all %s allowed%s%s%s%s",
                     !m->other_block ? "character devices" : !m->other_character ? "block devices" : "are",
                     refused != NULL ? " but for " : "", refused != NULL ? refused : "", extra != NULL ? ", and " : "",
                     extra != NULL ? extra : "");
    else if (extra != NULL)
        f = fact_add(v, FACT_PARTIAL, "devices", DEVICES,
                     block ? "What a disk among them holds it can read or change past every file permission."
                           : "These devices of the host can be opened as well; any other is refused.",
                     "refused but for the usual ones and %s", extra);
    else
        f = fact_add(v, FACT_HOLDS, "devices", DEVICES, "Opening any other device node fails, whoever made it.",
                     "refused but for the usual ones");
    f->value = devices_value(v, m);
    return f;
}

static void explain_devices(struct wall_view *v, const struct oci_resources *r)
{
    const char *programs = v->observed ? oci_annotation(v->c, ANNOTATION_DEVICE_PROGRAMS) : NULL;
    const char *left_out = v->observed ? NULL : cgroup_devices_left_out(v->input->host);
    struct cgroup_device_meaning m = {.other_block = true, .other_character = true};
    struct err err = ERR_INIT;
    bool known = !v->observed || (r != NULL && r->devices.set);
    if (known && cgroup_device_meaning(v->a, r, v->observed, &m, &err) < 0) {
        fact_add(v, FACT_UNKNOWN, "devices", DEVICES, "What the rules come to cannot be said.", "%s",
                 fact_clean(v->a, err.text));
    } else if (left_out != NULL) {
        fact_add(v, FACT_PARTIAL, "devices", DEVICES,
                 "What device nodes are in its /dev is guarded by their owner and mode alone.", "%s", left_out);
    } else if (known || (programs != NULL && str_eq(programs, "0"))) {
        struct fact *f = explain_meaning(v, &m);
        if (!v->observed)
            f->source = fact_join(v->a, f->source, fact_source(v->a, v->c, "linux.devices"));
    } else if (programs != NULL) {
        fact_add(v, FACT_UNKNOWN, "devices", DEVICES,
                 "A BPF program decides which device nodes can be opened; its rules cannot be read back.",
                 "%s filter %s", programs, str_eq(programs, "1") ? "program" : "programs");
    } else {
        fact_add(v, FACT_UNKNOWN, "devices", NULL, "Whether device nodes can be opened cannot be told from here.",
                 "cannot be read");
    }
}

void explain_cgroup(struct wall_view *v)
{
    const struct oci_linux *l = v->c->linux;
    const struct oci_resources *r = l != NULL ? l->resources : NULL;
    explain_memory(v, r != NULL ? r->memory : NULL);
    explain_cpu(v, r != NULL ? r->cpu : NULL);
    explain_pids(v, r != NULL ? r->pids : NULL);
    explain_block_io(v, r != NULL ? r->block_io : NULL);
    explain_devices(v, r);
    for (size_t i = 0; r != NULL && i < r->hugepage_limits.n; i++) {
        char text[64];
        const struct oci_hugepage *h = &r->hugepage_limits.v[i];
        struct fact *f = fact_add(v, FACT_HOLDS, arena_printf(v->a, "huge pages %s", fact_clean(v->a, h->page_size)),
                                  RESOURCES "hugepageLimits", "It gets no more of the host's huge pages than that.", "%s",
                                  str_from_size(h->limit, text, sizeof text));
        f->quiet = v->observed;
    }
    for (size_t i = 0; r != NULL && i < r->unified.n; i++)
        fact_add(v, FACT_NOTE, fact_clean(v->a, r->unified.v[i].key), RESOURCES "unified",
                 "Set in the control group as it is written here.", "%s", fact_clean(v->a, r->unified.v[i].value));
    if (v->observed && l != NULL && l->cgroups_path != NULL) {
        bool root = str_eq(l->cgroups_path, "/");
        fact_add(v, FACT_NOTE, "group", NULL,
                 root ? "It is in no group of its own: what it uses is counted with the host's."
                      : "What it uses is counted here, with whatever else is in the group.",
                 "%s", fact_clean(v->a, l->cgroups_path));
    }
}
