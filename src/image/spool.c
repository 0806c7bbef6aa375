/* SPDX-License-Identifier: Apache-2.0 */
#include "image/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/index.h"
#include "image/place.h"
#include "image/tar.h"

#define FILES_MAX 65536 /* hundreds of images of a hundred layers */
#define LINKS_MAX 8
#define NAME_LONGEST 512 /* no part of an image has a longer one */
#define DOCUMENTS_MAX ((size_t)64 * 1024 * 1024) /* in all: parsed, they take several times that in memory */

void image_spool_free(struct spool *s)
{
    free(s->v);
    s->v = NULL;
    s->n = s->cap = 0;
}

static int no_memory(struct err *err)
{
    return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "reading the archive");
}

static struct spool_file *new_file(struct spool *s, struct err *err)
{
    if (s->n == FILES_MAX) {
        err_set(err, -EFBIG, LAYER_IMAGE, "the archive has more than %d files: it holds no images", FILES_MAX);
        return NULL;
    }
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 64 : s->cap * 2;
        struct spool_file *v = reallocarray(s->v, cap, sizeof *v);
        if (v == NULL) {
            no_memory(err);
            return NULL;
        }
        s->v = v;
        s->cap = cap;
    }
    struct spool_file *f = &s->v[s->n];
    *f = (struct spool_file){.name = NULL};
    snprintf(f->file, sizeof f->file, "b%zu", s->n);
    return f;
}

/* "a/b" of a checked name; NULL: memory is out. */
static const char *join(struct arena *a, const struct place_name *at)
{
    return arena_printf(a, "%s%s%s", at->parent, at->parent[0] != '\0' ? "/" : "", at->base);
}

/* A link's target as an entry's name, ".." resolved by its letters; NULL: it leads out of the archive. */
static const char *link_target(struct arena *a, const char *dir, const char *target)
{
    char path[2 * PATH_MAX];
    size_t n = 0;
    path[0] = '\0';
    const char *parts[] = {target[0] == '/' ? "" : dir, target};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (const char *s = parts[i]; *s != '\0';) {
            size_t len = strcspn(s, "/");
            if (len == 2 && s[0] == '.' && s[1] == '.') {
                if (n == 0)
                    return NULL;
                char *slash = strrchr(path, '/');
                n = slash != NULL ? (size_t)(slash - path) : 0;
                path[n] = '\0';
            } else if (len > 0 && !(len == 1 && s[0] == '.')) {
                if (n + len + 2 > sizeof path)
                    return NULL;
                if (n > 0)
                    path[n++] = '/';
                memcpy(path + n, s, len);
                n += len;
                path[n] = '\0';
            }
            s += len + (s[len] == '/');
        }
    }
    return arena_strdup(a, path);
}

static int copy_data(struct spool *s, struct tar *t, struct spool_file *f, struct digest *d, uint64_t max,
                     struct err *err)
{
    CLEANUP_FD int fd = openat(s->tmp->fd, f->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return image_store_error(s->tmp->store, -errno, "a temporary file", err);
    const void *block = NULL;
    size_t len = 0;
    uint64_t offset = 0;
    int r = 0;
    while ((r = image_tar_data(t, &block, &len, &offset, err)) > 0) {
        if (offset != f->size)
            return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's file %.100s is sparse, as no image's is",
                           f->name);
        f->size += len;
        if (f->size > max)
            return err_set(err, -EFBIG, LAYER_IMAGE, "the archive's file %.100s is too large", f->name);
        if ((r = image_digest_add(d, block, len, err)) < 0)
            return r;
        if ((r = fd_write_all(fd, block, len)) < 0)
            return image_store_error(s->tmp->store, r, "a temporary file", err);
    }
    return r;
}

static int spool_entry(struct arena *a, struct image_store *store, struct spool *s, struct tar *t,
                       struct archive_entry *entry, const struct image_limits *limits, struct err *err)
{
    struct place_name at;
    const char *name = t->lib->entry_pathname(entry);
    if (name == NULL)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive has an entry without a name");
    int r = image_place_name(name, &at, err);
    if (r < 0)
        return r;
    mode_t type = t->lib->entry_filetype(entry);
    const char *hard = t->lib->entry_hardlink(entry), *soft = t->lib->entry_symlink(entry);
    if (at.base[0] == '\0' || strlen(name) > NAME_LONGEST || (hard == NULL && type != S_IFREG && type != S_IFLNK))
        return 0; /* directories, and what else may be there, mean nothing */
    struct spool_file *f = new_file(s, err);
    if (f == NULL)
        return err->code;
    if ((f->name = join(a, &at)) == NULL)
        return no_memory(err);
    if (hard != NULL || type == S_IFLNK) {
        const char *target = hard != NULL ? hard : soft;
        f->link = target != NULL ? link_target(a, hard != NULL ? "" : at.parent, target) : NULL;
        s->n += f->link != NULL; /* one that leads out of the archive is as if it were not there */
        return a->failed ? no_memory(err) : 0;
    }
    CLEANUP_DIGEST struct digest d = {.ctx = NULL};
    r = image_digest_start(&store->crypto, str_eq(at.parent, "blobs/sha512") ? "sha512" : "sha256", &d, err);
    if (r == 0)
        r = copy_data(s, t, f, &d, limits->max_bytes, err);
    if (r == 0)
        r = image_digest_finish(&d, f->digest, err);
    if (r < 0)
        return r;
    s->n++;
    return 0;
}


int image_spool_read(struct arena *a, struct image_store *store, struct byte_source source,
                     const struct image_limits *limits, struct spool *s, struct err *err)
{
    CLEANUP_INFLATE struct inflate inflate = {.archive = NULL};
    CLEANUP_TAR struct tar tar = {.archive = NULL};
    struct archive_entry *entry = NULL;
    struct err own = ERR_INIT;
    int r = image_inflate_open(store, source, limits, false, &inflate, &own);
    if (r == 0)
        r = image_tar_open(store, image_inflate_bytes(&inflate), limits->max_entries, &tar, &own);
    while (r == 0 && (r = image_tar_next(&tar, &entry, &own)) > 0)
        r = spool_entry(a, store, s, &tar, entry, limits, &own);
    if (r == 0)
        r = image_inflate_drain(&inflate, &own);
    if (r < 0 && err != NULL)
        *err = own;
    return r;
}

const struct spool_file *image_spool_find(const struct spool *s, const char *name)
{
    for (int links = 0; links <= LINKS_MAX; links++) {
        const struct spool_file *found = NULL;
        for (size_t i = s->n; i > 0 && found == NULL; i--) /* of two entries with one name the later one counts */
            if (str_eq(s->v[i - 1].name, name))
                found = &s->v[i - 1];
        if (found == NULL || found->link == NULL)
            return found;
        name = found->link;
    }
    return NULL;
}

int image_spool_blob(const struct spool *s, const char *digest, int64_t size, const struct spool_file **ret,
                     struct err *err)
{
    char name[DIGEST_SIZE + 16];
    if (!image_digest_ok(digest))
        return err_set(err, -EBADMSG, LAYER_IMAGE, "%.80s is no digest", digest);
    const char *hex = image_digest_hex(digest);
    snprintf(name, sizeof name, "blobs/%.6s/%s", digest, hex);
    const struct spool_file *f = image_spool_find(s, name);
    if (f == NULL)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive lacks the blob %s that its index leads to", digest);
    if (!str_eq(f->digest, digest))
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the blob %s of the archive has another digest, %s: it was damaged "
                       "or changed", digest, f->digest);
    if (size >= 0 && (uint64_t)size != f->size)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the blob %s of the archive has %llu bytes, its descriptor says "
                       "%lld", digest, (unsigned long long)f->size, (long long)size);
    *ret = f;
    return 0;
}

int image_spool_text(struct arena *a, struct spool *s, const struct spool_file *f, char **ret, size_t *ret_len,
                     struct err *err)
{
    int r = file_read(a, s->tmp->fd, f->file, DOCUMENT_MAX, ret, ret_len);
    if (r == -EFBIG)
        return err_set(err, r, LAYER_IMAGE, "the archive's document %.100s is larger than 4 MiB", f->name);
    if (r == 0 && (s->documents += *ret_len) > DOCUMENTS_MAX)
        return err_set(err, -EFBIG, LAYER_IMAGE, "the archive's manifests and configurations have more than 64 MiB");
    return r < 0 ? image_store_error(s->tmp->store, r, "a temporary file", err) : 0;
}

int image_spool_add(struct arena *a, struct spool *s, const void *data, size_t len, const struct spool_file **ret,
                    struct err *err)
{
    struct spool_file *f = arena_new(a, struct spool_file);
    if (f == NULL)
        return no_memory(err);
    snprintf(f->file, sizeof f->file, "d%u", s->extra++);
    f->name = f->file;
    f->size = len;
    image_digest_of(data, len, f->digest);
    int r = file_replace(s->tmp->fd, f->file, data, len, 0600, 1);
    if (r < 0)
        return image_store_error(s->tmp->store, r, "a temporary file", err);
    *ret = f;
    return 0;
}
