/* SPDX-License-Identifier: Apache-2.0 */
/* From rules to a BPF program for seccomp(2). */
#ifndef COFFER_LAYERS_SECCOMP_COMPILE_H
#define COFFER_LAYERS_SECCOMP_COMPILE_H

#include <linux/filter.h>

#include "base/arena.h"
#include "layers/seccomp/rules.h"

/* Raise it when the same rules give another program: cached ones are then not found any more. */
#define SECCOMP_COMPILE_VERSION 1

/*
 * The program, in the arena. Needs no privilege. The only effects are a memfd that is closed again and libseccomp's
 * questions to the kernel about what it supports.
 */
int seccomp_compile(struct arena *a, const struct seccomp_rules *rules, struct sock_fprog *ret, struct err *err);

#endif
