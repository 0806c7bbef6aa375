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

/*
 * Seconds and nanoseconds since 1970 as RFC 3339 in UTC, "2026-01-31T12:00:00.000000001Z"; returns buf, which needs 36
 * bytes. Unlike gmtime_r(3) and strftime(3) it does not read the time zone's file, which UTC has no need of.
 */
const char *str_from_time(int64_t seconds, long nanoseconds, char *buf, size_t size);

/* "1.5 GiB", "512 MiB", "17 B" into buf; returns buf. */
const char *str_from_size(uint64_t bytes, char *buf, size_t size);

#endif
