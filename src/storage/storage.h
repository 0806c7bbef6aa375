/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: what a container writes, over the layers of its image (copy-on-write by overlayfs).
 *
 *   <root>/containers/<id>/upper, work   overlay's writable layer and its work directory. Both below one directory,
 *                                        because overlay wants them on one mount and the whole is seen through one
 *                                        idmapped mount where the container has a user namespace.
 *   <root>/containers/<id>/image         symbolic link to the beginning of the image's ID: while it is there, the
 *                                        image's layers stay (image_remove).
 *
 * The engine keeps its own records in <root>/containers/<id>/ too.
 */
#ifndef COFFER_STORAGE_STORAGE_H
#define COFFER_STORAGE_STORAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "image/image.h"

struct snapshot {
    const char *dir;          /* absolute: <root>/containers/<id> */
    const char *upper, *work; /* absolute, below dir */
};

/*
 * Make the writable layer of container id ([A-Za-z0-9_.+-]{1,255}, not "." or "..") over image, and hold the image.
 * image may be NULL (a container on a directory of the host). -EEXIST: there is one already. -ENOENT: the image was
 * removed since it was resolved. On failure nothing is left.
 */
int snapshot_prepare(struct arena *a, struct image_store *store, const char *id, const struct image *image,
                     struct snapshot *ret, struct err *err);

/* Remove what the container wrote and its hold on the image, and <id>/ itself when nothing else is in it. Twice without
 * harm. The container's mounts must be gone. */
int snapshot_remove(struct image_store *store, const char *id, struct err *err);

#endif
