/* SPDX-License-Identifier: Apache-2.0 */
/* The five capability sets and no_new_privs. */
#include <strings.h>

#include "engine/names.h"
#include "engine/spec_private.h"
#include "layers/capabilities/capabilities.h"

static bool is_all(const char *name)
{
    return strcasecmp(name, "ALL") == 0 || strcasecmp(name, "CAP_ALL") == 0;
}

/* The set that a flag's values name; ALL: *ret_all. */
static int flag_set(struct spec *s, const char *flag, const struct strings *values, uint64_t *ret, bool *ret_all)
{
    *ret = 0;
    *ret_all = false;
    for (size_t i = 0; i < values->n; i++) {
        const char *value = values->v[i];
        if (is_all(value)) {
            *ret_all = true;
            continue;
        }
        int number = capability_from_name(value);
        if (number < 0)
            return spec_fault(s, LAYER_CAPABILITIES, flag, value, "there is no such capability (capabilities(7))");
        *ret |= CAPABILITY_BIT(number);
    }
    return 0;
}

/* May the flag add these to a profile that locks its capabilities? */
static int check_lock(struct spec *s, uint64_t add, bool all)
{
    if (profile_find(&s->p->locked, "capabilities") == NULL)
        return 0;
    if (all)
        return spec_unlocked(s, LAYER_CAPABILITIES, "capabilities", "--cap-add", "ALL");
    for (unsigned n = 0; add >> n != 0; n++) {
        const char *name = capability_name(n);
        if ((add & CAPABILITY_BIT(n)) != 0 && profile_find(&s->p->addable, name) == NULL)
            return spec_unlocked(s, LAYER_CAPABILITIES, "capabilities", "--cap-add", name + 4);
    }
    return 0;
}

static void sources(struct spec *s, uint64_t bounding, uint64_t profile_set)
{
    static const char path[] = "process.capabilities";
    if (s->o->privileged) {
        source_flag(&s->sources, path, "--privileged", NULL);
        return;
    }
    for (size_t i = 0; i < s->o->cap_drop.n; i++) {
        const char *name = capability_canonical(s->o->cap_drop.v[i]);
        if (name != NULL)
            source_entry_flag(&s->sources, path, name, "--cap-drop", s->o->cap_drop.v[i]);
        else
            source_flag(&s->sources, path, "--cap-drop", s->o->cap_drop.v[i]);
    }
    for (size_t i = 0; i < s->p->capabilities.n; i++) {
        const struct profile_item *item = &s->p->capabilities.v[i];
        int n = capability_from_name(item->value);
        if (n >= 0 && (bounding & profile_set & CAPABILITY_BIT(n)) != 0)
            source_entry_profile(&s->sources, path, item->value, item);
    }
    for (size_t i = 0; i < s->p->capabilities_taken.n; i++) {
        const struct profile_item *item = &s->p->capabilities_taken.v[i];
        int n = capability_from_name(item->value);
        if (n >= 0 && (bounding & CAPABILITY_BIT(n)) == 0)
            source_entry_profile(&s->sources, path, item->value, item);
    }
    for (size_t i = 0; i < s->o->cap_add.n; i++) {
        const char *name = capability_canonical(s->o->cap_add.v[i]);
        if (name != NULL)
            source_entry_flag(&s->sources, path, name, "--cap-add", s->o->cap_add.v[i]);
        else
            source_flag(&s->sources, path, "--cap-add", s->o->cap_add.v[i]);
    }
}

static int set_names(struct spec *s, uint64_t set, struct oci_strs *ret)
{
    return capability_names(s->arena, set, ret) < 0 ? spec_no_memory(s) : 0;
}

/*
 * For root, what is in the bounding set works at once. Another user has at work only what is ambient: the kernel takes
 * everything else away at exec, so the document does not promise it.
 */
static int fill(struct spec *s, uint64_t bounding, uint64_t added)
{
    struct oci_capabilities *c = s->config->process->capabilities = arena_new(s->arena, struct oci_capabilities);
    if (c == NULL)
        return spec_no_memory(s);
    bool root = s->config->process->user->uid.v == 0;
    bool ambient_on = s->p->ambient.value != NULL && str_eq(s->p->ambient.value, "added");
    uint64_t ambient = !root && ambient_on ? added & bounding : 0;
    uint64_t work = root ? bounding : ambient;
    int r = set_names(s, bounding, &c->bounding);
    if (r == 0)
        r = set_names(s, work, &c->permitted);
    if (r == 0)
        r = set_names(s, work, &c->effective);
    if (r == 0)
        r = set_names(s, ambient, &c->inheritable);
    if (r == 0)
        r = set_names(s, ambient, &c->ambient);
    if (!root && s->p->ambient.value != NULL)
        source_profile(&s->sources, "process.capabilities.ambient", &s->p->ambient);
    return r;
}

static int no_new_privs(struct spec *s)
{
    struct oci_bool *nnp = &s->config->process->no_new_privileges;
    nnp->set = true;
    nnp->v = profile_yes(&s->p->no_new_privs);
    const char *opt = spec_security_opt(s, "no-new-privileges");
    if (opt == NULL) {
        if (s->p->no_new_privs.value != NULL)
            source_profile(&s->sources, "process.noNewPrivileges", &s->p->no_new_privs);
        return 0;
    }
    int value = opt[0] == '\0' ? 1 : spec_boolean(opt);
    if (value < 0)
        return spec_fault(s, LAYER_CAPABILITIES, "--security-opt no-new-privileges", opt, "expected true or false");
    if (nnp->v && !value) {
        int r = spec_unlocked(s, LAYER_CAPABILITIES, "no_new_privs", "--security-opt no-new-privileges", opt);
        if (r < 0)
            return r;
    }
    nnp->v = value != 0;
    source_flag(&s->sources, "process.noNewPrivileges", "--security-opt no-new-privileges",
                opt[0] == '\0' ? "true" : opt);
    return 0;
}

/* Docker's order: --privileged; --cap-drop ALL leaves what is added; --cap-add ALL leaves out what is dropped. */
int spec_capabilities(struct spec *s)
{
    uint64_t add = 0, drop = 0, profile = 0;
    bool add_all = false, drop_all = false;
    int r = flag_set(s, "--cap-add", &s->o->cap_add, &add, &add_all);
    if (r == 0)
        r = flag_set(s, "--cap-drop", &s->o->cap_drop, &drop, &drop_all);
    if (r == 0 && s->o->privileged)
        r = spec_unlocked(s, LAYER_CAPABILITIES, "capabilities", "--privileged", NULL);
    if (r == 0)
        r = check_lock(s, add, add_all);
    if (r < 0)
        return r;
    for (size_t i = 0; i < s->p->capabilities.n; i++)
        profile |= CAPABILITY_BIT(capability_from_name(s->p->capabilities.v[i].value));
    /* All that this host lets us hand out, as Docker's are all that its daemon has. */
    uint64_t all = capability_grantable(s->host, s->userns_private), set = (profile & ~drop) | add;
    if (s->o->privileged)
        set = all;
    else if (drop_all)
        set = add_all ? all : add;
    else if (add_all)
        set = all & ~drop;
    if (s->o->privileged || add_all)
        add = set;
    sources(s, set, profile);
    r = fill(s, set, add);
    return r < 0 ? r : no_new_privs(s);
}
