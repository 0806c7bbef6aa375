/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits, OOM score and sysctls. */
#include <sys/resource.h>

#include "engine/names.h"
#include "engine/spec_private.h"

static int limit_value(const char *text, size_t n, uint64_t *ret)
{
    char number[24];
    if (n == 0 || n >= sizeof number)
        return -EINVAL;
    memcpy(number, text, n);
    number[n] = '\0';
    if (str_eq(number, "-1") || str_eq(number, "unlimited")) {
        *ret = RLIM_INFINITY;
        return 0;
    }
    return str_to_u64(number, ret);
}

/* NAME=SOFT[:HARD]. *ret_type is canonical. -EINVAL: not that; -ERANGE: soft above hard. */
static int parse_limit(struct spec *s, const char *text, struct oci_rlimit *ret)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return -EINVAL;
    char *name = arena_strndup(s->arena, text, (size_t)(equals - text));
    const char *type = name != NULL ? rlimit_canonical(name) : NULL;
    if (type == NULL)
        return -EINVAL;
    const char *colon = strchrnul(equals + 1, ':');
    uint64_t soft = 0, hard = 0;
    if (limit_value(equals + 1, (size_t)(colon - equals - 1), &soft) < 0)
        return -EINVAL;
    hard = soft;
    if (*colon == ':' && limit_value(colon + 1, strlen(colon + 1), &hard) < 0)
        return -EINVAL;
    if (soft > hard)
        return -ERANGE;
    ret->type = arena_strdup(s->arena, type);
    ret->soft = soft;
    ret->hard = hard;
    return 0;
}

static int set_limit(struct spec *s, const struct oci_rlimit *limit)
{
    struct oci_process *p = s->config->process;
    for (size_t i = 0; i < p->rlimits.n; i++) {
        if (str_eq(p->rlimits.v[i].type, limit->type)) {
            p->rlimits.v[i] = *limit;
            return 0;
        }
    }
    struct oci_rlimit *more = spec_append(s, p->rlimits);
    if (more == NULL)
        return spec_no_memory(s);
    *more = *limit;
    return 0;
}

/* Is this limit above the one that the profile sets? */
static bool raises_profile(struct spec *s, const struct oci_rlimit *limit)
{
    struct oci_rlimit own = {0};
    for (size_t i = 0; i < s->p->rlimits.n; i++)
        if (parse_limit(s, s->p->rlimits.v[i].value, &own) == 0 && str_eq(own.type, limit->type))
            return limit->soft > own.soft || limit->hard > own.hard;
    return false;
}

static int rlimits(struct spec *s)
{
    struct oci_rlimit limit = {0};
    for (size_t i = 0; i < s->p->rlimits.n; i++) {
        const struct profile_item *item = &s->p->rlimits.v[i];
        if (parse_limit(s, item->value, &limit) < 0)
            return err_set(s->err, -EINVAL, LAYER_CONFIG, "profile %s:%u: rlimits %s: expected NAME=SOFT[:HARD]",
                           item->profile, item->line, item->value);
        int r = set_limit(s, &limit);
        if (r < 0)
            return r;
        source_entry_profile(&s->sources, "process.rlimits", limit.type, item);
    }
    for (size_t i = 0; i < s->o->ulimits.n; i++) {
        const char *value = s->o->ulimits.v[i];
        int r = parse_limit(s, value, &limit);
        if (r < 0)
            return spec_fault(s, LAYER_LIMITS, "--ulimit", value,
                              r == -ERANGE ? "the soft limit is above the hard one"
                                           : "expected NAME=SOFT[:HARD] with a limit such as nofile, nproc or core");
        if (raises_profile(s, &limit))
            r = spec_unlocked(s, LAYER_LIMITS, "rlimits", "--ulimit", value);
        if (r == 0)
            r = set_limit(s, &limit);
        if (r < 0)
            return r;
        source_entry_flag(&s->sources, "process.rlimits", limit.type, "--ulimit", value);
    }
    return 0;
}

static int oom_score(struct spec *s)
{
    const char *value = s->o->oom_score_adj;
    int64_t n = 0;
    if (value != NULL) {
        if (str_to_i64(value, &n) < 0 || n < -1000 || n > 1000)
            return spec_fault(s, LAYER_LIMITS, "--oom-score-adj", value, "must be between -1000 and 1000");
        source_flag(&s->sources, "process.oomScoreAdj", "--oom-score-adj", value);
    } else if (s->p->oom_score_adj.value != NULL) {
        (void)str_to_i64(s->p->oom_score_adj.value, &n);
        source_profile(&s->sources, "process.oomScoreAdj", &s->p->oom_score_adj);
    } else {
        return 0;
    }
    s->config->process->oom_score_adj.set = true;
    s->config->process->oom_score_adj.v = n;
    return 0;
}

/* ping_group_range takes only groups that exist in the container's user namespace: cut it to the mapped ones. */
static const char *fit_to_userns(struct spec *s, const char *name, const char *value)
{
    const oci_id_mappings *maps = &s->config->linux->gid_mappings;
    if (!s->userns_private || !str_eq(name, "net.ipv4.ping_group_range") || maps->n == 0)
        return value;
    const struct oci_id_mapping *m = &maps->v[0];
    return arena_printf(s->arena, "%u %u", m->container_id, m->container_id + m->size - 1);
}

/* Kubernetes' Pod Security Standards let every pod set these: they touch nobody else. */
static bool is_safe(const char *name)
{
    static const char *const safe[] = {
        "kernel.shm_rmid_forced",           "net.ipv4.ip_local_port_range",  "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range",  "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",     "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    };
    for (size_t i = 0; i < ARRAY_LEN(safe); i++)
        if (str_eq(safe[i], name))
            return true;
    return false;
}

/* NAME=VALUE from a profile (item) or from --sysctl. */
static int sysctl(struct spec *s, const char *text, const struct profile_item *item)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return spec_fault(s, LAYER_LIMITS, "--sysctl", text, "expected NAME=VALUE");
    char *name = arena_strndup(s->arena, text, (size_t)(equals - text));
    if (name == NULL)
        return spec_no_memory(s);
    bool network = str_starts(name, "net.") || str_starts(name, "net/");
    bool ipc = str_starts(name, "kernel.sem") || str_starts(name, "kernel.shm") || str_starts(name, "kernel.msg") ||
               str_starts(name, "fs.mqueue.");
    if ((network && !s->network_private) || (ipc && !s->ipc_private)) {
        if (item != NULL)
            return 0; /* a default for a namespace of the container's own */
        return spec_fault(s, LAYER_NAMESPACES, "--sysctl", text,
                          "would change the %s namespace that the container shares", network ? "network" : "IPC");
    }
    int r = item == NULL && !is_safe(name) ? spec_unlocked(s, LAYER_LIMITS, "sysctls", "--sysctl", text) : 0;
    if (r < 0)
        return r;
    const char *value = item != NULL ? fit_to_userns(s, name, equals + 1) : equals + 1;
    if (value == NULL)
        return spec_no_memory(s);
    spec_map(s, &s->config->linux->sysctl, name, value);
    s->config->linux->sysctl.set = true;
    if (item != NULL)
        source_entry_profile(&s->sources, "linux.sysctl", name, item);
    else
        source_entry_flag(&s->sources, "linux.sysctl", name, "--sysctl", text);
    return 0;
}

int spec_limits(struct spec *s)
{
    int r = rlimits(s);
    if (r == 0)
        r = oom_score(s);
    for (size_t i = 0; i < s->p->sysctls.n && r == 0; i++)
        r = sysctl(s, s->p->sysctls.v[i].value, &s->p->sysctls.v[i]);
    for (size_t i = 0; i < s->o->sysctls.n && r == 0; i++)
        r = sysctl(s, s->o->sysctls.v[i], NULL);
    return r;
}
