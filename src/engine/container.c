/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/claim.h"
#include "engine/etc_files.h"
#include "engine/idrange.h"
#include "engine/record.h"
#include "engine/run_options.h"
#include "engine/spec.h"
#include "engine/store.h"
#include "runtime/runtime.h"
#include "storage/storage.h"

enum { ID_BYTES = 32, MAX_RECORD = 4 * 1024 * 1024 };

static int no_memory(struct err *err)
{
    return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
}

static int make_id(struct arena *a, const char **ret, struct err *err)
{
    unsigned char bytes[ID_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return err_set_errno(err, -errno, LAYER_ENGINE, "random numbers for an ID");
    char *id = arena_alloc(a, 2 * sizeof bytes + 1);
    if (id == NULL)
        return no_memory(err);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    *ret = id;
    return 0;
}

/* Docker's rule for names. */
static bool is_name(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strlen(name);
    return n >= 2 && n <= 128 && strchr(first, name[0]) != NULL && strspn(name, rest) == n;
}

static int open_names(const struct store *s, int *ret, struct err *err)
{
    char *path = arena_printf(s->arena, "%s/names", s->root);
    if (path == NULL)
        return no_memory(err);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        int r = dir_make(AT_FDCWD, path, 0700);
        if (r < 0)
            return err_set_errno(err, r, LAYER_ENGINE, "%s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_ENGINE, "%s", path);
    *ret = fd;
    return 0;
}

/* A name from the ID where none was asked for; another with each attempt. */
static char *made_up_name(struct arena *a, const char *id, unsigned attempt)
{
    static const char *const first[] = {"amber", "brisk", "calm", "clear", "copper", "deep", "dry",   "firm",
                                        "green", "heavy", "iron", "keen",  "lucid", "quiet", "steady", "tight"};
    static const char *const second[] = {"anchor", "beacon", "berth", "buoy",  "caisson", "dock", "harbor", "hull",
                                         "jetty",  "keel",   "lock",  "marina", "pier",   "quay", "sluice", "weir"};
    unsigned seed = 0;
    (void)sscanf(id, "%4x", &seed);
    seed += attempt * 37U;
    const char *a1 = first[seed % ARRAY_LEN(first)], *a2 = second[seed / 16 % ARRAY_LEN(second)];
    return attempt < 3 ? arena_printf(a, "%s_%s", a1, a2) : arena_printf(a, "%s_%s_%.8s", a1, a2, id);
}

static int claim_name(struct store *s, const char *wanted, struct container *c, struct err *err)
{
    CLEANUP_FD int names = -EBADF;
    int r = open_names(s, &names, err);
    if (r < 0)
        return r;
    char *target = arena_printf(s->arena, "../containers/%s", c->id);
    for (unsigned attempt = 0; target != NULL; attempt++) {
        char *name = wanted != NULL ? arena_strdup(s->arena, wanted) : made_up_name(s->arena, c->id, attempt);
        r = name == NULL ? -ENOMEM : claim_take(names, name, target);
        if (r == 0) {
            c->name = name;
            return 0;
        }
        if (r != -EEXIST || wanted != NULL || attempt > 8)
            break;
    }
    if (r == -EEXIST)
        return err_set(err, r, LAYER_ENGINE, "--name %s: another container has this name; remove it with coffer rm %s",
                       wanted, wanted);
    return err_set_errno(err, r, LAYER_ENGINE, "container's name");
}

/* Make the directory and lock it. -EAGAIN: a sweeper took it for a dead one's. */
static int make_directory(struct store *s, const char *directory, int *ret_lock, struct err *err)
{
    int r = dir_make(AT_FDCWD, directory, 0700);
    if (r < 0)
        return err_set_errno(err, r, LAYER_ENGINE, "%s", directory);
    CLEANUP_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : err_set_errno(err, -errno, LAYER_ENGINE, "%s", directory);
    if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
        return err_set_errno(err, -errno, LAYER_ENGINE, "%s", directory);
    if (st.st_nlink == 0)
        return -EAGAIN;
    (void)s;
    *ret_lock = TAKE_FD(fd);
    return 0;
}

int container_new(struct store *s, const char *name, struct container *ret, int *ret_lock, struct err *err)
{
    if (name != NULL && !is_name(name))
        return err_set(err, -EINVAL, LAYER_ENGINE,
                       "--name %s: must be 2 to 128 letters, digits and _.- and begin with a letter or digit", name);
    struct container c = {.exit_code = -1, .created = time(NULL), .stop_timeout = 10, .stop_signal = "SIGTERM"};
    CLEANUP_FD int lock = -EBADF;
    int r;
    do {
        r = make_id(s->arena, &c.id, err);
        if (r < 0)
            return r;
        c.directory = arena_printf(s->arena, "%s/containers/%s", s->root, c.id);
        if (c.directory == NULL)
            return no_memory(err);
        r = make_directory(s, c.directory, &lock, err);
    } while (r == -EAGAIN);
    if (r < 0)
        return r;
    r = claim_name(s, name, &c, err);
    if (r < 0) {
        (void)rmdir(c.directory);
        return r;
    }
    *ret = c;
    *ret_lock = TAKE_FD(lock);
    return 0;
}

int container_write(struct store *s, const struct container *c, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    record_print(c, &text);
    char *path = arena_printf(s->arena, "%s/" RECORD_FILE, c->directory);
    if (path == NULL || text.failed)
        return no_memory(err);
    int r = file_replace(AT_FDCWD, path, buf_str(&text), text.len, 0600, 0);
    return r < 0 ? err_set_errno(err, r, LAYER_ENGINE, "record of container %.12s", c->id) : 0;
}

static void find_state(struct store *s, struct container *c)
{
    struct oci_state *state = NULL;
    c->pid = 0;
    c->state = c->exit_code >= 0 || c->finished > 0 ? CONTAINER_EXITED : CONTAINER_STARTING;
    if (runtime_state(s->arena, s->state_root, c->id, &state, NULL) < 0)
        return;
    if (str_eq(state->status, "running") || str_eq(state->status, "paused")) {
        c->state = str_eq(state->status, "running") ? CONTAINER_RUNNING : CONTAINER_PAUSED;
        c->pid = (pid_t)state->pid.v;
    }
}

/* One container by its whole ID. -ENOENT without err: there is none, or it has no record yet. */
static int read_one(struct store *s, const char *id, struct container *ret, struct err *err)
{
    struct container c = {.id = arena_strdup(s->arena, id),
                          .directory = arena_printf(s->arena, "%s/containers/%s", s->root, id)};
    char *path = arena_printf(s->arena, "%s/containers/%s/" RECORD_FILE, s->root, id), *text = NULL;
    if (s->arena->failed)
        return no_memory(err);
    int r = file_read(s->arena, AT_FDCWD, path, MAX_RECORD, &text, NULL);
    if (r == -ENOENT || r == -ENOTDIR)
        return -ENOENT;
    if (r == 0)
        r = record_parse(s->arena, text, &c);
    if (r < 0)
        return err_set_errno(err, r, LAYER_ENGINE, "record of container %.12s", id);
    find_state(s, &c);
    *ret = c;
    return 0;
}

/*
 * Nobody stands behind this container any more. What is still running stays, for somebody may need it; what has ended
 * gets its record straight; what never was, or was to be removed, goes.
 */
static void sweep_one(struct store *s, const char *id)
{
    char *path = arena_printf(s->arena, "%s/containers/%s", s->root, id);
    CLEANUP_FD int fd = path != NULL ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return;
    struct container c = {0};
    struct err err = ERR_INIT;
    int r = read_one(s, id, &c, &err);
    if (r == -ENOENT) {
        c = (struct container){.id = id, .directory = path, .remove = true};
        find_state(s, &c);
    } else if (r < 0) {
        return;
    }
    if (c.state == CONTAINER_RUNNING || c.state == CONTAINER_PAUSED)
        return;
    if (c.remove) {
        (void)container_remove(s, &c, &err);
    } else if (c.finished == 0) {
        c.finished = time(NULL);
        (void)runtime_delete(s->state_root, c.id, true, &err);
        (void)container_write(s, &c, &err);
    }
}

/* Names and id ranges whose containers are gone. */
static void sweep_claims(const struct store *s)
{
    CLEANUP_FD int names = -EBADF, ids = open(IDRANGE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (open_names(s, &names, NULL) == 0)
        claim_sweep(names);
    if (ids >= 0)
        claim_sweep(ids);
}

/* IDs of all container directories. */
static int list_ids(struct store *s, struct strings *ret, struct err *err)
{
    char *path = arena_printf(s->arena, "%s/containers", s->root);
    DIR *dir = path != NULL ? opendir(path) : NULL;
    if (dir == NULL)
        return path != NULL && errno == ENOENT ? 0 : err_set_errno(err, -errno, LAYER_ENGINE, "%s/containers", s->root);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            (void)strings_add(s->arena, ret, arena_strdup(s->arena, e->d_name));
    closedir(dir);
    return s->arena->failed ? no_memory(err) : 0;
}

int container_find(struct store *s, const char *reference, struct container *ret, struct err *err)
{
    CLEANUP_FD int names = -EBADF;
    int r = open_names(s, &names, err);
    if (r < 0)
        return r;
    char target[PATH_MAX];
    ssize_t n = strchr(reference, '/') == NULL ? readlinkat(names, reference, target, sizeof target - 1) : -1;
    if (n > 0) {
        target[n] = '\0';
        const char *slash = strrchr(target, '/');
        r = read_one(s, slash != NULL ? slash + 1 : target, ret, err);
        if (r != -ENOENT)
            return r;
    }
    struct strings ids = {0};
    const char *found = NULL;
    r = list_ids(s, &ids, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ids.n; i++) {
        if (!str_starts(ids.v[i], reference) || reference[0] == '\0')
            continue;
        if (found != NULL)
            return err_set(err, -EEXIST, LAYER_ENGINE, "container %s: the beginning of several IDs", reference);
        found = ids.v[i];
    }
    r = found != NULL ? read_one(s, found, ret, err) : -ENOENT;
    return r == -ENOENT ? err_set(err, r, LAYER_ENGINE, "no such container: %s", reference) : r;
}

static int newest_first(const void *a, const void *b)
{
    const struct container *x = a, *y = b;
    return x->created != y->created ? (x->created < y->created ? 1 : -1) : strcmp(x->id, y->id);
}

int container_list(struct store *s, struct container **ret, size_t *ret_n, struct err *err)
{
    struct strings ids = {0};
    int r = list_ids(s, &ids, err);
    if (r < 0)
        return r;
    struct container *list = arena_calloc(s->arena, ids.n + 1, sizeof *list);
    if (list == NULL)
        return no_memory(err);
    for (size_t i = 0; i < ids.n; i++)
        sweep_one(s, ids.v[i]);
    sweep_claims(s);
    size_t n = 0;
    for (size_t i = 0; i < ids.n; i++) {
        r = read_one(s, ids.v[i], &list[n], err);
        if (r == 0)
            n++;
        else if (r != -ENOENT)
            return r;
    }
    qsort(list, n, sizeof *list, newest_first);
    *ret = list;
    *ret_n = n;
    return 0;
}

static void remove_rest(const char *path, int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (list == NULL) {
        fd_close(&copy);
        return;
    }
    for (const struct dirent *e; (e = readdir(list)) != NULL;)
        (void)unlinkat(fd, e->d_name, 0);
    closedir(list);
    (void)rmdir(path);
}

int container_remove(struct store *s, const struct container *c, struct err *err)
{
    static const char *const files[] = {SPEC_HOSTS, SPEC_HOSTNAME, SPEC_RESOLV, RECORD_FILE};
    struct err ignored = ERR_INIT;
    int r = runtime_delete(s->state_root, c->id, true, &ignored);
    if (r < 0 && r != -ENOENT) {
        if (err != NULL)
            *err = ignored;
        return r;
    }
    CLEANUP_FD int dir = open(c->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, -errno, LAYER_ENGINE, "%s", c->directory);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) /* most containers have the last one only */
        (void)unlinkat(dir, files[i], 0);
    etc_remove(s, c);
    r = snapshot_remove(s->images, c->id, err);
    if (r < 0)
        return r;
    CLEANUP_FD int names = -EBADF;
    if (c->name != NULL && open_names(s, &names, NULL) == 0) {
        char *target = arena_printf(s->arena, "../containers/%s", c->id);
        if (target != NULL)
            claim_release(names, c->name, target);
    }
    if (c->userns_auto)
        idrange_release(IDRANGE_DIR, c->directory, c->first_uid);
    /* Gone already where snapshot_remove() found nothing else in it; what is left is a killed writer's record.json.N.new. */
    if (rmdir(c->directory) < 0 && errno == ENOTEMPTY)
        remove_rest(c->directory, dir);
    return 0;
}
