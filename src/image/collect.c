/* SPDX-License-Identifier: Apache-2.0 */
#include "image/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "image/digest.h"

#define UNFINISHED "unfinished"

struct names { /* hex, sorted before it is searched */
    const char **v;
    size_t n, cap;
};

static void names_free(struct names *l)
{
    free(l->v);
}

static int names_add(struct names *l, const char *name)
{
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 256 : 2 * l->cap;
        const char **v = reallocarray(l->v, cap, sizeof *v);
        if (v == NULL)
            return -ENOMEM;
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = name;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool names_has(const struct names *l, const char *name)
{
    return l->n > 0 && bsearch(&name, l->v, l->n, sizeof *l->v, compare) != NULL;
}

static void close_dir(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static int open_dir(struct image_store *s, const char *path, DIR **ret)
{
    int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret = fdopendir(fd);
    if (*ret == NULL) {
        close(fd);
        return -ENOMEM;
    }
    return 0;
}

int image_collect_begin(struct image_store *s, struct err *err)
{
    CLEANUP_FD int fd = openat(s->root_fd, UNFINISHED, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? image_store_error(s, -errno, UNFINISHED, err) : 0;
}

void image_collect_end(struct image_store *s)
{
    (void)unlinkat(s->root_fd, UNFINISHED, 0); /* where it stays, the next one collects in vain */
}

int image_collect_if_unfinished(struct image_store *s, struct store_tmp *tmp, struct err *err)
{
    if (faccessat(s->root_fd, UNFINISHED, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    int r = image_collect(s, tmp, err);
    if (r == 0)
        image_collect_end(s);
    return r;
}

static int add_image(struct arena *a, struct image_store *s, const struct oci_descriptor *d, struct names *blobs,
                     struct names *layers, struct err *err)
{
    struct oci_manifest *m = NULL;
    struct oci_image *config = NULL;
    const char **chains = NULL;
    int r = image_index_documents(a, s, d, &m, &config, err);
    if (r == 0)
        r = image_index_chains(a, config, &chains, err);
    if (r < 0)
        return r;
    r = names_add(blobs, image_digest_hex(d->digest));
    if (r == 0)
        r = names_add(blobs, image_digest_hex(m->config->digest));
    for (size_t i = 0; r == 0 && i < m->layers.n; i++) {
        r = names_add(blobs, image_digest_hex(m->layers.v[i].digest));
        if (r == 0)
            r = names_add(layers, chains[i]);
    }
    return r < 0 ? err_set_errno(err, r, LAYER_STORAGE, "collecting what no image uses") : 0;
}

static int collect_dir(struct image_store *s, struct store_tmp *tmp, const char *path, const struct names *used,
                       struct err *err)
{
    CLEANUP(close_dir) DIR *dir = NULL;
    int r = open_dir(s, path, &dir);
    if (r < 0)
        return r == -ENOENT ? 0 : image_store_error(s, r, path, err);
    const struct dirent *entry = NULL;
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || names_has(used, entry->d_name))
            continue;
        char to[NAME_MAX + 8];
        snprintf(to, sizeof to, "gone-%s", entry->d_name);
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 &&
            ((errno != EISDIR && errno != EPERM) || renameat(dirfd(dir), entry->d_name, tmp->fd, to) < 0))
            return image_store_error(s, -errno, path, err);
        log_debug(LAYER_STORAGE, "%s/%s: not used any more, removed", path, entry->d_name);
    }
    return errno != 0 ? image_store_error(s, -errno, path, err) : 0;
}

int image_collect(struct image_store *s, struct store_tmp *tmp, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP(names_free) struct names blobs = {.v = NULL}, layers = {.v = NULL};
    struct oci_index *index = NULL;
    int r = image_index_read(&a, s, &index, err);
    for (size_t i = 0; r == 0 && i < index->manifests.n; i++)
        r = add_image(&a, s, &index->manifests.v[i], &blobs, &layers, err);
    if (r < 0)
        return r;
    if (blobs.n > 0)
        qsort(blobs.v, blobs.n, sizeof *blobs.v, compare);
    if (layers.n > 0)
        qsort(layers.v, layers.n, sizeof *layers.v, compare);
    r = collect_dir(s, tmp, STORE_BLOBS, &blobs, err);
    return r < 0 ? r : collect_dir(s, tmp, STORE_LAYERS, &layers, err);
}

int image_collect_holder(struct arena *a, struct image_store *s, const char *image_id, const char **ret,
                         struct err *err)
{
    CLEANUP(close_dir) DIR *dir = NULL;
    int r = open_dir(s, STORE_CONTAINERS, &dir);
    *ret = NULL;
    if (r < 0)
        return r == -ENOENT ? 0 : image_store_error(s, r, STORE_CONTAINERS, err);
    const struct dirent *entry = NULL;
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        char path[NAME_MAX + 16], target[DIGEST_SIZE];
        snprintf(path, sizeof path, "%s/" STORE_HOLD, entry->d_name);
        ssize_t n = readlinkat(dirfd(dir), path, target, sizeof target - 1);
        if (n < 0)
            continue; /* no snapshot, or one over no image */
        target[n] = '\0';
        if (strncmp(target, image_id, STORE_HOLD_LENGTH) != 0)
            continue;
        *ret = arena_strdup(a, entry->d_name);
        return *ret == NULL ? err_set_errno(err, -ENOMEM, LAYER_STORAGE, "containers") : 0;
    }
    return errno != 0 ? image_store_error(s, -errno, STORE_CONTAINERS, err) : 0;
}
