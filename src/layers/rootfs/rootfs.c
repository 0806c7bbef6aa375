/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/rootfs/rootfs.h"

#include "layers/layer.h"

const struct layer rootfs_layer = {
    .id = LAYER_ROOTFS,
    .plan = rootfs_plan,
    .at =
        {
            [STEP_HOST_BEFORE_CLONE] = rootfs_host_before_clone,
            [STEP_HOST_AFTER_CLONE] = rootfs_host_after_clone,
            [STEP_CHILD_ROOTFS] = rootfs_child,
        },
    .observe = rootfs_observe,
    /*
     * No undo: the mounts live in detached trees until they move into the container's mount namespace, and both end
     * with the last process or descriptor. What was created in the root file system (mount points) belongs to it.
     */
};
