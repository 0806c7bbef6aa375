/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From verified parts in a temporary directory to images that everyone sees. Layers that the store lacks are unpacked
 * beside; then, under the exclusive lock, blobs and layers are renamed into place and the index is replaced last.
 */
#ifndef COFFER_IMAGE_PUBLISH_H
#define COFFER_IMAGE_PUBLISH_H

#include "image/image.h"
#include "image/spool.h"
#include "image/unpack.h"

struct new_layer {
    const struct spool_file *blob;
    const char *diff_id;
    const char *chain;   /* hex */
    bool unpacked;       /* below tmp, as "l<chain>" */
};

struct new_image {
    const char **names; /* full */
    size_t n_names;
    const struct spool_file *manifest, *config;
    const char *manifest_type;
    const struct oci_image *image;
    struct new_layer *layers; /* lowest first */
    size_t n_layers;
};

struct publication {
    struct image_store *store;
    struct store_tmp *tmp;
    struct image_limits limits;
    uint64_t budget; /* bytes that may yet be unpacked, so that one layer named often is no bomb either */
    struct unpack_counts counts;
    struct new_image *images;
    size_t n_images;
    bool synced; /* what is in tmp is on the disk already: a few files are better synced one by one */
};

/* Make directory "l<chain>" below tmp with an empty fs in it: where a layer is unpacked. Its fs's descriptor. */
int image_publish_layer_dir(struct publication *p, const char *chain, int *ret_fd, struct err *err);

int image_publish(struct arena *a, struct publication *p, struct err *err);

/* What image_load() reports. */
int image_publish_report(struct arena *a, const struct publication *p, struct image_loaded *ret, struct err *err);

#endif
