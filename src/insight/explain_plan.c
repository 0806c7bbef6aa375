/* SPDX-License-Identifier: Apache-2.0 */
/* The plan itself, for who wants every operation and not what follows from them. */
#include <json-c/json.h>

#include "insight/explain.h"
#include "insight/facts.h"
#include "layers/layer.h"

int explain_plan(struct arena *a, const struct explain_input *input, struct plan *ret, struct err *err)
{
    struct plan plan;
    plan_init(&plan, a);
    plan_init(ret, a);
    int r = layers_plan(input->config, input->host, input->id, input->bundle, &plan, err);
    if (r < 0)
        return r;
    /* A document is anybody's: a line break in a path must not look like an operation of its own. */
    for (enum step step = 0; step < STEP_COUNT; step++)
        for (enum layer_id layer = 0; layer < LAYER_WALLS; layer++)
            plan_each(op, &plan, layer, step) {
                struct op clean = *op;
                clean.target = fact_clean(a, op->target);
                clean.value = fact_clean(a, op->value);
                plan_add(ret, &clean);
            }
    return a->failed ? err_set(err, -ENOMEM, LAYER_INSIGHT, "out of memory") : 0;
}

static void put_json(struct json_object **o)
{
    json_object_put(*o);
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, value != NULL ? json_object_new_string(value) : NULL);
}

void explain_plan_json(const struct plan *plan, struct buf *out)
{
    CLEANUP(put_json) struct json_object *all = json_object_new_array();
    for (enum step step = 0; step < STEP_COUNT; step++)
        for (enum layer_id layer = 0; layer < LAYER_WALLS; layer++)
            plan_each(op, plan, layer, step) {
                struct json_object *o = json_object_new_object();
                add_string(o, "step", step_name(step));
                add_string(o, "wall", layer_name(layer));
                add_string(o, "operation", op->name);
                add_string(o, "target", op->target);
                add_string(o, "value", op->value);
                json_object_array_add(all, o);
            }
    buf_puts(out, json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_putc(out, '\n');
}
