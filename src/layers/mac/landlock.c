/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (landlock(7)) as a second wall behind the mounts, made out of the document's own mounts.
 *
 * How it decides: a rule gives rights to everything below a directory. An access walks from the file up to the root,
 * across mounts, and is allowed when the rules met on the way give all that it needs. Rules add up; none can take away
 * what one above it gives. From this follows what can be had:
 *
 *   read-only root   "/" can be read and executed. Every mount that is not read-only may be written. So may /proc, as
 *                    files only: programs write to /proc/self (oom_score_adj, comm of their threads, attr,
 *                    coredump_filter), and the directories of future processes cannot be named in a rule. The price is
 *                    that Landlock does not guard /proc/sys; there the mount wall stands alone. /sys and all that the
 *                    root holds are guarded twice.
 *   writable root    "/" may be written, or new top-level directories would be closed. Landlock then guards neither
 *                    /proc/sys nor /sys. What is taken away: device nodes, unless the container has CAP_MKNOD, and
 *                    ioctl on devices outside /dev.
 *
 * In both: no mount, umount or pivot_root at all (landlock(7), "current limitations"), which is why a container that
 * may mount is left without it; no ptrace, signal or abstract socket out of the container even where it shares the
 * host's namespaces (signals and sockets: not where it joins another container's); and no opening of a file that lies
 * outside the root, say by a leaked descriptor's /proc/self/fd. The standard descriptors are an exception, or
 * "nginx > log" could not reopen /dev/stdout: each may be reopened as it is open now. Network rights are not handled.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"
#include "layers/mac/mac.h"
#include "layers/mac/parts.h"
#include "layers/rootfs/mounts.h"
#include "sys/calls.h"

/* What headers older than the kernel lack. */
#ifndef LANDLOCK_ACCESS_FS_REFER /* ABI 2 */
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE /* ABI 3 */
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV /* ABI 5 */
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET /* ABI 6 */
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif
#ifndef LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON /* ABI 7 */
#define LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON (1U << 1)
#endif

/* struct landlock_ruleset_attr of ABI 6; older kernels take less of it. */
struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

#define READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define CHANGE                                                                                                    \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |               \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                  \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define NODES (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define IOCTL LANDLOCK_ACCESS_FS_IOCTL_DEV
/* The rights that a rule on something other than a directory may have. */
#define OF_FILES (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | WRITE | IOCTL)

static uint64_t handled_by(int abi)
{
    uint64_t rights = READ | WRITE | CHANGE | NODES | IOCTL;
    if (abi < 2)
        rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
    if (abi < 3)
        rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi < 5)
        rights &= ~(uint64_t)IOCTL;
    return rights;
}

/* All that any of the five sets names: what the container's programs can come to hold. */
static uint64_t capabilities_of(const struct oci_config *config)
{
    const struct oci_capabilities *c = config->process != NULL ? config->process->capabilities : NULL;
    if (c == NULL)
        return 0;
    const struct oci_strs *sets[] = {&c->bounding, &c->permitted, &c->effective, &c->inheritable, &c->ambient};
    uint64_t all = 0;
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        uint64_t set = 0;
        const char *bad = NULL;
        if (capability_set(sets[i], &set, &bad) == 0) /* bad names are for the capabilities wall to refuse */
            all |= set;
    }
    return all;
}

static bool action_lets_through(const char *action)
{
    static const char *const actions[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"};
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (action != NULL && str_eq(action, actions[i]))
            return true;
    return false;
}

/* Could the filter let this call through, with some arguments? No filter: yes. */
static bool filter_lets_through(const struct oci_seccomp *filter, const char *call)
{
    if (filter == NULL)
        return true;
    bool named = false;
    for (size_t i = 0; i < filter->syscalls.n; i++) {
        const struct oci_seccomp_rule *rule = &filter->syscalls.v[i];
        for (size_t j = 0; j < rule->names.n; j++) {
            if (!str_eq(rule->names.v[j], call))
                continue;
            if (action_lets_through(rule->action))
                return true;
            named = named || rule->args.n == 0;
        }
    }
    return !named && action_lets_through(filter->default_action);
}

const char *mac_landlock_obstacle(const struct oci_config *config, const struct host *host, bool automatic)
{
    if (host->landlock_abi < 1)
        return "this kernel has no Landlock";
    if (host->landlock_abi < 2)
        return "this kernel's Landlock (ABI 1) forbids every move of a file between directories; 5.19 has a later one";
    if ((capabilities_of(config) & CAPABILITY_BIT(CAP_SYS_ADMIN)) != 0)
        return "a container with CAP_SYS_ADMIN may mount, which Landlock forbids";
    if (!oci_has_userns(config) && !host_has_capability(host, CAP_SYS_ADMIN) &&
        (config->process == NULL || !config->process->no_new_privileges.v))
        return "without CAP_SYS_ADMIN Landlock needs process.noNewPrivileges";
    const struct oci_namespace *pid = oci_namespace_find(config, "pid");
    if (automatic && (pid == NULL || pid->path != NULL) &&
        (capabilities_of(config) & CAPABILITY_BIT(CAP_SYS_PTRACE)) != 0)
        return "a container with CAP_SYS_PTRACE in others' pid namespace may trace them, which Landlock forbids";
    const struct oci_seccomp *filter = config->linux != NULL ? config->linux->seccomp : NULL;
    if (automatic && (filter_lets_through(filter, "mount") || filter_lets_through(filter, "move_mount")))
        return "the seccomp filter lets programs mount in a user namespace of their own, which Landlock forbids";
    return NULL;
}

static const char *words_of(struct arena *a, uint64_t rights)
{
    static const struct {
        uint64_t rights;
        const char *word;
    } words[] = {{READ, "read"}, {WRITE, "write"}, {CHANGE, "change"}, {NODES, "nodes"}, {IOCTL, "ioctl"}};
    CLEANUP_BUF struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if ((rights & words[i].rights) != 0)
            buf_printf(&b, "%s%s", b.len > 0 ? "," : "", words[i].word);
    return arena_strdup(a, buf_str(&b));
}

struct builder {
    const struct oci_config *config;
    struct plan *plan;
    uint64_t handled, full; /* full: what a writable place has */
};

static void allow(const struct builder *b, const char *path, uint64_t rights)
{
    rights &= b->handled;
    if (rights != 0)
        mac_add(b->plan, STEP_CHILD_LATE, MAC_LANDLOCK_ALLOW, "allow", path, words_of(b->plan->arena, rights), rights);
}

static bool is_at_or_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return str_starts(path, dir) && (path[n] == '/' || path[n] == '\0');
}

/*
 * Rules for what lies below "/dev" are not needed beside its own. Other mounts below mounts get their rule all the
 * same: a destination may lead through a symbolic link of the image and lie elsewhere.
 */
static void allow_mount(const struct builder *b, size_t i, bool readonly_root)
{
    const struct oci_mount *mount = &b->config->mounts.v[i];
    const char *type = mount->type != NULL ? mount->type : "";
    if (mount->destination == NULL || is_at_or_below(mount->destination, "/dev") || str_eq(mount->destination, "/"))
        return;
    uint64_t rights = 0;
    if (readonly_root && !rootfs_mount_is_readonly(b->plan->arena, b->config, i))
        rights = str_eq(type, "proc") ? WRITE : b->full;
    /* Whoever mounts the host's devices elsewhere wants to use them there. */
    if (mount->source != NULL && is_at_or_below(mount->source, "/dev"))
        rights |= IOCTL;
    allow(b, mount->destination, rights);
}

static void allow_all(const struct builder *b)
{
    const struct oci_config *config = b->config;
    bool readonly = config->root != NULL && config->root->readonly.v;
    allow(b, "/", readonly ? READ : b->full);
    allow(b, "/dev", readonly ? b->full | IOCTL : IOCTL);
    for (size_t i = 0; i < config->mounts.n; i++)
        allow_mount(b, i, readonly);
    for (size_t i = 0; i < config->linux->devices.n; i++) {
        const char *path = config->linux->devices.v[i].path;
        if (!is_at_or_below(path, "/dev"))
            allow(b, path, readonly ? WRITE | IOCTL : IOCTL);
    }
}

/*
 * Signals and abstract sockets stay inside, except for those who join a namespace that is not the host's: the
 * containers of a pod share it in order to reach each other.
 */
static uint64_t scopes_of(const struct oci_config *config)
{
    const struct oci_namespace *pid = oci_namespace_find(config, "pid");
    const struct oci_namespace *network = oci_namespace_find(config, "network");
    uint64_t scopes = 0;
    if (pid == NULL || pid->path == NULL)
        scopes |= LANDLOCK_SCOPE_SIGNAL;
    if (network == NULL || network->path == NULL)
        scopes |= LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;
    return scopes;
}

static int mode_of(const struct oci_config *config, bool *ret_automatic, struct err *err)
{
    const char *mode = oci_annotation(config, ANNOTATION_LANDLOCK);
    if (mode == NULL || str_eq(mode, "off"))
        return 0;
    *ret_automatic = str_eq(mode, "auto");
    if (!*ret_automatic && !str_eq(mode, "on"))
        return err_set(err, -EINVAL, LAYER_MAC, "annotation %s: \"%s\" is not on, off or auto", ANNOTATION_LANDLOCK,
                       mode);
    return 1;
}

int mac_landlock_plan(const struct oci_config *config, const struct host *host, bool scoped, struct plan *plan,
                      struct err *err)
{
    bool automatic = false;
    int r = mode_of(config, &automatic, err);
    if (r <= 0 || config->linux == NULL)
        return r;
    const char *obstacle = mac_landlock_obstacle(config, host, automatic);
    if (obstacle != NULL && !automatic)
        return err_set(err, -ENOTSUP, LAYER_MAC, "annotation %s: on: %s", ANNOTATION_LANDLOCK, obstacle);
    if (obstacle != NULL) {
        mac_add(plan, STEP_CHILD_LATE, MAC_LANDLOCK_LEFT_OUT, "leave-out", "landlock", obstacle, 0);
        return 0;
    }

    struct ruleset_attr *attr = arena_new(plan->arena, struct ruleset_attr);
    if (attr == NULL)
        return err_set(err, -ENOMEM, LAYER_MAC, "out of memory");
    int abi = host->landlock_abi;
    attr->handled_access_fs = handled_by(abi);
    if (scoped && abi >= 6)
        attr->scoped = scopes_of(config);
    struct builder b = {.config = config, .plan = plan, .handled = attr->handled_access_fs};
    b.full = READ | WRITE | CHANGE;
    if ((capabilities_of(config) & CAPABILITY_BIT(CAP_MKNOD)) != 0)
        b.full |= NODES;

    struct op *op = mac_add(plan, STEP_CHILD_LATE, MAC_LANDLOCK_RULES, "rules", "landlock",
                            arena_printf(plan->arena, "abi %d%s%s", abi,
                                         (attr->scoped & LANDLOCK_SCOPE_SIGNAL) != 0 ? ", signals inside" : "",
                                         (attr->scoped & LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET) != 0
                                             ? ", abstract sockets inside" : ""),
                            (uint64_t)abi);
    if (op != NULL)
        op->args = attr;
    allow_all(&b);
    if (config->process == NULL || !config->process->terminal.v)
        mac_add(plan, STEP_CHILD_LATE, MAC_LANDLOCK_STDIO, "allow", "standard descriptors", "as they are open",
                attr->handled_access_fs);
    if (!oci_has_userns(config) && !host_has_capability(host, CAP_SYS_ADMIN))
        mac_add(plan, STEP_CHILD_LATE, MAC_NO_NEW_PRIVS, "set", "no-new-privs", NULL, 1);
    mac_add(plan, STEP_CHILD_LATE, MAC_LANDLOCK_ENTER, "enter", "landlock", NULL, (uint64_t)abi);
    return 0;
}

static int make_ruleset(const struct op *op, struct mac_landlock *state, struct err *err)
{
    size_t size = op->number >= 6 ? sizeof(struct ruleset_attr) : op->number >= 4 ? 16 : 8;
    int fd = sys_landlock_create_ruleset(op->args, size, 0);
    if (fd < 0)
        return err_set_errno(err, fd, LAYER_MAC, "landlock: rules");
    mac_landlock_close(state);
    state->ruleset = fd; /* close-on-exec from birth, as all descriptors of Landlock */
    state->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return state->root < 0 ? err_set_errno(err, -errno, LAYER_MAC, "landlock: /") : 0;
}

/*
 * A destination may lead through links of the image: inside the root only, and not through /proc's magic ones, which
 * lead anywhere. -EAGAIN: something on the host was renamed or mounted meanwhile (openat2(2)).
 */
static int open_inside(int root, const char *path)
{
    int fd = -EAGAIN;
    for (int tries = 0; fd == -EAGAIN && tries < 1000; tries++)
        fd = sys_openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    return fd;
}

static int add_rule(int ruleset, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr attr = {.allowed_access = rights, .parent_fd = fd};
    return sys_landlock_add_rule(ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
}

static int allow_path(const struct op *op, const struct mac_landlock *state, struct err *err)
{
    int ruleset = state->ruleset;
    CLEANUP_FD int fd = open_inside(state->root, op->target);
    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0; /* covered by a later mount: nobody can reach it */
    if (fd < 0)
        return err_set_errno(err, fd, LAYER_MAC, "landlock: %s", op->target);
    int r = add_rule(ruleset, fd, op->number);
    if (r == -EINVAL) /* not a directory: a file that is mounted */
        r = (op->number & OF_FILES) == 0 ? 0 : add_rule(ruleset, fd, op->number & OF_FILES);
    return r < 0 ? err_set_errno(err, r, LAYER_MAC, "landlock: rule for %s", op->target) : 0;
}

static int allow_stdio(uint64_t handled, int ruleset, struct err *err)
{
    for (int fd = 0; fd < 3; fd++) {
        int flags = fcntl(fd, F_GETFL);
        struct stat st;
        if (flags < 0 || (flags & O_PATH) != 0 || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
            continue;
        uint64_t rights = S_ISCHR(st.st_mode) ? IOCTL : 0;
        if ((flags & O_ACCMODE) != O_WRONLY)
            rights |= LANDLOCK_ACCESS_FS_READ_FILE;
        if ((flags & O_ACCMODE) != O_RDONLY)
            rights |= WRITE;
        int r = add_rule(ruleset, fd, rights & handled);
        if (r < 0 && r != -EBADFD) /* pipes and sockets lie in no file system that Landlock guards */
            return err_set_errno(err, r, LAYER_MAC, "landlock: rule for standard descriptor %d", fd);
    }
    return 0;
}

static int enter(const struct op *op, struct mac_landlock *state, struct err *err)
{
    /* Denials are for the audit log, where the host keeps one, as AppArmor's are: they answer "which layer". */
    int r = sys_landlock_restrict_self(state->ruleset, op->number >= 7 ? LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON : 0);
    mac_landlock_close(state);
    return r < 0 ? err_set_errno(err, r, LAYER_MAC, "landlock: enter") : 0;
}

void mac_landlock_close(struct mac_landlock *state)
{
    fd_close(&state->ruleset);
    fd_close(&state->root);
}

int mac_landlock_apply(const struct op *op, struct mac_landlock *state, struct err *err)
{
    switch ((enum mac_kind)op->kind) {
    case MAC_LANDLOCK_RULES:
        return make_ruleset(op, state, err);
    case MAC_LANDLOCK_ALLOW:
        return allow_path(op, state, err);
    case MAC_LANDLOCK_STDIO:
        return allow_stdio(op->number, state->ruleset, err);
    case MAC_NO_NEW_PRIVS:
        if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
            return err_set_errno(err, -errno, LAYER_MAC, "no_new_privs");
        return 0;
    case MAC_LANDLOCK_ENTER:
        return enter(op, state, err);
    case MAC_LANDLOCK_LEFT_OUT:
    case MAC_APPARMOR:
    case MAC_SELINUX:
        return 0;
    }
    return 0;
}
