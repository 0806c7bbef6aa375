/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/store.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

#define DEFAULT_STATE_ROOT "/run/coffer/containers"
#define DEFAULT_FILES_ROOT "/run/coffer/files"

int store_open(struct arena *a, const char *root, struct store *ret, struct err *err)
{
    struct store s = {.arena = a};
    int r = host_probe(a, &s.host, err);
    if (r < 0)
        return r;
    const char *standard = NULL;
    r = image_store_default_root(a, &s.host, &standard, err);
    if (r < 0 && root == NULL)
        return r;
    if (root == NULL)
        root = standard;
    if (root[0] != '/') {
        char here[PATH_MAX];
        if (getcwd(here, sizeof here) == NULL)
            return err_set_errno(err, -errno, LAYER_ENGINE, "working directory");
        root = arena_printf(a, "%s/%s", here, root);
    }
    s.root = arena_strdup(a, root);
    bool system = standard != NULL && s.root != NULL && str_eq(s.root, standard) && s.host.euid == 0;
    s.files_root = system ? DEFAULT_FILES_ROOT : NULL;
    s.state_root = system ? DEFAULT_STATE_ROOT : arena_printf(a, "%s/run", root);
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
    r = image_store_open(s.root, &s.images, err);
    if (r < 0)
        return r;
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s->images != NULL)
        image_store_close(&s->images);
}
