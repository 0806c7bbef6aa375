/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include "base/str.h"
#include "cli/commands.h"
#include "oci/config.h"

struct version_options {
    const char *format;
};

static const struct option options[] = {
    {"format", 'f', OPTION_STRING, LAYER_CLI, offsetof(struct version_options, format), "json", "As JSON", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static int version(const struct invocation *in, struct err *err)
{
    struct version_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 0, 0, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (o.format != NULL && !str_eq(o.format, "json"))
        return err_set(err, -EINVAL, LAYER_CLI, "--format %s: expected json", o.format);
    if (o.format != NULL)
        printf("{\"version\":\"%s\",\"ociVersion\":\"%s\"}\n", COFFER_VERSION, OCI_VERSION);
    else
        printf("coffer %s\nOCI runtime specification %s\n", COFFER_VERSION, OCI_VERSION);
    return 0;
}

const struct command version_command = {
    .name = "version",
    .arguments = "[OPTIONS]",
    .summary = "Print the version",
    .options = options,
    .run = version,
};
