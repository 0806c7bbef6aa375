/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd, group and the user that is asked for, cut at bytes of 0xff; and a container's record and subuid, which read the
 * same bytes. For any bytes: an id that comes out is one that Linux has, a name that comes out is in the text, and a
 * record that is taken is written out and taken again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/accounts.h"
#include "engine/idrange.h"
#include "engine/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                              \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                    \
        }                                                                               \
    } while (0)

static void check_accounts(struct arena *a, char *text)
{
    char *rest = text;
    char *spec = strsep(&rest, "\xff"), *passwd = strsep(&rest, "\xff"), *group = strsep(&rest, "\xff");
    struct account account = {.uid = 1};
    struct err err = ERR_INIT;
    int r = account_resolve(a, spec, passwd, group, &account, "--user", &err);
    if (r < 0) {
        REQUIRE(r == -ENOENT && err.layer == LAYER_CAPABILITIES && account.uid == 1);
        return;
    }
    REQUIRE(account.uid <= INT32_MAX && account.gid <= INT32_MAX && account.n_groups <= 1024);
    REQUIRE(account.name == NULL || (passwd != NULL && strstr(passwd, account.name) != NULL));
    for (size_t i = 0; i < account.n_groups; i++)
        REQUIRE(account.groups[i] <= INT32_MAX);
}

static void check_record(struct arena *a, const char *text)
{
    struct container c = {.id = NULL}, d = {.id = NULL};
    CLEANUP_BUF struct buf one = BUF_INIT, two = BUF_INIT;
    if (record_parse(a, text, &c) < 0)
        return;
    record_print(&c, &one);
    REQUIRE(record_parse(a, buf_str(&one), &d) == 0);
    record_print(&d, &two);
    REQUIRE(str_eq(buf_str(&one), buf_str(&two)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *text = arena_strndup(&a, (const char *)data, size);
    uint32_t first = 0, count = 0;
    REQUIRE(text != NULL);
    check_record(&a, text);
    if (idrange_pool(text, "coffer", &first, &count) == 0)
        REQUIRE(first > 0 && count >= IDRANGE_SIZE && (uint64_t)first + count <= UINT32_MAX);
    check_accounts(&a, text);
    return 0;
}
