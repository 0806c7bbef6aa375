/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coffer-oci's subcommands: one file each, exporting one const descriptor. Options are rows of a table, from which both
 * the parser and --help work. As in runc, options are taken before and after the container's ID.
 */
#ifndef COFFER_CLI_OCI_COMMAND_H
#define COFFER_CLI_OCI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct oci_globals {
    const char *root;   /* directory of container states */
    const char *log;    /* file for error messages, or NULL: stderr */
    bool log_json;
    bool debug;
};

enum option_kind { OPTION_FLAG, OPTION_TEXT };

struct option_row {
    const char *name;
    char letter;        /* 0: no short form */
    enum option_kind kind;
    const char *value;  /* what stands for the value in --help */
    const char *help;
    size_t offset;      /* of a bool or a const char * in the command's own structure */
};

struct oci_command {
    const char *name;
    const char *arguments; /* "CONTAINER [SIGNAL]" */
    const char *summary;
    const struct option_row *options; /* ended by a row without a name */
    size_t least, most;    /* number of arguments */
    size_t size;           /* of the command's own structure, at most OCI_COMMAND_DATA */
    /* data: the structure, zeroed and filled from the options. Returns the exit code; err set: the error to print. */
    int (*run)(const struct oci_globals *g, void *data, char **arguments, size_t n, struct err *err);
};

#define OCI_COMMAND_DATA 256

extern const struct oci_command oci_create_command, oci_start_command, oci_run_command, oci_state_command,
    oci_kill_command, oci_delete_command, oci_list_command;

#endif
