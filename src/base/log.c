/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

bool log_debug_enabled;

void log_debug_write(enum layer_id layer, const char *fmt, ...)
{
    char line[1024];
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(line, sizeof line, "debug %lld.%06ld %s: ", (long long)now.tv_sec, now.tv_nsec / 1000,
                     layer_name(layer));
    va_list ap;
    va_start(ap, fmt);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    va_end(ap);
    if (m < 0)
        return;
    size_t len = MIN_OF((size_t)(n + m), sizeof line - 2);
    line[len++] = '\n';
    /* One write(2): safe in the child, and lines of two processes do not mix. A lost debug line is no error. */
    ssize_t w UNUSED = write(STDERR_FILENO, line, len);
}
