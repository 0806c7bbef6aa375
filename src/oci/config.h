/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtime configuration (runtime-spec 1.3, config.md and config-linux.md) as C types.
 *
 * One document describes a container, whoever asked for it: flags, a bundle, a running process. All memory belongs
 * to the arena that was handed to the function that made it. Member names follow the specification's, in snake case.
 * The tables (config_table.c, linux_table.c, resources_table.c) say for each member its JSON name, type, range and
 * form; parsing, checking, printing and the conformance table all walk them (table.h).
 */
#ifndef COFFER_OCI_CONFIG_H
#define COFFER_OCI_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "oci/types.h"

/* gcc's gnu17 predefines the macro linux; the member keeps the name that the specification gives it. */
#undef linux

#define OCI_VERSION "1.3.0"

struct oci_id_mapping {
    uint32_t container_id, host_id, size;
    struct oci_extra *extra;
};
typedef OCI_ARRAY(struct oci_id_mapping) oci_id_mappings;

struct oci_root {
    char *path;
    struct oci_bool readonly;
    struct oci_extra *extra;
};

struct oci_mount {
    char *destination, *type, *source;
    struct oci_strs options;
    oci_id_mappings uid_mappings, gid_mappings;
    struct oci_extra *extra;
};

struct oci_hook {
    char *path;
    struct oci_strs args, env;
    struct oci_int timeout; /* seconds */
    struct oci_extra *extra;
};
typedef OCI_ARRAY(struct oci_hook) oci_hook_list;

struct oci_hooks {
    oci_hook_list prestart, create_runtime, create_container, start_container, poststart, poststop;
    struct oci_extra *extra;
};

struct oci_console_size {
    struct oci_uint height, width;
    struct oci_extra *extra;
};

struct oci_user {
    struct oci_uint uid, gid, umask;
    struct oci_uints additional_gids;
    char *username;
    struct oci_extra *extra;
};

struct oci_capabilities { /* names as "CAP_CHOWN" */
    struct oci_strs bounding, permitted, effective, inheritable, ambient;
    struct oci_extra *extra;
};

struct oci_rlimit {
    char *type; /* "RLIMIT_NOFILE" */
    uint64_t soft, hard;
    struct oci_extra *extra;
};

struct oci_io_priority {
    char *class;
    struct oci_int priority;
    struct oci_extra *extra;
};

struct oci_scheduler {
    char *policy;
    struct oci_int nice, priority;
    struct oci_strs flags;
    struct oci_uint runtime, deadline, period; /* nanoseconds */
    struct oci_extra *extra;
};

struct oci_cpu_affinity {
    char *initial, *final;
    struct oci_extra *extra;
};

struct oci_process {
    struct oci_bool terminal;
    struct oci_console_size *console_size;
    struct oci_user *user;
    struct oci_strs args, env;
    char *command_line; /* Windows */
    char *cwd;
    struct oci_capabilities *capabilities;
    OCI_ARRAY(struct oci_rlimit) rlimits;
    struct oci_bool no_new_privileges;
    char *apparmor_profile, *selinux_label;
    struct oci_int oom_score_adj;
    struct oci_io_priority *io_priority;
    struct oci_scheduler *scheduler;
    struct oci_cpu_affinity *exec_cpu_affinity;
    struct oci_extra *extra;
};

struct oci_namespace {
    char *type; /* "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time" */
    char *path;
    struct oci_extra *extra;
};

struct oci_device {
    char *type; /* "c", "b", "u" or "p" */
    char *path;
    struct oci_int major, minor;
    struct oci_uint file_mode, uid, gid;
    struct oci_extra *extra;
};

struct oci_net_device {
    char *key; /* name on the host: the member's name */
    char *name;
    struct oci_extra *extra;
};

struct oci_device_rule { /* linux.resources.devices */
    struct oci_bool allow;
    char *type; /* "a", "c", "b" or NULL */
    struct oci_int major, minor; /* not set or -1: any */
    char *access; /* letters of "rwm" */
    struct oci_extra *extra;
};

struct oci_block_weight {
    struct oci_int major, minor;
    struct oci_uint weight, leaf_weight;
    struct oci_extra *extra;
};

struct oci_block_throttle {
    struct oci_int major, minor;
    struct oci_uint rate;
    struct oci_extra *extra;
};
typedef OCI_ARRAY(struct oci_block_throttle) oci_block_throttles;

struct oci_block_io {
    struct oci_uint weight, leaf_weight;
    OCI_ARRAY(struct oci_block_weight) weight_device;
    oci_block_throttles read_bps, write_bps, read_iops, write_iops;
    struct oci_extra *extra;
};

struct oci_cpu {
    struct oci_uint shares, period, burst, realtime_period;
    struct oci_int quota, realtime_runtime, idle;
    char *cpus, *mems;
    struct oci_extra *extra;
};

struct oci_memory { /* bytes; -1: unlimited */
    struct oci_int limit, reservation, swap, kernel, kernel_tcp;
    struct oci_uint swappiness;
    struct oci_bool disable_oom_killer, use_hierarchy, check_before_update;
    struct oci_extra *extra;
};

struct oci_hugepage {
    char *page_size; /* "2MB" */
    uint64_t limit;
    struct oci_extra *extra;
};

struct oci_interface_priority {
    char *name;
    uint32_t priority;
    struct oci_extra *extra;
};

struct oci_net_cls {
    struct oci_uint class_id;
    OCI_ARRAY(struct oci_interface_priority) priorities;
    struct oci_extra *extra;
};

struct oci_pids {
    struct oci_int limit;
    struct oci_extra *extra;
};

struct oci_rdma {
    char *key; /* device: the member's name */
    struct oci_uint hca_handles, hca_objects;
    struct oci_extra *extra;
};

struct oci_resources {
    struct oci_map unified;
    OCI_ARRAY(struct oci_device_rule) devices;
    struct oci_pids *pids;
    struct oci_block_io *block_io;
    struct oci_cpu *cpu;
    struct oci_memory *memory;
    OCI_ARRAY(struct oci_hugepage) hugepage_limits;
    struct oci_net_cls *network;
    OCI_ARRAY(struct oci_rdma) rdma;
    struct oci_extra *extra;
};

struct oci_seccomp_arg {
    uint32_t index;
    uint64_t value;
    struct oci_uint value_two;
    char *op;
    struct oci_extra *extra;
};

struct oci_seccomp_rule {
    struct oci_strs names;
    char *action;
    struct oci_uint errno_ret;
    OCI_ARRAY(struct oci_seccomp_arg) args;
    struct oci_extra *extra;
};

struct oci_seccomp {
    char *default_action;
    struct oci_uint default_errno_ret;
    struct oci_strs architectures, flags;
    char *listener_path, *listener_metadata;
    OCI_ARRAY(struct oci_seccomp_rule) syscalls;
    struct oci_extra *extra;
};

struct oci_intel_rdt {
    char *clos_id, *l3_cache_schema, *mem_bw_schema;
    struct oci_strs schemata;
    struct oci_bool enable_monitoring;
    struct oci_extra *extra;
};

struct oci_memory_policy {
    char *mode, *nodes;
    struct oci_strs flags;
    struct oci_extra *extra;
};

struct oci_personality {
    char *domain;
    struct oci_strs flags;
    struct oci_extra *extra;
};

struct oci_time_offset {
    struct oci_int secs;
    struct oci_uint nanosecs;
    struct oci_extra *extra;
};

struct oci_time_offsets {
    struct oci_time_offset *boottime, *monotonic;
    struct oci_extra *extra;
};

struct oci_linux {
    OCI_ARRAY(struct oci_device) devices;
    OCI_ARRAY(struct oci_net_device) net_devices;
    oci_id_mappings uid_mappings, gid_mappings;
    OCI_ARRAY(struct oci_namespace) namespaces;
    struct oci_resources *resources;
    char *cgroups_path;
    char *rootfs_propagation; /* "private", "shared", "slave", "unbindable" and their r-forms */
    struct oci_seccomp *seccomp;
    struct oci_map sysctl;
    struct oci_strs masked_paths, readonly_paths;
    char *mount_label;
    struct oci_intel_rdt *intel_rdt;
    struct oci_memory_policy *memory_policy;
    struct oci_personality *personality;
    struct oci_time_offsets *time_offsets;
    struct oci_extra *extra;
};

struct oci_config {
    char *oci_version;
    struct oci_root *root;
    struct oci_process *process;
    char *hostname, *domainname;
    OCI_ARRAY(struct oci_mount) mounts;
    struct oci_hooks *hooks;
    struct oci_map annotations;
    struct oci_linux *linux;
    /* solaris, windows, vm, zos and freebsd sections stay here as JSON; vm, zos and freebsd are checked. */
    struct oci_extra *extra;
};

/*
 * Read one JSON document. On failure nothing is made and err (layer config) names the JSON path of the fault and what
 * was expected: linux.resources.hugepageLimits[0].pageSize: "64kB" is not of the form 2MB, 1GB ([1-9][0-9]*[KMG]B).
 * Unknown members are kept. Only one document, no trailing bytes, nesting bounded, no member twice; null counts as
 * absent, and is printed again. ociVersion must be a semantic version below 2.
 */
int oci_config_parse(struct arena *a, const char *json, size_t len, struct oci_config **ret, struct err *err);

/* The same from a file, at most 16 MiB. dirfd may be AT_FDCWD. */
int oci_config_read(struct arena *a, int dirfd, const char *path, struct oci_config **ret, struct err *err);

/*
 * Can it be run at all? What the schema leaves open because a document need not have been meant to run: ociVersion is
 * 1.x, process is there with an absolute cwd and a program in args. (Parsing takes 0.x, too: for explain.)
 */
int oci_config_check_runnable(const struct oci_config *c, struct err *err);

/* Parts of a document that come alone: exec's --process, update's --resources, a seccomp profile in OCI form. */
int oci_process_parse(struct arena *a, const char *json, size_t len, struct oci_process **ret, struct err *err);
int oci_resources_parse(struct arena *a, const char *json, size_t len, struct oci_resources **ret, struct err *err);
int oci_seccomp_parse(struct arena *a, const char *json, size_t len, struct oci_seccomp **ret, struct err *err);

/* Append the document as JSON; pretty: two blanks a level, otherwise on one line. */
void oci_config_print(const struct oci_config *c, bool pretty, struct buf *out);

/* Value of an annotation, or NULL. */
const char *oci_annotation(const struct oci_config *c, const char *key);

/* The namespace entry of this type, or NULL when the container shares the host's. */
const struct oci_namespace *oci_namespace_find(const struct oci_config *c, const char *type);

/* Does the container get a user namespace of its own making or by path? */
static inline bool oci_has_userns(const struct oci_config *c)
{
    return oci_namespace_find(c, "user") != NULL;
}

/* uid and gid of the container's process; 0 where the document has no user. */
static inline uint32_t oci_process_uid(const struct oci_config *c)
{
    return c->process != NULL && c->process->user != NULL ? (uint32_t)c->process->user->uid.v : 0;
}
static inline uint32_t oci_process_gid(const struct oci_config *c)
{
    return c->process != NULL && c->process->user != NULL ? (uint32_t)c->process->user->gid.v : 0;
}

#endif
