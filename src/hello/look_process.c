/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel, processes, namespaces, identity, capabilities, seccomp, labels. */
#include "hello.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 512

static const char *const cap_names[] = {
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
};
#define CAP_NAMES (sizeof cap_names / sizeof *cap_names)

void look_kernel(void)
{
    struct utsname u;
    if (uname(&u) < 0) {
        not_found(HELLO_KERNEL, "uname");
        return;
    }
    found(HELLO_KERNEL, "%s %s %s", u.sysname, u.release, u.machine);
    found(HELLO_HOSTNAME, "%s", u.nodename);
}

struct process {
    int pid, parent;
    char name[32];
};

static void print_children(const struct process *list, int n, int parent, int depth)
{
    for (int i = 0; i < n && depth < 64; i++) {
        if (list[i].parent != parent)
            continue;
        found(HELLO_PROCESS, "%d %d %s", list[i].pid, parent, list[i].name);
        print_children(list, n, list[i].pid, depth + 1);
    }
}

/* "PID (NAME) STATE PPID ...": the name may hold anything, so its end is the last ')'. */
static bool read_process(const char *pid, struct process *ret)
{
    char path[300], text[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (read_file(path, text, sizeof text) < 0)
        return false;
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (open == NULL || close == NULL || close < open || strlen(close) < 4)
        return false;
    *close = '\0';
    ret->pid = atoi(text);
    ret->parent = atoi(close + 4);
    snprintf(ret->name, sizeof ret->name, "%s", open + 1);
    return true;
}

void look_processes(void)
{
    static struct process list[PROCESSES_MAX];
    int n = 0, all = 0;
    found(HELLO_PID, "%d", (int)getpid());
    DIR *dir = opendir("/proc");
    if (dir == NULL) {
        not_found(HELLO_PROCESS, "/proc");
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        all++;
        if (n < PROCESSES_MAX && read_process(entry->d_name, &list[n]))
            n++;
    }
    closedir(dir);
    /* Roots are those whose parent is not to be seen: PID 1, and what was put in from outside (its parent is 0). */
    for (int i = 0; i < n; i++) {
        bool root = true;
        for (int k = 0; k < n; k++)
            root = root && list[k].pid != list[i].parent;
        if (root) {
            found(HELLO_PROCESS, "%d %d %s", list[i].pid, list[i].parent, list[i].name);
            print_children(list, n, list[i].pid, 1);
        }
    }
    if (all > n)
        found(HELLO_PROCESS, "? %d more", all - n);
}

void look_namespaces(void)
{
    static const struct {
        enum hello_key key;
        const char *path;
    } all[] = {
        {HELLO_NS_CGROUP, "/proc/self/ns/cgroup"}, {HELLO_NS_IPC, "/proc/self/ns/ipc"},
        {HELLO_NS_MNT, "/proc/self/ns/mnt"},       {HELLO_NS_NET, "/proc/self/ns/net"},
        {HELLO_NS_PID, "/proc/self/ns/pid"},       {HELLO_NS_TIME, "/proc/self/ns/time"},
        {HELLO_NS_USER, "/proc/self/ns/user"},     {HELLO_NS_UTS, "/proc/self/ns/uts"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct stat st;
        if (stat(all[i].path, &st) < 0)
            not_found(all[i].key, all[i].path);
        else
            found(all[i].key, "%llu", (unsigned long long)st.st_ino);
    }
}

static void look_map(enum hello_key map_key, enum hello_key host_key, const char *path, unsigned long id)
{
    char text[4096];
    bool mapped = false;
    if (read_file(path, text, sizeof text) < 0) {
        not_found(host_key, path);
        return;
    }
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        unsigned long inside = 0, outside = 0, count = 0;
        if (sscanf(line, "%lu %lu %lu", &inside, &outside, &count) != 3)
            continue;
        found(map_key, "%lu %lu %lu", inside, outside, count);
        if (id >= inside && id - inside < count && !mapped) {
            found(host_key, "%lu", outside + (id - inside));
            mapped = true;
        }
    }
    if (!mapped)
        found(host_key, "none");
}

void look_identity(void)
{
    gid_t groups[256];
    char text[2048] = "";
    size_t len = 0;
    found(HELLO_UID, "%u", (unsigned)getuid());
    found(HELLO_GID, "%u", (unsigned)getgid());
    int n = getgroups(256, groups);
    for (int i = 0; i < n && len < sizeof text - 16; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", i > 0 ? " " : "", (unsigned)groups[i]);
    if (n > 0)
        found(HELLO_GROUPS, "%s", text);
    look_map(HELLO_UID_MAP, HELLO_HOST_UID, "/proc/self/uid_map", getuid());
    look_map(HELLO_GID_MAP, HELLO_HOST_GID, "/proc/self/gid_map", getgid());
}

/* The value of "NAME:\tVALUE" in /proc/self/status. */
static const char *status_value(const char *status, const char *name, char *buf, size_t size)
{
    const char *line = status;
    size_t n = strlen(name);
    while (line != NULL && !(strncmp(line, name, n) == 0 && line[n] == ':')) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    if (line == NULL)
        return NULL;
    line += n + 1;
    line += strspn(line, " \t");
    snprintf(buf, size, "%.*s", (int)strcspn(line, "\n"), line);
    return buf;
}

static unsigned long long known_caps(void)
{
    char text[16];
    int highest = (int)CAP_NAMES - 1;
    if (read_file("/proc/sys/kernel/cap_last_cap", text, sizeof text) > 0)
        highest = atoi(text);
    return highest >= 63 ? ~0ULL : (1ULL << (highest + 1)) - 1;
}

void look_capabilities(void)
{
    static const struct {
        enum hello_key key;
        const char *name;
    } sets[] = {
        {HELLO_CAP_EFFECTIVE, "CapEff"}, {HELLO_CAP_PERMITTED, "CapPrm"}, {HELLO_CAP_INHERITABLE, "CapInh"},
        {HELLO_CAP_BOUNDING, "CapBnd"},  {HELLO_CAP_AMBIENT, "CapAmb"},
    };
    char status[4096], value[64], text[1024];
    if (read_file("/proc/self/status", status, sizeof status) < 0) {
        not_found(HELLO_CAP_EFFECTIVE, "/proc/self/status");
        return;
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (status_value(status, sets[i].name, value, sizeof value) == NULL)
            continue;
        unsigned long long set = strtoull(value, NULL, 16);
        size_t len = 0;
        text[0] = '\0';
        for (unsigned bit = 0; bit < 64 && len < sizeof text - 40; bit++) {
            if ((set >> bit & 1) == 0)
                continue;
            len += (size_t)(bit < CAP_NAMES ? snprintf(text + len, sizeof text - len, " %s", cap_names[bit])
                                            : snprintf(text + len, sizeof text - len, " %u", bit));
        }
        found(sets[i].key, "%s", set == 0 ? "none" : set == known_caps() ? "all" : text + 1);
    }
}

void look_system_calls(void)
{
    static const char *const modes[] = {"disabled", "strict", "filter"};
    char status[4096], value[64];
    if (read_file("/proc/self/status", status, sizeof status) < 0) {
        not_found(HELLO_SECCOMP, "/proc/self/status");
        return;
    }
    if (status_value(status, "Seccomp", value, sizeof value) != NULL)
        found(HELLO_SECCOMP, "%s", atoi(value) >= 0 && atoi(value) <= 2 ? modes[atoi(value)] : value);
    if (status_value(status, "Seccomp_filters", value, sizeof value) != NULL)
        found(HELLO_SECCOMP_FILTERS, "%s", value);
    if (status_value(status, "NoNewPrivs", value, sizeof value) != NULL)
        found(HELLO_NO_NEW_PRIVS, "%s", value);
}

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_MAX_LAYERS 16
#define LANDLOCK_FS_MAKE_SYM (1ULL << 12)

/*
 * The kernel tells nobody how many Landlock layers hold it, but it takes no more than 16. So a child of ours puts on
 * harmless ones until the kernel refuses: those that it could not put on were there before. Exits with their number,
 * or 64 + errno.
 */
static void count_landlock(void)
{
    unsigned long long handled = LANDLOCK_FS_MAKE_SYM;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        _exit(64 + errno);
    for (int put_on = 0; put_on <= LANDLOCK_MAX_LAYERS; put_on++) {
        int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
        if (ruleset < 0)
            _exit(64 + errno);
        if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
            _exit(errno == E2BIG ? LANDLOCK_MAX_LAYERS - put_on : 64 + errno);
        close(ruleset);
    }
    _exit(64 + EINVAL);
}

static void look_landlock(void)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        count_landlock();
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            pid = -1;
    if (pid < 0) {
        not_found(HELLO_LANDLOCK, "fork");
    } else if (WIFEXITED(status) && WEXITSTATUS(status) <= LANDLOCK_MAX_LAYERS) {
        found(HELLO_LANDLOCK, "%d", WEXITSTATUS(status));
    } else if (WIFEXITED(status) && WEXITSTATUS(status) >= 64) {
        errno = WEXITSTATUS(status) - 64;
        if (errno == ENOSYS || errno == EOPNOTSUPP)
            found(HELLO_LANDLOCK, "? not in this kernel");
        else
            not_found(HELLO_LANDLOCK, "landlock");
    } else {
        found(HELLO_LANDLOCK, "? the attempt was killed");
    }
}

void look_labels(void)
{
    char text[1024];
    if (read_file("/proc/self/attr/current", text, sizeof text) > 0)
        found(HELLO_LABEL, "%s", text);
    else
        found(HELLO_LABEL, "none");
    look_landlock();
}
