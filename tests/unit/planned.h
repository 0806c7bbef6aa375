/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of one wall's plan: a document in, the golden text or the refusal out. */
#ifndef COFFER_TESTS_PLANNED_H
#define COFFER_TESTS_PLANNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "layers/layer.h"

struct planned {
    struct arena arena;
    struct oci_config *config;
    struct plan plan;
    struct err err;
    int result;
    struct buf text; /* plan_print() */
};

static void planned_free(struct planned *p)
{
    buf_free(&p->text);
    arena_free(&p->arena);
}
#define PLANNED CLEANUP(planned_free) struct planned

/*
 * rest: the document's members after ociVersion, with ' for ". before: a wall that plans first, because this one looks at
 * what it planned; or NULL.
 */
static struct planned plan_wall_after(const struct layer *before, const struct layer *wall, const struct host *host,
                                      const char *rest)
{
    struct planned p = {.arena = ARENA_INIT, .err = ERR_INIT, .text = BUF_INIT};
    char *json = arena_printf(&p.arena, "{'ociVersion':'1.3.0',%s}", rest);
    assert_non_null(json);
    for (char *c = json; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    if (oci_config_parse(&p.arena, json, strlen(json), &p.config, &p.err) < 0)
        fail_msg("%s: %s", json, p.err.text);
    plan_init(&p.plan, &p.arena);
    if (before != NULL && before->plan(p.config, host, "id", "/bundle", &p.plan, &p.err) < 0)
        fail_msg("%s: refused: %s", rest, p.err.text);
    p.result = wall->plan(p.config, host, "id", "/bundle", &p.plan, &p.err);
    plan_print(&p.plan, &p.text);
    return p;
}

static UNUSED struct planned plan_wall(const struct layer *wall, const struct host *host, const char *rest)
{
    return plan_wall_after(NULL, wall, host, rest);
}

static UNUSED void expect_plan(const struct layer *wall, const struct host *host, const char *rest, const char *text)
{
    PLANNED p = plan_wall(wall, host, rest);
    if (p.result != 0)
        fail_msg("%s: refused: %s", rest, p.err.text);
    assert_string_equal(buf_str(&p.text), text);
}

static UNUSED void expect_refusal(const struct layer *wall, const struct host *host, const char *rest, int code,
                                  const char *text)
{
    PLANNED p = plan_wall(wall, host, rest);
    assert_string_equal(p.err.text, text);
    assert_int_equal(p.result, code);
    assert_int_equal(p.err.code, code);
    assert_int_equal(p.err.layer, wall->id);
}

#endif
