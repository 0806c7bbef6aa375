/* SPDX-License-Identifier: Apache-2.0 */
/* The two archive formats, read from a spooled archive into images that image_publish() can take. */
#ifndef COFFER_IMAGE_LOAD_H
#define COFFER_IMAGE_LOAD_H

#include "image/publish.h"

/* "docker save" before version 25, podman's and skopeo's docker-archive: manifest.json lists the images. */
int image_load_docker(struct arena *a, struct spool *spool, struct publication *p, struct err *err);

/* An OCI image layout: oci-layout, index.json and blobs. "docker save" since version 25 is one. */
int image_load_oci(struct arena *a, struct spool *spool, struct publication *p, struct err *err);

/* Room for one image more; NULL: memory is out. n: the most there can be, the same in each call. */
struct new_image *image_load_add(struct arena *a, struct publication *p, size_t n);

/* Fill layers[] but for the blobs, from image->image, which has as many as the manifest. */
int image_load_layers(struct arena *a, struct new_image *image, struct err *err);

/* The name that an archive gives, completed; NULL where it is no name. */
const char *image_load_name(struct arena *a, const char *text);

/* This machine's architecture as images name it (GOARCH). */
const char *image_load_architecture(void);

/* The descriptor of a layer that is stored as this blob, its compression told by its first bytes. */
int image_load_layer_descriptor(struct arena *a, const struct spool *spool, const struct spool_file *blob,
                                struct oci_descriptor *ret, struct err *err);

/* A manifest of our own making over this configuration and these layers, as a blob. */
int image_load_make_manifest(struct arena *a, struct spool *spool, struct new_image *image, struct err *err);

#endif
