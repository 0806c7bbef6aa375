/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto (OpenSSL 3), loaded on first use: a container start must not pay for a library of 4 MiB that only loading
 * an image needs. The types are OpenSSL's opaque ones as void *.
 */
#ifndef COFFER_IMAGE_CRYPTO_LIB_H
#define COFFER_IMAGE_CRYPTO_LIB_H

#include <stddef.h>

#include "base/err.h"

struct crypto_lib {
    void *handle; /* NULL: not loaded */
    void *(*md_ctx_new)(void);
    void (*md_ctx_free)(void *ctx);
    const void *(*sha256)(void);
    const void *(*sha512)(void);
    int (*digest_init)(void *ctx, const void *type, void *engine);
    int (*digest_update)(void *ctx, const void *data, size_t len);
    int (*digest_final)(void *ctx, unsigned char *out, unsigned *len);
};

int image_crypto_lib_load(struct crypto_lib *lib, struct err *err);
void image_crypto_lib_unload(struct crypto_lib *lib);

#endif
