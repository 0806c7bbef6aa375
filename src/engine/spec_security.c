/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp, labels, Landlock, masked and read-only paths. */
#include <fcntl.h>
#include <glob.h>

#include "base/fd.h"
#include "engine/seccomp_builtin.h"
#include "engine/spec_private.h"
#include "layers/capabilities/capabilities.h"
#include "layers/layer.h"
#include "layers/seccomp/seccomp.h"

#define MAX_SECCOMP ((size_t)4 * 1024 * 1024)

static const char *const known_opts[] = {
    "seccomp", "apparmor", "label", "no-new-privileges", "mask", "unmask", "systempaths", "landlock", "compat32",
};

static int check_opts(struct spec *s)
{
    for (size_t i = 0; i < s->o->security_opt.n; i++) {
        const char *opt = s->o->security_opt.v[i];
        size_t n = strcspn(opt, "=:");
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(known_opts); k++)
            known = known || (strlen(known_opts[k]) == n && memcmp(known_opts[k], opt, n) == 0);
        if (!known)
            return spec_fault(s, LAYER_CONFIG, "--security-opt", opt,
                              "expected seccomp=, apparmor=, label=, no-new-privileges, mask=, unmask=, systempaths=, "
                              "landlock= or compat32=");
        if (opt[n] == '\0' && !str_eq(opt, "no-new-privileges"))
            return spec_fault(s, LAYER_CONFIG, "--security-opt", opt, "expected a value after =");
    }
    return 0;
}

static int filter_facts(struct spec *s, struct seccomp_facts *ret)
{
    const char *bad = NULL;
    *ret = (struct seccomp_facts){
        .machine = s->host->machine,
        .kernel_major = s->host->kernel_major,
        .kernel_minor = s->host->kernel_minor,
    };
    if (capability_set(&s->config->process->capabilities->bounding, &ret->capabilities, &bad) < 0)
        return err_set(s->err, -EINVAL, LAYER_SECCOMP, "unknown capability %s", bad);
    return 0;
}

static int seccomp_from(struct spec *s, const char *value, const char *flag)
{
    struct oci_seccomp **section = &s->config->linux->seccomp;
    struct seccomp_facts facts;
    int r = filter_facts(s, &facts);
    if (r < 0 || str_eq(value, "unconfined"))
        return r;
    if (str_eq(value, "builtin"))
        return seccomp_builtin(s->arena, &facts, section, s->err);
    char *json = NULL;
    size_t length = 0;
    r = file_read(s->arena, AT_FDCWD, value, MAX_SECCOMP, &json, &length);
    if (r < 0)
        return err_set_errno(s->err, r, LAYER_SECCOMP, "%s%s", flag, value);
    r = seccomp_resolve_docker_profile(s->arena, json, length, &facts, section, s->err);
    if (r < 0)
        err_prefix(s->err, "%s%s", flag, value);
    return r;
}

static int seccomp(struct spec *s)
{
    static const char path[] = "linux.seccomp";
    const char *opt = spec_security_opt(s, "seccomp");
    if (opt != NULL) {
        int r = str_eq(opt, "builtin") ? 0 : spec_unlocked(s, LAYER_SECCOMP, "seccomp", "--security-opt seccomp", opt);
        if (r < 0)
            return r;
        source_flag(&s->sources, path, "--security-opt seccomp", opt);
        return seccomp_from(s, opt, "--security-opt seccomp=");
    }
    if (s->o->privileged) {
        source_flag(&s->sources, path, "--privileged", NULL);
        return spec_unlocked(s, LAYER_SECCOMP, "seccomp", "--privileged", NULL);
    }
    if (s->p->seccomp.value == NULL) {
        source_text(&s->sources, path, "built in: the profile sets none");
        return 0;
    }
    source_profile(&s->sources, path, &s->p->seccomp);
    return seccomp_from(s, s->p->seccomp.value, "profile's seccomp = ");
}

/* How much of the 32-bit interface a value leaves, from none to all. */
static int compat32_width(const char *value)
{
    return value == NULL || str_eq(value, "yes") ? 2 : str_eq(value, "auto") ? 1 : 0;
}

static int compat32_unlocked(struct spec *s, const char *opt)
{
    if (opt == NULL || compat32_width(opt) <= compat32_width(s->p->compat32.value))
        return 0;
    return spec_unlocked(s, LAYER_SECCOMP, "compat32", "--security-opt compat32", opt);
}

static int compat32(struct spec *s)
{
    static const char path[] = "annotations[" ANNOTATION_COMPAT32 "]";
    const char *opt = spec_security_opt(s, "compat32");
    const char *value = opt != NULL ? opt : s->p->compat32.value;
    if (s->config->linux->seccomp == NULL) {
        if (opt != NULL && str_eq(opt, "no"))
            return spec_fault(s, LAYER_SECCOMP, "--security-opt compat32", opt, "there is no seccomp filter to do it");
        return 0;
    }
    if (value == NULL)
        return 0;
    if (!str_eq(value, "yes") && !str_eq(value, "no") && !str_eq(value, "auto"))
        return spec_fault(s, LAYER_SECCOMP, "--security-opt compat32", value, "expected yes, no or auto");
    int r = compat32_unlocked(s, opt);
    if (r < 0)
        return r;
    if (str_eq(value, "yes"))
        return 0;
    if (str_eq(value, "auto") && s->request->image_has_32bit)
        return 0;
    spec_map(s, &s->config->annotations, ANNOTATION_COMPAT32, "false");
    if (opt != NULL)
        source_flag(&s->sources, path, "--security-opt compat32", opt);
    else
        source_profile(&s->sources, path, &s->p->compat32);
    return 0;
}

static int landlock(struct spec *s)
{
    static const char path[] = "annotations[" ANNOTATION_LANDLOCK "]";
    const char *opt = spec_security_opt(s, "landlock");
    const char *value = opt != NULL ? opt : s->p->landlock.value;
    if (opt != NULL) {
        if (!str_eq(opt, "on") && !str_eq(opt, "off") && !str_eq(opt, "auto"))
            return spec_fault(s, LAYER_MAC, "--security-opt landlock", opt, "expected on, off or auto");
        int r = str_eq(opt, "off") ? spec_unlocked(s, LAYER_MAC, "landlock", "--security-opt landlock", opt) : 0;
        if (r < 0)
            return r;
        source_flag(&s->sources, path, "--security-opt landlock", opt);
    } else if (s->o->privileged) {
        source_flag(&s->sources, path, "--privileged", NULL);
        value = "off";
    } else if (value != NULL) {
        source_profile(&s->sources, path, &s->p->landlock);
    }
    if (value != NULL)
        spec_map(s, &s->config->annotations, ANNOTATION_LANDLOCK, value);
    return 0;
}

static int apparmor(struct spec *s)
{
    const char *opt = spec_security_opt(s, "apparmor");
    const char *value = opt != NULL ? opt : s->p->apparmor.value;
    /* "unconfined" on a host without AppArmor asks for what is so. */
    if (value == NULL || (str_eq(value, "unconfined") && !s->host->apparmor))
        return 0;
    s->config->process->apparmor_profile = arena_strdup(s->arena, value);
    if (opt != NULL)
        source_flag(&s->sources, "process.apparmorProfile", "--security-opt apparmor", opt);
    else
        source_profile(&s->sources, "process.apparmorProfile", &s->p->apparmor);
    return 0;
}

/* label=user:U, role:R, type:T, level:L make one context; what is not named is as container-selinux has it. */
static int selinux(struct spec *s)
{
    const char *part[4] = {"system_u", "system_r", "container_t", "s0"};
    static const char *const names[] = {"user:", "role:", "type:", "level:"};
    bool any = false;
    for (size_t i = 0; i < s->o->security_opt.n; i++) {
        const char *opt = s->o->security_opt.v[i];
        if (!str_starts(opt, "label=") && !str_starts(opt, "label:"))
            continue;
        const char *value = opt + 6;
        bool known = str_eq(value, "disable");
        if (known)
            any = false;
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (str_starts(value, names[k]) && value[strlen(names[k])] != '\0') {
                part[k] = value + strlen(names[k]);
                any = known = true;
            }
        }
        if (!known)
            return spec_fault(s, LAYER_MAC, "--security-opt", opt,
                              "expected label=disable, or label=user:, role:, type: or level: and a name");
        source_flag(&s->sources, "process.selinuxLabel", "--security-opt", opt);
    }
    if (any)
        s->config->process->selinux_label =
            arena_printf(s->arena, "%s:%s:%s:%s", part[0], part[1], part[2], part[3]);
    return s->arena->failed ? spec_no_memory(s) : 0;
}

/* Is path named by this colon-separated list, where a final "*" stands for the rest of a name, and ALL for every path? */
static bool unmasked(const char *list, const char *path)
{
    for (const char *p = list; *p != '\0'; p += *p == ':') {
        size_t n = strcspn(p, ":");
        if (n == 3 && memcmp(p, "ALL", 3) == 0)
            return true;
        bool star = n > 0 && p[n - 1] == '*';
        if (star ? strncmp(p, path, n - 1) == 0 : strlen(path) == n && memcmp(p, path, n) == 0)
            return true;
        p += n;
    }
    return false;
}

static bool is_unmasked(const struct spec *s, const char *path)
{
    for (size_t i = 0; i < s->o->security_opt.n; i++)
        if (str_starts(s->o->security_opt.v[i], "unmask=") && unmasked(s->o->security_opt.v[i] + 7, path))
            return true;
    return false;
}

static void add_path(struct spec *s, struct oci_strs *list, const char *where, const struct profile_item *item)
{
    if (strchr(item->value, '*') == NULL) {
        if (!is_unmasked(s, item->value)) {
            spec_push(s, list, item->value);
            source_entry_profile(&s->sources, where, item->value, item);
        }
        return;
    }
    glob_t found = {0};
    if (glob(item->value, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (!is_unmasked(s, found.gl_pathv[i]))
                spec_push(s, list, found.gl_pathv[i]);
            source_entry_profile(&s->sources, where, found.gl_pathv[i], item);
        }
    }
    globfree(&found);
}

/* --security-opt mask=/a:/b */
static int add_masks(struct spec *s, const char *opt)
{
    struct strings paths = {0};
    int r = spec_split(s, opt + strlen("mask="), ':', &paths);
    for (size_t i = 0; i < paths.n && r == 0; i++) {
        if (paths.v[i][0] != '/')
            return spec_fault(s, LAYER_ROOTFS, "--security-opt", opt, "%s is not an absolute path", paths.v[i]);
        spec_push(s, &s->config->linux->masked_paths, paths.v[i]);
        source_entry_flag(&s->sources, "linux.maskedPaths", paths.v[i], "--security-opt", opt);
    }
    return r;
}

static int system_paths(struct spec *s)
{
    struct oci_linux *l = s->config->linux;
    const char *opt = spec_security_opt(s, "systempaths");
    const char *unmask = spec_security_opt(s, "unmask");
    if (opt != NULL && !str_eq(opt, "unconfined"))
        return spec_fault(s, LAYER_ROOTFS, "--security-opt systempaths", opt, "expected unconfined");
    const char *flag = opt != NULL ? "--security-opt systempaths" : "--security-opt unmask";
    if (opt != NULL || unmask != NULL) {
        int r = spec_unlocked(s, LAYER_ROOTFS, "masked_paths", flag, opt != NULL ? opt : unmask);
        if (r < 0)
            return r;
    }
    if (unmask != NULL) {
        source_flag(&s->sources, "linux.maskedPaths", flag, unmask);
        source_flag(&s->sources, "linux.readonlyPaths", flag, unmask);
    }
    l->masked_paths.set = l->readonly_paths.set = true;
    if (opt != NULL || s->o->privileged) {
        const char *who = opt != NULL ? flag : "--privileged";
        source_flag(&s->sources, "linux.maskedPaths", who, opt);
        source_flag(&s->sources, "linux.readonlyPaths", who, opt);
    } else {
        for (size_t i = 0; i < s->p->masked_paths.n; i++)
            add_path(s, &l->masked_paths, "linux.maskedPaths", &s->p->masked_paths.v[i]);
        for (size_t i = 0; i < s->p->readonly_paths.n; i++)
            add_path(s, &l->readonly_paths, "linux.readonlyPaths", &s->p->readonly_paths.v[i]);
    }
    for (size_t i = 0; i < s->o->security_opt.n; i++) {
        int r = str_starts(s->o->security_opt.v[i], "mask=") ? add_masks(s, s->o->security_opt.v[i]) : 0;
        if (r < 0)
            return r;
    }
    return s->arena->failed ? spec_no_memory(s) : 0;
}

int spec_security(struct spec *s)
{
    static int (*const parts[])(struct spec *) = {check_opts, seccomp, compat32, landlock, apparmor, selinux,
                                                  system_paths};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int r = parts[i](s);
        if (r < 0)
            return r;
    }
    return 0;
}
