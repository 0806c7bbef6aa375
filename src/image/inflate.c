/* SPDX-License-Identifier: Apache-2.0 */
#include "image/inflate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define BLOCK ((size_t)256 * 1024)

static ssize_t fd_read(void *ctx, const void **block, struct err *err)
{
    struct fd_source *s = ctx;
    ssize_t n = 0;
    do
        n = read(s->fd, s->buffer, BLOCK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set_errno(err, -errno, LAYER_IMAGE, "reading the archive");
    s->bytes += (uint64_t)n;
    if (s->options != NULL && s->options->progress != NULL)
        s->options->progress(s->options->ctx, s->bytes);
    *block = s->buffer;
    return n;
}

int image_fd_source_open(int fd, const struct image_load_options *options, struct fd_source *ret, struct err *err)
{
    unsigned char *buffer = malloc(BLOCK);
    if (buffer == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "reading the archive");
    *ret = (struct fd_source){.fd = fd, .options = options, .buffer = buffer};
    return 0;
}

struct byte_source image_fd_source_bytes(struct fd_source *s)
{
    return (struct byte_source){.read = fd_read, .ctx = s};
}

void image_fd_source_close(struct fd_source *s)
{
    free(s->buffer);
    s->buffer = NULL;
}

int image_compression_detect(const void *data, size_t len, enum compression *ret, struct err *err)
{
    static const struct {
        const char *magic;
        size_t len;
        enum compression is;
        const char *refuse; /* the program that decompresses it */
    } known[] = {
        {"\x1f\x8b", 2, COMPRESSION_GZIP, NULL},
        {"\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD, NULL},
        {"\xfd" "7zXZ", 5, COMPRESSION_NONE, "xz"},
        {"BZh", 3, COMPRESSION_NONE, "bzip2"},
        {"\x04\x22\x4d\x18", 4, COMPRESSION_NONE, "lz4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (len < known[i].len || memcmp(data, known[i].magic, known[i].len) != 0)
            continue;
        if (known[i].refuse != NULL)
            return err_set(err, -EINVAL, LAYER_IMAGE, "the archive is compressed by %s, images are by gzip or zstd: "
                           "decompress it first, as by %s -dc FILE | coffer ...", known[i].refuse, known[i].refuse);
        *ret = known[i].is;
        return 0;
    }
    *ret = COMPRESSION_NONE;
    return 0;
}

struct image_limits image_limits_of(const struct image_load_options *options)
{
    struct image_limits l = {0};
    if (options != NULL)
        l = options->limits;
    if (l.max_bytes == 0)
        l.max_bytes = (uint64_t)256 << 30;
    if (l.free_bytes == 0)
        l.free_bytes = (uint64_t)1 << 30;
    if (l.max_ratio == 0)
        l.max_ratio = 200;
    if (l.max_entries == 0)
        l.max_entries = 20 * 1000 * 1000;
    return l;
}

static la_ssize_t from_source(struct archive *a, void *ctx, const void **block)
{
    struct inflate *f = ctx;
    ssize_t n = f->source.read(f->source.ctx, block, &f->why);
    if (n < 0) {
        f->lib->set_error(a, (int)-n, "source");
        return -1;
    }
    f->in += (uint64_t)n;
    return n;
}

static int failed(struct inflate *f, struct err *err)
{
    if (f->why.code != 0) {
        if (err != NULL)
            *err = f->why;
        return f->why.code;
    }
    const char *text = f->lib->error_string(f->archive);
    return err_set(err, -EBADMSG, LAYER_IMAGE, "the compressed data is damaged: %.200s", text != NULL ? text : "?");
}

int image_inflate_open(struct image_store *s, struct byte_source source, const struct image_limits *limits, bool digest,
                       struct inflate *f, struct err *err)
{
    int r = image_archive_lib_load(&s->archive, err);
    if (r < 0)
        return r;
    *f = (struct inflate){.lib = &s->archive, .source = source, .limits = *limits, .why = ERR_INIT};
    if (digest && (r = image_digest_start(&s->crypto, "sha256", &f->digest, err)) < 0)
        return r;
    f->archive = f->lib->read_new();
    if (f->archive == NULL) {
        image_inflate_close(f);
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "reading the archive");
    }
    struct archive_entry *entry = NULL;
    if (f->lib->read_support_filter_gzip(f->archive) == ARCHIVE_OK &&
        f->lib->read_support_filter_zstd(f->archive) == ARCHIVE_OK &&
        f->lib->read_support_format_raw(f->archive) == ARCHIVE_OK &&
        f->lib->read_support_format_empty(f->archive) == ARCHIVE_OK &&
        f->lib->read_open(f->archive, f, NULL, from_source, NULL) == ARCHIVE_OK)
        r = f->lib->read_next_header(f->archive, &entry);
    else
        r = ARCHIVE_FATAL;
    if (r == ARCHIVE_EOF) {
        f->ended = true;
    } else if (r != ARCHIVE_OK) {
        r = failed(f, err);
        image_inflate_close(f);
        return r;
    }
    return 0;
}

static int within_limits(const struct inflate *f, struct err *err)
{
    if (f->out > f->limits.max_bytes)
        return err_set(err, -EFBIG, LAYER_IMAGE, "the archive unpacks to more than %llu bytes, the limit",
                       (unsigned long long)f->limits.max_bytes);
    if (f->out > f->limits.free_bytes && f->out / f->limits.max_ratio > f->in)
        return err_set(err, -EFBIG, LAYER_IMAGE, "the archive unpacks to more than %llu times its size, as no image "
                       "does: taken for a decompression bomb", (unsigned long long)f->limits.max_ratio);
    return 0;
}

static void count_zeros(struct inflate *f, const unsigned char *block, size_t len)
{
    size_t n = 0;
    while (n < len && block[len - 1 - n] == 0)
        n++;
    f->zeros = n == len ? f->zeros + n : n;
}

static ssize_t inflate_read(void *ctx, const void **block, struct err *err)
{
    struct inflate *f = ctx;
    while (!f->ended) {
        size_t len = 0;
        la_int64_t offset = 0;
        int r = f->lib->read_data_block(f->archive, block, &len, &offset);
        if (r == ARCHIVE_EOF) {
            f->ended = true;
            break;
        }
        if (r != ARCHIVE_OK)
            return failed(f, err);
        if (len == 0)
            continue;
        if (f->out == 0) { /* what is neither gzip nor zstd comes through as it is */
            enum compression again = COMPRESSION_NONE;
            if ((r = image_compression_detect(*block, len, &again, err)) < 0)
                return r;
        }
        f->out += len;
        count_zeros(f, *block, len);
        if ((r = within_limits(f, err)) < 0)
            return r;
        if (f->digest.lib != NULL && (r = image_digest_add(&f->digest, *block, len, err)) < 0)
            return r;
        return (ssize_t)len;
    }
    return 0;
}

struct byte_source image_inflate_bytes(struct inflate *f)
{
    return (struct byte_source){.read = inflate_read, .ctx = f};
}

int image_inflate_drain(struct inflate *f, struct err *err)
{
    const void *block = NULL;
    ssize_t n = 0;
    while ((n = inflate_read(f, &block, err)) > 0)
        ;
    return (int)n;
}

int image_inflate_digest(struct inflate *f, char ret[static DIGEST_SIZE], struct err *err)
{
    return image_digest_finish(&f->digest, ret, err);
}

void image_inflate_close(struct inflate *f)
{
    if (f->archive != NULL)
        f->lib->read_free(f->archive);
    f->archive = NULL;
    image_digest_stop(&f->digest);
}
