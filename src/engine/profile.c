/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/nearest.h"
#include "base/str.h"
#include "engine/profile_keys.h"

enum {
    MAX_DEPTH = 8,           /* of includes: a circle ends here */
    MAX_SIZE = 1024 * 1024,  /* of a profile's text */
};

struct reader {
    struct arena *arena;
    const char *root;
    struct profile *profile;
    unsigned depth;
    struct err *err;
    /* where we are */
    const char *name;
    unsigned line;
};

static int read_text(struct reader *r, const char *name, const char *text);

static int fault(const struct reader *r, const char *what, const char *detail)
{
    return err_set(r->err, -EINVAL, LAYER_CONFIG, "profile %s:%u: %s%s", r->name, r->line, what, detail);
}

static int no_memory(const struct reader *r)
{
    return err_set(r->err, -ENOMEM, LAYER_CONFIG, "profile %s: out of memory", r->name);
}

bool profile_yes(const struct profile_item *item)
{
    return item->value != NULL && str_eq(item->value, "yes");
}

const struct profile_item *profile_find(const struct profile_list *list, const char *value)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].value, value))
            return &list->v[i];
    return NULL;
}

static int list_add(struct reader *r, struct profile_list *list, const char *value)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].value, value))
            return 0; /* the line that named it first keeps it */
    if (list->n % 8 == 0) { /* room for eight more */
        struct profile_item *more = arena_calloc(r->arena, list->n + 8, sizeof *more);
        if (more == NULL)
            return no_memory(r);
        if (list->n > 0)
            memcpy(more, list->v, list->n * sizeof *more);
        list->v = more;
    }
    list->v[list->n++] = (struct profile_item){.value = value, .profile = r->name, .line = r->line};
    return 0;
}

static int list_remove(struct reader *r, struct profile_list *list, const char *value)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!str_eq(list->v[i].value, value))
            continue;
        memmove(&list->v[i], &list->v[i + 1], (list->n - i - 1) * sizeof list->v[0]);
        list->n--;
        return 0;
    }
    return fault(r, "nothing above put this into the list: ", value);
}

/* The canonical form of one value of a key. */
static int canonical(struct reader *r, const struct profile_key *key, const char *value, const char **ret)
{
    const char *good = value;
    if (key->choice != NULL)
        good = profile_choice_has(key->choice, value) ? value : NULL;
    else if (key->check != NULL)
        good = key->check(r->arena, value);
    if (good == NULL)
        return err_set(r->err, -EINVAL, LAYER_CONFIG, "profile %s:%u: %s = %s: expected %s", r->name, r->line,
                       key->name, value, key->form);
    *ret = good;
    return 0;
}

static int set_scalar(struct reader *r, const struct profile_key *key, char op, const char *value)
{
    if (op != '=')
        return fault(r, "this key holds one value, set it with = : ", key->name);
    const char *good = NULL;
    int e = canonical(r, key, value, &good);
    if (e < 0)
        return e;
    struct profile_item *item = (struct profile_item *)((char *)r->profile + key->offset);
    *item = (struct profile_item){.value = good, .profile = r->name, .line = r->line};
    return 0;
}

static int set_list(struct reader *r, const struct profile_key *key, char op, char *value)
{
    struct profile_list *list = (struct profile_list *)((char *)r->profile + key->offset);
    if (op == '=')
        *list = (struct profile_list){.v = NULL, .n = 0};
    if (str_eq(value, "none"))
        return op == '=' ? 0 : fault(r, "none stands alone after = : ", key->name);
    char *rest = NULL;
    char *word = key->kind == PROFILE_WORDS ? strtok_r(value, " \t", &rest) : value;
    while (word != NULL) {
        const char *good = NULL;
        int e = canonical(r, key, word, &good);
        if (e == 0 && op == '-' && list == &r->profile->capabilities)
            e = list_add(r, &r->profile->capabilities_taken, good);
        if (e == 0)
            e = op == '-' ? list_remove(r, list, good) : list_add(r, list, good);
        if (e < 0)
            return e;
        word = key->kind == PROFILE_WORDS ? strtok_r(NULL, " \t", &rest) : NULL;
    }
    return 0;
}

static const char *nth_key(const void *ctx, size_t i)
{
    (void)ctx;
    return i < profile_n_keys ? profile_keys[i].name : i == profile_n_keys ? "include" : NULL;
}

static int unknown_key(const struct reader *r, const char *name)
{
    const char *near = name_nearest(name, nth_key, NULL);
    return err_set(r->err, -EINVAL, LAYER_CONFIG, "profile %s:%u: unknown key %s%s%s", r->name, r->line, name,
                   near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

static int include(struct reader *r, const char *name);

/* One line, which is ours to cut up. */
static int read_line(struct reader *r, char *line)
{
    line += strspn(line, " \t");
    size_t n = strlen(line);
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
        line[--n] = '\0';
    if (n == 0 || line[0] == '#')
        return 0;
    size_t word = strcspn(line, " \t=+-");
    char *p = line + word + strspn(line + word, " \t");
    char op = '=';
    if (*p == '+' || *p == '-')
        op = *p++;
    if (*p != '=' || word == 0)
        return fault(r, "expected key = value, found: ", line);
    char *value = p + 1 + strspn(p + 1, " \t");
    line[word] = '\0';
    if (*value == '\0')
        return fault(r, "no value for ", line);
    if (str_eq(line, "include"))
        return op == '=' ? include(r, value) : fault(r, "expected = after include", "");
    const struct profile_key *key = profile_key_find(line);
    if (key == NULL)
        return unknown_key(r, line);
    return key->kind == PROFILE_SCALAR ? set_scalar(r, key, op, value) : set_list(r, key, op, value);
}

static int read_text(struct reader *r, const char *name, const char *text)
{
    r->name = name;
    r->line = 0;
    char *copy = arena_strdup(r->arena, text);
    if (copy == NULL)
        return no_memory(r);
    while (copy != NULL) {
        char *end = strchr(copy, '\n');
        if (end != NULL)
            *end = '\0';
        r->line++;
        int e = read_line(r, copy);
        if (e < 0)
            return e;
        copy = end != NULL ? end + 1 : NULL;
    }
    return 0;
}

/* The text of a profile by name or path. */
static int find_text(struct reader *r, const char *name, const char **ret)
{
    char *text = NULL;
    size_t length = 0;
    int e = -ENOENT;
    if (strchr(name, '/') != NULL) {
        e = file_read(r->arena, AT_FDCWD, name, MAX_SIZE, &text, &length);
    } else {
        const char *dirs[] = {PROFILE_HOST_DIR, r->root != NULL ? arena_printf(r->arena, "%s/profiles", r->root) : NULL};
        for (size_t i = 0; i < ARRAY_LEN(dirs) && e == -ENOENT; i++) {
            char *path = dirs[i] != NULL ? arena_printf(r->arena, "%s/%s" PROFILE_SUFFIX, dirs[i], name) : NULL;
            if (path != NULL)
                e = file_read(r->arena, AT_FDCWD, path, MAX_SIZE, &text, &length);
        }
        if (e == -ENOENT && profile_embedded(name) != NULL) {
            *ret = profile_embedded(name);
            return 0;
        }
    }
    if (e < 0)
        return err_set_errno(r->err, e, LAYER_CONFIG, "profile %s", name);
    if (strlen(text) != length)
        return err_set(r->err, -EINVAL, LAYER_CONFIG, "profile %s: not a text file", name);
    *ret = text;
    return 0;
}

static int include(struct reader *r, const char *name)
{
    if (r->depth >= MAX_DEPTH)
        return fault(r, "includes nested too deeply: ", name);
    const char *text = NULL;
    int e = find_text(r, name, &text);
    if (e < 0)
        return err_prefix(r->err, "profile %s:%u", r->name, r->line);
    const char *outer = r->name;
    unsigned line = r->line;
    r->depth++;
    e = read_text(r, name, text);
    r->depth--;
    r->name = outer;
    r->line = line;
    return e;
}

int profile_parse(struct arena *a, const char *root, const char *name, const char *text, struct profile **ret,
                  struct err *err)
{
    struct reader r = {.arena = a, .root = root, .profile = arena_new(a, struct profile), .err = err, .name = name};
    if (r.profile == NULL)
        return no_memory(&r);
    r.profile->name = arena_strdup(a, name);
    int e = read_text(&r, r.profile->name, text);
    if (e < 0)
        return e;
    if (a->failed)
        return no_memory(&r);
    *ret = r.profile;
    return 0;
}

int profile_read(struct arena *a, const char *root, const char *name, struct profile **ret, struct err *err)
{
    struct reader r = {.arena = a, .root = root, .err = err, .name = name};
    const char *text = NULL;
    int e = find_text(&r, name, &text);
    return e < 0 ? e : profile_parse(a, root, name, text, ret, err);
}
