/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's state below one root directory, and one container's record in it:
 *
 *   <root>/containers/<id>/   record.json   what the engine knows of it (struct container)
 *                             hosts, hostname, resolv.conf
 *                             upper, work, image: the snapshot (storage.h)
 *   <root>/names/<name>       whose name it is (claim.h)
 *   <root>/run/               the runtime's states (runtime.h); /run/coffer/containers for the default root, which has
 *                             its files of containers' /etc in /run/coffer/files too
 *
 * While a `coffer run` stands behind a container it holds a lock (flock) on the container's directory. A directory
 * whose lock is free and whose process is gone is either a finished container, or what a killed `coffer run` left:
 * store_sweep() tells them apart.
 */
#ifndef COFFER_ENGINE_STORE_H
#define COFFER_ENGINE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"
#include "oci/types.h"
#include "sys/host.h"

struct store {
    struct arena *arena;
    const char *root;       /* absolute */
    const char *state_root; /* of the runtime */
    const char *files_root; /* for etc_files.h, on a memory file system; NULL: none for this store */
    struct image_store *images;
    struct host host;
};

/* root: NULL for the default one. The machine is probed. */
int store_open(struct arena *a, const char *root, struct store *ret, struct err *err);
void store_close(struct store *s);
#define CLEANUP_STORE CLEANUP(store_close)
#define STORE_INIT {.arena = NULL}

enum container_state { CONTAINER_STARTING, CONTAINER_RUNNING, CONTAINER_PAUSED, CONTAINER_EXITED };

struct container {
    const char *id, *name;
    const char *directory; /* absolute */
    const char *image, *image_id; /* as it was asked for; digest */
    struct oci_strs args;
    struct oci_map labels;
    const char *profile;
    const char *stop_signal;
    int64_t stop_timeout; /* seconds */
    int64_t created, finished; /* seconds since 1970; finished 0: has not */
    int exit_code;        /* -1: not known */
    bool remove;          /* --rm */
    bool userns_auto;
    uint32_t first_uid;   /* with userns_auto */
    /* found out, not recorded */
    enum container_state state;
    pid_t pid; /* 0 unless running */
};

/* A new container: an ID, its directory, locked (*ret_lock is the caller's). name NULL: one is made up. */
int container_new(struct store *s, const char *name, struct container *ret, int *ret_lock, struct err *err);

int container_write(struct store *s, const struct container *c, struct err *err);

/* By name, ID, or the unambiguous beginning of an ID. -ENOENT with err of layer engine. */
int container_find(struct store *s, const char *reference, struct container *ret, struct err *err);

/* All, newest first. Whatever dead processes left is cleared first. */
int container_list(struct store *s, struct container **ret, size_t *ret_n, struct err *err);

/* Remove a container that does not run: its runtime state, writable layer, names and record. Twice without harm. */
int container_remove(struct store *s, const struct container *c, struct err *err);

#endif
