/* SPDX-License-Identifier: Apache-2.0 */
/* Where the container's group is in each hierarchy. Pure: works on strings of the configuration and struct host. */
#include <limits.h>

#include "base/buf.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

#define DEFAULT_PREFIX "coffer-"

static const struct {
    const char *v1, *v2;
} controller_names[CGROUP_CONTROLLERS] = {
    [CGROUP_CPU] = {"cpu", "cpu"},
    [CGROUP_CPUACCT] = {"cpuacct", "cpu"},
    [CGROUP_CPUSET] = {"cpuset", "cpuset"},
    [CGROUP_MEMORY] = {"memory", "memory"},
    [CGROUP_IO] = {"blkio", "io"},
    [CGROUP_PIDS] = {"pids", "pids"},
    [CGROUP_DEVICES] = {"devices", "devices"},
    [CGROUP_FREEZER] = {"freezer", "freezer"},
    [CGROUP_HUGETLB] = {"hugetlb", "hugetlb"},
    [CGROUP_RDMA] = {"rdma", "rdma"},
    [CGROUP_NET_CLS] = {"net_cls", "net_cls"},
    [CGROUP_NET_PRIO] = {"net_prio", "net_prio"},
};

const char *cgroup_controller_name(enum cgroup_controller c, bool v2)
{
    if ((unsigned)c >= CGROUP_CONTROLLERS)
        return "unknown";
    return v2 ? controller_names[c].v2 : controller_names[c].v1;
}

enum cgroup_version cgroup_version_of(const struct host *host, enum cgroup_controller c)
{
    for (size_t i = 0; i < host->cgroup.n_v1; i++)
        if ((host->cgroup.v1[i].controllers & BIT(c)) != 0)
            return CGROUP_V1;
    if (host->cgroup.v2_mount != NULL && (host->cgroup.v2_controllers & BIT(c)) != 0)
        return CGROUP_V2;
    return CGROUP_ABSENT;
}

/* Put "/a/b" for "a//./b/" into the arena; refuses what could leave the tree. */
static int clean(struct arena *a, const char *path, char **ret, struct err *err)
{
    char *out = arena_alloc(a, strlen(path) + 2);
    if (out == NULL)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    size_t len = 0;
    for (const char *p = path; *p != '\0';) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return err_set(err, -EINVAL, LAYER_CGROUP, "cgroupsPath %s: \"..\" is not allowed in it", path);
        if (n > NAME_MAX)
            return err_set(err, -ENAMETOOLONG, LAYER_CGROUP, "cgroupsPath: a component is longer than %d bytes",
                           NAME_MAX);
        if (n > 0 && !(n == 1 && p[0] == '.')) {
            out[len++] = '/';
            memcpy(out + len, p, n);
            len += n;
        }
        p += n + (p[n] == '/');
    }
    out[len] = '\0';
    *ret = out;
    return 0;
}

/* Our own group as the start of a relative path; on v2 the one above it. */
static int base_of_relative(struct arena *a, const char *own, bool v2, const char **ret, struct err *err)
{
    if (own == NULL)
        own = "/";
    if (str_starts(own, "/..") && (own[3] == '/' || own[3] == '\0'))
        return err_set(err, -EINVAL, LAYER_CGROUP,
                       "our own group is outside of this cgroup namespace (%s): give an absolute cgroupsPath", own);
    size_t n = strlen(own);
    if (v2) {
        const char *slash = strrchr(own, '/');
        n = slash != NULL ? (size_t)(slash - own) : 0;
    }
    while (n > 0 && own[n - 1] == '/')
        n--;
    *ret = arena_strndup(a, own, n);
    return *ret != NULL ? 0 : err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
}

static int add_place(struct arena *a, struct places *places, const char *mount, const char *base, const char *inner,
                     struct err *err)
{
    if (places->n == ARRAY_LEN(places->v))
        return err_set(err, -E2BIG, LAYER_CGROUP, "too many cgroup hierarchies on this host");
    char *whole = arena_printf(a, "%s%s", base, inner);
    if (whole == NULL)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    if (strlen(mount) + strlen(whole) > PATH_MAX - NAME_MAX - 2)
        return err_set(err, -ENAMETOOLONG, LAYER_CGROUP, "cgroupsPath is too long");
    char *slash = strrchr(whole, '/');
    *slash = '\0';
    places->v[places->n++] = (struct place){.mount = mount, .parent = whole, .name = slash + 1};
    return 0;
}

int cgroup_locate(struct arena *a, const struct oci_config *config, const struct host *host, const char *id,
                  struct places *ret, struct err *err)
{
    struct places places = {.n = 0};
    const struct host_cgroup *h = &host->cgroup;
    const char *asked = config->linux != NULL ? config->linux->cgroups_path : NULL;
    bool machine_root = host_is_machine_root(host);
    char *fallback = arena_printf(a, "%s" DEFAULT_PREFIX "%s", machine_root ? "/" : "", id);
    if (asked == NULL || *asked == '\0')
        asked = fallback;
    if (asked == NULL)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    const char *colon = strchr(asked, ':');
    if (*asked != '/' && colon != NULL && strchr(colon + 1, ':') != NULL)
        return err_set(err, -ENOTSUP, LAYER_CGROUP,
                       "cgroupsPath %s: the form slice:prefix:name needs the systemd driver, which this version does "
                       "not have; give a path", asked);
    if (strchr(asked, '\n') != NULL)
        return err_set(err, -EINVAL, LAYER_CGROUP, "cgroupsPath: a newline is not allowed in it");
    char *inner = NULL;
    int r = clean(a, asked, &inner, err);
    if (r < 0)
        return r;
    if (*inner == '\0')
        return err_set(err, -EINVAL, LAYER_CGROUP,
                       "cgroupsPath %s: a container needs a group of its own, not the root", asked);

    const char *base = "";
    if (h->v2_mount != NULL) {
        if (*asked != '/')
            r = base_of_relative(a, h->v2_own, true, &base, err);
        if (r == 0)
            r = add_place(a, &places, h->v2_mount, base, inner, err);
        if (r < 0)
            return r;
        places.v[0].v2 = true;
        places.v[0].controllers = h->v2_controllers;
    }
    for (size_t i = 0; i < h->n_v1; i++) {
        if (*asked != '/')
            r = base_of_relative(a, h->v1[i].own, false, &base, err);
        if (r == 0)
            r = add_place(a, &places, h->v1[i].mount, base, inner, err);
        if (r < 0)
            return r;
        places.v[places.n - 1].controllers = h->v1[i].controllers;
        places.v[places.n - 1].named = h->v1[i].controllers == 0;
    }
    /* "/coffer-ID" given in words is our default place too. */
    char *cleaned_fallback = NULL;
    r = clean(a, fallback, &cleaned_fallback, err);
    if (r < 0)
        return r;
    bool ours = (*asked == '/') == machine_root && str_eq(inner, cleaned_fallback);
    for (size_t i = 0; i < places.n; i++)
        places.v[i].ours = ours;
    *ret = places;
    return 0;
}

bool cgroup_starts_at_own(const struct oci_config *config, const struct host *host)
{
    const char *asked = config->linux != NULL ? config->linux->cgroups_path : NULL;
    return asked == NULL || *asked == '\0' ? !host_is_machine_root(host) : *asked != '/';
}

char *cgroup_own_save(struct arena *a, const struct host *host)
{
    struct buf b = BUF_INIT;
    if (host->cgroup.v2_mount != NULL && host->cgroup.v2_own != NULL)
        buf_printf(&b, "%s\t%s\n", host->cgroup.v2_mount, host->cgroup.v2_own);
    for (size_t i = 0; i < host->cgroup.n_v1; i++)
        buf_printf(&b, "%s\t%s\n", host->cgroup.v1[i].mount, host->cgroup.v1[i].own);
    char *text = b.failed ? NULL : arena_strdup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

int cgroup_own_restore(struct arena *a, struct host *host, const char *saved)
{
    char *rest = arena_strdup(a, saved);
    if (rest == NULL)
        return -ENOMEM;
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        char *own = line;
        const char *mount = strsep(&own, "\t");
        if (own == NULL || *own != '/')
            continue;
        if (host->cgroup.v2_mount != NULL && str_eq(mount, host->cgroup.v2_mount))
            host->cgroup.v2_own = own;
        for (size_t i = 0; i < host->cgroup.n_v1; i++)
            if (str_eq(mount, host->cgroup.v1[i].mount))
                host->cgroup.v1[i].own = own;
    }
    return 0;
}
