/* SPDX-License-Identifier: Apache-2.0 */
#include "image/digest.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "image/crypto_lib.h"

static const char hex_digits[] = "0123456789abcdef";

static size_t hex_length(const char *digest)
{
    if (str_starts(digest, "sha256:"))
        return 64;
    return str_starts(digest, "sha512:") ? 128 : 0;
}

bool image_digest_ok(const char *digest)
{
    size_t n = hex_length(digest);
    if (n == 0)
        return false;
    const char *hex = image_digest_hex(digest);
    return strlen(hex) == n && strspn(hex, hex_digits) == n;
}

const char *image_digest_hex(const char *digest)
{
    const char *colon = strchr(digest, ':');
    return colon != NULL ? colon + 1 : digest;
}

static void write_hex(const char *algorithm, const unsigned char *raw, size_t n, char *ret)
{
    size_t at = strlen(algorithm);
    memcpy(ret, algorithm, at);
    ret[at++] = ':';
    for (size_t i = 0; i < n; i++) {
        ret[at++] = hex_digits[raw[i] >> 4];
        ret[at++] = hex_digits[raw[i] & 15];
    }
    ret[at] = '\0';
}

void image_digest_of(const void *data, size_t len, char ret[static DIGEST_SIZE])
{
    SHA2_CTX ctx;
    unsigned char raw[SHA256_DIGEST_LENGTH];
    SHA256Init(&ctx);
    SHA256Update(&ctx, data, len);
    SHA256Final(raw, &ctx);
    write_hex("sha256", raw, sizeof raw, ret);
}

void image_digest_chain(const char *below, const char *diff_id, char ret[static DIGEST_SIZE])
{
    if (below == NULL) {
        snprintf(ret, DIGEST_SIZE, "%s", diff_id);
        return;
    }
    char both[2 * DIGEST_SIZE];
    int n = snprintf(both, sizeof both, "%s %s", below, diff_id);
    image_digest_of(both, (size_t)n, ret);
}

int image_digest_start(struct crypto_lib *crypto, const char *algorithm, struct digest *ret, struct err *err)
{
    int r = image_crypto_lib_load(crypto, err);
    if (r < 0)
        return r;
    void *ctx = crypto->md_ctx_new();
    if (ctx == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "digest");
    const void *type = str_eq(algorithm, "sha512") ? crypto->sha512() : crypto->sha256();
    if (crypto->digest_init(ctx, type, NULL) != 1) {
        crypto->md_ctx_free(ctx);
        return err_set(err, -EIO, LAYER_IMAGE, "libcrypto does not offer %s", algorithm);
    }
    *ret = (struct digest){.lib = crypto, .ctx = ctx, .algorithm = str_eq(algorithm, "sha512") ? "sha512" : "sha256"};
    return 0;
}

int image_digest_add(struct digest *d, const void *data, size_t len, struct err *err)
{
    if (d->lib->digest_update(d->ctx, data, len) != 1)
        return err_set(err, -EIO, LAYER_IMAGE, "libcrypto failed to digest");
    return 0;
}

int image_digest_finish(struct digest *d, char ret[static DIGEST_SIZE], struct err *err)
{
    unsigned char raw[64];
    unsigned len = 0;
    if (d->lib->digest_final(d->ctx, raw, &len) != 1 || len > sizeof raw)
        return err_set(err, -EIO, LAYER_IMAGE, "libcrypto failed to digest");
    write_hex(d->algorithm, raw, len, ret);
    return 0;
}

void image_digest_stop(struct digest *d)
{
    if (d->ctx != NULL)
        d->lib->md_ctx_free(d->ctx);
    d->ctx = NULL;
}
