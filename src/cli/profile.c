/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/profile.h"

#include <errno.h>
#include <stddef.h>

#include "base/str.h"
#include "cli/commands.h"
#include "engine/profile_keys.h"

static const struct option options[] = {{NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL}};

static void show_item(const char *key, const struct profile_item *item)
{
    printf("%-18s %-52s %s:%u\n", key, item->value, item->profile, item->line);
}

/* What the profile comes to, with the line that set each thing. */
static void show(const struct profile *p)
{
    for (size_t i = 0; i < profile_n_keys; i++) {
        const struct profile_key *key = &profile_keys[i];
        const void *member = (const char *)p + key->offset;
        if (key->kind == PROFILE_SCALAR) {
            const struct profile_item *item = member;
            if (item->value != NULL)
                show_item(key->name, item);
            continue;
        }
        const struct profile_list *list = member;
        for (size_t k = 0; k < list->n; k++)
            show_item(k == 0 ? key->name : "", &list->v[k]);
    }
}

static int profile(const struct invocation *in, struct err *err)
{
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, NULL, false, 1, 2, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (n == 1 && str_eq(words[0], "ls")) {
        for (const char *const *name = profile_embedded_names(); *name != NULL; name++)
            puts(*name);
        return 0;
    }
    bool whole = str_eq(words[0], "show"), text = str_eq(words[0], "text");
    if (n != 2 || (!whole && !text))
        return err_set(err, -EINVAL, LAYER_CLI, "profile: usage: coffer profile %s", in->command->arguments);
    if (text) {
        const char *source = profile_embedded(words[1]);
        if (source == NULL)
            return err_set(err, -ENOENT, LAYER_CONFIG, "there is no built-in profile %s", words[1]);
        fputs(source, stdout);
        return 0;
    }
    CLEANUP_STORE struct store s = STORE_INIT;
    struct profile *p = NULL;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r == 0)
        r = profile_read(in->arena, s.root, words[1], &p, err);
    if (r < 0)
        return r;
    show(p);
    return 0;
}

const struct command profile_command = {
    .name = "profile",
    .arguments = "ls | show NAME|FILE | text NAME",
    .summary = "List profiles, show what one comes to and which line says so, or print a built-in one",
    .options = options,
    .run = profile,
};
