/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/str.h"
#include "image/index.h"
#include "image/load.h"

#define NESTING_MAX 4 /* indexes within indexes */

static int no_memory(struct err *err)
{
    return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "loading the image");
}

static bool is_index(const char *media_type)
{
    return str_eq(media_type, MEDIA_OCI_INDEX) || str_eq(media_type, MEDIA_DOCKER_INDEX);
}

static bool is_manifest(const char *media_type)
{
    return str_eq(media_type, MEDIA_OCI_MANIFEST) || str_eq(media_type, MEDIA_DOCKER_MANIFEST);
}

static bool is_layer(const char *media_type)
{
    static const char *const known[] = {
        MEDIA_OCI_LAYER,
        MEDIA_OCI_LAYER "+gzip",
        MEDIA_OCI_LAYER "+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(media_type, known[i]))
            return true;
    return false;
}

static bool fits_here(const struct oci_platform *platform)
{
    const char *own = image_load_architecture();
    return platform == NULL || ((platform->os == NULL || str_eq(platform->os, "linux")) &&
                                (platform->architecture == NULL || str_eq(platform->architecture, own)));
}

/* Built for every processor of its architecture, not only for newer ones (amd64/v3)? */
static bool is_baseline(const struct oci_platform *platform)
{
    return platform == NULL || platform->variant == NULL || str_eq(platform->variant, "v1") ||
           str_eq(platform->variant, "v8");
}

static int load_manifest(struct arena *a, struct spool *spool, const struct oci_descriptor *d, const char *name,
                         struct new_image *image, struct err *err)
{
    char *json = NULL;
    size_t len = 0;
    struct oci_manifest *m = NULL;
    struct oci_image *config = NULL;
    int r = image_spool_blob(spool, d->digest, d->size, &image->manifest, err);
    if (r == 0)
        r = image_spool_text(a, spool, image->manifest, &json, &len, err);
    if (r == 0)
        r = oci_manifest_parse(a, json, len, &m, err);
    if (r < 0)
        return r;
    if (m->config == NULL || !(str_eq(m->config->media_type, MEDIA_OCI_CONFIG) ||
                               str_eq(m->config->media_type, MEDIA_DOCKER_CONFIG)))
        return err_set(err, -EINVAL, LAYER_IMAGE, "%s is an artifact of type %.100s and no image that could run",
                       name != NULL ? name : d->digest,
                       m->artifact_type != NULL ? m->artifact_type
                                                : (m->config != NULL ? m->config->media_type : "unknown"));
    r = image_spool_blob(spool, m->config->digest, m->config->size, &image->config, err);
    if (r == 0)
        r = image_spool_text(a, spool, image->config, &json, &len, err);
    if (r == 0)
        r = oci_image_parse(a, json, len, &config, err);
    if (r == 0)
        r = image_index_check_pair(m, config, err);
    if (r < 0)
        return r;
    image->image = config;
    image->manifest_type = d->media_type;
    if ((r = image_load_layers(a, image, err)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < m->layers.n; i++) {
        if (!is_layer(m->layers.v[i].media_type))
            return err_set(err, -EINVAL, LAYER_IMAGE, "layer %zu of %s has the type %.100s, which is no file system "
                           "layer that could be unpacked", i + 1, name != NULL ? name : d->digest,
                           m->layers.v[i].media_type);
        r = image_spool_blob(spool, m->layers.v[i].digest, m->layers.v[i].size, &image->layers[i].blob, err);
    }
    if (r == 0 && name != NULL) {
        image->names = arena_calloc(a, 2, sizeof *image->names);
        if (image->names == NULL)
            return no_memory(err);
        image->names[image->n_names++] = name;
    }
    return r;
}

static int read_index(struct arena *a, struct spool *spool, const struct oci_descriptor *d, struct oci_index **ret,
                      struct err *err)
{
    const struct spool_file *f = NULL;
    char *json = NULL;
    size_t len = 0;
    int r = image_spool_blob(spool, d->digest, d->size, &f, err);
    if (r == 0)
        r = image_spool_text(a, spool, f, &json, &len, err);
    return r < 0 ? r : oci_index_parse(a, json, len, ret, err);
}

/* Down to the manifest for this machine. */
static int choose(struct arena *a, struct spool *spool, const struct oci_descriptor *d,
                  const struct oci_descriptor **ret, struct err *err)
{
    for (int depth = 0; depth < NESTING_MAX; depth++) {
        if (is_manifest(d->media_type)) {
            *ret = d;
            return 0;
        }
        if (!is_index(d->media_type))
            return err_set(err, -EINVAL, LAYER_IMAGE, "the archive's index leads to a document of type %.100s, which "
                           "is no image", d->media_type);
        struct oci_index *index = NULL;
        int r = read_index(a, spool, d, &index, err);
        if (r < 0)
            return r;
        const struct oci_descriptor *found = NULL;
        for (int any_variant = 0; found == NULL && any_variant < 2; any_variant++)
            for (size_t i = 0; found == NULL && i < index->manifests.n; i++)
                if (fits_here(index->manifests.v[i].platform) &&
                    (any_variant || is_baseline(index->manifests.v[i].platform)))
                    found = &index->manifests.v[i];
        if (found == NULL)
            return err_set(err, -ENOENT, LAYER_IMAGE, "the archive has no image for linux/%s",
                           image_load_architecture());
        d = found;
    }
    return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's indexes are nested too deeply");
}

/* containerd's and Docker's annotation holds the full name; the specification's may hold one, or no more than a tag. */
static const char *name_of(struct arena *a, const struct oci_descriptor *d)
{
    const char *name = image_load_name(a, image_index_annotation(d, ANNOTATION_FULL_NAME));
    return name != NULL ? name : image_load_name(a, image_index_annotation(d, ANNOTATION_REF_NAME));
}

/* Of entries with one name, for several machines, the ones for others are passed over. */
static bool wanted(const struct oci_index *index, size_t i)
{
    const struct oci_descriptor *d = &index->manifests.v[i];
    if (fits_here(d->platform))
        return true;
    for (size_t k = 0; k < index->manifests.n; k++)
        if (k != i && fits_here(index->manifests.v[k].platform))
            return false;
    return true;
}

int image_load_oci(struct arena *a, struct spool *spool, struct publication *p, struct err *err)
{
    char *json = NULL;
    size_t len = 0;
    struct oci_index *index = NULL;
    int r = image_spool_text(a, spool, image_spool_find(spool, "index.json"), &json, &len, err);
    if (r == 0)
        r = oci_index_parse(a, json, len, &index, err);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < index->manifests.n; i++) {
        const struct oci_descriptor *d = NULL;
        if (!wanted(index, i))
            continue;
        const char *name = name_of(a, &index->manifests.v[i]);
        r = choose(a, spool, &index->manifests.v[i], &d, err);
        struct new_image *image = r == 0 ? image_load_add(a, p, index->manifests.n) : NULL;
        if (r == 0)
            r = image == NULL ? no_memory(err) : load_manifest(a, spool, d, name, image, err);
    }
    if (r == 0 && p->n_images == 0)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's index.json names no image");
    return a->failed && r == 0 ? no_memory(err) : r;
}
