/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does an image hold 32-bit programs? The answer decides whether its containers keep the kernel's 32-bit doors
 * (profiles' compat32 = auto). A layer is looked through once, when it is loaded or first run, and the answer is kept
 * beside it: <root>/layers/<chain>/programs32, "yes" or "no".
 */
#ifndef COFFER_ENGINE_PROGRAMS32_H
#define COFFER_ENGINE_PROGRAMS32_H

#include <stdbool.h>

#include "base/arena.h"
#include "image/image.h"

/* true also where it cannot be found out. */
bool programs32_in_image(struct arena *a, const struct image *image);

/* Look through the files below a directory: 1, 0 or a negative errno. */
int programs32_scan(const char *directory);

#endif
