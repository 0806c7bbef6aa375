/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"

/* "0-65535 are the host's 100000-165535, ..." */
static const char *describe(struct arena *a, const oci_id_mappings *maps)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < maps->n && i < 4; i++) {
        const struct oci_id_mapping *m = &maps->v[i];
        const char *separator = i > 0 ? "; " : "";
        if (m->size == 1)
            buf_printf(&text, "%s%" PRIu32 " is the host's %" PRIu32, separator, m->container_id, m->host_id);
        else
            buf_printf(&text, "%s%" PRIu32 "-%" PRIu64 " are the host's %" PRIu32 "-%" PRIu64, separator,
                       m->container_id, (uint64_t)m->container_id + m->size - 1, m->host_id,
                       (uint64_t)m->host_id + m->size - 1);
    }
    if (maps->n > 4)
        buf_printf(&text, "; and %zu more ranges", maps->n - 4);
    if (text.failed)
        a->failed = true;
    return arena_strdup(a, buf_str(&text));
}

static bool covers_host_root(const oci_id_mappings *maps)
{
    for (size_t i = 0; i < maps->n; i++)
        if (maps->v[i].host_id == 0 && maps->v[i].size > 0)
            return true;
    return false;
}

/* The host's id of a container id: false when it has none. */
static bool to_host(const oci_id_mappings *maps, uint32_t id, uint32_t *ret)
{
    for (size_t i = 0; i < maps->n; i++) {
        const struct oci_id_mapping *m = &maps->v[i];
        if (id >= m->container_id && id - m->container_id < m->size) {
            *ret = m->host_id + (id - m->container_id);
            return true;
        }
    }
    return false;
}

bool view_maps_host_root(const struct wall_view *v)
{
    return view_has_userns(v) && v->c->linux != NULL && covers_host_root(&v->c->linux->uid_mappings);
}

bool view_root_is_hosts(const struct wall_view *v)
{
    uint32_t outside = 0;
    return view_maps_host_root(v) && to_host(&v->c->linux->uid_mappings, 0, &outside) && outside == 0;
}

static void explain_map(struct wall_view *v, const char *subject, const char *path, const oci_id_mappings *maps)
{
    if (maps->n == 0)
        fact_add(v, FACT_UNKNOWN, subject, path, "Which ids of the host they are cannot be told from here.", "%s",
                 v->observed ? "cannot be read" : "none given: those of the namespace that is joined");
    else if (covers_host_root(maps))
        fact_add(v, FACT_PARTIAL, subject, path,
                 "The range reaches the host's root: files and processes of root are within it.", "%s",
                 describe(v->a, maps));
    else
        fact_add(v, FACT_HOLDS, subject, path, "Whatever id it takes, on the host it is one of these.", "%s",
                 describe(v->a, maps));
}

/* Whom the host sees when it looks at the process. */
static void explain_user(struct wall_view *v, const oci_id_mappings *maps)
{
    const char *path = "process.user";
    uint32_t uid = oci_process_uid(v->c), outside = uid;
    if (v->c->process == NULL)
        return;
    if (view_has_userns(v) && maps->n == 0)
        return;
    if (v->observed && v->c->process->user == NULL) {
        fact_add(v, FACT_UNKNOWN, "user", path, "Whom the host sees in it cannot be told from here.", "cannot be read");
        return;
    }
    if (view_has_userns(v) && !to_host(maps, uid, &outside)) {
        fact_add(v, FACT_UNKNOWN, "user", path, "This id has no mapping; the kernel would refuse to take it.",
                 "uid %" PRIu32 " (unmapped)", uid);
        return;
    }
    struct fact *f = NULL;
    if (outside == 0)
        f = fact_add(v, FACT_OPEN, "user", path, "To the host's files and kernel this is root.",
                     "uid %" PRIu32 ", on the host root", uid);
    else
        f = fact_add(v, FACT_HOLDS, "user", path, "To the host's files and kernel this is an ordinary user.",
                     "uid %" PRIu32 ", on the host uid %" PRIu32, uid, outside);
    f->value = arena_printf(v->a, "%" PRIu32 " %" PRIu32, uid, outside);
}

void explain_idmap(struct wall_view *v)
{
    static const oci_id_mappings none = {.n = 0};
    const oci_id_mappings *uids = v->c->linux != NULL ? &v->c->linux->uid_mappings : &none;
    const oci_id_mappings *gids = v->c->linux != NULL ? &v->c->linux->gid_mappings : &none;
    if (view_unread(v, "user")) {
        fact_add(v, FACT_UNKNOWN, "user ids", NULL, "Whether they are those of the host cannot be told from here.",
                 "cannot be read");
        return;
    }
    if (!view_has_userns(v)) {
        fact_add(v, FACT_OPEN, "user ids", "linux.uidMappings", "Every user and group id in it is the same id on the host.",
                 "not mapped");
        explain_user(v, uids);
        return;
    }
    explain_map(v, "user ids", "linux.uidMappings", uids);
    explain_map(v, "group ids", "linux.gidMappings", gids);
    explain_user(v, uids);
    const char *setgroups = oci_annotation(v->c, ANNOTATION_OBSERVED_SETGROUPS);
    if (v->observed && setgroups != NULL && str_eq(setgroups, "deny"))
        fact_add(v, FACT_HOLDS, "setgroups", NULL, "It cannot drop a group that a file's permissions exclude.", "denied");
    const char *files = oci_annotation(v->c, ANNOTATION_ROOTFS_IDMAP);
    if (!v->observed && files != NULL && str_eq(files, "true"))
        fact_add(v, FACT_HOLDS, "files", "annotations[" ANNOTATION_ROOTFS_IDMAP "]",
                 "Files of the image appear owned as the image says; nothing was chowned.", "mapped by their mount")
            ->part_of = "user ids";
}
