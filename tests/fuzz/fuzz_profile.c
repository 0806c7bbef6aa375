/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles. For any bytes: what is taken has a line of a profile for each setting, and values in their canonical form,
 * so that the same settings written out again are taken again; what is refused is refused with a message and a line.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "engine/profile_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                              \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                    \
        }                                                                               \
    } while (0)

static void require_item(const struct profile_item *item, unsigned lines)
{
    REQUIRE(item->value != NULL && item->value[0] != '\0' && item->profile != NULL && item->line >= 1);
    REQUIRE(!str_eq(item->profile, "fuzz") || item->line <= lines);
}

/* Everything that the profile says, as a profile's text. */
static void write_out(const struct profile *p, unsigned lines, struct buf *out)
{
    for (size_t i = 0; i < profile_n_keys; i++) {
        const struct profile_key *key = &profile_keys[i];
        const void *member = (const char *)p + key->offset;
        if (key->kind == PROFILE_SCALAR) {
            const struct profile_item *item = member;
            if (item->value == NULL)
                continue;
            require_item(item, lines);
            buf_printf(out, "%s = %s\n", key->name, item->value);
            continue;
        }
        const struct profile_list *list = member;
        for (size_t k = 0; k < list->n; k++) {
            require_item(&list->v[k], lines);
            REQUIRE(profile_find(list, list->v[k].value) == &list->v[k]); /* nothing twice */
            buf_printf(out, "%s += %s\n", key->name, list->v[k].value);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf text = BUF_INIT, again = BUF_INIT;
    struct err err = ERR_INIT;
    struct profile *p = NULL, *q = NULL;
    buf_add(&text, data, size);
    if (strlen(buf_str(&text)) != size || (strstr(buf_str(&text), "include") != NULL && strchr(buf_str(&text), '/') != NULL))
        return 0; /* the reader of files refuses the one; the other would read this machine's */
    unsigned lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    int r = profile_parse(&a, NULL, "fuzz", buf_str(&text), &p, &err);
    if (r < 0) {
        REQUIRE(p == NULL && err.code == r && err.layer == LAYER_CONFIG && err.text[0] != '\0');
        return 0;
    }
    write_out(p, lines, &again);
    REQUIRE(profile_parse(&a, NULL, "again", buf_str(&again), &q, &err) == 0);
    CLEANUP_BUF struct buf third = BUF_INIT;
    write_out(q, UINT32_MAX, &third);
    REQUIRE(str_eq(buf_str(&again), buf_str(&third)));
    return 0;
}
