/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/version.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS "0123456789"

/* A number without leading zeros; advances *s. */
static int number(const char **s, uint64_t *ret)
{
    size_t n = strspn(*s, DIGITS);
    if (n == 0 || n > 18 || (n > 1 && **s == '0'))
        return -EINVAL;
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint64_t)((*s)[i] - '0');
    *s += n;
    *ret = v;
    return 0;
}

/* Identifiers with dots between them, none empty; advances *s. Numeric ones have no leading zero where so asked. */
static bool identifiers(const char **s, bool numbers_plain)
{
    for (;;) {
        size_t n = strspn(*s, DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");
        if (n == 0 || (numbers_plain && n > 1 && **s == '0' && strspn(*s, DIGITS) == n))
            return false;
        *s += n;
        if (**s != '.')
            return true;
        ++*s;
    }
}

int oci_version_parse(const char *s, struct oci_version *ret)
{
    struct oci_version v = {0};
    if (number(&s, &v.major) < 0 || *s++ != '.' || number(&s, &v.minor) < 0 || *s++ != '.' ||
        number(&s, &v.patch) < 0)
        return -EINVAL;
    v.rest = s;
    if (*s == '-' && (s++, !identifiers(&s, true)))
        return -EINVAL;
    if (*s == '+' && (s++, !identifiers(&s, false)))
        return -EINVAL;
    if (*s != '\0')
        return -EINVAL;
    *ret = v;
    return 0;
}
