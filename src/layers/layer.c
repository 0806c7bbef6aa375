/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "base/fd.h"

const struct layer *const all_layers[LAYER_WALLS] = {
    [LAYER_NAMESPACES] = &namespaces_layer, [LAYER_IDMAP] = &idmap_layer,
    [LAYER_CGROUP] = &cgroup_layer,         [LAYER_NETWORK] = &network_layer,
    [LAYER_ROOTFS] = &rootfs_layer,         [LAYER_LIMITS] = &limits_layer,
    [LAYER_MAC] = &mac_layer,               [LAYER_CAPABILITIES] = &capabilities_layer,
    [LAYER_SECCOMP] = &seccomp_layer,
};

int layers_plan(const struct oci_config *config, const struct host *host, const char *id, const char *bundle,
                struct plan *plan, struct err *err)
{
    for (enum layer_id l = 0; l < LAYER_WALLS; l++) {
        int r = all_layers[l]->plan(config, host, id, bundle, plan, err);
        if (r < 0)
            return r;
    }
    if (plan->arena->failed)
        return err_set(err, -ENOMEM, LAYER_START, "out of memory while planning the start");
    return 0;
}

int layers_apply(struct apply *ap, enum step step, struct err *err)
{
    for (enum layer_id l = 0; l < LAYER_WALLS; l++) {
        step_fn *fn = all_layers[l]->at[step];
        if (fn == NULL)
            continue;
        int r = fn(ap, err);
        if (r < 0) {
            if (err != NULL)
                err->step = step;
            return r;
        }
    }
    return 0;
}

int layers_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config **ret,
                   struct err *err)
{
    struct oci_config *config = arena_new(a, struct oci_config);
    if (config == NULL)
        return err_set(err, -ENOMEM, LAYER_INSIGHT, "out of memory");
    config->oci_version = arena_strdup(a, OCI_VERSION);
    config->process = arena_new(a, struct oci_process);
    config->linux = arena_new(a, struct oci_linux);
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_INSIGHT, "out of memory");
    for (enum layer_id l = 0; l < LAYER_WALLS; l++) {
        if (all_layers[l]->observe == NULL)
            continue;
        int r = all_layers[l]->observe(a, pid, pidfd, host, config, err);
        if (r < 0)
            return r;
    }
    *ret = config;
    return 0;
}

int layers_annotate(struct arena *a, struct oci_config *ret, const char *key, const char *value)
{
    struct oci_map *map = &ret->annotations;
    struct oci_pair *v = arena_calloc(a, map->n + 1, sizeof *v);
    char *k = arena_strdup(a, key), *copy = arena_strdup(a, value);
    if (v == NULL || k == NULL || copy == NULL)
        return -ENOMEM;
    if (map->n > 0)
        memcpy(v, map->v, map->n * sizeof *v);
    v[map->n] = (struct oci_pair){.key = k, .value = copy};
    *map = (struct oci_map){.v = v, .n = map->n + 1, .set = true};
    return 0;
}

int layers_undo(const struct undo *undo, struct err *err)
{
    int first = 0;
    for (int l = LAYER_WALLS - 1; l >= 0; l--) {
        if (all_layers[l]->undo == NULL)
            continue;
        struct err ignored = ERR_INIT;
        int r = all_layers[l]->undo(undo, first == 0 ? err : &ignored);
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

int apply_procfs(struct apply *ap, struct err *err)
{
    if (ap->proc_fd >= 0)
        return ap->proc_fd;
    CLEANUP_FD int fs = fsopen("proc", FSOPEN_CLOEXEC);
    if (fs < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "private procfs: fsopen");
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "private procfs: create");
    int fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "private procfs: fsmount");
    ap->proc_fd = fd;
    return fd;
}

int apply_procfs_early(struct apply *ap, struct err *err)
{
    const struct oci_namespace *mount = oci_namespace_find(ap->config, "mount");
    if (mount != NULL && mount->path == NULL) {
        CLEANUP_FD int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct statfs fs;
        if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
            return TAKE_FD(fd);
    }
    int fd = apply_procfs(ap, err);
    if (fd < 0)
        return fd;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? err_set_errno(err, -errno, LAYER_START, "private procfs: duplicate") : copy;
}
