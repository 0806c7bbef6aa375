/* SPDX-License-Identifier: Apache-2.0 */
/* create and run, which share their options. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/oci/command.h"
#include "runtime/runtime.h"

struct create_options {
    const char *bundle, *config, *console_socket, *pid_file, *preserve_fds;
    bool no_pivot, no_new_keyring;
};
OCI_COMMAND_FITS(struct create_options);

static const struct option create_rows[] = {
    {"bundle", 'b', OPTION_STRING, LAYER_CLI,
     offsetof(struct create_options, bundle), "DIR", "directory of the bundle (default: the current one)", NULL},
    {"config", 'f', OPTION_STRING, LAYER_CLI,
     offsetof(struct create_options, config), "FILE", "configuration (default: config.json in the bundle)", NULL},
    {"console-socket", 0, OPTION_STRING, LAYER_CLI,
     offsetof(struct create_options, console_socket), "PATH", "AF_UNIX socket that gets the terminal's master", NULL},
    {"pid-file", 0, OPTION_STRING, LAYER_CLI,
     offsetof(struct create_options, pid_file), "FILE", "write the process ID there", NULL},
    {"preserve-fds", 0, OPTION_STRING, LAYER_CLI,
     offsetof(struct create_options, preserve_fds), "N", "hand N more descriptors, from 3 on, to the program", NULL},
    {"no-pivot", 0, OPTION_BOOL, LAYER_CLI,
     offsetof(struct create_options, no_pivot), NULL, "leave the old root without pivot_root (host on an initial ramdisk)", NULL},
    {"no-new-keyring", 0, OPTION_BOOL, LAYER_CLI,
     offsetof(struct create_options, no_new_keyring), NULL, "keep the caller's session keyring", NULL},
    {0},
};

static int make_request(const struct oci_globals *g, const struct create_options *o, const char *id, char *bundle,
                        struct runtime_create *ret, struct err *err)
{
    const char *dir = o->bundle != NULL ? o->bundle : ".";
    if (realpath(dir, bundle) == NULL)
        return err_set_errno(err, -errno, LAYER_CONFIG, "bundle %s", dir);
    uint64_t preserve = 0;
    if (o->preserve_fds != NULL && (str_to_u64(o->preserve_fds, &preserve) < 0 || preserve > 65536))
        return err_set(err, -EINVAL, LAYER_CLI, "--preserve-fds %s: a number is needed", o->preserve_fds);
    *ret = (struct runtime_create){.state_root = g->root,
                                   .id = id,
                                   .bundle = bundle,
                                   .config_path = o->config,
                                   .pid_file = o->pid_file,
                                   .console_socket = o->console_socket,
                                   .stdio = {-1, -1, -1},
                                   .preserve_fds = (unsigned)preserve,
                                   .no_pivot = o->no_pivot,
                                   .no_new_keyring = o->no_new_keyring};
    return 0;
}

static int create(const struct oci_globals *g, void *data, const char *const *arguments, size_t n UNUSED, struct err *err)
{
    char bundle[PATH_MAX];
    struct runtime_create request;
    struct runtime_started started = {.pidfd = -EBADF, .console = -EBADF};
    if (make_request(g, data, arguments[0], bundle, &request, err) < 0 ||
        runtime_create(&request, false, &started, err) < 0)
        return 1;
    fd_close(&started.pidfd);
    return 0;
}

const struct oci_command oci_create_command = {
    .name = "create",
    .arguments = "CONTAINER",
    .summary = "build a container and let it wait for start",
    .options = create_rows,
    .least = 1,
    .most = 1,
    .run = create,
};

static int run(const struct oci_globals *g, void *data, const char *const *arguments, size_t n UNUSED, struct err *err)
{
    char bundle[PATH_MAX];
    struct runtime_create request;
    int status = 0;
    if (make_request(g, data, arguments[0], bundle, &request, err) < 0 || runtime_run(&request, &status, err) < 0) {
        /* As Docker has it: the program is not there, or is not one. */
        if (err->layer == LAYER_START && err->code == -ENOENT)
            return 127;
        return err->layer == LAYER_START && err->code == -EACCES ? 126 : 125;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const struct oci_command oci_run_command = {
    .name = "run",
    .arguments = "CONTAINER",
    .summary = "create, start, wait for the end, delete; exits as the program does",
    .options = create_rows,
    .least = 1,
    .most = 1,
    .run = run,
};
