/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/hosts, /etc/hostname and /etc/resolv.conf of a container.
 *
 * Where the image's /etc is a plain directory, or there is none, they are put into the container's writable layer,
 * below an /etc with the image's owner and mode: a file that need not be mounted costs a start least, and programs can
 * replace it. Otherwise they lie in the container's own directory and are bind mounts, as Docker has it.
 */
#ifndef COFFER_ENGINE_ETC_FILES_H
#define COFFER_ENGINE_ETC_FILES_H

#include <sys/stat.h>

#include "engine/spec.h"
#include "engine/store.h"

/* Can they lie in the writable layer? Then *ret is what its /etc is to be. For spec_request.files_in_root. */
bool etc_in_root(const struct store *s, const struct image *image, struct stat *ret);

/* Write them where the configuration expects them. directory: descriptor of the container's own; upper: of the layer. */
int etc_write(struct arena *a, const struct spec_request *request, const struct oci_config *config,
              const struct stat *etc, int directory, const char *upper, struct err *err);

#endif
