/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of the mount tree: the root, the mounts, /dev, what is read-only or masked, and the pivot. */
#include <linux/capability.h>
#include <string.h>

#include "base/str.h"
#include "layers/rootfs/rootfs.h"

struct op *rootfs_plan_op(struct rootfs_planning *p, enum step step, enum rootfs_op kind, const char *name,
                          const char *target, const char *value, const void *args, int slot)
{
    return plan_add(p->plan, &(struct op){.layer = LAYER_ROOTFS,
                                          .step = step,
                                          .kind = kind,
                                          .name = name,
                                          .target = target,
                                          .value = value,
                                          .args = args,
                                          .slot = slot});
}

enum step rootfs_plan_source_step(const struct rootfs_planning *p)
{
    return p->in_child ? STEP_CHILD_ROOTFS : STEP_HOST_BEFORE_CLONE;
}

/* When the user namespace of these maps exists. */
int rootfs_plan_idmap_step(const struct rootfs_planning *p, const struct rootfs_idmap *idmap, enum step *ret,
                           struct err *err)
{
    if (p->in_child)
        return err_set(err, -EPERM, LAYER_ROOTFS, "%s: mapping the ids of a mount needs CAP_SYS_ADMIN on the host",
                       idmap->what);
    bool of_container = idmap->uid_map == NULL;
    *ret = of_container && p->plan->join_user < 0 ? STEP_HOST_AFTER_CLONE : STEP_HOST_BEFORE_CLONE;
    return 0;
}

/*
 * Names in our own /proc and /sys are the kernel's, those in a tmpfs that we made are ours. Later mounts cover earlier
 * ones, so the last one at or above the path decides.
 */
static bool is_trusted(const struct rootfs_mount *m, const char *below, bool *ret_fresh)
{
    if (m->kind != ROOTFS_FILESYSTEM || below[0] == '\0')
        return false;
    *ret_fresh = false;
    if (str_eq(m->type, "proc"))
        return !rootfs_path_has_links(below);
    if (str_eq(m->type, "sysfs"))
        return true;
    *ret_fresh = true;
    return str_eq(m->type, "tmpfs") && !m->options.copy_up && strchr(below, '/') == NULL;
}

struct rootfs_place *rootfs_plan_place(struct rootfs_planning *p, const char *path, struct rootfs_place *ret)
{
    *ret = (struct rootfs_place){.path = path, .slot = -1, .relative = path[1] != '\0' ? path + 1 : "."};
    for (size_t i = p->n_mounts; i-- > 0;) {
        struct rootfs_mount *m = p->mounts[i];
        const char *below = rootfs_path_below(path, m->place.path);
        if (below == NULL)
            continue;
        bool fresh = false;
        if (!is_trusted(m, below, &fresh))
            return ret;
        if (m->keep_slot < 0)
            m->keep_slot = plan_slot(p->plan);
        ret->slot = m->keep_slot;
        ret->relative = below;
        ret->fresh = fresh;
        return ret;
    }
    return ret;
}

static int propagation_word(const char *word, uint64_t *ret, bool *ret_tree)
{
    static const struct {
        const char *word;
        uint64_t flag;
    } words[] = {{"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}};
    *ret_tree = word[0] == 'r';
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(words[i].word, word + *ret_tree)) {
            *ret = words[i].flag;
            return 0;
        }
    return -EINVAL;
}

const char **rootfs_plan_split(struct arena *a, const char *list, size_t *ret_n)
{
    size_t n = 1;
    for (const char *c = list; *c != '\0'; c++)
        n += *c == ':';
    const char **out = arena_calloc(a, n, sizeof *out);
    char *text = arena_strdup(a, list);
    if (out == NULL || text == NULL)
        return NULL;
    size_t used = 0;
    char *to = text;
    for (const char *c = list; *c != '\0'; c++) {
        char *start = to;
        for (; *c != '\0' && *c != ':'; c++) {
            if (c[0] == '\\' && c[1] != '\0')
                c++;
            *to++ = *c;
        }
        if (to > start) {
            out[used++] = start;
            *to++ = '\0';
        }
        if (*c == '\0')
            break;
    }
    *ret_n = used;
    return out;
}

/* The directory that holds both, and what is below it of each. */
static int find_base(struct arena *a, struct rootfs_overlay *o, struct err *err)
{
    size_t common = 0;
    for (size_t i = 0; o->upper[i] != '\0' && o->upper[i] == o->work[i]; i++)
        if (o->upper[i] == '/')
            common = i;
    if (o->upper[0] != '/' || o->work[0] != '/' || str_eq(o->upper, o->work))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "overlay: upper %s and work %s must be two absolute paths", o->upper,
                       o->work);
    o->base = common == 0 ? "/" : arena_strndup(a, o->upper, common);
    o->upper_below = o->upper + common + 1;
    o->work_below = o->work + common + 1;
    return 0;
}

int rootfs_plan_overlay(struct rootfs_planning *p, struct rootfs_overlay *o, struct err *err)
{
    if ((o->upper == NULL) != (o->work == NULL))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "overlay: an upper directory needs a work directory beside it");
    if (o->idmap != NULL && !host_kernel_at_least(p->host, 5, 19))
        return err_set(err, -ENOSYS, LAYER_ROOTFS, "overlay with mapped ids: this kernel has none (needs 5.19)");
    int r = o->upper != NULL ? find_base(p->plan->arena, o, err) : 0;
    if (r < 0)
        return r;
    size_t length = 0;
    for (size_t i = 0; i < o->n_lower; i++) {
        if (o->lower[i][0] != '/')
            return err_set(err, -EINVAL, LAYER_ROOTFS, "overlay: layer %s is not an absolute path", o->lower[i]);
        length += strlen(o->lower[i]) + 1;
    }
    /* The kernel takes layers one at a time since 6.8, and detached ones since 6.15. fsconfig's strings end at 255. */
    o->append = host_kernel_at_least(p->host, 6, 8);
    o->by_path = o->idmap != NULL ? !host_kernel_at_least(p->host, 6, 15) : !o->append && length > 255;
    o->label = p->label;
    o->user_xattr = p->in_child || !p->host->initial_userns;
    return 0;
}

static int plan_volatile(const struct rootfs_planning *p, struct rootfs_overlay *o, struct err *err)
{
    static const struct rootfs_parameter flag[] = {{.key = "volatile"}};
    const char *value = oci_annotation(p->config, ANNOTATION_ROOTFS_VOLATILE);
    if (value != NULL && !str_eq(value, "true") && !str_eq(value, "false"))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "annotation %s: \"true\" or \"false\", not \"%s\"",
                       ANNOTATION_ROOTFS_VOLATILE, value);
    /* Linux 5.10, and the mounts below need 5.12. */
    if (value != NULL && str_eq(value, "true") && o->upper != NULL) {
        o->parameters = flag;
        o->n_parameters = ARRAY_LEN(flag);
    }
    return 0;
}

static int plan_root_overlay(struct rootfs_planning *p, const char *lower, const struct rootfs_idmap *idmap,
                             struct err *err)
{
    struct arena *a = p->plan->arena;
    struct rootfs_overlay *o = arena_new(a, struct rootfs_overlay);
    if (o == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    o->lower = rootfs_plan_split(a, lower, &o->n_lower);
    o->upper = oci_annotation(p->config, ANNOTATION_ROOTFS_UPPER);
    o->work = oci_annotation(p->config, ANNOTATION_ROOTFS_WORK);
    o->idmap = idmap;
    if (o->lower == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    if (o->n_lower == 0)
        return err_set(err, -EINVAL, LAYER_ROOTFS, "annotation %s: it names no directory", ANNOTATION_ROOTFS_LOWER);
    int r = rootfs_plan_overlay(p, o, err);
    if (r == 0)
        r = plan_volatile(p, o, err);
    if (r < 0)
        return r;
    enum step step = rootfs_plan_source_step(p);
    if (idmap != NULL && (r = rootfs_plan_idmap_step(p, idmap, &step, err)) < 0)
        return r;
    char *value = o->upper != NULL ? arena_printf(a, "%zu layers, upper %s%s", o->n_lower, o->upper,
                                                  o->n_parameters > 0 ? ", volatile" : "")
                                   : arena_printf(a, "%zu layers, read-only", o->n_lower);
    rootfs_plan_op(p, step, ROOTFS_OVERLAY, "overlay", "/", value, o, SLOT_ROOTFS);
    return 0;
}

static int plan_root(struct rootfs_planning *p, struct err *err)
{
    const char *lower = oci_annotation(p->config, ANNOTATION_ROOTFS_LOWER);
    const char *mapped = oci_annotation(p->config, ANNOTATION_ROOTFS_IDMAP);
    struct rootfs_idmap *idmap = NULL;
    if (mapped != NULL && !str_eq(mapped, "true") && !str_eq(mapped, "false"))
        return err_set(err, -EINVAL, LAYER_ROOTFS, "annotation %s: \"true\" or \"false\", not \"%s\"",
                       ANNOTATION_ROOTFS_IDMAP, mapped);
    /* Without a user namespace the ids are the host's, mapped or not. */
    if (mapped != NULL && str_eq(mapped, "true") && p->user_namespace) {
        idmap = arena_new(p->plan->arena, struct rootfs_idmap);
        if (idmap == NULL)
            return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
        idmap->what = "root file system";
        idmap->tree = true;
    }
    if (lower != NULL)
        return plan_root_overlay(p, lower, idmap, err);
    const struct oci_root *root = p->config->root;
    if (root == NULL || root->path == NULL || root->path[0] == '\0')
        return err_set(err, -EINVAL, LAYER_ROOTFS, "root.path: the container has no root file system");
    char *path = root->path[0] == '/' ? root->path : arena_printf(p->plan->arena, "%s/%s", p->bundle, root->path);
    rootfs_plan_op(p, rootfs_plan_source_step(p), ROOTFS_OPEN_ROOT, "open-tree", "/", path, NULL, SLOT_ROOTFS);
    if (idmap == NULL)
        return 0;
    enum step step = STEP_NONE;
    int r = rootfs_plan_idmap_step(p, idmap, &step, err);
    if (r < 0)
        return r;
    rootfs_plan_op(p, step, ROOTFS_IDMAP, "idmap", "/", "the container's ids", idmap, SLOT_ROOTFS);
    return 0;
}

static struct rootfs_place *new_place(struct rootfs_planning *p, const char *path)
{
    struct rootfs_place *place = arena_new(p->plan->arena, struct rootfs_place);
    char *clean = rootfs_path_clean(p->plan->arena, path);
    return place == NULL || clean == NULL ? NULL : rootfs_plan_place(p, clean, place);
}

static int plan_restrictions(struct rootfs_planning *p, struct err *err)
{
    const struct oci_linux *l = p->config->linux;
    const struct {
        const struct oci_strs *paths;
        const char *member, *name;
        enum rootfs_op kind;
    } lists[] = {{&l->readonly_paths, "linux.readonlyPaths", "read-only", ROOTFS_READONLY},
                 {&l->masked_paths, "linux.maskedPaths", "mask", ROOTFS_MASK}};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        for (size_t i = 0; i < lists[k].paths->n; i++) {
            if (lists[k].paths->v[i][0] != '/')
                return err_set(err, -EINVAL, LAYER_ROOTFS, "%s[%zu]: %s is not an absolute path", lists[k].member, i,
                               lists[k].paths->v[i]);
            struct rootfs_place *place = new_place(p, lists[k].paths->v[i]);
            if (place == NULL)
                return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
            rootfs_plan_op(p, STEP_CHILD_ROOTFS, lists[k].kind, lists[k].name, place->path, NULL, place, place->slot);
        }
    return 0;
}

/* What could not be read-only while it was being filled. */
static void plan_seals(struct rootfs_planning *p)
{
    for (size_t i = 0; i < p->n_mounts; i++) {
        struct rootfs_mount *m = p->mounts[i];
        if (m->kind != ROOTFS_FILESYSTEM || !str_eq(m->type, "tmpfs") || (m->options.set & MOUNT_ATTR_RDONLY) == 0)
            continue;
        if (m->keep_slot < 0)
            m->keep_slot = plan_slot(p->plan);
        m->options.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
        rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_SEAL, "seal", m->place.path, "ro", NULL, m->keep_slot);
    }
}

static int plan_propagation(struct rootfs_planning *p, uint64_t *ret, bool *ret_tree, struct err *err)
{
    const char *word = p->config->linux->rootfs_propagation;
    *ret = 0;
    if (word != NULL && word[0] != '\0' && propagation_word(word, ret, ret_tree) < 0)
        return err_set(err, -EINVAL, LAYER_ROOTFS,
                       "linux.rootfsPropagation: \"%s\" is none of private, shared, slave, unbindable, rprivate ...",
                       word);
    struct op *op = rootfs_plan_op(p, STEP_CHILD_ROOTFS, ROOTFS_PROPAGATION, "propagation", "/",
                                   *ret == MS_PRIVATE ? "rprivate" : "rslave", NULL, -1);
    if (op != NULL)
        op->number = *ret == MS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
    return 0;
}

static int check_host(const struct rootfs_planning *p, struct err *err)
{
    if (!host_kernel_at_least(p->host, 5, 12))
        return err_set(err, -ENOSYS, LAYER_ROOTFS, "this kernel is %u.%u; mounts are made with mount_setattr(2), which "
                       "came with 5.12", p->host->kernel_major, p->host->kernel_minor);
    if (p->label != NULL && !p->host->selinux)
        return err_set(err, -ENOTSUP, LAYER_ROOTFS, "linux.mountLabel %s: this host has no SELinux", p->label);
    return 0;
}

int rootfs_plan(const struct oci_config *config, const struct host *host, const char *id UNUSED, const char *bundle,
                struct plan *plan, struct err *err)
{
    const char *label = config->linux->mount_label;
    struct rootfs_planning p = {
        .config = config,
        .host = host,
        .bundle = bundle,
        .plan = plan,
        .user_namespace = oci_has_userns(config),
        .in_child = !host_has_capability(host, CAP_SYS_ADMIN),
        .label = label != NULL && label[0] != '\0' ? label : NULL,
        .cap_mounts = config->mounts.n + 1,
    };
    p.mounts = arena_calloc(plan->arena, p.cap_mounts, sizeof *p.mounts);
    if (p.mounts == NULL)
        return err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory");
    uint64_t propagation = 0;
    bool tree = false;
    int r = check_host(&p, err);
    if (r < 0 || (r = plan_propagation(&p, &propagation, &tree, err)) < 0 || (r = plan_root(&p, err)) < 0)
        return r;
    rootfs_plan_op(&p, STEP_CHILD_ROOTFS, ROOTFS_ATTACH_ROOT, "attach", "/", NULL, NULL, SLOT_ROOTFS);
    for (size_t i = 0; i < config->mounts.n; i++)
        if ((r = rootfs_plan_mount(&p, i, err)) < 0)
            return r;
    if ((r = rootfs_plan_dev(&p, err)) < 0 || (r = plan_restrictions(&p, err)) < 0)
        return r;
    plan_seals(&p);
    if (config->root != NULL && config->root->readonly.v)
        rootfs_plan_op(&p, STEP_CHILD_ROOTFS, ROOTFS_READONLY_ROOT, "seal", "/", "ro", NULL, SLOT_ROOTFS);
    rootfs_plan_op(&p, STEP_CHILD_ROOTFS, ROOTFS_PIVOT, "pivot", "/", NULL, NULL, SLOT_ROOTFS);
    if (propagation != 0) {
        struct op *op = rootfs_plan_op(&p, STEP_CHILD_ROOTFS, ROOTFS_ROOT_PROPAGATION, "propagation", "/",
                                       config->linux->rootfs_propagation, NULL, -1);
        if (op != NULL)
            op->number = propagation | (tree ? MS_REC : 0);
    }
    return plan->arena->failed ? err_set(err, -ENOMEM, LAYER_ROOTFS, "out of memory") : 0;
}
