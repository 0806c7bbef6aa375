/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of config.json that lie in more than one file. Private to oci/. */
#ifndef COFFER_OCI_CONFIG_TABLES_H
#define COFFER_OCI_CONFIG_TABLES_H

#include "oci/table.h"

extern const struct oci_object oci_id_mapping_table, oci_linux_table, oci_resources_table, oci_seccomp_table,
    oci_solaris_table, oci_windows_table, oci_vm_table, oci_zos_table, oci_freebsd_table;

/* Values that config.json, features and the rules of both share; NULL at the end. */
extern const char *const oci_namespace_types[], *const oci_seccomp_actions[], *const oci_seccomp_operators[],
    *const oci_seccomp_archs[], *const oci_seccomp_flags[], *const oci_memory_policy_modes[],
    *const oci_memory_policy_flags[];

#endif
