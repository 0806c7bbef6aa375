/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the container's own network namespace holds.
 *   new        only its loopback interface exists, and it is down: child-late sets it up
 *   joined     whoever made the namespace has filled it: nothing to do
 *   the host's nothing to do, and must not: a change would be the host's
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/layer.h"
#include "layers/network/observe.h"

static int network_plan(const struct oci_config *config, const struct host *host UNUSED, const char *id UNUSED,
                        const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    if (config->linux != NULL && config->linux->net_devices.n > 0)
        return err_set(err, -ENOTSUP, LAYER_NETWORK,
                       "linux.netDevices: moving host interface %s into a container is not supported by this version",
                       config->linux->net_devices.v[0].key);
    const struct oci_namespace *ns = oci_namespace_find(config, "network");
    if (ns == NULL || ns->path != NULL)
        return 0;
    plan_add(plan, &(struct op){.layer = LAYER_NETWORK,
                                .step = STEP_CHILD_LATE,
                                .name = "up",
                                .target = "lo",
                                .slot = -1});
    return 0;
}

static int child_late(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_NETWORK, STEP_CHILD_LATE) {
        /*
         * Interface ioctls that a socket's family does not know go to the device layer (netdevice(7)). AF_UNIX is the
         * cheapest family, and works in a kernel without AF_INET.
         */
        CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return err_set_errno(err, -errno, LAYER_NETWORK, "interface %s: socket", op->target);
        struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", op->target);
        if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
            return err_set_errno(err, -errno, LAYER_NETWORK, "interface %s cannot be set up", op->target);
    }
    return 0;
}

const struct layer network_layer = {
    .id = LAYER_NETWORK,
    .plan = network_plan,
    .at = {[STEP_CHILD_LATE] = child_late},
    .observe = network_observe,
};
