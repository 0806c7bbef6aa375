/* SPDX-License-Identifier: Apache-2.0 */
/* The namespaces wall's plan: what becomes clone flags, what is joined, what is refused. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "layers/layer.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct host host = {.kernel_major = 6, .kernel_minor = 1};

struct planned {
    struct arena arena;
    struct plan plan;
    struct err err;
    int result;
    struct buf text;
};

static struct planned plan(const char *rest)
{
    struct planned p = {.arena = ARENA_INIT, .err = ERR_INIT, .text = BUF_INIT};
    char *json = arena_printf(&p.arena, "{\"ociVersion\":\"1.3.0\",%s}", rest);
    struct oci_config *config = NULL;
    assert_int_equal(oci_config_parse(&p.arena, json, strlen(json), &config, &p.err), 0);
    plan_init(&p.plan, &p.arena);
    p.result = namespaces_layer.plan(config, &host, "id", "/bundle", &p.plan, &p.err);
    plan_print(&p.plan, &p.text);
    return p;
}

static void done(struct planned *p)
{
    buf_free(&p->text);
    arena_free(&p->arena);
}

static void new_ones_become_one_clone(void **state)
{
    (void)state;
    struct planned p = plan("\"hostname\":\"h\",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"},"
                            "{\"type\":\"uts\"},{\"type\":\"cgroup\"},{\"type\":\"time\"},{\"type\":\"user\"}]}");
    assert_int_equal(p.result, 0);
    /* The cgroup namespace is not among them: it is unshared once the child sits in its group. */
    assert_int_equal(p.plan.clone_flags, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWTIME | CLONE_NEWUSER);
    assert_string_equal(buf_str(&p.text), "host-before-clone namespaces new user\n"
                                          "host-before-clone namespaces new pid\n"
                                          "host-before-clone namespaces new uts\n"
                                          "host-before-clone namespaces new cgroup\n"
                                          "host-before-clone namespaces new mount\n"
                                          "child-early namespaces sethostname uts = h\n");
    done(&p);
}

static void joined_ones_are_opened_and_entered(void **state)
{
    (void)state;
    struct planned p = plan("\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/p\"},"
                            "{\"type\":\"user\",\"path\":\"/u\"},{\"type\":\"network\",\"path\":\"/n\"}]}");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.plan.clone_flags, CLONE_NEWNS);
    assert_true(p.plan.join_user >= 0 && p.plan.join_pid >= 0 && p.plan.join_user != p.plan.join_pid);
    assert_string_equal(buf_str(&p.text), "host-before-clone namespaces open user = /u\n"
                                          "host-before-clone namespaces open pid = /p\n"
                                          "host-before-clone namespaces open network = /n\n"
                                          "host-before-clone namespaces new mount\n"
                                          "child-early namespaces join network = /n\n");
    done(&p);
}

static void offsets_need_a_namespace_made_by_the_child(void **state)
{
    (void)state;
    struct planned p = plan("\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"time\"}],"
                            "\"timeOffsets\":{\"boottime\":{\"secs\":-5,\"nanosecs\":7}}}");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.plan.clone_flags & CLONE_NEWTIME, 0);
    assert_non_null(strstr(buf_str(&p.text), "child-early namespaces offsets time = boottime -5 7\n"));
    done(&p);
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"pid\"}]}", "given twice"},
        {"\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}", "no mount namespace"},
        {"\"hostname\":\"x\",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}", "rename the host"},
        {"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"timeOffsets\":{\"monotonic\":{\"secs\":1}}}",
         "only a new time namespace"},
        {"\"hostname\":\"\"", "the section is missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct planned p = plan(cases[i].json);
        assert_int_equal(p.result, -EINVAL);
        assert_int_equal(p.err.layer, LAYER_NAMESPACES);
        if (strstr(p.err.text, cases[i].text) == NULL)
            fail_msg("%s: %s", cases[i].json, p.err.text);
        done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ones_become_one_clone),
        cmocka_unit_test(joined_ones_are_opened_and_entered),
        cmocka_unit_test(offsets_need_a_namespace_made_by_the_child),
        cmocka_unit_test(refusals_name_what_is_wrong),
    };
    return cmocka_run_group_tests_name("namespaces", tests, NULL, NULL);
}
