/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image_spec.h"

#include "oci/table.h"

static const struct oci_field oci_platform_fields[] = {
    OCI_STRING(oci_platform, architecture, "architecture", OCI_REQUIRED),
    OCI_STRING(oci_platform, os, "os", OCI_REQUIRED),
    OCI_STRING(oci_platform, os_version, "os.version"),
    OCI_STRINGS(oci_platform, os_features, "os.features"),
    OCI_STRING(oci_platform, variant, "variant"),
};
static OCI_TABLE(oci_platform);

/* One table for descriptors everywhere: descriptor.md has all of these, the schemas a part of them in each place. */
static const struct oci_field oci_descriptor_fields[] = {
    OCI_STRING(oci_descriptor, media_type, "mediaType", OCI_REQUIRED, OCI_FORM(media_type)),
    OCI_STRING(oci_descriptor, digest, "digest", OCI_REQUIRED, OCI_FORM(digest)),
    OCI_PLAIN_INT(oci_descriptor, size, "size", OCI_RANGE(0, INT64_MAX)),
    OCI_STRINGS(oci_descriptor, urls, "urls", OCI_FORM(uri)),
    OCI_MAP(oci_descriptor, annotations, "annotations"),
    OCI_STRING(oci_descriptor, data, "data", OCI_FORM(base64)),
    OCI_OBJECT(oci_descriptor, platform, "platform", oci_platform),
    OCI_STRING(oci_descriptor, artifact_type, "artifactType", OCI_FORM(media_type)),
};
static OCI_TABLE(oci_descriptor);

static const struct oci_field oci_index_fields[] = {
    OCI_INT(oci_index, schema_version, "schemaVersion", OCI_REQUIRED, OCI_RANGE(2, 2)),
    OCI_STRING(oci_index, media_type, "mediaType", OCI_FORM(media_type)),
    OCI_STRING(oci_index, artifact_type, "artifactType", OCI_FORM(media_type)),
    OCI_OBJECTS(oci_index, manifests, "manifests", oci_descriptor, OCI_REQUIRED),
    OCI_OBJECT(oci_index, subject, "subject", oci_descriptor),
    OCI_MAP(oci_index, annotations, "annotations"),
};
static OCI_TABLE(oci_index);

static const struct oci_field oci_manifest_fields[] = {
    OCI_INT(oci_manifest, schema_version, "schemaVersion", OCI_REQUIRED, OCI_RANGE(2, 2)),
    OCI_STRING(oci_manifest, media_type, "mediaType", OCI_FORM(media_type)),
    OCI_STRING(oci_manifest, artifact_type, "artifactType", OCI_FORM(media_type)),
    OCI_OBJECT(oci_manifest, config, "config", oci_descriptor, OCI_REQUIRED),
    OCI_OBJECTS(oci_manifest, layers, "layers", oci_descriptor, OCI_REQUIRED, .min_items = 1),
    OCI_OBJECT(oci_manifest, subject, "subject", oci_descriptor),
    OCI_MAP(oci_manifest, annotations, "annotations"),
};
static OCI_TABLE(oci_manifest);

static const struct oci_field oci_healthcheck_fields[] = {
    OCI_STRINGS(oci_healthcheck, test, "Test"),
    OCI_INT(oci_healthcheck, interval, "Interval", OCI_I64),
    OCI_INT(oci_healthcheck, timeout, "Timeout", OCI_I64),
    OCI_INT(oci_healthcheck, start_period, "StartPeriod", OCI_I64),
    OCI_INT(oci_healthcheck, start_interval, "StartInterval", OCI_I64),
    OCI_INT(oci_healthcheck, retries, "Retries", OCI_I64),
};
static OCI_TABLE(oci_healthcheck);

static const struct oci_field oci_image_run_fields[] = {
    OCI_STRING(oci_image_run, user, "User"),
    OCI_KEYS(oci_image_run, exposed_ports, "ExposedPorts"),
    OCI_STRINGS(oci_image_run, env, "Env"),
    OCI_STRINGS(oci_image_run, entrypoint, "Entrypoint"),
    OCI_STRINGS(oci_image_run, cmd, "Cmd"),
    OCI_KEYS(oci_image_run, volumes, "Volumes"),
    OCI_STRING(oci_image_run, working_dir, "WorkingDir"),
    OCI_MAP(oci_image_run, labels, "Labels"),
    OCI_STRING(oci_image_run, stop_signal, "StopSignal"),
    OCI_BOOL(oci_image_run, args_escaped, "ArgsEscaped"),
    OCI_OBJECT(oci_image_run, healthcheck, "Healthcheck", oci_healthcheck),
};
static OCI_TABLE(oci_image_run);

static const struct oci_field oci_history_fields[] = {
    OCI_STRING(oci_history, created, "created", OCI_FORM(date_time)),
    OCI_STRING(oci_history, author, "author"),
    OCI_STRING(oci_history, created_by, "created_by"),
    OCI_STRING(oci_history, comment, "comment"),
    OCI_BOOL(oci_history, empty_layer, "empty_layer"),
};
static OCI_TABLE(oci_history);

static const struct oci_field oci_image_rootfs_fields[] = {
    OCI_STRING(oci_image_rootfs, type, "type", OCI_REQUIRED, OCI_VALUES("layers")),
    OCI_STRINGS(oci_image_rootfs, diff_ids, "diff_ids", OCI_REQUIRED, OCI_FORM(digest)),
};
static OCI_TABLE(oci_image_rootfs);

static const struct oci_field oci_image_fields[] = {
    OCI_STRING(oci_image, created, "created", OCI_FORM(date_time)),
    OCI_STRING(oci_image, author, "author"),
    OCI_STRING(oci_image, architecture, "architecture", OCI_REQUIRED),
    OCI_STRING(oci_image, os, "os", OCI_REQUIRED),
    OCI_STRING(oci_image, os_version, "os.version"),
    OCI_STRINGS(oci_image, os_features, "os.features"),
    OCI_STRING(oci_image, variant, "variant"),
    OCI_OBJECT(oci_image, config, "config", oci_image_run),
    OCI_OBJECT(oci_image, rootfs, "rootfs", oci_image_rootfs, OCI_REQUIRED),
    OCI_OBJECTS(oci_image, history, "history", oci_history),
};
static OCI_TABLE(oci_image);

static const struct oci_field oci_layout_fields[] = {
    OCI_STRING(oci_layout, image_layout_version, "imageLayoutVersion", OCI_REQUIRED, OCI_VALUES("1.0.0")),
};
static OCI_TABLE(oci_layout);

/*
 * These come from registries, which nobody trusts: registries limit manifests to 4 MiB, and this many names and values
 * (a descriptor has about 8) keep json-c's tree of the worst document to some 50 MB.
 */
#define LIMITS .max_bytes = (size_t)4 * 1024 * 1024, .max_tokens = 64 * 1024

const struct oci_document oci_index_document = {.object = &oci_index_table, LIMITS};
const struct oci_document oci_manifest_document = {.object = &oci_manifest_table, LIMITS};
const struct oci_document oci_image_document = {.object = &oci_image_table, LIMITS};
const struct oci_document oci_layout_document = {.object = &oci_layout_table, LIMITS};

int oci_index_parse(struct arena *a, const char *json, size_t len, struct oci_index **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_index_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_manifest_parse(struct arena *a, const char *json, size_t len, struct oci_manifest **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_manifest_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_image_parse(struct arena *a, const char *json, size_t len, struct oci_image **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_image_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_layout_parse(struct arena *a, const char *json, size_t len, struct oci_layout **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_layout_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

void oci_index_print(const struct oci_index *i, bool pretty, struct buf *out)
{
    oci_print(&oci_index_document, i, pretty, out);
}

void oci_manifest_print(const struct oci_manifest *m, bool pretty, struct buf *out)
{
    oci_print(&oci_manifest_document, m, pretty, out);
}

void oci_image_print(const struct oci_image *i, bool pretty, struct buf *out)
{
    oci_print(&oci_image_document, i, pretty, out);
}

void oci_layout_print(const struct oci_layout *l, bool pretty, struct buf *out)
{
    oci_print(&oci_layout_document, l, pretty, out);
}
