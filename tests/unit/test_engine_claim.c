/* SPDX-License-Identifier: Apache-2.0 */
/* Names and id ranges: who has one, and what becomes of a dead one's; with processes that race for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/claim.h"
#include "engine/idrange.h"

static char top[64];

static int make_top(void **state)
{
    (void)state;
    strcpy(top, "/tmp/coffer-claim-XXXXXX");
    return mkdtemp(top) != NULL ? 0 : -1;
}

static int remove_top(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

static char *thing(struct arena *a, const char *name)
{
    char *path = arena_printf(a, "%s/%s", top, name);
    assert_int_equal(mkdir(path, 0755), 0);
    return path;
}

static void test_one_owner(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_FD int dir = open(thing(&a, "names"), O_RDONLY | O_DIRECTORY);
    char *one = thing(&a, "one"), *two = thing(&a, "two");
    assert_int_equal(claim_take(dir, "web", one), 0);
    assert_int_equal(claim_take(dir, "web", two), -EEXIST);
    assert_int_equal(claim_take(dir, "web", one), -EEXIST);
    claim_release(dir, "web", two); /* not its own */
    assert_int_equal(claim_take(dir, "web", two), -EEXIST);
    claim_release(dir, "web", one);
    assert_int_equal(claim_take(dir, "web", two), 0);
    assert_int_equal(rmdir(two), 0); /* it died */
    assert_int_equal(claim_take(dir, "web", one), 0);
    assert_int_equal(claim_take(dir, "relative", "../one"), 0);
    assert_int_equal(claim_take(dir, "relative", "../one"), -EEXIST);
    assert_int_equal(symlinkat("/nosuch/dead", dir, "dead"), 0);
    claim_sweep(dir);
    char target[64];
    assert_int_equal(readlinkat(dir, "dead", target, sizeof target), -1);
    assert_true(readlinkat(dir, "relative", target, sizeof target) > 0);
}

/* Many processes take the name of a dead thing at once: one gets it. */
static void test_race_for_a_dead_name(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_FD int dir = open(thing(&a, "names"), O_RDONLY | O_DIRECTORY);
    enum { PROCESSES = 8, ROUNDS = 100 };
    char *things[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        things[i] = thing(&a, arena_printf(&a, "t%d", i));
    for (int round = 0; round < ROUNDS; round++) {
        char name[16];
        int gate[2], winners = 0;
        snprintf(name, sizeof name, "n%d", round);
        assert_int_equal(symlinkat("/nosuch/dead", dir, name), 0);
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < PROCESSES; i++) {
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) {
                char go;
                close(gate[1]);
                (void)!read(gate[0], &go, 1);
                int r = claim_take(dir, name, things[i]);
                if (r == -EEXIST)
                    claim_sweep(dir); /* which must not take the winner's */
                _exit(r == 0 ? 10 : r == -EEXIST ? 11 : 12);
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < PROCESSES; i++) {
            int status = 0;
            assert_true(wait(&status) > 0);
            assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 10 || WEXITSTATUS(status) == 11));
            winners += WEXITSTATUS(status) == 10;
        }
        assert_int_equal(winners, 1);
        char target[64];
        assert_true(readlinkat(dir, name, target, sizeof target) > 0);
    }
}

static void test_pools(void **state)
{
    (void)state;
    uint32_t first = 0, count = 0;
    static const char text[] = "other:1:2\ncoffers:5:65536\ncoffer:notanumber:65536\ncoffer:200000:100\n"
                               "coffer:300000:131072\ncontainers:4294967000:65536";
    assert_int_equal(idrange_pool(text, "coffer", &first, &count), 0);
    assert_int_equal(first, 300000);
    assert_int_equal(count, 131072);
    assert_int_equal(idrange_pool(text, "containers", &first, &count), -ENOENT); /* beyond the last id */
    assert_int_equal(idrange_pool("coffer:0:4000000000", "coffer", &first, &count), -ENOENT);
    assert_int_equal(idrange_pool("", "coffer", &first, &count), -ENOENT);
}

static void test_ranges_do_not_overlap(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *pool = arena_printf(&a, "%s/ids", top);
    struct idrange range[20];
    struct err err = ERR_INIT;
    for (unsigned i = 0; i < ARRAY_LEN(range); i++) {
        char *directory = thing(&a, arena_printf(&a, "c%u", i));
        assert_int_equal(idrange_take(pool, directory, 7, &range[i], &err), 0); /* all begin at the same place */
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(range[k].first_uid, range[i].first_uid);
    }
    idrange_release(pool, arena_printf(&a, "%s/c3", top), range[3].first_uid);
    struct idrange again;
    assert_int_equal(idrange_take(pool, thing(&a, "late"), 7, &again, &err), 0);
    assert_int_equal(again.first_uid, range[3].first_uid);
    idrange_release(pool, arena_printf(&a, "%s/c4", top), range[5].first_uid); /* not its own */
    assert_int_equal(idrange_take(pool, thing(&a, "later"), 7, &again, &err), 0);
    assert_int_not_equal(again.first_uid, range[5].first_uid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_owner, make_top, remove_top),
        cmocka_unit_test_setup_teardown(test_race_for_a_dead_name, make_top, remove_top),
        cmocka_unit_test(test_pools),
        cmocka_unit_test_setup_teardown(test_ranges_do_not_overlap, make_top, remove_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
