/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of specifications, as semver.org 2.0.0 has them. */
#ifndef COFFER_OCI_VERSION_H
#define COFFER_OCI_VERSION_H

#include <stdint.h>

struct oci_version {
    uint64_t major, minor, patch;
    const char *rest; /* in the string that was parsed: "-rc.2", "+dev", or "" */
};

/* 0, or -EINVAL where s is no semantic version. */
int oci_version_parse(const char *s, struct oci_version *ret);

#endif
