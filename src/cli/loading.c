/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/loading.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/programs32.h"

static void show(void *ctx, uint64_t bytes)
{
    struct loading *l = ctx;
    struct timespec now = {0};
    char size[32];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (ms - l->last < 100)
        return;
    l->last = ms;
    l->shown = true;
    fprintf(stderr, "\rread %s\033[K", str_from_size(bytes, size, sizeof size));
    (void)fflush(stderr);
}

void loading_begin(struct loading *l, bool quiet)
{
    *l = (struct loading){.shown = false};
    l->options.ctx = l;
    if (!quiet && isatty(STDERR_FILENO))
        l->options.progress = show;
}

void loading_end(struct loading *l)
{
    if (l->shown)
        fputs("\r\033[K", stderr);
}

int loading_report(struct arena *a, struct store *s, const struct image_loaded *loaded, const char *what)
{
    for (size_t i = 0; i < loaded->n_images; i++) {
        const char *name = loaded->images[i].familiar;
        struct image image;
        printf("%s%s: %s\n", what, name != NULL ? "" : " ID", name != NULL ? name : loaded->images[i].id);
        if (image_resolve(a, s->images, loaded->images[i].id, &image, NULL) == 0)
            (void)programs32_in_image(a, &image);
    }
    if (loaded->skipped_devices > 0)
        fprintf(stderr, "coffer: image: %llu device nodes left out: only root of the host may make them\n",
                (unsigned long long)loaded->skipped_devices);
    if (loaded->owners_lost > 0)
        fprintf(stderr, "coffer: image: %llu files belong to you instead of their owners in the archive\n",
                (unsigned long long)loaded->owners_lost);
    return 0;
}
