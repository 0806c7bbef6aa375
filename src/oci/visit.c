/* SPDX-License-Identifier: Apache-2.0 */
/* The walker that lists: every member that the tables name, with its path. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/table.h"

struct visit {
    oci_visitor *visit;
    void *arg;
    char path[512]; /* the longest of today's is 60 bytes */
};

static int walk(struct visit *v, size_t len, const struct oci_object *table)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct oci_field *f = &table->fields[i];
        const char *tail = f->kind == OCI_KIND_OBJECTS ? "[]" : f->kind == OCI_KIND_NAMED_OBJECTS ? ".*" : "";
        size_t room = sizeof v->path - len;
        int n = snprintf(v->path + len, room, "%s%s", len > 0 ? "." : "", f->name);
        if (n < 0 || (size_t)n + strlen(tail) >= room)
            return -ENAMETOOLONG;
        int r = v->visit(v->path, f, v->arg);
        if (r != 0)
            return r;
        if (f->sub == NULL)
            continue;
        memcpy(v->path + len + n, tail, strlen(tail) + 1);
        r = walk(v, len + (size_t)n + strlen(tail), f->sub);
        if (r != 0)
            return r;
    }
    return 0;
}

int oci_visit(const struct oci_document *document, oci_visitor *visit, void *arg)
{
    struct visit v = {.visit = visit, .arg = arg};
    return walk(&v, 0, document->object);
}
