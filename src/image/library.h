/* SPDX-License-Identifier: Apache-2.0 */
/* A shared library that is loaded when it is first needed, with the functions that are wanted of it. */
#ifndef COFFER_IMAGE_LIBRARY_H
#define COFFER_IMAGE_LIBRARY_H

#include <stddef.h>

#include "base/err.h"

struct library_symbol {
    const char *name;
    void **to;
};

/* package: the Debian package that holds it, named where it is missing. -ELIBACC: not there; -ELIBBAD: too old. */
int image_library_open(const char *soname, const char *package, const struct library_symbol *symbols, size_t n,
                       void **ret, struct err *err);
void image_library_close(void **handle);

#endif
