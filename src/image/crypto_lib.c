/* SPDX-License-Identifier: Apache-2.0 */
#include "image/crypto_lib.h"

#include "image/library.h"

int image_crypto_lib_load(struct crypto_lib *lib, struct err *err)
{
    if (lib->handle != NULL)
        return 0;
    struct crypto_lib l = {.handle = NULL};
    const struct library_symbol symbols[] = {
        {"EVP_MD_CTX_new", (void **)&l.md_ctx_new},
        {"EVP_MD_CTX_free", (void **)&l.md_ctx_free},
        {"EVP_sha256", (void **)&l.sha256},
        {"EVP_sha512", (void **)&l.sha512},
        {"EVP_DigestInit_ex", (void **)&l.digest_init},
        {"EVP_DigestUpdate", (void **)&l.digest_update},
        {"EVP_DigestFinal_ex", (void **)&l.digest_final},
    };
    int r = image_library_open("libcrypto.so.3", "libssl3", symbols, ARRAY_LEN(symbols), &l.handle, err);
    if (r < 0)
        return r;
    *lib = l;
    return 0;
}

void image_crypto_lib_unload(struct crypto_lib *lib)
{
    image_library_close(&lib->handle);
}
