/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/etc_files.h"
#include "engine/programs32.h"
#include "engine/sources.h"
#include "engine/spec.h"
#include "engine/terminal.h"
#include "layers/layer.h"
#include "runtime/runtime.h"
#include "storage/storage.h"
#include "sys/signals.h"

struct run {
    struct store *store;
    const struct run_options *o;
    struct image image;
    struct container container;
    struct snapshot snapshot;
    struct spec_request request;
    struct oci_config *config;
    struct stat etc; /* owner and mode of the image's /etc */
    int lock, null;
    bool cidfile_written;
    const struct run_hooks *hooks;
    struct err *err;
};

static int no_memory(struct run *r)
{
    return err_set(r->err, -ENOMEM, LAYER_ENGINE, "out of memory");
}

/* KEY=VALUE or KEY, from --label and --label-file. */
static int add_label(struct run *r, const char *flag, const char *text)
{
    struct oci_map *map = &r->container.labels;
    const char *equals = strchrnul(text, '=');
    if (equals == text)
        return err_set(r->err, -EINVAL, LAYER_ENGINE, "%s %s: expected KEY=VALUE or KEY", flag, text);
    char *key = arena_strndup(r->store->arena, text, (size_t)(equals - text));
    for (size_t i = 0; key != NULL && i < map->n; i++) {
        if (str_eq(map->v[i].key, key)) {
            map->v[i].value = arena_strdup(r->store->arena, *equals == '=' ? equals + 1 : "");
            return 0;
        }
    }
    struct oci_pair *more = arena_calloc(r->store->arena, map->n + 1, sizeof *more);
    if (key == NULL || more == NULL)
        return no_memory(r);
    if (map->n > 0)
        memcpy(more, map->v, map->n * sizeof *more);
    map->v = more;
    map->v[map->n++] = (struct oci_pair){key, arena_strdup(r->store->arena, *equals == '=' ? equals + 1 : "")};
    return 0;
}

static int labels(struct run *r)
{
    const struct oci_image_run *image = r->image.config->config;
    for (size_t i = 0; image != NULL && i < image->labels.n; i++) {
        char *text = arena_printf(r->store->arena, "%s=%s", image->labels.v[i].key, image->labels.v[i].value);
        if (text == NULL || add_label(r, "image's label", text) < 0)
            return no_memory(r);
    }
    for (size_t i = 0; i < r->o->label_files.n; i++) {
        char *text = NULL;
        const char *path = r->o->label_files.v[i];
        int e = file_read(r->store->arena, AT_FDCWD, path, (size_t)1 << 20, &text, NULL);
        if (e < 0)
            return err_set_errno(r->err, e, LAYER_ENGINE, "--label-file %s", path);
        for (char *line; e == 0 && (line = strsep(&text, "\n")) != NULL;) {
            line += strspn(line, " \t");
            if (*line != '\0' && *line != '#')
                e = add_label(r, "--label-file", line);
        }
        if (e < 0)
            return e;
    }
    for (size_t i = 0; i < r->o->labels.n; i++) {
        int e = add_label(r, "--label", r->o->labels.v[i]);
        if (e < 0)
            return e;
    }
    return 0;
}

/* What of the options and the image is kept for stop and rm. */
static int stop_settings(struct run *r)
{
    const struct oci_image_run *image = r->image.config->config;
    const char *signal = r->o->stop_signal;
    if (signal != NULL && signal_number(signal) < 0)
        return err_set(r->err, -EINVAL, LAYER_ENGINE, "--stop-signal %s: there is no such signal", signal);
    if (signal == NULL && image != NULL && image->stop_signal != NULL && signal_number(image->stop_signal) > 0)
        signal = image->stop_signal;
    if (signal != NULL)
        r->container.stop_signal = signal;
    int64_t seconds = 0;
    if (r->o->stop_timeout == NULL)
        return 0;
    if (str_to_i64(r->o->stop_timeout, &seconds) < 0 || seconds < -1 || seconds > INT32_MAX)
        return err_set(r->err, -EINVAL, LAYER_ENGINE, "--stop-timeout %s: expected seconds, or -1 to wait for ever",
                       r->o->stop_timeout);
    r->container.stop_timeout = seconds;
    return 0;
}

/* linux/amd64, linux/arm64/v8, or the architecture alone. */
static int check_platform(struct run *r)
{
    const char *wanted = r->o->platform;
    if (wanted == NULL)
        return 0;
    const struct oci_image *i = r->image.config;
    const char *os = i->os != NULL ? i->os : "linux", *architecture = i->architecture != NULL ? i->architecture : "";
    size_t n = strlen(os);
    const char *rest = strncmp(wanted, os, n) == 0 && wanted[n] == '/' ? wanted + n + 1 : wanted;
    n = strlen(architecture);
    if (strncmp(rest, architecture, n) == 0 && (rest[n] == '\0' || rest[n] == '/'))
        return 0;
    return err_set(r->err, -EINVAL, LAYER_IMAGE, "--platform %s: image %s is for %s/%s", wanted, r->o->image, os,
                   architecture);
}

static pid_t pid_of_container(const struct spec_request *request, const char *name, struct err *err)
{
    struct store s = STORE_INIT;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    int e = store_open(&a, request->root, &s, err);
    struct container c = {0};
    if (e == 0) {
        /* The same state root: --root given or not may have chosen another. */
        s.state_root = request->state_root;
        e = container_find(&s, name, &c, err);
    }
    store_close(&s);
    if (e < 0)
        return e;
    if (c.pid == 0)
        return err_set(err, -ESRCH, LAYER_ENGINE, "container %s is not running", name);
    return c.pid;
}

static int build_spec(struct run *r)
{
    struct profile *profile = NULL;
    const char *name = r->o->profile != NULL ? r->o->profile : PROFILE_DEFAULT;
    int e = profile_read(r->store->arena, r->store->root, name, &profile, r->err);
    if (e < 0)
        return e;
    r->container.profile = profile->name;
    r->request = (struct spec_request){
        .options = r->o,
        .profile = profile,
        .host = &r->store->host,
        .image = r->image.config,
        .layers = r->image.layers,
        .n_layers = r->image.n_layers,
        .image_has_32bit = programs32_in_image(r->store->arena, &r->image),
        .files_in_root = etc_in_root(r->store, &r->image, &r->etc),
        .id = r->container.id,
        .directory = r->container.directory,
        .root = r->store->root,
        .state_root = r->store->state_root,
        .container_pid = pid_of_container,
    };
    e = spec_build(r->store->arena, &r->request, &r->config, r->err);
    if (e < 0)
        return e;
    const struct oci_linux *l = r->config->linux;
    r->container.args = r->config->process->args;
    if (l->uid_mappings.n > 0 && r->o->uidmap.n + r->o->gidmap.n == 0) {
        r->container.userns_auto = true;
        r->container.first_uid = l->uid_mappings.v[0].host_id;
    }
    return 0;
}

static int annotate(struct run *r, const char *key, const char *value)
{
    struct oci_map *map = &r->config->annotations;
    struct oci_pair *more = arena_calloc(r->store->arena, map->n + 1, sizeof *more);
    if (more == NULL || value == NULL)
        return no_memory(r);
    memcpy(more, map->v, map->n * sizeof *more);
    more[map->n] = (struct oci_pair){arena_strdup(r->store->arena, key), arena_strdup(r->store->arena, value)};
    map->v = more;
    map->n++;
    map->set = true;
    return r->store->arena->failed ? no_memory(r) : 0;
}

static int rootfs(struct run *r)
{
    CLEANUP_BUF struct buf lower = BUF_INIT;
    const char *files = NULL;
    int e = etc_write(r->store, &r->container, &r->request, r->config, &r->etc, r->lock, &files, r->err);
    if (e < 0)
        return e;
    if (files != NULL)
        buf_puts(&lower, files);
    for (size_t i = 0; i < r->image.n_layers; i++)
        buf_printf(&lower, "%s%s", lower.len > 0 ? ":" : "", r->image.layers[i]);
    if (lower.failed)
        return no_memory(r);
    e = annotate(r, ANNOTATION_ROOTFS_LOWER, buf_str(&lower));
    if (e == 0)
        e = annotate(r, ANNOTATION_ROOTFS_UPPER, r->snapshot.upper);
    if (e == 0)
        e = annotate(r, ANNOTATION_ROOTFS_WORK, r->snapshot.work);
    /* What --rm takes away anyway is not written to disk first. */
    return e < 0 || !r->o->rm ? e : annotate(r, ANNOTATION_ROOTFS_VOLATILE, "true");
}

static int write_cidfile(struct run *r)
{
    const char *path = r->o->cidfile;
    if (path == NULL)
        return 0;
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set_errno(r->err, -errno, LAYER_ENGINE, "--cidfile %s", path);
    r->cidfile_written = true;
    int e = fd_write_all(fd, r->container.id, strlen(r->container.id));
    return e < 0 ? err_set_errno(r->err, e, LAYER_ENGINE, "--cidfile %s", path) : 0;
}

static bool attached(const struct run_options *o, const char *stream)
{
    for (size_t i = 0; i < o->attach.n; i++)
        if (strcasecmp(o->attach.v[i], stream) == 0)
            return true;
    return o->attach.n == 0;
}

/* Docker: input only with -i, output unless --attach names other streams. */
static int standard_streams(struct run *r, int stdio[static 3])
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    for (size_t i = 0; i < r->o->attach.n; i++) {
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            known = known || strcasecmp(r->o->attach.v[i], names[k]) == 0;
        if (!known)
            return err_set(r->err, -EINVAL, LAYER_ENGINE, "--attach %s: expected stdin, stdout or stderr",
                           r->o->attach.v[i]);
    }
    bool open_stream[3] = {r->o->interactive, attached(r->o, "stdout"), attached(r->o, "stderr")};
    for (size_t i = 0; i < 3; i++) {
        stdio[i] = r->hooks != NULL ? r->hooks->stdio[i] : -1;
        if (stdio[i] >= 0 || open_stream[i])
            continue;
        if (r->null < 0)
            r->null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (r->null < 0)
            return err_set_errno(r->err, -errno, LAYER_ENGINE, "/dev/null");
        stdio[i] = r->null;
    }
    return 0;
}

/* The program runs: let the caller look, and stand between its terminal and ours. */
static int attend(void *data, struct runtime_started *started, int signals, struct err *err)
{
    struct run *r = data;
    if (r->hooks != NULL)
        r->hooks->started(r->hooks->data, r->store, &r->container, started->pid, started->pidfd);
    if (!r->o->tty)
        return 0;
    return terminal_relay(started->console, started->pidfd, signals, r->o->interactive, err);
}

static int run_program(struct run *r, int *ret_status)
{
    struct runtime_create q = {
        .state_root = r->store->state_root,
        .id = r->container.id,
        .bundle = r->container.directory,
        .config = r->config,
        .host = &r->store->host,
        .stdio = {-1, -1, -1},
        .console_fd_wanted = r->o->tty,
        .attend = r->o->tty || r->hooks != NULL ? attend : NULL,
        .attend_data = r,
    };
    if (r->o->tty && r->o->interactive && !isatty(STDIN_FILENO))
        return err_set(r->err, -ENOTTY, LAYER_ENGINE, "--tty: standard input is no terminal; leave out -t");
    int e = standard_streams(r, q.stdio);
    return e < 0 ? e : runtime_run(&q, ret_status, r->err);
}

/* All before the program; what it makes is undone by the caller. */
static int prepare(struct run *r)
{
    log_debug(LAYER_ENGINE, "image");
    int e = image_resolve(r->store->arena, r->store->images, r->o->image, &r->image, r->err);
    if (e == 0)
        e = check_platform(r);
    log_debug(LAYER_ENGINE, "container");
    if (e == 0)
        e = container_new(r->store, r->o->name, &r->container, &r->lock, r->err);
    if (e < 0)
        return e;
    r->container.image = r->o->image;
    r->container.image_id = r->image.id;
    r->container.remove = r->o->rm;
    e = labels(r);
    if (e == 0)
        e = stop_settings(r);
    log_debug(LAYER_ENGINE, "snapshot");
    if (e == 0)
        e = snapshot_prepare(r->store->arena, r->store->images, r->container.id, &r->image, &r->snapshot, r->err);
    log_debug(LAYER_ENGINE, "spec");
    if (e == 0)
        e = build_spec(r);
    log_debug(LAYER_ENGINE, "files");
    if (e == 0)
        e = rootfs(r);
    if (e == 0)
        e = container_write(r->store, &r->container, r->err);
    return e < 0 ? e : write_cidfile(r);
}

static int exit_code(const struct err *err, int e)
{
    if (err->layer != LAYER_START)
        return RUN_ENGINE_FAILED;
    if (e == -ENOENT || e == -ENOTDIR)
        return RUN_NOT_FOUND;
    return e == -EACCES || e == -ENOEXEC || e == -EISDIR || e == -EPERM || e == -ELOOP ? RUN_NOT_EXECUTABLE : RUN_ENGINE_FAILED;
}

/* Record the end, or take everything away. */
static int finish(struct run *r, bool ran, int code)
{
    if (r->container.id == NULL)
        return 0;
    if (ran && !r->o->rm) {
        r->container.finished = time(NULL);
        r->container.exit_code = code;
        return container_write(r->store, &r->container, r->err);
    }
    if (!ran && r->cidfile_written)
        (void)unlink(r->o->cidfile);
    struct err why = ERR_INIT;
    int e = container_remove(r->store, &r->container, &why);
    if (ran && e < 0) {
        *r->err = why;
        return e;
    }
    return 0;
}

int engine_run_permitted(struct err *err)
{
    if (geteuid() == 0)
        return 0;
    return err_set(err, -EPERM, LAYER_ENGINE, "run needs root in this version; coffer-oci runs rootless bundles");
}

int engine_run(struct store *s, const struct run_options *o, const struct run_hooks *hooks, int *ret_exit,
               struct err *err)
{
    struct run r = {.store = s, .o = o, .lock = -EBADF, .null = -EBADF, .hooks = hooks, .err = err};
    int status = 0;
    int e = prepare(&r);
    log_debug(LAYER_ENGINE, "run");
    if (e == 0)
        e = run_program(&r, &status);
    log_debug(LAYER_ENGINE, "finish");
    if (e < 0 && r.config != NULL)
        source_blame(oci_annotation(r.config, ANNOTATION_SOURCES), err);
    if (e < 0)
        *ret_exit = exit_code(err, e);
    else
        *ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : RUN_BY_SIGNAL + WTERMSIG(status);
    int f = finish(&r, e == 0, *ret_exit);
    fd_close(&r.lock);
    fd_close(&r.null);
    return e < 0 ? e : f;
}
