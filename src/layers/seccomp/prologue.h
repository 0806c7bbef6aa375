/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few instructions that go before libseccomp's program, for what it cannot express:
 *
 *   - socketcall and ipc by operation, without the hole (meaning.h);
 *   - a call whose rules have different actions: libseccomp merges them in an order of its own and drops what an
 *     unconditional rule covers, here the first rule in document order decides;
 *   - calls newer than libseccomp on other architectures than the one it was built for, where it takes no numbers;
 *   - ENOSYS, not the default action, for calls with a larger number than any that the rules name: their authors
 *     could not know them, and a C library that tries a new call falls back on an older one only on ENOSYS (so does
 *     runc, libcontainer/seccomp/patchbpf).
 *
 * On the common path, a call of the native architecture, these are four to six instructions.
 */
#ifndef COFFER_LAYERS_SECCOMP_PROLOGUE_H
#define COFFER_LAYERS_SECCOMP_PROLOGUE_H

#include <linux/filter.h>
#include <stdint.h>

#include "base/arena.h"
#include "layers/seccomp/meaning.h"
#include "layers/seccomp/rules.h"

/* A call that libseccomp does not get. */
struct seccomp_special {
    uint32_t number;
    const struct seccomp_rule *rules; /* live ones; the first that holds decides, else the default action */
    size_t n;
    const struct seccomp_mux *mux; /* or: judged by operation */
    struct seccomp_mux_verdicts verdicts;
};

struct seccomp_part { /* what goes before one architecture */
    uint32_t arch;
    struct seccomp_special *specials; /* sorted by number */
    size_t n;
    uint32_t last; /* largest number that the rules name; larger ones get ENOSYS. 0: none do */
};

struct seccomp_code {
    struct sock_filter *v;
    size_t n, cap;
    bool overflow; /* more instructions than the kernel takes */
};

/* Write the instructions for these architectures to code; its end is where libseccomp's program begins. */
int seccomp_prologue(const struct seccomp_rules *rules, const struct seccomp_part *parts, size_t n,
                     struct seccomp_code *code);

#endif
