/* SPDX-License-Identifier: Apache-2.0 */
/* One member of `mounts` becomes operations. */
#include <string.h>

#include "base/str.h"
#include "layers/idmap/idmap.h"
#include "layers/rootfs/rootfs.h"

/*
 * What may be mounted below /proc: files that lxcfs and the like replace. Anything else would let a document, or who
 * can write one, put a file of his own where programs and runtimes expect the kernel (CVE-2019-16884).
 */
static bool is_allowed_below_proc(const char *path)
{
    static const char *const allowed[] = {
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo", "sys/kernel/ns_last_pid",
        "sys/crypto/fips_enabled", "net/dev",
    };
    const char *below = rootfs_path_below(path, "/proc");
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (str_eq(below, allowed[i]))
            return true;
    return false;
}

/* "bind /src ro,nosuid": how the plan shows a mount */
static char *describe(struct arena *a, const struct oci_mount *c)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    buf_puts(&b, c->type != NULL ? c->type : "bind");
    if (c->source != NULL && c->source[0] != '\0')
        buf_printf(&b, " %s", c->source);
    for (size_t i = 0; i < c->options.n; i++)
        buf_printf(&b, "%c%s", i == 0 ? ' ' : ',', c->options.v[i]);
    if (b.failed) {
        a->failed = true;
        return NULL;
    }
    return arena_strdup(a, buf_str(&b));
}

int rootfs_plan_add_mount(struct rootfs_planning *p, struct rootfs_mount *m, const char *value)
{
    if (p->n_mounts == p->cap_mounts) {
        struct rootfs_mount **more = arena_calloc(p->plan->arena, p->cap_mounts * 2, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        memcpy(more, p->mounts, p->n_mounts * sizeof *more);
        p->mounts = more;
        p->cap_mounts *= 2;
    }
    p->mounts[p->n_mounts++] = m;
    return rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_MOUNT, "mount", m->place.path, value, m, m->place.slot) != NULL
               ? 0
               : -ENOMEM;
}

static bool same_maps(const oci_id_mappings *a, const oci_id_mappings *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->v[i].container_id != b->v[i].container_id || a->v[i].host_id != b->v[i].host_id ||
            a->v[i].size != b->v[i].size)
            return false;
    return true;
}

/* Does this bind have its ids mapped, by which user namespace, and when? */
static int plan_idmap(struct rootfs_planning *p, const struct oci_mount *c, struct rootfs_mount *m, struct err *err)
{
    const struct oci_linux *l = p->config->linux;
    const struct oci_namespace *user = oci_namespace_find(p->config, "user");
    if (!m->options.idmap && c->uid_mappings.n == 0 && c->gid_mappings.n == 0)
        return 0;
    if ((c->uid_mappings.n == 0) != (c->gid_mappings.n == 0))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount %s: uidMappings and gidMappings go together",
                       m->place.path);
    struct rootfs_idmap *idmap = arena_new(p->plan->arena, struct rootfs_idmap);
    if (idmap == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    idmap->what = m->place.path;
    idmap->tree = m->options.idmap_tree;
    if (c->uid_mappings.n > 0) {
        int r = idmap_check(&c->uid_mappings, "mounts[].uidMappings", err);
        if (r < 0 || (r = idmap_check(&c->gid_mappings, "mounts[].gidMappings", err)) < 0)
            return r;
        bool as_container = user != NULL && user->path == NULL && same_maps(&c->uid_mappings, &l->uid_mappings) &&
                            same_maps(&c->gid_mappings, &l->gid_mappings);
        if (!as_container) {
            idmap->uid_map = idmap_text(p->plan->arena, &c->uid_mappings, "\n");
            idmap->gid_map = idmap_text(p->plan->arena, &c->gid_mappings, "\n");
        }
    } else if (user == NULL) {
        return err_set(err, -EINVAL, LAYER_ROOTFS,
                       "mount %s: option \"%s\" takes the mappings of the container's user namespace, and it has none; "
                       "give the mount uidMappings and gidMappings", m->place.path,
                       m->options.idmap_tree ? "ridmap" : "idmap");
    }
    enum step step = STEP_NONE;
    int r = rootfs_plan_idmap_step(p, idmap, &step, err);
    if (r < 0)
        return r;
    const char *value = idmap->uid_map != NULL ? idmap_text(p->plan->arena, &c->uid_mappings, ", ")
                                               : "the container's ids";
    rootfs_plan_op(p, step, ROOTFS_IDMAP, "idmap", m->place.path, value, idmap, m->source_slot);
    return 0;
}

static int plan_bind(struct rootfs_planning *p, const struct oci_mount *c, struct rootfs_mount *m, struct err *err)
{
    if (c->source == NULL || c->source[0] == '\0')
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount %s: a bind mount needs a source", m->place.path);
    if (m->options.n_parameters > 0)
        return err_set(err, -EINVAL, LAYER_ROOTFS,
                       "mount %s: option \"%s\" belongs to a file system; a bind mount shows one that has its own",
                       m->place.path, m->options.parameters[0].key);
    const char *propagation = p->config->linux->rootfs_propagation;
    bool shared = propagation != NULL && (str_eq(propagation, "shared") || str_eq(propagation, "rshared"));
    bool private_ = propagation != NULL && (str_eq(propagation, "private") || str_eq(propagation, "rprivate"));
    m->kind = ROOTFS_BIND;
    m->type = "bind";
    m->source = c->source[0] == '/' ? c->source : arena_printf(p->plan->arena, "%s/%s", p->bundle, c->source);
    m->source_slot = plan_slot(p->plan);
    /* The child copies what is a slave already; the host's own mount must be cut off from its peers. */
    m->default_propagation = shared || p->in_child ? 0 : private_ ? MS_PRIVATE : MS_SLAVE;
    m->cut_peers = !p->in_child && (p->user_namespace || !shared);
    m->source_must_be_proc = str_eq(m->place.path, "/proc");
    rootfs_plan_op(p, rootfs_plan_source_step(p), ROOTFS_SOURCE, "open-tree", m->place.path, m->source, m,
                   m->source_slot);
    int r = plan_idmap(p, c, m, err);
    return r < 0 ? r : rootfs_plan_add_mount(p, m, describe(p->plan->arena, c));
}

static int plan_overlay(struct rootfs_planning *p, struct rootfs_mount *m, struct err *err)
{
    struct rootfs_overlay *o = arena_new(p->plan->arena, struct rootfs_overlay);
    struct rootfs_parameter *rest = arena_calloc(p->plan->arena, m->options.n_parameters + 1, sizeof *rest);
    if (o == NULL || rest == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    for (size_t i = 0; i < m->options.n_parameters; i++) {
        const struct rootfs_parameter *parameter = &m->options.parameters[i];
        if (str_eq(parameter->key, "lowerdir") && parameter->value != NULL) {
            o->lower = rootfs_plan_split(p->plan->arena, parameter->value, &o->n_lower);
        } else if (str_eq(parameter->key, "upperdir")) {
            o->upper = parameter->value;
        } else if (str_eq(parameter->key, "workdir")) {
            o->work = parameter->value;
        } else {
            rest[o->n_parameters++] = *parameter;
        }
    }
    o->parameters = rest;
    if (o->n_lower == 0)
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount %s: an overlay needs the option lowerdir=", m->place.path);
    m->kind = ROOTFS_OVERLAYFS;
    m->overlay = o;
    return rootfs_plan_overlay(p, o, err);
}

static void drop_parameter(struct rootfs_options *o, const char *key)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->n_parameters; i++)
        if (!str_eq(o->parameters[i].key, key))
            o->parameters[kept++] = o->parameters[i];
    o->n_parameters = kept;
}

static int plan_filesystem(struct rootfs_planning *p, const struct oci_mount *c, struct rootfs_mount *m,
                           struct err *err)
{
    if (c->type == NULL || c->type[0] == '\0' || str_eq(c->type, "none"))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount %s: it has neither a type nor the option bind",
                       m->place.path);
    if (m->options.idmap || c->uid_mappings.n > 0 || c->gid_mappings.n > 0)
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount %s: only bind mounts can have their ids mapped",
                       m->place.path);
    if (m->options.copy_up && !str_eq(c->type, "tmpfs"))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount %s: option \"tmpcopyup\" is for tmpfs, not for %s",
                       m->place.path, c->type);
    m->kind = ROOTFS_FILESYSTEM;
    m->type = c->type;
    m->options.set |= m->options.tree_set; /* a new file system's tree is one mount */
    m->options.tree_set = 0;
    m->source = c->source != NULL && c->source[0] != '\0' ? c->source : NULL;
    m->real_directory = str_eq(c->type, "proc") || str_eq(c->type, "sysfs");
    m->label = m->real_directory ? NULL : p->label; /* these two label their files themselves */
    if (str_eq(c->type, "cgroup"))
        return rootfs_plan_cgroup(p, m, err);
    if (str_eq(c->type, "devpts"))
        drop_parameter(&m->options, "newinstance"); /* every one is, since 4.7 */
    if (str_eq(c->type, "overlay")) {
        int r = plan_overlay(p, m, err);
        if (r < 0)
            return r;
    }
    return rootfs_plan_add_mount(p, m, describe(p->plan->arena, c));
}

static int plan_remount(struct rootfs_planning *p, const struct oci_mount *c, struct rootfs_mount *m, struct err *err)
{
    if (m->options.n_parameters > 0)
        return err_set(err, -ENOTSUP, LAYER_ROOTFS,
                       "mount %s: option \"%s\" cannot be changed by remount, only the mount's own attributes can",
                       m->place.path, m->options.parameters[0].key);
    m->kind = ROOTFS_REMOUNT;
    return rootfs_plan_add_mount(p, m, describe(p->plan->arena, c));
}

int rootfs_plan_mount(struct rootfs_planning *p, size_t i, struct err *err)
{
    const struct oci_mount *c = &p->config->mounts.v[i];
    if (c->destination == NULL || c->destination[0] == '\0')
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mounts[%zu].destination: it is empty", i);
    struct rootfs_mount *m = arena_new(p->plan->arena, struct rootfs_mount);
    char *path = rootfs_path_clean(p->plan->arena, c->destination);
    if (m == NULL || path == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    m->source_slot = m->keep_slot = -1;
    int r = rootfs_options_parse(p->plan->arena, &c->options, &m->options, err);
    if (r < 0)
        return r;
    bool bind = rootfs_mount_is_bind(c->type, &m->options);
    if (c->type != NULL && str_eq(c->type, "rbind"))
        m->options.recursive = true;
    rootfs_plan_place(p, path, &m->place);
    if (((m->options.set | m->options.tree_set) & MOUNT_ATTR_NOSYMFOLLOW) != 0 && !host_kernel_at_least(p->host, 5, 14))
        return err_set(err, -ENOSYS, LAYER_ROOTFS, "mount %s: option nosymfollow needs kernel 5.14", path);
    const char *below = rootfs_path_below(path, "/proc");
    if (below != NULL && below[0] != '\0' && !is_allowed_below_proc(path))
        return err_set(err, -EPERM, LAYER_ROOTFS,
                       "mount %s: inside /proc it would stand in for the kernel; only files such as /proc/meminfo may "
                       "be replaced", path);
    bool is_proc = c->type != NULL && str_eq(c->type, "proc");
    if (below != NULL && below[0] == '\0' && !bind && !m->options.remount && !is_proc)
        return err_set(err, -EPERM, LAYER_ROOTFS, "mount /proc: type %s; only a proc file system may be mounted there",
                       c->type != NULL ? c->type : "(none)");
    if (m->options.remount)
        return plan_remount(p, c, m, err);
    if (path[1] == '\0')
        return err_set(err, -EINVAL, LAYER_ROOTFS, "mount /: the container's root is given by root.path");
    return bind ? plan_bind(p, c, m, err) : plan_filesystem(p, c, m, err);
}
