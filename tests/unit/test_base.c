/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, numbers and times as people write them; the arena; errors on one line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/strings.h"

static void sizes_as_docker_takes_them(void **state UNUSED)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        int code;
    } cases[] = {
        {"0", 0, 0}, {"512m", 512ULL << 20, 0}, {"1.5g", 3ULL << 29, 0}, {"1 KiB", 1024, 0}, {"7b", 7, 0},
        {"2Gb", 2ULL << 30, 0}, {"1e3", 0, -EINVAL}, {"", 0, -EINVAL}, {"-1", 0, -EINVAL}, {"1.", 0, -EINVAL},
        {"5mm", 0, -EINVAL}, {"99999999999999999999", 0, -ERANGE}, {"16384p", 0, -ERANGE},
        {"18446744073709551615", UINT64_MAX, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t got = 0;
        int r = str_to_size(cases[i].text, &got);
        if (r != cases[i].code || (r == 0 && got != cases[i].bytes))
            fail_msg("%s: %d, %llu", cases[i].text, r, (unsigned long long)got);
    }
}

static void numbers_are_whole_strings(void **state UNUSED)
{
    uint64_t u = 7;
    int64_t n = 7;
    assert_int_equal(str_to_u64("12x", &u), -EINVAL);
    assert_int_equal(str_to_u64(" 12", &u), -EINVAL);
    assert_int_equal(str_to_u64("18446744073709551616", &u), -ERANGE);
    assert_int_equal(u, 7); /* untouched on failure */
    assert_int_equal(str_to_i64("-9223372036854775808", &n), 0);
    assert_true(n == INT64_MIN);
    assert_int_equal(str_to_i64("--1", &n), -EINVAL);
}

/* Against the C library, which is right and slow. */
static void times_agree_with_the_c_library(void **state UNUSED)
{
    int64_t t = -62135596800; /* year 1 */
    for (int i = 0; i < 20000; i++, t += 15724927) {
        time_t seconds = (time_t)t;
        struct tm tm;
        char want[64], got[64];
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec, (long)(i % 1000000000));
        assert_string_equal(str_from_time(t, i % 1000000000, got, sizeof got), want);
    }
}

static void arrays_grow_and_keep_what_they_hold(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct strings list = {0};
    char word[16];
    for (int i = 0; i < 300; i++) {
        snprintf(word, sizeof word, "%d", i);
        assert_true(strings_add(&a, &list, arena_strdup(&a, word)));
    }
    for (int i = 0; i < 300; i++)
        assert_int_equal(atoi(list.v[i]), i);
    assert_null(arena_calloc(&a, SIZE_MAX / 2, 4));
    assert_true(a.failed);
}

static void an_error_is_one_line(void **state UNUSED)
{
    struct err err = ERR_INIT;
    assert_int_equal(err_set_errno(&err, -ENOENT, LAYER_ROOTFS, "a\nb\x1b[31m"), -ENOENT);
    assert_null(strpbrk(err.text, "\n\x1b"));
    assert_non_null(strstr(err.text, "No such file"));
    char longer[600];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(err_prefix(&err, "%s", longer), -ENOENT);
    assert_true(strlen(err.text) < sizeof err.text);
    assert_int_equal(err.layer, LAYER_ROOTFS);
}

static const char *candidate(const void *list, size_t i)
{
    return ((const char *const *)list)[i];
}

static void a_slip_of_the_finger_is_understood(void **state UNUSED)
{
    static const char *const words[] = {"memory", "mount", "name", NULL};
    assert_string_equal(name_nearest("memroy", candidate, words), "memory");
    assert_string_equal(name_nearest("mout", candidate, words), "mount");
    assert_null(name_nearest("seccomp", candidate, words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_as_docker_takes_them),   cmocka_unit_test(numbers_are_whole_strings),
        cmocka_unit_test(times_agree_with_the_c_library), cmocka_unit_test(arrays_grow_and_keep_what_they_hold),
        cmocka_unit_test(an_error_is_one_line),         cmocka_unit_test(a_slip_of_the_finger_is_understood),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
