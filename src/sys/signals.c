/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

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
