/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the built-in profile say what its text says, for every container that it tells apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/capability.h>
#include <string.h>

#include "base/buf.h"
#include "engine/seccomp_builtin.h"

static void print(const struct oci_seccomp *section, struct buf *out)
{
    char version[] = OCI_VERSION;
    struct oci_linux l = {.seccomp = (struct oci_seccomp *)(uintptr_t)section};
    struct oci_config c = {.oci_version = version, .linux = &l};
    oci_config_print(&c, true, out);
    assert_false(out->failed);
}

static void compare(const struct seccomp_facts *facts)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf tables = BUF_INIT, text = BUF_INIT;
    struct oci_seccomp *from_tables = NULL, *from_text = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(seccomp_builtin(&a, facts, &from_tables, &err), 0);
    assert_int_equal(seccomp_resolve_docker_profile(&a, seccomp_builtin_json, seccomp_builtin_json_len, facts,
                                                    &from_text, &err), 0);
    print(from_tables, &tables);
    print(from_text, &text);
    if (strcmp(buf_str(&tables), buf_str(&text)) != 0)
        fail_msg("%s, kernel %u.%u, capabilities %llx", facts->machine, facts->kernel_major, facts->kernel_minor,
                 (unsigned long long)facts->capabilities);
}

static void test_tables_and_text(void **state)
{
    (void)state;
    static const char *const machines[] = {"x86_64", "aarch64", "s390x", "riscv64", "ppc64le", "i686"};
    static const unsigned kernels[][2] = {{3, 10}, {4, 7}, {4, 8}, {5, 0}, {6, 18}};
    uint64_t sets[2 * (CAP_LAST_CAP + 2)];
    size_t n = 0;
    sets[n++] = 0;
    sets[n++] = UINT64_MAX >> (63 - CAP_LAST_CAP);
    for (unsigned c = 0; c <= CAP_LAST_CAP; c++) { /* each alone, and all but each */
        sets[n++] = UINT64_C(1) << c;
        sets[n++] = sets[1] & ~(UINT64_C(1) << c);
    }
    for (size_t m = 0; m < ARRAY_LEN(machines); m++)
        for (size_t i = 0; i < n; i++)
            compare(&(struct seccomp_facts){sets[i], machines[m], kernels[i % 5][0], kernels[i % 5][1]});
    for (size_t k = 0; k < ARRAY_LEN(kernels); k++)
        compare(&(struct seccomp_facts){0xa80425fb, "x86_64", kernels[k][0], kernels[k][1]});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables_and_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
