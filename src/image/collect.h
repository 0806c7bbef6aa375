/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no image uses any more. All of it under the exclusive lock.
 *
 * A file "unfinished" in the store says that somebody is between his first change and his last. Who gets the lock and
 * finds it there knows that its maker was killed, and collects what was left: so no kill leaves anything behind for
 * longer than until the next load, import or removal.
 */
#ifndef COFFER_IMAGE_COLLECT_H
#define COFFER_IMAGE_COLLECT_H

#include "image/index.h"
#include "image/store.h"

int image_collect_begin(struct image_store *s, struct err *err); /* put the mark there */
void image_collect_end(struct image_store *s);                   /* all done: take it away */
int image_collect_if_unfinished(struct image_store *s, struct store_tmp *tmp, struct err *err);

/*
 * Remove blobs and layers that no entry of the index leads to. Layers go into tmp, to be removed with it when the lock
 * is free again. Where an entry cannot be read nothing is removed.
 */
int image_collect(struct image_store *s, struct store_tmp *tmp, struct err *err);

/* The container that holds an image (storage.h), or NULL: nobody. */
int image_collect_holder(struct arena *a, struct image_store *s, const char *image_id, const char **ret,
                         struct err *err);

#endif
