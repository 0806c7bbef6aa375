/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a list of device rules comes to. Whether a device can be opened depends only on which of the numbers in the
 * rules its own are equal to, so that one number that stands in no rule speaks for all the others: the answer is
 * complete, and holds for every device there is.
 */
#include <stdlib.h>

#include "layers/cgroup/cgroup.h"
#include "layers/cgroup/group.h"

enum { MAX_RULES = 512 }; /* after reduction; devices are asked for in the square of their number */
#define OTHER ((int64_t)INT32_MAX + 1) /* in no rule */

static unsigned opens(const struct device_rules *rules, char type, int64_t major, int64_t minor)
{
    unsigned access = 0;
    for (unsigned bit = DEVICE_MKNOD; bit <= DEVICE_WRITE; bit <<= 1)
        if (bit != DEVICE_MKNOD && cgroup_device_allowed(rules, type, major, minor, bit))
            access |= bit;
    return access;
}

static int64_t concrete(int32_t number)
{
    return number < 0 ? OTHER : number;
}

static bool is_listed(const struct cgroup_device_meaning *m, char type, int32_t major, int32_t minor)
{
    for (size_t i = 0; i < m->n_named; i++)
        if (m->named[i].type == type && m->named[i].major == major && m->named[i].minor == minor)
            return true;
    return false;
}

struct meaning {
    struct arena *arena;
    const struct device_rules *rules, *usual;
    struct cgroup_device_meaning *ret;
    size_t room;
};

static void add(struct meaning *m, char type, int32_t major, int32_t minor, unsigned access)
{
    struct cgroup_device_meaning *ret = m->ret;
    if (is_listed(ret, type, major, minor))
        return;
    if (ret->n_named == m->room) {
        struct cgroup_device_range *more = arena_calloc(m->arena, 2 * m->room + 16, sizeof *more);
        if (more == NULL)
            return;
        for (size_t i = 0; i < ret->n_named; i++)
            more[i] = ret->named[i];
        ret->named = more;
        m->room = 2 * m->room + 16;
    }
    unsigned usual = opens(m->usual, type, concrete(major), concrete(minor));
    ret->named[ret->n_named++] = (struct cgroup_device_range){
        .type = type, .major = major, .minor = minor, .read = (access & DEVICE_READ) != 0,
        .write = (access & DEVICE_WRITE) != 0, .usual = (access & ~usual) == 0};
}

static void add_type(struct meaning *m, char type, unsigned unnamed)
{
    const struct device_rules *r = m->rules;
    for (size_t i = 0; i < r->n; i++) {
        int32_t major = r->v[i].major, minor = r->v[i].minor;
        unsigned access = opens(r, type, concrete(major), OTHER);
        if (major >= 0 && access != unnamed)
            add(m, type, major, -1, access);
        access = opens(r, type, OTHER, concrete(minor));
        if (minor >= 0 && access != unnamed)
            add(m, type, -1, minor, access);
    }
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->n; k++) {
            int32_t major = r->v[i].major, minor = r->v[k].minor;
            /* One rule names both, or a rule for every major number meets one for every minor number. */
            if (major < 0 || minor < 0 || (i != k && r->v[k].major >= 0))
                continue;
            unsigned access = opens(r, type, major, minor), of_minor = opens(r, type, OTHER, minor);
            if (access != opens(r, type, major, OTHER) || (of_minor != unnamed && access != of_minor))
                add(m, type, major, minor, access);
        }
}

static int compare(const void *a, const void *b)
{
    const struct cgroup_device_range *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->major != y->major)
        return x->major < y->major ? -1 : 1;
    return x->minor < y->minor ? -1 : x->minor > y->minor;
}

int cgroup_device_meaning(struct arena *a, const struct oci_resources *resources, bool in_force,
                          struct cgroup_device_meaning *ret, struct err *err)
{
    struct device_rules rules, usual;
    int r = in_force ? cgroup_device_rules_alone(a, resources, &rules, err)
                     : cgroup_device_rules(a, resources, &rules, err);
    if (r == 0)
        r = cgroup_device_rules(a, NULL, &usual, err);
    if (r < 0)
        return r;
    if (rules.n > MAX_RULES)
        return err_set(err, -E2BIG, LAYER_CGROUP, "device rules: %zu are too many to say what they come to", rules.n);
    struct cgroup_device_meaning meaning = {.named = NULL};
    struct meaning m = {.arena = a, .rules = &rules, .usual = &usual, .ret = &meaning};
    unsigned block = opens(&rules, 'b', OTHER, OTHER), character = opens(&rules, 'c', OTHER, OTHER);
    meaning.other_block = block != 0;
    meaning.other_character = character != 0;
    add_type(&m, 'b', block);
    add_type(&m, 'c', character);
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    if (meaning.n_named > 0)
        qsort(meaning.named, meaning.n_named, sizeof *meaning.named, compare);
    *ret = meaning;
    return 0;
}

char *cgroup_device_range_text(struct arena *a, const struct cgroup_device_range *range)
{
    struct device_rule rule = {.type = range->type, .major = range->major, .minor = range->minor,
                               .access = (range->read ? DEVICE_READ : 0U) | (range->write ? DEVICE_WRITE : 0U)};
    return cgroup_device_text(a, &rule, rule.type);
}
