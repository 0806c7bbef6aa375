/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules: what they mean, and less of them.
 *
 * Meaning (the specification's, and runc's): the rules are applied in order, so for each bit of access (r, w, m) the
 * last rule decides that matches the device and has the bit; where none does, access is denied. After the
 * configuration's rules come the default ones, which every container needs and which therefore cannot be denied.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "layers/cgroup/group.h"

/*
 * runc's AllowedDevices. mknod by itself gives nothing: opening what was made is checked again. 10:200 (/dev/net/tun)
 * is among them because callers without a way to add rules depend on it; it needs CAP_NET_ADMIN to be of use.
 */
static const struct device_rule default_rules[] = {
    {true, 'a', -1, -1, DEVICE_MKNOD}, {true, 'c', 1, 3, DEVICE_ALL}, {true, 'c', 1, 8, DEVICE_ALL},
    {true, 'c', 1, 7, DEVICE_ALL},     {true, 'c', 5, 0, DEVICE_ALL}, {true, 'c', 1, 5, DEVICE_ALL},
    {true, 'c', 1, 9, DEVICE_ALL},     {true, 'c', 136, -1, DEVICE_ALL}, {true, 'c', 5, 2, DEVICE_ALL},
    {true, 'c', 10, 200, DEVICE_ALL},
};

static int parse_number(const struct oci_int *n, int32_t *ret)
{
    if (!n->set || n->v == -1)
        *ret = -1;
    else if (n->v < 0 || n->v > INT32_MAX)
        return -EINVAL;
    else
        *ret = (int32_t)n->v;
    return 0;
}

static int parse_rule(const struct oci_device_rule *from, size_t i, struct device_rule *ret, struct err *err)
{
    struct device_rule r = {.allow = from->allow.v, .type = 'a'};
    if (from->type != NULL && *from->type != '\0') {
        r.type = *from->type;
        if ((r.type != 'a' && r.type != 'b' && r.type != 'c') || from->type[1] != '\0')
            return err_set(err, -EINVAL, LAYER_CGROUP, "device rule %zu: type %s is not one of a, b, c", i, from->type);
    }
    if (parse_number(&from->major, &r.major) < 0 || parse_number(&from->minor, &r.minor) < 0)
        return err_set(err, -EINVAL, LAYER_CGROUP, "device rule %zu: there is no such device number", i);
    if (from->access == NULL || *from->access == '\0')
        return err_set(err, -EINVAL, LAYER_CGROUP, "device rule %zu: access is missing; give letters of rwm", i);
    for (const char *p = from->access; *p != '\0'; p++) {
        if (*p == 'r')
            r.access |= DEVICE_READ;
        else if (*p == 'w')
            r.access |= DEVICE_WRITE;
        else if (*p == 'm')
            r.access |= DEVICE_MKNOD;
        else
            return err_set(err, -EINVAL, LAYER_CGROUP, "device rule %zu: access %s is not letters of rwm", i,
                           from->access);
    }
    *ret = r;
    return 0;
}

/* Every device that b matches is matched by a. */
static bool covers(const struct device_rule *a, const struct device_rule *b)
{
    return (a->type == 'a' || a->type == b->type) && (a->major == -1 || a->major == b->major) &&
           (a->minor == -1 || a->minor == b->minor);
}

static bool disjoint(const struct device_rule *a, const struct device_rule *b)
{
    return (a->type != 'a' && b->type != 'a' && a->type != b->type) ||
           (a->major != -1 && b->major != -1 && a->major != b->major) ||
           (a->minor != -1 && b->minor != -1 && a->minor != b->minor);
}

/*
 * Drop what never decides. A rule loses the bits for which a later one covers it; rules in front that say the same as
 * the default go; neighbours with one verdict, whose order does not matter, merge when they name the same devices.
 */
static void drop_covered(struct device_rules *rules)
{
    struct device_rule *v = rules->v;
    for (size_t i = 0; i < rules->n; i++)
        for (size_t later = i + 1; later < rules->n; later++)
            if (covers(&v[later], &v[i]))
                v[i].access &= ~v[later].access;
}

static void merge(struct device_rules *rules)
{
    struct device_rule *v = rules->v;
    size_t n = 0;
    for (size_t i = 0; i < rules->n; i++) {
        if (v[i].access == 0)
            continue;
        /* What stood before a rule for all devices and all bits has lost them all: that rule is the default. */
        if (n == 0 && v[i].type == 'a' && v[i].major == -1 && v[i].minor == -1 && v[i].access == DEVICE_ALL) {
            rules->allow = v[i].allow;
            continue;
        }
        if (n == 0 && v[i].allow == rules->allow)
            continue;
        bool merged = false;
        for (size_t j = n; j-- > 0 && v[j].allow == v[i].allow && !merged;)
            if (v[j].type == v[i].type && v[j].major == v[i].major && v[j].minor == v[i].minor) {
                v[j].access |= v[i].access;
                merged = true;
            }
        if (!merged)
            v[n++] = v[i];
    }
    rules->n = n;
}

static void reduce(struct device_rules *rules)
{
    drop_covered(rules);
    /* Merging may complete a rule for everything ("rw" here, "m" there), which then takes others away. */
    for (size_t before = rules->n + 1; rules->n < before;) {
        before = rules->n;
        merge(rules);
    }
}

static int read_rules(struct arena *a, const struct oci_resources *resources, bool with_default,
                      struct device_rules *ret, struct err *err)
{
    size_t asked = resources != NULL ? resources->devices.n : 0;
    struct device_rules rules = {.allow = false};
    rules.v = arena_calloc(a, asked + ARRAY_LEN(default_rules), sizeof *rules.v);
    if (rules.v == NULL)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    for (size_t i = 0; i < asked; i++) {
        int r = parse_rule(&resources->devices.v[i], i, &rules.v[i], err);
        if (r < 0)
            return r;
    }
    rules.n = asked;
    if (with_default) {
        memcpy(rules.v + asked, default_rules, sizeof default_rules);
        rules.n += ARRAY_LEN(default_rules);
    }
    reduce(&rules);
    *ret = rules;
    return 0;
}

int cgroup_device_rules(struct arena *a, const struct oci_resources *resources, struct device_rules *ret,
                        struct err *err)
{
    return read_rules(a, resources, true, ret, err);
}

int cgroup_device_rules_alone(struct arena *a, const struct oci_resources *resources, struct device_rules *ret,
                              struct err *err)
{
    return read_rules(a, resources, false, ret, err);
}

bool cgroup_device_allowed(const struct device_rules *rules, char type, int64_t major, int64_t minor, unsigned access)
{
    for (size_t i = rules->n; i-- > 0;) {
        const struct device_rule *r = &rules->v[i];
        if ((r->type != 'a' && r->type != type) || (r->major != -1 && r->major != major) ||
            (r->minor != -1 && r->minor != minor) || (access & r->access) == 0)
            continue;
        if (!r->allow)
            return false;
        access &= ~r->access;
        if (access == 0)
            return true;
    }
    return rules->allow;
}

char *cgroup_device_text(struct arena *a, const struct device_rule *rule, char type)
{
    char major[16] = "*", minor[16] = "*", access[4];
    if (rule->major >= 0)
        snprintf(major, sizeof major, "%" PRId32, rule->major);
    if (rule->minor >= 0)
        snprintf(minor, sizeof minor, "%" PRId32, rule->minor);
    size_t n = 0;
    if ((rule->access & DEVICE_READ) != 0)
        access[n++] = 'r';
    if ((rule->access & DEVICE_WRITE) != 0)
        access[n++] = 'w';
    if ((rule->access & DEVICE_MKNOD) != 0)
        access[n++] = 'm';
    access[n] = '\0';
    return arena_printf(a, "%c %s:%s %s", type, major, minor, access);
}

/*
 * v1 keeps one default and exceptions of the other kind. So a rule with the default's verdict has to take bits away
 * from exceptions that were made before it, and cannot do so for a part of the devices of one.
 */
int cgroup_device_lines(struct arena *a, const struct device_rules *rules, struct oci_strs *ret, struct err *err)
{
    struct device_rule *exceptions = arena_calloc(a, rules->n + 1, sizeof *exceptions);
    char **lines = arena_calloc(a, 2 * rules->n + 2, sizeof *lines);
    if (exceptions == NULL || lines == NULL)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    size_t n_exceptions = 0;
    for (size_t i = 0; i < rules->n; i++) {
        const struct device_rule *r = &rules->v[i];
        if (r->allow != rules->allow) {
            exceptions[n_exceptions++] = *r;
            continue;
        }
        for (size_t j = 0; j < n_exceptions; j++) {
            struct device_rule *e = &exceptions[j];
            if (disjoint(r, e) || (r->access & e->access) == 0)
                continue;
            if (!covers(r, e))
                return err_set(err, -ENOTSUP, LAYER_CGROUP,
                               "device rules: cgroup v1 cannot %s %s, which is a part of %s that an earlier rule %s; "
                               "name the devices one by one", r->allow ? "allow" : "deny",
                               cgroup_device_text(a, r, r->type), cgroup_device_text(a, e, e->type),
                               r->allow ? "denies" : "allows");
            e->access &= ~r->access;
        }
    }
    const char *verb = rules->allow ? "deny" : "allow";
    size_t n = 0;
    lines[n++] = arena_strdup(a, rules->allow ? "allow a" : "deny a");
    for (size_t i = 0; i < n_exceptions; i++) {
        const struct device_rule *e = &exceptions[i];
        if (e->access == 0)
            continue;
        /* In a v1 line, type a means everything, whatever stands after it. */
        for (const char *type = e->type == 'a' ? "bc" : e->type == 'b' ? "b" : "c"; *type != '\0'; type++)
            lines[n++] = arena_printf(a, "%s %s", verb, cgroup_device_text(a, e, *type));
    }
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CGROUP, "out of memory");
    *ret = (struct oci_strs){.v = lines, .n = n, .set = true};
    return 0;
}
