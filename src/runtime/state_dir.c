/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/cgroup/cgroup.h"
#include "runtime/runtime.h"

#define STATE_MAX ((size_t)1024 * 1024)
#define MEMBER_START_TIME "org.cofferdam.startTime"
#define MEMBER_FOREGROUND "org.cofferdam.foreground"
#define MEMBER_CREATED "created"

int state_check_id(const char *id, struct err *err)
{
    size_t n = strlen(id);
    if (n == 0 || n > 255)
        return err_set(err, -EINVAL, LAYER_RUNTIME, "container ID: 1 to 255 characters are needed, not %zu", n);
    for (const char *p = id; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              strchr("_+-.", *p) != NULL))
            return err_set(err, -EINVAL, LAYER_RUNTIME,
                           "container ID %s: only letters, digits and _ + - . may stand in it", id);
    if (id[0] == '.')
        return err_set(err, -EINVAL, LAYER_RUNTIME, "container ID %s: it may not begin with a dot", id);
    return 0;
}

static int lock_file(int dir, int flags)
{
    CLEANUP_FD int fd = openat(dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0)
        return -errno;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) < 0)
        return errno == EACCES ? -EAGAIN : -errno;
    return TAKE_FD(fd);
}

bool state_dir_locked(int dir)
{
    CLEANUP_FD int fd = openat(dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* May what lies under this ID be taken away because nobody can want it any more? */
static bool is_abandoned(const char *state_root, const char *id)
{
    struct err ignored = ERR_INIT;
    CLEANUP_FD int dir = -EBADF;
    if (state_dir_open(state_root, id, &dir, &ignored) < 0 || state_dir_locked(dir))
        return false;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct container_record record = {0};
    if (record_read(&a, dir, id, &record, &ignored) < 0)
        return false;
    return str_eq(record.state->status, "stopped") && (record.foreground || record.state->pid.v == 0);
}

int state_dir_create(const char *state_root, const char *id, int *ret_dir, int *ret_lock, struct err *err)
{
    int r = dir_make(AT_FDCWD, state_root, 0700);
    if (r < 0)
        return err_set_errno(err, r, LAYER_RUNTIME, "state root %s", state_root);
    CLEANUP_FD int root = open(state_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "state root %s", state_root);
    /* Held while the directory appears and gets its lock; closed before anything is cloned. */
    if (flock(root, LOCK_EX) < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "lock state root %s", state_root);
    if (mkdirat(root, id, 0711) < 0) {
        if (errno != EEXIST)
            return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: make its state directory", id);
        if (!is_abandoned(state_root, id))
            return err_set(err, -EEXIST, LAYER_RUNTIME, "container %s: exists already", id);
        if ((r = runtime_delete(state_root, id, true, err)) < 0)
            return r;
        if (mkdirat(root, id, 0711) < 0)
            return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: make its state directory", id);
    }
    CLEANUP_FD int dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: open its state directory", id);
    int lock = lock_file(dir, O_CREAT | O_EXCL);
    if (lock < 0) {
        (void)unlinkat(root, id, AT_REMOVEDIR);
        return err_set_errno(err, lock, LAYER_RUNTIME, "container %s: lock its state directory", id);
    }
    *ret_dir = TAKE_FD(dir);
    *ret_lock = lock;
    return 0;
}

int state_dir_open(const char *state_root, const char *id, int *ret_dir, struct err *err)
{
    int r = state_check_id(id, err);
    if (r < 0)
        return r;
    CLEANUP_FD int root = open(state_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int dir = root < 0 ? -1 : openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0) {
        if (errno == ENOENT)
            return err_set(err, -ENOENT, LAYER_RUNTIME, "container %s does not exist", id);
        return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: open its state directory", id);
    }
    *ret_dir = dir;
    return 0;
}

int state_dir_remove(const char *state_root, const char *id, int dir, struct err *err)
{
    CLEANUP_FD int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (list == NULL)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "container %s: read its state directory", id);
    copy = -EBADF; /* list's now */
    int r = 0;
    for (const struct dirent *e; (e = readdir(list)) != NULL;)
        if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") && unlinkat(dir, e->d_name, 0) < 0 && errno != ENOENT)
            r = -errno;
    closedir(list);
    CLEANUP_FD int root = open(state_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0 && root >= 0 && unlinkat(root, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r < 0 ? err_set_errno(err, r, LAYER_RUNTIME, "container %s: remove its state directory", id) : 0;
}

unsigned long long process_start_time(pid_t pid)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid <= 0 || file_read_into(AT_FDCWD, path, text, sizeof text) < 0)
        return 0;
    /* The command may hold blanks and parentheses; the last ')' ends it. State is field 3, start time field 22. */
    char *p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
        return 0;
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (p == NULL)
            return 0;
        p++;
    }
    return strtoull(p, NULL, 10);
}

int record_write(int dir, const struct container_record *record, struct err *err)
{
    CLEANUP_BUF struct buf number = BUF_INIT;
    CLEANUP_BUF struct buf created = BUF_INIT;
    buf_printf(&number, "%llu", record->start_time);
    buf_printf(&created, "\"%s\"", record->created);
    char foreground_key[] = MEMBER_FOREGROUND, start_key[] = MEMBER_START_TIME, created_key[] = MEMBER_CREATED;
    char yes[] = "true", no[] = "false";
    struct oci_extra foreground = {.key = foreground_key, .json = record->foreground ? yes : no};
    struct oci_extra start = {.next = &foreground, .key = start_key, .json = number.data};
    struct oci_extra made = {.next = &start, .key = created_key, .json = created.data};
    if (number.failed || created.failed)
        return err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory");
    struct oci_state state = *record->state;
    state.extra = &made;
    CLEANUP_BUF struct buf json = BUF_INIT;
    oci_state_print(&state, false, &json);
    if (json.failed)
        return err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory");
    int r = file_replace(dir, STATE_STATE, json.data, json.len, 0600, 0);
    return r < 0 ? err_set_errno(err, r, LAYER_RUNTIME, "container %s: write its state", state.id) : 0;
}

static const char *extra_of(const struct oci_state *state, const char *key)
{
    for (const struct oci_extra *e = state->extra; e != NULL; e = e->next)
        if (str_eq(e->key, key))
            return e->json;
    return NULL;
}

static int without_state(struct arena *a, int dir, const char *id, struct container_record *ret, struct err *err)
{
    struct oci_state *state = arena_new(a, struct oci_state);
    if (state == NULL)
        return err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory");
    state->oci_version = arena_strdup(a, OCI_VERSION);
    state->id = arena_strdup(a, id);
    state->status = arena_strdup(a, state_dir_locked(dir) ? "creating" : "stopped");
    state->bundle = arena_strdup(a, "");
    *ret = (struct container_record){.state = state, .created = arena_strdup(a, "")};
    return a->failed ? err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory") : 0;
}

int record_read(struct arena *a, int dir, const char *id, struct container_record *ret, struct err *err)
{
    char *json = NULL;
    size_t len = 0;
    int r = file_read(a, dir, STATE_STATE, STATE_MAX, &json, &len);
    if (r == -ENOENT)
        return without_state(a, dir, id, ret, err);
    if (r < 0)
        return err_set_errno(err, r, LAYER_RUNTIME, "container %s: read its state", id);
    struct oci_state *state = NULL;
    r = oci_state_parse(a, json, len, &state, err);
    if (r < 0) {
        err->layer = LAYER_RUNTIME;
        return err_prefix(err, "container %s: its state.json", id);
    }
    struct container_record record = {.state = state, .created = arena_strdup(a, "")};
    const char *start = extra_of(state, MEMBER_START_TIME), *foreground = extra_of(state, MEMBER_FOREGROUND);
    const char *created = extra_of(state, MEMBER_CREATED);
    record.start_time = start != NULL ? strtoull(start, NULL, 10) : 0;
    record.foreground = foreground != NULL && str_eq(foreground, "true");
    if (created != NULL && strlen(created) >= 2)
        record.created = arena_strndup(a, created + 1, strlen(created) - 2);
    state->extra = NULL;
    bool alive = record.start_time != 0 && process_start_time((pid_t)state->pid.v) == record.start_time;
    const char *status = "stopped";
    if (alive)
        status = faccessat(dir, STATE_SOCKET, F_OK, 0) == 0 ? "created" : "running";
    state->status = arena_strdup(a, status);
    if (state->status == NULL)
        return err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory");
    *ret = record;
    return 0;
}

int record_host(struct arena *a, int dir, struct host *ret, struct err *err)
{
    struct host host = {0};
    char *saved = NULL;
    int r = host_probe(a, &host, err);
    if (r < 0)
        return r;
    r = file_read(a, dir, STATE_CGROUP, STATE_MAX, &saved, NULL);
    if (r == 0)
        r = cgroup_own_restore(a, &host, saved);
    if (r < 0 && r != -ENOENT)
        return err_set_errno(err, r, LAYER_RUNTIME, "read the creator's groups");
    *ret = host;
    return 0;
}

int record_pidfd(const struct container_record *record)
{
    pid_t pid = (pid_t)record->state->pid.v;
    if (pid <= 0)
        return -ESRCH;
    CLEANUP_FD int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return -errno;
    /* Compared after the descriptor was opened: from then on the number cannot be reused unseen. */
    if (process_start_time(pid) != record->start_time)
        return -ESRCH;
    return TAKE_FD(fd);
}
