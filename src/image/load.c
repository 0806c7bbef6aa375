/* SPDX-License-Identifier: Apache-2.0 */
#include "image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/index.h"
#include "image/reference.h"

#if defined(__x86_64__)
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE "riscv64"
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE "ppc64le"
#elif defined(__s390x__)
#define ARCHITECTURE "s390x"
#elif defined(__arm__)
#define ARCHITECTURE "arm"
#elif defined(__i386__)
#define ARCHITECTURE "386"
#else
#error "name this architecture as Go does"
#endif

const char *image_load_architecture(void)
{
    return ARCHITECTURE;
}

static int no_memory(struct err *err)
{
    return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "loading the image");
}

struct new_image *image_load_add(struct arena *a, struct publication *p, size_t n)
{
    if (p->images == NULL)
        p->images = arena_calloc(a, n, sizeof *p->images);
    return p->images == NULL ? NULL : &p->images[p->n_images++];
}

int image_load_layers(struct arena *a, struct new_image *image, struct err *err)
{
    const char **chains = NULL;
    int r = image_index_chains(a, image->image, &chains, err);
    if (r < 0)
        return r;
    image->n_layers = image->image->rootfs != NULL ? image->image->rootfs->diff_ids.n : 0;
    image->layers = arena_calloc(a, image->n_layers + 1, sizeof *image->layers);
    if (image->layers == NULL)
        return no_memory(err);
    for (size_t i = 0; i < image->n_layers; i++) {
        image->layers[i].diff_id = image->image->rootfs->diff_ids.v[i];
        image->layers[i].chain = chains[i];
    }
    return 0;
}

const char *image_load_name(struct arena *a, const char *text)
{
    struct image_reference ref;
    if (text == NULL || image_reference_parse(a, text, &ref, NULL) < 0 || ref.digest != NULL)
        return NULL;
    return image_reference_full(a, &ref);
}

int image_load_layer_descriptor(struct arena *a, const struct spool *spool, const struct spool_file *blob,
                                struct oci_descriptor *ret, struct err *err)
{
    static const char *const suffix[] = {
        [COMPRESSION_NONE] = "", [COMPRESSION_GZIP] = "+gzip", [COMPRESSION_ZSTD] = "+zstd"};
    unsigned char head[8];
    enum compression compression = COMPRESSION_NONE;
    CLEANUP_FD int fd = openat(spool->tmp->fd, blob->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -errno : fd_read_full(fd, head, sizeof head);
    if (n < 0)
        return image_store_error(spool->tmp->store, (int)n, "a temporary file", err);
    int r = image_compression_detect(head, (size_t)n, &compression, err);
    if (r < 0)
        return r;
    *ret = (struct oci_descriptor){
        .media_type = arena_printf(a, MEDIA_OCI_LAYER "%s", suffix[compression]),
        .digest = arena_strdup(a, blob->digest),
        .size = (int64_t)blob->size,
    };
    return a->failed ? no_memory(err) : 0;
}

int image_load_make_manifest(struct arena *a, struct spool *spool, struct new_image *image, struct err *err)
{
    struct oci_manifest m = {
        .schema_version = {.set = true, .v = 2},
        .media_type = arena_strdup(a, MEDIA_OCI_MANIFEST),
        .config = arena_new(a, struct oci_descriptor),
        .layers = {.v = arena_calloc(a, image->n_layers + 1, sizeof *m.layers.v), .n = image->n_layers, .set = true},
    };
    if (a->failed)
        return no_memory(err);
    m.config->media_type = arena_strdup(a, MEDIA_OCI_CONFIG);
    m.config->digest = arena_strdup(a, image->config->digest);
    m.config->size = (int64_t)image->config->size;
    for (size_t i = 0; i < image->n_layers; i++) {
        int r = image_load_layer_descriptor(a, spool, image->layers[i].blob, &m.layers.v[i], err);
        if (r < 0)
            return r;
    }
    CLEANUP_BUF struct buf json = BUF_INIT;
    oci_manifest_print(&m, false, &json);
    if (a->failed || json.failed)
        return no_memory(err);
    image->manifest_type = MEDIA_OCI_MANIFEST;
    return image_spool_add(a, spool, json.data, json.len, &image->manifest, err);
}

static int load_any(struct arena *a, struct spool *spool, struct publication *p, struct err *err)
{
    /* Since version 25 "docker save" writes both; the OCI form keeps the manifest, and so the digest, as it was. */
    if (image_spool_find(spool, "oci-layout") != NULL && image_spool_find(spool, "index.json") != NULL)
        return image_load_oci(a, spool, p, err);
    if (image_spool_find(spool, "manifest.json") != NULL)
        return image_load_docker(a, spool, p, err);
    if (image_spool_find(spool, "etc/passwd") != NULL || image_spool_find(spool, "bin/sh") != NULL ||
        image_spool_find(spool, "usr/bin/env") != NULL)
        return err_set(err, -EINVAL, LAYER_IMAGE, "the archive is a root file system and no image: coffer import "
                       "takes it");
    return err_set(err, -EINVAL, LAYER_IMAGE, "the archive is no image: it has neither manifest.json (docker-archive) "
                   "nor oci-layout and index.json (OCI archive)");
}

int image_load(struct arena *a, struct image_store *store, int fd, const struct image_load_options *options,
               struct image_loaded *ret, struct err *err)
{
    CLEANUP_STORE_TMP struct store_tmp tmp = STORE_TMP_INIT;
    CLEANUP_SPOOL struct spool spool = {.tmp = &tmp};
    CLEANUP(image_fd_source_close) struct fd_source source = {.buffer = NULL};
    struct publication p = {.store = store, .tmp = &tmp, .limits = image_limits_of(options)};
    int r = image_store_make(store, err);
    if (r < 0)
        return r;
    image_store_tmp_sweep(store);
    r = image_store_tmp_make(store, &tmp, err);
    if (r == 0)
        r = image_fd_source_open(fd, options, &source, err);
    if (r == 0)
        r = image_spool_read(a, store, image_fd_source_bytes(&source), &p.limits, &spool, err);
    uint64_t by_ratio = 0;
    if (__builtin_mul_overflow(p.limits.max_ratio, source.bytes, &by_ratio))
        by_ratio = UINT64_MAX;
    p.budget = MIN_OF(p.limits.max_bytes, MAX_OF(p.limits.free_bytes, by_ratio));
    if (r == 0)
        r = load_any(a, &spool, &p, err);
    if (r == 0)
        r = image_publish(a, &p, err);
    return r < 0 ? r : image_publish_report(a, &p, ret, err);
}
