/* SPDX-License-Identifier: Apache-2.0 */
#include "image/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "image/digest.h"

static int no_memory(struct err *err)
{
    return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "index of the images");
}

int image_index_read(struct arena *a, struct image_store *s, struct oci_index **ret, struct err *err)
{
    char *json = NULL;
    size_t len = 0;
    int r = file_read(a, s->root_fd, STORE_IMAGES "/index.json", INDEX_MAX, &json, &len);
    if (r < 0 && r != -ENOENT)
        return image_store_error(s, r, STORE_IMAGES "/index.json", err);
    if (r == 0) {
        r = oci_index_parse(a, json, len, ret, err);
        return r < 0 ? (err_prefix(err, "%s/" STORE_IMAGES "/index.json", s->root), r) : 0;
    }
    struct oci_index *index = arena_new(a, struct oci_index);
    if (index == NULL || (index->media_type = arena_strdup(a, MEDIA_OCI_INDEX)) == NULL)
        return no_memory(err);
    index->schema_version.set = true;
    index->schema_version.v = 2;
    index->manifests.set = true;
    *ret = index;
    return 0;
}

#define RESERVE_STEP 16384

void image_index_reserve(struct image_store *s)
{
    struct stat index = {.st_size = 0}, have;
    (void)fstatat(s->root_fd, STORE_IMAGES "/index.json", &index, AT_SYMLINK_NOFOLLOW);
    CLEANUP_FD int fd = openat(s->root_fd, STORE_RESERVE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    off_t want = (index.st_size / RESERVE_STEP + 2) * RESERVE_STEP;
    if (fd < 0 || fstat(fd, &have) < 0 || have.st_size >= want)
        return;
    if (fallocate(fd, 0, 0, want) < 0)
        log_debug(LAYER_STORAGE, "no reserve for a full disk: %s", strerrordesc_np(errno));
}

/* Into blocks that are there already, for the disk has no others. The old index stays until the rename. */
static int write_reserve(struct image_store *s, const struct buf *json)
{
    CLEANUP_FD int fd = openat(s->root_fd, STORE_RESERVE, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? -ENOSPC : -errno;
    int r = fd_write_all(fd, json->data, json->len);
    if (r == 0 && (ftruncate(fd, (off_t)json->len) < 0 || fsync(fd) < 0 ||
                   renameat(s->root_fd, STORE_RESERVE, s->root_fd, STORE_IMAGES "/index.json") < 0))
        r = -errno;
    return r;
}

int image_index_write(struct image_store *s, const struct store_tmp *tmp, const struct oci_index *index, bool shrinks,
                      struct err *err)
{
    CLEANUP_BUF struct buf json = BUF_INIT;
    oci_index_print(index, false, &json);
    if (json.failed)
        return no_memory(err);
    /* In tmp/ itself nothing may be made (store.h). */
    int r = tmp->name[0] == '\0' ? -ENOSPC : file_replace(tmp->fd, "index.json", json.data, json.len, 0600, 1);
    if (r == 0 && renameat(tmp->fd, "index.json", s->root_fd, STORE_IMAGES "/index.json") < 0)
        r = -errno;
    if (shrinks && (r == -ENOSPC || r == -EDQUOT))
        r = write_reserve(s, &json);
    if (r == 0) {
        CLEANUP_FD int dir = openat(s->root_fd, STORE_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = dir < 0 || fsync(dir) < 0 ? -errno : 0;
    }
    if (r == 0)
        image_index_reserve(s);
    return r < 0 ? image_store_error(s, r, STORE_IMAGES "/index.json", err) : 0;
}

const char *image_index_annotation(const struct oci_descriptor *d, const char *key)
{
    for (size_t i = 0; i < d->annotations.n; i++)
        if (str_eq(d->annotations.v[i].key, key))
            return d->annotations.v[i].value;
    return NULL;
}

const char *image_index_name(const struct oci_descriptor *d)
{
    const char *name = image_index_annotation(d, ANNOTATION_FULL_NAME);
    return name != NULL ? name : image_index_annotation(d, ANNOTATION_REF_NAME);
}

void image_index_drop(struct oci_index *index, size_t i)
{
    struct oci_descriptor *v = index->manifests.v;
    memmove(&v[i], &v[i + 1], (index->manifests.n - i - 1) * sizeof *v);
    index->manifests.n--;
}

static int annotate(struct arena *a, struct oci_descriptor *d, const char *name, const char *image_id)
{
    const char *const pairs[][2] = {
        {ANNOTATION_IMAGE_ID, image_id}, {ANNOTATION_REF_NAME, name}, {ANNOTATION_FULL_NAME, name}};
    size_t n = name != NULL ? 3 : 1;
    d->annotations.v = arena_calloc(a, n, sizeof *d->annotations.v);
    if (d->annotations.v == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        d->annotations.v[i].key = arena_strdup(a, pairs[i][0]);
        d->annotations.v[i].value = arena_strdup(a, pairs[i][1]);
    }
    d->annotations.n = n;
    d->annotations.set = true;
    return a->failed ? -ENOMEM : 0;
}

static bool has_digest(const struct oci_index *index, const char *digest)
{
    for (size_t i = 0; i < index->manifests.n; i++)
        if (str_eq(index->manifests.v[i].digest, digest))
            return true;
    return false;
}

int image_index_put(struct arena *a, struct oci_index *index, const char *name, const struct oci_descriptor *manifest,
                    const char *image_id, struct err *err)
{
    struct oci_descriptor *entry = NULL;
    for (size_t i = 0; name != NULL && i < index->manifests.n; i++) {
        struct oci_descriptor old = index->manifests.v[i];
        const char *old_name = image_index_name(&old);
        if (old_name == NULL || !str_eq(old_name, name))
            continue;
        if (str_eq(old.digest, manifest->digest))
            return 0;
        image_index_drop(index, i);
        if (!has_digest(index, old.digest)) {
            const char *old_id = image_index_annotation(&old, ANNOTATION_IMAGE_ID);
            if (old_id != NULL && annotate(a, &old, NULL, old_id) < 0)
                return no_memory(err);
            index->manifests.v[index->manifests.n++] = old; /* the place that was dropped */
        }
        break;
    }
    for (size_t i = 0; entry == NULL && i < index->manifests.n; i++)
        if (str_eq(index->manifests.v[i].digest, manifest->digest) && image_index_name(&index->manifests.v[i]) == NULL)
            entry = &index->manifests.v[i];
    if (name == NULL && has_digest(index, manifest->digest))
        return 0;
    if (entry == NULL) {
        struct oci_descriptor *v = arena_calloc(a, index->manifests.n + 1, sizeof *v);
        if (v == NULL)
            return no_memory(err);
        if (index->manifests.n > 0)
            memcpy(v, index->manifests.v, index->manifests.n * sizeof *v);
        index->manifests.v = v;
        index->manifests.set = true;
        entry = &v[index->manifests.n++];
    }
    *entry = *manifest;
    return annotate(a, entry, name, image_id) < 0 ? no_memory(err) : 1;
}

int image_index_blob_path(const char *digest, char *buf, size_t size, struct err *err)
{
    if (!image_digest_ok(digest) || !str_starts(digest, "sha256:"))
        return err_set(err, -EINVAL, LAYER_IMAGE, "digest %.80s: the store keeps sha256 only", digest);
    snprintf(buf, size, STORE_BLOBS "/%s", image_digest_hex(digest));
    return 0;
}

static int read_blob(struct arena *a, struct image_store *s, const char *digest, char **ret, size_t *ret_len,
                     struct err *err)
{
    char path[sizeof STORE_BLOBS + DIGEST_SIZE];
    int r = image_index_blob_path(digest, path, sizeof path, err);
    if (r < 0)
        return r;
    r = file_read(a, s->root_fd, path, DOCUMENT_MAX, ret, ret_len);
    return r < 0 ? image_store_error(s, r, path, err) : 0;
}

int image_index_check_pair(const struct oci_manifest *m, const struct oci_image *config, struct err *err)
{
    size_t diffs = config->rootfs != NULL ? config->rootfs->diff_ids.n : 0;
    if (m->layers.n != diffs)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the image has %zu layers, but its configuration names %zu",
                       m->layers.n, diffs);
    if (diffs > LAYERS_MAX)
        return err_set(err, -EFBIG, LAYER_IMAGE, "the image has %zu layers, overlayfs takes at most %d", diffs,
                       LAYERS_MAX);
    for (size_t i = 0; i < diffs; i++) {
        const char *id = config->rootfs->diff_ids.v[i];
        if (!image_digest_ok(id) || !str_starts(id, "sha256:"))
            return err_set(err, -EBADMSG, LAYER_IMAGE, "the image's diff ID %.80s is no sha256 digest", id);
    }
    return 0;
}

int image_index_documents(struct arena *a, struct image_store *s, const struct oci_descriptor *d,
                          struct oci_manifest **ret_manifest, struct oci_image **ret_config, struct err *err)
{
    char *json = NULL;
    size_t len = 0;
    struct oci_manifest *m = NULL;
    struct oci_image *config = NULL;
    int r = read_blob(a, s, d->digest, &json, &len, err);
    if (r == 0)
        r = oci_manifest_parse(a, json, len, &m, err);
    if (r == 0 && m->config == NULL)
        r = err_set(err, -EBADMSG, LAYER_IMAGE, "manifest %s has no configuration", d->digest);
    if (r == 0)
        r = read_blob(a, s, m->config->digest, &json, &len, err);
    if (r == 0)
        r = oci_image_parse(a, json, len, &config, err);
    if (r == 0)
        r = image_index_check_pair(m, config, err);
    if (r < 0)
        return r;
    *ret_manifest = m;
    *ret_config = config;
    return 0;
}

int image_index_chains(struct arena *a, const struct oci_image *config, const char ***ret, struct err *err)
{
    size_t n = config->rootfs != NULL ? config->rootfs->diff_ids.n : 0;
    const char **chains = arena_calloc(a, n + 1, sizeof *chains);
    char below[DIGEST_SIZE], chain[DIGEST_SIZE];
    for (size_t i = 0; chains != NULL && i < n; i++) {
        image_digest_chain(i > 0 ? below : NULL, config->rootfs->diff_ids.v[i], chain);
        memcpy(below, chain, sizeof below);
        chains[i] = arena_strdup(a, image_digest_hex(chain));
    }
    if (chains == NULL || a->failed)
        return no_memory(err);
    *ret = chains;
    return 0;
}
