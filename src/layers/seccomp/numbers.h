/* SPDX-License-Identifier: Apache-2.0 */
/* System calls by name: libseccomp's tables, and those calls that are newer than it. */
#ifndef COFFER_LAYERS_SECCOMP_NUMBERS_H
#define COFFER_LAYERS_SECCOMP_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#define X32_BIT 0x40000000U

/* arm has a few calls of its own up here (cacheflush, set_tls; arch/arm/include/uapi/asm/unistd.h). */
#define ARM_PRIVATE 0xf0000U

enum {
    NUMBER_UNKNOWN = -1,   /* no architecture has a call of this name */
    NUMBER_ELSEWHERE = -2, /* a call of other architectures, or one that only socketcall or ipc reaches here */
};

/* The number of the call on this architecture (SCMP_ARCH_*), with the x32 bit on x32, or one of the above. */
int seccomp_number(uint32_t arch, const char *name);

/* Is the call in libseccomp's own tables, so that it can be handed over by name? */
bool seccomp_number_in_library(const char *name);

/* What the ABI adds to all its numbers: 0 but on x32 and MIPS. */
int seccomp_number_base(uint32_t arch);

/* The name of a call that is newer than libseccomp, or NULL. */
const char *seccomp_number_newer(uint32_t arch, int number);

#endif
