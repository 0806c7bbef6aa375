/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a seccomp profile: resolved for two machines, summarised, compiled. What is compiled must be a program
 * that the kernel would take, and must refuse what the rules refuse whatever the input says: calls of an architecture
 * that is not in it.
 */
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/bpf_eval.c" /* a fuzzer has one source file */
#include "layers/seccomp/cache.h"
#include "layers/seccomp/compile.h"
#include "layers/seccomp/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                                  \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

static void compile(const struct oci_seccomp *section, const char *machine, bool compat32)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct seccomp_rules rules;
    struct sock_fprog program;
    struct seccomp_summary summary;
    uint8_t key[SECCOMP_KEY_SIZE];
    if (seccomp_rules_make(&a, section, machine, compat32, &rules, &err) < 0) {
        REQUIRE(err.code < 0 && err.text[0] != '\0');
        return;
    }
    REQUIRE(seccomp_cache_key(&rules, key) == 0);
    REQUIRE(seccomp_summarise(&a, section, machine, compat32, &summary, &err) == 0);
    for (size_t i = 0; i < summary.n_archs; i++)
        REQUIRE(summary.archs[i].calls ==
                summary.archs[i].allowed + summary.archs[i].conditional + summary.archs[i].refused);
    if (seccomp_compile(&a, &rules, &program, &err) < 0) {
        REQUIRE(err.code < 0 && err.text[0] != '\0');
        return;
    }
    REQUIRE(bpf_valid(&program));
    struct seccomp_data call = {.nr = 1, .arch = SCMP_ARCH_PARISC};
    if (rules.n_archs == 1)
        REQUIRE(bpf_run(&program, &call, NULL) == SECCOMP_RET_KILL_PROCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const machines[] = {"x86_64", "aarch64"};
    for (int i = 0; i < 2; i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct seccomp_facts facts = {.capabilities = i == 0 ? 0xa80425fb : UINT64_MAX, .machine = machines[i],
                                      .kernel_major = 6, .kernel_minor = 1};
        struct oci_seccomp *section = NULL;
        if (seccomp_resolve_docker_profile(&a, (const char *)data, size, &facts, &section, &err) < 0) {
            REQUIRE(err.code < 0 && err.text[0] != '\0' && section == NULL);
            continue;
        }
        if (section == NULL)
            continue;
        compile(section, machines[i], true);
        compile(section, machines[i], false);
    }
    return 0;
}
