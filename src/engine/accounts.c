/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/accounts.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { MAX_GROUPS = 1024 };

struct field {
    const char *p;
    size_t n;
};

/* The next line of *text cut at ':' into up to max fields; the number, 0 at the end. */
static size_t next_entry(const char **text, struct field *fields, size_t max)
{
    while (*text != NULL && **text != '\0') {
        const char *line = *text;
        const char *end = strchrnul(line, '\n');
        *text = *end == '\0' ? end : end + 1;
        size_t n = 0;
        for (const char *p = line; n < max; p++) {
            const char *stop = p;
            while (stop < end && *stop != ':')
                stop++;
            fields[n++] = (struct field){p, (size_t)(stop - p)};
            p = stop;
            if (stop == end)
                break;
        }
        if (n >= 3 && fields[0].n > 0 && line[0] != '#')
            return n;
    }
    return 0;
}

static bool field_is(const struct field *f, const char *s)
{
    return strlen(s) == f->n && memcmp(f->p, s, f->n) == 0;
}

static int number(const char *p, size_t n, uint32_t *ret)
{
    char text[16];
    uint64_t v = 0;
    if (n == 0 || n >= sizeof text)
        return -EINVAL;
    memcpy(text, p, n);
    text[n] = '\0';
    if (str_to_u64(text, &v) < 0 || v > INT32_MAX)
        return -EINVAL;
    *ret = (uint32_t)v;
    return 0;
}

int account_group(const char *group, const char *name, uint32_t *ret)
{
    struct field f[3];
    uint32_t id = 0;
    bool numeric = number(name, strlen(name), &id) == 0;
    for (const char *text = group; next_entry(&text, f, 3) > 0;)
        if (field_is(&f[0], name) && number(f[2].p, f[2].n, ret) == 0)
            return 0;
    if (!numeric)
        return -ENOENT;
    *ret = id;
    return 0;
}

/* Does "a,b,c" hold this name? */
static bool has_member(const struct field *members, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = members->p, *end = members->p + members->n; p < end; p++) {
        const char *stop = p;
        while (stop < end && *stop != ',')
            stop++;
        if ((size_t)(stop - p) == length && memcmp(p, name, length) == 0)
            return true;
        p = stop;
    }
    return false;
}

static int supplementary(struct arena *a, const char *group, struct account *account)
{
    uint32_t found[MAX_GROUPS];
    size_t n = 0;
    struct field f[4];
    size_t fields;
    for (const char *text = group; (fields = next_entry(&text, f, 4)) > 0 && n < MAX_GROUPS;)
        if (fields == 4 && has_member(&f[3], account->name) && number(f[2].p, f[2].n, &found[n]) == 0)
            n++;
    if (n == 0)
        return 0;
    account->groups = arena_calloc(a, n, sizeof found[0]);
    if (account->groups == NULL)
        return -ENOMEM;
    memcpy(account->groups, found, n * sizeof found[0]);
    account->n_groups = n;
    return 0;
}

/* Fill account from passwd: a name first, then a number. */
static int find_user(struct arena *a, const char *user, const char *passwd, struct account *account)
{
    uint32_t id = 0;
    bool numeric = number(user, strlen(user), &id) == 0;
    struct field f[7];
    size_t fields;
    for (int by_name = 1; by_name >= 0; by_name--) {
        for (const char *text = passwd; (fields = next_entry(&text, f, 7)) > 0;) {
            uint32_t uid = 0, gid = 0;
            if (fields < 4 || number(f[2].p, f[2].n, &uid) < 0 || number(f[3].p, f[3].n, &gid) < 0)
                continue;
            if (by_name ? !field_is(&f[0], user) : !numeric || uid != id)
                continue;
            account->uid = uid;
            account->gid = gid;
            account->name = arena_strndup(a, f[0].p, f[0].n);
            account->home = fields >= 6 && f[5].n > 0 ? arena_strndup(a, f[5].p, f[5].n) : NULL;
            return a->failed ? -ENOMEM : 0;
        }
    }
    account->uid = id;
    return numeric ? 0 : -ENOENT;
}

int account_resolve(struct arena *a, const char *spec, const char *passwd, const char *group, struct account *ret,
                    const char *flag, struct err *err)
{
    struct account account = {0};
    const char *colon = strchr(spec, ':');
    char *user = arena_strndup(a, spec, colon != NULL ? (size_t)(colon - spec) : strlen(spec));
    if (user == NULL)
        return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
    int r = find_user(a, user[0] != '\0' ? user : "0", passwd, &account);
    if (r == -ENOENT)
        return err_set(err, r, LAYER_CAPABILITIES, "%s %s: the image's /etc/passwd has no user %s", flag, spec, user);
    if (r == 0 && colon != NULL && colon[1] != '\0') {
        if (account_group(group, colon + 1, &account.gid) < 0)
            return err_set(err, -ENOENT, LAYER_CAPABILITIES, "%s %s: the image's /etc/group has no group %s", flag,
                           spec, colon + 1);
    } else if (r == 0 && account.name != NULL) {
        r = supplementary(a, group, &account);
    }
    if (r < 0)
        return err_set(err, r, LAYER_ENGINE, "out of memory");
    *ret = account;
    return 0;
}
