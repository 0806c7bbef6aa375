/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an archive: loaded as an image and imported as a root file system. Beside the store lies a file that
 * must stay what it is, whatever the archive says; and after a refusal nothing of the archive may be left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/image.h"
#include "image/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                                      \
    do {                                                                   \
        if (!(what)) {                                                     \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);     \
            abort();                                                       \
        }                                                                  \
    } while (0)

static const char victim[] = "unharmed";

static size_t count_entries(int dirfd, const char *path)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    size_t n = 0;
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n - 2;
}

static void check_outside(int top)
{
    char text[sizeof victim + 1] = "";
    struct stat st;
    REQUIRE(count_entries(top, ".") == 2); /* the store and the victim's directory */
    REQUIRE(count_entries(top, "outside") == 1);
    REQUIRE(fstatat(top, "outside/victim", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
    REQUIRE((st.st_mode & 07777) == 0640 && st.st_nlink == 1);
    REQUIRE(file_read_into(top, "outside/victim", text, sizeof text) == (ssize_t)strlen(victim));
    REQUIRE(strcmp(text, victim) == 0);
}

static void take(const char *root, int top, const uint8_t *data, size_t size, bool import)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_IMAGE_STORE struct image_store *store = NULL;
    CLEANUP_FD int fd = memfd_create("archive", MFD_CLOEXEC);
    const struct image_load_options options = {
        .limits = {.max_bytes = 4 << 20, .free_bytes = 1 << 20, .max_ratio = 100, .max_entries = 2000}};
    struct image_loaded loaded;
    struct err err = ERR_INIT;
    REQUIRE(fd >= 0 && fd_write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    REQUIRE(image_store_open(root, &store, &err) == 0);
    int r = import ? image_import(&a, store, fd, "fuzz", NULL, &options, &loaded, &err)
                   : image_load(&a, store, fd, &options, &loaded, &err);
    check_outside(top);
    REQUIRE(count_entries(top, "store/tmp") == 0);
    if (r < 0) {
        REQUIRE(err.code == r && err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
        REQUIRE(count_entries(top, "store/layers") == 0 && count_entries(top, "store/images/blobs/sha256") == 0);
        return;
    }
    for (size_t i = 0; i < loaded.n_images; i++) {
        struct image_removed removed;
        REQUIRE(image_remove(&a, store, loaded.images[i].id, true, &removed, &err) == 0 || err.code == -ENOENT);
    }
    REQUIRE(count_entries(top, "store/layers") == 0 && count_entries(top, "store/images/blobs/sha256") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* In memory: a load syncs its file system. */
    char path[] = "/dev/shm/coffer-fuzz-XXXXXX", root[sizeof path + 8];
    REQUIRE(mkdtemp(path) != NULL);
    snprintf(root, sizeof root, "%s/store", path);
    CLEANUP_FD int top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(top >= 0 && mkdirat(top, "outside", 0755) == 0);
    REQUIRE(file_replace(top, "outside/victim", victim, strlen(victim), 0640, 0) == 0);
    REQUIRE(fchmodat(top, "outside/victim", 0640, 0) == 0);
    take(root, top, data, size, false);
    take(root, top, data, size, true);
    REQUIRE(image_tree_remove(AT_FDCWD, path) == 0);
    return 0;
}
