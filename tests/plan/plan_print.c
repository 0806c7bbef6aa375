/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a whole document on a host that need not be here: plan-print HOST CONFIG. Prints plan_print()'s lines,
 * or the one line of the refusal and exit 1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "layers/layer.h"

#define BIT(c) (1U << (c))
#define V2_CONTROLLERS                                                                                               \
    (BIT(CGROUP_CPU) | BIT(CGROUP_CPUSET) | BIT(CGROUP_MEMORY) | BIT(CGROUP_IO) | BIT(CGROUP_PIDS) | BIT(CGROUP_HUGETLB))
#define KERNEL(major, minor) .kernel_major = (major), .kernel_minor = (minor), .machine = "x86_64", .last_capability = 40
#define ALL_CAPABILITIES .capabilities = (1ULL << 41) - 1

static char cpu[] = "/sys/fs/cgroup/cpu,cpuacct", memory[] = "/sys/fs/cgroup/memory", pids[] = "/sys/fs/cgroup/pids",
            devices[] = "/sys/fs/cgroup/devices", blkio[] = "/sys/fs/cgroup/blkio", named[] = "/sys/fs/cgroup/systemd",
            cpuset[] = "/sys/fs/cgroup/cpuset", freezer[] = "/sys/fs/cgroup/freezer", root[] = "/",
            unified[] = "/sys/fs/cgroup/unified", tree[] = "/sys/fs/cgroup",
            session[] = "/user.slice/user-1000.slice/session.scope";
static struct host_hierarchy hierarchies[] = {
    {cpu, root, BIT(CGROUP_CPU) | BIT(CGROUP_CPUACCT)}, {memory, root, BIT(CGROUP_MEMORY)}, {pids, root, BIT(CGROUP_PIDS)},
    {devices, root, BIT(CGROUP_DEVICES)}, {blkio, root, BIT(CGROUP_IO)}, {cpuset, root, BIT(CGROUP_CPUSET)},
    {freezer, root, BIT(CGROUP_FREEZER)}, {named, root, 0},
};

static const struct {
    const char *name;
    struct host host;
} hosts[] = {
    {"v1", {KERNEL(5, 15), ALL_CAPABILITIES, .initial_userns = true, .landlock_abi = 1,
            .cgroup = {.mode = CGROUP_MODE_V1, .v1 = hierarchies, .n_v1 = ARRAY_LEN(hierarchies)}}},
    {"hybrid", {KERNEL(6, 18), ALL_CAPABILITIES, .initial_userns = true, .landlock_abi = 7,
                .cgroup = {.mode = CGROUP_MODE_HYBRID, .v1 = hierarchies, .n_v1 = ARRAY_LEN(hierarchies),
                           .v2_mount = unified, .v2_own = root}}},
    {"v2", {KERNEL(6, 1), ALL_CAPABILITIES, .initial_userns = true, .landlock_abi = 2, .apparmor = true,
            .cgroup = {.mode = CGROUP_MODE_V2, .v2_mount = tree, .v2_own = root, .v2_controllers = V2_CONTROLLERS}}},
    {"user", {KERNEL(6, 12), .euid = 1000, .egid = 1000, .initial_userns = true, .landlock_abi = 6,
              .cgroup = {.mode = CGROUP_MODE_V2, .v2_mount = tree, .v2_own = session,
                         .v2_controllers = BIT(CGROUP_MEMORY) | BIT(CGROUP_PIDS)}}},
};

int main(int argc, char **argv)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct oci_config *config = NULL;
    const struct host *host = NULL;
    for (size_t i = 0; argc == 3 && i < ARRAY_LEN(hosts); i++)
        if (str_eq(hosts[i].name, argv[1]))
            host = &hosts[i].host;
    if (host == NULL) {
        fprintf(stderr, "usage: plan-print v1|hybrid|v2|user CONFIG\n");
        return 2;
    }
    struct plan plan;
    plan_init(&plan, &a);
    plan.owner = "/run/coffer-oci";
    if (oci_config_read(&a, AT_FDCWD, argv[2], &config, &err) < 0 ||
        layers_plan(config, host, "golden", "/bundle", &plan, &err) < 0) {
        err_print(stdout, "plan", &err);
        return 1;
    }
    plan_print(&plan, &text);
    fputs(buf_str(&text), stdout);
    return 0;
}
