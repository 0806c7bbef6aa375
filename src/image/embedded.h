/* SPDX-License-Identifier: Apache-2.0 */
/* The image in the executable, put into the store without a library: where each part lies is known since the build. */
#ifndef COFFER_IMAGE_EMBEDDED_H
#define COFFER_IMAGE_EMBEDDED_H

#include <stdbool.h>

#include "image/image.h"

/* Does this mean IMAGE_EMBEDDED_NAME, in whatever form? */
bool image_embedded_is_name(struct arena *a, const char *reference);

const char *image_embedded_digest(void); /* of its manifest */

/* Enter it into the store under its name. */
int image_embedded_load(struct arena *a, struct image_store *s, struct err *err);

#endif
