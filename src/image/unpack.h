/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer's archive into one directory, the archive being hostile.
 *
 * libarchive reads; every file is made here, relative to a descriptor of its parent directory, which the kernel
 * resolved with RESOLVE_IN_ROOT below the layer's own directory. Names decide nothing else:
 *
 *   absolute names          are taken from the layer's top, as everywhere with images
 *   ".." in a name          refused
 *   links as parents        followed inside the layer only ("/etc" is the layer's); one that leads nowhere is refused
 *   a name that exists      a directory stays and gets the new owner and mode; anything else is replaced
 *   hard links              to entries of the same layer only, never through a final link, never to a directory
 *   symbolic links          kept as they are, whatever they say: the container resolves them in its own root
 *   a NUL in a PAX name     ends it
 *   .wh.NAME                overlayfs' whiteout: character device 0/0; nothing, where NAME's directory is a file here
 *   .wh..wh..opq            overlayfs' opaque xattr; other .wh..wh. names (aufs' own) are left out
 *   device nodes            made with CAP_MKNOD in the initial user namespace, else left out and counted
 *   set-user-ID, -group-ID  kept; owners first, mode after, or the kernel would drop them
 *   xattrs                  user.*, security.capability and POSIX ACLs are kept; overlayfs' own (trusted.overlay.*,
 *                           user.overlay.*) and all of trusted.* are refused, for they could redirect a directory into
 *                           other layers; labels of the building host (security.selinux, .ima, ...) are left out
 *   sparse files            stay sparse
 *   other entry types       refused
 *
 * A parent directory that the archive does not name gets mode and owner of the same directory in the layers below, or
 * 0755 and root.
 */
#ifndef COFFER_IMAGE_UNPACK_H
#define COFFER_IMAGE_UNPACK_H

#include "image/inflate.h"

struct unpack_request {
    struct image_store *store;
    struct byte_source source; /* decompressed */
    struct image_limits limits;
    int dir;          /* the layer's empty directory, readable */
    const int *below; /* directories of the layers below, topmost first */
    size_t n_below;
};

struct unpack_counts {
    uint64_t entries, bytes, skipped_devices, owners_lost;
};

/* On failure dir holds a part, which the caller throws away. Reads the source up to the archive's end, not further. */
int image_layer_unpack(const struct unpack_request *request, struct unpack_counts *ret, struct err *err);

#endif
