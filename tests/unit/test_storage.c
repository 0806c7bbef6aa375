/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots in a temporary directory: what they make, hold and take away again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fd.h"
#include "image/tree.h"
#include "storage/storage.h"

struct fixture {
    char top[64], root[80];
    struct arena a;
    struct image_store *store;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    const char *tmp = getenv("TMPDIR");
    snprintf(f->top, sizeof f->top, "%.30s/coffer-storage-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(f->top) == NULL)
        return -1;
    snprintf(f->root, sizeof f->root, "%s/a/store/", f->top);
    *state = f;
    return image_store_open(f->root, &f->store, &f->err);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    image_store_close(&f->store);
    arena_free(&f->a);
    int r = image_tree_remove(AT_FDCWD, f->top);
    free(f);
    return r;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void the_store_is_for_its_owner_only(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->root, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void a_snapshot_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    struct snapshot s;
    struct stat st;
    mode_t mask = umask(0077);
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c1", NULL, &s, &f->err), 0);
    umask(mask);
    assert_int_equal(stat(s.upper, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_true(exists(s.work) && strncmp(s.work, s.dir, strlen(s.dir)) == 0);
    assert_int_equal(strncmp(s.upper, s.dir, strlen(s.dir)), 0);
    assert_null(strstr(s.dir, "//"));
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c1", NULL, &s, &f->err), -EEXIST);
    assert_true(exists(s.upper)); /* the refusal took nothing away */
    assert_int_equal(snapshot_remove(f->store, "c1", &f->err), 0);
    assert_false(exists(s.dir));
    assert_int_equal(snapshot_remove(f->store, "c1", &f->err), 0);
}

static void the_engines_records_stay(void **state)
{
    struct fixture *f = *state;
    struct snapshot s;
    char path[200];
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c2", NULL, &s, &f->err), 0);
    snprintf(path, sizeof path, "%.150s/record.json", s.dir);
    assert_int_equal(file_replace(AT_FDCWD, path, "{}", 2, 0600, 0), 0);
    assert_int_equal(snapshot_remove(f->store, "c2", &f->err), 0);
    assert_true(exists(path) && !exists(s.upper) && !exists(s.work));
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c2", NULL, &s, &f->err), 0);
}

static void a_failure_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct snapshot s = {.dir = NULL};
    const char *layers[] = {"/nonexistent/layer", NULL}, *chains[] = {"x", NULL};
    const struct image image = {.id = "sha256:x", .layers = layers, .chain_ids = chains, .n_layers = 1};
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c3", &image, &s, &f->err), -ENOENT);
    assert_null(s.dir);
    assert_non_null(strstr(f->err.text, "removed"));
    char path[128];
    snprintf(path, sizeof path, "%scontainers/c3", f->root);
    assert_false(exists(path));
}

static void ids_that_are_paths_are_refused(void **state)
{
    struct fixture *f = *state;
    struct snapshot s;
    static const char *const bad[] = {"", ".", "..", "a/b", "../x", "a b", "a\n", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(snapshot_prepare(&f->a, f->store, bad[i], NULL, &s, &f->err), -EINVAL);
        assert_int_equal(snapshot_remove(f->store, bad[i], &f->err), -EINVAL);
    }
}

/* What a container may have left: links to outside, directories without permissions, a depth beyond any path. */
static void removal_follows_nothing_and_goes_deep(void **state)
{
    struct fixture *f = *state;
    struct snapshot s;
    char outside[128];
    snprintf(outside, sizeof outside, "%s/outside", f->top);
    assert_int_equal(mkdir(outside, 0755), 0);
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c4", NULL, &s, &f->err), 0);
    CLEANUP_FD int fd = open(s.upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat(outside, fd, "link"), 0);
    assert_int_equal(mkdirat(fd, "shut", 0), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(mkdirat(fd, "d", 0755), 0);
        assert_int_equal(symlinkat(outside, fd, "l"), 0);
        int below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        close(fd);
        fd = below;
    }
    assert_int_equal(snapshot_remove(f->store, "c4", &f->err), 0);
    assert_false(exists(s.dir));
    assert_true(exists(outside));
}

static void an_empty_store_has_no_images(void **state)
{
    struct fixture *f = *state;
    struct image image, *list = NULL;
    size_t n = 1;
    assert_int_equal(image_list(&f->a, f->store, &list, &n, &f->err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(image_resolve(&f->a, f->store, "nginx", &image, &f->err), -ENOENT);
    assert_int_equal(f->err.layer, LAYER_IMAGE);
    assert_int_equal(image_resolve(&f->a, f->store, "a/../b", &image, &f->err), -EINVAL);
}

static void the_embedded_image_is_held_by_its_container(void **state)
{
    struct fixture *f = *state;
    struct image image;
    struct snapshot s;
    struct image_removed removed;
    assert_int_equal(image_resolve(&f->a, f->store, IMAGE_EMBEDDED_NAME, &image, &f->err), 0);
    assert_int_equal(image.n_layers, 1);
    assert_null(image.layers[1]);
    assert_string_equal(image.familiar, "cofferdam/hello:latest");
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c5", &image, &s, &f->err), 0);
    assert_int_equal(image_remove(&f->a, f->store, IMAGE_EMBEDDED_NAME, false, &removed, &f->err), -EBUSY);
    assert_non_null(strstr(f->err.text, "c5"));
    assert_int_equal(snapshot_remove(f->store, "c5", &f->err), 0);
    assert_int_equal(image_remove(&f->a, f->store, IMAGE_EMBEDDED_NAME, false, &removed, &f->err), 0);
    assert_string_equal(removed.deleted, image.id);
    assert_false(exists(image.layers[0]));
    assert_int_equal(snapshot_prepare(&f->a, f->store, "c6", &image, &s, &f->err), -ENOENT);
}

static void a_path_that_could_not_be_listed_is_refused(void **state)
{
    struct fixture *f = *state;
    struct image_store *s = NULL;
    assert_int_equal(image_store_open("/tmp/a:b", &s, &f->err), -EINVAL);
    assert_null(s);
}

static void the_default_root_follows_the_user(void **state)
{
    struct fixture *f = *state;
    const char *root = NULL;
    struct host host = {.euid = 0, .initial_userns = true};
    assert_int_equal(image_store_default_root(&f->a, &host, &root, &f->err), 0);
    assert_string_equal(root, "/var/lib/coffer");
    host.euid = 1000;
    setenv("HOME", "/home/u", 1);
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(image_store_default_root(&f->a, &host, &root, &f->err), 0);
    assert_string_equal(root, "/home/u/.local/share/coffer");
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_int_equal(image_store_default_root(&f->a, &host, &root, &f->err), 0);
    assert_string_equal(root, "/data/coffer");
    host = (struct host){.euid = 0, .initial_userns = false};
    assert_int_equal(image_store_default_root(&f->a, &host, &root, &f->err), 0);
    assert_string_equal(root, "/data/coffer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_store_is_for_its_owner_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_comes_and_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_engines_records_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_that_are_paths_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(removal_follows_nothing_and_goes_deep, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_store_has_no_images, setup, teardown),
        cmocka_unit_test_setup_teardown(the_embedded_image_is_held_by_its_container, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_that_could_not_be_listed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_default_root_follows_the_user, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
