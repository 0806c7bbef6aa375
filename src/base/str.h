/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and numbers as people and the kernel write them. */
#ifndef COFFER_BASE_STR_H
#define COFFER_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool str_eq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}
bool str_starts(const char *s, const char *prefix);

/* The whole string as a decimal number (no blanks, no sign for the unsigned one): 0, -EINVAL or -ERANGE. */
int str_to_u64(const char *s, uint64_t *ret);
int str_to_i64(const char *s, int64_t *ret);

/*
 * A size as Docker's --memory takes it: a decimal number, a fraction allowed, and b, k, m, g, t, p (binary
 * multiples, either case, with an optional "b" or "ib"). "-1" is not one. 0, -EINVAL or -ERANGE.
 */
int str_to_size(const char *s, uint64_t *ret);

/* "1.5 GiB", "512 MiB", "17 B" into buf; returns buf. */
const char *str_from_size(uint64_t bytes, char *buf, size_t size);

#endif
