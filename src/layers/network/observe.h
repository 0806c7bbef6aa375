/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_LAYERS_NETWORK_OBSERVE_H
#define COFFER_LAYERS_NETWORK_OBSERVE_H

#include "base/buf.h"
#include "layers/layer.h"

/*
 * The observe of network_layer. To enter the namespace and ask by netlink would change the caller; so this reads the
 * process's /proc/PID/net, which shows its namespace, and leaves an annotation (ANNOTATION_OBSERVED_NETWORK).
 */
int network_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                    struct err *err);

/*
 * "lo 127.0.0.1 ::1\neth0 192.0.2.2\n" out of the texts of net/dev, net/if_inet6, net/fib_trie and net/route; all but
 * dev may be empty.
 */
void network_describe(const char *dev, const char *inet6, const char *fib_trie, const char *route, struct buf *out);

#endif
