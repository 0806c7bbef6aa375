/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create and run. The order is what makes a kill at any moment harmless: the state directory with the configuration
 * first, for it says what may have to be undone; then the host steps; then the process, which ends by itself when its
 * maker is gone before the process is on record; then state.json; only then may the program start.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "layers/cgroup/cgroup.h"
#include "runtime/handover.h"
#include "runtime/runtime.h"
#include "runtime/state_dir.h"
#include "runtime/wait.h"
#include "start/start.h"

struct creation {
    struct arena arena;
    const struct runtime_create *request;
    const struct oci_config *config;
    const char *json; /* the configuration as it is kept */
    size_t json_len;
    struct host host;
    struct plan plan;
    bool run, foreign_group;
    int dir, lock, listener;
};

#define CREATION_INIT(q, run_) \
    {.arena = ARENA_INIT, .request = (q), .run = (run_), .dir = -EBADF, .lock = -EBADF, .listener = -EBADF}

static void creation_free(struct creation *c)
{
    fd_close(&c->listener);
    fd_close(&c->lock);
    fd_close(&c->dir);
    arena_free(&c->arena);
}

static int load_config(struct creation *c, struct err *err)
{
    const struct runtime_create *q = c->request;
    if (q->config != NULL) {
        c->config = q->config;
        CLEANUP_BUF struct buf text = BUF_INIT;
        oci_config_print(q->config, false, &text);
        c->json = text.failed ? NULL : arena_strndup(&c->arena, buf_str(&text), text.len);
        c->json_len = text.len;
        return c->json == NULL ? err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory") : 0;
    }
    const char *path = q->config_path != NULL ? q->config_path
                                              : arena_printf(&c->arena, "%s/config.json", q->bundle);
    char *json = NULL;
    int r = path == NULL ? -ENOMEM : file_read(&c->arena, AT_FDCWD, path, (size_t)16 << 20, &json, &c->json_len);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CONFIG, "%s", path == NULL ? "config.json" : path);
    c->json = json;
    struct oci_config *config = NULL;
    r = oci_config_parse(&c->arena, json, c->json_len, &config, err);
    if (r < 0)
        return err_prefix(err, "%s", path);
    c->config = config;
    return 0;
}

/* Parts of the specification that no layer speaks for. */
static int refuse_unsupported(const struct oci_config *config, struct err *err)
{
    const struct oci_hooks *h = config->hooks;
    if (h == NULL)
        return 0;
    const struct {
        const char *name;
        size_t n;
    } hooks[] = {{"prestart", h->prestart.n},
                 {"createRuntime", h->create_runtime.n},
                 {"createContainer", h->create_container.n},
                 {"startContainer", h->start_container.n},
                 {"poststart", h->poststart.n},
                 {"poststop", h->poststop.n}};
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
        if (hooks[i].n > 0)
            return err_set(err, -ENOTSUP, LAYER_RUNTIME, "hooks.%s: this version runs no hooks", hooks[i].name);
    return 0;
}

static int keep_own_groups(struct creation *c, struct err *err)
{
    if (!cgroup_starts_at_own(c->config, &c->host))
        return 0;
    char *saved = cgroup_own_save(&c->arena, &c->host);
    int r = saved == NULL ? -ENOMEM : file_replace(c->dir, STATE_CGROUP, saved, strlen(saved), 0600, 0);
    return r < 0 ? err_set_errno(err, r, LAYER_RUNTIME, "container %s: keep the caller's groups", c->request->id) : 0;
}

/* The socket is bound through the directory's descriptor: sun_path is short, state roots are not. */
static int make_listener(struct creation *c, struct err *err)
{
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "start socket");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" STATE_SOCKET, c->dir);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "start socket");
    c->listener = TAKE_FD(fd);
    return 0;
}

static int record(void *data, pid_t pid, int pidfd UNUSED, struct err *err)
{
    struct creation *c = data;
    char created[40];
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    str_from_time(now.tv_sec, now.tv_nsec, created, sizeof created);
    char version[] = OCI_VERSION, status[] = "created";
    struct oci_state state = {.oci_version = version,
                              .id = (char *)(uintptr_t)c->request->id,
                              .status = status,
                              .pid = {.set = true, .v = pid},
                              .bundle = (char *)(uintptr_t)c->request->bundle,
                              .annotations = c->config->annotations};
    struct container_record r = {.state = &state,
                                 .start_time = process_start_time(pid),
                                 .foreground = c->run,
                                 .created = created};
    return record_write(c->dir, &r, err);
}

static int listener_raised(void *data, pid_t pid, int fd, struct err *err)
{
    struct creation *c = data;
    return handover_listener(c->request, c->config, pid, fd, err);
}

/* What cannot be taken away now stays on record, for delete to try again. */
static int undo(struct creation *c, struct err *err)
{
    struct undo u = {.config = c->config, .host = &c->host, .id = c->request->id, .bundle = c->request->bundle,
                     .owner = c->request->state_root};
    int r = c->foreign_group ? 0 : layers_undo(&u, err);
    return r < 0 ? r : state_dir_remove(c->request->state_root, c->request->id, c->dir, err);
}

/* Everything after the plan, which is the first thing that changes the system. */
static int carry_out(struct creation *c, struct runtime_started *ret, struct err *err)
{
    const struct runtime_create *q = c->request;
    int r = state_dir_create(q->state_root, q->id, &c->dir, &c->lock, err);
    if (r < 0)
        return r;
    r = file_replace(c->dir, STATE_CONFIG, c->json, c->json_len, 0600, 0);
    if (r < 0)
        err_set_errno(err, r, LAYER_RUNTIME, "container %s: keep its configuration", q->id);
    else if ((r = keep_own_groups(c, err)) == 0 && !c->run)
        r = make_listener(c, err);
    char cache[PATH_MAX];
    snprintf(cache, sizeof cache, "%s/.cache", q->state_root);
    struct start_request start = {.config = c->config, .host = &c->host, .plan = &c->plan, .id = q->id,
                                  .bundle = q->bundle, .cache_dir = cache, .listener = c->listener,
                                  .stdio = {q->stdio[0], q->stdio[1], q->stdio[2]},
                                  .preserve_fds = q->preserve_fds, .no_pivot = q->no_pivot,
                                  .no_new_keyring = q->no_new_keyring, .record = record, .record_data = c,
                                  .listener_raised = listener_raised, .listener_raised_data = c};
    struct started started = {.pidfd = -EBADF, .console = -EBADF};
    if (r == 0)
        r = start_container(&start, &started, err);
    if (r < 0) {
        /* A group with somebody else's processes: made before all else of ours, and not ours to take away. */
        c->foreign_group = err->layer == LAYER_CGROUP && err->code == -EEXIST;
        (void)undo(c, NULL);
        return r;
    }
    r = handover(q, &started, err);
    if (r < 0) {
        handover_kill(&started);
        (void)undo(c, NULL);
        return r;
    }
    *ret = (struct runtime_started){.pid = started.pid, .pidfd = started.pidfd, .console = started.console};
    return 0;
}

static int prepare(struct creation *c, struct err *err)
{
    int r = state_check_id(c->request->id, err);
    if (r < 0 || (r = load_config(c, err)) < 0 ||
        (r = oci_config_check_runnable(c->config, err)) < 0 || (r = refuse_unsupported(c->config, err)) < 0 ||
        (r = handover_check(c->request, c->config, err)) < 0)
        return r;
    log_debug(LAYER_RUNTIME, "host_probe");
    if (c->request->host != NULL)
        c->host = *c->request->host;
    else if ((r = host_probe(&c->arena, &c->host, err)) < 0)
        return r;
    log_debug(LAYER_RUNTIME, "plan");
    plan_init(&c->plan, &c->arena);
    c->plan.owner = c->request->state_root;
    return layers_plan(c->config, &c->host, c->request->id, c->request->bundle, &c->plan, err);
}

int runtime_create(const struct runtime_create *request, bool run, struct runtime_started *ret, struct err *err)
{
    CLEANUP(creation_free) struct creation c = CREATION_INIT(request, run);
    int r = prepare(&c, err);
    return r < 0 ? r : carry_out(&c, ret, err);
}

int runtime_run(const struct runtime_create *request, int *ret_status, struct err *err)
{
    CLEANUP(creation_free) struct creation c = CREATION_INIT(request, true);
    struct runtime_started started = {.pidfd = -EBADF, .console = -EBADF};
    struct wait_signals signals;
    /* Blocked before the start, so that a signal that comes during it is kept for the program. */
    int r = wait_signals_block(&signals, err);
    if (r < 0)
        return r;
    if ((r = prepare(&c, err)) == 0 && (r = carry_out(&c, &started, err)) == 0) {
        fd_close(&c.lock);
        int a = request->attend == NULL ? 0 : request->attend(request->attend_data, &started, signals.fd, err);
        fd_close(&started.console);
        r = wait_for_end(&started, &signals, ret_status, a < 0 ? NULL : err);
        log_debug(LAYER_RUNTIME, "program ended");
        int u = undo(&c, a < 0 || r < 0 ? NULL : err);
        r = a < 0 ? a : r < 0 ? r : u;
        log_debug(LAYER_RUNTIME, "undone");
    }
    wait_signals_restore(&signals);
    return r;
}
