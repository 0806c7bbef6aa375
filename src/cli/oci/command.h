/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coffer-oci's subcommands: one file each, exporting one const descriptor. Options are rows of the same tables as
 * coffer's. As in runc, they are taken before and after the container's ID.
 */
#ifndef COFFER_CLI_OCI_COMMAND_H
#define COFFER_CLI_OCI_COMMAND_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cli/options.h"

struct oci_globals {
    const char *root;   /* directory of container states */
    const char *log;    /* file for error messages, or NULL: stderr */
    bool log_json;
};

struct oci_command {
    const char *name;
    const char *arguments; /* "CONTAINER [SIGNAL]" */
    const char *summary;
    const struct option *options; /* NULL: none */
    size_t least, most;    /* number of arguments */
    /* data: the command's own structure, filled from the options. Returns the exit code; err set: the error to print. */
    int (*run)(const struct oci_globals *g, void *data, const char *const *arguments, size_t n, struct err *err);
};

/* Room for the largest structure; each command asserts that its own fits. */
#define OCI_COMMAND_DATA 256
#define OCI_COMMAND_FITS(type) static_assert(sizeof(type) <= OCI_COMMAND_DATA, "the options fit")

extern const struct oci_command oci_create_command, oci_start_command, oci_run_command, oci_state_command,
    oci_kill_command, oci_delete_command, oci_list_command;

#endif
