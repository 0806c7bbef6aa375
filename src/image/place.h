/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a layer's directory an entry goes: its name checked, its parent opened, what is in the way removed. */
#ifndef COFFER_IMAGE_PLACE_H
#define COFFER_IMAGE_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct place {
    int root;         /* the layer's directory; not ours */
    const int *below; /* see unpack.h */
    size_t n_below;
    bool trusted;     /* overlay's xattrs go to trusted.*; known after the first */
    bool trusted_known;
    /* The parent of the entry before, since entries mostly come directory by directory. */
    char parent_path[PATH_MAX];
    int parent;
    bool stale; /* something was replaced since */
};

void image_place_init(struct place *p, int root, const int *below, size_t n_below);
void image_place_done(struct place *p);
#define CLEANUP_PLACE CLEANUP(image_place_done)

/* An entry's name split into parent ("" is the layer's top) and last component ("": the entry is the top itself). */
struct place_name {
    char parent[PATH_MAX];
    char base[NAME_MAX + 1];
};
int image_place_name(const char *name, struct place_name *ret, struct err *err);

/* O_PATH descriptor of the parent, made with its own parents where missing. Borrowed, until the next call. */
int image_place_parent(struct place *p, const char *parent, struct err *err);

/* O_PATH descriptor of a directory that is there already; a negative errno without text where it is not. */
int image_place_find(struct place *p, const char *parent, int *ret_fd);

/*
 * Remove base below the parent that image_place_parent() gave, for something else takes its name. *ret_whiteout: it
 * was a whiteout, so a directory that comes here must be opaque.
 */
int image_place_clear(struct place *p, int parent, const char *base, bool *ret_whiteout, struct err *err);

/* Mark the directory behind fd (not O_PATH) opaque for overlayfs. */
int image_place_opaque(struct place *p, int fd, struct err *err);

/* A whiteout of base. What the same layer holds under that name stays, a directory then hides what is below. */
int image_place_whiteout(struct place *p, int parent, const char *base, struct err *err);

/* An archive's name for a message: what is not printable becomes '?', what is long is cut. */
#define SHOWN_SIZE 160
const char *image_place_show(const char *name, char buf[static SHOWN_SIZE]);

#endif
