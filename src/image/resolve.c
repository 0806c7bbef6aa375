/* SPDX-License-Identifier: Apache-2.0 */
/* From what people call an image to the image. */
#include "image/resolve.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "image/digest.h"
#include "image/embedded.h"
#include "image/index.h"
#include "image/reference.h"

static bool is_hex(const char *s)
{
    return *s != '\0' && s[strspn(s, "0123456789abcdef")] == '\0';
}

/* By name, by name and digest, or by digest of the manifest. */
static bool matches_name(const struct oci_descriptor *d, const struct image_reference *ref, const char *full)
{
    const char *name = image_index_name(d);
    if (name == NULL)
        return false;
    if (ref->digest == NULL)
        return str_eq(name, full);
    if (!str_eq(d->digest, ref->digest))
        return false;
    size_t n = strlen(ref->registry), m = strlen(ref->repository);
    return strncmp(name, ref->registry, n) == 0 && name[n] == '/' && strncmp(name + n + 1, ref->repository, m) == 0 &&
           strchr(":@", name[n + 1 + m]) != NULL; /* also at its end */
}

static int find_name(struct arena *a, const struct oci_index *index, const char *text, size_t *ret, struct err *err)
{
    struct image_reference ref;
    int r = image_reference_parse(a, text, &ref, err);
    if (r < 0)
        return r;
    const char *full = image_reference_full(a, &ref);
    if (full == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "image name");
    for (size_t i = 0; i < index->manifests.n; i++) {
        if (matches_name(&index->manifests.v[i], &ref, full)) {
            *ret = i;
            return 0;
        }
    }
    return -ENOENT;
}

static int find_id(const struct oci_index *index, const char *text, size_t *ret, struct err *err)
{
    const char *hex = str_starts(text, "sha256:") ? text + strlen("sha256:") : text;
    const char *found = NULL;
    if (!is_hex(hex) || strlen(hex) > 64)
        return -ENOENT;
    for (size_t i = 0; i < index->manifests.n; i++) {
        const struct oci_descriptor *d = &index->manifests.v[i];
        const char *id = image_index_annotation(d, ANNOTATION_IMAGE_ID);
        if (id == NULL || (!str_starts(image_digest_hex(id), hex) && !str_starts(image_digest_hex(d->digest), hex)))
            continue;
        if (found != NULL && !str_eq(found, id))
            return err_set(err, -EEXIST, LAYER_IMAGE, "%s is the beginning of several images' IDs: give more digits",
                           text);
        if (found == NULL)
            *ret = i;
        found = id;
    }
    return found != NULL ? 0 : -ENOENT;
}

int image_resolve_entry(struct arena *a, const struct oci_index *index, const char *text, size_t *ret, bool *ret_by_id,
                        struct err *err)
{
    struct err name_err = ERR_INIT;
    int r = find_name(a, index, text, ret, &name_err);
    *ret_by_id = false;
    if (r == 0 || r == -ENOMEM)
        return r;
    int by_id = find_id(index, text, ret, err);
    if (by_id != -ENOENT) {
        *ret_by_id = by_id == 0;
        return by_id;
    }
    if (r == -EINVAL && err != NULL) {
        *err = name_err;
        return r;
    }
    return err_set(err, -ENOENT, LAYER_IMAGE, "no image %.200s here: coffer load or coffer import brings one", text);
}

int image_resolve_fill(struct arena *a, struct image_store *s, const struct oci_descriptor *d, struct image *ret,
                       struct err *err)
{
    struct oci_manifest *m = NULL;
    struct oci_image *config = NULL;
    const char **chains = NULL;
    int r = image_index_documents(a, s, d, &m, &config, err);
    if (r == 0)
        r = image_index_chains(a, config, &chains, err);
    if (r < 0)
        return r;
    const char *name = image_index_name(d);
    struct image image = {
        .name = name,
        .familiar = name != NULL ? image_reference_shorten(name) : NULL,
        .id = m->config->digest,
        .digest = d->digest,
        .size = (uint64_t)m->config->size,
        .config = config,
        .n_layers = m->layers.n,
        .layers = arena_calloc(a, m->layers.n + 1, sizeof *image.layers),
        .chain_ids = arena_calloc(a, m->layers.n + 1, sizeof *image.chain_ids),
    };
    for (size_t i = 0; !a->failed && i < m->layers.n; i++) {
        size_t at = m->layers.n - 1 - i;
        image.size += (uint64_t)m->layers.v[i].size;
        image.chain_ids[at] = chains[i];
        image.layers[at] = arena_printf(a, "%s/" STORE_LAYERS "/%s/fs", s->root, chains[i]);
    }
    if (a->failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "image %s", name != NULL ? name : d->digest);
    *ret = image;
    return 0;
}

int image_resolve(struct arena *a, struct image_store *s, const char *reference, struct image *ret, struct err *err)
{
    struct oci_index *index = NULL;
    size_t i = 0;
    bool by_id = false;
    int r = image_index_read(a, s, &index, err);
    if (r < 0)
        return r;
    r = image_resolve_entry(a, index, reference, &i, &by_id, err);
    if ((r == 0 || r == -ENOENT) && image_embedded_is_name(a, reference) &&
        (r == -ENOENT || !str_eq(index->manifests.v[i].digest, image_embedded_digest()))) {
        r = image_embedded_load(a, s, err);
        if (r == 0)
            r = image_index_read(a, s, &index, err);
        if (r == 0)
            r = image_resolve_entry(a, index, reference, &i, &by_id, err);
    }
    if (r == 0)
        r = image_resolve_fill(a, s, &index->manifests.v[i], ret, err);
    return r;
}

int image_list(struct arena *a, struct image_store *s, struct image **ret, size_t *ret_n, struct err *err)
{
    struct oci_index *index = NULL;
    image_store_tmp_sweep(s);
    int r = image_index_read(a, s, &index, err);
    if (r < 0)
        return r;
    struct image *list = arena_calloc(a, index->manifests.n + 1, sizeof *list);
    if (list == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "list of images");
    for (size_t i = 0; i < index->manifests.n; i++)
        if ((r = image_resolve_fill(a, s, &index->manifests.v[i], &list[i], err)) < 0)
            return r;
    *ret = list;
    *ret_n = index->manifests.n;
    return 0;
}
