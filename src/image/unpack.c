/* SPDX-License-Identifier: Apache-2.0 */
#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/metadata.h"
#include "image/place.h"
#include "image/tar.h"

struct unpacking {
    struct tar tar;
    struct place place;
    struct late_dirs late;
    struct unpack_counts counts;
    uint64_t max_bytes;
    /* The entry at hand */
    struct archive_entry *entry;
    const char *name;
    struct place_name at;
    struct metadata m;
};

static int failed(const struct unpacking *u, int code, struct err *err)
{
    char shown[SHOWN_SIZE];
    if (code == -ENOSPC || code == -EDQUOT)
        return err_set(err, code, LAYER_STORAGE, "no space left for \"%s\": nothing was kept, free some and repeat",
                       image_place_show(u->name, shown));
    return err_set_errno(err, code, LAYER_STORAGE, "unpacking \"%s\"", image_place_show(u->name, shown));
}

static int refused(const struct unpacking *u, const char *why, struct err *err)
{
    char shown[SHOWN_SIZE];
    return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's entry \"%s\" %s", image_place_show(u->name, shown), why);
}

static int write_data(struct unpacking *u, int fd, struct err *err)
{
    uint64_t end = 0, offset = 0;
    la_int64_t size = u->tar.lib->entry_size(u->entry);
    const void *block = NULL;
    size_t len = 0;
    int r = 0;
    while ((r = image_tar_data(&u->tar, &block, &len, &offset, err)) > 0) {
        u->counts.bytes += len;
        if (u->counts.bytes > u->max_bytes)
            return refused(u, "takes the archive over its limit of unpacked bytes", err);
        const char *p = block;
        while (len > 0) {
            ssize_t n = pwrite(fd, p, len, (off_t)offset);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return failed(u, -errno, err);
            p += n;
            len -= (size_t)n;
            offset += (uint64_t)n;
        }
        end = offset > end ? offset : end;
    }
    if (r < 0)
        return r;
    if (size > 0 && (uint64_t)size > end && ftruncate(fd, size) < 0) /* ends in a hole */
        return failed(u, -errno, err);
    return 0;
}

static int make_file(struct unpacking *u, int parent, struct err *err)
{
    bool whiteout = false;
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    CLEANUP_FD int fd = openat(parent, u->at.base, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        int r = image_place_clear(&u->place, parent, u->at.base, &whiteout, err);
        if (r < 0)
            return r;
        fd = openat(parent, u->at.base, flags, 0600);
    }
    if (fd < 0)
        return failed(u, -errno, err);
    int r = write_data(u, fd, err);
    return r < 0 ? r : image_metadata_set(u->tar.lib, u->entry, u->name, &u->m, fd, &u->counts, err);
}

static int make_dir(struct unpacking *u, int parent, struct err *err)
{
    bool whiteout = false;
    char path[2 * PATH_MAX];
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const char *base = u->at.base[0] != '\0' ? u->at.base : ".";
    if (mkdirat(parent, base, 0700) < 0 && errno != EEXIST)
        return failed(u, -errno, err);
    CLEANUP_FD int fd = openat(parent, base, flags);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        int r = image_place_clear(&u->place, parent, base, &whiteout, err);
        if (r < 0)
            return r;
        if (mkdirat(parent, base, 0700) < 0)
            return failed(u, -errno, err);
        fd = openat(parent, base, flags);
    }
    if (fd < 0)
        return failed(u, -errno, err);
    int r = whiteout ? image_place_opaque(&u->place, fd, err) : 0;
    if (r == 0)
        r = image_metadata_set(u->tar.lib, u->entry, u->name, &u->m, fd, &u->counts, err);
    if (r < 0)
        return r;
    snprintf(path, sizeof path, "%s%s%s", u->at.parent, u->at.parent[0] != '\0' ? "/" : "", u->at.base);
    return image_late_dirs_add(&u->late, path, &u->m, err);
}

static int make_hard_link(struct unpacking *u, int parent, const char *target, struct err *err)
{
    struct place_name to;
    bool whiteout = false;
    int r = image_place_name(target, &to, err);
    if (r < 0)
        return r;
    CLEANUP_FD int from = -EBADF;
    struct stat st, old;
    if (to.base[0] == '\0' || image_place_find(&u->place, to.parent, &from) < 0 ||
        fstatat(from, to.base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return refused(u, "is a hard link to a file that the layer does not have", err);
    if (S_ISDIR(st.st_mode))
        return refused(u, "is a hard link to a directory", err);
    if (fstatat(parent, u->at.base, &old, AT_SYMLINK_NOFOLLOW) == 0) {
        if (old.st_ino == st.st_ino && old.st_dev == st.st_dev)
            return 0; /* to itself, or once more */
        if ((r = image_place_clear(&u->place, parent, u->at.base, &whiteout, err)) < 0)
            return r;
    }
    return linkat(from, to.base, parent, u->at.base, 0) < 0 ? failed(u, -errno, err) : 0;
}

static int make_node(struct unpacking *u, int parent, mode_t type, struct err *err)
{
    const char *base = u->at.base, *target = NULL;
    bool whiteout = false;
    dev_t device = 0;
    if (type == S_IFLNK) {
        target = u->tar.lib->entry_symlink(u->entry);
        if (target == NULL || target[0] == '\0')
            return refused(u, "is a symbolic link to nothing", err);
    } else if (type != S_IFIFO) {
        device = makedev(u->tar.lib->entry_rdevmajor(u->entry), u->tar.lib->entry_rdevminor(u->entry));
    }
    for (int tries = 0;; tries++) {
        int r = target != NULL ? symlinkat(target, parent, base) : mknodat(parent, base, type | 0600, device);
        if (r == 0)
            break;
        if (errno == EPERM && (type == S_IFCHR || type == S_IFBLK)) {
            u->counts.skipped_devices++;
            return 0;
        }
        if (errno != EEXIST || tries > 0)
            return failed(u, -errno, err);
        if ((r = image_place_clear(&u->place, parent, base, &whiteout, err)) < 0)
            return r;
    }
    return image_metadata_set_special(u->name, &u->m, parent, base, target != NULL, &u->counts, err);
}

/* 1: the entry was a whiteout or the like and is done with. */
static int whiteout(struct unpacking *u, struct err *err)
{
    static const char prefix[] = ".wh.", own[] = ".wh..wh.", opaque[] = ".wh..wh..opq";
    const char *base = u->at.base;
    if (!str_starts(base, prefix))
        return 0;
    if (str_starts(base, own) && !str_eq(base, opaque))
        return 1;
    const char *hidden = base + sizeof prefix - 1;
    if (hidden[0] == '\0' || str_eq(hidden, ".") || str_eq(hidden, ".."))
        return refused(u, "is a whiteout of nothing", err);
    /* umoci writes whiteouts for all that was below a directory which is now a file. The file hides it already. */
    CLEANUP_FD int there = -EBADF;
    if (image_place_find(&u->place, u->at.parent, &there) == -ENOTDIR)
        return 1;
    int parent = image_place_parent(&u->place, u->at.parent, err);
    if (parent < 0)
        return parent;
    if (!str_eq(base, opaque)) {
        int r = image_place_whiteout(&u->place, parent, hidden, err);
        return r < 0 ? r : 1;
    }
    CLEANUP_FD int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(u, -errno, err);
    int r = image_place_opaque(&u->place, fd, err);
    return r < 0 ? r : 1;
}

static int unpack_entry(struct unpacking *u, struct err *err)
{
    u->name = u->tar.lib->entry_pathname(u->entry);
    if (u->name == NULL || u->name[0] == '\0')
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive has an entry without a name after %llu others",
                       (unsigned long long)u->tar.entries - 1);
    int r = image_place_name(u->name, &u->at, err);
    if (r < 0 || (r = whiteout(u, err)) != 0)
        return r < 0 ? r : 0;
    mode_t type = u->tar.lib->entry_filetype(u->entry);
    const char *link = u->tar.lib->entry_hardlink(u->entry);
    if (u->at.base[0] == '\0' && (type != S_IFDIR || link != NULL))
        return refused(u, "stands for the image's root directory, but is none", err);
    int parent = image_place_parent(&u->place, u->at.parent, err);
    if (parent < 0)
        return parent;
    if (link != NULL)
        return make_hard_link(u, parent, link, err);
    if ((r = image_metadata_read(u->tar.lib, u->entry, u->name, &u->m, err)) < 0)
        return r;
    switch (type) {
    case S_IFREG:
        return make_file(u, parent, err);
    case S_IFDIR:
        return make_dir(u, parent, err);
    case S_IFLNK:
    case S_IFIFO:
    case S_IFCHR:
    case S_IFBLK:
        return make_node(u, parent, type, err);
    default:
        return refused(u, "is of a type that images do not have", err);
    }
}

static void close_all(struct unpacking *u)
{
    image_tar_close(&u->tar);
    image_place_done(&u->place);
    image_late_dirs_free(&u->late);
}

int image_layer_unpack(const struct unpack_request *request, struct unpack_counts *ret, struct err *err)
{
    CLEANUP(close_all) struct unpacking u = {.max_bytes = request->limits.max_bytes};
    image_place_init(&u.place, request->dir, request->below, request->n_below);
    int r = fchmod(request->dir, 0755) < 0 ? err_set_errno(err, -errno, LAYER_STORAGE, "mode of the layer") : 0;
    if (r == 0)
        r = image_tar_open(request->store, request->source, request->limits.max_entries, &u.tar, err);
    while (r == 0 && (r = image_tar_next(&u.tar, &u.entry, err)) > 0) {
        u.counts.entries++;
        r = unpack_entry(&u, err);
    }
    if (r == 0)
        r = image_late_dirs_set(&u.late, request->dir, err);
    if (r == 0)
        *ret = u.counts;
    return r;
}
