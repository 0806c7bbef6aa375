/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/capabilities/observe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"

/* Room for 65536 groups. */
#define STATUS_MAX ((size_t)1024 * 1024)

/* What follows "key:" and blanks in a status file (proc(5)), or NULL. */
static const char *field(const char *status, const char *key)
{
    size_t n = strlen(key);
    for (const char *line = status; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " \t");
    }
    return NULL;
}

static int read_sets(struct arena *a, const char *status, struct oci_capabilities *ret)
{
    const struct {
        const char *key;
        struct oci_strs *set;
    } fields[] = {
        {"CapInh", &ret->inheritable}, {"CapPrm", &ret->permitted}, {"CapEff", &ret->effective},
        {"CapBnd", &ret->bounding},    {"CapAmb", &ret->ambient}, /* ambient: since Linux 4.3 */
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = field(status, fields[i].key);
        if (value == NULL)
            continue;
        int r = capability_names(a, strtoull(value, NULL, 16), fields[i].set);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_groups(struct arena *a, const char *value, struct oci_uints *ret)
{
    size_t n = 0;
    char *end = NULL;
    for (const char *p = value; *p != '\n' && *p != '\0'; p = end) {
        (void)strtoul(p, &end, 10);
        if (end == p)
            break;
        n++;
        end += strspn(end, " ");
    }
    uint32_t *v = arena_calloc(a, n, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    const char *p = value;
    for (size_t i = 0; i < n; i++) {
        v[i] = (uint32_t)strtoul(p, &end, 10);
        p = end;
    }
    *ret = (struct oci_uints){.v = v, .n = n, .set = n > 0};
    return 0;
}

/* The second of the four ids of a Uid or Gid line: the effective one. */
static int effective_id(const char *value, struct oci_uint *ret)
{
    unsigned real = 0, effective = 0;
    if (value == NULL || sscanf(value, "%u %u", &real, &effective) != 2)
        return -EINVAL;
    *ret = (struct oci_uint){.set = true, .v = effective};
    return 0;
}

int capabilities_read_status(struct arena *a, const char *status, struct oci_process *ret)
{
    struct oci_capabilities *capabilities = arena_new(a, struct oci_capabilities);
    struct oci_user *user = arena_new(a, struct oci_user);
    if (capabilities == NULL || user == NULL)
        return -ENOMEM;
    int r = read_sets(a, status, capabilities);
    if (r < 0)
        return r;
    r = effective_id(field(status, "Uid"), &user->uid);
    if (r == 0)
        r = effective_id(field(status, "Gid"), &user->gid);
    if (r < 0)
        return r;
    const char *groups = field(status, "Groups"), *mask = field(status, "Umask"), *nnp = field(status, "NoNewPrivs");
    if (groups != NULL && (r = read_groups(a, groups, &user->additional_gids)) < 0)
        return r;
    if (mask != NULL)
        user->umask = (struct oci_uint){.set = true, .v = strtoul(mask, NULL, 8)};
    if (nnp != NULL)
        ret->no_new_privileges = (struct oci_bool){.set = true, .v = *nnp == '1'};
    ret->capabilities = capabilities;
    ret->user = user;
    return 0;
}

/* Is the process in another user namespace than we? Where that cannot be read: no, and ids stay as we see them. */
static bool other_userns(pid_t pid)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    struct stat own, other;
    return stat("/proc/self/ns/user", &own) == 0 && stat(path, &other) == 0 &&
           (own.st_ino != other.st_ino || own.st_dev != other.st_dev);
}

/* id as the process itself sees it; map: its uid_map or gid_map read from our user namespace. */
static uint32_t id_inside(const char *map, uint32_t id)
{
    unsigned inside = 0, outside = 0, count = 0;
    for (const char *line = map; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && id >= outside && id - outside < count)
            return inside + (id - outside);
    }
    return id; /* not mapped there: the overflow id, or an id that only we have */
}

/* Status files show ids as the reader's user namespace has them; a document has the container's own. */
static int translate_ids(struct arena *a, pid_t pid, struct oci_user *user)
{
    char path[48];
    char *uids = NULL, *gids = NULL;
    snprintf(path, sizeof path, "/proc/%d/uid_map", (int)pid);
    int r = file_read(a, AT_FDCWD, path, STATUS_MAX, &uids, NULL);
    if (r < 0)
        return r;
    snprintf(path, sizeof path, "/proc/%d/gid_map", (int)pid);
    r = file_read(a, AT_FDCWD, path, STATUS_MAX, &gids, NULL);
    if (r < 0)
        return r;
    user->uid.v = id_inside(uids, (uint32_t)user->uid.v);
    user->gid.v = id_inside(gids, (uint32_t)user->gid.v);
    for (size_t i = 0; i < user->additional_gids.n; i++)
        user->additional_gids.v[i] = id_inside(gids, user->additional_gids.v[i]);
    return 0;
}

int capabilities_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED,
                         struct oci_config *ret, struct err *err)
{
    char path[48];
    char *status = NULL;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int r = file_read(a, AT_FDCWD, path, STATUS_MAX, &status, NULL);
    if (r == -EACCES || r == -EPERM || r == -ENOENT)
        return 0; /* hidden from us: absent, as the interface of layers says */
    if (r == 0)
        r = capabilities_read_status(a, status, ret->process);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CAPABILITIES, "process %d: its status cannot be read", (int)pid);
    if (other_userns(pid)) {
        r = translate_ids(a, pid, ret->process->user);
        if (r == -EACCES || r == -EPERM)
            ret->process->user = NULL; /* its ids are others inside, and it cannot be told which */
        else if (r < 0)
            return err_set_errno(err, r, LAYER_CAPABILITIES, "process %d: its id maps cannot be read", (int)pid);
    }
    return 0;
}
