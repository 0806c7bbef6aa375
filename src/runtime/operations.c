/* SPDX-License-Identifier: Apache-2.0 */
/* start, state, kill, delete and list: operations on a container that is on record. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/cgroup/cgroup.h"
#include "layers/layer.h"
#include "runtime/runtime.h"
#include "runtime/state_dir.h"
#include "start/start.h"

/* How long delete --force waits for a killed process: SIGKILL takes as long as the kernel needs to free its memory. */
#define KILL_TIMEOUT_MS 10000

struct container {
    struct arena arena;
    struct container_record record;
    struct oci_config *config; /* NULL when its creation was killed before it was kept */
    int dir;
};

static void container_close(struct container *c)
{
    fd_close(&c->dir);
    arena_free(&c->arena);
}
#define CLEANUP_CONTAINER CLEANUP(container_close)
#define CONTAINER_INIT {.arena = ARENA_INIT, .dir = -EBADF}

static int container_open(struct container *c, const char *state_root, const char *id, bool with_config,
                          struct err *err)
{
    int r = state_dir_open(state_root, id, &c->dir, err);
    if (r < 0 || (r = record_read(&c->arena, c->dir, id, &c->record, err)) < 0 || !with_config)
        return r;
    r = oci_config_read(&c->arena, c->dir, STATE_CONFIG, &c->config, err);
    if (r == -ENOENT) {
        *err = (struct err)ERR_INIT; /* killed before there was anything to undo */
        return 0;
    }
    return r;
}

static bool has_status(const struct container *c, const char *status)
{
    return str_eq(c->record.state->status, status);
}

int runtime_state(struct arena *a, const char *state_root, const char *id, struct oci_state **ret, struct err *err)
{
    CLEANUP_FD int dir = -EBADF;
    struct container_record record = {0};
    int r = state_dir_open(state_root, id, &dir, err);
    if (r < 0 || (r = record_read(a, dir, id, &record, err)) < 0)
        return r;
    if (str_eq(record.state->status, "stopped"))
        record.state->pid.v = 0;
    *ret = record.state;
    return 0;
}

int runtime_config(struct arena *a, const char *state_root, const char *id, struct oci_config **ret, struct err *err)
{
    CLEANUP_FD int dir = -EBADF;
    int r = state_dir_open(state_root, id, &dir, err);
    return r < 0 ? r : oci_config_read(a, dir, STATE_CONFIG, ret, err);
}

int runtime_start(const char *state_root, const char *id, struct err *err)
{
    CLEANUP_CONTAINER struct container c = CONTAINER_INIT;
    int r = container_open(&c, state_root, id, false, err);
    if (r < 0)
        return r;
    if (!has_status(&c, "created"))
        return err_set(err, -EINVAL, LAYER_RUNTIME, "container %s: it is %s; only a created container can be started",
                       id, c.record.state->status);
    CLEANUP_FD int socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "start socket");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" STATE_SOCKET, c.dir);
    if (connect(socket_fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: its start socket", id);
    r = start_go(socket_fd, err);
    /* Gone whether it worked or not: the process has ended otherwise. A second starter finds no socket. */
    (void)unlinkat(c.dir, STATE_SOCKET, 0);
    return r;
}

int runtime_kill(const char *state_root, const char *id, int signal, bool all, struct err *err)
{
    CLEANUP_CONTAINER struct container c = CONTAINER_INIT;
    int r = container_open(&c, state_root, id, all, err);
    if (r < 0)
        return r;
    if (all && c.config != NULL) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct host host = {0};
        if ((r = record_host(&a, c.dir, &host, err)) < 0)
            return r;
        struct undo u = {.config = c.config, .host = &host, .id = id, .bundle = c.record.state->bundle,
                         .owner = state_root};
        return cgroup_kill_all(&u, signal, err);
    }
    CLEANUP_FD int pidfd = record_pidfd(&c.record);
    if (pidfd < 0)
        return err_set(err, -ESRCH, LAYER_RUNTIME, "container %s: it is not running", id);
    if (pidfd_send_signal(pidfd, signal, NULL, 0) < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: signal %d", id, signal);
    return 0;
}

static int kill_and_wait(const struct container *c, struct err *err)
{
    CLEANUP_FD int pidfd = record_pidfd(&c->record);
    if (pidfd < 0)
        return 0;
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: kill it", c->record.state->id);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int r = poll(&p, 1, KILL_TIMEOUT_MS);
    if (r == 0)
        return err_set(err, -ETIMEDOUT, LAYER_RUNTIME, "container %s: its process does not end (frozen, or in the "
                       "kernel?)", c->record.state->id);
    return r < 0 ? err_set_errno(err, -errno, LAYER_RUNTIME, "poll") : 0;
}

int runtime_delete(const char *state_root, const char *id, bool force, struct err *err)
{
    CLEANUP_CONTAINER struct container c = CONTAINER_INIT;
    int r = container_open(&c, state_root, id, true, err);
    if (r < 0)
        return r;
    if (has_status(&c, "creating"))
        return err_set(err, -EBUSY, LAYER_RUNTIME, "container %s: it is being created", id);
    if (has_status(&c, "running") && !force)
        return err_set(err, -EBUSY, LAYER_RUNTIME, "container %s: it is running; stop it first, or use --force", id);
    if (!has_status(&c, "stopped") && (r = kill_and_wait(&c, err)) < 0)
        return r;
    if (c.config != NULL) {
        struct host host = {0};
        if ((r = record_host(&c.arena, c.dir, &host, err)) < 0)
            return r;
        struct undo u = {.config = c.config, .host = &host, .id = id, .bundle = c.record.state->bundle,
                         .owner = state_root};
        if ((r = layers_undo(&u, err)) < 0)
            return r;
    }
    return state_dir_remove(state_root, id, c.dir, err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int runtime_list(struct arena *a, const char *state_root, char ***ret, size_t *ret_n, struct err *err)
{
    DIR *dir = opendir(state_root);
    if (dir == NULL && errno != ENOENT)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "state root %s", state_root);
    size_t n = 0, cap = 16;
    char **ids = arena_calloc(a, cap, sizeof *ids);
    for (const struct dirent *e; dir != NULL && ids != NULL && (e = readdir(dir)) != NULL;) {
        /* Every container's directory has a lock from its first moment on; what has none is not ours. */
        char lock[PATH_MAX];
        snprintf(lock, sizeof lock, "%s/lock", e->d_name);
        if (e->d_name[0] == '.' || faccessat(dirfd(dir), lock, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (n == cap) {
            char **more = arena_calloc(a, cap * 2, sizeof *more);
            if (more != NULL)
                memcpy(more, ids, n * sizeof *ids);
            ids = more;
            cap *= 2;
        }
        if (ids != NULL)
            ids[n++] = arena_strdup(a, e->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory");
    qsort(ids, n, sizeof *ids, compare);
    *ret = ids;
    *ret_n = n;
    return 0;
}
