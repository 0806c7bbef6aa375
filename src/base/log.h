/* SPDX-License-Identifier: Apache-2.0 */
/* Debug lines on stderr, off by default. Library code never says more than debug; errors travel in struct err. */
#ifndef COFFER_BASE_LOG_H
#define COFFER_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

extern bool log_debug_enabled; /* the only global state of the libraries */

void log_debug_write(enum layer_id layer, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(layer, ...)                         \
    do {                                              \
        if (__builtin_expect(log_debug_enabled, 0))   \
            log_debug_write((layer), __VA_ARGS__);    \
    } while (0)

#endif
