/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/programs32.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define ANSWER "programs32"
enum { MAX_DEPTH = 64 };

static int is_elf32(int dir, const char *name)
{
    unsigned char head[EI_NIDENT];
    CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == ENOENT ? 0 : -errno;
    ssize_t n = fd_read_full(fd, head, sizeof head);
    if (n < 0)
        return (int)n;
    return n == sizeof head && memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_CLASS] == ELFCLASS32;
}

/*
 * Takes fd. Libraries need no x bit, so every regular file long enough to be a program is looked at. Device nodes and
 * fifos are never opened.
 */
static int scan(int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int e = -errno;
        fd_close(&fd);
        return e;
    }
    int found = depth > MAX_DEPTH ? -ELOOP : 0;
    for (struct dirent *e; found == 0 && (e = readdir(dir)) != NULL;) {
        struct stat st;
        if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
            continue;
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            found = -errno;
        } else if (S_ISDIR(st.st_mode)) {
            int sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            found = sub < 0 ? -errno : scan(sub, depth + 1);
        } else if (S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(Elf32_Ehdr)) {
            found = is_elf32(dirfd(dir), e->d_name);
        }
    }
    closedir(dir);
    return found;
}

int programs32_scan(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : scan(fd, 0);
}

static bool in_layer(struct arena *a, const char *layer)
{
    const char *slash = strrchr(layer, '/');
    char *path = slash != NULL ? arena_printf(a, "%.*s/" ANSWER, (int)(slash - layer), layer) : NULL;
    char answer[8];
    if (path == NULL)
        return true;
    if (file_read_into(AT_FDCWD, path, answer, sizeof answer) > 0)
        return answer[0] != 'n';
    int found = programs32_scan(layer);
    if (found >= 0)
        (void)file_replace(AT_FDCWD, path, found ? "yes\n" : "no\n", found ? 4 : 3, 0600, 0);
    return found != 0;
}

bool programs32_in_image(struct arena *a, const struct image *image)
{
    for (size_t i = 0; i < image->n_layers; i++)
        if (in_layer(a, image->layers[i]))
            return true;
    return false;
}
