/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/host.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/calls.h"

/* The highest capability number that this kernel knows: PR_CAPBSET_READ refuses the next one (prctl(2)). */
static unsigned last_capability(void)
{
    unsigned last = CAP_LAST_CAP;
    if (prctl(PR_CAPBSET_READ, last) < 0)
        while (last > 0 && prctl(PR_CAPBSET_READ, last) < 0)
            last--;
    else
        while (last < 63 && prctl(PR_CAPBSET_READ, last + 1) >= 0)
            last++;
    return last;
}

/* The first namespace of the machine maps all ids to themselves (user_namespaces(7)). */
static bool in_initial_userns(void)
{
    char map[128];
    if (file_read_into(AT_FDCWD, "/proc/self/uid_map", map, sizeof map) < 0)
        return true; /* no user namespaces in this kernel */
    unsigned long inside = 1, outside = 1, count = 0;
    return sscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
           count == 4294967295UL;
}

static bool apparmor_enabled(void)
{
    char flag[8];
    return file_read_into(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", flag, sizeof flag) > 0 && flag[0] == 'Y';
}

int host_probe(struct arena *a, struct host *ret, struct err *err)
{
    struct host h = {.landlock_abi = sys_landlock_abi()};
    /* Any other answer than its absence: a wall must not be left out because a question about it failed. */
    if (h.landlock_abi < 0)
        return err_set_errno(err, h.landlock_abi, LAYER_MAC, "Landlock: ask for its version");
    struct utsname name;
    if (uname(&name) < 0)
        return err_set_errno(err, -errno, LAYER_HOST, "uname");
    if (sscanf(name.release, "%u.%u", &h.kernel_major, &h.kernel_minor) != 2)
        return err_set(err, -EINVAL, LAYER_HOST, "kernel release %s is not understood", name.release);
    snprintf(h.machine, sizeof h.machine, "%.15s", name.machine);
    h.euid = geteuid();
    h.egid = getegid();

    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {0};
    int r = sys_capget(&header, data);
    if (r < 0)
        return err_set_errno(err, r, LAYER_HOST, "capget");
    h.capabilities = data[0].effective | (uint64_t)data[1].effective << 32;
    h.last_capability = last_capability();
    h.initial_userns = in_initial_userns();
    h.apparmor = apparmor_enabled();
    h.selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
    r = host_probe_cgroup(a, &h.cgroup, err);
    if (r < 0)
        return r;
    *ret = h;
    return 0;
}
