/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/collect.h"
#include "image/reference.h"
#include "image/resolve.h"

/* On an entry that was removed by force while a container holds it: it goes when the container is gone. */
#define ANNOTATION_REMOVED "org.cofferdam.image.removed"

struct removing {
    struct arena *a;
    struct image_store *store;
    struct oci_index *index;
    const char *image_id;
    bool force;
    struct image_removed result;
};

static const char *id_of(const struct oci_descriptor *d)
{
    const char *id = image_index_annotation(d, ANNOTATION_IMAGE_ID);
    return id != NULL ? id : d->digest;
}

static size_t count_entries(const struct removing *rm)
{
    size_t n = 0;
    for (size_t i = 0; i < rm->index->manifests.n; i++)
        n += str_eq(id_of(&rm->index->manifests.v[i]), rm->image_id);
    return n;
}

static void untag(struct removing *rm, size_t i)
{
    const char *name = image_index_name(&rm->index->manifests.v[i]);
    if (name != NULL)
        rm->result.untagged[rm->result.n_untagged++] = image_reference_shorten(name);
    image_index_drop(rm->index, i);
}

/* Drop the entries that were meant; *ret_last is one of them when no other entry of the image is left. */
static int drop_entries(struct removing *rm, size_t at, bool by_id, struct oci_descriptor *ret_last, bool *ret_gone,
                        struct err *err)
{
    size_t n = count_entries(rm);
    *ret_last = rm->index->manifests.v[at];
    if (by_id && n > 1 && !rm->force)
        return err_set(err, -EBUSY, LAYER_IMAGE, "image %.19s has %zu names: remove them one by one, or all with "
                       "--force", rm->image_id, n);
    rm->result.untagged = arena_calloc(rm->a, n + 1, sizeof *rm->result.untagged);
    if (rm->result.untagged == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "removing the image");
    if (!by_id)
        untag(rm, at);
    for (size_t i = rm->index->manifests.n; by_id && i > 0; i--)
        if (str_eq(id_of(&rm->index->manifests.v[i - 1]), rm->image_id))
            untag(rm, i - 1);
    *ret_gone = count_entries(rm) == 0;
    return 0;
}

/* The image stays for a container's sake, marked. */
static int keep_held(struct removing *rm, struct oci_descriptor *d, struct err *err)
{
    size_t n = rm->index->manifests.n;
    struct oci_descriptor *v = arena_calloc(rm->a, n + 1, sizeof *v);
    struct oci_pair *pairs = arena_calloc(rm->a, 2, sizeof *pairs);
    if (v == NULL || pairs == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "removing the image");
    pairs[0] = (struct oci_pair){arena_strdup(rm->a, ANNOTATION_IMAGE_ID), arena_strdup(rm->a, rm->image_id)};
    pairs[1] = (struct oci_pair){arena_strdup(rm->a, ANNOTATION_REMOVED), arena_strdup(rm->a, "true")};
    if (n > 0)
        memcpy(v, rm->index->manifests.v, n * sizeof *v);
    v[n] = *d;
    v[n].annotations = (struct oci_map){.v = pairs, .n = 2, .set = true};
    rm->index->manifests.v = v;
    rm->index->manifests.n++;
    return rm->a->failed ? err_set_errno(err, -ENOMEM, LAYER_IMAGE, "removing the image") : 0;
}

/* Those that waited for their container to go. */
static int drop_waiting(struct removing *rm, struct err *err)
{
    for (size_t i = rm->index->manifests.n; i > 0; i--) {
        const struct oci_descriptor *d = &rm->index->manifests.v[i - 1];
        const char *holder = NULL;
        if (image_index_annotation(d, ANNOTATION_REMOVED) == NULL)
            continue;
        int r = image_collect_holder(rm->a, rm->store, id_of(d), &holder, err);
        if (r < 0)
            return r;
        if (holder == NULL)
            image_index_drop(rm->index, i - 1);
    }
    return 0;
}

static int remove_locked(struct removing *rm, const char *reference, struct err *err)
{
    size_t at = 0;
    bool by_id = false, gone = false;
    struct oci_descriptor last;
    const char *holder = NULL;
    int r = image_index_read(rm->a, rm->store, &rm->index, err);
    if (r == 0)
        r = image_resolve_entry(rm->a, rm->index, reference, &at, &by_id, err);
    if (r < 0)
        return r;
    rm->image_id = id_of(&rm->index->manifests.v[at]);
    if ((r = drop_entries(rm, at, by_id, &last, &gone, err)) < 0)
        return r;
    if (gone && (r = image_collect_holder(rm->a, rm->store, rm->image_id, &holder, err)) < 0)
        return r;
    if (holder != NULL && !rm->force)
        return err_set(err, -EBUSY, LAYER_IMAGE, "image %.200s is in use by container %.64s: remove the container "
                       "first, or take only the name with --force", reference, holder);
    if (holder != NULL)
        r = keep_held(rm, &last, err);
    if (gone && holder == NULL)
        rm->result.deleted = rm->image_id;
    return r < 0 ? r : drop_waiting(rm, err);
}

int image_remove(struct arena *a, struct image_store *store, const char *reference, bool force,
                 struct image_removed *ret, struct err *err)
{
    struct removing rm = {.a = a, .store = store, .force = force};
    int r = image_store_make(store, err);
    if (r < 0)
        return r;
    image_store_tmp_sweep(store);
    CLEANUP_STORE_TMP struct store_tmp tmp = STORE_TMP_INIT; /* cleared when the lock is free again */
    CLEANUP_FD int lock = -EBADF;
    r = image_store_tmp_make(store, &tmp, err);
    if (r == -ENOSPC || r == -EDQUOT)
        r = image_store_tmp_shared(store, &tmp, err);
    if (r == 0)
        r = image_store_lock(store, true, &lock, err);
    if (r == 0)
        r = image_collect_if_unfinished(store, &tmp, err);
    if (r == 0)
        r = remove_locked(&rm, reference, err);
    if (r == 0)
        r = image_collect_begin(store, err);
    if (r == 0)
        r = image_index_write(store, &tmp, rm.index, true, err);
    if (r == 0)
        r = image_collect(store, &tmp, err);
    if (r < 0)
        return r;
    image_collect_end(store);
    image_index_reserve(store); /* where the index took it, and what was freed by now lets there be another */
    *ret = rm.result;
    return 0;
}
