/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzzer's corpus as an ordinary test: every file named, or below a directory named, is one case, and a case passes
 * by not crashing. Prints TAP. An empty corpus is a failure: it would test nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)64 << 20)

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int replay(const char *path)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *data = NULL;
    size_t len = 0;
    int r = file_read(&a, AT_FDCWD, path, INPUT_MAX, &data, &len);
    if (r < 0)
        return r;
    uint8_t *exact = malloc(len > 0 ? len : 1); /* an allocation of its own, so that a read beyond its end is seen */
    if (exact == NULL)
        return -ENOMEM;
    memcpy(exact, data, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int number = 0, failed = 0;
    FTS *tree = argc > 1 ? fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, by_name) : NULL;
    for (FTSENT *entry = NULL; tree != NULL && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP)
            continue;
        int r = entry->fts_info == FTS_F ? replay(entry->fts_path) : -EINVAL;
        printf("%sok %d - %s%s%s\n", r < 0 ? "not " : "", ++number, entry->fts_path, r < 0 ? ": " : "",
               r < 0 ? strerror(-r) : "");
        fflush(stdout);
        failed += r < 0;
    }
    if (tree != NULL)
        fts_close(tree);
    printf("1..%d\n", number);
    if (number == 0)
        printf("Bail out! the corpus is empty\n");
    return failed > 0 || number == 0;
}
