/* SPDX-License-Identifier: Apache-2.0 */
/* runtime-spec's words for actions, operators, flags and architectures. */
#ifndef COFFER_LAYERS_SECCOMP_WORDS_H
#define COFFER_LAYERS_SECCOMP_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/types.h"

/*
 * An action with its errno (or, for SCMP_ACT_TRACE, its data); EPERM where none is given, as in runc. path and member
 * ("errnoRet") go into the error.
 */
int seccomp_action_parse(const char *word, const struct oci_uint *errno_ret, const char *path, const char *member,
                         uint32_t *ret, struct err *err);
int seccomp_operator_parse(const char *word, int *ret);  /* enum scmp_compare; 0 or -EINVAL */
int seccomp_flag_parse(const char *word, unsigned *ret); /* SECCOMP_FILTER_FLAG_*; 0 or -EINVAL */

/* SCMP_ARCH_* of a machine as uname -m writes it, or of runtime-spec's word; 0 where libseccomp has none. */
uint32_t seccomp_arch_of_machine(const char *machine);
uint32_t seccomp_arch_of_word(const char *word);
bool seccomp_arch_is_word(const char *word); /* of runtime-spec, also one that libseccomp does not know yet */
const char *seccomp_arch_name(uint32_t arch); /* "x86_64"; "?" for none of ours */

/* Does libseccomp compare arguments with 64 bits? Not on x32, although its registers have them. */
bool seccomp_arch_is_64(uint32_t arch);

#endif
