/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person asked for with `run`: the values of options as they were written. Nothing is understood yet: the
 * spec_*.c files do that, so that flags, and later compose files and the API, have one reader.
 */
#ifndef COFFER_ENGINE_RUN_OPTIONS_H
#define COFFER_ENGINE_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strings.h"

struct run_options {
    const char *image;
    const char *const *args; /* after IMAGE */
    size_t n_args;

    bool rm, interactive, tty, init, quiet;
    const char *name, *cidfile, *runtime, *profile, *platform;
    struct strings labels, label_files, annotations, attach;

    /* process */
    const char *user, *workdir, *entrypoint, *stop_signal, *stop_timeout;
    struct strings env, env_files, group_add, ulimits;
    const char *oom_score_adj;

    /* names and namespaces */
    const char *hostname, *domainname, *network, *pid, *ipc, *uts, *cgroupns, *userns, *timens;
    struct strings uidmap, gidmap, add_hosts, dns, dns_search, dns_options, sysctls;

    /* limits */
    const char *memory, *memory_swap, *memory_reservation, *memory_swappiness;
    bool oom_kill_disable;
    const char *cpus, *cpu_shares, *cpu_quota, *cpu_period, *cpu_rt_period, *cpu_rt_runtime, *cpuset_cpus, *cpuset_mems;
    const char *pids_limit, *blkio_weight, *shm_size, *cgroup_parent;
    struct strings blkio_weight_device, read_bps, write_bps, read_iops, write_iops;

    /* files and devices */
    int read_only; /* 1: --read-only, -1: --read-only=false, 0: neither */
    struct strings volumes, mounts, tmpfs, devices, device_rules;

    /* privilege */
    bool privileged;
    struct strings cap_add, cap_drop, security_opt;
};

#endif
