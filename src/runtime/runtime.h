/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI operations (runtime-spec 1.3, runtime.md), as a library: coffer-oci is a command line over this, coffer calls
 * it in process. A container is a directory below the state root, named by its ID, that holds its config.json and
 * state.json from before anything else of it exists until everything else of it is gone.
 */
#ifndef COFFER_RUNTIME_RUNTIME_H
#define COFFER_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/config.h"
#include "oci/state.h"

struct runtime_started {
    pid_t pid;
    int pidfd;   /* owned by the caller */
    int console; /* master, owned by the caller, or -EBADF */
};

struct runtime_create {
    const char *state_root; /* directory of container states; made if missing */
    const char *id;         /* [A-Za-z0-9_.+-]{1,255}, not "." or ".." */
    const char *bundle;     /* absolute path */
    const char *config_path; /* config.json in the bundle when NULL */
    const struct oci_config *config; /* parsed already, or NULL: read from config_path */
    const struct host *host;         /* probed already, or NULL */
    const char *pid_file;      /* or NULL */
    const char *console_socket; /* or NULL: AF_UNIX path that gets the pseudo-terminal's master */
    bool console_fd_wanted;    /* hand the master to the caller in runtime_started.console */
    int stdio[3];              /* -1: inherit the caller's */
    unsigned preserve_fds;     /* descriptors 3 .. 3+n-1 stay open in the container */
    bool no_pivot;
    bool no_new_keyring;
    /*
     * run: called once the program runs. It may look at it, or stand by it (carry its terminal) until it has ended;
     * signals that are meant for the program are blocked and come from the descriptor signals. A failure is reported
     * after the container has ended by itself. NULL: nothing of the kind.
     */
    int (*attend)(void *data, struct runtime_started *started, int signals, struct err *err);
    void *attend_data;
};

/*
 * Build the container up to the point where runtime_start() lets its program go. On failure nothing is left.
 * run: do not wait for runtime_start(), the program starts at once.
 */
int runtime_create(const struct runtime_create *request, bool run, struct runtime_started *ret, struct err *err);
int runtime_start(const char *state_root, const char *id, struct err *err);

/*
 * create with run, then wait for the program: signals are passed on, the exit status (as wait(2) encodes it) goes to
 * *ret_status, and everything is deleted. -ENOENT/-EACCES with layer start: the program could not be executed.
 */
int runtime_run(const struct runtime_create *request, int *ret_status, struct err *err);

int runtime_state(struct arena *a, const char *state_root, const char *id, struct oci_state **ret, struct err *err);
int runtime_kill(const char *state_root, const char *id, int signal, bool all, struct err *err);
int runtime_delete(const char *state_root, const char *id, bool force, struct err *err);

/* IDs below state_root, sorted, into the arena. */
int runtime_list(struct arena *a, const char *state_root, char ***ret, size_t *ret_n, struct err *err);

/* The configuration that a container was created with. */
int runtime_config(struct arena *a, const char *state_root, const char *id, struct oci_config **ret, struct err *err);

#endif
