/* SPDX-License-Identifier: Apache-2.0 */
#include "image/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/collect.h"
#include "image/index.h"
#include "image/reference.h"
#include "image/tree.h"

#define PATH_SIZE 128 /* "layers/<64 hex>/fs" and the like */

int image_publish_layer_dir(struct publication *p, const char *chain, int *ret_fd, struct err *err)
{
    char dir[PATH_SIZE], path[PATH_SIZE];
    snprintf(dir, sizeof dir, "l%s", chain);
    snprintf(path, sizeof path, "l%s/fs", chain);
    int r = image_tree_remove(p->tmp->fd, dir);
    if (r == 0 && (mkdirat(p->tmp->fd, dir, 0700) < 0 || mkdirat(p->tmp->fd, path, 0755) < 0))
        r = -errno;
    CLEANUP_FD int fd = r < 0 ? -EBADF : openat(p->tmp->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (r == 0 && fd < 0)
        r = -errno;
    if (r < 0)
        return image_store_error(p->store, r, "a layer's directory", err);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static bool in_store(const struct publication *p, const char *chain)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, STORE_LAYERS "/%s/fs", chain);
    return faccessat(p->store->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int unpack_blob(struct publication *p, const struct new_layer *layer, int dir, const int *below,
                       size_t n_below, struct err *err)
{
    CLEANUP_FD int fd = openat(p->tmp->fd, layer->blob->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return image_store_error(p->store, -errno, "a temporary file", err);
    CLEANUP(image_fd_source_close) struct fd_source source = {.buffer = NULL};
    CLEANUP_INFLATE struct inflate inflate = {.archive = NULL};
    struct unpack_counts counts = {0};
    struct image_limits limits = p->limits;
    char diff_id[DIGEST_SIZE];
    limits.max_bytes = p->budget;
    int r = image_fd_source_open(fd, NULL, &source, err);
    if (r == 0)
        r = image_inflate_open(p->store, image_fd_source_bytes(&source), &limits, true, &inflate, err);
    if (r < 0)
        return r;
    struct unpack_request request = {.store = p->store, .source = image_inflate_bytes(&inflate), .limits = limits,
                                     .dir = dir, .below = below, .n_below = n_below};
    r = image_layer_unpack(&request, &counts, err);
    if (r == 0)
        r = image_inflate_drain(&inflate, err);
    if (r == 0)
        r = image_inflate_digest(&inflate, diff_id, err);
    if (r < 0)
        return r;
    if (!str_eq(diff_id, layer->diff_id))
        return err_set(err, -EBADMSG, LAYER_IMAGE, "layer %.19s has diff ID %s, but the configuration says %s: it was "
                       "damaged or changed", layer->blob->digest, diff_id, layer->diff_id);
    p->budget -= inflate.out;
    p->counts.entries += counts.entries;
    p->counts.bytes += counts.bytes;
    p->counts.skipped_devices += counts.skipped_devices;
    p->counts.owners_lost += counts.owners_lost;
    return 0;
}

static int open_layer(const struct publication *p, const char *chain)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, STORE_LAYERS "/%s/fs", chain);
    int fd = openat(p->store->root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "l%s/fs", chain);
    fd = openat(p->tmp->fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool unpacked_already(const struct publication *p, const struct new_image *image, const char *chain)
{
    for (const struct new_image *i = p->images; i <= image; i++)
        for (size_t k = 0; k < i->n_layers; k++)
            if (i->layers[k].unpacked && str_eq(i->layers[k].chain, chain))
                return true;
    return false;
}

/* Unpack what neither the store nor tmp has. below[] grows downwards, so that the topmost comes first. */
static int unpack_missing(struct publication *p, struct new_image *image, struct err *err)
{
    int r = 0;
    size_t n = image->n_layers;
    if (n == 0)
        return 0;
    int *below = malloc(n * sizeof *below);
    if (below == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "unpacking");
    for (size_t i = 0; i < n; i++)
        below[i] = -EBADF;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct new_layer *layer = &image->layers[i];
        if (!in_store(p, layer->chain) && !unpacked_already(p, image, layer->chain)) {
            CLEANUP_FD int dir = -EBADF;
            r = image_publish_layer_dir(p, layer->chain, &dir, err);
            if (r == 0)
                r = unpack_blob(p, layer, dir, &below[n - i], i, err);
            layer->unpacked = r == 0;
        }
        if (r == 0 && i + 1 < n && (below[n - 1 - i] = open_layer(p, layer->chain)) < 0)
            r = image_store_error(p->store, below[n - 1 - i], "a layer", err);
    }
    for (size_t i = 0; i < n; i++)
        fd_close(&below[i]);
    free(below);
    return r;
}

static bool all_present(const struct publication *p)
{
    for (size_t i = 0; i < p->n_images; i++)
        for (size_t k = 0; k < p->images[i].n_layers; k++)
            if (!in_store(p, p->images[i].layers[k].chain) &&
                !unpacked_already(p, &p->images[i], p->images[i].layers[k].chain))
                return false;
    return true;
}

/* Rename into place; what is there already is the same by its name, and stays. */
static int move_in(struct publication *p, const char *from, const char *to, struct err *err)
{
    if (renameat2(p->tmp->fd, from, p->store->root_fd, to, 1 /* RENAME_NOREPLACE */) == 0 || errno == EEXIST)
        return 0;
    if (errno == ENOENT && faccessat(p->store->root_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0; /* two layers or two names for one thing: the first was it */
    return image_store_error(p->store, -errno, to, err);
}

static int move_blob(struct publication *p, const struct spool_file *f, struct err *err)
{
    char to[PATH_SIZE];
    int r = image_index_blob_path(f->digest, to, sizeof to, err);
    return r < 0 ? r : move_in(p, f->file, to, err);
}

static int move_image(struct publication *p, const struct new_image *image, struct err *err)
{
    int r = move_blob(p, image->manifest, err);
    if (r == 0)
        r = move_blob(p, image->config, err);
    for (size_t i = 0; r == 0 && i < image->n_layers; i++) {
        const struct new_layer *layer = &image->layers[i];
        char from[PATH_SIZE], to[PATH_SIZE];
        r = move_blob(p, layer->blob, err);
        snprintf(from, sizeof from, "l%s", layer->chain);
        snprintf(to, sizeof to, STORE_LAYERS "/%s", layer->chain);
        if (r == 0 && layer->unpacked)
            r = move_in(p, from, to, err);
    }
    return r;
}

static int sync_dir(struct publication *p, const char *path, struct err *err)
{
    CLEANUP_FD int fd = openat(p->store->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? image_store_error(p->store, -errno, path, err) : 0;
}

static int enter(struct arena *a, struct publication *p, struct err *err)
{
    struct oci_index *index = NULL;
    int r = image_index_read(a, p->store, &index, err), changes = 0;
    for (size_t i = 0; r >= 0 && i < p->n_images; i++) {
        const struct new_image *image = &p->images[i];
        struct oci_platform *platform = arena_new(a, struct oci_platform);
        if (platform == NULL)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "index of the images");
        platform->architecture = image->image->architecture;
        platform->os = image->image->os;
        platform->variant = image->image->variant;
        struct oci_descriptor d = {
            .media_type = arena_strdup(a, image->manifest_type),
            .digest = arena_strdup(a, image->manifest->digest),
            .size = (int64_t)image->manifest->size,
            .platform = platform->architecture != NULL && platform->os != NULL ? platform : NULL,
        };
        if (a->failed)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "index of the images");
        for (size_t k = 0; r >= 0 && (k == 0 || k < image->n_names); k++) {
            r = image_index_put(a, index, image->n_names > 0 ? image->names[k] : NULL, &d, image->config->digest, err);
            changes += r > 0;
        }
    }
    if (r < 0)
        return r;
    return changes > 0 ? image_index_write(p->store, p->tmp, index, false, err) : 0;
}

int image_publish(struct arena *a, struct publication *p, struct err *err)
{
    CLEANUP_FD int lock = -EBADF;
    int r = 0;
    /* A layer that was in the store may be removed until the lock is ours: then it is unpacked after all. */
    do {
        fd_close(&lock);
        for (size_t i = 0; r == 0 && i < p->n_images; i++)
            r = unpack_missing(p, &p->images[i], err);
        /* All of it on the disk before any of it has a name there, or a power cut could leave a half layer. */
        if (r == 0 && !p->synced && syncfs(p->tmp->fd) < 0)
            r = image_store_error(p->store, -errno, STORE_TMP, err);
        if (r == 0)
            r = image_store_lock(p->store, true, &lock, err);
        if (r == 0)
            r = image_collect_if_unfinished(p->store, p->tmp, err);
    } while (r == 0 && !all_present(p));
    if (r == 0)
        r = image_collect_begin(p->store, err);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < p->n_images; i++)
        r = move_image(p, &p->images[i], err);
    if (r == 0)
        r = sync_dir(p, STORE_BLOBS, err);
    if (r == 0)
        r = sync_dir(p, STORE_LAYERS, err);
    if (r == 0)
        r = enter(a, p, err);
    /* After a failure the index is as it was, and what was moved so far goes again. */
    if (r == 0 || image_collect(p->store, p->tmp, NULL) == 0)
        image_collect_end(p->store);
    return r;
}

int image_publish_report(struct arena *a, const struct publication *p, struct image_loaded *ret, struct err *err)
{
    struct image_loaded loaded = {.skipped_devices = p->counts.skipped_devices, .owners_lost = p->counts.owners_lost};
    size_t n = 0;
    for (size_t i = 0; i < p->n_images; i++)
        n += p->images[i].n_names > 0 ? p->images[i].n_names : 1;
    loaded.images = arena_calloc(a, n, sizeof *loaded.images);
    if (loaded.images == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "list of what was loaded");
    for (size_t i = 0; i < p->n_images; i++) {
        const struct new_image *image = &p->images[i];
        const char *id = arena_strdup(a, image->config->digest);
        for (size_t k = 0; k == 0 || k < image->n_names; k++) {
            const char *name = image->n_names > 0 ? image->names[k] : NULL;
            loaded.images[loaded.n_images].name = name;
            loaded.images[loaded.n_images].familiar = name != NULL ? image_reference_shorten(name) : NULL;
            loaded.images[loaded.n_images++].id = id;
        }
    }
    if (a->failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "list of what was loaded");
    *ret = loaded;
    return 0;
}
