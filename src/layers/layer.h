/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one interface of all walls. A layer turns its part of the configuration into operations (plan), carries them
 * out at named steps (at[]), reads back what is in force for a live process (observe), and takes away what a start
 * left on the host (undo).
 *
 * Steps, in order, and what each *should* and *must not* do:
 *
 *   host-before-clone  In the caller's process, with its privilege. Creates groups, opens sources, makes detached
 *                      mounts. Must not change the caller itself, for it may be a long-lived program.
 *   (clone3)
 *   host-after-clone   In the caller's process, with the child's pid and pidfd known. Writes id maps, makes idmapped
 *                      mounts. Descriptors put into slots here are sent to the child.
 *   child-early        In the child. Joins groups and namespaces, unshares the cgroup namespace. Old root still there.
 *   child-rootfs       In the child. Builds the mount tree and pivots into it.
 *   child-late         In the child, in the new root, with full privilege in its namespaces: sysctl, labels, rlimits,
 *                      Landlock, a seccomp filter without no_new_privs.
 *   child-last         Gives up privilege: ids, capabilities, no_new_privs, then a seccomp filter with it.
 *
 * In the child no function may allocate, take a lock, call stdio, or return with a system call's error unnamed.
 */
#ifndef COFFER_LAYERS_LAYER_H
#define COFFER_LAYERS_LAYER_H

#include <errno.h>
#include <sys/types.h>

#include "base/err.h"
#include "layers/plan.h"
#include "oci/config.h"
#include "sys/host.h"

/* Everything a step function may use. One per start; parent and child each have their copy after clone. */
struct apply {
    const struct plan *plan;
    const struct oci_config *config;
    const struct host *host;
    const char *id;     /* container ID */
    const char *bundle; /* absolute path; relative root.path and mount sources start here */
    int *fds;           /* plan->n_slots descriptors; -EBADF: empty */
    pid_t pid;          /* child's pid in the caller's pid namespace; 0 before clone and in the child */
    int pidfd;          /* likewise; -EBADF before clone and in the child */
    int proc_fd;        /* child: root of a procfs of the container's pid namespace, never attached where the
                           container could cover it; -EBADF until apply_procfs() was called */
    /* child: send the descriptor in this slot up to the parent, which stores it in the same slot. */
    int (*send_fd)(struct apply *ap, int slot, struct err *err);
    void *start; /* start/'s own */
    const char *cache_dir; /* where compiled filters may be kept, or NULL: nowhere */
    bool no_pivot; /* leave the old root with MS_MOVE and chroot: for a host on an initial ramdisk only */
};

/*
 * child: a descriptor of the root of a private procfs for the caller's pid namespace, made on first use with
 * fsopen("proc") and kept in ap->proc_fd. Writes to /proc/sys and /proc/self go through it, for /proc inside the
 * container may be what an attacker made it (CVE-2019-16884, CVE-2025-52881). Returns the descriptor or a negative
 * errno. Do not close it.
 */
int apply_procfs(struct apply *ap, struct err *err);

/*
 * child-early: a directory descriptor, for the caller to close, of a procfs that no container has had a hand in: the
 * host's own /proc, which is still ours to see, or apply_procfs() where a mount namespace was joined. To make a procfs
 * and take it down again costs a start more than 0.1 ms, so what can be written early is.
 */
int apply_procfs_early(struct apply *ap, struct err *err);

typedef int step_fn(struct apply *ap, struct err *err);

/* What undo works from: the state of a container whose process is gone (or never was). */
struct undo {
    const struct oci_config *config;
    const struct host *host;
    const char *id;
    const char *bundle;
    const char *owner; /* as in struct plan */
};

struct layer {
    enum layer_id id;

    /*
     * Add this layer's operations for config to plan, or refuse: a negative errno with err naming what the host or
     * the configuration does not allow. Touches nothing: no file is opened, nothing is created. Must add the same
     * operations for the same input (golden tests).
     */
    int (*plan)(const struct oci_config *config, const struct host *host, const char *id, const char *bundle,
                struct plan *plan, struct err *err);

    /* Carry out this layer's operations of that step; NULL where it never has any. */
    step_fn *at[STEP_COUNT];

    /*
     * Fill the layer's members of ret, which the other layers fill too, with what is in force for the live process
     * behind pidfd (its number in our pid namespace is pid). Members that cannot be read stay absent.
     */
    int (*observe)(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                   struct err *err);

    /* Take away what any prefix of the steps left on the host, twice without harm. NULL where nothing can be left. */
    int (*undo)(const struct undo *undo, struct err *err);
};

extern const struct layer namespaces_layer, idmap_layer, cgroup_layer, network_layer, rootfs_layer, limits_layer,
    mac_layer, capabilities_layer, seccomp_layer;

/* All walls in the order of enum layer_id. */
extern const struct layer *const all_layers[LAYER_WALLS];

/* Plan every layer. On failure err says which refused and why. */
int layers_plan(const struct oci_config *config, const struct host *host, const char *id, const char *bundle,
                struct plan *plan, struct err *err);

/* Carry out one step of every layer, in order; err->step is set on failure. */
int layers_apply(struct apply *ap, enum step step, struct err *err);

/* Read back every layer of a live process into a new document. */
int layers_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config **ret,
                   struct err *err);

/* For observe: add an annotation to ret (key and value are copied). 0 or -ENOMEM. */
int layers_annotate(struct arena *a, struct oci_config *ret, const char *key, const char *value);

/* Undo in reverse order; goes on after a failure and returns the first. */
int layers_undo(const struct undo *undo, struct err *err);

/*
 * Annotations through which a document says what runtime-spec has no member for. coffer writes them; any bundle may.
 */
#define ANNOTATION_PREFIX "org.cofferdam."
/* Overlay root: lower directories, top first, separated by ':'; root.path is then ignored. Absolute paths. */
#define ANNOTATION_ROOTFS_LOWER "org.cofferdam.rootfs.lower"
#define ANNOTATION_ROOTFS_UPPER "org.cofferdam.rootfs.upper"
#define ANNOTATION_ROOTFS_WORK "org.cofferdam.rootfs.work"
/*
 * "true": the upper directory need not outlive the machine, so it is not written out to disk at the container's end.
 * overlayfs otherwise syncs all of the file system that upper lies on (syncfs(2)) when it is unmounted.
 */
#define ANNOTATION_ROOTFS_VOLATILE "org.cofferdam.rootfs.volatile"
/* "true": files of root.path or of the overlay's layers appear owned through linux.uidMappings (idmapped mounts). */
#define ANNOTATION_ROOTFS_IDMAP "org.cofferdam.rootfs.idmap"
/* "on", "off", "auto" (default off without the annotation; auto: on where the kernel has it and no mounts are needed) */
#define ANNOTATION_LANDLOCK "org.cofferdam.landlock"
/* "true": PID 1 is a small init that reaps and forwards signals. */
#define ANNOTATION_INIT "org.cofferdam.init"
/* "false": no 32-bit system calls (drop every other architecture than the machine's from the seccomp filter). */
#define ANNOTATION_COMPAT32 "org.cofferdam.seccomp.compat32"
/* Where each setting came from, one a line: "<json path>\t<source>\n", such as "linux.seccomp\tprofile docker:14". */
#define ANNOTATION_SOURCES "org.cofferdam.sources"
/* Observed: the interfaces of the network namespace, "<name>[ <address>]...\n" each; "-": an address without one. */
#define ANNOTATION_OBSERVED_NETWORK "org.cofferdam.observed.network"
/* Observed: the types of namespaces that could not be read, one a line; they are absent from linux.namespaces. */
#define ANNOTATION_OBSERVED_UNREAD "org.cofferdam.observed.unread"
/* Observed: "allow" or "deny": may setgroups(2) be called in the user namespace? */
#define ANNOTATION_OBSERVED_SETGROUPS "org.cofferdam.observed.setgroups"
/* Observed: the CPUs that the process may run on, as a list ("0-3,7"). */
#define ANNOTATION_OBSERVED_CPUS "org.cofferdam.observed.cpus"
/* Observed: which labels and Landlock domains could be read, and which no kernel interface shows. */
#define ANNOTATION_OBSERVED_MAC "org.cofferdam.observed.mac"
/* Observed: "disabled", "strict", "filter N" (N filters), "filter" where the kernel does not count them. */
#define ANNOTATION_OBSERVED_SECCOMP "org.cofferdam.observed.seccomp"

#endif
