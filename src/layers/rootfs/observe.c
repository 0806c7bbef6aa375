/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/rootfs/rootfs.h"

int rootfs_observe(struct arena *a UNUSED, pid_t pid UNUSED, int pidfd UNUSED, const struct host *host UNUSED,
                   struct oci_config *ret UNUSED, struct err *err UNUSED)
{
    return 0;
}
