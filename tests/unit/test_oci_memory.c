/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: every allocation of a parse and a print fails in turn, once alone and once with all after it; each time the
 * answer is -ENOMEM and nothing is leaked, never a document with parts missing. And the heap that reading a
 * config.json takes at its highest is counted.
 *
 * malloc() and its kin are ours here. Under a sanitizer they are not ours to take: then the tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci/table.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#if OWN_MALLOC

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static struct {
    bool on;
    size_t fail_at; /* 1: the next one; 0: none */
    bool and_all_after;
    size_t count, live, bytes, peak;
} heap;

static bool fails(void)
{
    if (!heap.on)
        return false;
    heap.count++;
    bool fail = heap.fail_at != 0 && (heap.count == heap.fail_at || (heap.and_all_after && heap.count > heap.fail_at));
    if (fail)
        errno = ENOMEM;
    return fail;
}

static void *made(void *p)
{
    if (heap.on && p != NULL) {
        heap.live++;
        heap.bytes += malloc_usable_size(p) + sizeof(size_t);
        if (heap.bytes > heap.peak)
            heap.peak = heap.bytes;
    }
    return p;
}

static void gone(void *p)
{
    if (heap.on && p != NULL) {
        heap.live--;
        heap.bytes -= malloc_usable_size(p) + sizeof(size_t);
    }
}

void *malloc(size_t size)
{
    return fails() ? NULL : made(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : made(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
    if (fails())
        return NULL;
    gone(p);
    return made(__libc_realloc(p, size));
}

void free(void *p)
{
    gone(p);
    __libc_free(p);
}

static const struct {
    const char *file;
    const struct oci_document *document;
} inputs[] = {
    {TEST_DATA "/oci/good/config-full.json", &oci_config_document},
    {TEST_DATA "/oci/good/config-unknown.json", &oci_config_document},
    {TEST_DATA "/oci/good/config-nulls.json", &oci_config_document},
    {TEST_DATA "/oci/good/config-platforms.json", &oci_config_document},
    {TEST_DATA "/oci/good/index-oci.json", &oci_index_document},
    {TEST_DATA "/oci/good/image-docker.json", &oci_image_document},
};

/* Parse and print. 0 with the printed text in *out (the caller's arena), or the parser's error, or -ENOMEM. */
static int once(const struct oci_document *document, const char *json, size_t len, char *printed, size_t size)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    void *value = NULL;
    int r = oci_parse(&a, document, json, len, &value, &err);
    if (r < 0) {
        assert_int_equal(err.code, r);
        assert_null(value);
        return r;
    }
    oci_print(document, value, true, &b);
    if (b.failed)
        return -ENOMEM;
    assert_true(b.len < size);
    memcpy(printed, b.data, b.len + 1);
    return 0;
}

/* Returns the number of allocations of a run in which none failed. */
static size_t fail_each(const struct oci_document *document, const char *json, size_t len, int want, bool and_all_after)
{
    static char expected[1 << 17], printed[1 << 17];
    expected[0] = '\0';
    assert_int_equal(once(document, json, len, expected, sizeof expected), want);
    for (size_t n = 1;; n++) {
        printed[0] = '\0';
        heap.on = true;
        heap.fail_at = n;
        heap.and_all_after = and_all_after;
        heap.count = heap.live = heap.bytes = heap.peak = 0;
        int r = once(document, json, len, printed, sizeof printed);
        heap.on = false;
        if (heap.live != 0)
            fail_msg("allocation %zu: %zu blocks are leaked", n, heap.live);
        if (heap.count < n) {
            assert_int_equal(r, want);
            assert_string_equal(printed, expected);
            return heap.count;
        }
        /* A failed allocation may be harmless (an optional one), but then the result is the whole one. */
        if (r != -ENOMEM && (r != want || strcmp(printed, expected) != 0))
            fail_msg("allocation %zu failed: %d instead of -ENOMEM, or another document", n, r);
    }
}

static void each_allocation_fails(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        char *json = NULL;
        size_t len = 0;
        assert_int_equal(file_read(&a, AT_FDCWD, inputs[i].file, 1 << 20, &json, &len), 0);
        for (int after = 0; after < 2; after++)
            assert_true(fail_each(inputs[i].document, json, len, 0, after) > 20);
    }
}

/* A document that is at fault is refused as such, or -ENOMEM, whatever fails on the way to the message. */
static void faults_survive_failures(UNUSED void **state)
{
    static const char *const bad[] = {
        "{\"ociVersion\":\"1.0.0\",\"ociVersion\":\"1.0.0\"}",
        "{\"ociVersion\":\"1.0.0\",\"process\":{\"cwd\":\"/\",\"scheduler\":{\"policy\":\"X\"}}}",
        "{\"ociVersion\":\"1.0.0\",\"x\":[1,2,}",
        "{\"ociVersion\":\"1.0.0\",\"annotations\":{\"a.b\":1.5}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        for (int after = 0; after < 2; after++)
            assert_true(fail_each(&oci_config_document, bad[i], strlen(bad[i]), -EINVAL, after) > 2);
}

static void heap_stays_small(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *value = NULL;
    heap.fail_at = 0;
    heap.count = heap.live = heap.bytes = heap.peak = 0;
    heap.on = true;
    int r = oci_parse_file(&a, &oci_config_document, AT_FDCWD, TEST_DATA "/oci/good/config-docker.json", &value, &err);
    heap.on = false;
    assert_int_equal(r, 0);
    print_message("# config-docker.json: %zu allocations, %zu KiB at the highest, %zu KiB kept\n", heap.count,
                  heap.peak / 1024, heap.bytes / 1024);
    assert_true(heap.peak < (size_t)300 * 1024);
    assert_true(heap.bytes < (size_t)80 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(faults_survive_failures),
        cmocka_unit_test(heap_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    puts("1..0 # SKIP the sanitizer has malloc; the build without one fails each allocation");
    return 0;
}

#endif
