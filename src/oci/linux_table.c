/* SPDX-License-Identifier: Apache-2.0 */
/* runtime-spec config-linux.md, without resources. */
#include "oci/config.h"
#include "oci/config_tables.h"
#include "oci/table.h"

const char *const oci_namespace_types[] = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time", NULL};

const char *const oci_seccomp_actions[] = {
    "SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",   "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW",        "SCMP_ACT_LOG",         "SCMP_ACT_NOTIFY", NULL,
};

const char *const oci_seccomp_operators[] = {
    "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",        "SCMP_CMP_EQ",
    "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL,
};

const char *const oci_seccomp_archs[] = {
    "SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB", "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", NULL,
};

const char *const oci_seccomp_flags[] = {
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    NULL,
};

const char *const oci_memory_policy_modes[] = {
    "MPOL_DEFAULT",   "MPOL_BIND",           "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
    "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL",      NULL,
};

const char *const oci_memory_policy_flags[] = {
    "MPOL_F_NUMA_BALANCING",
    "MPOL_F_RELATIVE_NODES",
    "MPOL_F_STATIC_NODES",
    NULL,
};

static const struct oci_field oci_namespace_fields[] = {
    OCI_STRING(oci_namespace, type, "type", OCI_REQUIRED, .values = oci_namespace_types),
    OCI_STRING(oci_namespace, path, "path"),
};
static OCI_TABLE(oci_namespace);

/*
 * The schema allows 0777 in fileMode. containerd before 1.5 and programs that copy st_mode write the file's type too
 * (8630 for a character device of mode 0666), and runc takes it; the rootfs layer uses the permission bits.
 */
static const struct oci_field oci_device_fields[] = {
    OCI_STRING(oci_device, path, "path", OCI_REQUIRED),
    OCI_STRING(oci_device, type, "type", OCI_REQUIRED, OCI_FORM(device_type)),
    OCI_INT(oci_device, major, "major", OCI_I64),
    OCI_INT(oci_device, minor, "minor", OCI_I64),
    OCI_UINT(oci_device, file_mode, "fileMode", OCI_RANGE(0, 0177777)),
    OCI_UINT(oci_device, uid, "uid", OCI_U32),
    OCI_UINT(oci_device, gid, "gid", OCI_U32),
};
static OCI_TABLE(oci_device);

static const struct oci_field oci_net_device_fields[] = {
    OCI_STRING(oci_net_device, name, "name"),
};
static OCI_TABLE(oci_net_device);

static const struct oci_field oci_seccomp_arg_fields[] = {
    OCI_PLAIN_U32(oci_seccomp_arg, index, "index"),
    OCI_PLAIN_UINT(oci_seccomp_arg, value, "value", OCI_U64),
    OCI_UINT(oci_seccomp_arg, value_two, "valueTwo", OCI_U64),
    OCI_STRING(oci_seccomp_arg, op, "op", OCI_REQUIRED, .values = oci_seccomp_operators),
};
static OCI_TABLE(oci_seccomp_arg);

static const struct oci_field oci_seccomp_rule_fields[] = {
    OCI_STRINGS(oci_seccomp_rule, names, "names", OCI_REQUIRED, .min_items = 1),
    OCI_STRING(oci_seccomp_rule, action, "action", OCI_REQUIRED, .values = oci_seccomp_actions),
    OCI_UINT(oci_seccomp_rule, errno_ret, "errnoRet", OCI_U32),
    OCI_OBJECTS(oci_seccomp_rule, args, "args", oci_seccomp_arg),
};
static OCI_TABLE(oci_seccomp_rule);

static const struct oci_field oci_seccomp_fields[] = {
    OCI_STRING(oci_seccomp, default_action, "defaultAction", OCI_REQUIRED, .values = oci_seccomp_actions),
    OCI_UINT(oci_seccomp, default_errno_ret, "defaultErrnoRet", OCI_U32),
    OCI_STRINGS(oci_seccomp, architectures, "architectures", .values = oci_seccomp_archs),
    OCI_STRINGS(oci_seccomp, flags, "flags", .values = oci_seccomp_flags),
    OCI_STRING(oci_seccomp, listener_path, "listenerPath"),
    OCI_STRING(oci_seccomp, listener_metadata, "listenerMetadata"),
    OCI_OBJECTS(oci_seccomp, syscalls, "syscalls", oci_seccomp_rule),
};
OCI_TABLE(oci_seccomp);

static const struct oci_field oci_intel_rdt_fields[] = {
    OCI_STRING(oci_intel_rdt, clos_id, "closID"),
    OCI_STRINGS(oci_intel_rdt, schemata, "schemata"),
    OCI_STRING(oci_intel_rdt, l3_cache_schema, "l3CacheSchema"),
    OCI_STRING(oci_intel_rdt, mem_bw_schema, "memBwSchema", OCI_FORM(memory_bandwidth)),
    OCI_BOOL(oci_intel_rdt, enable_monitoring, "enableMonitoring"),
};
static OCI_TABLE(oci_intel_rdt);

static const struct oci_field oci_memory_policy_fields[] = {
    OCI_STRING(oci_memory_policy, mode, "mode", .values = oci_memory_policy_modes),
    OCI_STRING(oci_memory_policy, nodes, "nodes"),
    OCI_STRINGS(oci_memory_policy, flags, "flags", .values = oci_memory_policy_flags),
};
static OCI_TABLE(oci_memory_policy);

static const struct oci_field oci_personality_fields[] = {
    OCI_STRING(oci_personality, domain, "domain", OCI_VALUES("LINUX", "LINUX32")),
    OCI_STRINGS(oci_personality, flags, "flags"),
};
static OCI_TABLE(oci_personality);

static const struct oci_field oci_time_offset_fields[] = {
    OCI_INT(oci_time_offset, secs, "secs", OCI_I64),
    OCI_UINT(oci_time_offset, nanosecs, "nanosecs", OCI_U32),
};
static OCI_TABLE(oci_time_offset);

static const struct oci_field oci_time_offsets_fields[] = {
    OCI_OBJECT(oci_time_offsets, boottime, "boottime", oci_time_offset),
    OCI_OBJECT(oci_time_offsets, monotonic, "monotonic", oci_time_offset),
};
static OCI_TABLE(oci_time_offsets);

/* rootfsPropagation: the recursive forms are not in the schema, but runc takes them and engines write them. */
static const struct oci_field oci_linux_fields[] = {
    OCI_OBJECTS(oci_linux, namespaces, "namespaces", oci_namespace),
    OCI_OBJECTS(oci_linux, uid_mappings, "uidMappings", oci_id_mapping),
    OCI_OBJECTS(oci_linux, gid_mappings, "gidMappings", oci_id_mapping),
    OCI_OBJECT(oci_linux, time_offsets, "timeOffsets", oci_time_offsets),
    OCI_OBJECTS(oci_linux, devices, "devices", oci_device),
    OCI_NAMED_OBJECTS(oci_linux, net_devices, "netDevices", oci_net_device),
    OCI_STRING(oci_linux, cgroups_path, "cgroupsPath"),
    OCI_OBJECT(oci_linux, resources, "resources", oci_resources),
    OCI_STRING(oci_linux, rootfs_propagation, "rootfsPropagation",
               OCI_VALUES("private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave",
                          "runbindable")),
    OCI_OBJECT(oci_linux, seccomp, "seccomp", oci_seccomp),
    OCI_MAP(oci_linux, sysctl, "sysctl"),
    OCI_STRINGS(oci_linux, masked_paths, "maskedPaths"),
    OCI_STRINGS(oci_linux, readonly_paths, "readonlyPaths"),
    OCI_STRING(oci_linux, mount_label, "mountLabel"),
    OCI_OBJECT(oci_linux, intel_rdt, "intelRdt", oci_intel_rdt),
    OCI_OBJECT(oci_linux, memory_policy, "memoryPolicy", oci_memory_policy),
    OCI_OBJECT(oci_linux, personality, "personality", oci_personality),
};
OCI_TABLE(oci_linux);
