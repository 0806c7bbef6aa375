/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's directory below the state root:
 *
 *   config.json  the document it was created with, written before anything else of it exists
 *   state.json   its process, written after clone and before the program may run
 *   cgroup       the creator's own groups, where the container's path is relative to them
 *   start.sock   listening socket of a created container, gone once it was started
 *   lock         held (fcntl record lock, so that no child inherits it) while somebody creates the container
 *
 * A directory whose lock is free and that has no state.json belongs to a creation that was killed.
 */
#ifndef COFFER_RUNTIME_STATE_DIR_H
#define COFFER_RUNTIME_STATE_DIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/config.h"
#include "oci/state.h"
#include "sys/host.h"

#define STATE_CONFIG "config.json"
#define STATE_STATE "state.json"
#define STATE_SOCKET "start.sock"
#define STATE_CGROUP "cgroup"

/* What state.json says beyond the OCI state document. */
struct container_record {
    struct oci_state *state; /* status is filled by record_read() from what the process does now */
    unsigned long long start_time; /* of the process, clock ticks after boot (proc_pid_stat(5)): guards against a reused pid */
    bool foreground; /* made by run: its maker deletes it */
    char *created;   /* RFC 3339 */
};

/* 0, or -EINVAL with err: is this string a container ID that cannot be anything else, such as a path? */
int state_check_id(const char *id, struct err *err);

/*
 * Make the directory of a new container, locked, or refuse with -EEXIST. What a killed creation left under this ID is
 * taken away first. *ret_dir and *ret_lock are the caller's.
 */
int state_dir_create(const char *state_root, const char *id, int *ret_dir, int *ret_lock, struct err *err);

/* Open an existing one; -ENOENT: there is no such container. */
int state_dir_open(const char *state_root, const char *id, int *ret_dir, struct err *err);

/* Remove all its files and the directory itself. */
int state_dir_remove(const char *state_root, const char *id, int dir, struct err *err);

/* Is a creation going on? */
bool state_dir_locked(int dir);

int record_write(int dir, const struct container_record *record, struct err *err);

/*
 * Read state.json and find out the status: "creating", "created", "running" or "stopped". Without a state.json: an
 * OCI state with status creating (locked) or stopped, and pid 0.
 */
int record_read(struct arena *a, int dir, const char *id, struct container_record *ret, struct err *err);

/* host_probe() as the creator saw it: with its own groups, which relative paths of the container start from. */
int record_host(struct arena *a, int dir, struct host *ret, struct err *err);

/* Start time of a process, 0 when there is none. A zombie counts as none. */
unsigned long long process_start_time(pid_t pid);

/* A pidfd of the recorded process, or -ESRCH when it has ended. */
int record_pidfd(const struct container_record *record);

#endif
