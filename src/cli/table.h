/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: a head line, columns as wide as their widest cell. */
#ifndef COFFER_CLI_TABLE_H
#define COFFER_CLI_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

/* rows: n_rows * n_columns cells, row by row; the first row is the head. Control characters are shown as "?". */
void table_print(FILE *f, const char *const *cells, size_t n_rows, size_t n_columns);

/* "3 minutes", into the arena: how long ago that was. */
const char *table_span(struct arena *a, int64_t then, int64_t now);

#endif
