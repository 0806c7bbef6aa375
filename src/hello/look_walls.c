/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, mounts, network. */
#include "hello.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both versions; as files below /sys/fs/cgroup, where a cgroup namespace shows the own group at the top. */
static const char *const limit_files[] = {
    "memory.max", "memory.swap.max", "memory.high", "cpu.max", "cpu.weight", "cpuset.cpus.effective", "pids.max",
    "io.weight", "io.max", "memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes",
    "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpu/cpu.shares", "cpuset/cpuset.cpus", "pids/pids.max",
    "blkio/blkio.weight", "blkio/blkio.bfq.weight", "devices/devices.list", "freezer/freezer.state",
};

static const struct {
    int resource;
    const char *name;
} rlimits[] = {
    {RLIMIT_AS, "as"},           {RLIMIT_CORE, "core"},       {RLIMIT_CPU, "cpu"},
    {RLIMIT_DATA, "data"},       {RLIMIT_FSIZE, "fsize"},     {RLIMIT_LOCKS, "locks"},
    {RLIMIT_MEMLOCK, "memlock"}, {RLIMIT_MSGQUEUE, "msgqueue"}, {RLIMIT_NICE, "nice"},
    {RLIMIT_NOFILE, "nofile"},   {RLIMIT_NPROC, "nproc"},     {RLIMIT_RSS, "rss"},
    {RLIMIT_RTPRIO, "rtprio"},   {RLIMIT_RTTIME, "rttime"},   {RLIMIT_SIGPENDING, "sigpending"},
    {RLIMIT_STACK, "stack"},
};

static const char *limit_text(rlim_t value, char *buf, size_t size)
{
    if (value == RLIM_INFINITY)
        return "unlimited";
    snprintf(buf, size, "%llu", (unsigned long long)value);
    return buf;
}

void look_limits(void)
{
    char text[4096], path[256], soft[32], hard[32];
    if (read_file("/proc/self/cgroup", text, sizeof text) < 0)
        not_found(HELLO_CGROUP, "/proc/self/cgroup");
    else
        for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
            if (*line != '\0')
                found(HELLO_CGROUP, "%s", line);
    for (size_t i = 0; i < sizeof limit_files / sizeof *limit_files; i++) {
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s", limit_files[i]);
        if (read_file(path, text, sizeof text) > 0)
            found(HELLO_LIMIT, "%s %s", limit_files[i], text);
    }
    for (size_t i = 0; i < sizeof rlimits / sizeof *rlimits; i++) {
        struct rlimit limit;
        if (getrlimit(rlimits[i].resource, &limit) == 0)
            found(HELLO_RLIMIT, "%s %s %s", rlimits[i].name, limit_text(limit.rlim_cur, soft, sizeof soft),
                  limit_text(limit.rlim_max, hard, sizeof hard));
    }
    if (read_file("/proc/self/oom_score_adj", text, sizeof text) > 0)
        found(HELLO_OOM_SCORE_ADJ, "%s", text);
}

/* "ID PARENT MAJ:MIN ROOT TARGET OPTIONS [FIELD...] - TYPE SOURCE SUPER": proc(5). */
static void look_mount(char *line)
{
    char *field[6], *save = NULL;
    for (size_t i = 0; i < 6; i++) {
        field[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
        if (field[i] == NULL)
            return;
    }
    char *type = NULL;
    for (char *more = strtok_r(NULL, " ", &save); more != NULL && type == NULL; more = strtok_r(NULL, " ", &save))
        if (strcmp(more, "-") == 0)
            type = strtok_r(NULL, " ", &save);
    found(HELLO_MOUNT, "%s %s %s", field[4], type != NULL ? type : "?", field[5]);
}

void look_mounts(void)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    if (f == NULL)
        not_found(HELLO_MOUNT, "/proc/self/mountinfo");
    while (f != NULL && getline(&line, &size, f) > 0)
        look_mount(line);
    free(line);
    if (f != NULL)
        fclose(f);
    if (faccessat(AT_FDCWD, "/", W_OK, AT_EACCESS) == 0)
        found(HELLO_ROOT_WRITABLE, "yes");
    else
        found(HELLO_ROOT_WRITABLE, "no: %s", strerror(errno));
}

static unsigned prefix_length(const struct sockaddr *mask)
{
    const unsigned char *p = NULL;
    size_t n = 0;
    unsigned bits = 0;
    if (mask != NULL && mask->sa_family == AF_INET) {
        p = (const unsigned char *)&((const struct sockaddr_in *)mask)->sin_addr;
        n = 4;
    } else if (mask != NULL && mask->sa_family == AF_INET6) {
        p = (const unsigned char *)&((const struct sockaddr_in6 *)mask)->sin6_addr;
        n = 16;
    }
    for (size_t i = 0; i < n; i++)
        bits += (unsigned)__builtin_popcount(p[i]);
    return bits;
}

static void look_interface(const struct ifaddrs *all, const struct ifaddrs *own)
{
    char text[1024], address[64];
    size_t len = (size_t)snprintf(text, sizeof text, "%s %s", own->ifa_name, own->ifa_flags & IFF_UP ? "up" : "down");
    for (const struct ifaddrs *i = all; i != NULL && len < sizeof text - 80; i = i->ifa_next) {
        if (strcmp(i->ifa_name, own->ifa_name) != 0 || i->ifa_addr == NULL)
            continue;
        const void *raw = NULL;
        if (i->ifa_addr->sa_family == AF_INET)
            raw = &((const struct sockaddr_in *)i->ifa_addr)->sin_addr;
        else if (i->ifa_addr->sa_family == AF_INET6)
            raw = &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
        if (raw != NULL && inet_ntop(i->ifa_addr->sa_family, raw, address, sizeof address) != NULL)
            len += (size_t)snprintf(text + len, sizeof text - len, " %s/%u", address, prefix_length(i->ifa_netmask));
    }
    found(HELLO_INTERFACE, "%s", text);
}

void look_network(void)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) < 0) {
        not_found(HELLO_INTERFACE, "getifaddrs");
        return;
    }
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        bool seen = false;
        for (const struct ifaddrs *k = all; k != i; k = k->ifa_next)
            seen = seen || strcmp(k->ifa_name, i->ifa_name) == 0;
        if (!seen)
            look_interface(all, i);
    }
    freeifaddrs(all);
}
