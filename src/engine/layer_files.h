/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of an image, seen as overlayfs would show it, without mounting anything: the topmost layer wins, whiteouts and
 * opaque directories hide what is below, symbolic links are followed inside the image only.
 *
 * Image contents are not trusted. Every step opens one component without following it, from a descriptor of the
 * directory before; where a link leads is worked out here, with the image's root as the root.
 */
#ifndef COFFER_ENGINE_LAYER_FILES_H
#define COFFER_ENGINE_LAYER_FILES_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"

/*
 * The regular file at path ("etc/passwd"), at most max bytes, NUL-terminated. layers: directories, topmost first.
 * -ENOENT: the image has no such file; -EFBIG; -ELOOP; -EINVAL: not a regular file.
 */
int layer_file_read(struct arena *a, const char *const *layers, size_t n_layers, const char *path, size_t max,
                    char **ret);

/*
 * The directory name at the image's root, as the container sees it: its owner and mode in *ret, and 1 where it has
 * nothing more to it (extended attributes), else 0. -ENOENT: there is none; -ENOTDIR: it is something else.
 */
int layer_directory(struct arena *a, const char *const *layers, size_t n_layers, const char *name, struct stat *ret);

#endif
