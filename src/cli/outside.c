/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/outside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"
#include "layers/layer.h"

enum { MAX_PROC = 1024 * 1024 };

static const char *const namespace_names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

static char *read_proc(struct arena *a, pid_t pid, const char *file)
{
    char path[64], *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return file_read(a, AT_FDCWD, path, MAX_PROC, &text, NULL) == 0 ? text : NULL;
}

/* "pid:[4026531836]" -> "4026531836" */
static char *namespace_inode(struct arena *a, const char *process, const char *name)
{
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/%s/ns/%s", process, name);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n <= 0)
        return NULL;
    link[n] = '\0';
    char *open = strchr(link, '['), *close = strchr(link, ']');
    return open != NULL && close != NULL ? arena_strndup(a, open + 1, (size_t)(close - open - 1)) : NULL;
}

static unsigned count_processes(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += isdigit((unsigned char)e->d_name[0]) != 0;
    closedir(dir);
    return n;
}

int outside_look(struct arena *a, const struct host *host, pid_t pid, int pidfd, struct outside *ret, struct err *err)
{
    struct oci_config *observed = NULL;
    int r = layers_observe(a, pid, pidfd, host, &observed, err);
    if (r < 0)
        return r;
    char number[16];
    snprintf(number, sizeof number, "%d", (int)pid);
    *ret = (struct outside){.host = host, .pid = pid, .observed = observed, .processes = count_processes()};
    ret->status = read_proc(a, pid, "status");
    ret->mountinfo = read_proc(a, pid, "mountinfo");
    ret->cgroup = read_proc(a, pid, "cgroup");
    ret->limits = read_proc(a, pid, "limits");
    for (size_t i = 0; i < ARRAY_LEN(namespace_names); i++)
        ret->namespaces[i] = namespace_inode(a, number, namespace_names[i]);
    return 0;
}

/* A field of /proc/PID/status: its words as they stand. */
static char *status_field(struct arena *a, const struct outside *o, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = o->status; line != NULL && *line != '\0';) {
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " \t");
            return arena_strndup(a, line, strcspn(line, "\n"));
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return NULL;
}

static const char *namespace_value(struct arena *a, const struct outside *o, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(namespace_names); i++) {
        if (!str_eq(namespace_names[i], name))
            continue;
        const char *own = namespace_inode(a, "self", name), *its = o->namespaces[i];
        if (its == NULL || own == NULL)
            return "";
        return str_eq(own, its) ? arena_printf(a, "%s, shared with the host", its)
                                : arena_printf(a, "%s, its own (the host has %s)", its, own);
    }
    return "";
}

static const char *id_value(struct arena *a, const struct outside *o, const char *field)
{
    char *words = status_field(a, o, field);
    if (words == NULL)
        return "";
    words[strcspn(words, " \t")] = '\0';
    return arena_printf(a, "%s%s", words, str_eq(words, "0") ? ", root of the host" : "");
}

static const char *capability_value(struct arena *a, const struct outside *o, const char *field)
{
    char *words = status_field(a, o, field);
    if (words == NULL)
        return "";
    uint64_t set = strtoull(words, NULL, 16);
    const char *names = set == capability_all(o->host) ? "all" : capability_list(a, set);
    return arena_printf(a, "%s (0x%llx)", names, (unsigned long long)set);
}

/* The line of mountinfo for "TARGET TYPE OPTIONS": what is mounted there, and from where. */
static const char *mount_value(struct arena *a, const struct outside *o, const char *inside)
{
    size_t n = strcspn(inside, " ");
    for (const char *line = o->mountinfo; line != NULL && *line != '\0';) {
        char root[256], target[256], source[256];
        const char *dash = strstr(line, " - ");
        if (dash != NULL && sscanf(line, "%*s %*s %*s %255s %255s", root, target) == 2 &&
            sscanf(dash, " - %*s %255s", source) == 1 && strlen(target) == n && memcmp(target, inside, n) == 0)
            return str_eq(root, "/") ? arena_strdup(a, source) : arena_printf(a, "%s of %s", root, source);
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return "";
}

static const char *cgroup_value(struct arena *a, const struct outside *o, const char *inside)
{
    size_t n = strcspn(inside, ":"); /* the hierarchy's number */
    for (const char *line = o->cgroup; line != NULL && *line != '\0';) {
        if (strncmp(line, inside, n + 1) == 0) {
            const char *path = strchr(line + n + 1, ':');
            return path != NULL ? arena_strndup(a, path + 1, strcspn(path + 1, "\n")) : "";
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return "";
}

/* "lo ..." of what the network wall observed. */
static const char *interface_value(struct arena *a, const struct outside *o, const char *inside)
{
    size_t n = strcspn(inside, " ");
    for (const char *p = oci_annotation(o->observed, ANNOTATION_OBSERVED_NETWORK); p != NULL && *p != '\0';) {
        if (strncmp(p, inside, n) == 0 && (p[n] == ' ' || p[n] == '\n' || p[n] == '\0'))
            return arena_strndup(a, p, strcspn(p, "\n"));
        p = strchr(p, '\n');
        p = p != NULL ? p + 1 : NULL;
    }
    return "";
}

/* "memory/memory.limit_in_bytes 512": the same file of the container's group, read through the host's tree. */
static const char *limit_value(struct arena *a, const struct outside *o, const char *inside)
{
    const char *slash = strchr(inside, '/'), *blank = strchr(inside, ' ');
    const char *mount = o->host->cgroup.v2_mount, *file = inside;
    char *wanted = NULL;
    if (blank == NULL)
        return "";
    if (slash != NULL && slash < blank) {
        wanted = arena_strndup(a, inside, (size_t)(slash - inside));
        file = slash + 1;
    }
    for (const char *line = o->cgroup; line != NULL && *line != '\0';) {
        char controllers[128] = "", path[512] = "", whole[1024], value[128];
        const char *first = strchr(line, ':'), *second = first != NULL ? strchr(first + 1, ':') : NULL;
        if (second != NULL && (size_t)(second - first) < sizeof controllers) {
            snprintf(controllers, sizeof controllers, "%.*s", (int)(second - first - 1), first + 1);
            snprintf(path, sizeof path, "%.*s", (int)strcspn(second + 1, "\n"), second + 1);
            for (size_t i = 0; wanted != NULL && i < o->host->cgroup.n_v1; i++) {
                const char *name = strrchr(o->host->cgroup.v1[i].mount, '/');
                if (name != NULL && str_eq(name + 1, wanted))
                    mount = o->host->cgroup.v1[i].mount;
            }
            if (str_eq(controllers, wanted != NULL ? wanted : "") && mount != NULL) {
                snprintf(whole, sizeof whole, "%s%s/%.*s", mount, path, (int)(blank - file), file);
                if (file_read_into(AT_FDCWD, whole, value, sizeof value) > 0)
                    return arena_strndup(a, value, strcspn(value, "\n"));
            }
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return "";
}

/* "nofile 1024 unlimited": the line of /proc/PID/limits, whose names are sentences. */
static const char *rlimit_value(struct arena *a, const struct outside *o, const char *inside)
{
    static const char *const names[][2] = {
        {"as", "Max address space"},     {"core", "Max core file size"},    {"cpu", "Max cpu time"},
        {"data", "Max data size"},       {"fsize", "Max file size"},        {"locks", "Max file locks"},
        {"memlock", "Max locked memory"}, {"msgqueue", "Max msgqueue size"}, {"nice", "Max nice priority"},
        {"nofile", "Max open files"},    {"nproc", "Max processes"},        {"rss", "Max resident set"},
        {"rtprio", "Max realtime priority"}, {"rttime", "Max realtime timeout"}, {"sigpending", "Max pending signals"},
        {"stack", "Max stack size"},
    };
    size_t n = strcspn(inside, " ");
    for (size_t i = 0; i < ARRAY_LEN(names) && o->limits != NULL; i++) {
        if (strlen(names[i][0]) != n || memcmp(names[i][0], inside, n) != 0)
            continue;
        const char *line = strstr(o->limits, names[i][1]);
        char soft[32], hard[32];
        if (line != NULL && sscanf(line + strlen(names[i][1]), "%31s %31s", soft, hard) == 2)
            return arena_printf(a, "%s %s", soft, hard);
    }
    return "";
}

/* One line of a file of /proc/PID. */
static const char *file_line(struct arena *a, const struct outside *o, const char *file)
{
    char *text = read_proc(a, o->pid, file);
    if (text != NULL)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

static const char *seccomp_value(struct arena *a, const struct outside *o)
{
    static const char *const modes[] = {"disabled", "strict", "filter"};
    char *words = status_field(a, o, "Seccomp");
    uint64_t mode = 0;
    return words != NULL && str_to_u64(words, &mode) == 0 && mode < ARRAY_LEN(modes) ? modes[mode] : "";
}

static const char *host_name(struct arena *a)
{
    struct utsname u;
    return uname(&u) == 0 ? arena_printf(a, "%s, the host's", u.nodename) : "";
}

static const char *kernel_value(struct arena *a)
{
    struct utsname u;
    return uname(&u) == 0 ? arena_printf(a, "%s %s %s: one kernel for all", u.sysname, u.release, u.machine) : "";
}

/* The text with container IDs cut to the twelve digits that people know them by. */
static const char *shorten(struct arena *a, const char *text)
{
    enum { ID = 64, SHOWN = 12 };
    char *copy = arena_strdup(a, text != NULL ? text : "");
    for (char *p = copy; p != NULL && *p != '\0'; p++) {
        size_t n = strspn(p, "0123456789abcdef");
        if (n == ID) {
            memcpy(p + SHOWN, "...", 3);
            memmove(p + SHOWN + 3, p + ID, strlen(p + ID) + 1);
            n = SHOWN;
        }
        p += n;
        if (*p == '\0')
            break;
    }
    return copy != NULL ? copy : "";
}

const char *outside_value(struct arena *a, const struct outside *o, const char *key, const char *inside, bool again)
{
    static const struct {
        const char *key, *field;
    } sets[] = {{"cap.effective", "CapEff"},
                {"cap.permitted", "CapPrm"},
                {"cap.inheritable", "CapInh"},
                {"cap.bounding", "CapBnd"},
                {"cap.ambient", "CapAmb"}};
    const char *value = "";
    if (str_starts(key, "ns."))
        value = namespace_value(a, o, key + 3);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (str_eq(key, sets[i].key))
            value = capability_value(a, o, sets[i].field);
    if (str_eq(key, "kernel"))
        value = kernel_value(a);
    else if (str_eq(key, "hostname"))
        value = host_name(a);
    else if (str_eq(key, "pid"))
        value = arena_printf(a, "%d", (int)o->pid);
    else if (str_eq(key, "process"))
        value = again ? "" : arena_printf(a, "%u processes on the host", o->processes);
    else if (str_eq(key, "uid"))
        value = id_value(a, o, "Uid");
    else if (str_eq(key, "gid"))
        value = id_value(a, o, "Gid");
    else if (str_eq(key, "groups"))
        value = status_field(a, o, "Groups");
    else if (str_eq(key, "mount"))
        value = mount_value(a, o, inside);
    else if (str_eq(key, "cgroup"))
        value = cgroup_value(a, o, inside);
    else if (str_eq(key, "interface"))
        value = interface_value(a, o, inside);
    else if (str_eq(key, "seccomp"))
        value = seccomp_value(a, o);
    else if (str_eq(key, "seccomp_filters"))
        value = status_field(a, o, "Seccomp_filters");
    else if (str_eq(key, "no_new_privs"))
        value = status_field(a, o, "NoNewPrivs");
    else if (str_eq(key, "limit"))
        value = limit_value(a, o, inside);
    else if (str_eq(key, "rlimit"))
        value = rlimit_value(a, o, inside);
    else if (str_eq(key, "oom_score_adj"))
        value = file_line(a, o, "oom_score_adj");
    else if (str_eq(key, "label"))
        value = file_line(a, o, "attr/current");
    else if (str_eq(key, "landlock"))
        value = "shown to nobody by the kernel";
    return shorten(a, value);
}
