/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/idrange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/claim.h"

#define POOL_FIRST 2147483648U
#define POOL_COUNT (2147418112U / IDRANGE_SIZE * IDRANGE_SIZE)

int idrange_pool(const char *text, const char *name, uint32_t *ret_first, uint32_t *ret_count)
{
    size_t n = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            char *end = NULL;
            errno = 0;
            unsigned long first = strtoul(line + n + 1, &end, 10);
            unsigned long count = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
            if (errno == 0 && (*end == '\n' || *end == '\0') && first > 0 && first < UINT32_MAX &&
                count >= IDRANGE_SIZE && count <= UINT32_MAX - first) {
                *ret_first = (uint32_t)first;
                *ret_count = (uint32_t)count;
                return 0;
            }
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return -ENOENT;
}

/* The pool of one kind of id. A file that names neither user, or is missing, leaves the fixed pool. */
static int find_pool(const char *file, uint32_t *ret_first, uint32_t *ret_count, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *text = NULL;
    int r = file_read(&a, AT_FDCWD, file, (size_t)16 * 1024 * 1024, &text, NULL);
    if (r < 0 && r != -ENOENT)
        return err_set_errno(err, r, LAYER_IDMAP, "%s", file);
    if (r == 0 && (idrange_pool(text, "coffer", ret_first, ret_count) == 0 ||
                   idrange_pool(text, "containers", ret_first, ret_count) == 0))
        return 0;
    *ret_first = POOL_FIRST;
    *ret_count = POOL_COUNT;
    return 0;
}

int idrange_take(const char *pool_dir, const char *directory, uint32_t seed, struct idrange *ret, struct err *err)
{
    uint32_t uid_first = 0, uid_count = 0, gid_first = 0, gid_count = 0;
    int r = find_pool("/etc/subuid", &uid_first, &uid_count, err);
    if (r == 0)
        r = find_pool("/etc/subgid", &gid_first, &gid_count, err);
    if (r < 0)
        return r;
    r = dir_make(AT_FDCWD, pool_dir, 0755);
    CLEANUP_FD int dir = r < 0 ? -EBADF : open(pool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_set_errno(err, r < 0 ? r : -errno, LAYER_IDMAP, "record of id ranges %s", pool_dir);
    uint32_t ranges = MIN_OF(uid_count, gid_count) / IDRANGE_SIZE;
    for (uint32_t i = 0; i < ranges; i++) {
        uint32_t slot = (seed + i) % ranges;
        char name[32];
        snprintf(name, sizeof name, "%u", uid_first + slot * IDRANGE_SIZE);
        r = claim_take(dir, name, directory);
        if (r == -EEXIST)
            continue;
        if (r < 0)
            return err_set_errno(err, r, LAYER_IDMAP, "record of id ranges %s", pool_dir);
        ret->first_uid = uid_first + slot * IDRANGE_SIZE;
        ret->first_gid = gid_first + slot * IDRANGE_SIZE;
        return 0;
    }
    return err_set(err, -ENOSPC, LAYER_IDMAP,
                   "--userns auto: all %u id ranges are taken; enlarge the entry of \"coffer\" in /etc/subuid and "
                   "/etc/subgid", ranges);
}

void idrange_release(const char *pool_dir, const char *directory, uint32_t first_uid)
{
    char name[32];
    snprintf(name, sizeof name, "%u", first_uid);
    CLEANUP_FD int dir = open(pool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        claim_release(dir, name, directory);
}
