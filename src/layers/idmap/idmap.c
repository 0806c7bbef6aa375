/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall between ids: root in the container is nobody on the host.
 *
 * A new user namespace has no ids until its maps are written, once each, by a process of the parent namespace
 * (user_namespaces(7)). We are that process, and there are two ways:
 *   directly    with CAP_SETUID and CAP_SETGID, or for a map of our own id alone. In the latter case the kernel wants
 *               setgroups(2) denied for good first, or membership in a group could be dropped to pass a check that
 *               denies that group (CVE-2014-8989).
 *   newuidmap, newgidmap   for everybody else: setuid programs that grant what /etc/subuid and /etc/subgid list.
 * A joined user namespace has its maps already.
 */
#include "layers/idmap/idmap.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>

#include "base/str.h"

#define MAX_LINES 340
/* One write of less than a page; 4096 is the smallest page there is. */
#define MAX_TEXT 4095

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
    return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

/* decimal digits of n */
static size_t digits(uint32_t n)
{
    size_t count = 1;
    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

int idmap_check(const oci_id_mappings *maps, const char *member, struct err *err)
{
    if (maps->n > MAX_LINES)
        return err_set(err, -E2BIG, LAYER_IDMAP, "%s: %zu mappings; the kernel takes at most %d", member, maps->n,
                       MAX_LINES);
    size_t length = 0;
    for (size_t i = 0; i < maps->n; i++) {
        const struct oci_id_mapping *m = &maps->v[i];
        if (m->size == 0)
            return err_set(err, -EINVAL, LAYER_IDMAP, "%s[%zu].size: 0 maps nothing", member, i);
        /* The id 4294967295 means "none" and cannot be mapped. */
        if ((uint64_t)m->container_id + m->size > UINT32_MAX || (uint64_t)m->host_id + m->size > UINT32_MAX)
            return err_set(err, -EINVAL, LAYER_IDMAP,
                           "%s[%zu]: %" PRIu32 " ids from container id %" PRIu32 " and host id %" PRIu32
                           " go beyond the last id, 4294967294", member, i, m->size, m->container_id, m->host_id);
        for (size_t j = 0; j < i; j++) {
            const struct oci_id_mapping *o = &maps->v[j];
            bool inside = overlap(m->container_id, m->size, o->container_id, o->size);
            if (inside || overlap(m->host_id, m->size, o->host_id, o->size))
                return err_set(err, -EINVAL, LAYER_IDMAP, "%s[%zu] and [%zu]: their %s ids overlap", member, j, i,
                               inside ? "container" : "host");
        }
        length += digits(m->container_id) + digits(m->host_id) + digits(m->size) + 3;
    }
    if (length > MAX_TEXT)
        return err_set(err, -E2BIG, LAYER_IDMAP,
                       "%s: written out they take %zu bytes; the kernel reads %d, use fewer ranges", member, length,
                       MAX_TEXT);
    return 0;
}

char *idmap_text(struct arena *a, const oci_id_mappings *maps, const char *separator)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < maps->n; i++)
        buf_printf(&text, "%s%" PRIu32 " %" PRIu32 " %" PRIu32, i > 0 ? separator : "", maps->v[i].container_id,
                   maps->v[i].host_id, maps->v[i].size);
    if (text.failed) {
        a->failed = true;
        return NULL;
    }
    return arena_strdup(a, buf_str(&text));
}

bool idmap_host_root(const oci_id_mappings *maps, uint32_t *ret)
{
    for (size_t i = 0; i < maps->n; i++)
        if (maps->v[i].container_id == 0 && maps->v[i].size > 0) {
            *ret = maps->v[i].host_id;
            return true;
        }
    return false;
}

/* newuidmap PID container host size ... ; the pid is put in by idmap_apply(). */
static char **program_arguments(struct arena *a, const char *program, const oci_id_mappings *maps)
{
    char **argv = arena_calloc(a, 2 + 3 * maps->n + 1, sizeof *argv);
    if (argv == NULL)
        return NULL;
    argv[0] = arena_strdup(a, program);
    for (size_t i = 0; i < maps->n; i++) {
        argv[2 + 3 * i] = arena_printf(a, "%" PRIu32, maps->v[i].container_id);
        argv[3 + 3 * i] = arena_printf(a, "%" PRIu32, maps->v[i].host_id);
        argv[4 + 3 * i] = arena_printf(a, "%" PRIu32, maps->v[i].size);
    }
    return argv;
}

static bool is_own_id_only(const oci_id_mappings *maps, uint32_t own)
{
    return maps->n == 1 && maps->v[0].size == 1 && maps->v[0].host_id == own;
}

static void plan_program(struct plan *plan, const char *program, const oci_id_mappings *maps)
{
    plan_add(plan, &(struct op){.layer = LAYER_IDMAP,
                                .step = STEP_HOST_AFTER_CLONE,
                                .kind = IDMAP_RUN,
                                .name = "run",
                                .target = program,
                                .value = idmap_text(plan->arena, maps, ", "),
                                .args = program_arguments(plan->arena, program, maps),
                                .slot = -1});
}

static void plan_write(struct plan *plan, const char *file, const oci_id_mappings *maps)
{
    plan_add(plan, &(struct op){.layer = LAYER_IDMAP,
                                .step = STEP_HOST_AFTER_CLONE,
                                .kind = IDMAP_WRITE,
                                .name = "write",
                                .target = file,
                                .value = idmap_text(plan->arena, maps, ", "),
                                .args = idmap_text(plan->arena, maps, "\n"),
                                .slot = -1});
}

static void plan_maps(const struct oci_linux *linux_, const struct host *host, struct plan *plan)
{
    if (host_has_capability(host, CAP_SETUID) || is_own_id_only(&linux_->uid_mappings, host->euid))
        plan_write(plan, "uid_map", &linux_->uid_mappings);
    else
        plan_program(plan, "newuidmap", &linux_->uid_mappings);

    if (host_has_capability(host, CAP_SETGID)) {
        plan_write(plan, "gid_map", &linux_->gid_mappings);
    } else if (is_own_id_only(&linux_->gid_mappings, host->egid)) {
        plan_add(plan, &(struct op){.layer = LAYER_IDMAP,
                                    .step = STEP_HOST_AFTER_CLONE,
                                    .kind = IDMAP_SETGROUPS,
                                    .name = "write",
                                    .target = "setgroups",
                                    .value = "deny",
                                    .slot = -1});
        plan_write(plan, "gid_map", &linux_->gid_mappings);
    } else {
        plan_program(plan, "newgidmap", &linux_->gid_mappings);
    }
}

static int idmap_plan(const struct oci_config *config, const struct host *host, const char *id UNUSED,
                      const char *bundle UNUSED, struct plan *plan, struct err *err)
{
    const struct oci_linux *linux_ = config->linux;
    const struct oci_namespace *user = oci_namespace_find(config, "user");
    const struct {
        const oci_id_mappings *maps;
        const char *member;
    } sides[] = {{&linux_->uid_mappings, "linux.uidMappings"}, {&linux_->gid_mappings, "linux.gidMappings"}};
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        if (user == NULL && sides[i].maps->n > 0)
            return err_set(err, -EINVAL, LAYER_IDMAP,
                           "%s: there is no user namespace to map ids in; add {\"type\": \"user\"} to "
                           "linux.namespaces", sides[i].member);
        if (user != NULL && user->path == NULL && sides[i].maps->n == 0)
            return err_set(err, -EINVAL, LAYER_IDMAP,
                           "%s: a new user namespace has no ids until some are mapped; give a mapping such as "
                           "{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}", sides[i].member);
        int r = idmap_check(sides[i].maps, sides[i].member, err);
        if (r < 0)
            return r;
    }
    if (user == NULL || user->path != NULL)
        return 0;
    plan->parent_maps_ids = true;
    plan_maps(linux_, host, plan);
    return 0;
}

const struct layer idmap_layer = {
    .id = LAYER_IDMAP,
    .plan = idmap_plan,
    .at = {[STEP_HOST_AFTER_CLONE] = idmap_apply},
    .observe = idmap_observe,
    /* No undo: a user namespace and its maps end with its last process. */
};
