/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's form of a profile (github.com/moby/profiles, seccomp) is OCI's section with three additions: archMap in
 * place of architectures, includes and excludes on rules, and in old files one "name" in place of "names". Whether a
 * rule is taken is decided as in moby's setupSeccomp(). Members that neither form has are refused, for in a filter a
 * misspelt "excludes" would widen what is allowed.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"
#include "layers/seccomp/numbers.h"
#include "layers/seccomp/seccomp.h"
#include "layers/seccomp/words.h"

#define MAX_DEPTH 16 /* a profile has five levels */

static void put_json(struct json_object **o)
{
    json_object_put(*o);
}
#define CLEANUP_JSON CLEANUP(put_json)

struct resolver {
    struct arena *arena;
    const struct seccomp_facts *facts;
    const char *arch; /* the machine in moby's words, as includes and excludes have them */
    struct err *err;
};

static int bad(const struct resolver *r, const char *path, const char *what)
{
    return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s: %s", path, what);
}

/* moby's goToNative: names of architectures in includes and excludes, and what uname -m calls the machine. */
static const struct {
    const char *word, *machine;
} arch_words[] = {
    {"amd64", "x86_64"}, {"x86", "i686"},        {"x32", NULL},          {"arm", "arm"},
    {"arm64", "aarch64"}, {"mips", "mips"},      {"mips64", "mips64"},   {"mips64n32", NULL},
    {"mipsel", "mipsel"}, {"mipsle", NULL},      {"mipsel64", "mipsel64"}, {"mips3l64n32", NULL},
    {"mipsel64n32", NULL}, {"ppc", "ppc"},       {"ppc64", "ppc64"},     {"ppc64le", "ppc64le"},
    {"s390", "s390"},    {"s390x", "s390x"},     {"riscv64", "riscv64"}, {"loongarch64", "loongarch64"},
    {"loong64", NULL},
};

static const char *arch_of_machine(const char *machine)
{
    if (strlen(machine) == 4 && machine[0] == 'i' && str_eq(machine + 2, "86"))
        return "x86";
    if (str_starts(machine, "arm"))
        return "arm";
    for (size_t i = 0; i < ARRAY_LEN(arch_words); i++)
        if (arch_words[i].machine != NULL && str_eq(arch_words[i].machine, machine))
            return arch_words[i].word;
    return "";
}

static bool is_arch_word(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(arch_words); i++)
        if (str_eq(arch_words[i].word, word))
            return true;
    return false;
}

/* The i-th element as a string, or NULL where it is none. */
static const char *string_at(struct json_object *list, size_t i)
{
    struct json_object *o = json_object_array_get_idx(list, i);
    return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
}

/* Go reads null as absent; so are the many empty members that its encoders write. */
static void drop_nulls(struct json_object *o)
{
    if (json_object_is_type(o, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(o); i++)
            drop_nulls(json_object_array_get_idx(o, i));
    } else if (json_object_is_type(o, json_type_object)) {
        /* This form of the loop allows for deleting the member that it is at. */
        json_object_object_foreach(o, key, value) {
            if (value == NULL)
                json_object_object_del(o, key);
            else
                drop_nulls(value);
        }
    }
}

static int check_members(const struct resolver *r, struct json_object *o, const char *path, const char *const *known)
{
    if (!json_object_is_type(o, json_type_object))
        return bad(r, path, "is no object");
    struct json_object_iter it;
    json_object_object_foreachC(o, it) {
        bool found = false;
        for (const char *const *k = known; *k != NULL; k++)
            found |= str_eq(*k, it.key);
        if (!found)
            return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s: a seccomp profile has no member \"%.60s\" here",
                           path, it.key);
    }
    return 0;
}

/* Elements of conditions->member, each checked by the caller. An absent list is an empty one. */
static int list_of(const struct resolver *r, struct json_object *conditions, const char *path, const char *member,
                   struct json_object **ret, size_t *ret_n)
{
    struct json_object *list = NULL;
    *ret_n = 0;
    if (!json_object_object_get_ex(conditions, member, &list))
        return 0;
    if (!json_object_is_type(list, json_type_array))
        return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s.%s: is no array", path, member);
    *ret = list;
    *ret_n = json_object_array_length(list);
    for (size_t i = 0; i < *ret_n; i++)
        if (string_at(list, i) == NULL)
            return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s.%s[%zu]: is no string", path, member, i);
    return 0;
}

struct matches {
    bool has_arches, arch; /* a list of architectures, and this machine's is in it */
    size_t caps, caps_held;
    bool has_kernel, kernel; /* a least version, and this kernel has it */
};

/* "4.8", as Docker writes them; further parts are looked past as its parser does. */
static int match_kernel(const struct resolver *r, const char *version, const char *path, bool *ret)
{
    unsigned major = 0, minor = 0;
    int used = 0;
    if (sscanf(version, "%5u.%5u%n", &major, &minor, &used) != 2 || version[0] < '0' || version[0] > '9' ||
        (version[used] != '\0' && strchr(".-+", version[used]) == NULL))
        return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s.minKernel: \"%.40s\" is no version like 4.8", path,
                       version);
    *ret = r->facts->kernel_major > major || (r->facts->kernel_major == major && r->facts->kernel_minor >= minor);
    return 0;
}

static int match(const struct resolver *r, struct json_object *conditions, const char *path, struct matches *ret)
{
    static const char *const known[] = {"arches", "caps", "minKernel", NULL};
    struct json_object *list = NULL;
    size_t n = 0;
    int e = check_members(r, conditions, path, known);
    if (e < 0 || (e = list_of(r, conditions, path, "arches", &list, &n)) < 0)
        return e;
    ret->has_arches = n > 0;
    for (size_t i = 0; i < n; i++) {
        const char *word = string_at(list, i);
        if (!is_arch_word(word))
            return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s.arches[%zu]: \"%.40s\" is no architecture that Docker "
                           "knows (amd64, arm64, ...)", path, i, word);
        ret->arch |= str_eq(word, r->arch);
    }
    if ((e = list_of(r, conditions, path, "caps", &list, &n)) < 0)
        return e;
    ret->caps = n;
    for (size_t i = 0; i < n; i++) {
        int number = str_starts(string_at(list, i), "CAP_") ? capability_from_name(string_at(list, i)) : -EINVAL;
        if (number < 0)
            return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s.caps[%zu]: \"%.40s\" is no capability", path, i,
                           string_at(list, i));
        ret->caps_held += r->facts->capabilities >> number & 1U;
    }
    struct json_object *kernel = NULL;
    ret->has_kernel = json_object_object_get_ex(conditions, "minKernel", &kernel);
    if (!ret->has_kernel)
        return 0;
    if (!json_object_is_type(kernel, json_type_string))
        return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s.minKernel: is no string", path);
    /* Old files of Go's encoder have it empty for none. */
    ret->has_kernel = json_object_get_string_len(kernel) > 0;
    return ret->has_kernel ? match_kernel(r, json_object_get_string(kernel), path, &ret->kernel) : 0;
}

/* Is the rule for this container? Any match of excludes rules it out; includes must match in every kind they have. */
static int applies(const struct resolver *r, struct json_object *rule, size_t index, bool *ret)
{
    struct json_object *o = NULL;
    struct matches in = {.caps = 0}, out = {.caps = 0};
    char path[64];
    int e = 0;
    if (json_object_object_get_ex(rule, "excludes", &o)) {
        snprintf(path, sizeof path, "syscalls[%zu].excludes", index);
        if ((e = match(r, o, path, &out)) < 0)
            return e;
    }
    if (json_object_object_get_ex(rule, "includes", &o)) {
        snprintf(path, sizeof path, "syscalls[%zu].includes", index);
        if ((e = match(r, o, path, &in)) < 0)
            return e;
    }
    bool excluded = (out.has_arches && out.arch) || out.caps_held > 0 || (out.has_kernel && out.kernel);
    bool included = (!in.has_arches || in.arch) && in.caps_held == in.caps && (!in.has_kernel || in.kernel);
    *ret = !excluded && included;
    return 0;
}

/* The old form's "name" becomes names. */
static int modernise_rule(const struct resolver *r, struct json_object *rule, size_t index)
{
    static const char *const known[] = {"name", "names", "action", "errnoRet", "args", "comment", "includes",
                                        "excludes", "errno", NULL};
    char path[64];
    snprintf(path, sizeof path, "syscalls[%zu]", index);
    int e = check_members(r, rule, path, known);
    struct json_object *name = NULL, *names = NULL;
    if (e < 0 || !json_object_object_get_ex(rule, "name", &name))
        return e;
    if (!json_object_is_type(name, json_type_string))
        return bad(r, path, "name is no string");
    if (json_object_get_string_len(name) > 0) {
        if (json_object_object_get_ex(rule, "names", &names) &&
            !(json_object_is_type(names, json_type_array) && json_object_array_length(names) == 0))
            return bad(r, path, "both name and names are given, use one");
        names = json_object_new_array();
        if (names == NULL || json_object_array_add(names, json_object_get(name)) < 0 ||
            json_object_object_add(rule, "names", names) < 0)
            return err_set(r->err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    }
    json_object_object_del(rule, "name");
    return 0;
}

static const char *member_string(struct json_object *o, const char *member)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, member, &v) && json_object_is_type(v, json_type_string)
               ? json_object_get_string(v) : NULL;
}

/* The architecture that archMap has for this machine, and its subordinate ones, as `architectures`. */
static int map_archs(const struct resolver *r, struct json_object *root)
{
    struct json_object *map = NULL, *subs = NULL, *listed = NULL;
    if (!json_object_object_get_ex(root, "archMap", &map))
        return 0;
    if (!json_object_is_type(map, json_type_array))
        return bad(r, "archMap", "is no array");
    size_t n = json_object_array_length(map), n_subs = 0;
    if (n > 0 && json_object_object_get_ex(root, "architectures", &listed) &&
        json_object_is_type(listed, json_type_array) && json_object_array_length(listed) > 0)
        return bad(r, "archMap", "both architectures and archMap are given, use one");
    uint32_t native = seccomp_arch_of_machine(r->facts->machine);
    struct json_object *archs = json_object_new_array();
    for (size_t i = 0; i < n; i++) {
        static const char *const known[] = {"architecture", "subArchitectures", NULL};
        struct json_object *entry = json_object_array_get_idx(map, i);
        char path[64];
        snprintf(path, sizeof path, "archMap[%zu]", i);
        int e = check_members(r, entry, path, known);
        const char *word = e < 0 ? NULL : member_string(entry, "architecture");
        if (e == 0 && (word == NULL || !seccomp_arch_is_word(word)))
            e = bad(r, path, "architecture is no SCMP_ARCH_ word of runtime-spec");
        if (e == 0)
            e = list_of(r, entry, path, "subArchitectures", &subs, &n_subs);
        for (size_t k = 0; e == 0 && k < n_subs; k++)
            if (!seccomp_arch_is_word(string_at(subs, k)))
                e = bad(r, path, "a subordinate architecture is no SCMP_ARCH_ word of runtime-spec");
        if (e < 0) {
            json_object_put(archs);
            return e;
        }
        if (native == 0 || seccomp_arch_of_word(word) != native || json_object_array_length(archs) > 0)
            continue;
        json_object_array_add(archs, json_object_new_string(word));
        for (size_t k = 0; k < n_subs; k++)
            json_object_array_add(archs, json_object_new_string(string_at(subs, k)));
    }
    if (json_object_array_length(archs) > 0)
        json_object_object_add(root, "architectures", archs);
    else
        json_object_put(archs);
    json_object_object_del(root, "archMap");
    return 0;
}

/* Podman's files write an errno's name beside the number; there must be no doubt which is meant. */
static int check_errno_name(const struct resolver *r, struct json_object *o, const char *path, const char *name_member,
                            const char *number_member)
{
    const char *name = member_string(o, name_member);
    if (name == NULL || name[0] == '\0')
        return 0;
    struct json_object *number = NULL;
    json_object_object_get_ex(o, number_member, &number);
    int value = number != NULL ? json_object_get_int(number) : EPERM;
    const char *is = strerrorname_np(value);
    if (is == NULL || !str_eq(is, name))
        return err_set(r->err, -EINVAL, LAYER_SECCOMP, "%s: %s \"%.20s\" is not what %s %d is", path, name_member,
                       name, number_member, value);
    return 0;
}

/* Checks and rewrites everything that is Docker's own, in place, so that an OCI section is left. */
static int to_oci_form(const struct resolver *r, struct json_object *root)
{
    static const char *const known[] = {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap",
                                        "flags", "listenerPath", "listenerMetadata", "syscalls", "comment", "$schema",
                                        NULL};
    int e = check_members(r, root, "the profile", known);
    if (e < 0 || (e = map_archs(r, root)) < 0 ||
        (e = check_errno_name(r, root, "defaultErrno", "defaultErrno", "defaultErrnoRet")) < 0)
        return e;
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(root, "syscalls", &list))
        return 0;
    if (!json_object_is_type(list, json_type_array))
        return bad(r, "syscalls", "is no array");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *rule = json_object_array_get_idx(list, i);
        char path[64];
        snprintf(path, sizeof path, "syscalls[%zu]", i);
        if ((e = modernise_rule(r, rule, i)) < 0 ||
            (e = check_errno_name(r, rule, path, "errno", "errnoRet")) < 0)
            return e;
    }
    return 0;
}

/* Leave the rules of this container. Every name of every rule is looked up, whether the rule is kept or not. */
static int select_rules(const struct resolver *r, struct json_object *root, struct oci_seccomp *section)
{
    struct json_object *list = NULL;
    json_object_object_get_ex(root, "syscalls", &list);
    size_t kept = 0;
    for (size_t i = 0; i < section->syscalls.n; i++) {
        struct oci_seccomp_rule *rule = &section->syscalls.v[i];
        for (size_t k = 0; k < rule->names.n; k++)
            if (!seccomp_number_in_library(rule->names.v[k]) &&
                seccomp_number(seccomp_arch_of_machine(r->facts->machine), rule->names.v[k]) == NUMBER_UNKNOWN)
                return err_set(r->err, -EINVAL, LAYER_SECCOMP, "syscalls[%zu]: no system call is named \"%.60s\"", i,
                               rule->names.v[k]);
        bool wanted = false;
        int e = applies(r, json_object_array_get_idx(list, i), i, &wanted);
        if (e < 0)
            return e;
        rule->extra = NULL;
        if (wanted)
            section->syscalls.v[kept++] = *rule;
    }
    section->syscalls.n = kept;
    section->extra = NULL;
    return 0;
}

static struct json_object *parse(const struct resolver *r, const char *json, size_t len)
{
    struct json_tokener *t = json_tokener_new_ex(MAX_DEPTH);
    if (t == NULL || len > INT_MAX) {
        json_tokener_free(t);
        err_set(r->err, -ENOMEM, LAYER_SECCOMP, "out of memory");
        return NULL;
    }
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(t, json, (int)len);
    enum json_tokener_error why = json_tokener_get_error(t);
    size_t end = json_tokener_get_parse_end(t);
    json_tokener_free(t);
    while (end < len && strchr(" \t\r\n", json[end]) != NULL && json[end] != '\0')
        end++;
    if (why != json_tokener_success || end != len || !json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        err_set(r->err, -EINVAL, LAYER_SECCOMP, "the profile is no JSON object: %s",
                why == json_tokener_success ? "other text" :
                why == json_tokener_continue ? "it is truncated" : json_tokener_error_desc(why));
        return NULL;
    }
    return root;
}

/* Docker takes a profile without default action and rules for "no filter". */
static bool is_none(struct json_object *root)
{
    struct json_object *rules = NULL, *action = NULL;
    bool any_rules = json_object_object_get_ex(root, "syscalls", &rules) &&
                     !(json_object_is_type(rules, json_type_array) && json_object_array_length(rules) == 0);
    bool any_action = json_object_object_get_ex(root, "defaultAction", &action) &&
                      !(json_object_is_type(action, json_type_string) && json_object_get_string_len(action) == 0);
    return !any_rules && !any_action;
}

int seccomp_resolve_docker_profile(struct arena *a, const char *json, size_t len, const struct seccomp_facts *facts,
                                   struct oci_seccomp **ret, struct err *err)
{
    struct resolver r = {.arena = a, .facts = facts, .arch = arch_of_machine(facts->machine), .err = err};
    CLEANUP_JSON struct json_object *root = parse(&r, json, len);
    if (root == NULL)
        return -EINVAL;
    drop_nulls(root);
    if (is_none(root)) {
        *ret = NULL;
        return 0;
    }
    int e = to_oci_form(&r, root);
    if (e < 0)
        return e;
    size_t n = 0;
    const char *text = json_object_to_json_string_length(root, JSON_C_TO_STRING_PLAIN, &n);
    if (text == NULL)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    struct oci_seccomp *section = NULL;
    e = oci_seccomp_parse(a, text, n, &section, err);
    if (e < 0) {
        if (err != NULL)
            err->layer = LAYER_SECCOMP;
        return e;
    }
    e = select_rules(&r, root, section);
    if (e < 0)
        return e;
    *ret = section;
    return 0;
}
