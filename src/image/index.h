/* SPDX-License-Identifier: Apache-2.0 */
/* images/index.json and the documents behind its descriptors. */
#ifndef COFFER_IMAGE_INDEX_H
#define COFFER_IMAGE_INDEX_H

#include "image/image.h"
#include "image/store.h"

#define DOCUMENT_MAX ((size_t)4 * 1024 * 1024) /* of a manifest or configuration, as registries limit it too */
#define INDEX_MAX ((size_t)64 * 1024 * 1024)

#define LAYERS_MAX 500 /* as many lower directories as overlayfs takes (OVL_MAX_STACK) */

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"
#define ANNOTATION_FULL_NAME "io.containerd.image.name"
#define ANNOTATION_IMAGE_ID "org.cofferdam.image.id"

#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

/* The store's index; an empty one where the store has none yet. */
int image_index_read(struct arena *a, struct image_store *s, struct oci_index **ret, struct err *err);

/*
 * Replace it, synced, by way of tmp. Under the exclusive lock. shrinks: to remove something; on a full disk the blocks
 * of the file "reserve" become the new index then, so that a store can always be made smaller.
 */
int image_index_write(struct image_store *s, const struct store_tmp *tmp, const struct oci_index *index, bool shrinks,
                      struct err *err);

/* Make the reserve, or make it larger, as far as the disk allows. Under the exclusive lock. */
void image_index_reserve(struct image_store *s);

/*
 * Enter an image under name (full; NULL: without). A name that another image had is taken from it; that image stays,
 * nameless where it was its only one. 1: the index changed; 0: it says so already; or negative errno.
 */
int image_index_put(struct arena *a, struct oci_index *index, const char *name, const struct oci_descriptor *manifest,
                    const char *image_id, struct err *err);

/* Take entry i out. */
void image_index_drop(struct oci_index *index, size_t i);

/* An annotation of a descriptor, or NULL. */
const char *image_index_annotation(const struct oci_descriptor *d, const char *key);
/* The name of an entry, or NULL. */
const char *image_index_name(const struct oci_descriptor *d);

/* Manifest and configuration behind an entry; checked against each other. */
int image_index_documents(struct arena *a, struct image_store *s, const struct oci_descriptor *d,
                          struct oci_manifest **ret_manifest, struct oci_image **ret_config, struct err *err);

/* Are manifest and configuration of one image: a configuration, and as many layers as diff IDs, all well-formed? */
int image_index_check_pair(const struct oci_manifest *m, const struct oci_image *config, struct err *err);

/* The chain IDs (hex) of an image, lowest first. */
int image_index_chains(struct arena *a, const struct oci_image *config, const char ***ret, struct err *err);

/* "images/blobs/sha256/<hex>" for a digest of sha256. */
int image_index_blob_path(const char *digest, char *buf, size_t size, struct err *err);

#endif
