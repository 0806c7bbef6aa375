/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "layers/rootfs/rootfs.h"

char *rootfs_path_clean(struct arena *a, const char *path)
{
    char *out = arena_alloc(a, strlen(path) + 2);
    if (out == NULL)
        return NULL;
    size_t len = 0;
    for (const char *p = path; *p != '\0';) {
        p += strspn(p, "/");
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.')) {
            /* nothing */
        } else if (n == 2 && p[0] == '.' && p[1] == '.') {
            while (len > 0 && out[len - 1] != '/')
                len--;
            if (len > 0)
                len--;
        } else {
            out[len++] = '/';
            memcpy(out + len, p, n);
            len += n;
        }
        p += n;
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return out;
}

const char *rootfs_path_below(const char *path, const char *directory)
{
    if (str_eq(directory, "/"))
        return path + 1;
    size_t n = strlen(directory);
    if (strncmp(path, directory, n) != 0)
        return NULL;
    if (path[n] == '\0')
        return path + n;
    return path[n] == '/' ? path + n + 1 : NULL;
}

bool rootfs_path_has_links(const char *below_proc)
{
    static const char *const links[] = {"self", "thread-self", "net", "mounts", "fs/nfs"};
    if (isdigit((unsigned char)below_proc[0]))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (rootfs_path_below(below_proc, links[i]) != NULL)
            return true;
    return false;
}
