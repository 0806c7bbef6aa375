/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/buf.h"
#include "base/str.h"
#include "image/index.h"
#include "image/load.h"
#include "oci/table.h"

/* manifest.json is an array of these; it is read as the one member of an object. */
struct docker_entry {
    char *config;
    struct oci_strs repo_tags, layers;
    struct oci_extra *extra;
};

struct docker_archive {
    OCI_ARRAY(struct docker_entry) images;
    struct oci_extra *extra;
};

static const struct oci_field docker_entry_fields[] = {
    OCI_STRING(docker_entry, config, "Config", OCI_REQUIRED),
    OCI_STRINGS(docker_entry, repo_tags, "RepoTags"),
    OCI_STRINGS(docker_entry, layers, "Layers", OCI_REQUIRED),
};
static const struct oci_object docker_entry_table = {
    .fields = docker_entry_fields,
    .n = ARRAY_LEN(docker_entry_fields),
    .size = sizeof(struct docker_entry),
    .extra = offsetof(struct docker_entry, extra),
};
static const struct oci_field docker_archive_fields[] = {
    OCI_OBJECTS(docker_archive, images, "images", docker_entry, OCI_REQUIRED),
};
static const struct oci_object docker_archive_table = {
    .fields = docker_archive_fields,
    .n = ARRAY_LEN(docker_archive_fields),
    .size = sizeof(struct docker_archive),
    .extra = offsetof(struct docker_archive, extra),
};
static const struct oci_document docker_archive_document = {
    .object = &docker_archive_table,
    .max_bytes = DOCUMENT_MAX + 32,
    .max_tokens = 200000,
};

static int read_entries(struct arena *a, struct spool *spool, struct docker_archive **ret, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    char *json = NULL;
    size_t len = 0;
    void *archive = NULL;
    int r = image_spool_text(a, spool, image_spool_find(spool, "manifest.json"), &json, &len, err);
    if (r < 0)
        return r;
    buf_puts(&text, "{\"images\":");
    buf_add(&text, json, len);
    buf_puts(&text, "}");
    if (text.failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "loading the image");
    r = oci_parse(a, &docker_archive_document, text.data, text.len, &archive, err);
    if (r < 0) {
        err_prefix(err, "manifest.json of the archive");
        return r;
    }
    *ret = archive;
    return 0;
}

static int load_entry(struct arena *a, struct spool *spool, const struct docker_entry *entry, struct new_image *image,
                      struct err *err)
{
    char *json = NULL;
    size_t len = 0;
    struct oci_image *config = NULL;
    image->config = image_spool_find(spool, entry->config);
    if (image->config == NULL)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive lacks the configuration that its manifest.json names");
    int r = image_spool_text(a, spool, image->config, &json, &len, err);
    if (r == 0)
        r = oci_image_parse(a, json, len, &config, err);
    if (r < 0)
        return r;
    struct oci_manifest shape = {.layers = {.n = entry->layers.n}};
    image->image = config;
    if ((r = image_index_check_pair(&shape, config, err)) < 0 || (r = image_load_layers(a, image, err)) < 0)
        return r;
    for (size_t i = 0; i < image->n_layers; i++) {
        image->layers[i].blob = image_spool_find(spool, entry->layers.v[i]);
        if (image->layers[i].blob == NULL)
            return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive lacks layer %zu that its manifest.json names",
                           i + 1);
    }
    image->names = arena_calloc(a, entry->repo_tags.n + 1, sizeof *image->names);
    for (size_t i = 0; image->names != NULL && i < entry->repo_tags.n; i++) {
        const char *name = image_load_name(a, entry->repo_tags.v[i]);
        if (name != NULL)
            image->names[image->n_names++] = name;
    }
    return a->failed ? err_set_errno(err, -ENOMEM, LAYER_IMAGE, "loading the image")
                     : image_load_make_manifest(a, spool, image, err);
}

int image_load_docker(struct arena *a, struct spool *spool, struct publication *p, struct err *err)
{
    struct docker_archive *archive = NULL;
    int r = read_entries(a, spool, &archive, err);
    if (r < 0)
        return r;
    if (archive == NULL || archive->images.n == 0)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's manifest.json names no image");
    for (size_t i = 0; r == 0 && i < archive->images.n; i++) {
        struct new_image *image = image_load_add(a, p, archive->images.n);
        if (image == NULL)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "loading the image");
        r = load_entry(a, spool, &archive->images.v[i], image, err);
    }
    return r;
}
