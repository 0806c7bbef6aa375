/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/state.h"

#include "oci/table.h"

/* "paused" is not in the specification, but runc, crun and their callers use it. */
static const struct oci_field oci_state_fields[] = {
    OCI_STRING(oci_state, oci_version, "ociVersion", OCI_REQUIRED, OCI_FORM(version)),
    OCI_STRING(oci_state, id, "id", OCI_REQUIRED),
    OCI_STRING(oci_state, status, "status", OCI_REQUIRED,
               OCI_VALUES("creating", "created", "running", "stopped", "paused")),
    OCI_INT(oci_state, pid, "pid", OCI_RANGE(0, INT64_MAX)),
    OCI_STRING(oci_state, bundle, "bundle", OCI_REQUIRED),
    OCI_MAP(oci_state, annotations, "annotations"),
};
static OCI_TABLE(oci_state);

const struct oci_document oci_state_document = {
    .object = &oci_state_table,
    .max_bytes = (size_t)16 * 1024 * 1024,
    .max_tokens = 256 * 1024,
};

int oci_state_parse(struct arena *a, const char *json, size_t len, struct oci_state **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_state_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

void oci_state_print(const struct oci_state *s, bool pretty, struct buf *out)
{
    oci_print(&oci_state_document, s, pretty, out);
}
