/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/etc_files.h"

#include <errno.h>
#include <fcntl.h>
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

static int make_etc(const char *upper, const struct stat *etc, int *ret)
{
    CLEANUP_FD int top = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0 || mkdirat(top, "etc", 0700) < 0)
        return -errno;
    CLEANUP_FD int fd = openat(top, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, etc->st_uid, etc->st_gid) < 0 || fchmod(fd, etc->st_mode & 07777) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
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

int etc_write(struct arena *a, const struct spec_request *request, const struct oci_config *config,
              const struct stat *etc, int directory, const char *upper, struct err *err)
{
    const char *text[3] = {NULL, NULL, NULL};
    static const char *const names[3] = {SPEC_HOSTS, SPEC_HOSTNAME, SPEC_RESOLV};
    bool mounted = spec_mounts_files(request, config);
    const struct oci_linux *l = config->linux;
    CLEANUP_FD int fd = -EBADF;
    int r = spec_files(a, request, config, &text[0], &text[1], &text[2], err);
    if (r < 0 || (!mounted && !request->files_in_root))
        return r; /* or the user mounts all three himself */
    if (!mounted)
        r = make_etc(upper, etc, &fd);
    /* The writable layer is seen through the id maps; what is mounted from outside is not. */
    uid_t uid = mounted && l->uid_mappings.n > 0 ? l->uid_mappings.v[0].host_id : geteuid();
    gid_t gid = mounted && l->gid_mappings.n > 0 ? l->gid_mappings.v[0].host_id : getegid();
    for (size_t i = 0; i < ARRAY_LEN(names) && r == 0; i++)
        r = write_file(mounted ? directory : fd, names[i], text[i], uid, gid);
    return r < 0 ? err_set_errno(err, r, LAYER_ENGINE, "container %.12s: its files in /etc", request->id) : 0;
}
