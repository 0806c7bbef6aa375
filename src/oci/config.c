/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/config.h"

#include <errno.h>

#include "base/str.h"
#include "oci/table.h"
#include "oci/version.h"

/*
 * Version 2 may mean anything by the same names. 0.x documents can be read (the specification's own tests have one)
 * but not run: see oci_config_check_runnable().
 */
static int check_version(const struct oci_config *c, struct err *err)
{
    struct oci_version v = {0};
    if (oci_version_parse(c->oci_version, &v) < 0 || v.major > 1)
        return err_set(err, -EINVAL, LAYER_CONFIG,
                       "ociVersion: \"%.60s\" is newer than what this program knows (1.x); use a newer program",
                       c->oci_version);
    return 0;
}

int oci_config_parse(struct arena *a, const char *json, size_t len, struct oci_config **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_config_document, json, len, &made, err);
    if (r == 0)
        r = check_version(made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_config_read(struct arena *a, int dirfd, const char *path, struct oci_config **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse_file(a, &oci_config_document, dirfd, path, &made, err);
    if (r < 0)
        return r;
    r = check_version(made, err);
    if (r < 0) {
        err_prefix(err, "%s", path);
        return r;
    }
    *ret = made;
    return 0;
}

void oci_config_print(const struct oci_config *c, bool pretty, struct buf *out)
{
    oci_print(&oci_config_document, c, pretty, out);
}

int oci_process_parse(struct arena *a, const char *json, size_t len, struct oci_process **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_process_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_resources_parse(struct arena *a, const char *json, size_t len, struct oci_resources **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_resources_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_seccomp_parse(struct arena *a, const char *json, size_t len, struct oci_seccomp **ret, struct err *err)
{
    void *made = NULL;
    int r = oci_parse(a, &oci_seccomp_document, json, len, &made, err);
    if (r == 0)
        *ret = made;
    return r;
}

int oci_config_check_runnable(const struct oci_config *c, struct err *err)
{
    struct oci_version v = {0};
    if (c->oci_version == NULL || oci_version_parse(c->oci_version, &v) < 0 || v.major != 1)
        return err_set(err, -EINVAL, LAYER_CONFIG, "ociVersion: \"%.60s\" is not 1.x, the only one that can be run",
                       c->oci_version != NULL ? c->oci_version : "");
    const struct oci_process *p = c->process;
    if (p == NULL)
        return err_set(err, -EINVAL, LAYER_CONFIG, "process: missing, but required to run");
    if (p->cwd == NULL || p->cwd[0] != '/')
        return err_set(err, -EINVAL, LAYER_CONFIG, "process.cwd: \"%.60s\" is not an absolute path",
                       p->cwd != NULL ? p->cwd : "");
    if (p->args.n == 0)
        return err_set(err, -EINVAL, LAYER_CONFIG, "process.args: missing or empty; it names the program to run");
    if (p->args.v[0][0] == '\0')
        return err_set(err, -EINVAL, LAYER_CONFIG, "process.args[0]: empty; it names the program to run");
    return 0;
}

const char *oci_annotation(const struct oci_config *c, const char *key)
{
    for (size_t i = 0; i < c->annotations.n; i++)
        if (str_eq(c->annotations.v[i].key, key))
            return c->annotations.v[i].value;
    return NULL;
}

const struct oci_namespace *oci_namespace_find(const struct oci_config *c, const char *type)
{
    for (size_t i = 0; c->linux != NULL && i < c->linux->namespaces.n; i++)
        if (str_eq(c->linux->namespaces.v[i].type, type))
            return &c->linux->namespaces.v[i];
    return NULL;
}
