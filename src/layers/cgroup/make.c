/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a group: the directories down to it, what has to be passed down to it first (cpuset on v1, controllers on
 * v2), and the decision what an existing group is.
 *
 * In the ordinary case, the parent is there and the group is not, one mkdir is all. Plain paths are safe for that: the
 * groups down to the container's are the host's, not the container's, and a cgroup file system has no symbolic links.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "layers/cgroup/group.h"

#define DIRECTORY_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
/* Not O_PATH: the group's own descriptor is also for setxattr and bpf(2). */
#define GROUP_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define MAX_ATTEMPTS 32

/* Controllers as bits, from a file of names. */
static uint32_t read_controllers(int fd, const char *file)
{
    char text[256];
    uint32_t bits = 0;
    if (file_read_into(fd, file, text, sizeof text) < 0)
        return 0;
    for (char *rest = text, *name; (name = strsep(&rest, " \n")) != NULL;)
        for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++)
            if (c != CGROUP_CPUACCT && str_eq(name, cgroup_controller_name(c, true)))
                bits |= BIT(c);
    return bits;
}

/*
 * Whether the group has processes of its own and is not the machine's root, which alone lacks cgroup.type. It must hand
 * nothing out then. For most controllers the kernel says EBUSY; but cpu, pids and other threaded ones it does hand out,
 * makes the group a thread root by it, and nothing can enter the groups below it any more.
 */
static bool holds_processes(int fd)
{
    char text[16];
    return faccessat(fd, "cgroup.type", F_OK, 0) == 0 && file_read_into(fd, "cgroup.procs", text, sizeof text) > 0;
}

/* Hand the missing controllers out to the groups below fd. Those that must be there decide about success. */
static int enable(int fd, const char *path, const struct group_op *op, struct err *err)
{
    uint32_t missing = (op->enable_must | op->enable_may) & ~read_controllers(fd, "cgroup.subtree_control");
    if (missing == 0)
        return 0;
    bool busy = holds_processes(fd);
    if (busy && (op->enable_must & missing) == 0)
        return 0;
    char all[256] = "";
    size_t n = 0;
    for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++)
        if ((missing & BIT(c)) != 0)
            n += (size_t)snprintf(all + n, sizeof all - n, "+%s ", cgroup_controller_name(c, true));
    if (!busy && file_write(fd, "cgroup.subtree_control", all) == 0)
        return 0;
    /* All or none: one that is not there would keep the others away. */
    for (enum cgroup_controller c = 0; c < CGROUP_CONTROLLERS; c++) {
        if ((missing & BIT(c)) == 0)
            continue;
        snprintf(all, sizeof all, "+%s", cgroup_controller_name(c, true));
        int r = busy ? -EBUSY : file_write(fd, "cgroup.subtree_control", all);
        if (r == 0 || (op->enable_must & BIT(c)) == 0)
            continue;
        const char *why = r == -EBUSY ? "the group has processes of its own: move them to a group below it"
                          : r == -ENOENT ? "the controller is not handed down to this group"
                                         : "it is not delegated to us";
        return err_set_errno(err, r, LAYER_CGROUP, "%s: cannot enable the %s controller in %s (%s)",
                             op->needed != NULL ? op->needed : "group", cgroup_controller_name(c, true), path, why);
    }
    return 0;
}

static bool blank(const char *s)
{
    return s[strspn(s, " \n")] == '\0';
}

/* A new v1 cpuset group has no processors and no memory nodes, and nothing can enter it until it has both. */
static int inherit_cpuset(int fd, int above, const char *path, struct err *err)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char value[4096];
        ssize_t n = file_read_into(fd, files[i], value, sizeof value);
        if (n >= 0 && !blank(value))
            continue;
        if (n >= 0)
            n = file_read_into(above, files[i], value, sizeof value);
        int r = n < 0 ? (int)n : file_write(fd, files[i], value);
        if (r < 0)
            return err_set_errno(err, r, LAYER_CGROUP, "%s/%s: cannot copy it from the group above", path, files[i]);
    }
    return 0;
}

static bool not_ours(int code)
{
    return code == -EACCES || code == -EPERM || code == -EROFS;
}

/* From the mount down to the parent, making and preparing each group on the way. */
static int walk_to_parent(const struct group_op *op, int *ret_fd, struct err *err)
{
    const struct place *p = op->place;
    char path[PATH_MAX], parent[PATH_MAX];
    snprintf(path, sizeof path, "%s", p->mount);
    snprintf(parent, sizeof parent, "%s", p->parent);
    CLEANUP_FD int fd = open(p->mount, DIRECTORY_FLAGS);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_CGROUP, "%s", p->mount);
    char *rest = parent;
    for (;;) {
        if (p->v2) {
            int r = enable(fd, path, op, err);
            if (r < 0)
                return r;
        }
        const char *name = strsep(&rest, "/");
        while (name != NULL && *name == '\0')
            name = strsep(&rest, "/");
        if (name == NULL)
            break;
        size_t n = strlen(path);
        snprintf(path + n, sizeof path - n, "/%s", name);
        bool made = mkdirat(fd, name, 0755) == 0;
        if (!made && errno != EEXIST)
            return not_ours(-errno) ? -errno : err_set_errno(err, -errno, LAYER_CGROUP, "cannot make %s", path);
        int next = openat(fd, name, DIRECTORY_FLAGS | O_NOFOLLOW);
        if (next < 0)
            return err_set_errno(err, -errno, LAYER_CGROUP, "%s", path);
        int r = op->inherit_cpuset ? inherit_cpuset(next, fd, path, err) : 0;
        fd_close(&fd);
        fd = next;
        if (r < 0)
            return r;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_parent(const struct group_op *op, int *ret_fd, struct err *err)
{
    const struct place *p = op->place;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", p->mount, p->parent);
    if (op->inherit_cpuset)
        return walk_to_parent(op, ret_fd, err);
    CLEANUP_FD int fd = open(path, DIRECTORY_FLAGS);
    if (fd < 0 && errno == ENOENT)
        return walk_to_parent(op, ret_fd, err);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_CGROUP, "%s", path);
    uint32_t want = op->enable_must | op->enable_may;
    if (p->v2 && want != 0 && (want & ~read_controllers(fd, "cgroup.subtree_control")) != 0)
        return walk_to_parent(op, ret_fd, err);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/*
 * CLONE_INTO_CGROUP wants cgroup.procs of the nearest group above both us and the new group to be writable (cgroups(7),
 * delegation containment). Asked beforehand, because after the clone it would be too late to do without.
 */
static bool may_enter(const struct host *host, const struct place *p)
{
    if (host_is_machine_root(host))
        return true;
    const char *own = host->cgroup.v2_own != NULL ? host->cgroup.v2_own : "/";
    char target[PATH_MAX];
    snprintf(target, sizeof target, "%s/%s", p->parent, p->name);
    size_t common = 0;
    for (size_t i = 0;; i++) {
        bool end = target[i] == '\0' || own[i] == '\0';
        if ((target[i] == '/' || target[i] == '\0') && (own[i] == '/' || own[i] == '\0'))
            common = i;
        if (end || target[i] != own[i])
            break;
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%.*s/cgroup.procs", p->mount, (int)common, target);
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* See cgroup.h about groups that exist already. 0: it may be used, and *fd is it. */
static int take_over(int parent, const struct group_op *op, int *fd, struct err *err)
{
    const struct place *p = op->place;
    if (cgroup_tree_has_process(*fd, p->v2))
        return err_set(err, -EEXIST, LAYER_CGROUP,
                       "the group %s%s/%s exists and has processes in it: is this container running already, or "
                       "another one with the same cgroupsPath?", p->mount, p->parent, p->name);
    if (!p->ours)
        return 0;
    fd_close(fd);
    int r = cgroup_tree_remove(parent, p->name);
    if (r == 0 && mkdirat(parent, p->name, 0755) < 0)
        r = -errno;
    if (r == 0)
        *fd = openat(parent, p->name, GROUP_FLAGS);
    if (r == 0 && *fd < 0)
        r = -errno;
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "%s%s/%s is left from an earlier start and cannot be cleared",
                             p->mount, p->parent, p->name);
    return 0;
}

/* The ordinary case. 1: made, 0: it takes more than that, or a negative errno. */
static int make_simply(const struct group_op *op, int *ret_fd, struct err *err)
{
    const struct place *p = op->place;
    if (op->inherit_cpuset || (op->enable_must | op->enable_may) != 0)
        return 0;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s/%s", p->mount, p->parent, p->name);
    if (mkdir(path, 0755) < 0) {
        if (errno == EEXIST || errno == ENOENT)
            return 0;
        return not_ours(-errno) ? -errno : err_set_errno(err, -errno, LAYER_CGROUP, "cannot make %s", path);
    }
    if (!p->v2)
        return 1;
    int fd = open(path, GROUP_FLAGS);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_CGROUP, "%s", path);
    *ret_fd = fd;
    return 1;
}

static int make_with_parents(const struct host *host, const struct group_op *op, int *ret_fd, struct err *err)
{
    const struct place *p = op->place;
    CLEANUP_FD int parent = -EBADF;
    int r = open_parent(op, &parent, err);
    if (r < 0)
        return r;
    bool made = mkdirat(parent, p->name, 0755) == 0;
    if (!made && errno != EEXIST)
        return not_ours(-errno) ? -errno
                                : err_set_errno(err, -errno, LAYER_CGROUP, "cannot make %s%s/%s", p->mount, p->parent,
                                                p->name);
    CLEANUP_FD int fd = openat(parent, p->name, GROUP_FLAGS);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_CGROUP, "%s%s/%s", p->mount, p->parent, p->name);
    if (!made) {
        r = take_over(parent, op, &fd, err);
        if (r < 0)
            return r;
    }
    if (p->v2 && !may_enter(host, p)) {
        if (made)
            (void)unlinkat(parent, p->name, AT_REMOVEDIR);
        return -EACCES;
    }
    if (op->inherit_cpuset)
        r = inherit_cpuset(fd, parent, p->name, err);
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int cgroup_make(const struct host *host, const struct group_op *op, int *ret_fd, struct err *err)
{
    CLEANUP_FD int fd = -EBADF;
    int r = -ENOENT;
    /* Another container's undo may take an empty parent away between two of our steps: from the start again. */
    for (int attempt = 0; attempt < MAX_ATTEMPTS && (r == -ENOENT || r == -ENODEV); attempt++) {
        r = op->place->v2 && !host_is_machine_root(host) ? 0 : make_simply(op, &fd, err);
        if (r == 0)
            r = make_with_parents(host, op, &fd, err);
    }
    if (r < 0)
        return r;
    if (op->mark != NULL)
        cgroup_mark_set(host, fd, op->mark);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int cgroup_open(const struct place *p, int *ret_fd)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s/%s", p->mount, p->parent, p->name);
    int fd = open(path, GROUP_FLAGS);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/*
 * The mark says whose group this is, so that undo never kills in a group that another container has under the same
 * cgroupsPath. trusted.* cannot be changed by a container that was given its group; user.* is what is left to us when
 * we are not root of the machine (cgroup2: since Linux 5.7). v1 mounts have no extended attributes.
 */
static const char *mark_name(const struct host *host)
{
    return host_is_machine_root(host) ? "trusted.coffer" : "user.coffer";
}

void cgroup_mark_set(const struct host *host, int group_fd, const char *mark)
{
    if (fsetxattr(group_fd, mark_name(host), mark, strlen(mark), 0) < 0)
        log_debug(LAYER_CGROUP, "cannot mark the group: %s", strerrordesc_np(errno));
}

int cgroup_mark_check(const struct host *host, int group_fd, const char *mark)
{
    char value[1024];
    ssize_t n = fgetxattr(group_fd, mark_name(host), value, sizeof value);
    if (n < 0)
        return -errno;
    return (size_t)n == strlen(mark) && memcmp(value, mark, (size_t)n) == 0;
}
