/* SPDX-License-Identifier: Apache-2.0 */
/* What runs: program, environment, working directory, user. */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/accounts.h"
#include "engine/layer_files.h"
#include "engine/spec_private.h"
#include "layers/layer.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { MAX_ACCOUNTS = 16 * 1024 * 1024, MAX_ENV_FILE = 16 * 1024 * 1024 };

static const struct oci_image_run *image_run(const struct spec *s)
{
    static const struct oci_image_run none = {0};
    return s->request->image != NULL && s->request->image->config != NULL ? s->request->image->config : &none;
}

static void push_all(struct spec *s, struct oci_strs *to, const struct oci_strs *from)
{
    for (size_t i = 0; i < from->n; i++)
        spec_push(s, to, from->v[i]);
}

/* Docker's rules: --entrypoint puts away the image's entry point and its command; arguments put away its command. */
static int arguments(struct spec *s)
{
    const struct oci_image_run *image = image_run(s);
    struct oci_strs *args = &s->config->process->args;
    const char *entrypoint = s->o->entrypoint;
    if (entrypoint != NULL) {
        if (entrypoint[0] != '\0')
            spec_push(s, args, entrypoint);
        source_flag(&s->sources, "process.args", "--entrypoint", entrypoint);
    } else {
        push_all(s, args, &image->entrypoint);
    }
    for (size_t i = 0; i < s->o->n_args; i++)
        spec_push(s, args, s->o->args[i]);
    if (s->o->n_args == 0 && entrypoint == NULL)
        push_all(s, args, &image->cmd);
    if (entrypoint == NULL)
        source_text(&s->sources, "process.args", s->o->n_args > 0 ? "command line" : "image");
    if (args->n == 0)
        return err_set(s->err, -EINVAL, LAYER_ENGINE,
                       "no program to run: the image names none; write it after the image's name");
    return 0;
}

/* Set or replace; KEY=VALUE. */
static void set_env(struct spec *s, const char *assignment)
{
    struct oci_strs *env = &s->config->process->env;
    size_t key = strcspn(assignment, "=") + 1;
    for (size_t i = 0; i < env->n; i++) {
        if (strncmp(env->v[i], assignment, key) == 0) {
            env->v[i] = arena_strdup(s->arena, assignment);
            return;
        }
    }
    spec_push(s, env, assignment);
}

static bool has_env(const struct spec *s, const char *key)
{
    const struct oci_strs *env = &s->config->process->env;
    size_t n = strlen(key);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], key, n) == 0 && env->v[i][n] == '=')
            return true;
    return false;
}

/* KEY=VALUE, or KEY alone: the caller's own value, nothing where it has none. */
static int env_from_user(struct spec *s, const char *flag, const char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == value || value[0] == '\0')
        return spec_fault(s, LAYER_ENGINE, flag, value, "expected NAME=VALUE or NAME");
    if (equals != NULL) {
        set_env(s, value);
    } else {
        const char *own = getenv(value);
        if (own == NULL)
            return 0;
        char *assignment = arena_printf(s->arena, "%s=%s", value, own);
        if (assignment == NULL)
            return spec_no_memory(s);
        set_env(s, assignment);
    }
    char *key = arena_strndup(s->arena, value, strcspn(value, "="));
    if (key == NULL)
        return spec_no_memory(s);
    source_entry_flag(&s->sources, "process.env", key, flag, NULL); /* not the value: it may be a secret */
    return 0;
}

static int env_file(struct spec *s, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    int r = file_read(s->arena, AT_FDCWD, path, MAX_ENV_FILE, &text, &length);
    if (r < 0)
        return err_set_errno(s->err, r, LAYER_ENGINE, "--env-file %s", path);
    if (strlen(text) != length)
        return spec_fault(s, LAYER_ENGINE, "--env-file", path, "not a text file");
    unsigned line = 0;
    for (char *rest = text, *p; (p = strsep(&rest, "\n")) != NULL;) {
        line++;
        size_t n = strlen(p);
        if (n > 0 && p[n - 1] == '\r')
            p[n - 1] = '\0';
        p += strspn(p, " \t");
        if (*p == '\0' || *p == '#')
            continue;
        size_t key = strcspn(p, "=");
        if (key == 0 || strcspn(p, " \t") < key)
            return spec_fault(s, LAYER_ENGINE, "--env-file", path, "line %u: expected NAME=VALUE or NAME", line);
        r = env_from_user(s, "--env-file", p);
        if (r < 0)
            return r;
    }
    return 0;
}

int spec_environment(struct spec *s)
{
    spec_push(s, &s->config->process->env, DEFAULT_PATH);
    source_text(&s->sources, "process.env", "built in and image");
    if (s->config->hostname != NULL)
        set_env(s, arena_printf(s->arena, "HOSTNAME=%s", s->config->hostname));
    if (s->o->tty)
        set_env(s, "TERM=xterm");
    const struct oci_image_run *image = image_run(s);
    for (size_t i = 0; i < image->env.n; i++)
        if (strchr(image->env.v[i], '=') != NULL)
            set_env(s, image->env.v[i]);
    for (size_t i = 0; i < s->o->env_files.n; i++) {
        int r = env_file(s, s->o->env_files.v[i]);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < s->o->env.n; i++) {
        int r = env_from_user(s, "--env", s->o->env.v[i]);
        if (r < 0)
            return r;
    }
    if (!has_env(s, "HOME"))
        set_env(s, arena_printf(s->arena, "HOME=%s", s->home != NULL ? s->home : "/"));
    return s->arena->failed ? spec_no_memory(s) : 0;
}

static int working_directory(struct spec *s)
{
    const char *image = image_run(s)->working_dir;
    const char *cwd = s->o->workdir;
    if (cwd != NULL) {
        if (cwd[0] != '/')
            return spec_fault(s, LAYER_ENGINE, "--workdir", cwd, "must be an absolute path inside the container");
        source_flag(&s->sources, "process.cwd", "--workdir", cwd);
    } else if (image != NULL && image[0] != '\0') {
        cwd = image[0] == '/' ? image : arena_printf(s->arena, "/%s", image);
        source_text(&s->sources, "process.cwd", "image");
    } else {
        cwd = "/";
        source_text(&s->sources, "process.cwd", "built in");
    }
    s->config->process->cwd = arena_strdup(s->arena, cwd);
    return s->config->process->cwd != NULL ? 0 : spec_no_memory(s);
}

/* A file of the image, or NULL where it has none. */
static int image_text(struct spec *s, const char *path, const char **ret)
{
    char *text = NULL;
    int r = layer_file_read(s->arena, s->request->layers, s->request->n_layers, path, MAX_ACCOUNTS, &text);
    if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EINVAL && r != -ELOOP)
        return err_set_errno(s->err, r, LAYER_IMAGE, "the image's /%s", path);
    *ret = text;
    return 0;
}

static int user_source(struct spec *s, const char *image_user)
{
    if (s->o->user != NULL)
        source_flag(&s->sources, "process.user", "--user", s->o->user);
    else
        source_text(&s->sources, "process.user", image_user[0] != '\0' ? "image" : "built in: the image names no user");
    const struct profile_item *required = &s->p->user;
    if (required->value == NULL || !str_eq(required->value, "non-root") || s->config->process->user->uid.v != 0)
        return 0;
    return err_set(s->err, -EPERM, LAYER_CAPABILITIES,
                   "profile %s (line %u) wants a user other than root, and %s says root: add --user 65534, or another "
                   "that the image knows", required->profile, required->line,
                   s->o->user != NULL ? "--user" : "the image");
}

int spec_user(struct spec *s)
{
    const char *image_user = image_run(s)->user != NULL ? image_run(s)->user : "";
    const char *spec = s->o->user != NULL ? s->o->user : image_user;
    const char *passwd = NULL, *group = NULL;
    struct account account = {0};
    int r = image_text(s, "etc/passwd", &passwd);
    if (r == 0)
        r = image_text(s, "etc/group", &group);
    if (r == 0)
        r = account_resolve(s->arena, spec, passwd, group, &account, s->o->user != NULL ? "--user" : "image's user",
                            s->err);
    if (r < 0)
        return r;
    struct oci_user *user = s->config->process->user = arena_new(s->arena, struct oci_user);
    size_t max = 1 + account.n_groups + s->o->group_add.n;
    if (user == NULL || (user->additional_gids.v = arena_calloc(s->arena, max, sizeof(uint32_t))) == NULL)
        return spec_no_memory(s);
    user->uid.set = user->gid.set = true;
    user->uid.v = account.uid;
    user->gid.v = account.gid;
    user->additional_gids.set = true;
    /*
     * The primary group too, as in Docker: otherwise a set-group-id program, which replaces the primary group, would let
     * go of it, and with it of "the group may not" in a file's mode.
     */
    user->additional_gids.v[user->additional_gids.n++] = account.gid;
    for (size_t i = 0; i < account.n_groups; i++)
        if (account.groups[i] != account.gid)
            user->additional_gids.v[user->additional_gids.n++] = account.groups[i];
    for (size_t i = 0; i < s->o->group_add.n; i++) {
        const char *name = s->o->group_add.v[i];
        if (account_group(group, name, &user->additional_gids.v[user->additional_gids.n]) < 0)
            return spec_fault(s, LAYER_CAPABILITIES, "--group-add", name, "the image's /etc/group has no such group");
        user->additional_gids.n++;
        source_entry_flag(&s->sources, "process.user.additionalGids", name, "--group-add", name);
    }
    s->home = account.home;
    return user_source(s, image_user);
}

static void console_size(struct spec *s)
{
    struct winsize size;
    struct oci_console_size *console = arena_new(s->arena, struct oci_console_size);
    if (console == NULL || (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0))
        return;
    console->width.set = console->height.set = true;
    console->width.v = size.ws_col;
    console->height.v = size.ws_row;
    s->config->process->console_size = console;
}

int spec_process(struct spec *s)
{
    struct oci_process *p = s->config->process;
    p->terminal.set = true;
    p->terminal.v = s->o->tty;
    if (s->o->tty) {
        console_size(s);
        source_flag(&s->sources, "process.terminal", "--tty", NULL);
    }
    int r = spec_user(s);
    if (r == 0)
        r = arguments(s);
    if (r == 0)
        r = spec_environment(s);
    if (r == 0)
        r = working_directory(s);
    return r;
}
