/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled filters, kept in files named by what they were compiled from. Nothing here can fail a start: without a
 * usable cache the filter is compiled again.
 */
#ifndef COFFER_LAYERS_SECCOMP_CACHE_H
#define COFFER_LAYERS_SECCOMP_CACHE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "layers/seccomp/rules.h"

#define SECCOMP_KEY_SIZE 32

/* SHA-256 over the rules, the versions of libseccomp and of our compiling. 0 or -ENOMEM. Pure. */
int seccomp_cache_key(const struct seccomp_rules *rules, uint8_t ret[SECCOMP_KEY_SIZE]);

/* The program of this key into the arena. False: there is none, or none that can be trusted. */
bool seccomp_cache_load(struct arena *a, const char *dir, const uint8_t key[SECCOMP_KEY_SIZE],
                        struct sock_fprog *ret);

/* Keep a program; makes the directory (one level above it too). 0 or a negative errno, for the log. */
int seccomp_cache_store(const char *dir, const uint8_t key[SECCOMP_KEY_SIZE], const struct sock_fprog *program);

#endif
