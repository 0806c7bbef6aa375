/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: named, verified, unpacked once, shared by every container.
 *
 * The store below one root directory (mode 0700: a layer holds set-user-ID files and device nodes that no other user
 * of the host may reach):
 *
 *   images/oci-layout, images/index.json, images/blobs/sha256/<hex>
 *                         an OCI image layout (image-spec 1.1, image-layout.md). Each descriptor of index.json carries
 *                         org.opencontainers.image.ref.name and io.containerd.image.name (the full name; absent for an
 *                         image without one) and org.cofferdam.image.id (digest of the image's configuration).
 *   layers/<hex>/fs       an unpacked layer. <hex> is its chain ID (image-spec, config.md), so that an equal stack of
 *                         layers is shared. Whiteouts are in overlayfs' form.
 *   containers/<id>/      one container's writable layer: see storage/storage.h
 *   tmp/<name>/           work in progress. Its maker holds a lock on the directory; what a dead process left is
 *                         cleared by the next load, import or removal.
 *   lock                  flock: shared while a container takes its layers, exclusive while names or layers change.
 *
 * Nothing is visible in images/ or layers/ before it was verified and synced: everything is made below tmp/ and renamed
 * into place under the lock, index.json last. So a kill at any time, two processes that load the same image, and a
 * full disk all leave a store that is whole.
 *
 * Ownership. Files get the archive's numeric owners. That takes CAP_CHOWN over these ids: either as root, or inside a
 * user namespace whose maps cover them (subuid(5)) - the caller has to enter it first; every function here works there.
 * Without either, files stay the caller's and image_loaded.owners_lost counts them; an id that the caller's user
 * namespace does not map is an error that names it. Device nodes need CAP_MKNOD in the initial user namespace, and are
 * otherwise left out and counted (a container gets its own /dev). Whiteouts need no privilege. An opaque directory is
 * marked with trusted.overlay.opaque, or where that is not permitted with user.overlay.opaque, for which overlay must
 * be mounted with "userxattr".
 *
 * What a layer archive may not do, and what happens then: see unpack.h.
 *
 * Looking up an image reads a few small files. libarchive and libcrypto are loaded by the functions that need them
 * (image_load, image_import), never by image_resolve.
 */
#ifndef COFFER_IMAGE_IMAGE_H
#define COFFER_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/image_spec.h"
#include "sys/host.h"

struct image_store;

/* /var/lib/coffer for root of the initial user namespace, else $XDG_DATA_HOME/coffer or ~/.local/share/coffer. */
int image_store_default_root(struct arena *a, const struct host *host, const char **ret, struct err *err);

/*
 * Open the store below root (absolute, or relative to the working directory), making the directory if it is missing.
 * One store may be used by one thread at a time; any number of processes may have it open.
 */
int image_store_open(const char *root, struct image_store **ret, struct err *err);
void image_store_close(struct image_store **store);
#define CLEANUP_IMAGE_STORE CLEANUP(image_store_close)

struct image {
    const char *name;     /* full name, "docker.io/library/nginx:latest"; NULL: the image has none (any more) */
    const char *familiar; /* the same as people write it, "nginx:latest"; NULL likewise */
    const char *id;       /* digest of the configuration, "sha256:..." */
    const char *digest;   /* digest of the manifest, "sha256:..." */
    uint64_t size;        /* of the configuration and the layers as stored, bytes */
    const struct oci_image *config;
    const char **layers;  /* "fs" directories, absolute, topmost first: overlay's order; n_layers and a NULL */
    const char **chain_ids; /* without "sha256:", in the same order */
    size_t n_layers;
};

/*
 * Find an image: by name as Docker resolves it ("nginx", "nginx:1.27", "localhost:5000/x@sha256:..."), by ID
 * ("sha256:..." or hex), or by the unambiguous beginning of an ID. The name of the embedded image
 * (IMAGE_EMBEDDED_NAME) is unpacked into the store when it is not there yet, or there from another build.
 * -ENOENT: no such image. -EEXIST: the short ID fits several.
 */
int image_resolve(struct arena *a, struct image_store *store, const char *reference, struct image *ret,
                  struct err *err);

/*
 * All images, one entry a name, in the order in which they came. Configurations are read; layers[] is filled too.
 * Clears what loads and imports that were killed left in tmp/, so that who looks for his lost space finds it free.
 */
int image_list(struct arena *a, struct image_store *store, struct image **ret, size_t *ret_n, struct err *err);

/* Bounds on what an archive may ask for; 0: the default. */
struct image_limits {
    uint64_t max_bytes;   /* unpacked size of one layer, and of one whole archive: 256 GiB */
    uint64_t free_bytes;  /* up to here no ratio is looked at: 1 GiB */
    uint64_t max_ratio;   /* beyond, unpacked to packed: 200 */
    uint64_t max_entries; /* of one archive: 20 million */
};

struct image_load_options {
    struct image_limits limits;
    /* Work goes on: called between blocks with bytes of input read so far. May be NULL. */
    void (*progress)(void *ctx, uint64_t bytes);
    void *ctx;
};

struct image_loaded {
    struct {
        const char *name; /* full name, or NULL: the archive gave none */
        const char *familiar;
        const char *id;
    } *images;
    size_t n_images;
    uint64_t skipped_devices; /* device nodes left out, for want of privilege */
    uint64_t owners_lost;     /* files that stayed the caller's, for want of privilege */
};

/*
 * Load all images of an archive as "docker save", "podman save" and "skopeo copy" write them: docker-archive or OCI
 * archive; plain, gzip or zstd. fd may be a pipe; it is read to its end. options may be NULL.
 */
int image_load(struct arena *a, struct image_store *store, int fd, const struct image_load_options *options,
               struct image_loaded *ret, struct err *err);

/*
 * Make an image of one layer from a root file system's tar (plain, gzip or zstd). name: as for image_resolve, without
 * digest; NULL: none. run: its configuration (entry point, environment, ...), or NULL for an empty one.
 */
int image_import(struct arena *a, struct image_store *store, int fd, const char *name, const struct oci_image_run *run,
                 const struct image_load_options *options, struct image_loaded *ret, struct err *err);

/*
 * Take a name away, and with an image's last name the image: blobs and layers that no image and no container uses any
 * more. By ID: all its names; refused with -EBUSY while it has several, unless force. -EBUSY as well where a container
 * uses an image that would go (storage.h); force then takes only the names, and the image itself when the container is
 * gone and something is removed again.
 */
struct image_removed {
    const char **untagged; /* familiar names */
    size_t n_untagged;
    const char *deleted; /* ID of the image that is gone, or NULL: other names or a container hold it */
};
int image_remove(struct arena *a, struct image_store *store, const char *reference, bool force,
                 struct image_removed *ret, struct err *err);

/* The image that is part of the executable. */
#define IMAGE_EMBEDDED_NAME "cofferdam/hello"

/* Its OCI archive, readable by any other engine. */
void image_embedded(const void **ret, size_t *ret_len);

#endif
