/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: what a start will do, as data. Layers add operations to it without touching the system; then it can be
 * printed, compared with a golden file, explained, and carried out by start/.
 *
 * An operation belongs to one layer and one step, and is carried out in the order: step, layer (the order of enum
 * layer), order of addition. Everything an operation needs is in it already: the child between clone and exec
 * allocates nothing and parses nothing.
 */
#ifndef COFFER_LAYERS_PLAN_H
#define COFFER_LAYERS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Descriptors that operations hand to each other live in numbered slots of struct apply. The first few have a
 * meaning across layers; plan_slot() numbers more.
 */
enum plan_slot {
    SLOT_CGROUP,  /* v2 group directory: clone3's CLONE_INTO_CGROUP */
    SLOT_ROOTFS,  /* detached mount that becomes the container's / */
    SLOT_CONSOLE, /* pseudo-terminal master: the rootfs layer opens it in child-rootfs from the container's devpts and
                     binds its peer on /dev/console; start/ makes the peer stdio and the controlling terminal, and
                     sends the master up */
    SLOT_SECCOMP_LISTENER, /* seccomp notify descriptor, sent up by the child */
    SLOT_FIRST_FREE,
};

struct op {
    struct op *next; /* of the same layer and step */
    enum layer_id layer;
    enum step step;
    unsigned kind;      /* the layer's own enumeration */
    const char *name;   /* "mount", "write", "join": one word, printed */
    const char *target; /* what it acts on: a path, a controller file, a namespace; may be NULL */
    const char *value;  /* what it sets there; may be NULL */
    const void *args;   /* the layer's own arguments, in the arena; may be NULL */
    uint64_t number;    /* a number for the layer's own use: flags, an id, a limit */
    int slot;           /* slot it fills or uses, -1: none */
};

struct plan {
    struct arena *arena;
    const char *owner; /* state root of the container: with its ID, whose the things on the host are; or NULL */
    struct op *first[LAYER_WALLS][STEP_COUNT], *last[LAYER_WALLS][STEP_COUNT];
    int n_slots;
    uint64_t clone_flags;  /* CLONE_NEW* for the one clone3 call; set by the namespaces layer */
    bool clone_into_cgroup; /* SLOT_CGROUP is filled before clone and handed to clone3 */
    bool parent_maps_ids;  /* the child must wait until the parent has written its uid and gid maps */
    int join_user, join_pid; /* slots of namespaces that must be entered before clone3, -1: none */
};

void plan_init(struct plan *p, struct arena *a);

/* Append an operation with these members (copied); returns it for more, or NULL when memory is out (arena failed). */
struct op *plan_add(struct plan *p, const struct op *op);

/* A new slot number. */
int plan_slot(struct plan *p);

/* Iterate over the operations of one layer at one step. */
#define plan_each(op, plan, layer, step) \
    for (const struct op *op = (plan)->first[layer][step]; op != NULL; op = op->next)

/*
 * One line an operation, in the order in which they are carried out:
 * "child-rootfs rootfs mount /proc = proc nosuid,noexec,nodev". This is the golden form.
 */
void plan_print(const struct plan *p, struct buf *out);

#endif
