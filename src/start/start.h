/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process model: one clone3, a child that walks the plan, and a protocol between the two. docs/process-model.md
 * has the diagram.
 */
#ifndef COFFER_START_START_H
#define COFFER_START_START_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "layers/layer.h"

struct start_request {
    const struct oci_config *config;
    const struct host *host;
    const struct plan *plan;
    const char *id;
    const char *bundle;
    const char *cache_dir;
    int listener;  /* listening start socket: build, then wait there for start_go(); -1: go on at once */
    int stdio[3];  /* become 0, 1, 2 of the program; -1: as the caller's. Ignored with process.terminal. */
    unsigned preserve_fds; /* descriptors 3 .. 2 + n stay open in the program */
    bool no_pivot, no_new_keyring;
    /*
     * Called once the process exists and before its program can run: put it on record. A failure ends the start.
     */
    int (*record)(void *data, pid_t pid, int pidfd, struct err *err);
    void *record_data;
    /*
     * Called as soon as the child has raised its seccomp listener, which stays the caller's. It must get to the agent
     * before anything more is expected of the child, whose next call may already wait for the agent's answer.
     */
    int (*listener_raised)(void *data, pid_t pid, int fd, struct err *err);
    void *listener_raised_data;
};

struct started {
    pid_t pid;
    int pidfd;
    int console; /* pseudo-terminal master, or -EBADF */
};

/*
 * Start, or with a listener build, a container's process. On failure the process is gone and reaped, what the layers
 * left on the host is the caller's to undo (layers_undo), and err says which layer at which step. With -ENOENT or
 * -EACCES of layer start the program itself could not be executed.
 *
 * The process is a child of the caller, which reaps it.
 */
int start_container(const struct start_request *request, struct started *ret, struct err *err);

/* Let a built container go: connection is a connected start socket. Waits until its program runs, or says why not. */
int start_go(int connection, struct err *err);

#endif
