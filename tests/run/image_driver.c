/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image store's functions as a command, for tests that need them bare: with limits, without an engine around.
 *
 * image-driver ROOT load [max-bytes=N] [free-bytes=N] [max-ratio=N] [max-entries=N] < ARCHIVE
 * image-driver ROOT import NAME < ROOTFS.tar
 * image-driver ROOT resolve REFERENCE       name, id, digest, user, command, then one line a layer, topmost first
 * image-driver ROOT list | remove [--force] REFERENCE | embedded
 * image-driver ROOT prepare ID [REFERENCE] | drop ID
 * image-driver ROOT time REFERENCE COUNT    microseconds of one look-up, store opened anew each time
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "storage/storage.h"

static const char *text(const char *s)
{
    return s != NULL ? s : "-";
}

static void print_image(const struct image *image)
{
    printf("%s %s %s %llu\n", text(image->familiar), image->id, image->digest, (unsigned long long)image->size);
}

static int load(struct arena *a, struct image_store *s, int argc, char **argv, struct err *err)
{
    struct image_load_options options = {.progress = NULL};
    struct image_loaded loaded;
    const struct {
        const char *name;
        uint64_t *value;
    } limits[] = {{"max-bytes=", &options.limits.max_bytes},
                  {"free-bytes=", &options.limits.free_bytes},
                  {"max-ratio=", &options.limits.max_ratio},
                  {"max-entries=", &options.limits.max_entries}};
    bool import = str_eq(argv[0], "import");
    for (int i = 1 + import; i < argc; i++)
        for (size_t k = 0; k < ARRAY_LEN(limits); k++)
            if (str_starts(argv[i], limits[k].name))
                str_to_u64(argv[i] + strlen(limits[k].name), limits[k].value);
    int r = import ? image_import(a, s, STDIN_FILENO, str_eq(argv[1], "-") ? NULL : argv[1], NULL, &options, &loaded,
                                  err)
                   : image_load(a, s, STDIN_FILENO, &options, &loaded, err);
    for (size_t i = 0; r == 0 && i < loaded.n_images; i++)
        printf("%s %s\n", text(loaded.images[i].familiar), loaded.images[i].id);
    if (r == 0)
        printf("skipped devices %llu, owners lost %llu\n", (unsigned long long)loaded.skipped_devices,
               (unsigned long long)loaded.owners_lost);
    return r;
}

static int resolve(struct arena *a, struct image_store *s, const char *reference, struct err *err)
{
    struct image image;
    int r = image_resolve(a, s, reference, &image, err);
    if (r < 0)
        return r;
    print_image(&image);
    const struct oci_image_run *run = image.config->config;
    printf("user %s cmd", run != NULL ? text(run->user) : "-");
    for (size_t i = 0; run != NULL && i < run->cmd.n; i++)
        printf(" %s", run->cmd.v[i]);
    printf("\n");
    for (size_t i = 0; i < image.n_layers; i++)
        printf("%s\n", image.layers[i]);
    return 0;
}

static int list(struct arena *a, struct image_store *s, struct err *err)
{
    struct image *images = NULL;
    size_t n = 0;
    int r = image_list(a, s, &images, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        print_image(&images[i]);
    return r;
}

static int take_away(struct arena *a, struct image_store *s, int argc, char **argv, struct err *err)
{
    struct image_removed removed;
    int r = image_remove(a, s, argv[argc - 1], argc > 2, &removed, err);
    for (size_t i = 0; r == 0 && i < removed.n_untagged; i++)
        printf("untagged %s\n", removed.untagged[i]);
    if (r == 0 && removed.deleted != NULL)
        printf("deleted %s\n", removed.deleted);
    return r;
}

static int prepare(struct arena *a, struct image_store *s, int argc, char **argv, struct err *err)
{
    struct image image;
    struct snapshot snapshot;
    int r = argc > 2 ? image_resolve(a, s, argv[2], &image, err) : 0;
    if (r == 0)
        r = snapshot_prepare(a, s, argv[1], argc > 2 ? &image : NULL, &snapshot, err);
    if (r == 0)
        printf("%s\n%s\n%s\n", snapshot.dir, snapshot.upper, snapshot.work);
    return r;
}

static int measure(const char *root, int argc, char **argv, struct err *err)
{
    uint64_t count = 1;
    struct timespec start, end;
    if (argc > 2)
        str_to_u64(argv[2], &count);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint64_t i = 0; i < count; i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        CLEANUP_IMAGE_STORE struct image_store *s = NULL;
        struct image image;
        int r = image_store_open(root, &s, err);
        if (r == 0)
            r = image_resolve(&a, s, argv[1], &image, err);
        if (r < 0)
            return r;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.1f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / 1e3 /
                         (double)count);
    return 0;
}

static int run(int argc, char **argv, struct err *err)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_IMAGE_STORE struct image_store *s = NULL;
    const char *root = argv[1], *what = argv[2];
    const void *data = NULL;
    size_t len = 0;
    argc -= 2;
    argv += 2;
    int r = image_store_open(root, &s, err);
    if (r < 0)
        return r;
    if (str_eq(what, "load") || (str_eq(what, "import") && argc > 1))
        return load(&a, s, argc, argv, err);
    if (str_eq(what, "resolve") && argc > 1)
        return resolve(&a, s, argv[1], err);
    if (str_eq(what, "list"))
        return list(&a, s, err);
    if (str_eq(what, "remove") && argc > 1)
        return take_away(&a, s, argc, argv, err);
    if (str_eq(what, "prepare") && argc > 1)
        return prepare(&a, s, argc, argv, err);
    if (str_eq(what, "drop") && argc > 1)
        return snapshot_remove(s, argv[1], err);
    if (str_eq(what, "time") && argc > 1)
        return measure(root, argc, argv, err);
    if (str_eq(what, "embedded")) {
        image_embedded(&data, &len);
        return fd_write_all(STDOUT_FILENO, data, len);
    }
    return err_set(err, -EINVAL, LAYER_CLI, "unknown: %s", what);
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    if (argc < 3)
        return 2;
    log_debug_enabled = getenv("IMAGE_DRIVER_DEBUG") != NULL;
    if (run(argc, argv, &err) < 0) {
        err_print(stderr, "image-driver", &err);
        return 125;
    }
    return 0;
}
