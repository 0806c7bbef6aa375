/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive_lib.h"

#include "image/library.h"

int image_archive_lib_load(struct archive_lib *lib, struct err *err)
{
    if (lib->handle != NULL)
        return 0;
    struct archive_lib l = {.handle = NULL};
    const struct library_symbol symbols[] = {
#define X(result, name, parameters) {"archive_" #name, (void **)&l.name},
        ARCHIVE_LIB_FUNCTIONS(X)
#undef X
    };
    int r = image_library_open("libarchive.so.13", "libarchive13", symbols, ARRAY_LEN(symbols), &l.handle, err);
    if (r < 0)
        return r;
    *lib = l;
    return 0;
}

void image_archive_lib_unload(struct archive_lib *lib)
{
    image_library_close(&lib->handle);
}
