/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/hosts, /etc/hostname and /etc/resolv.conf of a container.
 *
 * Where the image's /etc is a plain directory, or there is none, they are an image layer of the container's own, above
 * the image's: a directory with an /etc of the same owner and mode and these three files. That costs a start least (no
 * mounts, and for the default store nothing on disk), programs can replace the files, and what the container writes is
 * still all that lies in its writable layer. Otherwise the files are bind mounts, as Docker has it.
 *
 * The layer lies in store->files_root, which is a memory file system, or below the container's own directory.
 */
#ifndef COFFER_ENGINE_ETC_FILES_H
#define COFFER_ENGINE_ETC_FILES_H

#include <sys/stat.h>

#include "engine/spec.h"
#include "engine/store.h"

/* Can they be a layer? Then *ret is what its /etc is to be. For spec_request.files_in_root. */
bool etc_in_root(const struct store *s, const struct image *image, struct stat *ret);

/*
 * Write them where the configuration expects them. *ret_layer is the layer's path, or NULL where there is none;
 * directory is a descriptor of the container's own.
 */
int etc_write(const struct store *s, const struct container *c, const struct spec_request *request,
              const struct oci_config *config, const struct stat *etc, int directory, const char **ret_layer,
              struct err *err);

/* Take the layer away. */
void etc_remove(const struct store *s, const struct container *c);

#endif
