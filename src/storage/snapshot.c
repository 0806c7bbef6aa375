/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/store.h"
#include "image/tree.h"

#define ID_MAX 255
#define UPPER "upper"
#define WORK "work"

static int check_id(const char *id, struct err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-";
    size_t n = strlen(id);
    if (n == 0 || n > ID_MAX || id[strspn(id, allowed)] != '\0' || str_eq(id, ".") || str_eq(id, ".."))
        return err_set(err, -EINVAL, LAYER_STORAGE, "\"%.80s\" is no container ID: letters, digits and _.+- are "
                       "allowed, at most 255", id);
    return 0;
}

/* The container's directory, made if it is missing. */
static int open_container(struct image_store *s, const char *id, bool make, int *ret, struct err *err)
{
    char path[sizeof STORE_CONTAINERS + ID_MAX + 1];
    snprintf(path, sizeof path, STORE_CONTAINERS "/%s", id);
    if (make) {
        int r = dir_make(s->root_fd, path, 0700);
        if (r < 0)
            return image_store_error(s, r, path, err);
    }
    int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT && !make ? -ENOENT : image_store_error(s, -errno, path, err);
    *ret = fd;
    return 0;
}

/*
 * upper is what the container sees as its root directory: mode and owner as the image has them, or those of an ordinary
 * root directory, whatever the caller's umask is.
 */
static int set_root(struct image_store *s, int dir, const struct image *image, struct err *err)
{
    struct stat st = {.st_mode = 0755};
    if (image != NULL && image->n_layers > 0 && stat(image->layers[0], &st) < 0)
        return image_store_error(s, -errno, "the image's root directory", err);
    bool other_owner = st.st_uid != geteuid() || st.st_gid != getegid();
    if ((other_owner && fchownat(dir, UPPER, st.st_uid, st.st_gid, 0) < 0) ||
        fchmodat(dir, UPPER, st.st_mode & 07777, 0) < 0)
        return image_store_error(s, -errno, "the writable layer", err);
    return 0;
}

/* Under the shared lock, so that the image cannot go between the look and the hold. */
static int hold(struct image_store *s, int dir, const struct image *image, struct err *err)
{
    CLEANUP_FD int lock = -EBADF;
    int r = image_store_lock(s, false, &lock, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < image->n_layers; i++)
        if (access(image->layers[i], F_OK) < 0)
            return err_set(err, -ENOENT, LAYER_STORAGE, "image %.200s was removed just now, or its layer %s was",
                           image->familiar != NULL ? image->familiar : image->id, image->chain_ids[i]);
    char target[STORE_HOLD_LENGTH + 1];
    snprintf(target, sizeof target, "%s", image->id); /* as much of it as there is room for */
    return symlinkat(target, dir, STORE_HOLD) < 0 ? image_store_error(s, -errno, STORE_HOLD, err) : 0;
}

int snapshot_prepare(struct arena *a, struct image_store *store, const char *id, const struct image *image,
                     struct snapshot *ret, struct err *err)
{
    CLEANUP_FD int dir = -EBADF;
    int r = check_id(id, err);
    if (r == 0)
        r = open_container(store, id, true, &dir, err);
    if (r < 0)
        return r;
    struct snapshot snapshot = {
        .dir = arena_printf(a, "%s/" STORE_CONTAINERS "/%s", store->root, id),
        .upper = arena_printf(a, "%s/" STORE_CONTAINERS "/%s/" UPPER, store->root, id),
        .work = arena_printf(a, "%s/" STORE_CONTAINERS "/%s/" WORK, store->root, id),
    };
    if (a->failed)
        return err_set_errno(err, -ENOMEM, LAYER_STORAGE, "snapshot %s", id);
    if (mkdirat(dir, UPPER, 0755) < 0)
        return errno == EEXIST ? err_set(err, -EEXIST, LAYER_STORAGE, "container %s has a writable layer already", id)
                               : image_store_error(store, -errno, "the writable layer", err);
    if (mkdirat(dir, WORK, 0700) < 0)
        r = image_store_error(store, -errno, "the writable layer", err);
    if (r == 0 && image != NULL)
        r = hold(store, dir, image, err);
    if (r == 0)
        r = set_root(store, dir, image, err);
    if (r < 0) {
        (void)snapshot_remove(store, id, NULL);
        return r;
    }
    *ret = snapshot;
    return 0;
}

int snapshot_remove(struct image_store *store, const char *id, struct err *err)
{
    static const char *const parts[] = {UPPER, WORK, STORE_HOLD}; /* the hold last: it is what upper needs */
    CLEANUP_FD int dir = -EBADF;
    int r = check_id(id, err);
    if (r < 0)
        return r;
    r = open_container(store, id, false, &dir, err);
    if (r == -ENOENT)
        return 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
        if ((r = image_tree_remove(dir, parts[i])) < 0)
            return image_store_error(store, r, parts[i], err);
    if (r < 0)
        return r;
    char path[sizeof STORE_CONTAINERS + ID_MAX + 1];
    snprintf(path, sizeof path, STORE_CONTAINERS "/%s", id);
    if (unlinkat(store->root_fd, path, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
        return image_store_error(store, -errno, path, err);
    return 0;
}
