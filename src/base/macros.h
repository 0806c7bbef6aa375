/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and small macros that every file may use. Depends on nothing. */
#ifndef COFFER_BASE_MACROS_H
#define COFFER_BASE_MACROS_H

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define UNUSED __attribute__((unused))

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* Take ownership out of a variable that has a cleanup attribute. */
#define TAKE_FD(fd) \
    ({                        \
        int take_ = (fd);     \
        (fd) = -EBADF;        \
        take_;                \
    })
#define TAKE_PTR(p) \
    ({                             \
        __typeof__(p) take_ = (p); \
        (p) = NULL;                \
        take_;                     \
    })

#endif
