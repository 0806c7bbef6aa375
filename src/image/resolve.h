/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an image's entry in the index: the part of image_resolve() that image_remove() needs as well. */
#ifndef COFFER_IMAGE_RESOLVE_H
#define COFFER_IMAGE_RESOLVE_H

#include "image/image.h"

/* -ENOENT, -EEXIST, -EINVAL as image_resolve(). *ret_by_id: it was no name. */
int image_resolve_entry(struct arena *a, const struct oci_index *index, const char *text, size_t *ret, bool *ret_by_id,
                        struct err *err);

int image_resolve_fill(struct arena *a, struct image_store *s, const struct oci_descriptor *d, struct image *ret,
                       struct err *err);

#endif
