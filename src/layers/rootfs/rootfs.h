/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the rootfs layer: the operations of its plan and their arguments.
 *
 * Theory of operation. Every mount is made detached, with its attributes, and then put in its place (open_tree(2),
 * fsmount(2), mount_setattr(2), move_mount(2)): nothing is ever mounted on a path. Where its place is comes from one
 * of two sources:
 *   the held root  openat2(RESOLVE_IN_ROOT) from the descriptor of the container's root. What the image's symbolic
 *                  links say, the result lies inside; and the mount goes onto the descriptor that was found, not onto
 *                  a path that is walked a second time (CVE-2021-30465).
 *   a trusted mount  the descriptor of a file system made a moment ago whose names no image can have put there: our
 *                  own /proc, /sys, and a tmpfs. One call instead of three.
 *
 *   host-before-clone  should: open what the document names on the host, as the caller sees it. must not: mount
 *                      anything where the caller could see it.
 *   host-after-clone   should: give detached mounts the ids of the new user namespace.
 *   child-rootfs       should: build the tree and pivot. must not: follow a path of the container's with a plain
 *                      open, or leave a descriptor of the host's tree open.
 */
#ifndef COFFER_LAYERS_ROOTFS_ROOTFS_H
#define COFFER_LAYERS_ROOTFS_ROOTFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "layers/layer.h"
#include "layers/rootfs/mounts.h"
#include "layers/rootfs/options.h"

enum rootfs_op {
    ROOTFS_OPEN_ROOT,    /* open_tree of value into SLOT_ROOTFS; args: struct rootfs_idmap or NULL */
    ROOTFS_OVERLAY,      /* args: struct rootfs_overlay */
    ROOTFS_SOURCE,       /* open_tree of a bind's source; args: struct rootfs_mount */
    ROOTFS_IDMAP,        /* map the ids of the detached mount in slot; args: struct rootfs_idmap */
    ROOTFS_PROPAGATION,  /* of everything the host has, in our mount namespace; number: MS_SLAVE or MS_PRIVATE */
    ROOTFS_ATTACH_ROOT,
    ROOTFS_MOUNT,        /* args: struct rootfs_mount */
    ROOTFS_DEVICE,       /* args: struct rootfs_device */
    ROOTFS_BIND_DEVICES, /* those of the above that could not be made */
    ROOTFS_LINK,         /* args: struct rootfs_link */
    ROOTFS_CONSOLE,      /* args: struct rootfs_console */
    ROOTFS_READONLY,     /* args: struct rootfs_place */
    ROOTFS_MASK,         /* args: struct rootfs_place */
    ROOTFS_SEAL,         /* slot's mount becomes read-only, now that it is filled */
    ROOTFS_READONLY_ROOT,
    ROOTFS_PIVOT,
    ROOTFS_ROOT_PROPAGATION, /* number: MS_*, args non-NULL: recursive */
};

/* Where in the container. */
struct rootfs_place {
    const char *path;     /* absolute, without "." and "..": what was asked for */
    int slot;             /* trusted mount that it lies in, or -1: look it up from the held root */
    const char *relative; /* to that mount, or to the root; "." for itself */
    bool fresh;           /* the trusted mount is an empty tmpfs of ours: make the mount point without looking */
};

struct rootfs_idmap {
    const char *uid_map, *gid_map; /* of its own; both NULL: those of the container's user namespace */
    bool tree;                     /* the mounts below as well */
    const char *what;              /* for messages: a path */
};

enum rootfs_mount_kind {
    ROOTFS_FILESYSTEM, /* fsopen(type) */
    ROOTFS_BIND,       /* of slot, which ROOTFS_SOURCE filled */
    ROOTFS_REMOUNT,    /* new attributes for what is mounted there */
    ROOTFS_OVERLAYFS,  /* overlay below the root */
    ROOTFS_OWN_CGROUP, /* v1, without a cgroup namespace: bind of our own group, source is the hierarchy */
};

struct rootfs_mount {
    enum rootfs_mount_kind kind;
    struct rootfs_place place;
    const char *type, *source, *label; /* label: SELinux, or NULL */
    struct rootfs_options options;
    const struct rootfs_overlay *overlay;
    uint64_t default_propagation; /* of a bind that says none: MS_SLAVE, MS_PRIVATE, or 0: as it is */
    bool cut_peers;               /* the source's peers must not see what is mounted here: slave first */
    bool real_directory;          /* no symbolic link on the way to the mount point (CVE-2019-19921) */
    bool source_must_be_proc;     /* a bind on /proc */
    int source_slot;              /* of a bind */
    int keep_slot;                /* the mount's descriptor goes there, -1: nobody needs it */
};

struct rootfs_overlay {
    const char *const *lower; /* top first */
    size_t n_lower;
    const char *upper, *work; /* NULL: read-only */
    const char *base;         /* with ids mapped: the directory that holds both, seen through one mount */
    const char *upper_below, *work_below; /* relative to it */
    const char *label;
    const struct rootfs_parameter *parameters;
    size_t n_parameters;
    const struct rootfs_idmap *idmap; /* NULL: ids as they are */
    bool user_xattr;                  /* mounted without privilege over the host: whiteouts in user.overlay.* */
    bool append;                      /* the kernel takes layers one by one ("lowerdir+", 6.8) */
    bool by_path;                     /* neither that nor detached layers: a helper process mounts it by path */
};

struct rootfs_device {
    struct rootfs_place place;
    const char *parent; /* directory of the path, absolute */
    const char *name;   /* its last part */
    mode_t mode;        /* type and permissions */
    dev_t number;
    uid_t uid;
    gid_t gid;
    bool bind; /* we may not make nodes: bind the host's */
};

struct rootfs_link {
    int slot; /* /dev, or -1 */
    const char *parent, *name, *to;
};

struct rootfs_console {
    int pts_slot, dev_slot; /* -1: look them up */
};

bool rootfs_path_has_links(const char *below_proc); /* /proc/self, /proc/1: names that lead elsewhere */

/* plan.c, plan_*.c */
int rootfs_plan(const struct oci_config *config, const struct host *host, const char *id, const char *bundle,
                struct plan *plan, struct err *err);
struct rootfs_planning {
    const struct oci_config *config;
    const struct host *host;
    const char *bundle;
    struct plan *plan;
    struct rootfs_mount **mounts; /* in order */
    size_t n_mounts, cap_mounts;
    bool user_namespace; /* new or joined */
    bool in_child;       /* without privilege over the host's mounts: sources are opened by the child */
    const char *label;   /* linux.mountLabel, or NULL */
};
struct op *rootfs_plan_op(struct rootfs_planning *p, enum step step, enum rootfs_op kind, const char *name,
                          const char *target, const char *value, const void *args, int slot);
struct rootfs_place *rootfs_plan_place(struct rootfs_planning *p, const char *path, struct rootfs_place *ret);
int rootfs_plan_add_mount(struct rootfs_planning *p, struct rootfs_mount *m, const char *value);
enum step rootfs_plan_source_step(const struct rootfs_planning *p);
int rootfs_plan_idmap_step(const struct rootfs_planning *p, const struct rootfs_idmap *idmap, enum step *ret,
                           struct err *err);
int rootfs_plan_mount(struct rootfs_planning *p, size_t i, struct err *err);
int rootfs_plan_cgroup(struct rootfs_planning *p, const struct rootfs_mount *like, struct err *err);
int rootfs_plan_dev(struct rootfs_planning *p, struct err *err);
const char **rootfs_plan_split(struct arena *a, const char *list, size_t *ret_n); /* a:b:c, with \: for a colon */
int rootfs_plan_overlay(struct rootfs_planning *p, struct rootfs_overlay *o, struct err *err);

/* source.c, overlay.c, fallback.c: detached mounts of what the host has. A descriptor or a negative errno. */
int rootfs_open_root(struct apply *ap, const struct op *op, struct err *err);
int rootfs_open_source(struct apply *ap, const struct op *op, struct err *err);
int rootfs_map_ids(struct apply *ap, const struct op *op, struct err *err);
int rootfs_userns(const struct apply *ap, const struct rootfs_idmap *idmap, struct err *err);
int rootfs_set_idmap(int fd, int userns, bool tree, const char *what, struct err *err);
int rootfs_overlay_mount(const struct apply *ap, const struct rootfs_overlay *o, uint64_t attributes, struct err *err);
int rootfs_overlay_by_path(const struct rootfs_overlay *o, int userns, uint64_t attributes, struct err *err);
/* Take on the file system ids of upper's owner, who is there on the idmapped mount, and give them back. */
struct rootfs_identity {
    uint32_t uid, gid;
    uint32_t caps[6];
};
int rootfs_become(const struct stat *owner, struct rootfs_identity *ret_old, struct err *err);
int rootfs_unbecome(const struct rootfs_identity *old, struct err *err);

/* filesystem.c: a new file system as a detached mount; a descriptor or a negative errno. */
int rootfs_filesystem(const struct rootfs_mount *m, uint64_t attributes, struct err *err);
int rootfs_parameter_set(int fs, const char *type, const struct rootfs_parameter *p, struct err *err);
int rootfs_filesystem_failed(int fs, int code, struct err *err, const char *what);

/* place.c: finding and making places in the child */
struct rootfs_walk {
    struct apply *ap;
    int root;
    int null_origin, empty_origin; /* mask.c */
    bool bind_devices; /* a node could not be made: ROOTFS_BIND_DEVICES has work */
};
int rootfs_open_in(int root, const char *relative, uint64_t flags, uint64_t resolve);
int rootfs_directory(const struct rootfs_walk *w, const char *path, struct err *err); /* found or made */
enum rootfs_shape {
    ROOTFS_ANY,            /* a file or a directory, as the mount is */
    ROOTFS_DIRECTORY,      /* the mount is a directory */
    ROOTFS_REAL_DIRECTORY, /* and its place must be one, without a symbolic link on the way */
};
int rootfs_attach(const struct rootfs_walk *w, int mount, const struct rootfs_place *place, enum rootfs_shape shape,
                  struct err *err);

/* walk.c and the files of its operations */
int rootfs_host_before_clone(struct apply *ap, struct err *err);
int rootfs_host_after_clone(struct apply *ap, struct err *err);
int rootfs_child(struct apply *ap, struct err *err);
int rootfs_copy_up(const struct rootfs_walk *w, int mount, const struct rootfs_mount *m, struct err *err);
int rootfs_device(struct rootfs_walk *w, const struct rootfs_device *d, struct err *err);
int rootfs_bind_devices(struct rootfs_walk *w, struct err *err);
int rootfs_link(const struct rootfs_walk *w, const struct rootfs_link *l, struct err *err);
int rootfs_console(struct rootfs_walk *w, const struct rootfs_console *c, struct err *err);
int rootfs_readonly(const struct rootfs_walk *w, const struct rootfs_place *place, struct err *err);
int rootfs_mask(struct rootfs_walk *w, const struct rootfs_place *place, struct err *err);
int rootfs_pivot(struct rootfs_walk *w, struct err *err);

int rootfs_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                   struct err *err);

#endif
