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
#include "cli/options.h"
#include "cli/run_options.h"

static struct run_options options;
static const char *const *words;
static size_t n_words;
static struct err error;

/* Words by blanks. The return value of options_parse(). */
static int parse(struct arena *a, const char *line, bool stop)
{
    static char text[512];
    static char *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    options = (struct run_options){0};
    error = (struct err)ERR_INIT;
    struct options_parse p = {.arena = a, .table = run_options_table, .into = &options, .stop_at_word = stop};
    int r = options_parse(&p, argc, argv, &error);
    words = p.words;
    n_words = p.n_words;
    return p.help ? 1 : r;
}

static void test_forms(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    static const char *const lines[] = {"--memory 512m -it", "--memory=512m -i -t", "-m512m -ti", "-m 512m --tty -i",
                                        "-itm=512m", "-itm 512m", "--interactive=true --tty=1 -m512m"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(parse(&a, lines[i], true), 0);
        assert_string_equal(options.memory, "512m");
        assert_true(options.interactive && options.tty);
        assert_int_equal(n_words, 0);
    }
}

static void test_lists_and_the_last_of_others(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    assert_int_equal(parse(&a, "-e A=1 --env=B=2 -eC -u 1 -u 2 --rm --rm=false", true), 0);
    assert_int_equal(options.env.n, 3);
    assert_string_equal(options.env.v[1], "B=2");
    assert_string_equal(options.env.v[2], "C");
    assert_string_equal(options.user, "2");
    assert_false(options.rm);
}

static void test_where_options_end(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    assert_int_equal(parse(&a, "--rm image -it --memory", true), 0);
    assert_int_equal(n_words, 3);
    assert_string_equal(words[1], "-it");
    assert_false(options.tty);
    assert_int_equal(parse(&a, "one --rm two", false), 0);
    assert_int_equal(n_words, 2);
    assert_true(options.rm);
    assert_int_equal(parse(&a, "--rm -- --tty -", false), 0);
    assert_int_equal(n_words, 2);
    assert_string_equal(words[1], "-");
    assert_int_equal(parse(&a, "--rm --help --nosuch", false), 1);
}

static void test_values_that_look_like_options(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    assert_int_equal(parse(&a, "--entrypoint= -w -x image", true), 0);
    assert_string_equal(options.entrypoint, "");
    assert_string_equal(options.workdir, "-x");
    assert_int_equal(parse(&a, "--memory-swap -1 image", true), 0);
    assert_string_equal(options.memory_swap, "-1");
}

static void test_errors(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    static const struct {
        const char *line, *words;
        int code;
        enum layer_id layer;
    } cases[] = {
        {"--nosuchthing", "unknown option --nosuchthing", -EINVAL, LAYER_CLI},
        {"--memroy 1", "did you mean --memory", -EINVAL, LAYER_CLI},
        {"-iZ", "unknown option -Z", -EINVAL, LAYER_CLI},
        {"--memory", "BYTES is missing", -EINVAL, LAYER_CGROUP},
        {"-m", "BYTES is missing", -EINVAL, LAYER_CGROUP},
        {"--tty=maybe", "true or false", -EINVAL, LAYER_ENGINE},
        {"-itd", "--detach", -ENOTSUP, LAYER_ENGINE},
        {"-p 80:80", "--publish", -ENOTSUP, LAYER_NETWORK},
        {"--restart always", "--restart always", -ENOTSUP, LAYER_ENGINE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(parse(&a, cases[i].line, true), cases[i].code);
        assert_int_equal(error.layer, cases[i].layer);
        if (strstr(error.text, cases[i].words) == NULL)
            fail_msg("no \"%s\" in: %s", cases[i].words, error.text);
    }
}

/* A table that says two things of one name, or shows nothing of an option that works, is a defect. */
static void test_the_table(void **state)
{
    (void)state;
    for (const struct option *o = run_options_table; o->name != NULL; o++) {
        for (const struct option *p = o + 1; p->name != NULL; p++) {
            if (str_eq(o->name, p->name))
                fail_msg("--%s is there twice", o->name);
            if (o->letter != 0 && o->letter == p->letter)
                fail_msg("-%c is --%s and --%s", o->letter, o->name, p->name);
        }
        assert_true(o->kind != OPTION_BOOL || o->argument == NULL);
        assert_true((o->kind != OPTION_STRING && o->kind != OPTION_LIST) || o->argument != NULL);
        assert_true(o->kind != OPTION_CHOICE || o->only != NULL);
        assert_true(o->kind != OPTION_REFUSED || o->help != NULL);
        if (o->kind == OPTION_BOOL || o->kind == OPTION_STRING || o->kind == OPTION_LIST)
            assert_true(o->offset < sizeof(struct run_options));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_lists_and_the_last_of_others),
        cmocka_unit_test(test_where_options_end),
        cmocka_unit_test(test_values_that_look_like_options),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
