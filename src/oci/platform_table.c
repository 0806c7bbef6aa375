/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of other platforms (runtime-spec config-solaris.md, config-windows.md, config-vm.md, config-zos.md,
 * config-freebsd.md). No wall of ours reads them, so they have no structs: they are checked, and kept as text.
 */
#include "oci/config_tables.h"

#define PART(kind_, json, ...) {.name = (json), .kind = OCI_KIND_##kind_, __VA_ARGS__}
#define SUB(type) .sub = &type##_table

/* Solaris */

static const struct oci_field oci_solaris_cpu_fields[] = {PART(STRING, "ncpus")};
static OCI_SECTION_TABLE(oci_solaris_cpu);

static const struct oci_field oci_solaris_memory_fields[] = {PART(STRING, "physical"), PART(STRING, "swap")};
static OCI_SECTION_TABLE(oci_solaris_memory);

static const struct oci_field oci_solaris_anet_fields[] = {
    PART(STRING, "linkname"),   PART(STRING, "lowerLink"),
    PART(STRING, "allowedAddress"), PART(STRING, "configureAllowedAddress"),
    PART(STRING, "defrouter"),  PART(STRING, "macAddress"),
    PART(STRING, "linkProtection"),
};
static OCI_SECTION_TABLE(oci_solaris_anet);

static const struct oci_field oci_solaris_fields[] = {
    PART(STRING, "milestone"),
    PART(STRING, "limitpriv"),
    PART(STRING, "maxShmMemory"),
    PART(OBJECT, "cappedCPU", SUB(oci_solaris_cpu)),
    PART(OBJECT, "cappedMemory", SUB(oci_solaris_memory)),
    PART(OBJECTS, "anet", SUB(oci_solaris_anet)),
};
OCI_SECTION_TABLE(oci_solaris);

/* Windows */

static const struct oci_field oci_windows_device_fields[] = {
    PART(STRING, "id", OCI_REQUIRED),
    PART(STRING, "idType", OCI_REQUIRED, OCI_VALUES("class")),
};
static OCI_SECTION_TABLE(oci_windows_device);

static const struct oci_field oci_windows_memory_fields[] = {PART(UINT, "limit", OCI_U64)};
static OCI_SECTION_TABLE(oci_windows_memory);

static const struct oci_field oci_windows_affinity_fields[] = {
    PART(UINT, "mask", OCI_U64),
    PART(UINT, "group", OCI_U32),
};
static OCI_SECTION_TABLE(oci_windows_affinity);

static const struct oci_field oci_windows_cpu_fields[] = {
    PART(UINT, "count", OCI_U64),
    PART(UINT, "shares", OCI_U16),
    PART(UINT, "maximum", OCI_U16),
    PART(OBJECT, "affinity", SUB(oci_windows_affinity)),
};
static OCI_SECTION_TABLE(oci_windows_cpu);

static const struct oci_field oci_windows_storage_fields[] = {
    PART(UINT, "iops", OCI_U64),
    PART(UINT, "bps", OCI_U64),
    PART(UINT, "sandboxSize", OCI_U64),
};
static OCI_SECTION_TABLE(oci_windows_storage);

static const struct oci_field oci_windows_resources_fields[] = {
    PART(OBJECT, "memory", SUB(oci_windows_memory)),
    PART(OBJECT, "cpu", SUB(oci_windows_cpu)),
    PART(OBJECT, "storage", SUB(oci_windows_storage)),
};
static OCI_SECTION_TABLE(oci_windows_resources);

static const struct oci_field oci_windows_network_fields[] = {
    PART(STRINGS, "endpointList"),
    PART(BOOL, "allowUnqualifiedDNSQuery"),
    PART(STRINGS, "DNSSearchList"),
    PART(STRING, "networkSharedContainerName"),
    PART(STRING, "networkNamespace"),
};
static OCI_SECTION_TABLE(oci_windows_network);

static const struct oci_field oci_windows_hyperv_fields[] = {PART(STRING, "utilityVMPath")};
static OCI_SECTION_TABLE(oci_windows_hyperv);

static const struct oci_object oci_any_table = {.fields = NULL, .n = 0}; /* an object of whatever members */

static const struct oci_field oci_windows_fields[] = {
    PART(STRINGS, "layerFolders", OCI_REQUIRED, .min_items = 1),
    PART(OBJECTS, "devices", SUB(oci_windows_device)),
    PART(OBJECT, "resources", SUB(oci_windows_resources)),
    PART(OBJECT, "network", SUB(oci_windows_network)),
    PART(OBJECT, "credentialSpec", SUB(oci_any)),
    PART(BOOL, "servicing"),
    PART(BOOL, "ignoreFlushesDuringBoot"),
    PART(OBJECT, "hyperv", SUB(oci_windows_hyperv)),
};
OCI_SECTION_TABLE(oci_windows);

/* Virtual machines */

static const struct oci_field oci_vm_hypervisor_fields[] = {
    PART(STRING, "path", OCI_REQUIRED),
    PART(STRINGS, "parameters"),
};
static OCI_SECTION_TABLE(oci_vm_hypervisor);

static const struct oci_field oci_vm_kernel_fields[] = {
    PART(STRING, "path", OCI_REQUIRED),
    PART(STRINGS, "parameters"),
    PART(STRING, "initrd"),
};
static OCI_SECTION_TABLE(oci_vm_kernel);

static const struct oci_field oci_vm_image_fields[] = {
    PART(STRING, "path", OCI_REQUIRED),
    PART(STRING, "format", OCI_REQUIRED, OCI_VALUES("raw", "qcow2", "vdi", "vmdk", "vhd")),
};
static OCI_SECTION_TABLE(oci_vm_image);

static const struct oci_field oci_vm_iomem_fields[] = {
    PART(UINT, "firstGFN", OCI_U64),
    PART(UINT, "firstMFN", OCI_U64, OCI_REQUIRED),
    PART(UINT, "nrMFNs", OCI_U64, OCI_REQUIRED),
};
static OCI_SECTION_TABLE(oci_vm_iomem);

static const struct oci_field oci_vm_hardware_fields[] = {
    PART(STRING, "deviceTree"),
    PART(UINT, "vcpus", OCI_U32),
    PART(UINT, "memory", OCI_U64),
    PART(STRINGS, "dtdevs"),
    PART(OBJECTS, "iomems", SUB(oci_vm_iomem)),
    PART(UINTS, "irqs", OCI_U32),
};
static OCI_SECTION_TABLE(oci_vm_hardware);

static const struct oci_field oci_vm_fields[] = {
    PART(OBJECT, "hypervisor", SUB(oci_vm_hypervisor)),
    PART(OBJECT, "kernel", SUB(oci_vm_kernel), OCI_REQUIRED),
    PART(OBJECT, "image", SUB(oci_vm_image)),
    PART(OBJECT, "hwConfig", SUB(oci_vm_hardware)),
};
OCI_SECTION_TABLE(oci_vm);

/* z/OS */

static const struct oci_field oci_zos_namespace_fields[] = {
    PART(STRING, "type", OCI_REQUIRED, OCI_VALUES("mount", "pid", "uts", "ipc")),
    PART(STRING, "path"),
};
static OCI_SECTION_TABLE(oci_zos_namespace);

static const struct oci_field oci_zos_fields[] = {PART(OBJECTS, "namespaces", SUB(oci_zos_namespace))};
OCI_SECTION_TABLE(oci_zos);

/* FreeBSD */

#define SHARING OCI_VALUES("disable", "new", "inherit")
#define SHARING_ENABLED OCI_VALUES("new", "inherit")

static const struct oci_field oci_freebsd_device_fields[] = {
    PART(STRING, "path"),
    PART(UINT, "mode", OCI_RANGE(0, 0777)),
};
static OCI_SECTION_TABLE(oci_freebsd_device);

static const struct oci_field oci_freebsd_allow_fields[] = {
    PART(BOOL, "setHostname"), PART(BOOL, "rawSockets"), PART(BOOL, "chflags"),
    PART(STRINGS, "mount"),    PART(BOOL, "quotas"),     PART(BOOL, "socketAf"),
    PART(BOOL, "mlock"),       PART(BOOL, "reservedPorts"), PART(BOOL, "suser"),
};
static OCI_SECTION_TABLE(oci_freebsd_allow);

static const struct oci_field oci_freebsd_jail_fields[] = {
    PART(STRING, "parent"),
    PART(STRING, "host", SHARING_ENABLED),
    PART(STRING, "ip4", SHARING),
    PART(STRINGS, "ip4Addr"),
    PART(STRING, "ip6", SHARING),
    PART(STRINGS, "ip6Addr"),
    PART(STRING, "vnet", SHARING_ENABLED),
    PART(STRING, "interface"),
    PART(STRINGS, "vnetInterfaces"),
    PART(STRING, "sysvmsg", SHARING),
    PART(STRING, "sysvsem", SHARING),
    PART(STRING, "sysvshm", SHARING),
    PART(UINT, "enforceStatfs", OCI_RANGE(0, UINT8_MAX)),
    PART(OBJECT, "allow", SUB(oci_freebsd_allow)),
};
static OCI_SECTION_TABLE(oci_freebsd_jail);

static const struct oci_field oci_freebsd_fields[] = {
    PART(OBJECTS, "devices", SUB(oci_freebsd_device)),
    PART(OBJECT, "jail", SUB(oci_freebsd_jail)),
};
OCI_SECTION_TABLE(oci_freebsd);
