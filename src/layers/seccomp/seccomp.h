/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp wall: which system calls reach the kernel. What other folders may use of it: profiles in Docker's form,
 * what a filter means in numbers (for explain), and what can be asked for at all.
 *
 * docs/seccomp.md says what a profile means here: order of rules, calls newer than libseccomp, socketcall, ENOSYS.
 */
#ifndef COFFER_LAYERS_SECCOMP_SECCOMP_H
#define COFFER_LAYERS_SECCOMP_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/config.h"

/* Facts about a container that Docker's conditional rules look at. */
struct seccomp_facts {
    uint64_t capabilities; /* the bounding set, bit per capability number */
    const char *machine;   /* uname -m */
    unsigned kernel_major, kernel_minor;
};

/*
 * A profile file, in Docker's form (archMap, includes, excludes) or in OCI's (architectures), as the OCI section that
 * Docker makes of it for such a container. *ret is NULL where Docker takes the file for "no filter": neither a
 * default action nor rules. Errors name the JSON path in the file. Every rule is checked, also those left out.
 */
int seccomp_resolve_docker_profile(struct arena *a, const char *json, size_t len, const struct seccomp_facts *facts,
                                   struct oci_seccomp **ret, struct err *err);

/* What a filter does to the calls of one architecture that libseccomp or this project knows by name. */
struct seccomp_arch_summary {
    const char *architecture; /* "x86_64", "x86", "x32", ... */
    unsigned calls;           /* known calls: the sum of the next three */
    unsigned allowed;         /* always reach the kernel (ALLOW, LOG) */
    unsigned conditional;     /* depends on arguments, or on a notify agent or a tracer */
    unsigned refused;
    const char **notable; /* well-known dangerous calls among the refused, n_notable of them */
    size_t n_notable;
    bool socketcall_closed; /* socket() through socketcall is refused because its arguments cannot be seen */
};

struct seccomp_summary {
    const char *default_action; /* "errno EPERM" */
    struct seccomp_arch_summary *archs;
    size_t n_archs;
    bool notify;        /* some calls ask an agent in user space */
    bool enosys_beyond; /* calls newer than the profile get ENOSYS */
};

/* compat32: as ANNOTATION_COMPAT32. Fails as planning would. */
int seccomp_summarise(struct arena *a, const struct oci_seccomp *section, const char *machine, bool compat32,
                      struct seccomp_summary *ret, struct err *err);

/* For `features`: words of runtime-spec that this wall knows, NULL-terminated. */
const char *const *seccomp_known_actions(void);
const char *const *seccomp_known_operators(void);
const char *const *seccomp_known_architectures(void);
const char *const *seccomp_known_flags(void);
/* Does the running kernel take this flag? One system call; changes nothing. */
bool seccomp_flag_supported(const char *flag);

#endif
