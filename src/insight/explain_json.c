/* SPDX-License-Identifier: Apache-2.0 */
/* The form for programs; docs/explain.md documents it. */
#include <json-c/json.h>
#include <stdio.h>

#include "insight/explain.h"

static void put_json(struct json_object **o)
{
    json_object_put(*o);
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, value != NULL ? json_object_new_string(value) : NULL);
}

static struct json_object *fact_object(const struct fact *f)
{
    struct json_object *o = json_object_new_object();
    add_string(o, "subject", f->subject);
    add_string(o, "state", fact_state_name(f->state));
    add_string(o, "detail", f->detail);
    add_string(o, "meaning", f->meaning);
    add_string(o, "source", f->source);
    add_string(o, "wanted", f->wanted);
    json_object_object_add(o, "verified", json_object_new_boolean(f->verified));
    return o;
}

static struct json_object *wall_object(const struct wall_facts *wall, enum layer_id layer)
{
    struct json_object *o = json_object_new_object(), *facts = json_object_new_array();
    add_string(o, "name", layer_name(layer));
    add_string(o, "state", fact_state_name(wall->state));
    add_string(o, "refusal", wall->refusal);
    for (const struct fact *f = wall->first; f != NULL; f = f->next)
        json_object_array_add(facts, fact_object(f));
    json_object_object_add(o, "facts", facts);
    return o;
}

void explain_json(const struct explanation *e, struct buf *out)
{
    static const char *const views[] = {
        [EXPLAIN_PLAN] = "plan", [EXPLAIN_OBSERVED] = "observed", [EXPLAIN_BOTH] = "both"};
    char kernel[32];
    snprintf(kernel, sizeof kernel, "%u.%u", e->kernel_major, e->kernel_minor);
    CLEANUP(put_json) struct json_object *o = json_object_new_object();
    struct json_object *walls = json_object_new_array();
    add_string(o, "subject", e->subject);
    add_string(o, "program", e->program);
    json_object_object_add(o, "pid", e->pid > 0 ? json_object_new_int(e->pid) : NULL);
    add_string(o, "view", views[e->view]);
    add_string(o, "kernel", kernel);
    add_string(o, "refusal", e->refusal);
    json_object_object_add(o, "differences", json_object_new_int64((int64_t)e->differences));
    for (enum layer_id l = 0; l < LAYER_WALLS; l++)
        json_object_array_add(walls, wall_object(&e->walls[l], l));
    json_object_object_add(o, "walls", walls);
    buf_puts(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_putc(out, '\n');
}
