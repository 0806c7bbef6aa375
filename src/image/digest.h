/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests as the OCI image specification writes them (descriptor.md, "Digests"): algorithm ":" lower-case hex.
 * Bulk data is hashed by libcrypto, for its use of the processor's SHA instructions: five times as fast as plain C.
 */
#ifndef COFFER_IMAGE_DIGEST_H
#define COFFER_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DIGEST_SIZE 136      /* "sha512:" and 128 hex digits and a NUL fit */

/* sha256 or sha512, with the right number of lower-case hex digits, and nothing else. */
bool image_digest_ok(const char *digest);

/* The digits: behind the first ':'. Only for what image_digest_ok() or this program made. */
const char *image_digest_hex(const char *digest);

/*
 * The chain ID of a layer (image-spec, config.md): of the lowest its diff ID, of each other SHA-256 over "chain ID of
 * the one below, blank, own diff ID". below: NULL for the lowest. A few dozen bytes: done by libmd, which is linked in.
 */
void image_digest_chain(const char *below, const char *diff_id, char ret[static DIGEST_SIZE]);

/* sha256 of a small piece of memory, by libmd too. */
void image_digest_of(const void *data, size_t len, char ret[static DIGEST_SIZE]);

/* A running digest. image_digest_start() loads libcrypto if crypto->handle is NULL. */
struct crypto_lib;
struct digest {
    const struct crypto_lib *lib;
    void *ctx;
    const char *algorithm;
};
int image_digest_start(struct crypto_lib *crypto, const char *algorithm, struct digest *ret, struct err *err);
int image_digest_add(struct digest *d, const void *data, size_t len, struct err *err);
int image_digest_finish(struct digest *d, char ret[static DIGEST_SIZE], struct err *err);
void image_digest_stop(struct digest *d); /* after failure or image_digest_finish() alike */
#define CLEANUP_DIGEST CLEANUP(image_digest_stop)

#endif
