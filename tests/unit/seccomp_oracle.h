/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seccomp section means, worked out from the section itself and from the kernel's own tables of calls: nothing
 * here comes from src/layers/seccomp. Slow and plain on purpose.
 */
#ifndef COFFER_TESTS_SECCOMP_ORACLE_H
#define COFFER_TESTS_SECCOMP_ORACLE_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "oci/config.h"

#define ORACLE_CALLS 2048

struct oracle_arch {
    const char *word;    /* SCMP_ARCH_... */
    uint32_t audit_arch; /* as in struct seccomp_data */
    uint32_t base;       /* the x32 bit */
    bool narrow;         /* arguments are compared with 32 bits */
    int socketcall, ipc; /* their numbers, or -1 */
    char *name[ORACLE_CALLS]; /* by number, without base */
};

/* Architectures that there are tables of; read from the kernel's headers, arm from libseccomp. */
enum { ORACLE_X86_64, ORACLE_X86, ORACLE_X32, ORACLE_AARCH64, ORACLE_ARM, ORACLE_ARCHS };
extern struct oracle_arch oracle_archs[ORACLE_ARCHS];
bool oracle_load(void); /* false: the headers are not there */
void oracle_free(void);

/* A section, and the architectures that the filter is to cover (bit 1 << ORACLE_). */
struct oracle {
    const struct oci_seccomp *section;
    unsigned covered;
    uint32_t last[ORACLE_ARCHS]; /* largest number that the section names */
};
void oracle_init(struct oracle *o, const struct oci_seccomp *section, unsigned covered);

uint32_t oracle_verdict(const struct oracle *o, const struct seccomp_data *data);

/* Does the section compare this argument of the call of this name? Its operands go to ret. */
unsigned oracle_operands(const struct oci_seccomp *s, const char *name, unsigned index, uint64_t *ret, unsigned max);

#endif
