/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount of type cgroup shows the container its own groups, in the layout that the host has:
 *   v2      one cgroup2 mount
 *   v1      a tmpfs with a mount per hierarchy, named as on the host, and links for the controllers of joint ones
 *   hybrid  the same, and the v2 tree as "unified"
 * In a new cgroup namespace a new mount shows the namespace's root, which is the container's own group
 * (cgroup_namespaces(7)) where it has one. A hierarchy in which it has none is left out: its root there is the caller's
 * group, with the names and figures of everybody else below it. Without a namespace, the own v1 groups are bound one by
 * one, as runc does, and v2 shows the host's whole tree.
 */
#include <string.h>

#include "base/str.h"
#include "layers/rootfs/rootfs.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The kernel's names (cgroups(7)); host_cgroup.c has no settings, and so no bits, for the last ones. */
static const struct {
    const char *name;
    uint32_t bit;
} controllers[] = {
    {"cpu", 1U << CGROUP_CPU},         {"cpuacct", 1U << CGROUP_CPUACCT}, {"cpuset", 1U << CGROUP_CPUSET},
    {"memory", 1U << CGROUP_MEMORY},   {"blkio", 1U << CGROUP_IO},        {"pids", 1U << CGROUP_PIDS},
    {"devices", 1U << CGROUP_DEVICES}, {"freezer", 1U << CGROUP_FREEZER}, {"hugetlb", 1U << CGROUP_HUGETLB},
    {"rdma", 1U << CGROUP_RDMA},       {"net_cls", 1U << CGROUP_NET_CLS}, {"net_prio", 1U << CGROUP_NET_PRIO},
    {"perf_event", 0},                 {"misc", 0},                       {"debug", 0},
};

/* Is this controller in the hierarchy, by its bit or by the name of the mount point? */
static bool has_controller(const struct host_hierarchy *h, size_t i)
{
    if (controllers[i].bit != 0)
        return (h->controllers & controllers[i].bit) != 0;
    size_t n = strlen(controllers[i].name);
    for (const char *c = base_name(h->mount); *c != '\0';) {
        size_t len = strcspn(c, ",");
        if (len == n && strncmp(c, controllers[i].name, n) == 0)
            return true;
        c += len + (c[len] == ',');
    }
    return false;
}

static struct rootfs_mount *new_mount(struct rootfs_planning *p, const struct rootfs_mount *like, const char *name)
{
    struct rootfs_mount *m = arena_new(p->plan->arena, struct rootfs_mount);
    if (m == NULL)
        return NULL;
    *m = *like;
    m->keep_slot = -1;
    m->label = NULL;
    m->options.parameters = NULL;
    m->options.n_parameters = 0;
    if (name != NULL) {
        const char *path = like->place.path;
        path = arena_printf(p->plan->arena, "%s/%s", str_eq(path, "/") ? "" : path, name);
        if (path == NULL)
            return NULL;
        rootfs_plan_place(p, path, &m->place);
    }
    return m;
}

/* The parameters that find an existing v1 hierarchy again: its controllers, or its name. */
static int set_hierarchy(struct arena *a, struct rootfs_mount *m, const struct host_hierarchy *h)
{
    struct rootfs_options *o = &m->options;
    o->parameters = arena_calloc(a, ARRAY_LEN(controllers) + 2, sizeof *o->parameters);
    if (o->parameters == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
        if (has_controller(h, i))
            o->parameters[o->n_parameters++].key = controllers[i].name;
    if (o->n_parameters == 0) {
        o->parameters[o->n_parameters++] = (struct rootfs_parameter){.key = "none"};
        o->parameters[o->n_parameters++] = (struct rootfs_parameter){.key = "name", .value = base_name(h->mount)};
    }
    return 0;
}

static int plan_links(struct rootfs_planning *p, const struct rootfs_mount *top, const char *name)
{
    if (strchr(name, ',') == NULL)
        return 0;
    for (const char *c = name; *c != '\0';) {
        size_t len = strcspn(c, ",");
        struct rootfs_link *l = arena_new(p->plan->arena, struct rootfs_link);
        if (l == NULL)
            return -ENOMEM;
        *l = (struct rootfs_link){.slot = top->keep_slot, .parent = top->place.path, .to = name};
        l->name = arena_strndup(p->plan->arena, c, len);
        rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_LINK, "link",
                       arena_printf(p->plan->arena, "%s/%s", top->place.path, l->name), name, l, l->slot);
        c += len + (c[len] == ',');
    }
    return 0;
}

static int plan_v1(struct rootfs_planning *p, const struct rootfs_mount *top, const struct host_hierarchy *h,
                   bool namespace_)
{
    const char *name = base_name(h->mount);
    struct rootfs_mount *m = new_mount(p, top, name);
    if (m == NULL)
        return -ENOMEM;
    m->type = "cgroup";
    m->source = "cgroup";
    m->kind = ROOTFS_FILESYSTEM;
    if (!namespace_) {
        m->kind = ROOTFS_OWN_CGROUP;
        m->source = h->mount;
    }
    int r = set_hierarchy(p->plan->arena, m, h);
    if (r < 0 || (r = rootfs_plan_add_mount(p, m, arena_printf(p->plan->arena, "cgroup %s%s", name,
                                                               namespace_ ? "" : ", own group"))) < 0)
        return r;
    return plan_links(p, top, name);
}

static int plan_v2(struct rootfs_planning *p, const struct rootfs_mount *like, const char *name, bool namespace_)
{
    struct rootfs_mount *m = new_mount(p, like, name);
    if (m == NULL)
        return -ENOMEM;
    m->type = "cgroup2";
    m->source = "cgroup";
    m->kind = ROOTFS_FILESYSTEM;
    if (namespace_ || !p->user_namespace)
        return rootfs_plan_add_mount(p, m, "cgroup2");
    /* The kernel lets a user namespace mount cgroup2 only along with a cgroup namespace of its own. */
    m->kind = ROOTFS_BIND;
    m->type = "bind";
    m->source = p->host->cgroup.v2_mount;
    m->options.recursive = true;
    m->source_slot = plan_slot(p->plan);
    m->default_propagation = p->in_child ? 0 : MS_PRIVATE;
    rootfs_plan_op(p, rootfs_plan_source_step(p), ROOTFS_SOURCE, "open-tree", m->place.path, m->source, m,
                   m->source_slot);
    return rootfs_plan_add_mount(p, m, arena_printf(p->plan->arena, "bind %s", m->source));
}

/* Does the cgroup layer, which has planned before us, make a group below this mount? */
static bool has_own_group(const struct rootfs_planning *p, const char *mount)
{
    size_t n = strlen(mount);
    plan_each(op, p->plan, LAYER_CGROUP, STEP_HOST_BEFORE_CLONE)
        if (str_eq(op->name, "group") && op->target != NULL && strncmp(op->target, mount, n) == 0 &&
            op->target[n] == '/')
            return true;
    return false;
}

int rootfs_plan_cgroup(struct rootfs_planning *p, const struct rootfs_mount *like, struct err *err)
{
    const struct host_cgroup *cgroup = &p->host->cgroup;
    const struct oci_namespace *ns = oci_namespace_find(p->config, "cgroup");
    bool namespace_ = ns != NULL, fresh = ns == NULL || ns->path == NULL;
    int r = 0;
    if (cgroup->mode == CGROUP_MODE_NONE)
        return err_set(err, -ENODEV, LAYER_ROOTFS, "mount %s: this host has no cgroup file system",
                       like->place.path);
    if (cgroup->mode == CGROUP_MODE_V2) {
        r = plan_v2(p, like, NULL, namespace_);
        return r < 0 ? err_set(err, r, LAYER_ROOTFS, "out of memory") : 0;
    }
    struct rootfs_mount *top = new_mount(p, like, NULL);
    struct rootfs_parameter *mode = arena_new(p->plan->arena, struct rootfs_parameter);
    if (top == NULL || mode == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    *mode = (struct rootfs_parameter){.key = "mode", .value = "755"};
    top->type = "tmpfs";
    top->source = "cgroup";
    top->label = like->label;
    top->options.parameters = mode;
    top->options.n_parameters = 1;
    top->keep_slot = plan_slot(p->plan);
    r = rootfs_plan_add_mount(p, top, "tmpfs for cgroup");
    /* `ro` in top is taken back by the seal, once, at the end; what is mounted below has it from the start. */
    for (size_t i = 0; r == 0 && i < cgroup->n_v1; i++)
        if (!fresh || has_own_group(p, cgroup->v1[i].mount))
            r = plan_v1(p, top, &cgroup->v1[i], namespace_);
    if (r == 0 && cgroup->mode == CGROUP_MODE_HYBRID && cgroup->v2_mount != NULL &&
        (!fresh || has_own_group(p, cgroup->v2_mount)))
        r = plan_v2(p, top, "unified", namespace_);
    return r < 0 ? err_set(err, r, LAYER_ROOTFS, "out of memory") : 0;
}
