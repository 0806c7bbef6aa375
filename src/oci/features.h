/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime can do (runtime-spec 1.3, features.md and features-linux.md): the output of its features command. */
#ifndef COFFER_OCI_FEATURES_H
#define COFFER_OCI_FEATURES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci/types.h"

struct oci_feature { /* one that is there or not */
    struct oci_bool enabled;
    struct oci_extra *extra;
};

struct oci_cgroup_features {
    struct oci_bool v1, v2, systemd, systemd_user, rdma;
    struct oci_extra *extra;
};

struct oci_seccomp_features {
    struct oci_bool enabled;
    struct oci_strs actions, operators, archs, known_flags, supported_flags;
    struct oci_extra *extra;
};

struct oci_memory_policy_features {
    struct oci_strs modes, flags;
    struct oci_extra *extra;
};

struct oci_intel_rdt_features {
    struct oci_bool enabled, schemata, monitoring;
    struct oci_extra *extra;
};

struct oci_mount_features {
    struct oci_feature *idmap;
    struct oci_extra *extra;
};

struct oci_linux_features {
    struct oci_strs namespaces, capabilities;
    struct oci_cgroup_features *cgroup;
    struct oci_seccomp_features *seccomp;
    struct oci_feature *apparmor, *selinux;
    struct oci_memory_policy_features *memory_policy;
    struct oci_intel_rdt_features *intel_rdt;
    struct oci_mount_features *mount_extensions;
    struct oci_feature *net_devices;
    struct oci_extra *extra;
};

struct oci_features {
    char *oci_version_min, *oci_version_max;
    struct oci_strs hooks, mount_options;
    struct oci_linux_features *linux;
    struct oci_map annotations;
    struct oci_strs potentially_unsafe_config_annotations;
    struct oci_extra *extra;
};

int oci_features_parse(struct arena *a, const char *json, size_t len, struct oci_features **ret, struct err *err);
void oci_features_print(const struct oci_features *f, bool pretty, struct buf *out);

#endif
