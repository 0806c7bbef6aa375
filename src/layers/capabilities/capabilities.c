/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last privileged acts of a container's process: it gives up capabilities and takes its identity.
 *
 * child-last, in this order, each step needing a power that a later one takes away:
 *   bounding set    shrunk while CAP_SETPCAP is there; limits what an exec can ever give back
 *   groups, gid, uid  groups first: without CAP_SETGID they could not be given up any more; the change to a user other
 *                   than root is made with keep-caps, or it would empty the permitted set
 *   umask
 *   capset          permitted, effective, inheritable
 *   ambient         needs permitted and inheritable; the only set that reaches a program of an ordinary user
 *   no_new_privs    last, since it cannot be undone; the seccomp filter follows
 *
 * Should: leave exactly what the document names. Must not: fill one set from another. An inheritable set that nobody
 * asked for let files' capabilities come back (CVE-2022-24769, CVE-2022-29162).
 */
#include "layers/capabilities/capabilities.h"

#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "layers/capabilities/observe.h"
#include "layers/layer.h"
#include "sys/calls.h"

enum kind {
    OP_BOUNDING,
    OP_GROUPS,
    OP_GID,
    OP_UID,
    OP_UMASK,
    OP_PERMITTED,
    OP_EFFECTIVE,
    OP_INHERITABLE,
    OP_AMBIENT,
    OP_AMBIENT_LEFT_OUT,
    OP_NO_NEW_PRIVS,
};

enum set { BOUNDING, PERMITTED, EFFECTIVE, INHERITABLE, AMBIENT, SETS };
static const char *const set_names[SETS] = {"bounding", "permitted", "effective", "inheritable", "ambient"};

struct groups {
    size_t n;
    const uint32_t *v;
};

/* The umask of a document that names none: what the specification leaves open and every runtime sets. */
#define DEFAULT_UMASK 022

static struct op *add(struct plan *plan, enum kind kind, const char *name, const char *target, const char *value,
                      uint64_t number)
{
    return plan_add(plan, &(struct op){.layer = LAYER_CAPABILITIES,
                                       .step = STEP_CHILD_LAST,
                                       .kind = kind,
                                       .name = name,
                                       .target = target,
                                       .value = value,
                                       .number = number,
                                       .slot = -1});
}

static unsigned lowest(uint64_t set)
{
    return (unsigned)__builtin_ctzll(set);
}

/* One of the five sets as a mask, refused where this kernel or this caller cannot give it. */
static int read_set(const struct oci_strs *list, enum set which, const struct host *host, bool own_userns,
                    uint64_t *ret, struct err *err)
{
    const char *bad = NULL;
    uint64_t set = 0;
    if (capability_set(list, &set, &bad) < 0)
        return err_set(err, -EINVAL, LAYER_CAPABILITIES,
                       "process.capabilities.%s: %s is no capability known to Linux", set_names[which], bad);
    uint64_t unknown = set & ~capability_all(host);
    if (unknown != 0)
        return err_set(err, -EINVAL, LAYER_CAPABILITIES,
                       "process.capabilities.%s: this kernel does not know %s (its last is %s): leave it out",
                       set_names[which], capability_name(lowest(unknown)), capability_name(host->last_capability));
    uint64_t missing = set & ~capability_grantable(host, own_userns);
    if (missing != 0)
        return err_set(err, -EPERM, LAYER_CAPABILITIES,
                       "process.capabilities.%s: %s cannot be given, the caller does not hold it itself: leave it out, "
                       "or give the container a user namespace",
                       set_names[which], capability_name(lowest(missing)));
    *ret = set;
    return 0;
}

/* What capset(2) would refuse with a bare EPERM. */
static int check_subset(const uint64_t sets[SETS], enum set inner, enum set outer, struct err *err)
{
    uint64_t extra = sets[inner] & ~sets[outer];
    if (extra == 0)
        return 0;
    return err_set(err, -EINVAL, LAYER_CAPABILITIES, "process.capabilities.%s: %s is not in the %s set",
                   set_names[inner], capability_name(lowest(extra)), set_names[outer]);
}

static int read_sets(const struct oci_config *config, const struct host *host, uint64_t sets[SETS], struct err *err)
{
    const struct oci_capabilities *c = config->process->capabilities;
    if (c == NULL)
        return 0; /* a document without capabilities asks for none */
    const struct oci_strs *lists[SETS] = {&c->bounding, &c->permitted, &c->effective, &c->inheritable, &c->ambient};
    bool own_userns = oci_has_userns(config);
    for (enum set s = 0; s < SETS; s++) {
        int r = read_set(lists[s], s, host, own_userns, &sets[s], err);
        if (r < 0)
            return r;
    }
    int r = check_subset(sets, EFFECTIVE, PERMITTED, err);
    return r < 0 ? r : check_subset(sets, INHERITABLE, BOUNDING, err);
}

/*
 * An id that the kernel cannot take is refused here by name. -1 above all: setresuid(2) reads it as "leave as it is",
 * and the program would run as root.
 */
static int check_id(const char *member, uint64_t id, const oci_id_mappings *maps, const struct oci_config *config,
                    struct err *err)
{
    if (id >= UINT32_MAX)
        return err_set(err, -EINVAL, LAYER_CAPABILITIES, "%s: %" PRIu64 " is no valid id", member, id);
    const struct oci_namespace *ns = oci_namespace_find(config, "user");
    if (ns == NULL || ns->path != NULL || maps->n == 0)
        return 0;
    for (size_t i = 0; i < maps->n; i++)
        if (id >= maps->v[i].container_id && id - maps->v[i].container_id < maps->v[i].size)
            return 0;
    return err_set(err, -EINVAL, LAYER_CAPABILITIES,
                   "%s: %" PRIu64 " is not mapped in the container's user namespace (linux.uidMappings, gidMappings)",
                   member, id);
}

static int plan_identity(const struct oci_config *config, struct plan *plan, struct err *err)
{
    static const struct oci_user root_user = {0};
    const struct oci_user *user = config->process->user != NULL ? config->process->user : &root_user;
    static const oci_id_mappings no_maps = {0};
    const oci_id_mappings *uids = config->linux != NULL ? &config->linux->uid_mappings : &no_maps;
    const oci_id_mappings *gids = config->linux != NULL ? &config->linux->gid_mappings : &no_maps;
    int r = check_id("process.user.uid", user->uid.v, uids, config, err);
    if (r == 0)
        r = check_id("process.user.gid", user->gid.v, gids, config, err);
    if (r < 0)
        return r;

    CLEANUP_BUF struct buf list = BUF_INIT;
    if (user->additional_gids.n > NGROUPS_MAX)
        return err_set(err, -EINVAL, LAYER_CAPABILITIES, "process.user.additionalGids: more than %d groups",
                       NGROUPS_MAX);
    for (size_t i = 0; i < user->additional_gids.n; i++) {
        r = check_id("process.user.additionalGids", user->additional_gids.v[i], gids, config, err);
        if (r < 0)
            return r;
        buf_printf(&list, "%s%u", i > 0 ? "," : "", user->additional_gids.v[i]);
    }
    if (user->umask.set && user->umask.v > 0777)
        return err_set(err, -EINVAL, LAYER_CAPABILITIES, "process.user.umask: %#" PRIo64 " is larger than 0777",
                       user->umask.v);

    struct arena *a = plan->arena;
    struct groups *groups = arena_new(a, struct groups);
    if (groups == NULL || list.failed)
        return err_set(err, -ENOMEM, LAYER_CAPABILITIES, "out of memory");
    *groups = (struct groups){.n = user->additional_gids.n, .v = user->additional_gids.v};
    struct op *op = add(plan, OP_GROUPS, "set", "groups", list.len > 0 ? arena_strdup(a, buf_str(&list)) : "none",
                        groups->n);
    if (op != NULL)
        op->args = groups;
    add(plan, OP_GID, "set", "gid", arena_printf(a, "%" PRIu64, user->gid.v), user->gid.v);
    add(plan, OP_UID, "set", "uid", arena_printf(a, "%" PRIu64, user->uid.v), user->uid.v);
    uint64_t mask = user->umask.set ? user->umask.v : DEFAULT_UMASK;
    add(plan, OP_UMASK, "set", "umask", arena_printf(a, "%04" PRIo64, mask), mask);
    return 0;
}

static int capabilities_plan(const struct oci_config *config, const struct host *host, const char *id UNUSED,
                             const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    if (config->process == NULL)
        return 0;
    uint64_t sets[SETS] = {0};
    int r = read_sets(config, host, sets, err);
    if (r < 0)
        return r;

    struct arena *a = plan->arena;
    add(plan, OP_BOUNDING, "keep", "bounding", capability_list(a, sets[BOUNDING]), sets[BOUNDING]);
    r = plan_identity(config, plan, err);
    if (r < 0)
        return r;
    add(plan, OP_PERMITTED, "set", "permitted", capability_list(a, sets[PERMITTED]), sets[PERMITTED]);
    add(plan, OP_EFFECTIVE, "set", "effective", capability_list(a, sets[EFFECTIVE]), sets[EFFECTIVE]);
    add(plan, OP_INHERITABLE, "set", "inheritable", capability_list(a, sets[INHERITABLE]), sets[INHERITABLE]);
    /*
     * The kernel raises an ambient capability only where it is permitted and inheritable too. Documents that runc and
     * crun write themselves ("spec") name ambient ones without inheritable: those stay down there, so here, and the
     * plan says which.
     */
    uint64_t can_rise = sets[PERMITTED] & sets[INHERITABLE];
    uint64_t left_out = sets[AMBIENT] & ~can_rise;
    add(plan, OP_AMBIENT, "raise", "ambient", capability_list(a, sets[AMBIENT] & can_rise), sets[AMBIENT] & can_rise);
    if (left_out != 0)
        add(plan, OP_AMBIENT_LEFT_OUT, "leave-out", "ambient",
            arena_printf(a, "%s: not inheritable and permitted", capability_list(a, left_out)), left_out);
    if (config->process->no_new_privileges.v)
        add(plan, OP_NO_NEW_PRIVS, "set", "no-new-privs", NULL, 1);
    return 0;
}

static int drop_bounding(uint64_t keep, unsigned last, struct err *err)
{
    for (unsigned n = 0; n <= last; n++) {
        if ((keep & CAPABILITY_BIT(n)) != 0 || prctl(PR_CAPBSET_DROP, (unsigned long)n, 0UL, 0UL, 0UL) == 0)
            continue;
        int code = -errno;
        if (prctl(PR_CAPBSET_READ, (unsigned long)n, 0UL, 0UL, 0UL) == 0)
            continue; /* not there already: nothing to drop for a caller without CAP_SETPCAP */
        return err_set_errno(err, code, LAYER_CAPABILITIES,
                             "bounding set: %s cannot be dropped (the caller needs CAP_SETPCAP)", capability_name(n));
    }
    return 0;
}

/*
 * The identity calls go to the kernel directly: glibc's wrappers would tell the threads of the caller's process, of
 * which this child has none (nptl(7)).
 */
#ifdef SYS_setresuid32
#define CALL_SETGROUPS SYS_setgroups32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_SETRESUID SYS_setresuid32
#else
#define CALL_SETGROUPS SYS_setgroups
#define CALL_SETRESGID SYS_setresgid
#define CALL_SETRESUID SYS_setresuid
#endif

static int set_groups(const struct apply *ap, const struct groups *groups, struct err *err)
{
    if (syscall(CALL_SETGROUPS, groups->n, groups->v) == 0)
        return 0;
    int code = -errno;
    /*
     * In a user namespace whose maker has no CAP_SETGID outside, setgroups is denied for good: it would let him shed
     * a group by which a file is closed to him (user_namespaces(7), "setgroups"). His groups stay, unmapped. Whoever had
     * the capability has no groups left here: start/ took them off before it entered a namespace that may deny it.
     */
    if (code == -EPERM && oci_has_userns(ap->config)) {
        if (groups->n == 0 && (!host_has_capability(ap->host, CAP_SETGID) || getgroups(0, NULL) == 0))
            return 0;
        return err_set(err, code, LAYER_CAPABILITIES,
                       "process.user.additionalGids: the container's user namespace denies setgroups: leave them out, "
                       "or map groups of /etc/subgid");
    }
    if (code == -EINVAL)
        return err_set(err, code, LAYER_CAPABILITIES,
                       "process.user.additionalGids: a group is not mapped in the container's user namespace");
    return err_set_errno(err, code, LAYER_CAPABILITIES, "process.user.additionalGids: setgroups");
}

static int set_id(long call, const char *what, uint64_t id, struct err *err)
{
    if (syscall(call, (uint32_t)id, (uint32_t)id, (uint32_t)id) == 0)
        return 0;
    int code = -errno;
    if (code == -EINVAL)
        return err_set(err, code, LAYER_CAPABILITIES, "%s %" PRIu64 " is not mapped in the container's user namespace",
                       what, id);
    return err_set_errno(err, code, LAYER_CAPABILITIES, "%s %" PRIu64, what, id);
}

static int set_capabilities(const uint64_t sets[SETS], struct err *err)
{
    const struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2];
    for (unsigned i = 0; i < 2; i++)
        data[i] = (struct __user_cap_data_struct){
            .effective = (uint32_t)(sets[EFFECTIVE] >> 32 * i),
            .permitted = (uint32_t)(sets[PERMITTED] >> 32 * i),
            .inheritable = (uint32_t)(sets[INHERITABLE] >> 32 * i),
        };
    int r = sys_capset(&header, data);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CAPABILITIES, "capset (permitted %#" PRIx64 ", effective %#" PRIx64
                             ", inheritable %#" PRIx64 ")", sets[PERMITTED], sets[EFFECTIVE], sets[INHERITABLE]);
    return 0;
}

/*
 * Exactly these: the caller's own ambient set may be what a service manager gave it. capset() has cut it down to what
 * is permitted and inheritable already; where that is nothing, nothing is left to clear.
 */
static int raise_ambient(uint64_t set, uint64_t can_rise, struct err *err)
{
    if (can_rise == 0)
        return 0;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) < 0)
        return err_set_errno(err, -errno, LAYER_CAPABILITIES, "ambient set: clear");
    for (; set != 0; set &= set - 1)
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)lowest(set), 0UL, 0UL) < 0)
            return err_set_errno(err, -errno, LAYER_CAPABILITIES, "ambient set: %s", capability_name(lowest(set)));
    return 0;
}

static int set_keep_caps(unsigned long on, struct err *err)
{
    if (prctl(PR_SET_KEEPCAPS, on, 0UL, 0UL, 0UL) < 0)
        return err_set_errno(err, -errno, LAYER_CAPABILITIES, "PR_SET_KEEPCAPS");
    return 0;
}

/* Every one of these calls copies the credentials; whoever becomes root loses nothing and needs no keep-caps. */
static int set_uid(uint64_t uid, struct err *err)
{
    int r = uid == 0 ? 0 : set_keep_caps(1, err);
    if (r == 0)
        r = set_id(CALL_SETRESUID, "uid", uid, err);
    return r < 0 || uid == 0 ? r : set_keep_caps(0, err);
}

static int carry_out(struct apply *ap, const struct op *op, uint64_t sets[SETS], struct err *err)
{
    switch ((enum kind)op->kind) {
    case OP_BOUNDING:
        return drop_bounding(op->number, ap->host->last_capability, err);
    case OP_GROUPS:
        return set_groups(ap, op->args, err);
    case OP_GID:
        return set_id(CALL_SETRESGID, "gid", op->number, err);
    case OP_UID:
        return set_uid(op->number, err);
    case OP_UMASK:
        umask((mode_t)op->number);
        return 0;
    case OP_PERMITTED:
        sets[PERMITTED] = op->number;
        return 0;
    case OP_EFFECTIVE:
        sets[EFFECTIVE] = op->number;
        return 0;
    case OP_INHERITABLE: /* the last of the three: one call sets them all */
        sets[INHERITABLE] = op->number;
        return set_capabilities(sets, err);
    case OP_AMBIENT:
        return raise_ambient(op->number, sets[PERMITTED] & sets[INHERITABLE], err);
    case OP_AMBIENT_LEFT_OUT:
        log_debug(LAYER_CAPABILITIES, "ambient set without %s", op->value);
        return 0;
    case OP_NO_NEW_PRIVS:
        if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
            return err_set_errno(err, -errno, LAYER_CAPABILITIES, "process.noNewPrivileges");
        return 0;
    }
    return 0;
}

static int child_last(struct apply *ap, struct err *err)
{
    uint64_t sets[SETS] = {0};
    plan_each(op, ap->plan, LAYER_CAPABILITIES, STEP_CHILD_LAST) {
        int r = carry_out(ap, op, sets, err);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct layer capabilities_layer = {
    .id = LAYER_CAPABILITIES,
    .plan = capabilities_plan,
    .at = {[STEP_CHILD_LAST] = child_last},
    .observe = capabilities_observe,
};
