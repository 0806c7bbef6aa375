/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by parent.c, child.c and stone.c: what the child knows when it begins. */
#ifndef COFFER_START_CHILD_H
#define COFFER_START_CHILD_H

#include "start/protocol.h"
#include "start/start.h"

struct child {
    const struct start_request *request;
    struct apply apply;
    struct protocol protocol;
    int parent_end;       /* the parent's end of the socket pair: closed first, or its death would not be seen */
    char **argv, **envp;  /* prepared by the parent; the child allocates nothing */
    const char *cwd;
    char *const *candidates; /* paths to try for argv[0], NULL-terminated */
    int init; /* memory file of the init program, or -EBADF: the program itself is PID 1 */
    char session_keyring[80]; /* name, empty: none wanted */
};

/* The child's whole life until exec; never returns. */
_Noreturn void child_main(struct child *c);

/* stone.c: the life of the stepping stone, which enters namespaces that must be entered before clone3. */
_Noreturn void stone_main(struct child *c, uint64_t clone_flags);

/* Report err to whoever waits for this process, and end. */
_Noreturn void child_fail(struct child *c, const struct err *err);

/* exec.c: replace this process. Returns only on failure, with err set: -ENOENT, -EACCES or another. */
int exec_program(const struct child *c, struct err *err);
/* exec.c: can one of the candidates be executed? 0 or the error that exec_program() would give. */
int exec_check(const struct child *c, struct err *err);
/* exec.c, parent: the candidates for args[0] along PATH of env, in the arena. */
char **exec_candidates(struct arena *a, const char *program, const struct oci_strs *env);

/* terminal.c: make the peer of the pseudo-terminal in SLOT_CONSOLE stdio and controlling terminal, raise the master. */
int terminal_attach(struct child *c, struct err *err);

#endif
