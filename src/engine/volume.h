/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts that a person asks for: --volume, --mount and --tmpfs in Docker's forms, checked. */
#ifndef COFFER_ENGINE_VOLUME_H
#define COFFER_ENGINE_VOLUME_H

#include "engine/spec_private.h"

struct volume {
    const char *destination, *type, *source;
    struct oci_strs options;
    const char *flag, *text; /* where it came from */
};

struct volumes {
    struct volume *v;
    size_t n;
};

/*
 * Read all three flags of s->o, in this order: --volume, --mount, --tmpfs. A source that does not exist, two mounts at
 * one place, an unknown option: refused. Sources are made absolute but not resolved further: that is the rootfs
 * layer's, which holds them by descriptor.
 */
int volumes_read(struct spec *s, struct volumes *ret);

#endif
