/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "image/image.h"
#include "image/tree.h"

static const char oci_layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

int image_store_error(struct image_store *s, int code, const char *what, struct err *err)
{
    if (code == -ENOSPC || code == -EDQUOT)
        return err_set(err, code, LAYER_STORAGE, "%s: no space left below %s; nothing was kept of this, free some "
                       "and repeat", what, s->root);
    if (code == -EROFS)
        return err_set(err, code, LAYER_STORAGE, "%s: the file system of %s is read-only; give a store that can be "
                       "written with --root DIR, or mount it for writing", what, s->root);
    return err_set_errno(err, code, LAYER_STORAGE, "%s below %s", what, s->root);
}

int image_store_default_root(struct arena *a, const struct host *host, const char **ret, struct err *err)
{
    const char *root = "/var/lib/coffer";
    if (host->euid != 0 || !host->initial_userns) {
        const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
        if (data != NULL && data[0] == '/')
            root = arena_printf(a, "%s/coffer", data);
        else if (home != NULL && home[0] == '/')
            root = arena_printf(a, "%s/.local/share/coffer", home);
        else
            return err_set(err, -ENOENT, LAYER_STORAGE, "no place for images: set HOME or XDG_DATA_HOME, or give "
                           "--root DIR");
    }
    if (root == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_STORAGE, "path of the store");
    *ret = root;
    return 0;
}

static int open_root(const char *root, int *ret)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        /* Missing parents are made for all to pass through; the store itself is for its owner only. */
        char parent[PATH_MAX];
        int n = snprintf(parent, sizeof parent, "%s", root);
        if (n < 0 || (size_t)n >= sizeof parent)
            return -ENAMETOOLONG;
        while (n > 1 && parent[n - 1] == '/')
            parent[--n] = '\0';
        char *slash = strrchr(parent, '/');
        if (slash != NULL && slash != parent) {
            *slash = '\0';
            int r = dir_make(AT_FDCWD, parent, 0755);
            if (r < 0)
                return r;
        }
        if (mkdir(root, 0700) < 0 && errno != EEXIST)
            return -errno;
        fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return -errno;
    *ret = fd;
    return 0;
}

int image_store_open(const char *root, struct image_store **ret, struct err *err)
{
    /* Lists of layer directories are separated by it. */
    if (strchr(root, ':') != NULL)
        return err_set(err, -EINVAL, LAYER_STORAGE, "store %s: its path must not have a ':'", root);
    struct image_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_STORAGE, "store %s", root);
    s->root_fd = -EBADF;
    int r = open_root(root, &s->root_fd);
    if (r == 0) {
        /* Only a relative name needs the look-up; links on the way stay as they were given. */
        s->root = root[0] == '/' ? strdup(root) : realpath(root, NULL);
        if (s->root == NULL)
            r = -errno;
    }
    if (r < 0) {
        image_store_close(&s);
        return err_set_errno(err, r, LAYER_STORAGE, "store %s", root);
    }
    for (size_t n = strlen(s->root); n > 1 && s->root[n - 1] == '/'; n--)
        s->root[n - 1] = '\0';
    *ret = s;
    return 0;
}

void image_store_close(struct image_store **store)
{
    struct image_store *s = *store;
    if (s == NULL)
        return;
    image_archive_lib_unload(&s->archive);
    image_crypto_lib_unload(&s->crypto);
    fd_close(&s->root_fd);
    free(s->root);
    free(s);
    *store = NULL;
}

int image_store_make(struct image_store *s, struct err *err)
{
    static const char *const dirs[] = {STORE_BLOBS, STORE_LAYERS, STORE_CONTAINERS, STORE_TMP};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        int r = dir_make(s->root_fd, dirs[i], 0700);
        if (r < 0)
            return image_store_error(s, r, dirs[i], err);
    }
    if (faccessat(s->root_fd, STORE_IMAGES "/oci-layout", F_OK, 0) == 0)
        return 0;
    int r = file_replace(s->root_fd, STORE_IMAGES "/oci-layout", oci_layout, sizeof oci_layout - 1, 0600, 1);
    return r < 0 ? image_store_error(s, r, STORE_IMAGES "/oci-layout", err) : 0;
}

int image_store_lock(struct image_store *s, bool exclusive, int *ret_fd, struct err *err)
{
    CLEANUP_FD int fd = openat(s->root_fd, "lock", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return image_store_error(s, -errno, "lock", err);
    while (flock(fd, exclusive ? LOCK_EX : LOCK_SH) < 0)
        if (errno != EINTR)
            return image_store_error(s, -errno, "lock", err);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/*
 * A directory below tmp/ exists for a moment before its maker's lock on it. A maker therefore holds tmp/ itself shared
 * meanwhile, and who sweeps takes it exclusively.
 */
int image_store_tmp_make(struct image_store *s, struct store_tmp *ret, struct err *err)
{
    CLEANUP_FD int tmp = openat(s->root_fd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tmp < 0)
        return image_store_error(s, -errno, STORE_TMP, err);
    while (flock(tmp, LOCK_SH) < 0)
        if (errno != EINTR)
            return image_store_error(s, -errno, STORE_TMP, err);
    struct store_tmp t = {.fd = -EBADF, .store = s};
    for (;;) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return image_store_error(s, -EIO, "random name", err);
        snprintf(t.name, sizeof t.name, "%016llx", (unsigned long long)random);
        if (mkdirat(tmp, t.name, 0700) == 0)
            break;
        if (errno != EEXIST)
            return image_store_error(s, -errno, STORE_TMP, err);
    }
    t.fd = openat(tmp, t.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (t.fd < 0 || flock(t.fd, LOCK_EX | LOCK_NB) < 0) {
        int r = image_store_error(s, -errno, STORE_TMP, err);
        fd_close(&t.fd);
        (void)unlinkat(tmp, t.name, AT_REMOVEDIR);
        return r;
    }
    *ret = t;
    return 0;
}

int image_store_tmp_shared(struct image_store *s, struct store_tmp *ret, struct err *err)
{
    CLEANUP_FD int tmp = openat(s->root_fd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (tmp < 0 || flock(tmp, LOCK_SH) < 0)
        if (tmp < 0 || errno != EINTR)
            return image_store_error(s, -errno, STORE_TMP, err);
    *ret = (struct store_tmp){.fd = TAKE_FD(tmp), .store = s};
    return 0;
}

void image_store_tmp_remove(struct store_tmp *t)
{
    if (t->name[0] == '\0') {
        bool shared = t->fd >= 0;
        fd_close(&t->fd);
        if (shared)
            image_store_tmp_sweep(t->store);
        return;
    }
    CLEANUP_FD int tmp = openat(t->store->root_fd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = tmp < 0 ? -errno : image_tree_remove(tmp, t->name);
    if (r < 0)
        log_debug(LAYER_STORAGE, "tmp/%s stays until the next sweep: %s", t->name, strerrordesc_np(-r));
    fd_close(&t->fd);
    t->name[0] = '\0';
}

void image_store_tmp_sweep(struct image_store *s)
{
    int fd = openat(s->root_fd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    DIR *dir = flock(fd, LOCK_EX | LOCK_NB) == 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) { /* somebody makes a directory just now; the next sweep comes */
        close(fd);
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        CLEANUP_FD int one = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (one >= 0 && flock(one, LOCK_EX | LOCK_NB) < 0)
            continue; /* its maker lives */
        int r = image_tree_remove(fd, entry->d_name);
        log_debug(LAYER_STORAGE, "left over tmp/%s: %s", entry->d_name, r < 0 ? strerrordesc_np(-r) : "removed");
    }
    closedir(dir);
}
