/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/profile_keys.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "engine/names.h"

static const char *check_capability(struct arena *a UNUSED, const char *value)
{
    return capability_canonical(value);
}

static const char *check_absolute(struct arena *a UNUSED, const char *value)
{
    return value[0] == '/' ? value : NULL;
}

/* "builtin", "unconfined" or a file. */
static const char *check_seccomp(struct arena *a UNUSED, const char *value)
{
    return str_eq(value, "builtin") || str_eq(value, "unconfined") || value[0] == '/' ? value : NULL;
}

static const char *check_pids(struct arena *a UNUSED, const char *value)
{
    uint64_t n = 0;
    return str_eq(value, "unlimited") || (str_to_u64(value, &n) == 0 && n > 0) ? value : NULL;
}

static const char *check_oom(struct arena *a UNUSED, const char *value)
{
    int64_t n = 0;
    return str_to_i64(value, &n) == 0 && n >= -1000 && n <= 1000 ? value : NULL;
}

/* DESTINATION TYPE SOURCE [OPTIONS] */
static const char *check_mount(struct arena *a UNUSED, const char *value)
{
    size_t words = 0;
    for (const char *p = value; *p != '\0'; words++) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    return value[0] == '/' && (words == 3 || words == 4) ? value : NULL;
}

static const char *check_assignment(struct arena *a UNUSED, const char *value)
{
    const char *equals = strchr(value, '=');
    return equals != NULL && equals > value ? value : NULL;
}

static const char *check_rlimit(struct arena *a, const char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL)
        return NULL;
    char *name = arena_strndup(a, value, (size_t)(equals - value));
    const char *canonical = name != NULL ? rlimit_canonical(name) : NULL;
    return canonical != NULL ? arena_printf(a, "%s%s", canonical, equals) : NULL;
}

static const char *check_device(struct arena *a UNUSED, const char *value)
{
    return str_starts(value, "allow ") || str_starts(value, "deny ") ? value : NULL;
}

static const char *check_key(struct arena *a UNUSED, const char *value)
{
    return profile_key_find(value) != NULL ? value : NULL;
}

#define AT(member) offsetof(struct profile, member)

const struct profile_key profile_keys[] = {
    {"capabilities", PROFILE_WORDS, AT(capabilities), "capabilities, or none", NULL, check_capability},
    {"no_new_privs", PROFILE_SCALAR, AT(no_new_privs), "yes or no", "yes|no", NULL},
    {"ambient", PROFILE_SCALAR, AT(ambient), "none or added", "none|added", NULL},
    {"seccomp", PROFILE_SCALAR, AT(seccomp), "builtin, unconfined or the absolute path of a profile", NULL,
     check_seccomp},
    {"compat32", PROFILE_SCALAR, AT(compat32), "yes, no or auto", "yes|no|auto", NULL},
    {"landlock", PROFILE_SCALAR, AT(landlock), "on, off or auto", "on|off|auto", NULL},
    {"apparmor", PROFILE_SCALAR, AT(apparmor), "the name of a loaded AppArmor profile", NULL, NULL},
    {"namespaces", PROFILE_WORDS, AT(namespaces), "words of pid, network, mount, uts, ipc and time",
     "pid|network|mount|uts|ipc|time", NULL},
    {"cgroup_namespace", PROFILE_SCALAR, AT(cgroup_namespace), "private, host or auto", "private|host|auto", NULL},
    {"user_namespace", PROFILE_SCALAR, AT(user_namespace), "host or auto", "host|auto", NULL},
    {"user", PROFILE_SCALAR, AT(user), "any or non-root", "any|non-root", NULL},
    {"read_only_root", PROFILE_SCALAR, AT(read_only_root), "yes or no", "yes|no", NULL},
    {"mounts", PROFILE_LINES, AT(mounts), "DESTINATION TYPE SOURCE [OPTIONS]", NULL, check_mount},
    {"masked_paths", PROFILE_WORDS, AT(masked_paths), "absolute paths", NULL, check_absolute},
    {"readonly_paths", PROFILE_WORDS, AT(readonly_paths), "absolute paths", NULL, check_absolute},
    {"sysctls", PROFILE_LINES, AT(sysctls), "NAME=VALUE", NULL, check_assignment},
    {"rlimits", PROFILE_LINES, AT(rlimits), "NAME=SOFT[:HARD] with a limit's name, such as nofile", NULL,
     check_rlimit},
    {"pids_limit", PROFILE_SCALAR, AT(pids_limit), "a number or unlimited", NULL, check_pids},
    {"oom_score_adj", PROFILE_SCALAR, AT(oom_score_adj), "a number between -1000 and 1000", NULL, check_oom},
    {"devices", PROFILE_LINES, AT(devices), "allow or deny, TYPE MAJOR:MINOR, and letters of rwm", NULL, check_device},
    {"locked", PROFILE_WORDS, AT(locked), "names of keys", NULL, check_key},
    {"addable", PROFILE_WORDS, AT(addable), "capabilities, or none", NULL, check_capability},
};
const size_t profile_n_keys = ARRAY_LEN(profile_keys);

const struct profile_key *profile_key_find(const char *name)
{
    for (size_t i = 0; i < profile_n_keys; i++)
        if (str_eq(profile_keys[i].name, name))
            return &profile_keys[i];
    return NULL;
}

bool profile_choice_has(const char *choice, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = choice; *p != '\0'; p += *p == '|') {
        size_t word = strcspn(p, "|");
        if (word == n && memcmp(p, value, n) == 0)
            return true;
        p += word;
    }
    return false;
}
