/* SPDX-License-Identifier: Apache-2.0 */
/* A container's record as JSON. */
#ifndef COFFER_ENGINE_RECORD_H
#define COFFER_ENGINE_RECORD_H

#include "base/buf.h"
#include "engine/store.h"

#define RECORD_FILE "record.json"

void record_print(const struct container *c, struct buf *out);

/* Fill all but id, directory and what is found out. -EINVAL: this is not a record. */
int record_parse(struct arena *a, const char *json, struct container *ret);

/* Append s as a JSON string, in quotation marks. */
void json_string(struct buf *out, const char *s);

#endif
