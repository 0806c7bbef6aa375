/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles: the defaults of all walls together, as data. The text form is line-oriented, so that every setting has one
 * line that set it, and that line goes along as its origin until `explain` prints it.
 *
 *     # comment
 *     include = NAME        another profile, read at this place
 *     key = value           set; a list is replaced
 *     key += value          add to a list (words by blanks where the key takes words)
 *     key -= value          take out of a list what an earlier line put in
 *
 * The keys are the table in profile_keys.c; docs and the checks of values come from it.
 */
#ifndef COFFER_ENGINE_PROFILE_H
#define COFFER_ENGINE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define PROFILE_DEFAULT "default"
#define PROFILE_SUFFIX ".profile"
#define PROFILE_HOST_DIR "/etc/coffer/profiles"

struct profile_item {
    const char *value;   /* never NULL in a list; NULL in a scalar that no line set */
    const char *profile; /* which profile's text, */
    unsigned line;       /* and which line of it */
};

struct profile_list {
    struct profile_item *v;
    size_t n;
};

struct profile {
    const char *name;
    struct profile_item no_new_privs, ambient, seccomp, compat32, landlock, apparmor;
    struct profile_item cgroup_namespace, user_namespace, user, read_only_root, pids_limit, oom_score_adj;
    struct profile_list capabilities; /* "CAP_CHOWN" */
    struct profile_list capabilities_taken; /* what a line with -= took out of them, and which line */
    struct profile_list namespaces, mounts, masked_paths, readonly_paths, sysctls, rlimits, devices;
    struct profile_list locked;  /* keys that flags cannot loosen */
    struct profile_list addable; /* capabilities that --cap-add may name although capabilities is locked */
};

/*
 * Read the profile `name`: a path when it holds a '/', otherwise a name looked for in PROFILE_HOST_DIR, in
 * root/profiles (root may be NULL), and among the embedded ones. Everything lives in the arena. Errors have the layer
 * config and name profile and line.
 */
int profile_read(struct arena *a, const char *root, const char *name, struct profile **ret, struct err *err);

/* The same from text; includes are looked up as above. */
int profile_parse(struct arena *a, const char *root, const char *name, const char *text, struct profile **ret,
                  struct err *err);

/* Does the value of this item say yes? */
bool profile_yes(const struct profile_item *item);

/* The item of a list with this value, or NULL. */
const struct profile_item *profile_find(const struct profile_list *list, const char *value);

/* Embedded profiles: text by name, or NULL; the names in order, ended by NULL. */
const char *profile_embedded(const char *name);
const char *const *profile_embedded_names(void);

#endif
