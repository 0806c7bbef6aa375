/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount tree of a live process, from its mountinfo and, where that cannot tell, from a look at the files. A path
 * counts as masked when what lies there *is* the null device or an empty read-only file system, not because somebody
 * meant it to be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/rootfs/mountinfo.h"
#include "layers/rootfs/rootfs.h"
#include "sys/calls.h"

#define MAX_MOUNTINFO ((size_t)16 * 1024 * 1024)
#define MAX_OPTIONS 48

struct look {
    struct arena *arena;
    struct mountinfo_entry *entries, *own; /* the process's, and ours to find host paths by */
    size_t n, n_own;
    int root;  /* /proc/PID/root, or -EBADF */
    bool host; /* it is in our own mount namespace */
};

static int read_mountinfo(struct arena *a, const char *path, struct mountinfo_entry **ret, size_t *ret_n)
{
    char *text = NULL;
    int r = file_read(a, AT_FDCWD, path, MAX_MOUNTINFO, &text, NULL);
    return r < 0 ? r : rootfs_mountinfo_parse(a, text, ret, ret_n);
}

static bool same_namespace(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
    return stat("/proc/self/ns/mnt", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino;
}

static const struct mountinfo_entry *find_parent(const struct look *l, const struct mountinfo_entry *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->entries[i].id == e->parent)
            return &l->entries[i];
    return NULL;
}

/* The last mount at a path is what is seen there, unless one further up was put over it later. */
static bool is_covered(const struct look *l, size_t i)
{
    for (size_t j = i + 1; j < l->n; j++)
        if (l->entries[j].parent == l->entries[i].id && str_eq(l->entries[j].path, l->entries[i].path))
            return true;
    return false;
}

/* A walk through a file system that a program serves could be made to wait for ever. */
static bool is_served(const struct look *l, const struct mountinfo_entry *e)
{
    for (int depth = 0; e != NULL && depth < 64; depth++, e = find_parent(l, e))
        if (str_starts(e->type, "fuse") || str_starts(e->type, "nfs") || str_starts(e->type, "9p"))
            return true;
    return false;
}

static int open_at(const struct look *l, const struct mountinfo_entry *e, int flags)
{
    const char *path = e->path;
    return l->root < 0 || is_served(l, e) ? -EBADF
                       : sys_openat2(l->root, path[1] != '\0' ? path + 1 : ".", (uint64_t)(flags | O_NOFOLLOW), 0,
                                     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static bool is_null_device(const struct look *l, const struct mountinfo_entry *e)
{
    if (str_eq(e->root, "/") || rootfs_path_below(e->path, "/dev") != NULL)
        return false;
    CLEANUP_FD int fd = open_at(l, e, O_PATH);
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static bool is_empty_directory(const struct look *l, const struct mountinfo_entry *e)
{
    if (!str_eq(e->type, "tmpfs") || !(rootfs_mountinfo_has(e->options, "ro") || rootfs_mountinfo_has(e->super, "ro")))
        return false;
    CLEANUP_FD int fd = open_at(l, e, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return false;
    DIR *dir = fdopendir(fd);
    if (dir == NULL)
        return false;
    fd = -EBADF; /* dir's now */
    bool empty = true;
    for (const struct dirent *d; empty && (d = readdir(dir)) != NULL;)
        empty = str_eq(d->d_name, ".") || str_eq(d->d_name, "..");
    closedir(dir);
    return empty;
}

/* A read-only bind of a part of the file system on that part itself. */
static bool is_readonly_path(const struct look *l, const struct mountinfo_entry *e)
{
    const struct mountinfo_entry *parent = find_parent(l, e);
    if (parent == NULL || !str_eq(parent->device, e->device) || !rootfs_mountinfo_has(e->options, "ro") ||
        rootfs_mountinfo_has(parent->options, "ro"))
        return false;
    const char *below = rootfs_path_below(e->path, parent->path);
    const char *root_below = rootfs_path_below(e->root, parent->root);
    return below != NULL && root_below != NULL && below[0] != '\0' && str_eq(below, root_below);
}

/* Where the host has what is mounted here, if it is a part of a file system that it has mounted, too. */
static char *host_path(const struct look *l, const struct mountinfo_entry *e)
{
    const struct mountinfo_entry *best = NULL;
    for (size_t i = 0; i < l->n_own; i++) {
        const struct mountinfo_entry *o = &l->own[i];
        if (!str_eq(o->device, e->device) || rootfs_path_below(e->root, o->root) == NULL)
            continue;
        if (best == NULL || strlen(o->root) > strlen(best->root))
            best = o;
    }
    if (best == NULL)
        return NULL;
    const char *below = rootfs_path_below(e->root, best->root);
    if (below[0] == '\0')
        return arena_strdup(l->arena, best->path);
    return arena_printf(l->arena, "%s/%s", str_eq(best->path, "/") ? "" : best->path, below);
}

/* Kernel file systems are the same for all who mount them: that the host has them, too, makes them no bind. */
static bool is_kernel_type(const char *type)
{
    static const char *const types[] = {"proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts", "securityfs",
                                        "debugfs", "tracefs", "bpf", "pstore", "efivarfs", "configfs", "binfmt_misc"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(types[i], type))
            return true;
    return false;
}

static const char *propagation_of(const struct mountinfo_entry *e)
{
    if (strstr(e->optional, "shared:") != NULL)
        return "shared";
    if (strstr(e->optional, "unbindable") != NULL)
        return "unbindable";
    return strstr(e->optional, "master:") != NULL ? "slave" : "private";
}

static void add_options(struct arena *a, struct oci_strs *options, const char *list, bool super)
{
    char *copy = arena_strdup(a, list);
    for (char *save = NULL, *word = copy == NULL ? NULL : strtok_r(copy, ",", &save); word != NULL;
         word = strtok_r(NULL, ",", &save)) {
        if (super && (str_eq(word, "rw") || str_eq(word, "ro")))
            continue;
        if (options->n < MAX_OPTIONS)
            options->v[options->n++] = word;
    }
}

static int observe_mount(const struct look *l, const struct mountinfo_entry *e, struct oci_mount *m)
{
    char *source = l->host || is_kernel_type(e->type) ? NULL : host_path(l, e);
    m->destination = arena_strdup(l->arena, e->path);
    m->type = source != NULL ? arena_strdup(l->arena, "bind") : arena_strdup(l->arena, e->type);
    m->source = source != NULL ? source : arena_strdup(l->arena, e->source);
    m->options.v = arena_calloc(l->arena, MAX_OPTIONS + 1, sizeof *m->options.v);
    if (m->options.v == NULL)
        return -ENOMEM;
    m->options.set = true;
    add_options(l->arena, &m->options, e->options, false);
    if (source == NULL)
        add_options(l->arena, &m->options, e->super, true);
    const char *propagation = propagation_of(e);
    if (!str_eq(propagation, "private") && m->options.n < MAX_OPTIONS)
        m->options.v[m->options.n++] = arena_strdup(l->arena, propagation);
    return 0;
}

/* "lowerdir=/a:/b", or since 6.8 "lowerdir+=/a,lowerdir+=/b": as our annotation writes them. */
static char *lower_layers(struct arena *a, const char *super)
{
    char *joined = rootfs_mountinfo_value(a, super, "lowerdir");
    if (joined != NULL)
        return joined;
    CLEANUP_BUF struct buf list = BUF_INIT;
    for (const char *p = super; (p = strstr(p, "lowerdir+=")) != NULL;) {
        p += strlen("lowerdir+=");
        buf_printf(&list, "%s%.*s", list.len > 0 ? ":" : "", (int)strcspn(p, ","), p);
    }
    return list.len > 0 && !list.failed ? arena_strdup(a, buf_str(&list)) : NULL;
}

static int observe_overlay(const struct look *l, const struct mountinfo_entry *e, struct oci_config *ret)
{
    const struct {
        const char *annotation, *value;
    } found[] = {{ANNOTATION_ROOTFS_LOWER, lower_layers(l->arena, e->super)},
                 {ANNOTATION_ROOTFS_UPPER, rootfs_mountinfo_value(l->arena, e->super, "upperdir")},
                 {ANNOTATION_ROOTFS_WORK, rootfs_mountinfo_value(l->arena, e->super, "workdir")}};
    int r = 0;
    for (size_t i = 0; i < ARRAY_LEN(found) && r == 0; i++)
        if (found[i].value != NULL)
            r = layers_annotate(l->arena, ret, found[i].annotation, found[i].value);
    return r;
}

static int observe_root(const struct look *l, const struct mountinfo_entry *e, struct oci_config *ret)
{
    ret->root = arena_new(l->arena, struct oci_root);
    if (ret->root == NULL)
        return -ENOMEM;
    ret->root->readonly.set = true;
    ret->root->readonly.v = rootfs_mountinfo_has(e->options, "ro") || rootfs_mountinfo_has(e->super, "ro");
    ret->linux->rootfs_propagation = arena_strdup(l->arena, propagation_of(e));
    char *path = host_path(l, e);
    /* Of an overlay that only the container has, its layers say more than a path; but it may be the host's own root. */
    if (str_eq(e->type, "overlay") && (path == NULL || strcmp(path, "/") != 0))
        return observe_overlay(l, e, ret);
    ret->root->path = path != NULL ? path : arena_strdup(l->arena, e->root);
    return 0;
}

static int collect(const struct look *l, struct oci_config *ret)
{
    struct oci_linux *linux_ = ret->linux;
    ret->mounts.v = arena_calloc(l->arena, l->n + 1, sizeof *ret->mounts.v);
    linux_->masked_paths.v = arena_calloc(l->arena, l->n + 1, sizeof(char *));
    linux_->readonly_paths.v = arena_calloc(l->arena, l->n + 1, sizeof(char *));
    if (l->arena->failed)
        return -ENOMEM;
    ret->mounts.set = linux_->masked_paths.set = linux_->readonly_paths.set = true;
    int r = 0;
    for (size_t i = 0; i < l->n && r == 0; i++) {
        const struct mountinfo_entry *e = &l->entries[i];
        if (is_covered(l, i))
            continue;
        if (str_eq(e->path, "/"))
            r = observe_root(l, e, ret);
        else if (is_null_device(l, e) || is_empty_directory(l, e))
            linux_->masked_paths.v[linux_->masked_paths.n++] = arena_strdup(l->arena, e->path);
        else if (is_readonly_path(l, e))
            linux_->readonly_paths.v[linux_->readonly_paths.n++] = arena_strdup(l->arena, e->path);
        else
            r = observe_mount(l, e, &ret->mounts.v[ret->mounts.n++]);
    }
    return r < 0 ? r : l->arena->failed ? -ENOMEM : 0;
}

int rootfs_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED, struct oci_config *ret,
                   struct err *err)
{
    struct look l = {.arena = a, .root = -EBADF, .host = same_namespace(pid)};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
    int r = read_mountinfo(a, path, &l.entries, &l.n);
    if (r == -EACCES || r == -EPERM || r == -ENOENT)
        return 0;
    if (r == 0)
        r = read_mountinfo(a, "/proc/self/mountinfo", &l.own, &l.n_own);
    if (r < 0)
        return err_set_errno(err, r, LAYER_ROOTFS, "process %d: its mounts cannot be read", (int)pid);
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    CLEANUP_FD int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    l.root = root;
    r = collect(&l, ret);
    return r < 0 ? err_set_errno(err, r, LAYER_ROOTFS, "process %d: its mounts", (int)pid) : 0;
}
