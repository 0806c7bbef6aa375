/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.resources to a list of settings, controller by controller in the version that this host has each in.
 * What is the same in both versions is here; v1.c and v2.c have the rest. Pure: refuses what struct host rules out.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

void settings_refuse(struct settings *s, int code, const char *fmt, ...)
{
    if (s->failed != 0)
        return;
    s->failed = code;
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(s->err, code, LAYER_CGROUP, "%s", text);
}

const char *settings_number(struct settings *s, int64_t n)
{
    return arena_printf(s->arena, "%" PRId64, n);
}

char *cgroup_setting_text(struct arena *a, const struct setting *s)
{
    char size[32];
    const char *value = (s->flags & SET_BYTES) != 0 ? cgroup_size_text(s->number, size, sizeof size) : s->value;
    if (value == NULL)
        value = ""; /* memory ran out, and the arena knows */
    size_t n = strcspn(value, "\n");
    return arena_printf(a, "%s %.*s", s->what, (int)MIN_OF(n, (size_t)100), value);
}

/* Say which controllers there are, so that the reader sees what kind of host this is. */
static void refuse_absent(struct settings *s, const struct setting *setting)
{
    const struct host_cgroup *h = &s->host->cgroup;
    uint32_t v1 = 0;
    for (size_t i = 0; i < h->n_v1; i++)
        v1 |= h->v1[i].controllers;
    CLEANUP_BUF struct buf list = BUF_INIT;
    for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++) {
        bool in_v1 = (v1 & BIT(c)) != 0, in_v2 = h->v2_mount != NULL && (h->v2_controllers & BIT(c)) != 0;
        if (in_v1 || in_v2)
            buf_printf(&list, "%s%s", list.len > 0 ? " " : "", cgroup_controller_name(c, !in_v1));
    }
    const char *text = cgroup_setting_text(s->arena, setting);
    settings_refuse(s, -ENOTSUP, "%s: this host has no %s controller for us (there is: %s)", text != NULL ? text : "",
                    cgroup_controller_name(setting->controller, h->mode == CGROUP_MODE_V2),
                    list.len > 0 ? buf_str(&list) : "none");
}

void settings_add(struct settings *s, const struct setting *setting)
{
    if (s->failed != 0)
        return;
    enum cgroup_version version = cgroup_version_of(s->host, setting->controller);
    if (version == CGROUP_ABSENT) {
        if ((setting->flags & (SET_UNLIMITED | SET_OPTIONAL)) == 0)
            refuse_absent(s, setting);
        return;
    }
    struct setting *copy = arena_new(s->arena, struct setting);
    if (copy == NULL) {
        settings_refuse(s, -ENOMEM, "out of memory");
        return;
    }
    *copy = *setting;
    copy->next = NULL;
    copy->v2 = version == CGROUP_V2;
    if (s->last != NULL)
        s->last->next = copy;
    else
        s->first = copy;
    s->last = copy;
}

static void add_memory(struct settings *s, const struct oci_memory *m)
{
    /* Checked here because the meaning is the specification's, not the kernel's: swap is memory and swap together. */
    bool set = false;
    int64_t swap = 0;
    if (m->swap.v > 0 && m->limit.v == 0) {
        settings_refuse(s, -EINVAL, "memory and swap limit %" PRId64 ": needs a memory limit beside it", m->swap.v);
        return;
    }
    if (cgroup_swap_to_v2(m->swap.v, m->limit.v, &set, &swap) < 0) {
        settings_refuse(s, -EINVAL,
                        "memory and swap limit %" PRId64 ": is less than the memory limit %" PRId64
                        ", which it includes", m->swap.v, m->limit.v);
        return;
    }
    if (m->limit.v < -1 || m->reservation.v < -1 || m->swap.v < -1 || m->kernel.v < -1 || m->kernel_tcp.v < -1) {
        settings_refuse(s, -EINVAL, "memory: of the negative numbers only -1 (unlimited) has a meaning");
        return;
    }
    if (m->use_hierarchy.set && !m->use_hierarchy.v) {
        settings_refuse(s, -ENOTSUP, "memory useHierarchy false: the kernel always accounts hierarchically (since 5.11 "
                        "and on cgroup v2); leave it out");
        return;
    }
    if (cgroup_version_of(s->host, CGROUP_MEMORY) == CGROUP_V2)
        settings_v2_memory(s, m);
    else
        settings_v1_memory(s, m);
}

static void add_cpu(struct settings *s, const struct oci_cpu *c)
{
    if (c->idle.set && c->idle.v != 0 && c->idle.v != 1) {
        settings_refuse(s, -EINVAL, "cpu idle %" PRId64 ": is 0 or 1", c->idle.v);
        return;
    }
    if (cgroup_version_of(s->host, CGROUP_CPU) == CGROUP_V2)
        settings_v2_cpu(s, c);
    else
        settings_v1_cpu(s, c);
    /* The names are the same in both versions. */
    if (c->cpus != NULL && *c->cpus != '\0')
        settings_add(s, &(struct setting){.controller = CGROUP_CPUSET, .what = "cpuset cpus", .file = "cpuset.cpus",
                                          .value = c->cpus, .hint = "are these processors online and the parent's?"});
    if (c->mems != NULL && *c->mems != '\0')
        settings_add(s, &(struct setting){.controller = CGROUP_CPUSET, .what = "cpuset mems", .file = "cpuset.mems",
                                          .value = c->mems, .hint = "are these memory nodes there and the parent's?"});
}

static void add_pids(struct settings *s, const struct oci_pids *p)
{
    if (!p->limit.set)
        return;
    bool unlimited = p->limit.v <= 0;
    settings_add(s, &(struct setting){.controller = CGROUP_PIDS, .what = "pids limit", .file = "pids.max",
                                      .value = unlimited ? "max" : settings_number(s, p->limit.v),
                                      .flags = unlimited ? SET_UNLIMITED : 0});
}

static void add_block_io(struct settings *s, const struct oci_block_io *b)
{
    if (b->weight.v != 0 && (b->weight.v < 10 || b->weight.v > 1000)) {
        settings_refuse(s, -EINVAL, "block I/O weight %" PRIu64 ": is from 10 to 1000", b->weight.v);
        return;
    }
    for (size_t i = 0; i < b->weight_device.n; i++) {
        const struct oci_block_weight *w = &b->weight_device.v[i];
        if (w->weight.v != 0 && (w->weight.v < 10 || w->weight.v > 1000)) {
            settings_refuse(s, -EINVAL, "block I/O weight %" PRIu64 " of device %" PRId64 ":%" PRId64
                            ": is from 10 to 1000", w->weight.v, w->major.v, w->minor.v);
            return;
        }
    }
    if (cgroup_version_of(s->host, CGROUP_IO) == CGROUP_V2)
        settings_v2_io(s, b);
    else
        settings_v1_io(s, b);
}

static void add_hugepages(struct settings *s, const char *size, uint64_t limit)
{
    /* The size becomes part of a file's name. */
    if (size == NULL || *size < '1' || *size > '9' || strspn(size, "0123456789KMGB") != strlen(size)) {
        settings_refuse(s, -EINVAL, "hugepage limit: page size %s is not one like 2MB", size != NULL ? size : "");
        return;
    }
    bool v2 = cgroup_version_of(s->host, CGROUP_HUGETLB) == CGROUP_V2;
    const char *tail = v2 ? "max" : "limit_in_bytes";
    const char *value = arena_printf(s->arena, "%" PRIu64, limit);
    settings_add(s, &(struct setting){.controller = CGROUP_HUGETLB, .value = value,
                                      .what = arena_printf(s->arena, "hugepage %s limit", size),
                                      .file = arena_printf(s->arena, "hugetlb.%s.%s", size, tail),
                                      .hint = "does the processor have pages of this size?"});
    /* Reservations are counted apart since Linux 5.7; without this one, mmap succeeds and the page fault kills. */
    settings_add(s, &(struct setting){.controller = CGROUP_HUGETLB, .value = value, .flags = SET_OPTIONAL,
                                      .what = arena_printf(s->arena, "hugepage %s reservation limit", size),
                                      .file = arena_printf(s->arena, "hugetlb.%s.rsvd.%s", size, tail)});
}

static void add_rdma(struct settings *s, const char *device, struct oci_uint handles, struct oci_uint objects)
{
    if (strpbrk(device, " \n") != NULL) {
        settings_refuse(s, -EINVAL, "rdma limit: device name \"%s\"", device);
        return;
    }
    char h[40] = "", o[40] = "";
    if (handles.set)
        snprintf(h, sizeof h, " hca_handle=%" PRIu64, handles.v);
    if (objects.set)
        snprintf(o, sizeof o, " hca_object=%" PRIu64, objects.v);
    if (handles.set || objects.set)
        settings_add(s, &(struct setting){.controller = CGROUP_RDMA, .what = "rdma limit", .file = "rdma.max",
                                          .value = arena_printf(s->arena, "%s%s%s", device, h, o)});
}

static const char *const core_files[] = {"cgroup.max.depth", "cgroup.max.descendants", "cgroup.pressure"};

/* A file of the v2 tree by its name. Files that move, stop or kill processes are no settings. */
static void add_unified(struct settings *s, const char *key, const char *value)
{
    const struct host_cgroup *h = &s->host->cgroup;
    const char *dot = strchr(key, '.');
    if (strchr(key, '/') != NULL || dot == NULL || dot == key) {
        settings_refuse(s, -EINVAL, "unified %s: is not the name of a file CONTROLLER.PARAMETER", key);
        return;
    }
    if (h->v2_mount == NULL) {
        settings_refuse(s, -ENOTSUP, "unified %s: this host has cgroup v1 only", key);
        return;
    }
    struct setting setting = {.what = arena_printf(s->arena, "unified %s", key), .file = key, .value = value,
                              .v2 = true, .flags = SET_LINES, .controller = CGROUP_CONTROLLERS};
    size_t n = (size_t)(dot - key);
    for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++) {
        const char *name = cgroup_controller_name(c, true);
        if (strlen(name) == n && strncmp(name, key, n) == 0 && (h->v2_controllers & BIT(c)) != 0) {
            setting.controller = c;
            settings_add(s, &setting);
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(core_files); i++)
        if (str_eq(key, core_files[i])) {
            struct setting *copy = arena_new(s->arena, struct setting);
            if (copy == NULL) {
                settings_refuse(s, -ENOMEM, "out of memory");
                return;
            }
            *copy = setting;
            if (s->last != NULL)
                s->last->next = copy;
            else
                s->first = copy;
            s->last = copy;
            return;
        }
    if (str_starts(key, "cgroup."))
        settings_refuse(s, -EINVAL, "unified %s: this file is the runtime's own to write", key);
    else
        settings_refuse(s, -ENOTSUP, "unified %s: the v2 tree of this host (%s) has no controller %.*s for us", key,
                        h->v2_mount, (int)n, key);
}

int cgroup_settings(const struct oci_resources *r, struct settings *s)
{
    if (r == NULL)
        return 0;
    if (r->memory != NULL)
        add_memory(s, r->memory);
    if (r->cpu != NULL)
        add_cpu(s, r->cpu);
    if (r->pids != NULL)
        add_pids(s, r->pids);
    if (r->block_io != NULL)
        add_block_io(s, r->block_io);
    for (size_t i = 0; i < r->hugepage_limits.n; i++)
        add_hugepages(s, r->hugepage_limits.v[i].page_size, r->hugepage_limits.v[i].limit);
    for (size_t i = 0; i < r->rdma.n; i++)
        add_rdma(s, r->rdma.v[i].key, r->rdma.v[i].hca_handles, r->rdma.v[i].hca_objects);
    if (r->network != NULL)
        settings_v1_network(s, r->network);
    /* Last, so that they have the last word, as the specification wants. */
    for (size_t i = 0; i < r->unified.n; i++)
        add_unified(s, r->unified.v[i].key, r->unified.v[i].value);
    if (s->failed == 0 && s->arena->failed)
        settings_refuse(s, -ENOMEM, "out of memory");
    return s->failed;
}
