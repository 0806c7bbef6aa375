/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host has: facts that plans depend on, gathered once before planning. Plain data, so that tests plan for
 * hosts that are not here. Probing is cheap (a dozen system calls) because it is part of every start.
 */
#ifndef COFFER_SYS_HOST_H
#define COFFER_SYS_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* Controllers of both cgroup versions under one name each; v2's "io" is CGROUP_IO, as is v1's blkio. */
enum cgroup_controller {
    CGROUP_CPU,
    CGROUP_CPUACCT, /* v1 only; part of cpu on v2 */
    CGROUP_CPUSET,
    CGROUP_MEMORY,
    CGROUP_IO,
    CGROUP_PIDS,
    CGROUP_DEVICES, /* v1 only; a BPF program on v2 */
    CGROUP_FREEZER, /* v1 only; cgroup.freeze on v2 */
    CGROUP_HUGETLB,
    CGROUP_RDMA,
    CGROUP_NET_CLS,  /* v1 only */
    CGROUP_NET_PRIO, /* v1 only */
    CGROUP_CONTROLLERS,
};

enum cgroup_mode {
    CGROUP_MODE_NONE,   /* no cgroup file system */
    CGROUP_MODE_V1,     /* only v1 hierarchies */
    CGROUP_MODE_V2,     /* one v2 tree with the controllers */
    CGROUP_MODE_HYBRID, /* v1 hierarchies and a v2 tree */
};

struct host_hierarchy { /* one mounted v1 hierarchy */
    char *mount;        /* "/sys/fs/cgroup/memory" */
    char *own;          /* this process's group in it, from /proc/self/cgroup: "/" or "/user.slice/..." */
    uint32_t controllers; /* bits 1 << enum cgroup_controller; 0 for a named hierarchy without any */
};

struct host_cgroup {
    enum cgroup_mode mode;
    struct host_hierarchy *v1;
    size_t n_v1;
    char *v2_mount; /* "/sys/fs/cgroup", "/sys/fs/cgroup/unified", or NULL */
    char *v2_own;
    uint32_t v2_controllers; /* available at the root of what we see */
};

struct host {
    unsigned kernel_major, kernel_minor;
    char machine[16]; /* uname -m: "x86_64", "aarch64" */
    uid_t euid;
    gid_t egid;
    uint64_t capabilities;  /* our effective set, bit per capability number */
    unsigned last_capability; /* highest number this kernel knows */
    bool initial_userns;    /* are we in the initial user namespace? */
    int landlock_abi;       /* 0: none */
    bool apparmor, selinux; /* compiled in and enabled */
    struct host_cgroup cgroup;
};

/* Fill *ret; strings in the arena. Fails only where /proc cannot be read or memory is out. */
int host_probe(struct arena *a, struct host *ret, struct err *err);

static inline bool host_has_capability(const struct host *h, unsigned number)
{
    return (h->capabilities >> number & 1U) != 0;
}
static inline bool host_kernel_at_least(const struct host *h, unsigned major, unsigned minor)
{
    return h->kernel_major > major || (h->kernel_major == major && h->kernel_minor >= minor);
}

/* Root with nobody above: not root of a user namespace. */
static inline bool host_is_machine_root(const struct host *h)
{
    return h->euid == 0 && h->initial_userns;
}

/* The cgroup half of host_probe(). */
int host_probe_cgroup(struct arena *a, struct host_cgroup *ret, struct err *err);

#endif
