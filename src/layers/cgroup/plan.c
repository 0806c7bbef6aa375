/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the cgroup wall. Touches nothing: see layers/layer.h. */
#include <sched.h>

#include "base/buf.h"
#include "base/str.h"
#include "layers/cgroup/group.h"
#include "layers/rootfs/mounts.h"

/* Every container has these; what accounts or may have to be changed while it runs. */
#define V1_ALWAYS (BIT(CGROUP_CPU) | BIT(CGROUP_CPUACCT) | BIT(CGROUP_MEMORY) | BIT(CGROUP_PIDS))
#define V2_ALWAYS (BIT(CGROUP_CPU) | BIT(CGROUP_MEMORY) | BIT(CGROUP_PIDS) | BIT(CGROUP_IO))
/* Bits in struct host_cgroup.v2_controllers that are switched on with cgroup.subtree_control. */
#define V2_SWITCHED (V2_ALWAYS | BIT(CGROUP_CPUSET) | BIT(CGROUP_HUGETLB) | BIT(CGROUP_RDMA))

struct planning {
    const struct oci_config *config;
    const struct host *host;
    const char *id;
    struct plan *plan;
    struct err *err;
    struct settings settings;
    struct device_rules devices;
    struct oci_strs device_lines; /* the same for v1, where that has them */
    bool devices_asked; /* the configuration has rules of its own */
    bool clone_into;    /* CLONE_INTO_CGROUP, Linux 5.7 */
};

static struct op *add(struct planning *p, enum op_kind kind, enum step step, const char *name, const char *target,
                      const char *value, const void *args)
{
    return plan_add(p->plan, &(struct op){.layer = LAYER_CGROUP, .step = step, .kind = kind, .name = name,
                                          .target = target, .value = value, .args = args, .slot = -1});
}

char *cgroup_mark(struct arena *a, const char *id, const char *owner)
{
    return arena_printf(a, "%s %.900s", id, owner != NULL ? owner : "");
}

static bool belongs(const struct setting *s, const struct place *place)
{
    return place->v2 ? s->v2 : !s->v2 && (place->controllers & BIT(s->controller)) != 0;
}

/* Does the wall for devices stand in this hierarchy? v1's controller where there is one, else a program on v2. */
static bool devices_here(const struct planning *p, const struct place *place)
{
    if (!p->host->initial_userns || p->host->euid != 0)
        return false;
    if (cgroup_version_of(p->host, CGROUP_DEVICES) == CGROUP_V1)
        return !place->v2 && (place->controllers & BIT(CGROUP_DEVICES)) != 0;
    return place->v2;
}

static void plan_devices(struct planning *p, const char *path, const struct place *place)
{
    struct arena *a = p->plan->arena;
    if (!place->v2) {
        struct oci_strs *lines = arena_new(a, struct oci_strs);
        CLEANUP_BUF struct buf text = BUF_INIT;
        if (lines == NULL)
            return;
        *lines = p->device_lines;
        for (size_t i = 0; i < lines->n; i++)
            buf_printf(&text, "%s%s", i > 0 ? ", " : "", lines->v[i]);
        add(p, OP_LINES, STEP_HOST_BEFORE_CLONE, "devices", path, arena_strdup(a, buf_str(&text)), lines);
        return;
    }
    if (p->devices.allow && p->devices.n == 0)
        return; /* no program: everything is allowed */
    struct device_program *program = arena_new(a, struct device_program);
    if (program == NULL || cgroup_device_program(a, &p->devices, program) < 0)
        return;
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_puts(&text, p->devices.allow ? "allow a" : "deny a");
    for (size_t i = 0; i < p->devices.n; i++) {
        const struct device_rule *r = &p->devices.v[i];
        const char *rule = cgroup_device_text(a, r, r->type);
        buf_printf(&text, ", %s %s", r->allow ? "allow" : "deny", rule != NULL ? rule : "");
    }
    add(p, OP_PROGRAM, STEP_HOST_BEFORE_CLONE, "device-program", path, arena_strdup(a, buf_str(&text)), program);
}

/*
 * The specification's conditions for giving the group to the container: cgroup v2, a cgroup namespace of its own, and
 * the cgroup file system mounted for writing. Without a user namespace the container's root is root anyway.
 */
static bool group_is_given(const struct planning *p, uint64_t *ret_uid)
{
    const struct oci_config *c = p->config;
    const struct oci_namespace *ns = oci_namespace_find(c, "cgroup");
    if (p->host->cgroup.mode != CGROUP_MODE_V2 || ns == NULL || !oci_has_userns(c))
        return false;
    bool writable = false;
    for (size_t i = 0; i < c->mounts.n; i++) {
        const struct oci_mount *m = &c->mounts.v[i];
        if (m->type == NULL || (!str_eq(m->type, "cgroup") && !str_eq(m->type, "cgroup2")))
            continue;
        writable = !rootfs_mount_is_readonly(p->plan->arena, c, i);
    }
    uint32_t uid = oci_process_uid(c);
    for (size_t i = 0; writable && i < c->linux->uid_mappings.n; i++) {
        const struct oci_id_mapping *m = &c->linux->uid_mappings.v[i];
        if (uid >= m->container_id && uid - m->container_id < m->size) {
            *ret_uid = (uint64_t)m->host_id + (uid - m->container_id);
            return true;
        }
    }
    return false;
}

static const char *enable_text(struct arena *a, uint32_t must, uint32_t may)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++)
        if (((must | may) & BIT(c)) != 0)
            buf_printf(&text, "%s%s%s", text.len > 0 ? " " : "", (must & BIT(c)) != 0 ? "+" : "",
                       cgroup_controller_name(c, true));
    return text.len > 0 ? arena_strdup(a, buf_str(&text)) : NULL;
}

static bool always_wanted(const struct planning *p, const struct place *place)
{
    const struct host *host = p->host;
    uint32_t always = V1_ALWAYS;
    /*
     * Java looks for its limits only where it finds memory, cpu, cpuacct and cpuset mounted, all four; and only groups
     * of the container's own are mounted for it to see. Without a limit there is nothing to find.
     */
    const struct oci_linux *linux_section = p->config->linux;
    const struct oci_resources *resources = linux_section != NULL ? linux_section->resources : NULL;
    if (resources != NULL && (resources->memory != NULL || resources->cpu != NULL))
        always |= BIT(CGROUP_CPUSET);
    /* Freezing is done in the v2 tree where there is one (Linux 5.2). */
    if (host->cgroup.v2_mount == NULL || !host_kernel_at_least(host, 5, 2))
        always |= BIT(CGROUP_FREEZER);
    if (place->v2 || (place->controllers & always) != 0)
        return true;
    /* On a pure v1 host systemd tells its services' processes apart in its named hierarchy. */
    const char *name = strrchr(place->mount, '/');
    return place->named && host->cgroup.mode == CGROUP_MODE_V1 && name != NULL && str_eq(name, "/systemd");
}

/* The group in one hierarchy with all that is written there; nothing where nothing needs it. */
static int plan_place(struct planning *p, const struct place *place)
{
    struct arena *a = p->plan->arena;
    struct group_op *group = arena_new(a, struct group_op);
    if (group == NULL)
        return -ENOMEM;
    group->place = place;
    for (const struct setting *s = p->settings.first; s != NULL; s = s->next) {
        if (!belongs(s, place))
            continue;
        if (group->needed == NULL && (s->flags & (SET_UNLIMITED | SET_OPTIONAL)) == 0)
            group->needed = cgroup_setting_text(a, s);
        if (place->v2 && s->controller < CGROUP_CONTROLLERS)
            group->enable_must |= BIT(s->controller) & V2_SWITCHED;
    }
    bool has_settings = false;
    for (const struct setting *s = p->settings.first; s != NULL && !has_settings; s = s->next)
        has_settings = belongs(s, place);
    bool devices = devices_here(p, place);
    if (devices && p->devices_asked && group->needed == NULL)
        group->needed = "device rules";
    if (!has_settings && !devices && !always_wanted(p, place))
        return 0;

    const char *path = arena_printf(a, "%s%s/%s", place->mount, place->parent, place->name);
    const char *value = NULL;
    if (place->v2) {
        group->enable_may = p->host->cgroup.v2_controllers & V2_ALWAYS & ~group->enable_must;
        group->mark = cgroup_mark(a, p->id, p->plan->owner);
        value = enable_text(a, group->enable_must, group->enable_may);
    } else {
        group->inherit_cpuset = (place->controllers & BIT(CGROUP_CPUSET)) != 0;
    }
    int slot = place->v2 && p->clone_into ? (int)SLOT_CGROUP : plan_slot(p->plan);
    struct op *op = add(p, OP_GROUP, STEP_HOST_BEFORE_CLONE, "group", path, value, group);
    if (op == NULL || path == NULL)
        return -ENOMEM;
    op->slot = slot;
    for (const struct setting *s = p->settings.first; s != NULL; s = s->next)
        if (belongs(s, place))
            add(p, OP_WRITE, STEP_HOST_BEFORE_CLONE, "write", arena_printf(a, "%s/%s", path, s->file), s->value, s);
    if (devices)
        plan_devices(p, path, place);
    uint64_t uid = 0;
    if (place->v2 && group_is_given(p, &uid)) {
        const char *text = arena_printf(a, "%llu", (unsigned long long)uid);
        op = add(p, OP_OWN, STEP_HOST_BEFORE_CLONE, "own", path, text, NULL);
        if (op != NULL)
            op->number = uid;
    }
    if (place->v2 && p->clone_into) {
        p->plan->clone_into_cgroup = true;
        return 0;
    }
    op = add(p, OP_JOIN, STEP_CHILD_EARLY, "join", arena_printf(a, "%s/%s", path, place->v2 ? "cgroup.procs" : "tasks"),
             "0", NULL);
    if (op != NULL)
        op->slot = slot;
    return 0;
}

static bool may_have_devices(const struct host *host)
{
    return host->euid == 0 && host->initial_userns;
}

const char *cgroup_devices_left_out(const struct host *host)
{
    /*
     * Nothing is lost: without root of the machine no device node can be made, and those that are bound in are
     * guarded by their owner and mode. runc and crun leave the rules out likewise.
     */
    if (!may_have_devices(host))
        return "left out: not root of the machine, who alone can make device nodes";
    bool none = host->cgroup.mode == CGROUP_MODE_NONE ||
                (host->cgroup.v2_mount == NULL && cgroup_version_of(host, CGROUP_DEVICES) == CGROUP_ABSENT);
    return none ? "left out: this host has no means for it" : NULL;
}

/* Where no wall for devices can stand, say so in the plan, and refuse when rules were given. */
static int plan_without_devices(struct planning *p)
{
    const char *why = cgroup_devices_left_out(p->host);
    if (why != NULL && may_have_devices(p->host) && p->devices_asked && !(p->devices.allow && p->devices.n == 0))
        return err_set(p->err, -ENOTSUP, LAYER_CGROUP,
                       "device rules: this host has neither the devices controller nor a cgroup v2 tree");
    if (why != NULL)
        add(p, OP_NOTE, STEP_HOST_BEFORE_CLONE, "note", "device-rules", why, NULL);
    return 0;
}

int cgroup_plan(const struct oci_config *config, const struct host *host, const char *id, const char *bundle UNUSED,
                struct plan *plan, struct err *err)
{
    struct arena *a = plan->arena;
    const struct oci_resources *resources = config->linux != NULL ? config->linux->resources : NULL;
    struct planning p = {.config = config, .host = host, .id = id, .plan = plan, .err = err,
                         .settings = {.arena = a, .host = host, .err = err},
                         .devices_asked = resources != NULL && resources->devices.n > 0,
                         .clone_into = host_kernel_at_least(host, 5, 7)};
    struct places *places = arena_new(a, struct places);
    if (places == NULL)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    int r = cgroup_locate(a, config, host, id, places, err);
    if (r == 0)
        r = cgroup_settings(resources, &p.settings);
    if (r == 0)
        r = cgroup_device_rules(a, resources, &p.devices, err);
    if (r == 0)
        r = plan_without_devices(&p);
    /* What v1 cannot express is refused here, before anything is planned with it. */
    if (r == 0 && host->euid == 0 && host->initial_userns && cgroup_version_of(host, CGROUP_DEVICES) == CGROUP_V1)
        r = cgroup_device_lines(a, &p.devices, &p.device_lines, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < places->n; i++) {
        r = plan_place(&p, &places->v[i]);
        if (r < 0)
            return err_set_errno(err, r, LAYER_CGROUP, "planning the group in %s", places->v[i].mount);
    }
    /* After the placement: the namespace takes the groups that its maker is in as its roots. */
    const struct oci_namespace *ns = oci_namespace_find(config, "cgroup");
    if (ns != NULL && ns->path == NULL) {
        struct op *op = add(&p, OP_UNSHARE, STEP_CHILD_EARLY, "unshare", "cgroup-namespace", NULL, NULL);
        if (op != NULL)
            op->number = CLONE_NEWCGROUP;
    }
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    return 0;
}
