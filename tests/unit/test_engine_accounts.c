/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/accounts.h"
#include "engine/layer_files.h"

static const char passwd[] = "# comment:x:1:1\nroot:x:0:0:root:/root:/bin/sh\n\nbad line\nshort:x\n"
                             "web:x:33:34:www:/var/www:/bin/false\nhuge:x:4294967296:1::/:\n77:x:5:6::/seven:/bin/sh\n"
                             "last:x:50:51::/last:/bin/sh";
static const char group[] = "root:x:0:\nwww:x:34:root,web\naudio:x:29:web,other\nwebx:x:99:webx\nvideo:x:44:a,web";

static struct account resolve(struct arena *a, const char *spec)
{
    struct account account;
    struct err err = ERR_INIT;
    if (account_resolve(a, spec, passwd, group, &account, "--user", &err) < 0)
        fail_msg("%s", err.text);
    return account;
}

static void test_by_name_and_number(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct account account = resolve(&a, "web");
    assert_int_equal(account.uid, 33);
    assert_int_equal(account.gid, 34);
    assert_string_equal(account.home, "/var/www");
    assert_int_equal(account.n_groups, 3);
    assert_int_equal(account.groups[0], 34);
    assert_int_equal(account.groups[1], 29);
    assert_int_equal(account.groups[2], 44);
    account = resolve(&a, "33");
    assert_string_equal(account.name, "web");
    account = resolve(&a, "");
    assert_int_equal(account.uid, 0);
    assert_string_equal(account.home, "/root");
    account = resolve(&a, "last");
    assert_int_equal(account.uid, 50);
}

static void test_name_that_is_a_number(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct account account = resolve(&a, "77"); /* the name comes first, as in Docker */
    assert_int_equal(account.uid, 5);
    account = resolve(&a, "4000:29");
    assert_int_equal(account.uid, 4000);
    assert_int_equal(account.gid, 29);
    assert_null(account.name);
    account = resolve(&a, "web:audio");
    assert_int_equal(account.gid, 29);
    assert_int_equal(account.n_groups, 0);
    account = resolve(&a, "web:");
    assert_int_equal(account.gid, 34);
}

static void test_unknown(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct account account;
    struct err err = ERR_INIT;
    static const char *const bad[] = {"nosuch", "web:nosuch", "-1", "4294967296", "huge", "bad line"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(account_resolve(&a, bad[i], passwd, group, &account, "--user", &err), -ENOENT);
    assert_int_equal(account_resolve(&a, "web", NULL, NULL, &account, "--user", &err), -ENOENT);
    assert_int_equal(account_resolve(&a, "5:6", NULL, NULL, &account, "--user", &err), 0);
    assert_int_equal(account.gid, 6);
}

/* ---- layers ---- */

struct tree {
    char top[64];
    char *layers[4];
};

static int make_tree(void **state)
{
    static struct tree t;
    strcpy(t.top, "/tmp/coffer-layers-XXXXXX");
    assert_non_null(mkdtemp(t.top));
    for (int i = 0; i < 3; i++) {
        assert_true(asprintf(&t.layers[i], "%s/%d", t.top, i) > 0);
        assert_int_equal(mkdir(t.layers[i], 0755), 0);
    }
    *state = &t;
    return 0;
}

static int remove_tree(void **state)
{
    struct tree *t = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", t->top);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < 3; i++)
        free(t->layers[i]);
    return 0;
}

static void put(struct tree *t, int layer, const char *path, const char *text)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s/%s", t->layers[layer], path);
    char *slash = strrchr(whole, '/');
    *slash = '\0';
    assert_int_equal(dir_make(AT_FDCWD, whole, 0755), 0);
    *slash = '/';
    assert_int_equal(file_replace(AT_FDCWD, whole, text, strlen(text), 0644, 0), 0);
}

static void put_link(struct tree *t, int layer, const char *path, const char *target)
{
    char whole[256];
    put(t, layer, path, "");
    snprintf(whole, sizeof whole, "%s/%s", t->layers[layer], path);
    assert_int_equal(unlink(whole), 0);
    assert_int_equal(symlink(target, whole), 0);
}

static void expect(struct tree *t, const char *path, const char *text)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *found = NULL;
    int r = layer_file_read(&a, (const char *const *)t->layers, 3, path, 100, &found);
    if (r < 0)
        fail_msg("%s: %s", path, strerror(-r));
    assert_string_equal(found, text);
}

static void expect_error(struct tree *t, const char *path, int code)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *found = NULL;
    assert_int_equal(layer_file_read(&a, (const char *const *)t->layers, 3, path, 100, &found), code);
}

static void test_top_layer_wins(void **state)
{
    struct tree *t = *state;
    put(t, 2, "etc/passwd", "bottom");
    put(t, 2, "etc/only", "only");
    put(t, 1, "etc/passwd", "middle");
    put(t, 0, "etc/other", "top");
    expect(t, "etc/passwd", "middle");
    expect(t, "/etc//only", "only");
    expect(t, "etc/./other", "top");
    expect_error(t, "etc/nosuch", -ENOENT);
    expect_error(t, "etc", -EINVAL);
    expect_error(t, "etc/only/x", -ENOTDIR);
}

static void test_links_stay_inside(void **state)
{
    struct tree *t = *state;
    put(t, 2, "usr/lib/passwd", "real");
    put_link(t, 1, "etc/passwd", "../usr/lib/passwd");
    put_link(t, 0, "usr/share", "lib");
    put_link(t, 0, "etc/absolute", "/usr/share/passwd");
    put_link(t, 0, "etc/outside", "../../../../../../../../etc/hostname");
    put_link(t, 0, "etc/self", "self");
    put_link(t, 0, "deep/link", "/usr/lib");
    expect(t, "etc/passwd", "real");
    expect(t, "etc/absolute", "real");
    expect(t, "usr/share/passwd", "real");
    expect_error(t, "etc/outside", -ENOENT); /* /etc/hostname of this image, not of the host */
    put(t, 0, "etc/hostname", "inside");
    expect(t, "etc/outside", "inside");
    expect_error(t, "etc/self", -ELOOP);
    /* ".." behind a link goes up from where the link leads. */
    expect(t, "deep/link/../lib/passwd", "real");
}

static void test_files_that_are_not_plain(void **state)
{
    struct tree *t = *state;
    char path[256];
    put(t, 2, "etc/passwd", "hidden");
    snprintf(path, sizeof path, "%s/etc", t->layers[0]);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/etc/passwd", t->layers[0]);
    assert_int_equal(mkfifo(path, 0644), 0); /* opened, it would wait for ever */
    expect_error(t, "etc/passwd", -EINVAL);
    char big[200];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    put(t, 1, "etc/big", big);
    expect_error(t, "etc/big", -EFBIG);
    if (geteuid() != 0)
        return;
    assert_int_equal(unlink(path), 0);
    if (mknod(path, S_IFCHR, makedev(0, 0)) == 0)
        expect_error(t, "etc/passwd", -ENOENT); /* a whiteout */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_name_and_number),
        cmocka_unit_test(test_name_that_is_a_number),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test_setup_teardown(test_top_layer_wins, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(test_links_stay_inside, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(test_files_that_are_not_plain, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
