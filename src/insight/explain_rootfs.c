/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"

/* Docker's lists: what shows or changes the host through /proc and /sys although both are mounted for the container. */
static const char *const masks[] = {
    "/proc/acpi",       "/proc/asound",     "/proc/interrupts", "/proc/kcore",       "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",   "/proc/timer_list",  "/proc/timer_stats",
    "/sys/devices/virtual/powercap", "/sys/firmware"};
static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

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
    {"/root", true, "The host's administrator keeps keys here."},
};

static bool is_below(const char *path, const char *top)
{
    size_t n = strlen(top);
    return strncmp(path, top, n) == 0 && path[n] == '/';
}

static bool has_option(const struct oci_strs *options, const char *name)
{
    for (size_t i = 0; i < options->n; i++)
        if (str_eq(options->v[i], name))
            return true;
    return false;
}

static bool is_bind(const struct oci_mount *m)
{
    return (m->type != NULL && str_eq(m->type, "bind")) || has_option(&m->options, "bind") ||
           has_option(&m->options, "rbind");
}

static bool has(const struct oci_strs *list, const char *s)
{
    return has_option(list, s);
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

static void explain_bind(struct wall_view *v, const struct oci_mount *m, const char *subject, const char *path)
{
    bool readonly = has_option(&m->options, "ro") || has_option(&m->options, "rro");
    const char *source = m->source != NULL ? m->source : "?";
    enum fact_state state = readonly ? FACT_HOLDS : FACT_PARTIAL;
    const char *meaning = readonly ? "It can read these files of the host." : "It can change these files of the host.";
    for (size_t i = 0; i < ARRAY_LEN(sensitive); i++) {
        if (!str_eq(source, sensitive[i].path) && !(sensitive[i].below_too && is_below(source, sensitive[i].path)))
            continue;
        /* A socket works through a read-only mount as well. */
        bool socket = strstr(sensitive[i].meaning, "socket") != NULL;
        state = readonly && !socket ? FACT_PARTIAL : FACT_OPEN;
        meaning = sensitive[i].meaning;
        break;
    }
    struct fact *f = fact_add(v, state, subject, path, meaning, "the host's %s, %s", fact_clean(v->a, source),
                              readonly ? "read-only" : "writable");
    f->value = readonly ? "ro" : "rw";
}

static void explain_mount(struct wall_view *v, const struct oci_mount *m)
{
    const char *subject = fact_clean(v->a, m->destination);
    const char *path = arena_printf(v->a, "mounts[%s]", m->destination);
    const char *type = m->type != NULL ? m->type : "?";
    bool readonly = has_option(&m->options, "ro") || has_option(&m->options, "rro");
    if (str_eq(m->destination, "/"))
        return;
    if (is_bind(m)) {
        explain_bind(v, m, subject, path);
        return;
    }
    bool kernel = str_eq(type, "sysfs") || str_eq(type, "cgroup") || str_eq(type, "cgroup2");
    struct fact *f = NULL;
    if (kernel && !readonly)
        f = fact_add(v, FACT_PARTIAL, subject, path,
                     str_eq(type, "sysfs") ? "It can change settings of the kernel and of devices that its user may write."
                                           : "It can change its own limits where its user may write them.",
                     "%s, writable", fact_clean(v->a, type));
    else if (kernel)
        f = fact_add(v, FACT_HOLDS, subject, path, "It can read kernel settings here, and change none.", "%s, read-only",
                     fact_clean(v->a, type));
    else
        f = fact_add(v, FACT_HOLDS, subject, path, "A file system of the container's own.", "%s%s%s",
                     fact_clean(v->a, type), m->options.n > 0 ? ", " : "", join(v->a, &m->options));
    f->value = readonly ? "ro" : "rw";
    f->quiet = v->observed && (!kernel || readonly);
}

/* How much of list is in have: a fact that names what is missing. */
static void explain_paths(struct wall_view *v, const char *subject, const char *path, const struct oci_strs *have,
                          const char *const *list, size_t n, const char *all, const char *none)
{
    CLEANUP_BUF struct buf missing = BUF_INIT;
    size_t n_missing = 0;
    for (size_t i = 0; i < n; i++) {
        if (has(have, list[i]))
            continue;
        buf_printf(&missing, "%s%s", n_missing++ > 0 ? ", " : "", list[i]);
    }
    if (missing.failed)
        v->a->failed = true;
    struct fact *f = NULL;
    if (v->observed && !have->set) {
        fact_add(v, FACT_UNKNOWN, subject, path, "Which of them are covered cannot be told from here.", "cannot be read");
        return;
    }
    if (have->n == 0)
        f = fact_add(v, FACT_OPEN, subject, path, none, "none");
    else if (n_missing == 0 || v->observed)
        f = fact_add(v, FACT_HOLDS, subject, path, all, "%zu paths", have->n);
    else
        f = fact_add(v, FACT_PARTIAL, subject, path, none, "%zu paths, without %s", have->n, buf_str(&missing));
    /* A path that the kernel does not have cannot be covered, so that counts differ rightly. */
    f->value = have->n == 0 ? "none" : "some";
}

void explain_rootfs(struct wall_view *v)
{
    const struct oci_linux *l = v->c->linux;
    if (oci_namespace_find(v->c, "mount") == NULL) {
        fact_add(v, FACT_OPEN, "root", "linux.namespaces[mount]", "It sees the host's files as any program of the host does.",
                 "the host's")
            ->value = "host";
        return;
    }
    explain_root(v);
    static const struct oci_strs none = {.n = 0};
    explain_paths(v, "masked paths", "linux.maskedPaths", l != NULL ? &l->masked_paths : &none, masks, ARRAY_LEN(masks),
                  "What tells of the host's hardware, keys and memory is covered.",
                  "Some of the host's hardware, keys or memory shows through /proc and /sys.");
    explain_paths(v, "read-only paths", "linux.readonlyPaths", l != NULL ? &l->readonly_paths : &none, read_only,
                  ARRAY_LEN(read_only), "Settings of the kernel under /proc cannot be written.",
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
        explain_mount(v, &v->c->mounts.v[i]);
}
