/* SPDX-License-Identifier: Apache-2.0 */
#include "image/library.h"

#include <dlfcn.h>
#include <errno.h>

int image_library_open(const char *soname, const char *package, const struct library_symbol *symbols, size_t n,
                       void **ret, struct err *err)
{
    void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return err_set(err, -ELIBACC, LAYER_IMAGE, "%s cannot be loaded (%s): install Debian's package %s", soname,
                       dlerror(), package);
    for (size_t i = 0; i < n; i++) {
        *symbols[i].to = dlsym(handle, symbols[i].name);
        if (*symbols[i].to == NULL) {
            dlclose(handle);
            return err_set(err, -ELIBBAD, LAYER_IMAGE, "%s has no function %s: install a newer package %s", soname,
                           symbols[i].name, package);
        }
    }
    *ret = handle;
    return 0;
}

void image_library_close(void **handle)
{
    if (*handle != NULL)
        dlclose(*handle);
    *handle = NULL;
}
