/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall's place in a start:
 *
 *   plan               checks the section and makes rules and their key; must not touch the system.
 *   host-before-clone  takes the program from the cache, or compiles and keeps it. Unprivileged work.
 *   child-late         loads it where no_new_privs is not wanted: that takes CAP_SYS_ADMIN, which child-last gives up.
 *                      Loads it, too, where it has a listener: the agent must have that before the container is
 *                      created, for whoever starts it later knows nothing of agents.
 *   child-last         loads it otherwise, after every call that setting up needs; only exec should follow.
 */
#include <linux/capability.h>
#include <linux/seccomp.h>

#include "base/log.h"
#include "base/str.h"
#include "layers/layer.h"
#include "layers/seccomp/compile.h"
#include "layers/seccomp/load.h"
#include "layers/seccomp/observe.h"
#include "layers/seccomp/words.h"

enum { OP_FILTER, OP_LOAD };

static int compat32(const struct oci_config *config, bool *ret, struct err *err)
{
    const char *v = oci_annotation(config, ANNOTATION_COMPAT32);
    if (v != NULL && !str_eq(v, "true") && !str_eq(v, "false"))
        return err_set(err, -EINVAL, LAYER_SECCOMP, "annotation " ANNOTATION_COMPAT32 ": \"%s\" is neither \"true\" "
                       "nor \"false\"", v);
    *ret = v == NULL || str_eq(v, "true");
    return 0;
}

static int check_notify(const struct oci_seccomp *section, const struct seccomp_rules *rules, const struct host *host,
                        struct err *err)
{
    if (rules->notify && section->listener_path == NULL)
        return err_set(err, -EINVAL, LAYER_SECCOMP, "linux.seccomp: SCMP_ACT_NOTIFY without listenerPath, the socket "
                       "of the agent that answers");
    if (section->listener_metadata != NULL && section->listener_path == NULL)
        return err_set(err, -EINVAL, LAYER_SECCOMP, "linux.seccomp.listenerMetadata without listenerPath");
    if (rules->notify && !host_kernel_at_least(host, 5, 0))
        return err_set(err, -ENOTSUP, LAYER_SECCOMP, "SCMP_ACT_NOTIFY needs Linux 5.0");
    if ((rules->load_flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0 && !host_kernel_at_least(host, 5, 19))
        return err_set(err, -ENOTSUP, LAYER_SECCOMP, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19");
    return 0;
}

/* Loading a filter takes no_new_privs, or CAP_SYS_ADMIN in the user namespace of the container. */
static int check_privilege(const struct oci_config *config, const struct host *host, bool nnp, struct err *err)
{
    if (nnp || oci_has_userns(config) || host_has_capability(host, CAP_SYS_ADMIN))
        return 0;
    return err_set(err, -EPERM, LAYER_SECCOMP, "a filter without no_new_privs needs CAP_SYS_ADMIN: set "
                   "process.noNewPrivileges, or use a user namespace");
}

static char *describe(struct arena *a, const struct seccomp_rules *rules)
{
    char *archs = arena_strdup(a, "");
    for (size_t i = 0; i < rules->n_archs && archs != NULL; i++)
        archs = arena_printf(a, "%s %s", archs, seccomp_arch_name(rules->archs[i]));
    return arena_printf(a, "default %#x, %zu rules,%s", rules->default_action, rules->n, archs != NULL ? archs : "");
}

static int add_ops(struct plan *plan, struct seccomp_load_filter *load)
{
    bool last = load->nnp && !load->rules.notify;
    plan_add(plan, &(struct op){
        .layer = LAYER_SECCOMP, .step = STEP_HOST_BEFORE_CLONE, .kind = OP_FILTER, .name = "filter",
        .value = describe(plan->arena, &load->rules), .args = load, .slot = -1,
    });
    plan_add(plan, &(struct op){
        .layer = LAYER_SECCOMP, .step = last ? STEP_CHILD_LAST : STEP_CHILD_LATE, .kind = OP_LOAD, .name = "load",
        .target = "filter", .args = load, .number = load->rules.load_flags,
        .value = load->rules.load_flags != 0 ? arena_printf(plan->arena, "flags %#x", load->rules.load_flags) : NULL,
        .slot = load->rules.notify ? SLOT_SECCOMP_LISTENER : -1,
    });
    return plan->arena->failed ? -ENOMEM : 0;
}

static int plan(const struct oci_config *config, const struct host *host, const char *id UNUSED,
                const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    const struct oci_seccomp *section = config->linux != NULL ? config->linux->seccomp : NULL;
    if (section == NULL)
        return 0;
    bool compat = true;
    int e = compat32(config, &compat, err);
    if (e < 0)
        return e;
    struct seccomp_load_filter *load = arena_new(plan->arena, struct seccomp_load_filter);
    if (load == NULL)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    load->nnp = config->process != NULL && config->process->no_new_privileges.v;
    if ((e = seccomp_rules_make(plan->arena, section, host->machine, compat, &load->rules, err)) < 0 ||
        (e = check_notify(section, &load->rules, host, err)) < 0 ||
        (e = check_privilege(config, host, load->nnp, err)) < 0)
        return e;
    if (seccomp_cache_key(&load->rules, load->key) < 0)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    if (load->rules.notify && (load->handover = seccomp_handover_new(plan->arena)) == NULL)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    if (add_ops(plan, load) < 0)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    return 0;
}

static int before_clone(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_SECCOMP, STEP_HOST_BEFORE_CLONE) {
        /* The one part of a plan that is written after planning: the program, which planning must not look for. */
        struct seccomp_load_filter *load = (struct seccomp_load_filter *)(uintptr_t)op->args;
        if (ap->cache_dir != NULL && seccomp_cache_load(ap->plan->arena, ap->cache_dir, load->key, &load->program))
            continue;
        int e = seccomp_compile(ap->plan->arena, &load->rules, &load->program, err);
        if (e < 0)
            return e;
        if (ap->cache_dir == NULL)
            continue;
        e = seccomp_cache_store(ap->cache_dir, load->key, &load->program);
        if (e < 0)
            log_debug(LAYER_SECCOMP, "%s: the compiled filter is not kept (error %d)", ap->cache_dir, -e);
    }
    return 0;
}

static int load_at(struct apply *ap, enum step step, struct err *err)
{
    plan_each(op, ap->plan, LAYER_SECCOMP, step) {
        int e = seccomp_load_filter(ap, op->args, err);
        if (e < 0)
            return e;
    }
    return 0;
}

static int child_late(struct apply *ap, struct err *err)
{
    return load_at(ap, STEP_CHILD_LATE, err);
}

static int child_last(struct apply *ap, struct err *err)
{
    return load_at(ap, STEP_CHILD_LAST, err);
}

const struct layer seccomp_layer = {
    .id = LAYER_SECCOMP,
    .plan = plan,
    .at = {
        [STEP_HOST_BEFORE_CLONE] = before_clone,
        [STEP_CHILD_LATE] = child_late,
        [STEP_CHILD_LAST] = child_last,
    },
    .observe = seccomp_observe,
};
