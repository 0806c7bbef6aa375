/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/profile.h"

static struct profile *parse(struct arena *a, const char *text)
{
    struct profile *p = NULL;
    struct err err = ERR_INIT;
    int r = profile_parse(a, NULL, "test", text, &p, &err);
    if (r < 0)
        fail_msg("%s", err.text);
    return p;
}

static void refuse(const char *text, const char *words)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct profile *p = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(profile_parse(&a, NULL, "test", text, &p, &err), -EINVAL);
    assert_null(p);
    assert_int_equal(err.layer, LAYER_CONFIG);
    if (strstr(err.text, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, err.text);
}

static void test_scalars_and_their_lines(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct profile *p = parse(&a, "# first\n\n  no_new_privs = yes  \r\npids_limit=7");
    assert_true(profile_yes(&p->no_new_privs));
    assert_int_equal(p->no_new_privs.line, 3);
    assert_string_equal(p->no_new_privs.profile, "test");
    assert_string_equal(p->pids_limit.value, "7");
    assert_int_equal(p->pids_limit.line, 4);
    assert_null(p->seccomp.value);
}

static void test_lists(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct profile *p = parse(&a, "capabilities = chown CAP_KILL\ncapabilities += net_raw KILL\ncapabilities -= CHOWN\n"
                                  "mounts += /a tmpfs tmpfs\nmounts += /b proc proc ro,nosuid\n");
    assert_int_equal(p->capabilities.n, 2);
    assert_string_equal(p->capabilities.v[0].value, "CAP_KILL");
    assert_int_equal(p->capabilities.v[0].line, 1); /* named again later: the first line keeps it */
    assert_string_equal(p->capabilities.v[1].value, "CAP_NET_RAW");
    assert_int_equal(p->capabilities.v[1].line, 2);
    assert_int_equal(p->mounts.n, 2);
    assert_non_null(profile_find(&p->mounts, "/b proc proc ro,nosuid"));
    assert_null(profile_find(&p->mounts, "/c"));
}

static void test_lists_of_any_length(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char text[8192] = "";
    for (int i = 0; i < 100; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "masked_paths += /p%d\n", i);
    for (int i = 0; i < 100; i += 3)
        snprintf(text + strlen(text), sizeof text - strlen(text), "masked_paths -= /p%d\nmasked_paths += /q%d\n", i, i);
    struct profile *p = parse(&a, text);
    assert_int_equal(p->masked_paths.n, 100);
    assert_null(profile_find(&p->masked_paths, "/p99"));
    assert_non_null(profile_find(&p->masked_paths, "/p98"));
    assert_non_null(profile_find(&p->masked_paths, "/q99"));
}

static void test_set_replaces_and_none_empties(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct profile *p = parse(&a, "include = docker\ncapabilities = none\nmasked_paths = /x /y\n");
    assert_int_equal(p->capabilities.n, 0);
    assert_int_equal(p->masked_paths.n, 2);
    assert_int_equal(p->readonly_paths.n, 5);
    assert_string_equal(p->readonly_paths.v[0].profile, "docker");
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("nonsense", "test:1: expected key = value");
    refuse("= x", "expected key = value");
    refuse("seccomp", "expected key = value");
    refuse("\nsecomp = builtin", "test:2: unknown key secomp; did you mean seccomp");
    refuse("capabilities = FLY", "FLY");
    refuse("capabilities -= KILL", "nothing above");
    refuse("capabilities += none", "none");
    refuse("no_new_privs = perhaps", "yes or no");
    refuse("no_new_privs -= yes", "one value");
    refuse("seccomp = relative/path", "absolute path");
    refuse("pids_limit = 0", "unlimited");
    refuse("oom_score_adj = 1001", "1000");
    refuse("mounts = /a tmpfs", "DESTINATION");
    refuse("masked_paths += proc/kcore", "absolute");
    refuse("sysctls += =1", "NAME=VALUE");
    refuse("rlimits += nofiles=1", "nofile");
    refuse("devices += permit c 1:3 rwm", "allow or deny");
    refuse("locked = everything", "names of keys");
    refuse("include += docker", "include");
    refuse("user =", "no value");
}

static void test_include_that_does_not_end(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct profile *p = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(profile_parse(&a, NULL, "x", "include = /nosuch/file", &p, &err), -ENOENT);
    assert_non_null(strstr(err.text, "profile x:1: profile /nosuch/file"));
}

static void test_every_embedded_profile_reads(void **state)
{
    (void)state;
    for (const char *const *name = profile_embedded_names(); *name != NULL; name++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct profile *p = NULL;
        struct err err = ERR_INIT;
        if (profile_read(&a, NULL, *name, &p, &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(p->name, *name);
    }
    assert_null(profile_embedded("nosuch"));
}

/* What the three promise to each other. */
static void test_docker_default_restricted(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct profile *docker = NULL, *standard = NULL, *restricted = NULL;
    assert_int_equal(profile_read(&a, NULL, "docker", &docker, NULL), 0);
    assert_int_equal(profile_read(&a, NULL, "default", &standard, NULL), 0);
    assert_int_equal(profile_read(&a, NULL, "restricted", &restricted, NULL), 0);
    assert_int_equal(docker->capabilities.n, 14);
    assert_int_equal(standard->capabilities.n, 11);
    assert_null(profile_find(&standard->capabilities, "CAP_NET_RAW"));
    assert_int_equal(restricted->capabilities.n, 0);
    assert_int_equal(docker->mounts.n, 7);
    assert_int_equal(docker->masked_paths.n, 13);
    assert_false(profile_yes(&docker->no_new_privs));
    assert_true(profile_yes(&restricted->no_new_privs));
    assert_string_equal(restricted->user.value, "non-root");
    for (size_t i = 0; i < docker->masked_paths.n; i++) /* nobody shows what Docker hides */
        assert_non_null(profile_find(&restricted->masked_paths, docker->masked_paths.v[i].value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_and_their_lines),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lists_of_any_length),
        cmocka_unit_test(test_set_replaces_and_none_empties),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_include_that_does_not_end),
        cmocka_unit_test(test_every_embedded_profile_reads),
        cmocka_unit_test(test_docker_default_restricted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
