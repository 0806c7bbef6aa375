/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between the units of cgroup v1 and v2, at their boundaries. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layers/cgroup/group.h"

static void shares_become_weights(void **state)
{
    (void)state;
    static const struct {
        uint64_t shares, weight;
    } table[] = {
        /* The ends and the default are fixed points; those between were worked out by hand from the formula. */
        {0, 1}, {1, 1}, {2, 1}, {3, 2}, {512, 59}, {1024, 100}, {2048, 174}, {262143, 10000}, {262144, 10000},
        {UINT64_MAX, 10000},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_int_equal(cgroup_shares_to_weight(table[i].shares), table[i].weight);
    uint64_t last = 0;
    for (uint64_t shares = 2; shares <= 262144; shares += 7) {
        uint64_t weight = cgroup_shares_to_weight(shares);
        assert_true(weight >= last && weight >= 1 && weight <= 10000);
        last = weight;
    }
}

static void weights_become_shares_again(void **state)
{
    (void)state;
    assert_int_equal(cgroup_weight_to_shares(0), 2);
    assert_int_equal(cgroup_weight_to_shares(1), 2);
    assert_int_equal(cgroup_weight_to_shares(100), 1024);
    assert_int_equal(cgroup_weight_to_shares(10000), 262144);
    /* There and back: the rounding up of the way there is at most one step. */
    for (uint64_t weight = 2; weight < 10000; weight++) {
        uint64_t again = cgroup_shares_to_weight(cgroup_weight_to_shares(weight));
        assert_in_range(again, weight, weight + 1);
    }
}

static void block_io_weights(void **state)
{
    (void)state;
    assert_int_equal(cgroup_blkio_to_io_weight(10), 1);
    assert_int_equal(cgroup_blkio_to_io_weight(1000), 10000);
    assert_int_equal(cgroup_blkio_to_io_weight(100), 910);
    assert_int_equal(cgroup_io_to_blkio_weight(1), 10);
    assert_int_equal(cgroup_io_to_blkio_weight(10000), 1000);
    for (uint64_t weight = 10; weight <= 1000; weight++)
        assert_int_equal(cgroup_io_to_blkio_weight(cgroup_blkio_to_io_weight(weight)), weight);
}

static void swap_is_what_is_beyond_memory(void **state)
{
    (void)state;
    static const struct {
        int64_t swap, memory;
        int code;
        bool set;
        int64_t v2;
    } table[] = {
        {0, 0, 0, false, 0},         {0, 100, 0, false, 0},      {0, -1, 0, true, -1},  {-1, 100, 0, true, -1},
        {-1, -1, 0, true, -1},       {300, 100, 0, true, 200},   {100, 100, 0, true, 0}, {300, -1, 0, true, 300},
        {300, 0, -EINVAL, false, 0}, {99, 100, -EINVAL, false, 0}, {INT64_MAX, 1, 0, true, INT64_MAX - 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        bool set = false;
        int64_t v2 = 77;
        assert_int_equal(cgroup_swap_to_v2(table[i].swap, table[i].memory, &set, &v2), table[i].code);
        if (table[i].code < 0) {
            assert_int_equal(v2, 77);
            continue;
        }
        assert_int_equal(set, table[i].set);
        if (set)
            assert_int_equal(v2, table[i].v2);
    }
}

static void sizes_read_as_people_write_them(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(cgroup_size_text(512 << 20, text, sizeof text), "512m");
    assert_string_equal(cgroup_size_text(1536 << 10, text, sizeof text), "1536k");
    assert_string_equal(cgroup_size_text(1000, text, sizeof text), "1000");
    assert_string_equal(cgroup_size_text(0, text, sizeof text), "0");
    assert_string_equal(cgroup_size_text(-1, text, sizeof text), "unlimited");
    assert_string_equal(cgroup_size_text(INT64_C(1) << 50, text, sizeof text), "1p");
    assert_string_equal(cgroup_size_text(INT64_C(1) << 60, text, sizeof text), "1024p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_become_weights),         cmocka_unit_test(weights_become_shares_again),
        cmocka_unit_test(block_io_weights),              cmocka_unit_test(swap_is_what_is_beyond_memory),
        cmocka_unit_test(sizes_read_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
