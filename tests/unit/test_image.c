/* SPDX-License-Identifier: Apache-2.0 */
/* Names, digests, the index and names in archives: what of images needs no file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "image/crypto_lib.h"
#include "image/digest.h"
#include "image/embedded.h"
#include "image/index.h"
#include "image/inflate.h"
#include "image/place.h"
#include "image/reference.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void names_are_completed_as_docker_does(void **state)
{
    (void)state;
    static const struct {
        const char *text, *full, *familiar;
    } cases[] = {
        {"nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        {"nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"},
        {"library/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        {"grafana/loki:3", "docker.io/grafana/loki:3", "grafana/loki:3"},
        {"docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        {"index.docker.io/library/nginx", "docker.io/library/nginx:latest", "nginx:latest"},
        {"localhost/x", "localhost/x:latest", "localhost/x:latest"},
        {"localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"},
        {"localhost", "docker.io/library/localhost:latest", "localhost:latest"},
        {"quay.io/a/b/c:v1", "quay.io/a/b/c:v1", "quay.io/a/b/c:v1"},
        {"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
        {"Host/x", "Host/x:latest", "Host/x:latest"},
        {"nginx@sha256:" A64, "docker.io/library/nginx@sha256:" A64, "nginx@sha256:" A64},
        {"nginx:1@sha256:" A64, "docker.io/library/nginx:1@sha256:" A64, "nginx:1@sha256:" A64},
        {"a__b/c--d.e_f", "docker.io/a__b/c--d.e_f:latest", "a__b/c--d.e_f:latest"},
        {"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct image_reference ref;
        struct err err = ERR_INIT;
        assert_int_equal(image_reference_parse(&a, cases[i].text, &ref, &err), 0);
        assert_string_equal(image_reference_full(&a, &ref), cases[i].full);
        assert_string_equal(image_reference_familiar(&a, &ref), cases[i].familiar);
    }
}

static void bad_names_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "empty"},
        {"Nginx", "repository"},
        {"a//b", "repository"},
        {"a/", "repository"},
        {"/a", "repository"},
        {"../a", "registry"},
        {"a/../b", "repository"},
        {"a___b", "repository"},
        {"a..b", "repository"},
        {"-a", "repository"},
        {"a-", "repository"},
        {"a b", "repository"},
        {"a\nb", "repository"},
        {"a:", "tag"},
        {"a:-x", "tag"},
        {"a:b:c", "tag"},
        {"a:b c", "tag"},
        {"a@", "digest"},
        {"a@sha256:" A64 "a", "digest"},
        {"a@sha256:AAAA", "digest"},
        {"a@md5:" A64, "digest"},
        {"-host.x/a", "registry"},
        {"host.x:/a", "registry"},
        {"host.x:123456/a", "registry"},
        {"[::1/a", "registry"},
        {A64, "image ID"},
        {"a/" A64 A64 A64 A64, "255"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct image_reference ref;
        struct err err = ERR_INIT;
        if (image_reference_parse(&a, cases[i].text, &ref, &err) != -EINVAL || err.layer != LAYER_IMAGE ||
            strstr(err.text, cases[i].why) == NULL)
            fail_msg("\"%s\": %s", cases[i].text, err.text);
    }
}

static void digests_have_one_form(void **state)
{
    (void)state;
    assert_true(image_digest_ok("sha256:" A64));
    assert_true(image_digest_ok("sha512:" A64 A64));
    assert_false(image_digest_ok("sha256:" A64 A64));
    assert_false(image_digest_ok("sha512:" A64));
    assert_false(image_digest_ok("sha256:" A64 "/../x"));
    assert_false(image_digest_ok("sha256:../../../../../../../../../../../../../../../../../../../../etc"));
    assert_false(image_digest_ok("sha1:" A64));
    assert_false(image_digest_ok(A64));
    assert_false(image_digest_ok(""));
    char out[DIGEST_SIZE];
    image_digest_of("abc", 3, out);
    assert_string_equal(out, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(image_digest_hex(out), out + 7);
}

static void both_hashes_agree(void **state)
{
    (void)state;
    CLEANUP(image_crypto_lib_unload) struct crypto_lib crypto = {.handle = NULL};
    struct digest d = {.ctx = NULL};
    struct err err = ERR_INIT;
    char by_libmd[DIGEST_SIZE], by_libcrypto[DIGEST_SIZE];
    static char text[100000];
    memset(text, 'x', sizeof text);
    image_digest_of(text, sizeof text, by_libmd);
    assert_int_equal(image_digest_start(&crypto, "sha256", &d, &err), 0);
    assert_int_equal(image_digest_add(&d, text, 1, &err), 0);
    assert_int_equal(image_digest_add(&d, text + 1, sizeof text - 1, &err), 0);
    assert_int_equal(image_digest_finish(&d, by_libcrypto, &err), 0);
    image_digest_stop(&d);
    assert_string_equal(by_libmd, by_libcrypto);
}

/* The recursion of image-spec's config.md, by hand with sha256sum. */
static void chain_ids_follow_the_specification(void **state)
{
    (void)state;
    char chain[DIGEST_SIZE], next[DIGEST_SIZE];
    image_digest_chain(NULL, "sha256:" A64, chain);
    assert_string_equal(chain, "sha256:" A64);
    image_digest_chain(chain, "sha256:" B64, next);
    char expected[DIGEST_SIZE];
    image_digest_of("sha256:" A64 " sha256:" B64, 2 * 71 + 1, expected);
    assert_string_equal(next, expected);
    assert_string_equal(next, "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c");
}

static void archive_names_are_split_and_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *name, *parent, *base;
    } good[] = {
        {"a", "", "a"},         {"a/b", "a", "b"},   {"/a/b", "a", "b"}, {"./a//b/", "a", "b"}, {".", "", ""},
        {"./", "", ""},         {"/", "", ""},       {"//", "", ""},     {"...", "", "..."},    {"a/./b/.", "a", "b"},
        {"a/..b", "a", "..b"},  {"a/b..", "a", "b.."}, {" ", "", " "},   {"a/b/c/d", "a/b/c", "d"},
    };
    static struct place_name at;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(image_place_name(good[i].name, &at, NULL), 0);
        assert_string_equal(at.parent, good[i].parent);
        assert_string_equal(at.base, good[i].base);
    }
    static const char *const bad[] = {"..", "../a", "a/..", "a/../b", "/..", "./..", "a/b/../../.."};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;
        assert_int_equal(image_place_name(bad[i], &at, &err), -EBADMSG);
        assert_non_null(strstr(err.text, ".."));
    }
    static char longest[3 * PATH_MAX];
    for (size_t n = 1; n < sizeof longest; n += 97) { /* whatever is accepted fits, whatever is refused says so */
        memset(longest, 'a', n);
        for (size_t i = 100; i < n; i += 101)
            longest[i] = '/';
        longest[n] = '\0';
        int r = image_place_name(longest, &at, NULL);
        assert_true(r == -EBADMSG || (r == 0 && strlen(at.parent) + strlen(at.base) < PATH_MAX));
        assert_true((r == 0) == (n < PATH_MAX - 102) || n >= PATH_MAX - 102);
    }
    memset(longest, 'n', 256);
    longest[255] = '\0';
    assert_int_equal(image_place_name(longest, &at, NULL), 0);
    longest[255] = 'n';
    longest[256] = '\0';
    assert_int_equal(image_place_name(longest, &at, NULL), -EBADMSG);
}

static void names_in_messages_are_harmless(void **state)
{
    (void)state;
    char shown[SHOWN_SIZE], name[1000];
    assert_string_equal(image_place_show("a\x1b[31m\n\xff", shown), "a?[31m??");
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_true(strlen(image_place_show(name, shown)) < SHOWN_SIZE);
    assert_string_equal(shown + strlen(shown) - 3, "...");
    struct err err = ERR_INIT; /* and so is what comes into one by another way, such as a media type */
    err_set(&err, -EINVAL, LAYER_IMAGE, "type %s", "a\nb\x1b]0;title\x07");
    assert_string_equal(err.text, "type a?b?]0;title?");
}

static void an_index_keeps_names_apart(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_index index = {.manifests = {.set = true}};
    char type[] = MEDIA_OCI_MANIFEST, one[] = "sha256:" A64, two[] = "sha256:" B64;
    struct oci_descriptor first = {.media_type = type, .digest = one}, second = {.media_type = type, .digest = two};
    assert_int_equal(image_index_put(&a, &index, "x:1", &first, "id1", NULL), 1);
    assert_int_equal(image_index_put(&a, &index, "x:1", &first, "id1", NULL), 0);
    assert_int_equal(image_index_put(&a, &index, NULL, &first, "id1", NULL), 0); /* it has a name already */
    assert_int_equal(image_index_put(&a, &index, "y:1", &first, "id1", NULL), 1);
    assert_int_equal(index.manifests.n, 2);
    assert_int_equal(image_index_put(&a, &index, "x:1", &second, "id2", NULL), 1);
    assert_int_equal(index.manifests.n, 2); /* the first image keeps y */
    assert_int_equal(image_index_put(&a, &index, "y:1", &second, "id2", NULL), 1);
    assert_int_equal(index.manifests.n, 3); /* and now stays without a name */
    size_t nameless = 0;
    for (size_t i = 0; i < index.manifests.n; i++) {
        const struct oci_descriptor *d = &index.manifests.v[i];
        nameless += image_index_name(d) == NULL;
        const char *id = image_index_annotation(d, ANNOTATION_IMAGE_ID);
        assert_string_equal(id, strcmp(d->digest, one) == 0 ? "id1" : "id2");
    }
    assert_int_equal(nameless, 1);
    assert_int_equal(image_index_put(&a, &index, "z:1", &first, "id1", NULL), 1);
    assert_int_equal(index.manifests.n, 3); /* the nameless entry took it */
    image_index_drop(&index, 0);
    assert_int_equal(index.manifests.n, 2);
}

static void compression_is_told_by_its_first_bytes(void **state)
{
    (void)state;
    enum compression c = COMPRESSION_NONE;
    struct err err = ERR_INIT;
    assert_int_equal(image_compression_detect("\x1f\x8b\x08", 3, &c, &err), 0);
    assert_int_equal(c, COMPRESSION_GZIP);
    assert_int_equal(image_compression_detect("\x28\xb5\x2f\xfd", 4, &c, &err), 0);
    assert_int_equal(c, COMPRESSION_ZSTD);
    assert_int_equal(image_compression_detect("\x28\xb5\x2f", 3, &c, &err), 0);
    assert_int_equal(c, COMPRESSION_NONE);
    assert_int_equal(image_compression_detect("", 0, &c, &err), 0);
    assert_int_equal(image_compression_detect("BZh9", 4, &c, &err), -EINVAL);
    assert_non_null(strstr(err.text, "bzip2 -dc"));
}

static void the_embedded_image_is_known_by_its_names(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    const void *data = NULL;
    size_t len = 0;
    assert_true(image_embedded_is_name(&a, "cofferdam/hello"));
    assert_true(image_embedded_is_name(&a, "docker.io/cofferdam/hello:latest"));
    assert_false(image_embedded_is_name(&a, "cofferdam/hello:1"));
    assert_false(image_embedded_is_name(&a, "localhost/cofferdam/hello"));
    assert_false(image_embedded_is_name(&a, "cofferdam/hello@sha256:" A64));
    assert_false(image_embedded_is_name(&a, "HELLO"));
    image_embedded(&data, &len);
    assert_true(len > 20000 && len < 300 * 1024);
    assert_memory_equal((const char *)data + 257, "ustar", 5);
    assert_true(image_digest_ok(image_embedded_digest()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_completed_as_docker_does),
        cmocka_unit_test(bad_names_are_refused_with_a_reason),
        cmocka_unit_test(digests_have_one_form),
        cmocka_unit_test(both_hashes_agree),
        cmocka_unit_test(chain_ids_follow_the_specification),
        cmocka_unit_test(archive_names_are_split_and_bounded),
        cmocka_unit_test(names_in_messages_are_harmless),
        cmocka_unit_test(an_index_keeps_names_apart),
        cmocka_unit_test(compression_is_told_by_its_first_bytes),
        cmocka_unit_test(the_embedded_image_is_known_by_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
