/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tar.h"

#include <errno.h>

#include "base/str.h"

static la_ssize_t from_source(struct archive *a, void *ctx, const void **block)
{
    struct tar *t = ctx;
    ssize_t n = t->source.read(t->source.ctx, block, &t->why);
    if (n < 0) {
        t->lib->set_error(a, (int)-n, "source");
        return -1;
    }
    return n;
}

static int failed(struct tar *t, struct err *err)
{
    if (t->why.code != 0) {
        if (err != NULL)
            *err = t->why;
        return t->why.code;
    }
    const char *text = t->lib->error_string(t->archive);
    if (t->entries == 0)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "this is no tar archive: %.200s", text != NULL ? text : "?");
    return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive is damaged after %llu entries: %.200s",
                   (unsigned long long)t->entries, text != NULL ? text : "?");
}

int image_tar_open(struct image_store *s, struct byte_source source, uint64_t max_entries, struct tar *t,
                   struct err *err)
{
    int r = image_archive_lib_load(&s->archive, err);
    if (r < 0)
        return r;
    *t = (struct tar){.lib = &s->archive, .source = source, .max_entries = max_entries, .why = ERR_INIT};
    /* PAX names are UTF-8, and libarchive gives names in the locale's encoding: in "C" it would drop those beyond. */
    t->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (t->locale != (locale_t)0)
        t->previous = uselocale(t->locale);
    t->archive = t->lib->read_new();
    if (t->archive == NULL) {
        image_tar_close(t);
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "reading the archive");
    }
    if (t->lib->read_support_format_tar(t->archive) == ARCHIVE_OK &&
        t->lib->read_support_format_empty(t->archive) == ARCHIVE_OK &&
        t->lib->read_open(t->archive, t, NULL, from_source, NULL) == ARCHIVE_OK)
        return 0;
    r = failed(t, err);
    image_tar_close(t);
    return r;
}

int image_tar_next(struct tar *t, struct archive_entry **ret, struct err *err)
{
    int r = t->lib->read_next_header(t->archive, ret);
    if (r == ARCHIVE_EOF)
        return 0;
    if (r == ARCHIVE_WARN) {
        /* Owners' names are of no interest here; anything else that libarchive had to guess is not unpacked. */
        const char *text = t->lib->error_string(t->archive);
        if (text == NULL || !(str_starts(text, "Uname") || str_starts(text, "Gname")))
            return failed(t, err);
    } else if (r != ARCHIVE_OK) {
        return failed(t, err);
    }
    if (++t->entries > t->max_entries)
        return err_set(err, -EFBIG, LAYER_IMAGE, "the archive has more than %llu entries, the limit",
                       (unsigned long long)t->max_entries);
    return 1;
}

int image_tar_data(struct tar *t, const void **ret, size_t *ret_len, uint64_t *ret_offset, struct err *err)
{
    la_int64_t offset = 0;
    int r = t->lib->read_data_block(t->archive, ret, ret_len, &offset);
    if (r == ARCHIVE_EOF)
        return 0;
    if (r != ARCHIVE_OK)
        return failed(t, err);
    if (offset < 0)
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive is damaged: data before the beginning of a file");
    *ret_offset = (uint64_t)offset;
    return 1;
}

void image_tar_close(struct tar *t)
{
    if (t->archive != NULL)
        t->lib->read_free(t->archive);
    t->archive = NULL;
    if (t->locale != (locale_t)0) {
        uselocale(t->previous);
        freelocale(t->locale);
    }
    t->locale = (locale_t)0;
}
