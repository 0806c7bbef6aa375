/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capabilities wall: which of root's powers the container's process has, and which identity it takes
 * (capabilities(7), credentials(7)). Names are shared with the engine (--cap-add) and with insight/.
 */
#ifndef COFFER_LAYERS_CAPABILITIES_H
#define COFFER_LAYERS_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "oci/types.h"
#include "sys/host.h"

#define CAPABILITY_BIT(number) (UINT64_C(1) << (number))

/* The number of "CAP_NET_RAW" or "NET_RAW" in any case; -EINVAL for a name that Linux does not have. */
int capability_from_name(const char *name);

/* "CAP_NET_RAW"; NULL for a number without a name. */
const char *capability_name(unsigned number);

/* All that the running kernel knows, one bit each. */
uint64_t capability_all(const struct host *host);

/*
 * The most that a container can be given: all of them in a user namespace of its own (they count there only), and
 * otherwise what the calling process holds itself.
 */
uint64_t capability_grantable(const struct host *host, bool own_userns);

/* "CAP_CHOWN,CAP_KILL", "none" for 0; bits without a name as "CAP_41". NULL when memory is out. */
char *capability_list(struct arena *a, uint64_t set);

/* The same as an array of names, for a document. 0 or -ENOMEM. */
int capability_names(struct arena *a, uint64_t set, struct oci_strs *ret);

/*
 * The set that these names make. Unknown names: -EINVAL and *ret_bad points at the first. Whether this kernel knows
 * them all is not looked at.
 */
int capability_set(const struct oci_strs *names, uint64_t *ret, const char **ret_bad);

#endif
