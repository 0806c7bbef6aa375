/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/loading.h"

struct load_options {
    const char *input;
    bool quiet;
};

static const struct option options[] = {
    {"input", 'i', OPTION_STRING, LAYER_IMAGE, offsetof(struct load_options, input), "FILE",
     "Read from FILE instead of standard input", NULL},
    {"quiet", 'q', OPTION_BOOL, LAYER_IMAGE, offsetof(struct load_options, quiet), NULL, "Show no progress", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static int load(const struct invocation *in, struct err *err)
{
    struct load_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 0, 0, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    CLEANUP_FD int fd = o.input != NULL ? open(o.input, O_RDONLY | O_CLOEXEC) : -EBADF;
    if (o.input != NULL && fd < 0)
        return err_set_errno(err, -errno, LAYER_IMAGE, "--input %s", o.input);
    if (o.input == NULL && isatty(STDIN_FILENO))
        return err_set(err, -EINVAL, LAYER_IMAGE, "no archive: give one with --input, or on standard input");
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    struct loading l;
    struct image_loaded loaded = {0};
    loading_begin(&l, o.quiet);
    r = image_load(in->arena, s.images, o.input != NULL ? fd : STDIN_FILENO, &l.options, &loaded, err);
    loading_end(&l);
    return r < 0 ? r : loading_report(in->arena, &s, &loaded, "Loaded image");
}

const struct command load_command = {
    .name = "load",
    .arguments = "[OPTIONS] < ARCHIVE",
    .summary = "Load images from an archive (docker save, OCI; plain, gzip or zstd)",
    .options = options,
    .run = load,
};
