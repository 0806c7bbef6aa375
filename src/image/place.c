/* SPDX-License-Identifier: Apache-2.0 */
#include "image/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/tree.h"
#include "sys/calls.h"

#define RESOLVE_LAYER (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
#define RESOLVE_TRIES 16 /* -EAGAIN: something on the host was renamed just now (openat2(2)) */

void image_place_init(struct place *p, int root, const int *below, size_t n_below)
{
    *p = (struct place){.root = root, .below = below, .n_below = n_below, .parent = -EBADF};
}

static void forget_parent(struct place *p)
{
    fd_close(&p->parent);
    p->stale = false;
}

void image_place_done(struct place *p)
{
    forget_parent(p);
}

const char *image_place_show(const char *name, char buf[static SHOWN_SIZE])
{
    size_t i = 0;
    for (; name[i] != '\0' && i < SHOWN_SIZE - 4; i++)
        buf[i] = (unsigned char)name[i] < ' ' || (unsigned char)name[i] >= 0x7f ? '?' : name[i];
    snprintf(buf + i, 4, "%s", name[i] != '\0' ? "..." : "");
    return buf;
}

static int bad_name(const char *name, const char *why, struct err *err)
{
    char shown[SHOWN_SIZE];
    return err_set(err, -EBADMSG, LAYER_IMAGE, "the archive's entry \"%s\" %s", image_place_show(name, shown), why);
}

int image_place_name(const char *name, struct place_name *ret, struct err *err)
{
    size_t parent_len = 0, base_len = 0;
    ret->parent[0] = ret->base[0] = '\0';
    for (const char *s = name; *s != '\0';) {
        size_t n = strcspn(s, "/");
        if (n == 2 && s[0] == '.' && s[1] == '.')
            return bad_name(name, "has \"..\" in its name: refused, for it points out of the image", err);
        if (n > 0 && !(n == 1 && s[0] == '.')) {
            if (n > NAME_MAX || parent_len + base_len + 2 > PATH_MAX)
                return bad_name(name, "has too long a name", err);
            if (base_len > 0) {
                if (parent_len > 0)
                    ret->parent[parent_len++] = '/';
                memcpy(ret->parent + parent_len, ret->base, base_len);
                parent_len += base_len;
                ret->parent[parent_len] = '\0';
            }
            memcpy(ret->base, s, n);
            base_len = n;
            ret->base[n] = '\0';
        }
        s += n + (s[n] == '/');
    }
    return 0;
}

static int resolve(int root, const char *path, uint64_t flags)
{
    int fd = -EAGAIN;
    for (int i = 0; fd == -EAGAIN && i < RESOLVE_TRIES; i++)
        fd = sys_openat2(root, *path != '\0' ? path : ".", flags, 0, RESOLVE_LAYER);
    return fd;
}

/*
 * Mode and owner of an implied directory: what the layers below have, so that it does not lose them by being implied.
 * The owner as far as the caller's privilege goes, as in metadata.c. The directory was just made: it is no link.
 */
static int set_implied(const struct place *p, int parent, const char *base, const char *path)
{
    struct stat st = {.st_mode = 0755};
    for (size_t i = 0; i < p->n_below; i++) {
        CLEANUP_FD int fd = sys_openat2(p->below[i], path, O_PATH | O_NOFOLLOW, 0,
                                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
        struct stat found;
        if (fd < 0 || fstat(fd, &found) < 0)
            continue;
        if (S_ISDIR(found.st_mode))
            st = found;
        break;
    }
    if (fchownat(parent, base, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 && geteuid() == 0)
        return -errno;
    /* Who is not root still has to write into it. */
    return fchmodat(parent, base, (st.st_mode & 07777) | (geteuid() == 0 ? 0 : 0700), 0) < 0 ? -errno : 0;
}

static int make_implied(struct place *p, int parent, const char *base, const char *path, struct err *err)
{
    char shown[SHOWN_SIZE];
    bool opaque = false;
    struct stat st;
    if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(st.st_mode))
            return bad_name(path, "is a link that leads to no directory of the layer, and yet has entries below it",
                            err);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != 0)
            return bad_name(path, "is no directory, and yet has entries below it", err);
        int cleared = image_place_clear(p, parent, base, &opaque, err);
        if (cleared < 0)
            return cleared;
    }
    int r = mkdirat(parent, base, 0700) < 0 ? -errno : set_implied(p, parent, base, path);
    if (r < 0)
        return err_set_errno(err, r, LAYER_STORAGE, "directory \"%s\"", image_place_show(path, shown));
    if (!opaque)
        return 0;
    CLEANUP_FD int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_STORAGE, "directory \"%s\"", image_place_show(path, shown));
    return image_place_opaque(p, fd, err);
}

static int make_parents(struct place *p, const char *path, struct err *err)
{
    char part[PATH_MAX], shown[SHOWN_SIZE];
    snprintf(part, sizeof part, "%s", path);
    CLEANUP_FD int above = resolve(p->root, "", O_PATH | O_DIRECTORY);
    for (char *component = part;;) {
        char *slash = strchr(component, '/');
        if (slash != NULL)
            *slash = '\0';
        int fd = above < 0 ? above : resolve(p->root, part, O_PATH | O_DIRECTORY);
        if (fd == -ENOENT || fd == -ENOTDIR) {
            int r = make_implied(p, above, component, part, err);
            if (r < 0)
                return r;
            fd = resolve(p->root, part, O_PATH | O_DIRECTORY);
        }
        if (fd < 0)
            return err_set_errno(err, fd, LAYER_IMAGE, "the layer's directory \"%s\"", image_place_show(part, shown));
        fd_close(&above);
        above = fd;
        if (slash == NULL)
            return TAKE_FD(above);
        *slash = '/';
        component = slash + 1;
    }
}

int image_place_parent(struct place *p, const char *parent, struct err *err)
{
    if (p->parent >= 0 && !p->stale && str_eq(parent, p->parent_path))
        return p->parent;
    forget_parent(p);
    int fd = resolve(p->root, parent, O_PATH | O_DIRECTORY);
    if (fd == -ENOENT || fd == -ENOTDIR)
        fd = make_parents(p, parent, err);
    else if (fd < 0) {
        char shown[SHOWN_SIZE];
        return err_set_errno(err, fd, LAYER_IMAGE, "the layer's directory \"%s\"", image_place_show(parent, shown));
    }
    if (fd < 0)
        return fd;
    snprintf(p->parent_path, sizeof p->parent_path, "%s", parent);
    p->parent = fd;
    return fd;
}

int image_place_find(struct place *p, const char *parent, int *ret_fd)
{
    int fd = resolve(p->root, parent, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

int image_place_clear(struct place *p, int parent, const char *base, bool *ret_whiteout, struct err *err)
{
    struct stat st;
    if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, -errno, LAYER_STORAGE, "replacing an entry");
    bool whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
    /* image_tree_remove() opens the parent for nothing but this one name, so O_PATH serves. */
    int r = image_tree_remove(parent, base);
    if (r < 0)
        return err_set_errno(err, r, LAYER_STORAGE, "replacing an entry");
    /* The parent that is kept may have been reached through what is gone: it serves this entry, and no other. */
    p->stale = true;
    *ret_whiteout = whiteout;
    return 0;
}

int image_place_opaque(struct place *p, int fd, struct err *err)
{
    if (!p->trusted_known || p->trusted) {
        if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) == 0) {
            p->trusted = p->trusted_known = true;
            return 0;
        }
        if (errno != EPERM || p->trusted_known)
            return err_set_errno(err, -errno, LAYER_STORAGE, "trusted.overlay.opaque");
        p->trusted_known = true;
    }
    if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
        return err_set_errno(err, -errno, LAYER_STORAGE, "user.overlay.opaque, the mark of a directory that hides "
                             "those below it");
    return 0;
}

int image_place_whiteout(struct place *p, int parent, const char *base, struct err *err)
{
    char shown[SHOWN_SIZE];
    if (mknodat(parent, base, S_IFCHR, makedev(0, 0)) == 0)
        return 0;
    if (errno != EEXIST)
        return err_set_errno(err, -errno, LAYER_STORAGE, "whiteout of \"%s\"", image_place_show(base, shown));
    CLEANUP_FD int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return image_place_opaque(p, fd, err);
    return errno == ENOTDIR || errno == ELOOP ? 0 : err_set_errno(err, -errno, LAYER_STORAGE, "whiteout of \"%s\"",
                                                                  image_place_show(base, shown));
}
