/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uid and gid maps of a user namespace (user_namespaces(7)): their checks and their text form, and the descriptors of
 * user namespaces that idmapped mounts are made with (mount_setattr(2), MOUNT_ATTR_IDMAP).
 */
#ifndef COFFER_LAYERS_IDMAP_IDMAP_H
#define COFFER_LAYERS_IDMAP_IDMAP_H

#include "layers/layer.h"

/*
 * May the kernel take this map? member names it in messages ("linux.uidMappings"). An empty size, an id beyond 32
 * bits, ranges that overlap on either side, more than 340 lines and a text longer than the kernel reads are refused.
 */
int idmap_check(const oci_id_mappings *maps, const char *member, struct err *err);

/* "0 100000 65536\n..." as uid_map takes it, separated by `separator` ("\n" for the kernel). In the arena. */
char *idmap_text(struct arena *a, const oci_id_mappings *maps, const char *separator);

/* The host's id that container id 0 is mapped to; false when 0 has no mapping. */
bool idmap_host_root(const oci_id_mappings *maps, uint32_t *ret);

/* host-after-clone: /proc/PID/ns/user of the container's process. A descriptor or a negative errno. */
int idmap_container_userns(const struct apply *ap, struct err *err);

/*
 * A user namespace that nobody lives in, with these maps, for mounts whose mapping is not the container's. Needs the
 * right to write arbitrary maps. Takes a process that ends before the call returns.
 */
int idmap_new_userns(const char *uid_map, const char *gid_map, struct err *err);

/* The parts of the layer. */
int idmap_apply(struct apply *ap, struct err *err);
int idmap_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                  struct err *err);

enum idmap_op {
    IDMAP_SETGROUPS, /* write "deny" to setgroups */
    IDMAP_WRITE,     /* write args (a string) to the file `target` */
    IDMAP_RUN,       /* run args (argv, its second element left for the pid): newuidmap(1), newgidmap(1) */
};

#endif
