/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/names.h"

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

bool is_host_name(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= '0' && name[i] <= '9') || ((name[i] | 32) >= 'a' && (name[i] | 32) <= 'z') || name[i] == '.' ||
              name[i] == '-'))
            return false;
    return n > 0 && n <= 64;
}
