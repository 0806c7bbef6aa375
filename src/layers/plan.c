/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/plan.h"

#include <string.h>

void plan_init(struct plan *p, struct arena *a)
{
    memset(p, 0, sizeof *p);
    p->arena = a;
    p->n_slots = SLOT_FIRST_FREE;
    p->join_user = p->join_pid = -1;
}

struct op *plan_add(struct plan *p, const struct op *op)
{
    struct op *copy = arena_new(p->arena, struct op);
    if (copy == NULL)
        return NULL;
    *copy = *op;
    copy->next = NULL;
    struct op **last = &p->last[op->layer][op->step];
    if (*last != NULL)
        (*last)->next = copy;
    else
        p->first[op->layer][op->step] = copy;
    *last = copy;
    return copy;
}

int plan_slot(struct plan *p)
{
    return p->n_slots++;
}

void plan_print(const struct plan *p, struct buf *out)
{
    for (enum step step = 0; step < STEP_COUNT; step++)
        for (enum layer_id layer = 0; layer < LAYER_WALLS; layer++)
            plan_each(op, p, layer, step) {
                buf_printf(out, "%s %s %s", step_name(step), layer_name(layer), op->name);
                if (op->target != NULL)
                    buf_printf(out, " %s", op->target);
                if (op->value != NULL)
                    buf_printf(out, " = %s", op->value);
                buf_putc(out, '\n');
            }
}
