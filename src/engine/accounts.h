/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups as an image's passwd(5) and group(5) have them. The texts are not trusted. */
#ifndef COFFER_ENGINE_ACCOUNTS_H
#define COFFER_ENGINE_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct account {
    uint32_t uid, gid;
    uint32_t *groups; /* supplementary, without gid */
    size_t n_groups;
    const char *name; /* NULL: not in passwd */
    const char *home; /* NULL: not in passwd */
};

/*
 * "", "user", "uid", "user:group", "uid:gid" and mixtures, as Docker reads them: "" is user id 0. A number need not be
 * in the files; a name must. passwd and group may be NULL: the image has none. With a group named, there are no
 * supplementary groups. err is of layer capabilities, where identity lies, and speaks of the option `flag`.
 */
int account_resolve(struct arena *a, const char *spec, const char *passwd, const char *group, struct account *ret,
                    const char *flag, struct err *err);

/* A group by name or number: 0 or -ENOENT. */
int account_group(const char *group, const char *name, uint32_t *ret);

#endif
