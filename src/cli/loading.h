/* SPDX-License-Identifier: Apache-2.0 */
/* What load and import have in common: progress on a terminal, and the report at the end. */
#ifndef COFFER_CLI_LOADING_H
#define COFFER_CLI_LOADING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/store.h"

struct loading {
    struct image_load_options options;
    bool shown;
    int64_t last; /* milliseconds: when it was shown */
};

void loading_begin(struct loading *l, bool quiet);
void loading_end(struct loading *l);

/* One line an image, warnings on standard error; looks the images through for 32-bit programs. Returns 0. */
int loading_report(struct arena *a, struct store *s, const struct image_loaded *loaded, const char *what);

#endif
