/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/etc_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/layer_files.h"

bool etc_in_root(const struct store *s, const struct image *image, struct stat *ret)
{
    *ret = (struct stat){.st_mode = S_IFDIR | 0755, .st_uid = s->host.euid, .st_gid = s->host.egid};
    int r = layer_directory(s->arena, image->layers, image->n_layers, "etc", ret);
    if (r == -ENOENT)
        return true;
    return r == 1 && (s->host.euid == 0 || ret->st_uid == s->host.euid);
}

static const char *const names[] = {SPEC_HOSTS, SPEC_HOSTNAME, SPEC_RESOLV};

/* Where the layer lies: tmpfs can be seen through id maps since Linux 6.3. */
static char *layer_path(const struct store *s, const struct container *c, bool mapped)
{
    if (s->files_root != NULL && (!mapped || host_kernel_at_least(&s->host, 6, 3)))
        return arena_printf(s->arena, "%s/%s", s->files_root, c->id);
    return arena_printf(s->arena, "%s/files", c->directory);
}

static int make_layer(const char *path, const struct stat *etc, int *ret)
{
    char whole[PATH_MAX];
    int n = snprintf(whole, sizeof whole, "%s/etc", path);
    if (n < 0 || (size_t)n >= sizeof whole)
        return -ENAMETOOLONG;
    int r = dir_make(AT_FDCWD, path, 0755);
    if (r < 0 || mkdir(whole, 0700) < 0)
        return r < 0 ? r : -errno;
    CLEANUP_FD int fd = open(whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, etc->st_uid, etc->st_gid) < 0 || fchmod(fd, etc->st_mode & 07777) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
}

static void remove_layer(const char *path)
{
    CLEANUP_FD int fd = path != NULL ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -EBADF;
    if (fd < 0)
        return;
    char file[32];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(file, sizeof file, "etc/%s", names[i]);
        (void)unlinkat(fd, file, 0);
    }
    (void)unlinkat(fd, "etc", AT_REMOVEDIR);
    (void)rmdir(path);
}

void etc_remove(const struct store *s, const struct container *c)
{
    if (s->files_root != NULL)
        remove_layer(layer_path(s, c, false));
    remove_layer(arena_printf(s->arena, "%s/files", c->directory));
}

static int write_file(int dir, const char *name, const char *text, uid_t uid, gid_t gid)
{
    CLEANUP_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    struct stat st;
    int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
    if (r == 0 && fstat(fd, &st) < 0)
        r = -errno;
    if (r == 0 && (st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0)
        r = -errno;
    if (r == 0 && fchmod(fd, 0644) < 0) /* whatever our umask is */
        r = -errno;
    return r;
}

int etc_write(const struct store *s, const struct container *c, const struct spec_request *request,
              const struct oci_config *config, const struct stat *etc, int directory, const char **ret_layer,
              struct err *err)
{
    const char *text[ARRAY_LEN(names)] = {NULL};
    const struct oci_linux *l = config->linux;
    bool mounted = spec_mounts_files(request, config), mapped = l->uid_mappings.n > 0;
    CLEANUP_FD int fd = -EBADF;
    *ret_layer = NULL;
    int r = spec_files(s->arena, request, config, &text[0], &text[1], &text[2], err);
    if (r < 0 || (!mounted && !request->files_in_root))
        return r; /* or the user mounts all three himself */
    char *layer = layer_path(s, c, mapped);
    if (layer == NULL)
        return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
    if (!mounted)
        r = make_layer(layer, etc, &fd);
    /* A layer is seen through the id maps; what is mounted from outside is not. */
    uid_t uid = mounted && mapped ? l->uid_mappings.v[0].host_id : geteuid();
    gid_t gid = mounted && l->gid_mappings.n > 0 ? l->gid_mappings.v[0].host_id : getegid();
    for (size_t i = 0; i < ARRAY_LEN(names) && r == 0; i++)
        r = write_file(mounted ? directory : fd, names[i], text[i], uid, gid);
    if (r < 0)
        return err_set_errno(err, r, LAYER_ENGINE, "container %.12s: its files in /etc", request->id);
    if (!mounted)
        *ret_layer = layer;
    return 0;
}
