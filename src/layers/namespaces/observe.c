/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/namespaces/observe.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "layers/namespaces/namespaces.h"

/* "pid:[4026531836]" of process `who` ("1", "self", a number), or a negative errno. */
static int read_link(const char *who, const char *name, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/%s", who, name);
    ssize_t n = readlink(path, buf, size - 1);
    if (n < 0)
        return -errno;
    buf[n] = '\0';
    return 0;
}

/* The initial namespaces have fixed inode numbers (include/linux/proc_ns.h); mount and network ones do not. */
static const struct {
    const char *type, *link;
} initial[] = {
    {"ipc", "ipc:[4026531839]"}, {"uts", "uts:[4026531838]"},       {"user", "user:[4026531837]"},
    {"pid", "pid:[4026531836]"}, {"cgroup", "cgroup:[4026531835]"}, {"time", "time:[4026531834]"},
};

static int is_hosts(const struct namespace_kind *kind, const char *link)
{
    for (size_t i = 0; i < ARRAY_LEN(initial); i++)
        if (str_eq(initial[i].type, kind->type) && (str_eq(initial[i].link, link) || str_eq(kind->type, "user")))
            return str_eq(initial[i].link, link);
    /*
     * Otherwise the host is what PID 1 lives in, or we ourselves where that cannot be read: for a coffer that runs in a
     * container, that container. Not so for users: whose root is root of the machine has one answer everywhere.
     */
    char host[64];
    if (read_link("1", kind->proc_name, host, sizeof host) < 0 &&
        read_link("self", kind->proc_name, host, sizeof host) < 0)
        return 0;
    return str_eq(host, link);
}

int namespaces_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED,
                       struct oci_config *ret, struct err *err)
{
    ret->linux->namespaces.v = arena_calloc(a, NAMESPACE_KINDS, sizeof *ret->linux->namespaces.v);
    if (ret->linux->namespaces.v == NULL)
        return err_set(err, -ENOMEM, LAYER_NAMESPACES, "out of memory");
    ret->linux->namespaces.set = true;
    CLEANUP_BUF struct buf unread = BUF_INIT;
    char who[16];
    snprintf(who, sizeof who, "%d", (int)pid);
    for (size_t k = 0; k < NAMESPACE_KINDS; k++) {
        const struct namespace_kind *kind = &namespace_kinds[k];
        const char *name = str_eq(kind->type, "pid") ? "pid" : kind->proc_name;
        char link[64];
        int r = read_link(who, name, link, sizeof link);
        if (r == -ENOENT && access("/proc/self/ns", F_OK) == 0) {
            char dir[32];
            snprintf(dir, sizeof dir, "/proc/%s", who);
            if (access(dir, F_OK) < 0 && kill(pid, 0) < 0 && errno == ESRCH)
                return err_set(err, -ESRCH, LAYER_NAMESPACES, "process %s: no such process", who);
            if (access(dir, F_OK) == 0)
                continue; /* a kernel without this kind; otherwise a /proc that hides the process (hidepid) */
        }
        if (r < 0) {
            buf_printf(&unread, "%s\n", kind->type);
            continue;
        }
        if (is_hosts(kind, link))
            continue;
        struct oci_namespace *ns = &ret->linux->namespaces.v[ret->linux->namespaces.n++];
        ns->type = arena_strdup(a, kind->type);
        ns->path = arena_strdup(a, link);
    }
    if (unread.failed)
        return err_set(err, -ENOMEM, LAYER_NAMESPACES, "out of memory");
    if (unread.len > 0 && layers_annotate(a, ret, ANNOTATION_OBSERVED_UNREAD, buf_str(&unread)) < 0)
        return err_set(err, -ENOMEM, LAYER_NAMESPACES, "out of memory");
    return a->failed ? err_set(err, -ENOMEM, LAYER_NAMESPACES, "out of memory") : 0;
}
