/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host id ranges for containers with a user namespace of their own (--userns auto): 65536 ids each, no two containers
 * of this host on the same ones.
 *
 * The pool is the entry of the user "coffer", else "containers", in /etc/subuid and /etc/subgid (subuid(5)); without
 * one it is 2147483648 to 4294901759, which neither login users, nor useradd's sub-ids (100000 on), nor
 * systemd-nspawn (524288 to 1879048191) use. Ranges are taken in /run/coffer/ids, whatever store the container is of:
 * ids belong to the host. One symbolic link a range, its target the container's directory; a link whose target is gone
 * is free again, so nothing is lost when a process dies.
 *
 * Ids need not be the same again at the next start, for files get their owners through idmapped mounts.
 */
#ifndef COFFER_ENGINE_IDRANGE_H
#define COFFER_ENGINE_IDRANGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define IDRANGE_SIZE 65536U
#define IDRANGE_DIR "/run/coffer/ids"

struct idrange {
    uint32_t first_uid, first_gid;
};

/* Take a range for the container in this directory (absolute, existing). seed spreads the search. */
int idrange_take(const char *pool_dir, const char *directory, uint32_t seed, struct idrange *ret, struct err *err);

/* Give back what the container in this directory has. */
void idrange_release(const char *pool_dir, const char *directory, uint32_t first_uid);

/*
 * First id and count of a pool for name in the text of a subuid file: -ENOENT when it has none of at least one range.
 */
int idrange_pool(const char *text, const char *name, uint32_t *ret_first, uint32_t *ret_count);

#endif
