/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/names.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"

const char *capability_canonical(const char *name)
{
    int number = capability_from_name(name);
    return number >= 0 ? capability_name((unsigned)number) : NULL;
}

static const char *const rlimits[] = {
    "RLIMIT_AS",    "RLIMIT_CORE",     "RLIMIT_CPU",    "RLIMIT_DATA",   "RLIMIT_FSIZE",  "RLIMIT_LOCKS",
    "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_NOFILE", "RLIMIT_NPROC",  "RLIMIT_RSS",
    "RLIMIT_RTPRIO", "RLIMIT_RTTIME",  "RLIMIT_SIGPENDING", "RLIMIT_STACK",
};

const char *rlimit_canonical(const char *name)
{
    if (strncasecmp(name, "RLIMIT_", 7) == 0)
        name += 7;
    for (size_t i = 0; i < ARRAY_LEN(rlimits); i++)
        if (strcasecmp(rlimits[i] + 7, name) == 0)
            return rlimits[i];
    return NULL;
}

/* "RTMIN+3", "RTMAX-1", with the leading SIG taken off. */
static int realtime_number(const char *name)
{
    bool low = strncasecmp(name, "RTMIN", 5) == 0;
    if (!low && strncasecmp(name, "RTMAX", 5) != 0)
        return -EINVAL;
    int base = low ? SIGRTMIN : SIGRTMAX;
    name += 5;
    if (*name == '\0')
        return base;
    uint64_t n = 0;
    if (*name != (low ? '+' : '-') || str_to_u64(name + 1, &n) < 0 || n > (uint64_t)(SIGRTMAX - SIGRTMIN))
        return -EINVAL;
    return low ? base + (int)n : base - (int)n;
}

int signal_number(const char *name)
{
    uint64_t n = 0;
    if (str_to_u64(name, &n) == 0)
        return n >= 1 && n <= (uint64_t)SIGRTMAX ? (int)n : -EINVAL;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (int i = 1; i < SIGRTMIN; i++) {
        const char *known = sigabbrev_np(i);
        if (known != NULL && strcasecmp(known, name) == 0)
            return i;
    }
    if (strcasecmp(name, "IOT") == 0)
        return SIGABRT;
    if (strcasecmp(name, "CLD") == 0)
        return SIGCHLD;
    return realtime_number(name);
}

/* Optimal string alignment distance, given up above max. Names are short: rows on the stack. */
static size_t distance(const char *a, const char *b, size_t max)
{
    enum { LONGEST = 40 };
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST || (n > m ? n - m : m - n) > max)
        return max + 1;
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *up = rows[(i - 1) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = up[j - 1] + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            best = MIN_OF(best, up[j] + 1);
            best = MIN_OF(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN_OF(best, up2[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *name_nearest(const char *word, const char *(*next)(const void *ctx, size_t i), const void *ctx)
{
    size_t length = strlen(word);
    size_t best = length <= 3 ? 1 : 2;
    const char *found = NULL, *candidate;
    for (size_t i = 0; (candidate = next(ctx, i)) != NULL; i++) {
        size_t d = distance(word, candidate, best);
        if (d <= best && (found == NULL || d < best)) {
            best = d;
            found = candidate;
        }
    }
    return found;
}
