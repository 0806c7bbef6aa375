/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force for a live process, whoever placed it: its groups from /proc/PID/cgroup, and their control files.
 *
 * Limits hold along the whole path, so what is reported is the tightest from the process's group up to the root of the
 * hierarchy. A limit that was looked for and not found is -1, unlimited; a member that is absent could not be read.
 * Shares and weights are the group's own: they count against its neighbours only. On v2 they are converted back to
 * v1's units, which the specification speaks. A device program cannot be read as rules; how many are in force is told
 * by an annotation.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

/* v1 writes "no limit" as the greatest multiple of a page. */
#define V1_UNLIMITED (INT64_MAX / 4096 * 4096 - (int64_t)65536)

struct observing {
    struct arena *arena;
    const struct host *host;
    struct membership members;
    struct oci_resources *resources;
    struct oci_config *config;
};

static bool list_names(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p != NULL; p = strchr(p, ',')) {
        if (*p == ',')
            p++;
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
            return true;
    }
    return false;
}

/* Is this line of /proc/PID/cgroup about that hierarchy? */
static bool is_hierarchy(const char *list, const struct host_hierarchy *h)
{
    for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++)
        if ((h->controllers & BIT(c)) != 0 && list_names(list, cgroup_controller_name(c, false)))
            return true;
    if (h->controllers != 0 || !str_starts(list, "name="))
        return false;
    const char *base = strrchr(h->mount, '/');
    return base != NULL && str_eq(base + 1, list + strlen("name="));
}

static const char *without_root(const char *path)
{
    return path == NULL || str_eq(path, "/") ? "" : path;
}

int cgroup_membership(struct arena *a, pid_t pid, const struct host *host, struct membership *ret)
{
    const struct host_cgroup *h = &host->cgroup;
    struct membership m = {.n = 0};
    char name[48];
    char *text = NULL;
    snprintf(name, sizeof name, "/proc/%d/cgroup", (int)pid);
    int r = file_read(a, AT_FDCWD, name, (size_t)1024 * 1024, &text, NULL);
    if (r < 0)
        return r;
    for (char *line = NULL; (line = strsep(&text, "\n")) != NULL;) {
        char *path = line;
        (void)strsep(&path, ":");
        const char *list = strsep(&path, ":");
        /* "/../x": outside of our cgroup namespace, so not to be seen below our mounts. */
        if (list == NULL || path == NULL || *path != '/' || str_starts(path, "/..") || m.n == ARRAY_LEN(m.v))
            continue;
        if (*list == '\0' && h->v2_mount != NULL)
            m.v[m.n++] = (struct member){.mount = h->v2_mount, .path = without_root(path), .v2 = true,
                                         .own = without_root(h->v2_own), .controllers = h->v2_controllers};
        for (size_t i = 0; *list != '\0' && i < h->n_v1; i++)
            if (is_hierarchy(list, &h->v1[i])) {
                m.v[m.n++] = (struct member){.mount = h->v1[i].mount, .path = without_root(path),
                                             .own = without_root(h->v1[i].own), .controllers = h->v1[i].controllers};
                break;
            }
    }
    *ret = m;
    return 0;
}

/* The process's group in the hierarchy that has this controller, if it can be seen; NULL otherwise. */
static const struct member *member_of(const struct observing *o, enum cgroup_controller c)
{
    bool v2 = cgroup_version_of(o->host, c) != CGROUP_V1;
    for (size_t i = 0; i < o->members.n; i++) {
        const struct member *m = &o->members.v[i];
        if (m->v2 != v2 || (m->controllers & BIT(c)) == 0)
            continue;
        const char *path = arena_printf(o->arena, "%s%s", m->mount, m->path);
        return path != NULL && access(path, F_OK) == 0 ? m : NULL;
    }
    return NULL;
}

/* A file of the group that is `path` bytes down the member's path; the number of bytes or a negative errno. */
static ssize_t read_at(const struct member *m, size_t path, const char *file, char *buf, size_t size)
{
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%.*s/%s", m->mount, (int)path, m->path, file);
    if (n < 0 || (size_t)n >= sizeof name)
        return -ENAMETOOLONG;
    return file_read_into(AT_FDCWD, name, buf, size);
}

/* From the process's group up to the root: the length of the path of the next group, false when that was the last. */
static bool go_up(const struct member *m, size_t *path)
{
    if (*path == 0)
        return false;
    do
        --*path;
    while (*path > 0 && m->path[*path] != '/');
    return true;
}

/* "max", a number, or v1's "no limit": -1 for unlimited. */
static int64_t parse_limit(const char *s)
{
    if (!(*s >= '0' && *s <= '9'))
        return -1;
    unsigned long long v = strtoull(s, NULL, 10);
    return v >= (unsigned long long)V1_UNLIMITED ? -1 : (int64_t)v;
}

/* The least of a file's values along the path; -1: none has a limit. */
static int64_t least(const struct member *m, const char *file)
{
    int64_t found = -1;
    size_t path = strlen(m->path);
    do {
        char text[64];
        if (read_at(m, path, file, text, sizeof text) <= 0)
            continue;
        int64_t v = parse_limit(text);
        if (v >= 0 && (found < 0 || v < found))
            found = v;
    } while (go_up(m, &path));
    return found;
}

/* The group's own value, or that of the nearest group above it that has such a file. */
static char *nearest(const struct observing *o, const struct member *m, const char *file)
{
    size_t path = strlen(m->path);
    do {
        char text[4096];
        ssize_t n = read_at(m, path, file, text, sizeof text);
        if (n >= 0) {
            text[strcspn(text, "\n")] = '\0';
            return *text != '\0' ? arena_strdup(o->arena, text) : NULL;
        }
    } while (go_up(m, &path));
    return NULL;
}

static bool own_number(const struct member *m, const char *file, uint64_t *ret)
{
    char text[256];
    if (read_at(m, strlen(m->path), file, text, sizeof text) <= 0)
        return false;
    const char *p = str_starts(text, "default ") ? text + strlen("default ") : text;
    if (*p < '0' || *p > '9')
        return false;
    *ret = strtoull(p, NULL, 10);
    return true;
}

static void observe_memory(struct observing *o)
{
    const struct member *m = member_of(o, CGROUP_MEMORY);
    struct oci_memory *memory = m != NULL ? arena_new(o->arena, struct oci_memory) : NULL;
    if (memory == NULL)
        return;
    int64_t limit = least(m, m->v2 ? "memory.max" : "memory.limit_in_bytes");
    int64_t swap = least(m, m->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
    memory->limit = (struct oci_int){true, limit};
    if (!m->v2 || swap < 0)
        memory->swap = (struct oci_int){true, swap};
    else if (limit >= 0)
        memory->swap = (struct oci_int){true, limit + swap};
    uint64_t n = 0;
    if (own_number(m, m->v2 ? "memory.low" : "memory.soft_limit_in_bytes", &n) && n > 0 && n < V1_UNLIMITED)
        memory->reservation = (struct oci_int){true, (int64_t)n};
    if (!m->v2 && own_number(m, "memory.swappiness", &n))
        memory->swappiness = (struct oci_uint){true, n};
    char text[256];
    if (!m->v2 && read_at(m, strlen(m->path), "memory.oom_control", text, sizeof text) > 0)
        memory->disable_oom_killer = (struct oci_bool){true, strstr(text, "oom_kill_disable 1") != NULL};
    o->resources->memory = memory;
}

/* Quota and period of one group; false where it has none. */
static bool read_quota(const struct member *m, size_t path, int64_t *quota, uint64_t *period)
{
    char text[64];
    if (m->v2) {
        unsigned long long q = 0, p = 0;
        if (read_at(m, path, "cpu.max", text, sizeof text) <= 0 || sscanf(text, "%llu %llu", &q, &p) != 2)
            return false;
        *quota = (int64_t)q;
        *period = p;
        return p > 0;
    }
    if (read_at(m, path, "cpu.cfs_quota_us", text, sizeof text) <= 0 || (*quota = parse_limit(text)) < 0)
        return false;
    if (read_at(m, path, "cpu.cfs_period_us", text, sizeof text) <= 0)
        return false;
    *period = strtoull(text, NULL, 10);
    return *period > 0;
}

static void observe_cpu(struct observing *o)
{
    const struct member *m = member_of(o, CGROUP_CPU), *set = member_of(o, CGROUP_CPUSET);
    struct oci_cpu *cpu = m != NULL || set != NULL ? arena_new(o->arena, struct oci_cpu) : NULL;
    if (cpu == NULL)
        return;
    o->resources->cpu = cpu;
    if (set != NULL) {
        cpu->cpus = nearest(o, set, set->v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus");
        cpu->mems = nearest(o, set, set->v2 ? "cpuset.mems.effective" : "cpuset.effective_mems");
    }
    if (m == NULL)
        return;
    uint64_t n = 0;
    if (own_number(m, m->v2 ? "cpu.weight" : "cpu.shares", &n))
        cpu->shares = (struct oci_uint){true, m->v2 ? cgroup_weight_to_shares(n) : n};
    if (own_number(m, "cpu.idle", &n) && n > 0)
        cpu->idle = (struct oci_int){true, (int64_t)n};
    if (own_number(m, m->v2 ? "cpu.max.burst" : "cpu.cfs_burst_us", &n) && n > 0)
        cpu->burst = (struct oci_uint){true, n};
    cpu->quota = (struct oci_int){true, -1};
    size_t path = strlen(m->path);
    double tightest = 0;
    do {
        int64_t quota = 0;
        uint64_t period = 0;
        if (!read_quota(m, path, &quota, &period))
            continue;
        double part = (double)quota / (double)period;
        if (cpu->quota.v >= 0 && part >= tightest)
            continue;
        tightest = part;
        cpu->quota.v = quota;
        cpu->period = (struct oci_uint){true, period};
    } while (go_up(m, &path));
}

static void observe_pids(struct observing *o)
{
    const struct member *m = member_of(o, CGROUP_PIDS);
    struct oci_pids *pids = m != NULL ? arena_new(o->arena, struct oci_pids) : NULL;
    if (pids == NULL)
        return;
    pids->limit = (struct oci_int){true, least(m, "pids.max")};
    o->resources->pids = pids;
}

/* Remember a throttle, or tighten the one that is there for this device. */
static void add_throttle(struct observing *o, oci_block_throttles *list, int64_t major, int64_t minor, uint64_t rate)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].major.v == major && list->v[i].minor.v == minor) {
            list->v[i].rate.v = MIN_OF(list->v[i].rate.v, rate);
            return;
        }
    struct oci_block_throttle *v = arena_calloc(o->arena, list->n + 1, sizeof *v);
    if (v == NULL)
        return;
    if (list->n > 0)
        memcpy(v, list->v, list->n * sizeof *v);
    v[list->n] = (struct oci_block_throttle){.major = {true, major}, .minor = {true, minor}, .rate = {true, rate}};
    list->v = v;
    list->n++;
    list->set = true;
}

static void observe_throttles(struct observing *o, const struct member *m, const char *v1_file, const char *v2_key,
                              oci_block_throttles *list)
{
    size_t path = strlen(m->path);
    do {
        char text[4096];
        if (read_at(m, path, m->v2 ? "io.max" : v1_file, text, sizeof text) <= 0)
            continue;
        char *rest = text;
        for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
            long long major = 0, minor = 0;
            if (sscanf(line, "%lld:%lld", &major, &minor) != 2)
                continue;
            const char *value = m->v2 ? strstr(line, v2_key) : strchr(line, ' ');
            if (value == NULL)
                continue;
            int64_t rate = parse_limit(value + (m->v2 ? strlen(v2_key) : 1));
            if (rate >= 0)
                add_throttle(o, list, major, minor, (uint64_t)rate);
        }
    } while (go_up(m, &path));
}

static void observe_io(struct observing *o)
{
    const struct member *m = member_of(o, CGROUP_IO);
    struct oci_block_io *io = m != NULL ? arena_new(o->arena, struct oci_block_io) : NULL;
    if (io == NULL)
        return;
    uint64_t n = 0;
    if (own_number(m, m->v2 ? "io.bfq.weight" : "blkio.bfq.weight", &n) ||
        (!m->v2 && own_number(m, "blkio.weight", &n)))
        io->weight = (struct oci_uint){true, n};
    else if (m->v2 && own_number(m, "io.weight", &n))
        io->weight = (struct oci_uint){true, cgroup_io_to_blkio_weight(n)};
    observe_throttles(o, m, "blkio.throttle.read_bps_device", " rbps=", &io->read_bps);
    observe_throttles(o, m, "blkio.throttle.write_bps_device", " wbps=", &io->write_bps);
    observe_throttles(o, m, "blkio.throttle.read_iops_device", " riops=", &io->read_iops);
    observe_throttles(o, m, "blkio.throttle.write_iops_device", " wiops=", &io->write_iops);
    o->resources->block_io = io;
}

static void observe_hugepages(struct observing *o)
{
    static const char *const sizes[] = {"64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "16GB"};
    const struct member *m = member_of(o, CGROUP_HUGETLB);
    struct oci_hugepage *v = m != NULL ? arena_calloc(o->arena, ARRAY_LEN(sizes), sizeof *v) : NULL;
    if (v == NULL)
        return;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char file[64];
        snprintf(file, sizeof file, "hugetlb.%s.%s", sizes[i], m->v2 ? "max" : "limit_in_bytes");
        int64_t limit = least(m, file);
        if (limit >= 0)
            v[n++] = (struct oci_hugepage){.page_size = arena_strdup(o->arena, sizes[i]), .limit = (uint64_t)limit};
    }
    if (n == 0)
        return;
    o->resources->hugepage_limits.v = v;
    o->resources->hugepage_limits.n = n;
    o->resources->hugepage_limits.set = true;
}

/* devices.list: "a *:* rwm", or what is allowed, all else being denied. */
static void observe_devices_v1(struct observing *o, const struct member *m)
{
    const char *path = arena_printf(o->arena, "%s%s/devices.list", m->mount, m->path);
    char *text = NULL;
    if (path == NULL || file_read(o->arena, AT_FDCWD, path, (size_t)256 * 1024, &text, NULL) < 0)
        return;
    size_t lines = 1;
    for (const char *p = text; *p != '\0'; p++)
        lines += *p == '\n';
    struct oci_device_rule *v = arena_calloc(o->arena, lines + 1, sizeof *v);
    if (v == NULL)
        return;
    size_t n = 0;
    v[n++] = (struct oci_device_rule){.allow = {true, false}, .access = arena_strdup(o->arena, "rwm")};
    for (char *line = NULL; (line = strsep(&text, "\n")) != NULL;) {
        char type = 0, major[16], minor[16], access[8];
        if (sscanf(line, "%c %15[^:]:%15s %7s", &type, major, minor, access) != 4)
            continue;
        struct oci_device_rule *r = &v[n++];
        r->allow = (struct oci_bool){true, true};
        r->access = arena_strdup(o->arena, access);
        if (type == 'a')
            continue;
        r->type = arena_printf(o->arena, "%c", type);
        if (!str_eq(major, "*"))
            r->major = (struct oci_int){true, strtoll(major, NULL, 10)};
        if (!str_eq(minor, "*"))
            r->minor = (struct oci_int){true, strtoll(minor, NULL, 10)};
    }
    o->resources->devices.v = v;
    o->resources->devices.n = n;
    o->resources->devices.set = true;
}

static void observe_devices_v2(struct observing *o, const struct member *m, bool pure)
{
    const char *path = arena_printf(o->arena, "%s%s", m->mount, m->path);
    CLEANUP_FD int fd = path != NULL ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
    int programs = fd >= 0 ? cgroup_device_query(fd) : -EBADF;
    if (programs < 0 || (programs == 0 && !pure))
        return;
    struct oci_map *map = &o->config->annotations;
    struct oci_pair *v = arena_calloc(o->arena, map->n + 1, sizeof *v);
    if (v == NULL)
        return;
    if (map->n > 0)
        memcpy(v, map->v, map->n * sizeof *v);
    v[map->n] = (struct oci_pair){.key = arena_strdup(o->arena, ANNOTATION_DEVICE_PROGRAMS),
                                  .value = arena_printf(o->arena, "%d", programs)};
    map->v = v;
    map->n++;
    map->set = true;
}

/* One path for all hierarchies: where they differ, that of the first one in which somebody placed the process. */
static void observe_path(struct observing *o)
{
    static const enum cgroup_controller order[] = {CGROUP_DEVICES, CGROUP_PIDS, CGROUP_MEMORY, CGROUP_CPU};
    const char *path = "";
    for (size_t i = 0; i < ARRAY_LEN(order) && *path == '\0'; i++) {
        const struct member *m = member_of(o, order[i]);
        if (m != NULL)
            path = m->path;
    }
    for (size_t i = 0; i < o->members.n && *path == '\0'; i++)
        if (o->members.v[i].v2)
            path = o->members.v[i].path;
    o->config->linux->cgroups_path = arena_strdup(o->arena, *path != '\0' ? path : "/");
}

int cgroup_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                   struct err *err)
{
    (void)pidfd;
    struct observing o = {.arena = a, .host = host, .config = ret};
    int r = cgroup_membership(a, pid, host, &o.members);
    if (r == -ENOENT && host->cgroup.mode == CGROUP_MODE_NONE)
        return 0; /* a kernel without cgroups */
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "/proc/%d/cgroup", (int)pid);
    if (ret->linux == NULL)
        ret->linux = arena_new(a, struct oci_linux);
    if (ret->linux != NULL && ret->linux->resources == NULL)
        ret->linux->resources = arena_new(a, struct oci_resources);
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    if (o.members.n == 0)
        return 0;
    o.resources = ret->linux->resources;
    observe_path(&o);
    observe_memory(&o);
    observe_cpu(&o);
    observe_pids(&o);
    observe_io(&o);
    observe_hugepages(&o);
    const struct member *devices = member_of(&o, CGROUP_DEVICES);
    if (devices != NULL)
        observe_devices_v1(&o, devices);
    for (size_t i = 0; i < o.members.n; i++)
        if (o.members.v[i].v2)
            observe_devices_v2(&o, &o.members.v[i], devices == NULL);
    return a->failed ? err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory") : 0;
}
