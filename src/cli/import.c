/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/loading.h"
#include "engine/run_options.h"

struct import_options {
    struct strings changes;
    bool quiet;
};

static const struct option options[] = {
    {"change", 'c', OPTION_LIST, LAYER_IMAGE, offsetof(struct import_options, changes), "INSTRUCTION",
     "Set in the image, as a Dockerfile does: CMD, ENTRYPOINT, ENV, LABEL, USER, WORKDIR, STOPSIGNAL", NULL},
    {"quiet", 'q', OPTION_BOOL, LAYER_IMAGE, offsetof(struct import_options, quiet), NULL, "Show no progress", NULL},
    {"message", 'm', OPTION_REFUSED, LAYER_IMAGE, 0, "TEXT", "an image of this store keeps no commit message", NULL},
    {"platform", 0, OPTION_REFUSED, LAYER_IMAGE, 0, "OS/ARCH", "an imported root file system is for this machine", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

static void push(struct arena *a, struct oci_strs *list, const char *text)
{
    char **more = arena_calloc(a, list->n + 2, sizeof *more);
    if (more == NULL)
        return;
    if (list->n > 0)
        memcpy(more, list->v, list->n * sizeof *more);
    more[list->n++] = arena_strdup(a, text);
    list->v = more;
    list->set = true;
}

/* ["program", "argument"], or a line for the shell. */
static int program(struct arena *a, struct oci_strs *ret, const char *text)
{
    *ret = (struct oci_strs){.set = true};
    if (text[0] != '[') {
        push(a, ret, "/bin/sh");
        push(a, ret, "-c");
        push(a, ret, text);
        return 0;
    }
    struct json_object *list = json_tokener_parse(text);
    bool good = list != NULL && json_object_is_type(list, json_type_array);
    for (size_t i = 0; good && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        good = json_object_is_type(item, json_type_string);
        if (good)
            push(a, ret, json_object_get_string(item));
    }
    json_object_put(list);
    return good ? 0 : -EINVAL;
}

/* "NAME=VALUE", or Docker's old "NAME VALUE". */
static char *assignment(struct arena *a, const char *text)
{
    size_t n = strcspn(text, "= ");
    if (n == 0 || text[n] == '\0')
        return NULL;
    const char *value = text + n + 1;
    size_t length = strlen(value);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
        return arena_printf(a, "%.*s=%.*s", (int)n, text, (int)length - 2, value + 1);
    return arena_printf(a, "%.*s=%s", (int)n, text, value);
}

static int change(struct arena *a, struct oci_image_run *run, const char *text, struct err *err)
{
    size_t n = strcspn(text, " \t");
    const char *rest = text + n + strspn(text + n, " \t");
    char *word = arena_strndup(a, text, n);
    int r = word == NULL || rest[0] == '\0' ? -EINVAL : 0;
    char *pair = NULL;
    if (r == 0 && strcasecmp(word, "CMD") == 0) {
        r = program(a, &run->cmd, rest);
    } else if (r == 0 && strcasecmp(word, "ENTRYPOINT") == 0) {
        r = program(a, &run->entrypoint, rest);
    } else if (r == 0 && strcasecmp(word, "USER") == 0) {
        run->user = arena_strdup(a, rest);
    } else if (r == 0 && strcasecmp(word, "WORKDIR") == 0) {
        run->working_dir = arena_strdup(a, rest);
    } else if (r == 0 && strcasecmp(word, "STOPSIGNAL") == 0) {
        run->stop_signal = arena_strdup(a, rest);
    } else if (r == 0 && strcasecmp(word, "ENV") == 0 && (pair = assignment(a, rest)) != NULL) {
        push(a, &run->env, pair);
    } else if (r == 0 && strcasecmp(word, "LABEL") == 0 && (pair = assignment(a, rest)) != NULL) {
        char *equals = strchr(pair, '=');
        struct oci_pair *more = arena_calloc(a, run->labels.n + 1, sizeof *more);
        if (more != NULL) {
            if (run->labels.n > 0)
                memcpy(more, run->labels.v, run->labels.n * sizeof *more);
            *equals = '\0';
            more[run->labels.n++] = (struct oci_pair){pair, equals + 1};
            run->labels.v = more;
            run->labels.set = true;
        }
    } else {
        r = -EINVAL;
    }
    if (r < 0)
        return err_set(err, r, LAYER_IMAGE,
                       "--change %s: expected CMD, ENTRYPOINT, ENV, LABEL, USER, WORKDIR or STOPSIGNAL and its value",
                       text);
    return a->failed ? err_set(err, -ENOMEM, LAYER_CLI, "out of memory") : 0;
}

static int import(const struct invocation *in, struct err *err)
{
    struct import_options o = {0};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 1, 2, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    struct oci_image_run run = {0};
    for (size_t i = 0; i < o.changes.n; i++) {
        r = change(in->arena, &run, o.changes.v[i], err);
        if (r < 0)
            return r;
    }
    if (str_starts(words[0], "http://") || str_starts(words[0], "https://"))
        return err_set(err, -ENOTSUP, LAYER_IMAGE, "%s: this version imports files; fetch it and give - for standard "
                       "input", words[0]);
    bool standard = str_eq(words[0], "-");
    CLEANUP_FD int fd = standard ? -EBADF : open(words[0], O_RDONLY | O_CLOEXEC);
    if (!standard && fd < 0)
        return err_set_errno(err, -errno, LAYER_IMAGE, "%s", words[0]);
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    struct loading l;
    struct image_loaded loaded = {0};
    loading_begin(&l, o.quiet);
    r = image_import(in->arena, s.images, standard ? STDIN_FILENO : fd, n == 2 ? words[1] : NULL, &run, &l.options,
                     &loaded, err);
    loading_end(&l);
    return r < 0 ? r : loading_report(in->arena, &s, &loaded, "Imported image");
}

const struct command import_command = {
    .name = "import",
    .arguments = "[OPTIONS] FILE|- [NAME[:TAG]]",
    .summary = "Make an image from the tar of a root file system",
    .options = options,
    .run = import,
};
