/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI image documents (image-spec 1.1: descriptor, index, manifest, config), and through their media types the
 * Docker v2 ones, which have the same members.
 */
#ifndef COFFER_OCI_IMAGE_SPEC_H
#define COFFER_OCI_IMAGE_SPEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci/types.h"

struct oci_platform {
    char *architecture, *os, *os_version, *variant;
    struct oci_strs os_features;
    struct oci_extra *extra;
};

struct oci_descriptor {
    char *media_type;
    /* Checked: algorithm ":" encoded; sha256 and sha512 with their length in lower-case hex, so that it can serve as
       a file name. Other algorithms pass by their grammar alone: refuse one that you cannot compute. */
    char *digest;
    int64_t size;
    struct oci_strs urls;
    struct oci_map annotations;
    char *data;
    struct oci_platform *platform;
    char *artifact_type;
    struct oci_extra *extra;
};
typedef OCI_ARRAY(struct oci_descriptor) oci_descriptors;

struct oci_index {
    struct oci_int schema_version;
    char *media_type, *artifact_type;
    oci_descriptors manifests;
    struct oci_descriptor *subject;
    struct oci_map annotations;
    struct oci_extra *extra;
};

struct oci_manifest {
    struct oci_int schema_version;
    char *media_type, *artifact_type;
    struct oci_descriptor *config;
    oci_descriptors layers;
    struct oci_descriptor *subject;
    struct oci_map annotations;
    struct oci_extra *extra;
};

struct oci_healthcheck {
    struct oci_strs test;
    struct oci_int interval, timeout, start_period, start_interval; /* nanoseconds */
    struct oci_int retries;
    struct oci_extra *extra;
};

struct oci_image_run { /* the member "config" of an image's configuration */
    char *user;
    struct oci_strs env, entrypoint, cmd;
    struct oci_strs exposed_ports, volumes; /* the keys of objects whose values are {} */
    char *working_dir, *stop_signal;
    struct oci_map labels;
    struct oci_bool args_escaped;
    struct oci_healthcheck *healthcheck; /* Docker's addition */
    struct oci_extra *extra;
};

struct oci_history {
    char *created, *author, *created_by, *comment;
    struct oci_bool empty_layer;
    struct oci_extra *extra;
};

struct oci_image_rootfs {
    char *type;
    struct oci_strs diff_ids;
    struct oci_extra *extra;
};

struct oci_image {
    char *created, *author, *architecture, *os, *os_version, *variant;
    struct oci_strs os_features;
    struct oci_image_run *config;
    struct oci_image_rootfs *rootfs;
    OCI_ARRAY(struct oci_history) history;
    struct oci_extra *extra;
};

struct oci_layout { /* the file oci-layout of an image layout */
    char *image_layout_version;
    struct oci_extra *extra;
};

int oci_layout_parse(struct arena *a, const char *json, size_t len, struct oci_layout **ret, struct err *err);
int oci_index_parse(struct arena *a, const char *json, size_t len, struct oci_index **ret, struct err *err);
int oci_manifest_parse(struct arena *a, const char *json, size_t len, struct oci_manifest **ret, struct err *err);
int oci_image_parse(struct arena *a, const char *json, size_t len, struct oci_image **ret, struct err *err);
void oci_layout_print(const struct oci_layout *l, bool pretty, struct buf *out);
void oci_index_print(const struct oci_index *i, bool pretty, struct buf *out);
void oci_manifest_print(const struct oci_manifest *m, bool pretty, struct buf *out);
void oci_image_print(const struct oci_image *i, bool pretty, struct buf *out);

#endif
