/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an image's name: what is accepted is completed once, and its short form means the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
    if (!what)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct image_reference ref, again;
    struct err err = ERR_INIT;
    const char *text = arena_strndup(&a, (const char *)data, size);
    if (size > 4096 || image_reference_parse(&a, text, &ref, &err) < 0) {
        require(size > 4096 || (err.code == -22 && err.text[0] != '\0'));
        return 0;
    }
    const char *full = image_reference_full(&a, &ref), *familiar = image_reference_familiar(&a, &ref);
    require(full != NULL && familiar != NULL && strpbrk(full, " \n\t\"'\\") == NULL);
    require(image_reference_parse(&a, full, &again, NULL) == 0 && str_eq(image_reference_full(&a, &again), full));
    require(image_reference_parse(&a, familiar, &again, NULL) == 0 && str_eq(image_reference_full(&a, &again), full));
    return 0;
}
