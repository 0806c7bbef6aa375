/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a root file system's tar: the bytes are kept as the blob as they come, and unpacked at once. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/index.h"
#include "image/load.h"
#include "image/reference.h"

#define TAR_BLOCK 512

/* Passes blocks on, having written and digested them. */
struct tee {
    struct byte_source source;
    struct image_store *store;
    int fd;
    struct digest digest;
    uint64_t bytes;
};

static ssize_t tee_read(void *ctx, const void **block, struct err *err)
{
    struct tee *t = ctx;
    ssize_t n = t->source.read(t->source.ctx, block, err);
    if (n <= 0)
        return n;
    int r = image_digest_add(&t->digest, *block, (size_t)n, err);
    if (r == 0 && (r = fd_write_all(t->fd, *block, (size_t)n)) < 0)
        r = image_store_error(t->store, r, "the layer's blob", err);
    t->bytes += (uint64_t)n;
    return r < 0 ? r : n;
}

static void tee_close(struct tee *t)
{
    fd_close(&t->fd);
    image_digest_stop(&t->digest);
}

/* The layer into tmp, as "limport/fs"; its blob and diff ID. */
static int take_layer(struct publication *p, struct fd_source *source, int dir, struct spool_file *blob,
                      char diff_id[static DIGEST_SIZE], struct err *err)
{
    CLEANUP(tee_close) struct tee tee = {.source = image_fd_source_bytes(source), .store = p->store, .fd = -EBADF};
    CLEANUP_INFLATE struct inflate inflate = {.archive = NULL};
    int r = image_digest_start(&p->store->crypto, "sha256", &tee.digest, err);
    if (r < 0)
        return r;
    tee.fd = openat(p->tmp->fd, blob->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (tee.fd < 0)
        return image_store_error(p->store, -errno, "the layer's blob", err);
    struct byte_source bytes = {.read = tee_read, .ctx = &tee};
    r = image_inflate_open(p->store, bytes, &p->limits, true, &inflate, err);
    if (r < 0)
        return r;
    struct unpack_request request = {.store = p->store, .source = image_inflate_bytes(&inflate), .limits = p->limits,
                                     .dir = dir};
    r = image_layer_unpack(&request, &p->counts, err);
    if (r == 0)
        r = image_inflate_drain(&inflate, err);
    const void *block = NULL;
    ssize_t n = 0;
    while (r == 0 && (n = tee_read(&tee, &block, err)) != 0)
        r = n < 0 ? (int)n : 0;
    /* A layer of an image has its digest; here only tar's end mark tells a whole archive from the beginning of one. */
    if (r == 0 && p->counts.entries > 0 && inflate.zeros < TAR_BLOCK)
        r = err_set(err, -EBADMSG, LAYER_IMAGE, "the archive ends without tar's end mark: it is damaged or truncated");
    if (r == 0 && p->counts.entries == 0)
        r = err_set(err, -EBADMSG, LAYER_IMAGE, "the archive is empty: nothing to import");
    if (r == 0)
        r = image_inflate_digest(&inflate, diff_id, err);
    if (r == 0)
        r = image_digest_finish(&tee.digest, blob->digest, err);
    blob->size = tee.bytes;
    return r;
}

static int make_config(struct arena *a, struct spool *spool, const struct oci_image_run *run, const char *diff_id,
                       struct new_image *image, struct err *err)
{
    char created[32];
    struct oci_image_run empty = {0}, copy;
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL || strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return err_set(err, -EIO, LAYER_IMAGE, "the clock cannot be read");
    copy = run != NULL ? *run : empty;
    struct oci_image *config = arena_new(a, struct oci_image);
    struct oci_history *history = arena_new(a, struct oci_history);
    struct oci_image_rootfs *rootfs = arena_new(a, struct oci_image_rootfs);
    char **diff_ids = arena_calloc(a, 2, sizeof *diff_ids);
    if (a->failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "importing");
    diff_ids[0] = arena_strdup(a, diff_id);
    *rootfs = (struct oci_image_rootfs){.type = arena_strdup(a, "layers"),
                                        .diff_ids = {.v = diff_ids, .n = 1, .set = true}};
    *history = (struct oci_history){.created = arena_strdup(a, created), .comment = arena_strdup(a, "coffer import")};
    *config = (struct oci_image){.created = history->created,
                                 .architecture = arena_strdup(a, image_load_architecture()),
                                 .os = arena_strdup(a, "linux"),
                                 .config = &copy,
                                 .rootfs = rootfs,
                                 .history = {.v = history, .n = 1, .set = true}};
    CLEANUP_BUF struct buf json = BUF_INIT;
    oci_image_print(config, false, &json);
    config->config = NULL;
    if (a->failed || json.failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "importing");
    image->image = config;
    return image_spool_add(a, spool, json.data, json.len, &image->config, err);
}

static int import_into(struct arena *a, struct publication *p, struct spool *spool, struct fd_source *source,
                       const char *name, const struct oci_image_run *run, struct err *err)
{
    CLEANUP_FD int dir = -EBADF;
    char diff_id[DIGEST_SIZE];
    struct new_image *image = image_load_add(a, p, 1);
    struct spool_file *blob = arena_new(a, struct spool_file);
    if (a->failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "importing");
    *blob = (struct spool_file){.name = "layer", .file = "layer"};
    int r = image_publish_layer_dir(p, "import", &dir, err);
    if (r == 0)
        r = take_layer(p, source, dir, blob, diff_id, err);
    if (r == 0)
        r = make_config(a, spool, run, diff_id, image, err);
    if (r == 0)
        r = image_load_layers(a, image, err);
    if (r < 0)
        return r;
    image->layers[0].blob = blob;
    const char *to = arena_printf(a, "l%s", image->layers[0].chain);
    if (to == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "importing");
    if (renameat(p->tmp->fd, "limport", p->tmp->fd, to) < 0)
        return image_store_error(p->store, -errno, "the layer", err);
    image->layers[0].unpacked = true;
    if (name != NULL) {
        image->names = arena_calloc(a, 2, sizeof *image->names);
        if (image->names == NULL)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "importing");
        image->names[image->n_names++] = name;
    }
    r = image_load_make_manifest(a, spool, image, err);
    return r < 0 ? r : image_publish(a, p, err);
}

int image_import(struct arena *a, struct image_store *store, int fd, const char *name,
                 const struct oci_image_run *run, const struct image_load_options *options, struct image_loaded *ret,
                 struct err *err)
{
    CLEANUP_STORE_TMP struct store_tmp tmp = STORE_TMP_INIT;
    CLEANUP_SPOOL struct spool spool = {.tmp = &tmp};
    CLEANUP(image_fd_source_close) struct fd_source source = {.buffer = NULL};
    struct publication p = {.store = store, .tmp = &tmp, .limits = image_limits_of(options)};
    int r = 0;
    if (name != NULL) { /* before anything is read */
        struct image_reference ref;
        if ((r = image_reference_parse(a, name, &ref, err)) < 0)
            return r;
        if (ref.digest != NULL)
            return err_set(err, -EINVAL, LAYER_IMAGE, "%.200s: an imported image's name cannot have a digest", name);
        if ((name = image_reference_full(a, &ref)) == NULL)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "importing");
    }
    if ((r = image_store_make(store, err)) < 0)
        return r;
    image_store_tmp_sweep(store);
    r = image_store_tmp_make(store, &tmp, err);
    if (r == 0)
        r = image_fd_source_open(fd, options, &source, err);
    if (r == 0)
        r = import_into(a, &p, &spool, &source, name, run, err);
    return r < 0 ? r : image_publish_report(a, &p, ret, err);
}
