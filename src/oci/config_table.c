/* SPDX-License-Identifier: Apache-2.0 */
/* runtime-spec config.md: what all platforms share, and the POSIX process. */
#include "oci/config.h"
#include "oci/config_tables.h"
#include "oci/table.h"

static const struct oci_field oci_id_mapping_fields[] = {
    OCI_PLAIN_U32(oci_id_mapping, container_id, "containerID"),
    OCI_PLAIN_U32(oci_id_mapping, host_id, "hostID"),
    OCI_PLAIN_U32(oci_id_mapping, size, "size"),
};
OCI_TABLE(oci_id_mapping);

static const struct oci_field oci_root_fields[] = {
    OCI_STRING(oci_root, path, "path", OCI_REQUIRED),
    OCI_BOOL(oci_root, readonly, "readonly"),
};
static OCI_TABLE(oci_root);

static const struct oci_field oci_mount_fields[] = {
    OCI_STRING(oci_mount, destination, "destination", OCI_REQUIRED),
    OCI_STRING(oci_mount, type, "type"),
    OCI_STRING(oci_mount, source, "source"),
    OCI_STRINGS(oci_mount, options, "options"),
    OCI_OBJECTS(oci_mount, uid_mappings, "uidMappings", oci_id_mapping),
    OCI_OBJECTS(oci_mount, gid_mappings, "gidMappings", oci_id_mapping),
};
static OCI_TABLE(oci_mount);

static const struct oci_field oci_hook_fields[] = {
    OCI_STRING(oci_hook, path, "path", OCI_REQUIRED),
    OCI_STRINGS(oci_hook, args, "args"),
    OCI_STRINGS(oci_hook, env, "env"),
    OCI_INT(oci_hook, timeout, "timeout", OCI_RANGE(1, INT64_MAX)),
};
static OCI_TABLE(oci_hook);

static const struct oci_field oci_hooks_fields[] = {
    OCI_OBJECTS(oci_hooks, prestart, "prestart", oci_hook),
    OCI_OBJECTS(oci_hooks, create_runtime, "createRuntime", oci_hook),
    OCI_OBJECTS(oci_hooks, create_container, "createContainer", oci_hook),
    OCI_OBJECTS(oci_hooks, start_container, "startContainer", oci_hook),
    OCI_OBJECTS(oci_hooks, poststart, "poststart", oci_hook),
    OCI_OBJECTS(oci_hooks, poststop, "poststop", oci_hook),
};
static OCI_TABLE(oci_hooks);

static const struct oci_field oci_console_size_fields[] = {
    OCI_UINT(oci_console_size, height, "height", OCI_U64, OCI_REQUIRED),
    OCI_UINT(oci_console_size, width, "width", OCI_U64, OCI_REQUIRED),
};
static OCI_TABLE(oci_console_size);

static const struct oci_field oci_user_fields[] = {
    OCI_UINT(oci_user, uid, "uid", OCI_U32),
    OCI_UINT(oci_user, gid, "gid", OCI_U32),
    OCI_UINT(oci_user, umask, "umask", OCI_U32),
    OCI_UINTS(oci_user, additional_gids, "additionalGids"),
    OCI_STRING(oci_user, username, "username"),
};
static OCI_TABLE(oci_user);

static const struct oci_field oci_capabilities_fields[] = {
    OCI_STRINGS(oci_capabilities, bounding, "bounding"),
    OCI_STRINGS(oci_capabilities, effective, "effective"),
    OCI_STRINGS(oci_capabilities, inheritable, "inheritable"),
    OCI_STRINGS(oci_capabilities, permitted, "permitted"),
    OCI_STRINGS(oci_capabilities, ambient, "ambient"),
};
static OCI_TABLE(oci_capabilities);

static const struct oci_field oci_rlimit_fields[] = {
    OCI_STRING(oci_rlimit, type, "type", OCI_REQUIRED, OCI_FORM(rlimit)),
    OCI_PLAIN_UINT(oci_rlimit, hard, "hard", OCI_U64),
    OCI_PLAIN_UINT(oci_rlimit, soft, "soft", OCI_U64),
};
static OCI_TABLE(oci_rlimit);

static const struct oci_field oci_io_priority_fields[] = {
    OCI_STRING(oci_io_priority, class, "class", OCI_REQUIRED,
               OCI_VALUES("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE")),
    OCI_INT(oci_io_priority, priority, "priority", OCI_I32),
};
static OCI_TABLE(oci_io_priority);

static const struct oci_field oci_scheduler_fields[] = {
    OCI_STRING(oci_scheduler, policy, "policy", OCI_REQUIRED,
               OCI_VALUES("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE",
                          "SCHED_DEADLINE")),
    OCI_INT(oci_scheduler, nice, "nice", OCI_I32),
    OCI_INT(oci_scheduler, priority, "priority", OCI_I32),
    OCI_STRINGS(oci_scheduler, flags, "flags",
                OCI_VALUES("SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN",
                           "SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN",
                           "SCHED_FLAG_UTIL_CLAMP_MAX")),
    OCI_UINT(oci_scheduler, runtime, "runtime", OCI_U64),
    OCI_UINT(oci_scheduler, deadline, "deadline", OCI_U64),
    OCI_UINT(oci_scheduler, period, "period", OCI_U64),
};
static OCI_TABLE(oci_scheduler);

static const struct oci_field oci_cpu_affinity_fields[] = {
    OCI_STRING(oci_cpu_affinity, initial, "initial", OCI_FORM(cpu_list)),
    OCI_STRING(oci_cpu_affinity, final, "final", OCI_FORM(cpu_list)),
};
static OCI_TABLE(oci_cpu_affinity);

static const struct oci_field oci_process_fields[] = {
    OCI_BOOL(oci_process, terminal, "terminal"),
    OCI_OBJECT(oci_process, console_size, "consoleSize", oci_console_size),
    OCI_OBJECT(oci_process, user, "user", oci_user),
    OCI_STRINGS(oci_process, args, "args"),
    OCI_STRING(oci_process, command_line, "commandLine"),
    OCI_STRINGS(oci_process, env, "env"),
    OCI_STRING(oci_process, cwd, "cwd", OCI_REQUIRED),
    OCI_OBJECT(oci_process, capabilities, "capabilities", oci_capabilities),
    OCI_OBJECTS(oci_process, rlimits, "rlimits", oci_rlimit),
    OCI_BOOL(oci_process, no_new_privileges, "noNewPrivileges"),
    OCI_STRING(oci_process, apparmor_profile, "apparmorProfile"),
    OCI_INT(oci_process, oom_score_adj, "oomScoreAdj", OCI_I64),
    OCI_OBJECT(oci_process, scheduler, "scheduler", oci_scheduler),
    OCI_STRING(oci_process, selinux_label, "selinuxLabel"),
    OCI_OBJECT(oci_process, io_priority, "ioPriority", oci_io_priority),
    OCI_OBJECT(oci_process, exec_cpu_affinity, "execCPUAffinity", oci_cpu_affinity),
};
static OCI_TABLE(oci_process);

static const struct oci_field oci_config_fields[] = {
    OCI_STRING(oci_config, oci_version, "ociVersion", OCI_REQUIRED, OCI_FORM(version)),
    OCI_OBJECT(oci_config, process, "process", oci_process),
    OCI_OBJECT(oci_config, root, "root", oci_root),
    OCI_STRING(oci_config, hostname, "hostname"),
    OCI_STRING(oci_config, domainname, "domainname"),
    OCI_OBJECTS(oci_config, mounts, "mounts", oci_mount),
    OCI_OBJECT(oci_config, hooks, "hooks", oci_hooks),
    OCI_MAP(oci_config, annotations, "annotations"),
    OCI_OBJECT(oci_config, linux, "linux", oci_linux),
    OCI_SECTION("solaris", oci_solaris),
    OCI_SECTION("windows", oci_windows),
    OCI_SECTION("vm", oci_vm),
    OCI_SECTION("zos", oci_zos),
    OCI_SECTION("freebsd", oci_freebsd),
};
static OCI_TABLE(oci_config);

#define LIMITS .max_bytes = (size_t)16 * 1024 * 1024, .max_tokens = (size_t)256 * 1024

const struct oci_document oci_config_document = {.object = &oci_config_table, LIMITS};
const struct oci_document oci_process_document = {.object = &oci_process_table, LIMITS};
const struct oci_document oci_resources_document = {.object = &oci_resources_table, LIMITS};
const struct oci_document oci_seccomp_document = {.object = &oci_seccomp_table, LIMITS};
