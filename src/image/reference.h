/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references as Docker writes and completes them (distribution/reference): [registry/]repository[:tag][@digest].
 * A first component is a registry where it has a '.', a ':' or an upper-case letter, or is "localhost"; otherwise the
 * registry is docker.io, and a repository of one component there is below library/. Without tag and digest: latest.
 */
#ifndef COFFER_IMAGE_REFERENCE_H
#define COFFER_IMAGE_REFERENCE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct image_reference {
    const char *registry;   /* "docker.io", "localhost:5000" */
    const char *repository; /* "library/nginx" */
    const char *tag;        /* NULL only where a digest was given without one */
    const char *digest;     /* "sha256:..." or NULL */
};

/* Layer image, -EINVAL, with what is wrong and where. */
int image_reference_parse(struct arena *a, const char *text, struct image_reference *ret, struct err *err);

/* "docker.io/library/nginx:latest"; with a digest it follows as "@sha256:...". NULL: memory is out. */
const char *image_reference_full(struct arena *a, const struct image_reference *r);

/* "nginx:latest". */
const char *image_reference_familiar(struct arena *a, const struct image_reference *r);

/* The familiar form of a full name as image_reference_full() made it; a pointer into it. */
const char *image_reference_shorten(const char *full);

#endif
