/* SPDX-License-Identifier: Apache-2.0 */
#include "image/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/place.h"
#include "sys/calls.h"

#define LATE_MAX ((size_t)512 * 1024 * 1024) /* some millions of directories */

struct late_dir {
    const char *path;
    size_t len, order;
    struct metadata m;
};

int image_metadata_read(const struct archive_lib *lib, struct archive_entry *entry, const char *name,
                        struct metadata *ret, struct err *err)
{
    char shown[SHOWN_SIZE];
    la_int64_t uid = lib->entry_uid(entry), gid = lib->entry_gid(entry);
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) /* the last one is chown's "leave it" */
        return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's entry \"%s\" has owner %lld:%lld, which is out of "
                       "range", image_place_show(name, shown), (long long)uid, (long long)gid);
    struct metadata m = {.uid = (uid_t)uid, .gid = (gid_t)gid, .mode = lib->entry_perm(entry) & 07777};
    if (lib->entry_mtime_is_set(entry)) {
        long nsec = lib->entry_mtime_nsec(entry);
        m.has_time = true;
        m.times[0].tv_sec = lib->entry_mtime(entry);
        m.times[0].tv_nsec = nsec >= 0 && nsec < 1000000000 ? nsec : 0;
        m.times[1] = m.times[0];
    }
    *ret = m;
    return 0;
}

static int failed(int code, const char *what, const char *name, struct err *err)
{
    char shown[SHOWN_SIZE];
    return err_set_errno(err, code, LAYER_STORAGE, "%s of \"%s\"", what, image_place_show(name, shown));
}

/* What a failed chown means; 0: it may be passed over. */
static int owner_failed(int code, const char *name, const struct metadata *m, struct unpack_counts *counts,
                        struct err *err)
{
    char shown[SHOWN_SIZE];
    if (code == -EINVAL)
        return err_set(err, code, LAYER_STORAGE, "\"%s\" belongs to %u:%u, which this user namespace does not map: "
                       "more subordinate ids are needed (subuid(5), subgid(5))", image_place_show(name, shown), m->uid,
                       m->gid);
    if (code == -EPERM && geteuid() != 0) {
        counts->owners_lost++;
        return 0;
    }
    return failed(code, "owner", name, err);
}

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, list[i]))
            return true;
    return false;
}

static int set_xattrs(const struct archive_lib *lib, struct archive_entry *entry, const char *name, int fd,
                      struct err *err)
{
    static const char *const kept[] = {"security.capability", "system.posix_acl_access", "system.posix_acl_default"};
    char shown[SHOWN_SIZE], shown_key[SHOWN_SIZE];
    const char *key = NULL;
    const void *value = NULL;
    size_t len = 0;
    if (lib->entry_xattr_reset(entry) == 0)
        return 0;
    while (lib->entry_xattr_next(entry, &key, &value, &len) == ARCHIVE_OK) {
        if (key == NULL)
            continue;
        if (str_starts(key, "trusted.") || str_starts(key, "user.overlay."))
            return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's entry \"%s\" has the attribute %s, which could "
                           "lead overlayfs out of the layer: refused", image_place_show(name, shown),
                           image_place_show(key, shown_key));
        if (!str_starts(key, "user.") && !is_one_of(key, kept, ARRAY_LEN(kept)))
            continue; /* a label of the host that the image was made on */
        if (fsetxattr(fd, key, value, len, 0) == 0)
            continue;
        /* Without privilege a file capability would mean nothing; without ACLs the mode still stands. */
        bool loses_nothing = (errno == EPERM && geteuid() != 0) || errno == ENOTSUP;
        if (!loses_nothing)
            return err_set_errno(err, -errno, LAYER_STORAGE, "attribute %s of \"%s\"", image_place_show(key, shown_key),
                                 image_place_show(name, shown));
    }
    return 0;
}

int image_metadata_set(const struct archive_lib *lib, struct archive_entry *entry, const char *name,
                       const struct metadata *m, int fd, struct unpack_counts *counts, struct err *err)
{
    int r = 0;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return failed(-errno, "state", name, err);
    /* chown drops set-user-ID bits and file capabilities: it comes first. */
    if (fchown(fd, m->uid, m->gid) < 0 && (r = owner_failed(-errno, name, m, counts, err)) < 0)
        return r;
    /* Attributes before the mode: who is not root may not set them on a file that is read-only. */
    if ((r = set_xattrs(lib, entry, name, fd, err)) < 0)
        return r;
    /* A directory of ours must stay open to us until all is in it: image_late_dirs_set() gives it its own mode. */
    mode_t mode = S_ISDIR(st.st_mode) ? m->mode | 0700 : m->mode;
    if (fchmod(fd, mode) < 0)
        return failed(-errno, "mode", name, err);
    if (!S_ISDIR(st.st_mode) && m->has_time && futimens(fd, m->times) < 0)
        return failed(-errno, "time", name, err);
    return 0;
}

int image_metadata_set_special(const char *name, const struct metadata *m, int parent, const char *base, bool link,
                               struct unpack_counts *counts, struct err *err)
{
    int r = 0;
    if (fchownat(parent, base, m->uid, m->gid, AT_SYMLINK_NOFOLLOW) < 0 &&
        (r = owner_failed(-errno, name, m, counts, err)) < 0)
        return r;
    /* Made by us a moment ago in a directory that nobody else may enter: it is no link, unless link says so. */
    if (!link && fchmodat(parent, base, m->mode, 0) < 0)
        return failed(-errno, "mode", name, err);
    if (m->has_time && utimensat(parent, base, m->times, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(-errno, "time", name, err);
    return 0;
}

int image_late_dirs_add(struct late_dirs *l, const char *path, const struct metadata *m, struct err *err)
{
    size_t len = strlen(path);
    l->bytes += sizeof *l->v + len;
    if (l->bytes > LATE_MAX)
        return err_set(err, -EFBIG, LAYER_IMAGE, "the archive has more directories than any image: after %zu of them",
                       l->n);
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 256 : l->cap * 2;
        struct late_dir *v = reallocarray(l->v, cap, sizeof *v);
        if (v == NULL)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "list of directories");
        l->v = v;
        l->cap = cap;
    }
    const char *copy = arena_strdup(&l->arena, path);
    if (copy == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "list of directories");
    l->v[l->n] = (struct late_dir){.path = copy, .len = len, .order = l->n, .m = *m};
    l->n++;
    return 0;
}

/* Longest path first, so that children come before parents; of two entries with one name the later one wins. */
static int compare(const void *a, const void *b)
{
    const struct late_dir *x = a, *y = b;
    if (x->len != y->len)
        return x->len > y->len ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

int image_late_dirs_set(struct late_dirs *l, int root, struct err *err)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, compare);
    for (size_t i = 0; i < l->n; i++) {
        const struct late_dir *d = &l->v[i];
        CLEANUP_FD int fd = sys_openat2(root, d->len > 0 ? d->path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                        RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue; /* a later entry replaced it */
        if (fd < 0)
            return failed(fd, "mode", d->path, err);
        if (fchmod(fd, d->m.mode) < 0)
            return failed(-errno, "mode", d->path, err);
        if (d->m.has_time && futimens(fd, d->m.times) < 0)
            return failed(-errno, "time", d->path, err);
    }
    return 0;
}

void image_late_dirs_free(struct late_dirs *l)
{
    arena_free(&l->arena);
    free(l->v);
    l->v = NULL;
    l->n = l->cap = 0;
}
