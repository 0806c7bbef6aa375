/* SPDX-License-Identifier: Apache-2.0 */
/* The store's directories, its lock, and work in progress below tmp/. For image/ and storage/ only. */
#ifndef COFFER_IMAGE_STORE_H
#define COFFER_IMAGE_STORE_H

#include <stdbool.h>

#include "base/err.h"
#include "image/archive_lib.h"
#include "image/crypto_lib.h"

#define STORE_IMAGES "images"
#define STORE_BLOBS "images/blobs/sha256"
#define STORE_LAYERS "layers"
#define STORE_CONTAINERS "containers"
#define STORE_TMP "tmp"
#define STORE_RESERVE "reserve" /* see image_index_write() */
/*
 * containers/<id>/image: symbolic link whose target is the beginning of the ID of the image in use. A link of this
 * length lies in its inode (ext4), a whole ID takes a block of its own; 52 hex digits of a hash are enough of a name.
 */
#define STORE_HOLD "image"
#define STORE_HOLD_LENGTH 59

struct image_store {
    int root_fd;
    char *root; /* absolute */
    struct archive_lib archive; /* loaded on first use */
    struct crypto_lib crypto;
};

/* Create what a writer needs: the directories and images/oci-layout. */
int image_store_make(struct image_store *s, struct err *err);

/*
 * The lock. exclusive: to change names or layers; shared: to take layers. Waits; the descriptor is the lock.
 * With exclusive, everything that was renamed into place before it is closed must be a whole.
 */
int image_store_lock(struct image_store *s, bool exclusive, int *ret_fd, struct err *err);

/* A directory of our own below tmp/, locked for as long as its descriptor is open. */
struct store_tmp {
    int fd;
    char name[32]; /* "" when there is none */
    struct image_store *store;
};
#define STORE_TMP_INIT {.fd = -EBADF}
int image_store_tmp_make(struct image_store *s, struct store_tmp *ret, struct err *err);

/*
 * For who only removes, on a disk that has no room for another directory: tmp/ itself, not swept by others meanwhile.
 * What is put there is removed with it. Nothing may be made there.
 */
int image_store_tmp_shared(struct image_store *s, struct store_tmp *ret, struct err *err);
void image_store_tmp_remove(struct store_tmp *t);
#define CLEANUP_STORE_TMP CLEANUP(image_store_tmp_remove)

/* Remove what dead processes left below tmp/. Never fails for what it cannot remove now. */
void image_store_tmp_sweep(struct image_store *s);

/* errno with a path, layer storage; a full disk and a read-only one say what to do. */
int image_store_error(struct image_store *s, int code, const char *what, struct err *err);

#endif
