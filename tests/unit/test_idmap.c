/* SPDX-License-Identifier: Apache-2.0 */
/* The idmap wall without a kernel: which maps are good, who writes them, and in which form. */
#include <errno.h>

#include "layers/idmap/idmap.h"
#include "planned.h"

static const struct host root_host = {.kernel_major = 6, .kernel_minor = 1, .capabilities = UINT64_MAX,
                                      .initial_userns = true};
static const struct host user_host = {.kernel_major = 6, .kernel_minor = 1, .euid = 1000, .egid = 1001,
                                      .initial_userns = true};

static struct planned plan(const struct host *host, const char *linux_)
{
    struct arena a = ARENA_INIT;
    struct planned p = plan_wall(&idmap_layer, host, arena_printf(&a, "'linux':{%s}", linux_));
    arena_free(&a);
    return p;
}

#define USER "'namespaces':[{'type':'user'}],"
#define MAP(c, h, n) "{'containerID':" #c ",'hostID':" #h ",'size':" #n "}"
#define MAPS(uid, gid) "'uidMappings':[" uid "],'gidMappings':[" gid "]"

static void root_writes_the_maps_itself(void **state)
{
    (void)state;
    struct planned p = plan(&root_host, USER MAPS(MAP(0, 100000, 1000) "," MAP(1000, 5, 1), MAP(0, 7, 3)));
    assert_int_equal(p.result, 0);
    assert_true(p.plan.parent_maps_ids);
    assert_string_equal(buf_str(&p.text), "host-after-clone idmap write uid_map = 0 100000 1000, 1000 5 1\n"
                                          "host-after-clone idmap write gid_map = 0 7 3\n");
    const struct op *op = p.plan.first[LAYER_IDMAP][STEP_HOST_AFTER_CLONE];
    assert_string_equal(op->args, "0 100000 1000\n1000 5 1");
    planned_free(&p);
}

static void a_user_maps_himself_and_gives_up_setgroups(void **state)
{
    (void)state;
    struct planned p = plan(&user_host, USER MAPS(MAP(0, 1000, 1), MAP(0, 1001, 1)));
    assert_int_equal(p.result, 0);
    assert_string_equal(buf_str(&p.text), "host-after-clone idmap write uid_map = 0 1000 1\n"
                                          "host-after-clone idmap write setgroups = deny\n"
                                          "host-after-clone idmap write gid_map = 0 1001 1\n");
    planned_free(&p);
}

static void more_than_himself_needs_the_programs(void **state)
{
    (void)state;
    struct planned p = plan(&user_host, USER MAPS(MAP(0, 1000, 1) "," MAP(1, 100000, 9), MAP(0, 1000, 1)));
    assert_int_equal(p.result, 0);
    assert_string_equal(buf_str(&p.text), "host-after-clone idmap run newuidmap = 0 1000 1, 1 100000 9\n"
                                          "host-after-clone idmap run newgidmap = 0 1000 1\n");
    char *const *argv = p.plan.first[LAYER_IDMAP][STEP_HOST_AFTER_CLONE]->args;
    assert_string_equal(argv[0], "newuidmap");
    assert_null(argv[1]); /* the pid */
    assert_string_equal(argv[5], "1");
    assert_string_equal(argv[6], "100000");
    assert_null(argv[8]);
    planned_free(&p);
}

static void a_joined_namespace_has_its_maps(void **state)
{
    (void)state;
    struct planned p = plan(&root_host, "'namespaces':[{'type':'user','path':'/u'}]");
    assert_int_equal(p.result, 0);
    assert_false(p.plan.parent_maps_ids);
    assert_string_equal(buf_str(&p.text), "");
    planned_free(&p);
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"'namespaces':[{'type':'user'}]", "linux.uidMappings: a new user namespace has no ids"},
        {USER "'uidMappings':[" MAP(0, 1, 1) "]", "linux.gidMappings: a new user namespace has no ids"},
        {MAPS(MAP(0, 1, 1), MAP(0, 1, 1)), "no user namespace"},
        {USER MAPS(MAP(0, 1, 0), MAP(0, 1, 1)), "linux.uidMappings[0].size"},
        {USER MAPS(MAP(0, 1, 1), MAP(0, 10, 5) "," MAP(4, 100, 1)), "linux.gidMappings[0] and [1]: their container"},
        {USER MAPS(MAP(0, 10, 5) "," MAP(50, 14, 1), MAP(0, 1, 1)), "linux.uidMappings[0] and [1]: their host"},
        {USER MAPS(MAP(0, 4294967295, 1), MAP(0, 1, 1)), "beyond the last id"},
        {USER MAPS(MAP(2, 1, 4294967295), MAP(0, 1, 1)), "beyond the last id"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct planned p = plan(&root_host, cases[i].json);
        if (p.result != -EINVAL || p.err.layer != LAYER_IDMAP || strstr(p.err.text, cases[i].text) == NULL)
            fail_msg("%s: %d %s", cases[i].json, p.result, p.err.text);
        planned_free(&p);
    }
}

static void the_kernels_limits_are_known(void **state)
{
    (void)state;
    struct oci_id_mapping lines[341];
    struct err err = ERR_INIT;
    for (uint32_t i = 0; i < ARRAY_LEN(lines); i++)
        lines[i] = (struct oci_id_mapping){.container_id = i, .host_id = i, .size = 1};
    oci_id_mappings maps = {.v = lines, .n = 340, .set = true};
    assert_int_equal(idmap_check(&maps, "m", &err), 0);
    maps.n = 341;
    assert_int_equal(idmap_check(&maps, "m", &err), -E2BIG);
    assert_non_null(strstr(err.text, "340"));
    /* One write of less than a page: long numbers fit fewer times. */
    for (uint32_t i = 0; i < ARRAY_LEN(lines); i++)
        lines[i] = (struct oci_id_mapping){.container_id = 4000000000 + i, .host_id = 4000000000 + i, .size = 1};
    maps.n = 340;
    assert_int_equal(idmap_check(&maps, "m", &err), -E2BIG);
    maps.n = 170; /* 170 lines of 24 bytes: 4080 */
    assert_int_equal(idmap_check(&maps, "m", &err), 0);
    struct arena a = ARENA_INIT;
    assert_int_equal(strlen(idmap_text(&a, &maps, "\n")), 170 * 24 - 1);
    maps.n = 171;
    assert_int_equal(idmap_check(&maps, "m", &err), -E2BIG);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_writes_the_maps_itself),
        cmocka_unit_test(a_user_maps_himself_and_gives_up_setgroups),
        cmocka_unit_test(more_than_himself_needs_the_programs),
        cmocka_unit_test(a_joined_namespace_has_its_maps),
        cmocka_unit_test(refusals_name_what_is_wrong),
        cmocka_unit_test(the_kernels_limits_are_known),
    };
    return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
