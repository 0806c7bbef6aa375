/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spec.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/macros.h"
#include "engine/spec_private.h"
#include "layers/layer.h"

int spec_no_memory(struct spec *s)
{
    return err_set(s->err, -ENOMEM, LAYER_ENGINE, "out of memory");
}

int spec_fault(struct spec *s, enum layer_id layer, const char *flag, const char *value, const char *fmt, ...)
{
    char text[sizeof s->err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(s->err, -EINVAL, layer, "%s %s: %s", flag, value, text);
}

void spec_push(struct spec *s, struct oci_strs *list, const char *value)
{
    /* One more than n is in use: the final NULL. */
    char **v = list->v;
    if (list->n == 0 || (list->n & (list->n - 1)) == 0) {
        v = arena_calloc(s->arena, 2 * list->n + 4, sizeof *v);
        if (v == NULL)
            return;
        if (list->n > 0)
            memcpy(v, list->v, list->n * sizeof *v);
    }
    list->v = v;
    list->set = true;
    v[list->n++] = arena_strdup(s->arena, value);
    v[list->n] = NULL;
}

void spec_map(struct spec *s, struct oci_map *map, const char *key, const char *value)
{
    for (size_t i = 0; i < map->n; i++) {
        if (str_eq(map->v[i].key, key)) {
            map->v[i].value = arena_strdup(s->arena, value);
            return;
        }
    }
    struct oci_pair *pair = spec_append(s, *map);
    if (pair == NULL)
        return;
    pair->key = arena_strdup(s->arena, key);
    pair->value = arena_strdup(s->arena, value);
}

int spec_boolean(const char *text)
{
    static const char *const words[2][6] = {{"0", "f", "F", "false", "False", "FALSE"},
                                            {"1", "t", "T", "true", "True", "TRUE"}};
    for (int value = 0; value < 2; value++)
        for (size_t i = 0; i < ARRAY_LEN(words[value]); i++)
            if (str_eq(words[value][i], text))
                return value;
    return -EINVAL;
}

int spec_split(struct spec *s, const char *text, char separator, struct strings *ret)
{
    for (;;) {
        const char *end = strchrnul(text, separator);
        if (end > text && !strings_add(s->arena, ret, arena_strndup(s->arena, text, (size_t)(end - text))))
            return spec_no_memory(s);
        if (*end == '\0')
            return s->arena->failed ? spec_no_memory(s) : 0;
        text = end + 1;
    }
}

int spec_unlocked(struct spec *s, enum layer_id layer, const char *key, const char *flag, const char *value)
{
    const struct profile_item *lock = profile_find(&s->p->locked, key);
    if (lock == NULL)
        return 0;
    return err_set(s->err, -EPERM, layer, "%s%s%s: refused, profile %s locks %s (line %u)", flag,
                   value != NULL ? " " : "", value != NULL ? value : "", lock->profile, key, lock->line);
}

const char *spec_security_opt(const struct spec *s, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = s->o->security_opt.n; i-- > 0;) {
        const char *opt = s->o->security_opt.v[i];
        if (strncmp(opt, key, n) != 0)
            continue;
        if (opt[n] == '\0')
            return "";
        if (opt[n] == '=' || opt[n] == ':')
            return opt + n + 1;
    }
    return NULL;
}

static void annotations(struct spec *s)
{
    struct oci_map *map = &s->config->annotations;
    if (s->o->init) {
        spec_map(s, map, ANNOTATION_INIT, "true");
        source_entry_flag(&s->sources, "annotations", ANNOTATION_INIT, "--init", NULL);
    }
}

/* --annotation KEY=VALUE goes to the document as it is; our own prefix belongs to the other flags. */
static int user_annotations(struct spec *s)
{
    for (size_t i = 0; i < s->o->annotations.n; i++) {
        const char *value = s->o->annotations.v[i];
        const char *equals = strchr(value, '=');
        if (equals == NULL || equals == value)
            return spec_fault(s, LAYER_CONFIG, "--annotation", value, "expected KEY=VALUE");
        if (str_starts(value, ANNOTATION_PREFIX))
            return spec_fault(s, LAYER_CONFIG, "--annotation", value,
                              "names with " ANNOTATION_PREFIX " are set by coffer's own options");
        char *key = arena_strndup(s->arena, value, (size_t)(equals - value));
        if (key == NULL)
            return spec_no_memory(s);
        spec_map(s, &s->config->annotations, key, equals + 1);
        source_entry_flag(&s->sources, "annotations", key, "--annotation", value);
    }
    return 0;
}

static int build(struct spec *s)
{
    static int (*const parts[])(struct spec *) = {
        spec_namespaces, spec_process, spec_capabilities, spec_security, spec_resources,
        spec_block_io,   spec_devices, spec_mounts,       spec_limits,   user_annotations,
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int r = parts[i](s);
        if (r < 0)
            return r;
    }
    annotations(s);
    if (s->sources.failed)
        return spec_no_memory(s);
    spec_map(s, &s->config->annotations, ANNOTATION_SOURCES, buf_str(&s->sources));
    return s->arena->failed ? spec_no_memory(s) : 0;
}

int spec_build(struct arena *a, const struct spec_request *request, struct oci_config **ret, struct err *err)
{
    struct spec s = {
        .arena = a,
        .request = request,
        .o = request->options,
        .p = request->profile,
        .host = request->host,
        .config = arena_new(a, struct oci_config),
        .sources = BUF_INIT,
        .err = err,
    };
    if (s.config == NULL)
        return spec_no_memory(&s);
    s.config->oci_version = arena_strdup(a, OCI_VERSION);
    s.config->root = arena_new(a, struct oci_root);
    s.config->process = arena_new(a, struct oci_process);
    s.config->linux = arena_new(a, struct oci_linux);
    if (a->failed)
        return spec_no_memory(&s);
    s.config->linux->resources = arena_new(a, struct oci_resources);
    s.config->root->path = arena_strdup(a, "rootfs");
    int r = a->failed ? spec_no_memory(&s) : build(&s);
    buf_free(&s.sources);
    if (r == 0)
        *ret = s.config;
    return r;
}
