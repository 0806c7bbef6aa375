/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"
#include "layers/rootfs/mounts.h"

/* Host paths whose sharing gives the host away, wholly or nearly. */
static const struct {
    const char *path;
    bool below_too;
    const char *meaning;
} sensitive[] = {
    {"/", false, "The whole file system of the host is within its reach."},
    {"/run/docker.sock", false, "Whoever talks to this socket is root on the host."},
    {"/var/run/docker.sock", false, "Whoever talks to this socket is root on the host."},
    {"/run/podman/podman.sock", false, "Whoever talks to this socket can start containers as the engine's user."},
    {"/run/containerd", true, "Whoever talks to this socket is root on the host."},
    {"/run/crio", true, "Whoever talks to this socket is root on the host."},
    {"/etc", true, "It can read the host's configuration, or change it where this is writable."},
    {"/boot", true, "The host's kernel is kept here."},
    {"/dev", true, "Device nodes of the host are within its reach."},
    {"/lib", true, "Programs of the host load their code from here."},
    {"/usr", true, "Programs of the host are kept here."},
    {"/proc", true, "The host's processes and kernel settings show here."},
    {"/sys", true, "The host's devices and kernel settings show here."},
    {"/var/lib/docker", true, "Every other container's files are kept here."},
    {"/var/lib/containers", true, "Every other container's files are kept here."},
    {"/var/log", true, "Through a symbolic link the reader of these logs may be led to other files of the host."},
    {"/root", false, "The host's administrator keeps keys here."},
    {"/root/.ssh", true, "The host's administrator keeps keys here."},
    {"/root/.gnupg", true, "The host's administrator keeps keys here."},
};

static bool is_below(const char *path, const char *top)
{
    size_t n = strlen(top);
    return strncmp(path, top, n) == 0 && path[n] == '/';
}

static const char *join(struct arena *a, const struct oci_strs *list)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < list->n; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", list->v[i]);
    if (text.failed)
        a->failed = true;
    return fact_clean(a, buf_str(&text));
}

static void explain_root(struct wall_view *v)
{
    const struct oci_root *root = v->c->root;
    const char *lower = oci_annotation(v->c, ANNOTATION_ROOTFS_LOWER), *upper = oci_annotation(v->c, ANNOTATION_ROOTFS_UPPER);
    bool readonly = root != NULL && root->readonly.v;
    const char *what = "its own";
    struct oci_mount as_bind = {.source = root != NULL ? root->path : NULL};
    const char *path = rootfs_mount_source(v->a, &as_bind, v->input->bundle != NULL ? v->input->bundle : "/");
    if ((v->observed || lower == NULL) && path != NULL && str_eq(path, "/")) {
        fact_add(v, FACT_OPEN, "root", "root.path", "It sees the host's files as any program of the host does.",
                 "the host's, in a mount namespace of its own")
            ->value = "host";
        return;
    }
    if (!v->observed && lower != NULL) {
        size_t layers = 1;
        for (const char *p = lower; *p != '\0'; p++)
            layers += *p == ':';
        what = arena_printf(v->a, "overlay of %zu read-only %s%s", layers, layers == 1 ? "layer" : "layers",
                            upper != NULL ? " and a private one" : "");
    } else if (root != NULL && root->path != NULL) {
        what = fact_clean(v->a, root->path);
    }
    struct fact *f = fact_add(v, FACT_HOLDS, "root",
                              lower != NULL ? "annotations[" ANNOTATION_ROOTFS_LOWER "]" : "root.path",
                              "The host's files are not below its root.", "%s", what);
    f->value = "own";
    f->speaks = true;
    if (v->observed && (root == NULL || !root->readonly.set)) {
        fact_add(v, FACT_UNKNOWN, "root writes", NULL, "Whether it can replace its programs cannot be told from here.",
                 "cannot be read");
        return;
    }
    if (readonly)
        f = fact_add(v, FACT_HOLDS, "root writes", "root.readonly", "Its programs cannot be replaced from inside.",
                     "read-only");
    else
        f = fact_add(v, FACT_PARTIAL, "root writes", "root.readonly",
                     lower != NULL && upper != NULL ? "It can replace its programs; the image's layers stay as they are."
                                                    : "It can replace its own programs.",
                     "writable");
    f->value = readonly ? "ro" : "rw";
}

/* What the path itself is, or is a part of; otherwise which such path it brings along. */
static const char *sensitive_meaning(struct arena *a, const char *source)
{
    static const char *const harmless[] = {"/dev/shm", "/dev/mqueue"};
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (str_eq(source, harmless[i]) || is_below(source, harmless[i]))
            return NULL;
    for (size_t i = 0; i < ARRAY_LEN(sensitive); i++)
        if (str_eq(source, sensitive[i].path) || (sensitive[i].below_too && is_below(source, sensitive[i].path)))
            return sensitive[i].meaning;
    for (size_t i = 0; i < ARRAY_LEN(sensitive); i++)
        if (is_below(sensitive[i].path, source))
            return arena_printf(a, "With it comes %s where the host has it: %c%s", sensitive[i].path,
                                sensitive[i].meaning[0] | 0x20, sensitive[i].meaning + 1);
    return NULL;
}

static struct fact *explain_bind(struct wall_view *v, const struct oci_mount *m, const struct rootfs_mount_meaning *is,
                                 const char *subject, const char *path)
{
    const char *source = rootfs_mount_source(v->a, m, v->input->bundle != NULL ? v->input->bundle : "/");
    bool part = is->readonly && is->recursive && !is->readonly_below && !v->observed;
    enum fact_state state = is->readonly && !part ? FACT_HOLDS : FACT_PARTIAL;
    const char *meaning = part ? "It can change what the host has mounted below this path."
                               : is->readonly ? "It can read these files of the host."
                                              : "It can change these files of the host.";
    const char *what = source != NULL ? sensitive_meaning(v->a, source) : NULL;
    if (what != NULL) {
        /* A socket works through a read-only mount as well. */
        bool socket = strstr(what, "socket") != NULL;
        state = is->readonly && !part && !socket ? FACT_PARTIAL : FACT_OPEN;
        meaning = what;
    }
    struct fact *f = fact_add(v, state, subject, path, meaning, "the host's %s, %s",
                              source != NULL ? fact_clean(v->a, source) : "?",
                              part ? "read-only, mounts below it as they are"
                                   : is->readonly ? "read-only" : "writable");
    f->value = is->readonly ? "ro" : "rw";
    return f;
}

/* What a file system of this type shows of the machine as a whole; NULL: it is the container's own. */
static const char *shown_by(const struct wall_view *v, const char *type, enum fact_state *ret)
{
    static const char *const own[] = {"proc", "tmpfs", "ramfs", "devpts", "mqueue", "overlay"};
    *ret = FACT_OPEN;
    if (str_eq(type, "proc") && oci_namespace_find(v->c, "pid") == NULL)
        return "It shows the host's processes.";
    if (str_eq(type, "mqueue") && oci_namespace_find(v->c, "ipc") == NULL)
        return "It shows the host's message queues.";
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_eq(type, own[i]))
            return NULL;
    *ret = FACT_PARTIAL;
    return "What this shows is not the container's alone: a disk, a share or the kernel itself.";
}

static struct fact *explain_filesystem(struct wall_view *v, const struct oci_mount *m, bool readonly,
                                       const char *subject, const char *path)
{
    const char *type = m->type != NULL ? m->type : "?";
    bool kernel = str_eq(type, "sysfs") || str_eq(type, "cgroup") || str_eq(type, "cgroup2");
    enum fact_state state = FACT_HOLDS;
    const char *shows = kernel ? NULL : shown_by(v, type, &state);
    struct fact *f = NULL;
    bool groups = kernel && !str_eq(type, "sysfs");
    if (groups && !readonly && oci_namespace_find(v->c, "cgroup") == NULL && !view_unread(v, "cgroup") && v->observed)
        f = fact_add(v, FACT_OPEN, subject, path,
                     str_eq(type, "cgroup")
                         ? "It can change everyone's limits, and have the host run a program as root (release_agent)."
                         : "It can change everyone's limits on this host.",
                     "%s, the host's whole tree, writable", fact_clean(v->a, type));
    else if (kernel && !readonly)
        f = fact_add(v, FACT_PARTIAL, subject, path,
                     str_eq(type, "sysfs") ? "It can change settings of the kernel and of devices that its user may write."
                                           : "It can change its own limits where its user may write them.",
                     "%s, writable", fact_clean(v->a, type));
    else if (kernel)
        f = fact_add(v, FACT_HOLDS, subject, path, "It can read kernel settings here, and change none.", "%s, read-only",
                     fact_clean(v->a, type));
    else
        f = fact_add(v, shows != NULL ? state : FACT_HOLDS, subject, path,
                     shows != NULL ? shows : "A file system of the container's own.", "%s%s%s", fact_clean(v->a, type),
                     m->options.n > 0 ? ", " : "", join(v->a, &m->options));
    f->value = readonly ? "ro" : "rw";
    f->quiet = v->observed && shows == NULL && (!kernel || readonly);
    return f;
}

static void explain_mount(struct wall_view *v, size_t i)
{
    const struct oci_mount *m = &v->c->mounts.v[i];
    const char *subject = fact_clean(v->a, m->destination);
    const char *path = arena_printf(v->a, "mounts[%s]", m->destination);
    struct rootfs_mount_meaning is = rootfs_mount_finally(v->a, v->c, i);
    if (m->destination == NULL || str_eq(m->destination, "/") || is.remount)
        return;
    struct fact *f = is.bind ? explain_bind(v, m, &is, subject, path)
                             : explain_filesystem(v, m, is.readonly, subject, path);
    f->wanted = v->observed ? drift_kind(v, m) : NULL;
    f->quiet = f->quiet && f->wanted == NULL;
    if (f->wanted != NULL && f->state == FACT_HOLDS) {
        f->state = FACT_PARTIAL;
        f->meaning = "Nobody asked for this mount: it hides what the configuration puts here.";
    }
}

static bool is_covered(const struct oci_strs *have, const char *path)
{
    for (size_t i = 0; i < have->n; i++)
        if (str_eq(have->v[i], path) || is_below(path, have->v[i]))
            return true;
    return false;
}

/* Is it there to be seen: has this machine's kernel such a path, and the container a mount that shows it? */
static bool is_shown(const struct wall_view *v, const char *path)
{
    bool below = false;
    for (size_t i = 0; i < v->c->mounts.n; i++) {
        const char *destination = v->c->mounts.v[i].destination;
        below = below || (destination != NULL && !str_eq(destination, "/") && is_below(path, destination));
    }
    return below && (!v->input->look || access(path, F_OK) == 0);
}

static void add_missing(const struct wall_view *v, const struct oci_strs *have, const char *path, struct buf *missing)
{
    if (is_shown(v, path) && !is_covered(have, path))
        buf_printf(missing, "%s%s", missing->len > 0 ? ", " : "", path);
}

/* Which of the paths that Docker covers this container sees; a pattern stands for what this machine has of it. */
static char *missing_paths(const struct wall_view *v, const struct oci_strs *have, const struct profile_list *usual)
{
    CLEANUP_BUF struct buf missing = BUF_INIT;
    for (size_t i = 0; i < usual->n; i++) {
        const char *path = usual->v[i].value;
        glob_t found = {0};
        if (strchr(path, '*') == NULL)
            add_missing(v, have, path, &missing);
        else if (v->input->look && glob(path, GLOB_NOSORT, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++)
                add_missing(v, have, found.gl_pathv[k], &missing);
        globfree(&found);
    }
    if (missing.failed)
        v->a->failed = true;
    return missing.len > 0 ? arena_strdup(v->a, buf_str(&missing)) : NULL;
}

static void explain_paths(struct wall_view *v, const char *subject, const char *path, const struct oci_strs *have,
                          const struct profile_list *usual, const char *all, const char *none)
{
    if (v->observed && !have->set) {
        fact_add(v, FACT_UNKNOWN, subject, path, "Which of them are covered cannot be told from here.", "cannot be read");
        return;
    }
    const char *missing = missing_paths(v, have, usual), *lost = NULL;
    const struct oci_config *asked = v->observed ? v->input->config : NULL;
    bool masked = usual == &v->usual->masked_paths;
    if (asked != NULL && asked->linux != NULL)
        lost = drift_paths(v, masked ? &asked->linux->masked_paths : &asked->linux->readonly_paths, masked);
    struct fact *f = NULL;
    if (missing == NULL && lost != NULL)
        f = fact_add(v, FACT_PARTIAL, subject, path, "What was to be covered lies open.", "%zu paths", have->n);
    else if (missing == NULL)
        f = fact_add(v, FACT_HOLDS, subject, path, all, have->n > 0 ? "%zu paths" : "there is none to cover", have->n);
    else if (have->n == 0)
        f = fact_add(v, FACT_OPEN, subject, path, none, "none");
    else
        f = fact_add(v, FACT_PARTIAL, subject, path, none, "%zu paths, without %s", have->n, fact_clean(v->a, missing));
    /* A path that the kernel does not have cannot be covered, so that counts differ rightly: paths are compared. */
    f->value = "compared";
    f->wanted = lost;
}

void explain_rootfs(struct wall_view *v)
{
    const struct oci_linux *l = v->c->linux;
    if (view_unread(v, "mount") || (v->observed && oci_namespace_find(v->c, "mount") != NULL && !v->c->mounts.set)) {
        static const char *const subjects[] = {"root", "masked paths", "read-only paths"};
        for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
            fact_add(v, FACT_UNKNOWN, subjects[i], NULL, "Which files it sees cannot be told from here.", "cannot be read");
        return;
    }
    if (oci_namespace_find(v->c, "mount") == NULL) {
        fact_add(v, FACT_OPEN, "root", "linux.namespaces[mount]", "It sees the host's files as any program of the host does.",
                 "the host's")
            ->value = "host";
        return;
    }
    explain_root(v);
    static const struct oci_strs none = {.n = 0};
    explain_paths(v, "masked paths", "linux.maskedPaths", l != NULL ? &l->masked_paths : &none, &v->usual->masked_paths,
                  "What tells of the host's hardware, keys and memory is covered.",
                  "Some of the host's hardware, keys or memory shows through /proc and /sys.");
    explain_paths(v, "read-only paths", "linux.readonlyPaths", l != NULL ? &l->readonly_paths : &none,
                  &v->usual->readonly_paths, "Settings of the kernel under /proc cannot be written.",
                  "Settings of the whole kernel under /proc can be written by its root.");
    const char *propagation = l != NULL ? l->rootfs_propagation : NULL;
    bool shared = propagation != NULL && (str_eq(propagation, "shared") || str_eq(propagation, "rshared"));
    if (propagation != NULL) {
        struct fact *f = fact_add(v, shared ? FACT_OPEN : FACT_HOLDS, "propagation", "linux.rootfsPropagation",
                                  shared ? "What it mounts appears on the host as well."
                                         : "What it mounts stays in its own mount namespace.",
                                  "%s", fact_clean(v->a, propagation));
        f->value = shared ? "shared" : "private";
        f->quiet = v->observed && !shared;
    }
    for (size_t i = 0; i < v->c->mounts.n; i++)
        explain_mount(v, i);
    if (v->observed)
        drift_missing(v);
}
