/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of a live process, as seen from our own user namespace. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/idmap/idmap.h"

#define MAX_MAP_FILE ((size_t)64 * 1024)

static int parse_map(struct arena *a, const char *text, oci_id_mappings *ret)
{
    size_t lines = 0;
    for (const char *p = text; *p != '\0'; p++)
        lines += *p == '\n';
    oci_id_mappings maps = {.v = arena_calloc(a, lines + 1, sizeof *maps.v), .set = true};
    if (maps.v == NULL)
        return -ENOMEM;
    for (const char *p = text; *p != '\0';) {
        struct oci_id_mapping *m = &maps.v[maps.n];
        if (sscanf(p, "%u %u %u", &m->container_id, &m->host_id, &m->size) != 3)
            return -EBADMSG;
        maps.n++;
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    *ret = maps;
    return 0;
}

/* Is the process in our own user namespace? Then there is no wall to report. */
static bool same_userns(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    return stat("/proc/self/ns/user", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

int idmap_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED, struct oci_config *ret,
                  struct err *err)
{
    if (same_userns(pid))
        return 0;
    const struct {
        const char *file;
        oci_id_mappings *ret;
    } maps[] = {{"uid_map", &ret->linux->uid_mappings}, {"gid_map", &ret->linux->gid_mappings}};
    char path[64];
    char *text = NULL;
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, maps[i].file);
        int r = file_read(a, AT_FDCWD, path, MAX_MAP_FILE, &text, NULL);
        if (r == -EACCES || r == -EPERM)
            continue;
        if (r >= 0)
            r = parse_map(a, text, maps[i].ret);
        if (r < 0)
            return err_set_errno(err, r, LAYER_IDMAP, "process %d: %s cannot be read", (int)pid, maps[i].file);
    }
    snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid);
    if (file_read(a, AT_FDCWD, path, MAX_MAP_FILE, &text, NULL) < 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    return layers_annotate(a, ret, ANNOTATION_OBSERVED_SETGROUPS, text);
}
