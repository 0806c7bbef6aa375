/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that a profile may hold: their kind, where their values go, and what a value must look like. */
#ifndef COFFER_ENGINE_PROFILE_KEYS_H
#define COFFER_ENGINE_PROFILE_KEYS_H

#include "engine/profile.h"

enum profile_kind {
    PROFILE_SCALAR,
    PROFILE_WORDS, /* a list whose values are words; several on one line */
    PROFILE_LINES, /* a list with one value a line */
};

struct profile_key {
    const char *name;
    enum profile_kind kind;
    size_t offset;      /* of the struct profile_item or struct profile_list in struct profile */
    const char *form;   /* what a value must be, for messages and documentation */
    const char *choice; /* a scalar's or word's permitted values, separated by '|', or NULL */
    /* The value in its canonical form (into the arena), or NULL when it is not one. NULL: any value. */
    const char *(*check)(struct arena *a, const char *value);
};

extern const struct profile_key profile_keys[];
extern const size_t profile_n_keys;

const struct profile_key *profile_key_find(const char *name);

/* Is value one of the words of choice ("yes|no")? */
bool profile_choice_has(const char *choice, const char *value);

#endif
