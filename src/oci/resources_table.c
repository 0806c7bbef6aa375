/* SPDX-License-Identifier: Apache-2.0 */
/* runtime-spec config-linux.md: linux.resources. */
#include "oci/config.h"
#include "oci/config_tables.h"
#include "oci/table.h"

static const struct oci_field oci_device_rule_fields[] = {
    OCI_BOOL(oci_device_rule, allow, "allow", OCI_REQUIRED),
    OCI_STRING(oci_device_rule, type, "type"),
    OCI_INT(oci_device_rule, major, "major", OCI_I64),
    OCI_INT(oci_device_rule, minor, "minor", OCI_I64),
    OCI_STRING(oci_device_rule, access, "access"),
};
static OCI_TABLE(oci_device_rule);

static const struct oci_field oci_block_weight_fields[] = {
    OCI_INT(oci_block_weight, major, "major", OCI_I64, OCI_REQUIRED),
    OCI_INT(oci_block_weight, minor, "minor", OCI_I64, OCI_REQUIRED),
    OCI_UINT(oci_block_weight, weight, "weight", OCI_U16),
    OCI_UINT(oci_block_weight, leaf_weight, "leafWeight", OCI_U16),
};
static OCI_TABLE(oci_block_weight);

static const struct oci_field oci_block_throttle_fields[] = {
    OCI_INT(oci_block_throttle, major, "major", OCI_I64, OCI_REQUIRED),
    OCI_INT(oci_block_throttle, minor, "minor", OCI_I64, OCI_REQUIRED),
    OCI_UINT(oci_block_throttle, rate, "rate", OCI_U64),
};
static OCI_TABLE(oci_block_throttle);

static const struct oci_field oci_block_io_fields[] = {
    OCI_UINT(oci_block_io, weight, "weight", OCI_U16),
    OCI_UINT(oci_block_io, leaf_weight, "leafWeight", OCI_U16),
    OCI_OBJECTS(oci_block_io, weight_device, "weightDevice", oci_block_weight),
    OCI_OBJECTS(oci_block_io, read_bps, "throttleReadBpsDevice", oci_block_throttle),
    OCI_OBJECTS(oci_block_io, write_bps, "throttleWriteBpsDevice", oci_block_throttle),
    OCI_OBJECTS(oci_block_io, read_iops, "throttleReadIOPSDevice", oci_block_throttle),
    OCI_OBJECTS(oci_block_io, write_iops, "throttleWriteIOPSDevice", oci_block_throttle),
};
static OCI_TABLE(oci_block_io);

static const struct oci_field oci_cpu_fields[] = {
    OCI_UINT(oci_cpu, shares, "shares", OCI_U64),
    OCI_INT(oci_cpu, quota, "quota", OCI_I64),
    OCI_UINT(oci_cpu, burst, "burst", OCI_U64),
    OCI_UINT(oci_cpu, period, "period", OCI_U64),
    OCI_INT(oci_cpu, realtime_runtime, "realtimeRuntime", OCI_I64),
    OCI_UINT(oci_cpu, realtime_period, "realtimePeriod", OCI_U64),
    OCI_STRING(oci_cpu, cpus, "cpus"),
    OCI_STRING(oci_cpu, mems, "mems"),
    OCI_INT(oci_cpu, idle, "idle", OCI_I64),
};
static OCI_TABLE(oci_cpu);

static const struct oci_field oci_memory_fields[] = {
    OCI_INT(oci_memory, limit, "limit", OCI_I64),
    OCI_INT(oci_memory, reservation, "reservation", OCI_I64),
    OCI_INT(oci_memory, swap, "swap", OCI_I64),
    OCI_INT(oci_memory, kernel, "kernel", OCI_I64),
    OCI_INT(oci_memory, kernel_tcp, "kernelTCP", OCI_I64),
    OCI_UINT(oci_memory, swappiness, "swappiness", OCI_U64),
    OCI_BOOL(oci_memory, disable_oom_killer, "disableOOMKiller"),
    OCI_BOOL(oci_memory, use_hierarchy, "useHierarchy"),
    OCI_BOOL(oci_memory, check_before_update, "checkBeforeUpdate"),
};
static OCI_TABLE(oci_memory);

static const struct oci_field oci_hugepage_fields[] = {
    OCI_STRING(oci_hugepage, page_size, "pageSize", OCI_REQUIRED, OCI_FORM(page_size)),
    OCI_PLAIN_UINT(oci_hugepage, limit, "limit", OCI_U64),
};
static OCI_TABLE(oci_hugepage);

static const struct oci_field oci_interface_priority_fields[] = {
    OCI_STRING(oci_interface_priority, name, "name", OCI_REQUIRED),
    OCI_PLAIN_U32(oci_interface_priority, priority, "priority"),
};
static OCI_TABLE(oci_interface_priority);

static const struct oci_field oci_net_cls_fields[] = {
    OCI_UINT(oci_net_cls, class_id, "classID", OCI_U32),
    OCI_OBJECTS(oci_net_cls, priorities, "priorities", oci_interface_priority),
};
static OCI_TABLE(oci_net_cls);

static const struct oci_field oci_pids_fields[] = {
    OCI_INT(oci_pids, limit, "limit", OCI_I64, OCI_REQUIRED),
};
static OCI_TABLE(oci_pids);

static const struct oci_field oci_rdma_fields[] = {
    OCI_UINT(oci_rdma, hca_handles, "hcaHandles", OCI_U32),
    OCI_UINT(oci_rdma, hca_objects, "hcaObjects", OCI_U32),
};
static OCI_TABLE(oci_rdma);

static const struct oci_field oci_resources_fields[] = {
    OCI_OBJECTS(oci_resources, devices, "devices", oci_device_rule),
    OCI_OBJECT(oci_resources, memory, "memory", oci_memory),
    OCI_OBJECT(oci_resources, cpu, "cpu", oci_cpu),
    OCI_OBJECT(oci_resources, pids, "pids", oci_pids),
    OCI_OBJECT(oci_resources, block_io, "blockIO", oci_block_io),
    OCI_OBJECTS(oci_resources, hugepage_limits, "hugepageLimits", oci_hugepage),
    OCI_OBJECT(oci_resources, network, "network", oci_net_cls),
    OCI_NAMED_OBJECTS(oci_resources, rdma, "rdma", oci_rdma),
    OCI_MAP(oci_resources, unified, "unified"),
};
OCI_TABLE(oci_resources);
