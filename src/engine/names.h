/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people write in several spellings, in the one spelling of the OCI documents. */
#ifndef COFFER_ENGINE_NAMES_H
#define COFFER_ENGINE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* "net_raw", "CAP_NET_RAW" -> "CAP_NET_RAW"; NULL when this kernel interface knows no such capability. */
const char *capability_canonical(const char *name);

/* "nofile", "RLIMIT_NOFILE" -> "RLIMIT_NOFILE"; NULL: no such limit. */
const char *rlimit_canonical(const char *name);

/* These n bytes are 1 to 64 letters, digits, '.' and '-': nothing that could be another line of /etc/hosts. */
bool is_host_name(const char *name, size_t n);

#define HOST_NAME_FORM "must have 1 to 64 characters, letters, digits, dots and hyphens"

#endif
