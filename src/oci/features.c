/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/features.h"

#include "oci/config_tables.h"
#include "oci/table.h"

static const struct oci_field oci_feature_fields[] = {
    OCI_BOOL(oci_feature, enabled, "enabled"),
};
static OCI_TABLE(oci_feature);

static const struct oci_field oci_cgroup_features_fields[] = {
    OCI_BOOL(oci_cgroup_features, v1, "v1"),
    OCI_BOOL(oci_cgroup_features, v2, "v2"),
    OCI_BOOL(oci_cgroup_features, systemd, "systemd"),
    OCI_BOOL(oci_cgroup_features, systemd_user, "systemdUser"),
    OCI_BOOL(oci_cgroup_features, rdma, "rdma"),
};
static OCI_TABLE(oci_cgroup_features);

static const struct oci_field oci_seccomp_features_fields[] = {
    OCI_BOOL(oci_seccomp_features, enabled, "enabled"),
    OCI_STRINGS(oci_seccomp_features, actions, "actions", .values = oci_seccomp_actions),
    OCI_STRINGS(oci_seccomp_features, operators, "operators", .values = oci_seccomp_operators),
    OCI_STRINGS(oci_seccomp_features, archs, "archs", .values = oci_seccomp_archs),
    OCI_STRINGS(oci_seccomp_features, known_flags, "knownFlags", .values = oci_seccomp_flags),
    OCI_STRINGS(oci_seccomp_features, supported_flags, "supportedFlags", .values = oci_seccomp_flags),
};
static OCI_TABLE(oci_seccomp_features);

static const struct oci_field oci_memory_policy_features_fields[] = {
    OCI_STRINGS(oci_memory_policy_features, modes, "modes", .values = oci_memory_policy_modes),
    OCI_STRINGS(oci_memory_policy_features, flags, "flags", .values = oci_memory_policy_flags),
};
static OCI_TABLE(oci_memory_policy_features);

static const struct oci_field oci_intel_rdt_features_fields[] = {
    OCI_BOOL(oci_intel_rdt_features, enabled, "enabled"),
    OCI_BOOL(oci_intel_rdt_features, schemata, "schemata"),
    OCI_BOOL(oci_intel_rdt_features, monitoring, "monitoring"),
};
static OCI_TABLE(oci_intel_rdt_features);

static const struct oci_field oci_mount_features_fields[] = {
    OCI_OBJECT(oci_mount_features, idmap, "idmap", oci_feature),
};
static OCI_TABLE(oci_mount_features);

static const struct oci_field oci_linux_features_fields[] = {
    OCI_STRINGS(oci_linux_features, namespaces, "namespaces", .values = oci_namespace_types),
    OCI_STRINGS(oci_linux_features, capabilities, "capabilities", OCI_FORM(capability)),
    OCI_OBJECT(oci_linux_features, cgroup, "cgroup", oci_cgroup_features),
    OCI_OBJECT(oci_linux_features, seccomp, "seccomp", oci_seccomp_features),
    OCI_OBJECT(oci_linux_features, apparmor, "apparmor", oci_feature),
    OCI_OBJECT(oci_linux_features, selinux, "selinux", oci_feature),
    OCI_OBJECT(oci_linux_features, memory_policy, "memoryPolicy", oci_memory_policy_features),
    OCI_OBJECT(oci_linux_features, intel_rdt, "intelRdt", oci_intel_rdt_features),
    OCI_OBJECT(oci_linux_features, mount_extensions, "mountExtensions", oci_mount_features),
    OCI_OBJECT(oci_linux_features, net_devices, "netDevices", oci_feature),
};
static OCI_TABLE(oci_linux_features);

static const struct oci_field oci_features_fields[] = {
    OCI_STRING(oci_features, oci_version_min, "ociVersionMin", OCI_REQUIRED, OCI_FORM(version)),
    OCI_STRING(oci_features, oci_version_max, "ociVersionMax", OCI_REQUIRED, OCI_FORM(version)),
    OCI_STRINGS(oci_features, hooks, "hooks"),
    OCI_STRINGS(oci_features, mount_options, "mountOptions"),
    OCI_OBJECT(oci_features, linux, "linux", oci_linux_features),
    OCI_MAP(oci_features, annotations, "annotations"),
    OCI_STRINGS(oci_features, potentially_unsafe_config_annotations, "potentiallyUnsafeConfigAnnotations"),
};
static OCI_TABLE(oci_features);

const struct oci_document oci_features_document = {
    .object = &oci_features_table,
    .max_bytes = (size_t)1024 * 1024,
    .max_tokens = 64 * 1024,
};

int oci_features_parse(struct arena *a, const char *json, size_t len, struct oci_features **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_features_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

void oci_features_print(const struct oci_features *f, bool pretty, struct buf *out)
{
    oci_print(&oci_features_document, f, pretty, out);
}
