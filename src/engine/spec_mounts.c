/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted where: the profile's mounts, --volume, --mount, --tmpfs, and the files that name hosts. */
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/spec_private.h"
#include "engine/volume.h"

struct oci_mount *spec_add_mount(struct spec *s, const char *destination, const char *type, const char *source)
{
    struct oci_mount *m = spec_append(s, s->config->mounts);
    if (m == NULL)
        return NULL;
    m->destination = arena_strdup(s->arena, destination);
    m->type = arena_strdup(s->arena, type);
    m->source = arena_strdup(s->arena, source);
    return m;
}

static bool is_below(const char *path, const char *top)
{
    size_t n = strlen(top);
    return strncmp(path, top, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static const struct volume *find_user_mount(const struct volumes *user, const char *destination)
{
    for (size_t i = 0; i < user->n; i++)
        if (str_eq(user->v[i].destination, destination))
            return &user->v[i];
    return NULL;
}

/* Docker leaves out a default mount where the user mounts there himself, and all below /dev where he mounts /dev. */
static bool is_replaced(const struct volumes *user, const char *destination)
{
    for (size_t i = 0; i < user->n; i++)
        if (str_eq(user->v[i].destination, destination) ||
            (str_eq(user->v[i].destination, "/dev") && is_below(destination, "/dev")))
            return true;
    return false;
}

static void bind_from_host(struct spec *s, struct oci_mount *m, const char *path, const char *options)
{
    m->type = arena_strdup(s->arena, "bind");
    m->source = arena_strdup(s->arena, path);
    struct strings words = {0};
    (void)spec_split(s, options, ',', &words);
    m->options = (struct oci_strs){0};
    for (size_t i = 0; i < words.n; i++)
        spec_push(s, &m->options, words.v[i]);
}

/* One option of a profile's mount, as the flags change it. */
static const char *mount_option(struct spec *s, const char *destination, const char *option)
{
    if (s->o->privileged && str_eq(option, "ro"))
        return NULL; /* /sys and its cgroups */
    if (str_eq(destination, "/dev/shm") && str_starts(option, "size=") && s->o->shm_size != NULL) {
        uint64_t size = 0;
        (void)str_to_size(s->o->shm_size, &size);
        source_entry_flag(&s->sources, "mounts", "/dev/shm", "--shm-size", s->o->shm_size);
        return arena_printf(s->arena, "size=%llu", (unsigned long long)size);
    }
    if (str_starts(option, "gid=") && s->userns_private) { /* a group that the user namespace lacks cannot be set */
        uint64_t gid = 0;
        const oci_id_mappings *maps = &s->config->linux->gid_mappings;
        for (size_t i = 0; str_to_u64(option + 4, &gid) == 0 && i < maps->n; i++)
            if (gid >= maps->v[i].container_id && gid - maps->v[i].container_id < maps->v[i].size)
                return option;
        return NULL;
    }
    return option;
}

/*
 * File systems that show a namespace can be mounted new only by its owner. With a user namespace of its own, a
 * container that shares the host's network, PID or IPC namespace gets the host's mount of it instead.
 */
static void adapt_to_shared(struct spec *s, struct oci_mount *m)
{
    bool ipc_shared = !s->ipc_private && oci_namespace_find(s->config, "ipc") == NULL;
    if (str_eq(m->destination, "/dev/shm") && ipc_shared)
        bind_from_host(s, m, "/dev/shm", "rbind,nosuid,noexec,nodev");
    else if (str_eq(m->type, "mqueue") && ipc_shared)
        bind_from_host(s, m, "/dev/mqueue", "rbind,nosuid,noexec,nodev");
    if (!s->userns_private)
        return;
    if (str_eq(m->type, "sysfs") && !s->network_private)
        bind_from_host(s, m, "/sys", "rbind,rslave,nosuid,noexec,nodev,ro,rro");
    else if (str_eq(m->type, "proc") && oci_namespace_find(s->config, "pid") == NULL)
        bind_from_host(s, m, "/proc", "rbind,rslave,nosuid,noexec,nodev");
}

static int profile_mount(struct spec *s, const struct profile_item *item, const struct volumes *user)
{
    struct strings word = {0}, options = {0};
    int r = spec_split(s, item->value, ' ', &word);
    if (r == 0 && word.n == 4)
        r = spec_split(s, word.v[3], ',', &options);
    if (r < 0)
        return r;
    const char *destination = word.v[0];
    if (is_replaced(user, destination))
        return 0;
    if (s->o->ipc != NULL && str_eq(s->o->ipc, "none") && str_eq(destination, "/dev/shm"))
        return 0; /* Docker: private, and no /dev/shm */
    struct oci_mount *m = spec_add_mount(s, destination, word.v[1], word.v[2]);
    if (m == NULL)
        return spec_no_memory(s);
    source_entry_profile(&s->sources, "mounts", destination, item);
    for (size_t i = 0; i < options.n; i++) {
        const char *option = mount_option(s, destination, options.v[i]);
        if (option != NULL)
            spec_push(s, &m->options, option);
    }
    adapt_to_shared(s, m);
    return 0;
}

/* /etc/hosts and its like, which the engine makes; in a read-only container they are read-only too. */
static int engine_file(struct spec *s, const char *name, const char *destination, const struct volumes *user)
{
    if (find_user_mount(user, destination) != NULL)
        return 0;
    char *source = arena_printf(s->arena, "%s/%s", s->request->directory, name);
    struct oci_mount *m = source != NULL ? spec_add_mount(s, destination, "bind", source) : NULL;
    if (m == NULL)
        return spec_no_memory(s);
    spec_push(s, &m->options, "bind");
    spec_push(s, &m->options, "rprivate");
    if (s->config->root->readonly.v)
        spec_push(s, &m->options, "ro");
    source_entry_text(&s->sources, "mounts", destination, "built in: made by the engine");
    return 0;
}

/* Is something mounted over /etc, so that what lies there in the root file system is not seen? */
static int engine_files(struct spec *s, const struct volumes *user)
{
    static const char *const files[][2] = {{SPEC_HOSTNAME, "/etc/hostname"}, {SPEC_HOSTS, "/etc/hosts"},
                                           {SPEC_RESOLV, "/etc/resolv.conf"}};
    int r = 0;
    if (s->request->files_in_root && find_user_mount(user, "/etc") == NULL)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++)
        r = engine_file(s, files[i][0], files[i][1], user);
    return r;
}

bool spec_mounts_files(const struct spec_request *request, const struct oci_config *config)
{
    size_t n = strlen(request->directory);
    for (size_t i = 0; i < config->mounts.n; i++) {
        const struct oci_mount *m = &config->mounts.v[i];
        if (str_starts(m->destination, "/etc/") && m->source != NULL && strncmp(m->source, request->directory, n) == 0 &&
            m->source[n] == '/')
            return true;
    }
    return false;
}

static size_t depth(const char *path)
{
    size_t n = 0;
    for (; *path != '\0'; path++)
        n += *path == '/' && path[1] != '\0';
    return n;
}

/* Parents before children, otherwise in the order given. */
static void sort_by_depth(struct volumes *list)
{
    for (size_t i = 1; i < list->n; i++) {
        struct volume v = list->v[i];
        size_t k = i;
        for (; k > 0 && depth(list->v[k - 1].destination) > depth(v.destination); k--)
            list->v[k] = list->v[k - 1];
        list->v[k] = v;
    }
}

static int user_mounts(struct spec *s, struct volumes *user)
{
    for (size_t i = 0; i < user->n; i++) {
        const struct volume *v = &user->v[i];
        struct oci_mount *m = spec_add_mount(s, v->destination, v->type, v->source);
        if (m == NULL)
            return spec_no_memory(s);
        m->options = v->options;
        source_entry_flag(&s->sources, "mounts", v->destination, v->flag, v->text);
    }
    return 0;
}

static int read_only_root(struct spec *s)
{
    bool wanted = profile_yes(&s->p->read_only_root);
    if (s->o->read_only < 0 && wanted) {
        int r = spec_unlocked(s, LAYER_ROOTFS, "read_only_root", "--read-only=false", NULL);
        if (r < 0)
            return r;
    }
    struct oci_bool *readonly = &s->config->root->readonly;
    readonly->set = true;
    readonly->v = s->o->read_only != 0 ? s->o->read_only > 0 : wanted;
    if (s->o->read_only != 0)
        source_flag(&s->sources, "root.readonly", "--read-only", s->o->read_only < 0 ? "false" : NULL);
    else if (s->p->read_only_root.value != NULL)
        source_profile(&s->sources, "root.readonly", &s->p->read_only_root);
    return 0;
}

static int check_shm(struct spec *s)
{
    uint64_t size = 0;
    if (s->o->shm_size != NULL && (str_to_size(s->o->shm_size, &size) < 0 || size == 0))
        return spec_fault(s, LAYER_ROOTFS, "--shm-size", s->o->shm_size, "is not a size such as 64m");
    return 0;
}

int spec_mounts(struct spec *s)
{
    struct volumes user = {0};
    int r = read_only_root(s);
    if (r == 0)
        r = check_shm(s);
    if (r == 0)
        r = volumes_read(s, &user);
    for (size_t i = 0; i < s->p->mounts.n && r == 0; i++)
        r = profile_mount(s, &s->p->mounts.v[i], &user);
    if (r < 0)
        return r;
    sort_by_depth(&user);
    r = user_mounts(s, &user);
    return r < 0 ? r : engine_files(s, &user); /* after an /etc of the user's own */
}
