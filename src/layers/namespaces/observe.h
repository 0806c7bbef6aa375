/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_LAYERS_NAMESPACES_OBSERVE_H
#define COFFER_LAYERS_NAMESPACES_OBSERVE_H

#include "layers/layer.h"

/* The observe of namespaces_layer: a namespace is listed, with its "type:[inode]" as path, when it is not the host's. */
int namespaces_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                       struct err *err);

#endif
