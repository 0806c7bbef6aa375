/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cgroup file systems this host has, and which groups of them we are in.
 *
 * Theory of operation: /proc/self/cgroup (cgroups(7)) names every hierarchy and our group in it. Where each is mounted
 * is guessed at its usual place and confirmed with one statfs, for /proc/self/mountinfo grows with every container on
 * the host and costs more than all the rest. mountinfo is read, once, only where a guess fails: an unusual mount point,
 * or a bind mount that shows only a part of the hierarchy (a container of another engine without a cgroup namespace).
 */
#include "sys/host.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define ROOT "/sys/fs/cgroup"
#define MAX_HIERARCHIES 32 /* one per controller and a few named ones; the kernel has 14 controllers */
#define MAX_PROC_FILE ((size_t)4 * 1024 * 1024)

/* The kernel's names, which are also the names of the usual mount points. */
static const struct {
    const char *name;
    enum cgroup_controller controller;
} controllers[] = {
    {"cpu", CGROUP_CPU},         {"cpuacct", CGROUP_CPUACCT}, {"cpuset", CGROUP_CPUSET},
    {"memory", CGROUP_MEMORY},   {"blkio", CGROUP_IO},        {"io", CGROUP_IO},
    {"pids", CGROUP_PIDS},       {"devices", CGROUP_DEVICES}, {"freezer", CGROUP_FREEZER},
    {"hugetlb", CGROUP_HUGETLB}, {"rdma", CGROUP_RDMA},       {"net_cls", CGROUP_NET_CLS},
    {"net_prio", CGROUP_NET_PRIO},
};

struct probe {
    struct arena *arena;
    char *mountinfo; /* NULL until it was needed */
    struct host_hierarchy v1[MAX_HIERARCHIES];
    size_t n_v1;
};

/* The bits of a list of names, separated by commas or blanks. Controllers that we have no settings for are left out. */
static uint32_t controllers_from_names(const char *list)
{
    uint32_t bits = 0;
    for (const char *p = list; *p != '\0';) {
        size_t n = strcspn(p, ", \n");
        for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
            if (strlen(controllers[i].name) == n && strncmp(p, controllers[i].name, n) == 0)
                bits |= UINT32_C(1) << controllers[i].controller;
        p += n;
        p += strspn(p, ", \n");
    }
    return bits;
}

static bool is_filesystem(const char *path, unsigned long magic)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

/* Is the group that /proc/self/cgroup names really to be seen below this mount? */
static bool shows_group(struct probe *p, const char *mount, const char *own)
{
    if (str_eq(own, "/"))
        return true;
    const char *path = arena_printf(p->arena, "%s%s", mount, own);
    return path != NULL && access(path, F_OK) == 0;
}

/* Does the comma-separated list contain this item of n bytes? */
static bool list_has(const char *list, const char *item, size_t n)
{
    for (const char *s = list; s != NULL; s = strchr(s, ',')) {
        if (*s == ',')
            s++;
        if (strncmp(s, item, n) == 0 && (s[n] == '\0' || s[n] == ','))
            return true;
    }
    return false;
}

/* mountinfo writes blanks, tabs, newlines and backslashes as \ooo. */
static void unescape(char *s)
{
    char *out = s;
    while (*s != '\0') {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
            *out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = '\0';
}

/*
 * Find a hierarchy in mountinfo: v2 when list is NULL, else the v1 one with the first controller (or the name=) of
 * list. *own loses the part that lies above the mount's root. 1: found, 0: not mounted, or a negative errno.
 */
static int find_mount(struct probe *p, const char *list, char **ret_mount, char **own)
{
    if (p->mountinfo == NULL) {
        int r = file_read(p->arena, AT_FDCWD, "/proc/self/mountinfo", MAX_PROC_FILE, &p->mountinfo, NULL);
        if (r < 0)
            return r;
    }
    for (const char *next = p->mountinfo; *next != '\0';) {
        size_t n = strcspn(next, "\n");
        char *line = arena_strndup(p->arena, next, n);
        if (line == NULL)
            return -ENOMEM;
        next += n + (next[n] == '\n');
        /* id parent major:minor root mount-point options [optional ...] - type source super-options */
        char *tail = strstr(line, " - ");
        if (tail == NULL)
            continue;
        *tail = '\0';
        char *rest = tail + 3, *type = strsep(&rest, " ");
        (void)strsep(&rest, " ");
        if (!str_eq(type, list == NULL ? "cgroup2" : "cgroup") || rest == NULL)
            continue;
        if (list != NULL && !list_has(rest, list, strcspn(list, ",")))
            continue;
        char *fields = line;
        for (int i = 0; i < 3; i++)
            (void)strsep(&fields, " ");
        char *root = strsep(&fields, " "), *mount = strsep(&fields, " ");
        if (root == NULL || mount == NULL)
            continue;
        unescape(root);
        unescape(mount);
        size_t root_len = str_eq(root, "/") ? 0 : strlen(root);
        if (strncmp(*own, root, root_len) != 0 || ((*own)[root_len] != '/' && (*own)[root_len] != '\0'))
            continue; /* another part of the hierarchy, without our group */
        char *inside = *own + root_len;
        if (*inside == '\0')
            inside = arena_strdup(p->arena, "/");
        if (inside == NULL || !shows_group(p, mount, inside))
            continue; /* covered by a later mount */
        *ret_mount = mount;
        *own = inside;
        return 1;
    }
    return 0;
}

/* The usual mount point of a v1 hierarchy, or NULL: the whole list, then each name of it ("cpu" -> "cpu,cpuacct"). */
static char *usual_mount(struct probe *p, const char *list)
{
    const char *name = str_starts(list, "name=") ? list + strlen("name=") : list;
    char *mount = arena_printf(p->arena, ROOT "/%s", name);
    if (mount == NULL || is_filesystem(mount, CGROUP_SUPER_MAGIC))
        return mount;
    if (strchr(name, ',') == NULL)
        return NULL;
    while (*name != '\0') {
        size_t n = strcspn(name, ",");
        mount = arena_printf(p->arena, ROOT "/%.*s", (int)n, name);
        if (mount == NULL || is_filesystem(mount, CGROUP_SUPER_MAGIC))
            return mount;
        name += n + (name[n] == ',');
    }
    return NULL;
}

static int add_v1(struct probe *p, const char *list, char *own)
{
    uint32_t bits = controllers_from_names(list);
    if (bits == 0 && !str_starts(list, "name="))
        return 0; /* perf_event, misc and the like: nothing to set there */
    char *mount = usual_mount(p, list);
    if (mount == NULL || !shows_group(p, mount, own)) {
        int r = find_mount(p, list, &mount, &own);
        if (r <= 0)
            return r;
    }
    if (p->n_v1 < MAX_HIERARCHIES)
        p->v1[p->n_v1++] = (struct host_hierarchy){.mount = mount, .own = own, .controllers = bits};
    return 0;
}

static int add_v2(struct probe *p, bool pure, struct host_cgroup *h, char *own)
{
    char *mount = arena_strdup(p->arena, pure ? ROOT : ROOT "/unified");
    if (mount == NULL)
        return -ENOMEM;
    if ((!pure && !is_filesystem(mount, CGROUP2_SUPER_MAGIC)) || !shows_group(p, mount, own)) {
        int r = find_mount(p, NULL, &mount, &own);
        if (r <= 0)
            return r;
    }
    h->v2_mount = mount;
    h->v2_own = own;
    const char *path = arena_printf(p->arena, "%s/cgroup.controllers", mount);
    char names[256];
    if (path != NULL && file_read_into(AT_FDCWD, path, names, sizeof names) > 0)
        h->v2_controllers = controllers_from_names(names);
    return 0;
}

int host_probe_cgroup(struct arena *a, struct host_cgroup *ret, struct err *err)
{
    struct host_cgroup h = {.mode = CGROUP_MODE_NONE};
    struct probe p = {.arena = a};
    bool pure = is_filesystem(ROOT, CGROUP2_SUPER_MAGIC);

    char *text = NULL;
    int r = file_read(a, AT_FDCWD, "/proc/self/cgroup", MAX_PROC_FILE, &text, NULL);
    if (r == -ENOENT && access("/proc/self", F_OK) == 0) {
        *ret = h; /* a kernel without cgroups */
        return 0;
    }
    if (r < 0)
        return err_set_errno(err, r, LAYER_HOST, "/proc/self/cgroup");
    for (char *line = NULL; (line = strsep(&text, "\n")) != NULL;) {
        /* id ":" controllers ":" path; only the path may hold more colons */
        char *own = line;
        (void)strsep(&own, ":");
        char *list = strsep(&own, ":");
        if (list == NULL || own == NULL || *own != '/')
            continue;
        r = *list == '\0' ? add_v2(&p, pure, &h, own) : add_v1(&p, list, own);
        if (r < 0)
            return err_set_errno(err, r, LAYER_HOST, "looking for the cgroup file systems");
    }
    if (p.n_v1 > 0) {
        h.v1 = arena_calloc(a, p.n_v1, sizeof *h.v1);
        if (h.v1 != NULL)
            memcpy(h.v1, p.v1, p.n_v1 * sizeof *h.v1);
        h.n_v1 = p.n_v1;
    }
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_HOST, "out of memory while looking for the cgroup file systems");
    uint32_t in_v1 = 0;
    for (size_t i = 0; i < p.n_v1; i++)
        in_v1 |= p.v1[i].controllers;
    /* A named hierarchy of some service manager beside a v2 tree in the first place does not make a host hybrid. */
    if (h.v2_mount != NULL)
        h.mode = in_v1 != 0 || (p.n_v1 > 0 && !pure) ? CGROUP_MODE_HYBRID : CGROUP_MODE_V2;
    else if (h.n_v1 > 0)
        h.mode = CGROUP_MODE_V1;
    *ret = h;
    return 0;
}
