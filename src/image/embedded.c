/* SPDX-License-Identifier: Apache-2.0 */
#include "image/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/index.h"
#include "image/load.h"
#include "image/reference.h"

/* One part of the archive. */
struct embedded_part {
    size_t offset, size;
};

/* A file or directory of the layer; parents come first. */
struct embedded_file {
    const char *path;
    mode_t mode; /* with its type */
    struct embedded_part part;
};

/* EMBEDDED_MANIFEST_DIGEST, embedded_manifest, embedded_config, embedded_layer, embedded_diff_id, embedded_files[] */
#include "embedded_parts.h"

/* In C, so that the object carries what the compiler says of it (no executable stack, CET). */
__asm__(".section .rodata\n"
        ".balign 16\n"
        "embedded_start:\n"
        ".incbin \"" EMBEDDED_ARCHIVE "\"\n"
        "embedded_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char embedded_start[] __attribute__((visibility("hidden")));
extern const char embedded_end[] __attribute__((visibility("hidden")));

void image_embedded(const void **ret, size_t *ret_len)
{
    *ret = embedded_start;
    *ret_len = (size_t)(embedded_end - embedded_start);
}

const char *image_embedded_digest(void)
{
    return EMBEDDED_MANIFEST_DIGEST;
}

bool image_embedded_is_name(struct arena *a, const char *reference)
{
    struct image_reference asked, own;
    return image_reference_parse(a, reference, &asked, NULL) == 0 &&
           image_reference_parse(a, IMAGE_EMBEDDED_NAME, &own, NULL) == 0 &&
           asked.digest == NULL && str_eq(asked.registry, own.registry) && str_eq(asked.repository, own.repository) &&
           str_eq(asked.tag, own.tag);
}

static int write_file(int dir, const struct embedded_file *f)
{
    if (S_ISDIR(f->mode)) {
        if (mkdirat(dir, f->path, 0700) < 0)
            return -errno;
        return fchmodat(dir, f->path, f->mode & 07777, 0) < 0 ? -errno : 0;
    }
    CLEANUP_FD int fd = openat(dir, f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, embedded_start + f->part.offset, f->part.size);
    return r == 0 && (fchmod(fd, f->mode & 07777) < 0 || fsync(fd) < 0) ? -errno : r;
}

static int sync_dir(int dir, const char *path)
{
    CLEANUP_FD int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static const struct timespec no_time[2]; /* as the archive has it: 1970 */

/* Its files belong to whoever puts them there: root, also inside a user namespace. */
static int unpack(struct publication *p, struct new_image *image, struct err *err)
{
    CLEANUP_FD int dir = -EBADF;
    int r = image_publish_layer_dir(p, image->layers[0].chain, &dir, err);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(embedded_files); i++)
        r = write_file(dir, &embedded_files[i]);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(embedded_files); i++) /* directories again: they are full now */
        r = utimensat(dir, embedded_files[i].path, no_time, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    if (r == 0 && fchmod(dir, 0755) < 0)
        r = -errno;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(embedded_files); i++)
        if (S_ISDIR(embedded_files[i].mode))
            r = sync_dir(dir, embedded_files[i].path);
    static const char *const above[] = {".", "..", "../.."};
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(above); i++)
        r = sync_dir(dir, above[i]);
    image->layers[0].unpacked = r == 0;
    return r < 0 ? image_store_error(p->store, r, "the embedded image", err) : 0;
}

static int add_part(struct arena *a, struct spool *spool, const struct embedded_part *part,
                    const struct spool_file **ret, struct err *err)
{
    return image_spool_add(a, spool, embedded_start + part->offset, part->size, ret, err);
}

int image_embedded_load(struct arena *a, struct image_store *s, struct err *err)
{
    CLEANUP_STORE_TMP struct store_tmp tmp = STORE_TMP_INIT;
    CLEANUP_SPOOL struct spool spool = {.tmp = &tmp};
    struct publication p = {.store = s, .tmp = &tmp, .limits = image_limits_of(NULL), .synced = true};
    struct new_image *image = image_load_add(a, &p, 1);
    struct oci_image *config = NULL;
    const char **names = arena_calloc(a, 2, sizeof *names);
    if (a->failed)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "the embedded image");
    names[0] = image_load_name(a, IMAGE_EMBEDDED_NAME);
    image->names = names;
    image->n_names = 1;
    image->manifest_type = MEDIA_OCI_MANIFEST;
    int r = image_store_make(s, err);
    if (r == 0)
        r = image_store_tmp_make(s, &tmp, err);
    if (r == 0)
        r = add_part(a, &spool, &embedded_manifest, &image->manifest, err);
    if (r == 0)
        r = add_part(a, &spool, &embedded_config, &image->config, err);
    if (r == 0)
        r = oci_image_parse(a, embedded_start + embedded_config.offset, embedded_config.size, &config, err);
    image->image = config;
    if (r == 0)
        r = image_load_layers(a, image, err);
    if (r == 0)
        r = add_part(a, &spool, &embedded_layer, &image->layers[0].blob, err);
    if (r == 0)
        r = unpack(&p, image, err);
    return r < 0 ? r : image_publish(a, &p, err);
}
