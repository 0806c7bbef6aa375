/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's default seccomp profile, embedded twice: as its text, and as tables that embed_seccomp.py makes of the text
 * when coffer is built. Nearly every start needs the profile, and to parse 30 KB of JSON took as long as a tenth of a
 * whole container's life. A unit test holds the tables against seccomp_resolve_docker_profile() of the text.
 */
#ifndef COFFER_ENGINE_SECCOMP_BUILTIN_H
#define COFFER_ENGINE_SECCOMP_BUILTIN_H

#include "base/arena.h"
#include "base/err.h"
#include "layers/seccomp/seccomp.h"
#include "oci/config.h"

struct seccomp_builtin_rule {
    struct oci_seccomp_rule rule;
    uint64_t needs, barred_by;           /* capabilities: all of the first, none of the second */
    const char *machines, *not_machines; /* " x86_64 aarch64 ", or NULL: not looked at */
    unsigned kernel_major, kernel_minor; /* from this version on */
};

struct seccomp_builtin_arch {
    const char *machine;
    struct oci_strs architectures;
};

extern const char seccomp_builtin_json[];
extern const size_t seccomp_builtin_json_len;
extern const char seccomp_builtin_action[];
extern const unsigned seccomp_builtin_errno;
extern const struct seccomp_builtin_arch seccomp_builtin_archs[]; /* ended by one without a machine */
extern const struct seccomp_builtin_rule seccomp_builtin_rules[];
extern const size_t seccomp_builtin_n_rules;

/* The built-in profile as an OCI section for such a container. Its strings are the executable's. */
int seccomp_builtin(struct arena *a, const struct seccomp_facts *facts, struct oci_seccomp **ret, struct err *err);

#endif
