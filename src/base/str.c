/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

int str_to_u64(const char *s, uint64_t *ret)
{
    if (*s < '0' || *s > '9')
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (*end != '\0')
        return -EINVAL;
    if (errno == ERANGE)
        return -ERANGE;
    *ret = v;
    return 0;
}

int str_to_i64(const char *s, int64_t *ret)
{
    const char *digits = *s == '-' ? s + 1 : s;
    if (*digits < '0' || *digits > '9')
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (*end != '\0')
        return -EINVAL;
    if (errno == ERANGE)
        return -ERANGE;
    *ret = v;
    return 0;
}

int str_to_size(const char *s, uint64_t *ret)
{
    if (*s < '0' || *s > '9')
        return -EINVAL;
    uint64_t whole = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(whole, 10U, &whole) || __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
            return -ERANGE;
    /* Up to nine digits of a fraction, as a number of 1e-9. */
    uint64_t nano = 0, place = 100000000;
    if (*p == '.') {
        p++;
        if (*p < '0' || *p > '9')
            return -EINVAL;
        for (; *p >= '0' && *p <= '9'; p++, place /= 10)
            nano += place * (uint64_t)(*p - '0');
    }
    if (*p == ' ')
        p++;
    static const char units[] = "bkmgtp";
    unsigned shift = 0;
    if (*p != '\0') {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        const char *unit = strchr(units, c);
        if (unit == NULL)
            return -EINVAL;
        shift = 10U * (unsigned)(unit - units);
        p++;
        if (shift > 0 && (*p == 'i' || *p == 'I'))
            p++;
        if (shift > 0 && (*p == 'b' || *p == 'B'))
            p++;
        if (*p != '\0')
            return -EINVAL;
    }
    if (whole > UINT64_MAX >> shift)
        return -ERANGE;
    uint64_t part = (uint64_t)(((unsigned __int128)nano << shift) / 1000000000U);
    if (__builtin_add_overflow(whole << shift, part, ret))
        return -ERANGE;
    return 0;
}

const char *str_from_size(uint64_t bytes, char *buf, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double v = (double)bytes;
    while (v >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        v /= 1024;
        unit++;
    }
    if (v == (double)(uint64_t)v)
        snprintf(buf, size, "%llu %s", (unsigned long long)v, units[unit]);
    else
        snprintf(buf, size, "%.1f %s", v, units[unit]);
    return buf;
}

const char *str_from_time(int64_t seconds, long nanoseconds, char *buf, size_t size)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    /* Days since 0000-03-01, in 400-year eras of 146097 days; a year that begins in March has its leap day last. */
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
    snprintf(buf, size, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld.%09ldZ",
             (long long)(year_of_era + era * 400 + (month <= 2)), (long long)month,
             (long long)(day_of_year - (153 * shifted + 2) / 5 + 1), (long long)(rest / 3600),
             (long long)(rest / 60 % 60), (long long)(rest % 60), nanoseconds);
    return buf;
}
