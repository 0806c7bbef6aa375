/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup wall: what a container may use of the machine, and which devices it may open. This header is for the
 * runtime: operations on the groups of a container that was started. They find the groups as the start did, from the
 * configuration, the host and the ID, so that nothing but those need be kept.
 *
 * Where a container's groups are (linux.cgroupsPath):
 *   absent        /coffer-ID below the root of each hierarchy; below our own group when we are not root of the machine.
 *                 One group, not two: a parent that comes and goes with the containers in it costs 0.4 ms a start
 *   absolute      below the root of each hierarchy
 *   relative      below our own group (cgroup v1), or beside it (cgroup v2: a group that holds processes, as ours does,
 *                 cannot hand out controllers; runc does the same)
 * Our own group may have changed by the time of a later operation: see cgroup_own_save().
 *
 * What zero means: a limit, reservation, share, quota, period or weight of 0 is not set, as in runc and crun.
 * pids.limit 0 and -1 both mean no limit.
 *
 * What happens to a group that exists already: with processes in it, -EEXIST and nothing is touched. Empty, at our own
 * default place: removed and made anew, for it is the rest of a start that crashed. Empty, at a place that the
 * configuration names: kept with the limits that somebody may have set there on purpose, as runc does.
 */
#ifndef COFFER_LAYERS_CGROUP_CGROUP_H
#define COFFER_LAYERS_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "layers/layer.h"
#include "oci/config.h"
#include "sys/host.h"

/*
 * Our own groups at the time of the container's creation, as one line of text to keep, and the way back: relative paths
 * and those of unprivileged callers start there. Restoring replaces the own groups in host->cgroup; unknown hierarchies
 * are left alone. NULL when memory is out.
 */
bool cgroup_starts_at_own(const struct oci_config *config, const struct host *host); /* is it needed for this one? */
char *cgroup_own_save(struct arena *a, const struct host *host);
int cgroup_own_restore(struct arena *a, struct host *host, const char *saved);

/* Does anything of this container's groups exist? */
bool cgroup_exists(const struct undo *c);

/*
 * Send a signal to every process in the container's groups, its init included. The group is frozen meanwhile where it
 * can be, so that none is forked past us; SIGKILL goes through cgroup.kill where the kernel has it (5.14). A container
 * that runs without a group of its own: -ENOENT.
 */
int cgroup_kill_all(const struct undo *c, int signal, struct err *err);

/* Stop or continue all its processes; returns when the kernel says that it is so. */
int cgroup_freeze(const struct undo *c, bool freeze, struct err *err);

/* 1: frozen, 0: not, or a negative errno. */
int cgroup_frozen(const struct undo *c, struct err *err);

/* Its processes in our pid namespace, those of sub-groups included, in no order. */
int cgroup_pids(const struct undo *c, struct arena *a, pid_t **ret, size_t *ret_n, struct err *err);

/*
 * Set these resources on the running container; what they do not name stays. Device rules are replaced as a whole
 * when resources->devices is set. Refused in the same words as at a start.
 */
int cgroup_update(const struct undo *c, const struct oci_resources *resources, struct err *err);

/*
 * For exec: descriptors through which a new process gets into the groups that the container's init (pid) is in.
 * *ret_v2 (or -EBADF) is for clone3's CLONE_INTO_CGROUP; the child calls cgroup_join() with the others first thing.
 */
#define CGROUP_JOIN_MAX 16
struct cgroup_join {
    int v2;
    int tasks[CGROUP_JOIN_MAX];
    size_t n;
};
int cgroup_join_open(const struct host *host, pid_t init, struct cgroup_join *ret, struct err *err);
int cgroup_join(const struct cgroup_join *join, struct err *err); /* in the child: neither allocates nor locks */
void cgroup_join_close(struct cgroup_join *join);

/*
 * What device rules come to, for opening: making a node gives nothing by itself. Devices of which nothing is said in
 * `named` are as other_block and other_character say.
 */
struct cgroup_device_range {
    char type;            /* 'b' or 'c' */
    int32_t major, minor; /* -1: every one that is not named with a number */
    bool read, write;     /* can be opened for that; neither: refused, though others of its kind are not */
    bool usual;           /* no more than every container is given */
};
struct cgroup_device_meaning {
    bool other_block, other_character; /* can be opened, at least one way */
    struct cgroup_device_range *named; /* by type and numbers */
    size_t n_named;
};

/*
 * in_force: the rules were read back and are all there is; otherwise those that every container is given come after
 * them, as at a start. -EINVAL for rules that a start refuses, -E2BIG, -ENOMEM.
 */
int cgroup_device_meaning(struct arena *a, const struct oci_resources *resources, bool in_force,
                          struct cgroup_device_meaning *ret, struct err *err);

/* "c 1:3 rw"; without letters when it is refused. */
char *cgroup_device_range_text(struct arena *a, const struct cgroup_device_range *range);

/* Why device rules have no effect on this host: one line; NULL when they have. */
const char *cgroup_devices_left_out(const struct host *host);

/* What observe() writes about the v2 device filter: the number of programs in force, which cannot be read as rules. */
#define ANNOTATION_DEVICE_PROGRAMS ANNOTATION_PREFIX "cgroup.device-programs"

#endif
