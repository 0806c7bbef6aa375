/* SPDX-License-Identifier: Apache-2.0 */
#include "insight/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/commands.h"
#include "runtime/runtime.h"

struct explain_options {
    const char *format;
    bool plan;
};

/* What became of the target: an explanation, or with --plan what a start would do. */
struct answer {
    bool plan_wanted;
    struct plan plan;
    struct explanation *explanation;
};

static const struct option options[] = {
    {"format", 'f', OPTION_STRING, LAYER_CLI, offsetof(struct explain_options, format), "text|json",
     "A picture for people, or JSON for programs", NULL},
    {"plan", 0, OPTION_BOOL, LAYER_CLI, offsetof(struct explain_options, plan), NULL,
     "List what a start would do instead: every operation, in order", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

/* A container of ours: what was asked for and, while it runs, what is in force. */
static int of_container(struct store *s, const struct container *c, struct answer *ret, struct err *err)
{
    struct arena *a = s->arena;
    struct oci_config *config = NULL;
    char *subject = arena_printf(a, "container %s", c->name);
    if (c->pid == 0 && !ret->plan_wanted)
        return err_set(err, -ESRCH, LAYER_ENGINE, "container %s is not running; explain its image's plan by running it",
                       c->name);
    int r = runtime_config(a, s->state_root, c->id, &config, err);
    if (r < 0)
        return r;
    struct explain_input input = {.host = &s->host, .config = config, .id = c->id, .bundle = c->directory};
    if (ret->plan_wanted)
        return explain_plan(a, &input, &ret->plan, err);
    return explain_process(a, c->pid, subject, &s->host, config, c->id, c->directory, &ret->explanation, err);
}

/* A bundle's directory, or its config.json: nothing of it has run. */
static int of_document(struct store *s, const char *target, bool directory, struct answer *ret, struct err *err)
{
    char *path = directory ? arena_printf(s->arena, "%s/config.json", target) : arena_strdup(s->arena, target);
    char *whole = path != NULL ? realpath(path, NULL) : NULL;
    if (whole == NULL)
        return err_set_errno(err, -errno, LAYER_CONFIG, "%s", target);
    char *absolute = arena_strdup(s->arena, whole);
    free(whole);
    struct oci_config *config = NULL;
    int r = absolute == NULL ? -ENOMEM : oci_config_read(s->arena, AT_FDCWD, absolute, &config, err);
    if (r < 0)
        return r;
    const char *slash = strrchr(absolute, '/');
    struct explain_input input = {
        .subject = absolute,
        .host = &s->host,
        .config = config,
        .id = "explained",
        .look = true,
        .bundle = arena_strndup(s->arena, absolute, slash == absolute ? 1 : (size_t)(slash - absolute)),
    };
    if (ret->plan_wanted)
        return explain_plan(s->arena, &input, &ret->plan, err);
    return explain_make(s->arena, &input, &ret->explanation, err);
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* A name of ours first; then a process; then a file. */
static int resolve(struct store *s, const char *target, struct answer *ret, struct err *err)
{
    if (target[0] == '\0')
        return err_set(err, -EINVAL, LAYER_CLI, "explain: the name is empty; give a container, a process number, a "
                       "config.json or a bundle");
    struct container c = {0};
    struct err none = ERR_INIT;
    struct stat st;
    if (strchr(target, '/') == NULL && !all_digits(target)) {
        int r = container_find(s, target, &c, &none);
        if (r == 0)
            return of_container(s, &c, ret, err);
        if (r != -ENOENT) {
            *err = none;
            return r;
        }
    }
    if (all_digits(target)) {
        int64_t pid = 0;
        if (str_to_i64(target, &pid) < 0 || pid <= 0 || pid > INT32_MAX)
            return err_set(err, -ESRCH, LAYER_INSIGHT, "no process has the number %s", target);
        if (ret->plan_wanted)
            return err_set(err, -EINVAL, LAYER_INSIGHT,
                           "--plan %s: nobody told us what this process was started from; give a container, a "
                           "config.json or a bundle", target);
        return explain_process(s->arena, (pid_t)pid, NULL, &s->host, NULL, NULL, NULL, &ret->explanation, err);
    }
    if (stat(target, &st) < 0)
        return err_set(err, -ENOENT, LAYER_INSIGHT, "%s: no container, process number, config.json or bundle of that "
                       "name", target);
    return of_document(s, target, S_ISDIR(st.st_mode), ret, err);
}

static int explain(const struct invocation *in, struct err *err)
{
    struct explain_options o = {.format = "text"};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 1, 1, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    bool json = str_eq(o.format, "json");
    if (!json && !str_eq(o.format, "text"))
        return err_set(err, -EINVAL, LAYER_CLI, "--format %s: expected text or json", o.format);
    CLEANUP_STORE struct store s = STORE_INIT;
    struct answer answer = {.plan_wanted = o.plan};
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r == 0)
        r = resolve(&s, words[0], &answer, err);
    if (r < 0)
        return r;
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct explain_style style = explain_style_for(STDOUT_FILENO);
    if (o.plan && json)
        explain_plan_json(&answer.plan, &out);
    else if (o.plan)
        plan_print(&answer.plan, &out);
    else if (json)
        explain_json(answer.explanation, &out);
    else
        explain_text(answer.explanation, &style, &out);
    if (out.failed)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    fputs(buf_str(&out), stdout);
    return 0;
}

const struct command explain_command = {
    .name = "explain",
    .arguments = "[OPTIONS] CONTAINER|PID|CONFIG.JSON|BUNDLE",
    .summary = "Say, wall by wall, what holds a process in",
    .options = options,
    .run = explain,
};
