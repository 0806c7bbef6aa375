/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces are new, joined or shared; user and group id maps; host name. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/macros.h"
#include "engine/idrange.h"
#include "engine/names.h"
#include "engine/spec_private.h"
#include "layers/layer.h"

enum choice { CHOICE_NEW, CHOICE_HOST, CHOICE_JOIN };

static int add_namespace(struct spec *s, const char *type, const char *path)
{
    struct oci_namespace *ns = spec_append(s, s->config->linux->namespaces);
    if (ns == NULL)
        return spec_no_memory(s);
    ns->type = arena_strdup(s->arena, type);
    ns->path = arena_strdup(s->arena, path);
    return 0;
}

/* One kind of namespace that Docker has a flag for. */
struct kind {
    const char *type, *flag, *proc; /* proc: its name below /proc/PID/ns */
    const char *fresh;              /* words that ask for a new one, separated by '|' */
    bool container;                 /* takes container:NAME */
};

static const struct kind network_kind = {"network", "--network", "net", "none", true};
static const struct kind other_kinds[] = {
    {"pid", "--pid", "pid", "private", true},
    {"ipc", "--ipc", "ipc", "private|shareable|none", true},
    {"uts", "--uts", "uts", "private", false},
    {"time", "--timens", "time", "private", false},
};

static bool is_word(const char *words, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = words; *p != '\0'; p += *p == '|') {
        size_t word = strcspn(p, "|");
        if (n == word && memcmp(p, value, n) == 0)
            return true;
        p += word;
    }
    return false;
}

static int container_path(struct spec *s, const struct kind *k, const char *value, const char *name, const char **ret)
{
    struct err why = ERR_INIT;
    pid_t pid = s->request->container_pid != NULL ? s->request->container_pid(s->request, name, &why) : -ESRCH;
    if (pid < 0)
        return spec_fault(s, LAYER_NAMESPACES, k->flag, value, "%s", why.code != 0 ? why.text : "no such container");
    *ret = arena_printf(s->arena, "/proc/%d/ns/%s", (int)pid, k->proc);
    return *ret != NULL ? 0 : spec_no_memory(s);
}

/* What a flag's value asks for. */
static int choose(struct spec *s, const struct kind *k, const char *value, enum choice *ret, const char **ret_path)
{
    *ret_path = NULL;
    if (is_word(k->fresh, value)) {
        *ret = CHOICE_NEW;
        return 0;
    }
    if (str_eq(value, "host")) {
        *ret = CHOICE_HOST;
        return spec_unlocked(s, LAYER_NAMESPACES, "namespaces", k->flag, value);
    }
    *ret = CHOICE_JOIN;
    if (str_starts(value, "ns:/") || str_starts(value, "container:")) { /* which may be the host's */
        int r = spec_unlocked(s, LAYER_NAMESPACES, "namespaces", k->flag, value);
        if (r < 0)
            return r;
    }
    if (str_starts(value, "ns:/")) {
        *ret_path = value + 3;
        return 0;
    }
    if (k->container && str_starts(value, "container:") && value[10] != '\0')
        return container_path(s, k, value, value + 10, ret_path);
    if (k == &network_kind)
        return spec_fault(s, LAYER_NETWORK, k->flag, value,
                          "this version makes no networks; it has none (a loopback of its own), host, container:NAME "
                          "and ns:PATH");
    return spec_fault(s, LAYER_NAMESPACES, k->flag, value, "expected %s, host, %sor ns:PATH", k->fresh,
                      k->container ? "container:NAME " : "");
}

static int one_kind(struct spec *s, const struct kind *k, const char *value)
{
    const struct profile_item *item = profile_find(&s->p->namespaces, k->type);
    enum choice choice = item != NULL ? CHOICE_NEW : CHOICE_HOST;
    const char *path = NULL;
    if (value != NULL) {
        int r = choose(s, k, value, &choice, &path);
        if (r < 0)
            return r;
        source_entry_flag(&s->sources, "linux.namespaces", k->type, k->flag, value);
    } else if (item != NULL) {
        source_entry_profile(&s->sources, "linux.namespaces", k->type, item);
    } else {
        source_entry_text(&s->sources, "linux.namespaces", k->type, "built in: not in the profile's list");
    }
    return choice == CHOICE_HOST ? 0 : add_namespace(s, k->type, path);
}

/* Docker's default: private where only cgroup v2 is there, else the host's. */
static int cgroup_namespace(struct spec *s)
{
    const char *value = s->o->cgroupns;
    bool flag = value != NULL;
    if (!flag)
        value = s->p->cgroup_namespace.value != NULL ? s->p->cgroup_namespace.value : "auto";
    if (str_eq(value, "auto")) {
        value = s->host->cgroup.mode == CGROUP_MODE_V2 ? "private" : "host";

    }
    if (flag)
        source_entry_flag(&s->sources, "linux.namespaces", "cgroup", "--cgroupns", value);
    else
        source_entry_profile(&s->sources, "linux.namespaces", "cgroup", &s->p->cgroup_namespace);
    if (str_eq(value, "host"))
        return flag ? spec_unlocked(s, LAYER_NAMESPACES, "namespaces", "--cgroupns", value) : 0;
    if (str_starts(value, "ns:/")) {
        int r = flag ? spec_unlocked(s, LAYER_NAMESPACES, "namespaces", "--cgroupns", value) : 0;
        return r < 0 ? r : add_namespace(s, "cgroup", value + 3);
    }
    if (!str_eq(value, "private"))
        return spec_fault(s, LAYER_NAMESPACES, "--cgroupns", value, "expected private, host or ns:PATH");
    return add_namespace(s, "cgroup", NULL);
}

/* CONTAINER:HOST:SIZE */
static int add_mapping(struct spec *s, oci_id_mappings *maps, const char *flag, const char *value)
{
    unsigned long number[3];
    const char *p = value;
    for (size_t i = 0; i < 3; i++) {
        char *end = NULL;
        errno = 0;
        number[i] = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : ULONG_MAX;
        bool last = i == 2;
        if (number[i] >= UINT32_MAX || errno != 0 || (last ? *end != '\0' : *end != ':'))
            return spec_fault(s, LAYER_IDMAP, flag, value, "expected CONTAINER:HOST:SIZE, such as 0:100000:65536");
        p = end + 1;
    }
    if (number[2] == 0 || number[0] + number[2] > UINT32_MAX || number[1] + number[2] > UINT32_MAX)
        return spec_fault(s, LAYER_IDMAP, flag, value, "SIZE must be at least 1 and all ids below 4294967295");
    struct oci_id_mapping *m = spec_append(s, *maps);
    if (m == NULL)
        return spec_no_memory(s);
    m->container_id = (uint32_t)number[0];
    m->host_id = (uint32_t)number[1];
    m->size = (uint32_t)number[2];
    return 0;
}

/* A user other than root inside is no protection when he is root outside. */
static int refuse_host_root(struct spec *s, const oci_id_mappings *maps, const char *flag, const struct strings *values)
{
    const struct profile_item *required = &s->p->user;
    if (required->value == NULL || !str_eq(required->value, "non-root"))
        return 0;
    for (size_t i = 0; i < maps->n; i++)
        if (maps->v[i].host_id == 0)
            return err_set(s->err, -EPERM, LAYER_IDMAP, "%s %s: maps to root of the host, which profile %s (user = "
                           "non-root, line %u) forbids", flag, values->v[i], required->profile, required->line);
    return 0;
}

static int maps_from_flags(struct spec *s)
{
    struct oci_linux *l = s->config->linux;
    const struct strings *uids = s->o->uidmap.n > 0 ? &s->o->uidmap : &s->o->gidmap;
    const struct strings *gids = s->o->gidmap.n > 0 ? &s->o->gidmap : &s->o->uidmap;
    for (size_t i = 0; i < uids->n; i++) {
        int r = add_mapping(s, &l->uid_mappings, uids == &s->o->uidmap ? "--uidmap" : "--gidmap", uids->v[i]);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < gids->n; i++) {
        int r = add_mapping(s, &l->gid_mappings, gids == &s->o->gidmap ? "--gidmap" : "--uidmap", gids->v[i]);
        if (r < 0)
            return r;
    }
    int r = refuse_host_root(s, &l->uid_mappings, uids == &s->o->uidmap ? "--uidmap" : "--gidmap", uids);
    if (r == 0)
        r = refuse_host_root(s, &l->gid_mappings, gids == &s->o->gidmap ? "--gidmap" : "--uidmap", gids);
    if (r < 0)
        return r;
    source_flag(&s->sources, "linux.uidMappings", uids == &s->o->uidmap ? "--uidmap" : "--gidmap", uids->v[0]);
    source_flag(&s->sources, "linux.gidMappings", gids == &s->o->gidmap ? "--gidmap" : "--uidmap", gids->v[0]);
    return 0;
}

static uint32_t seed_from_id(const char *id)
{
    uint32_t seed = 2166136261U; /* FNV-1a */
    for (; *id != '\0'; id++)
        seed = (seed ^ (unsigned char)*id) * 16777619U;
    return seed;
}

static int maps_auto(struct spec *s)
{
    struct idrange range = {0, 0};
    int r = idrange_take(IDRANGE_DIR, s->request->directory, seed_from_id(s->request->id), &range, s->err);
    if (r < 0)
        return r;
    struct oci_id_mapping *u = spec_append(s, s->config->linux->uid_mappings);
    struct oci_id_mapping *g = spec_append(s, s->config->linux->gid_mappings);
    if (u == NULL || g == NULL)
        return spec_no_memory(s);
    *u = (struct oci_id_mapping){.host_id = range.first_uid, .size = IDRANGE_SIZE};
    *g = (struct oci_id_mapping){.host_id = range.first_gid, .size = IDRANGE_SIZE};
    return 0;
}

/* What a profile that locks user_namespace leaves: a map of ids that nobody else has, or what the profile says itself. */
static int userns_unlocked(struct spec *s, const char *value)
{
    const char *own = s->p->user_namespace.value != NULL ? s->p->user_namespace.value : "host";
    if (s->o->uidmap.n > 0)
        return spec_unlocked(s, LAYER_IDMAP, "user_namespace", "--uidmap", s->o->uidmap.v[0]);
    if (s->o->gidmap.n > 0)
        return spec_unlocked(s, LAYER_IDMAP, "user_namespace", "--gidmap", s->o->gidmap.v[0]);
    if (str_eq(value, own) || str_eq(value, "auto") || str_eq(value, "private"))
        return 0;
    return spec_unlocked(s, LAYER_IDMAP, "user_namespace", "--userns", value);
}

int spec_userns(struct spec *s)
{
    const char *value = s->o->userns;
    bool mapped = s->o->uidmap.n + s->o->gidmap.n > 0;
    if (value == NULL && mapped)
        value = "private";
    const struct profile_item *item = &s->p->user_namespace;
    bool flag = value != NULL;
    if (!flag)
        value = item->value != NULL ? item->value : "host";
    if (flag)
        source_entry_flag(&s->sources, "linux.namespaces", "user", "--userns", value);
    else if (item->value != NULL)
        source_entry_profile(&s->sources, "linux.namespaces", "user", item);
    int r = flag ? userns_unlocked(s, value) : 0;
    if (r < 0)
        return r;
    if (str_eq(value, "host")) {
        if (mapped)
            return spec_fault(s, LAYER_IDMAP, "--userns", value, "contradicts --uidmap and --gidmap");
        return 0;
    }
    if (str_starts(value, "ns:/"))
        return mapped ? spec_fault(s, LAYER_IDMAP, "--userns", value, "contradicts --uidmap and --gidmap")
                      : add_namespace(s, "user", value + 3);
    bool automatic = str_eq(value, "auto") || (str_eq(value, "private") && !mapped);
    if (!automatic && !(str_eq(value, "private") && mapped))
        return spec_fault(s, LAYER_IDMAP, "--userns", value,
                          "expected host, auto, ns:PATH, or private with --uidmap CONTAINER:HOST:SIZE");
    if (str_eq(value, "auto") && mapped)
        return spec_fault(s, LAYER_IDMAP, "--userns", value, "contradicts --uidmap and --gidmap");
    r = automatic ? maps_auto(s) : maps_from_flags(s);
    if (r < 0)
        return r;
    s->userns_private = true;
    spec_map(s, &s->config->annotations, ANNOTATION_ROOTFS_IDMAP, "true");
    return add_namespace(s, "user", NULL);
}

/* Docker: the short ID, or the host's own name where the network is the host's. */
static int hostname(struct spec *s)
{
    const char *name = s->o->hostname;
    bool uts = spec_has_namespace(s, "uts");
    if (name != NULL && !uts)
        return spec_fault(s, LAYER_NAMESPACES, "--hostname", name, "contradicts --uts host");
    if (s->o->domainname != NULL && !uts)
        return spec_fault(s, LAYER_NAMESPACES, "--domainname", s->o->domainname, "contradicts --uts host");
    if (!uts)
        return 0;
    struct utsname host;
    if (name != NULL) {
        source_flag(&s->sources, "hostname", "--hostname", name);
    } else if (!s->network_private && s->o->network != NULL && str_eq(s->o->network, "host") && uname(&host) == 0) {
        name = host.nodename;
        source_text(&s->sources, "hostname", "host: as the network is");
    } else {
        name = arena_strndup(s->arena, s->request->id, 12);
        source_text(&s->sources, "hostname", "built in: the container's ID");
    }
    if (name == NULL)
        return spec_no_memory(s);
    if (s->o->hostname != NULL && !is_host_name(name, strlen(name)))
        return spec_fault(s, LAYER_NAMESPACES, "--hostname", name, HOST_NAME_FORM);
    s->config->hostname = arena_strdup(s->arena, name);
    if (s->o->domainname != NULL) {
        if (!is_host_name(s->o->domainname, strlen(s->o->domainname)))
            return spec_fault(s, LAYER_NAMESPACES, "--domainname", s->o->domainname, HOST_NAME_FORM);
        s->config->domainname = arena_strdup(s->arena, s->o->domainname);
        source_flag(&s->sources, "domainname", "--domainname", s->o->domainname);
    }
    return 0;
}

int spec_namespaces(struct spec *s)
{
    const char *values[] = {s->o->pid, s->o->ipc, s->o->uts, s->o->timens};
    static_assert(ARRAY_LEN(values) == ARRAY_LEN(other_kinds), "a flag for each");
    int r = add_namespace(s, "mount", NULL); /* nothing here works without */
    const struct profile_item *mount = profile_find(&s->p->namespaces, "mount");
    if (mount != NULL)
        source_entry_profile(&s->sources, "linux.namespaces", "mount", mount);
    else
        source_entry_text(&s->sources, "linux.namespaces", "mount", "built in: always private");
    if (r == 0)
        r = one_kind(s, &network_kind, s->o->network);
    for (size_t i = 0; i < ARRAY_LEN(other_kinds) && r == 0; i++)
        r = one_kind(s, &other_kinds[i], values[i]);
    if (r == 0)
        r = cgroup_namespace(s);
    if (r == 0)
        r = spec_userns(s);
    if (r < 0)
        return r;
    const struct oci_namespace *network = oci_namespace_find(s->config, "network");
    const struct oci_namespace *ipc = oci_namespace_find(s->config, "ipc");
    s->network_private = network != NULL && network->path == NULL;
    s->ipc_private = ipc != NULL && ipc->path == NULL;
    return hostname(s);
}
