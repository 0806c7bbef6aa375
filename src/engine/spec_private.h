/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the spec_*.c files: the configuration while it is being built. */
#ifndef COFFER_ENGINE_SPEC_PRIVATE_H
#define COFFER_ENGINE_SPEC_PRIVATE_H

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "engine/sources.h"
#include "engine/spec.h"

struct spec {
    struct arena *arena;
    const struct spec_request *request;
    const struct run_options *o;
    const struct profile *p;
    const struct host *host;
    struct oci_config *config;
    struct buf sources;
    struct err *err;
    bool network_private, ipc_private, userns_private;
    const char *home; /* of the process's user, for HOME */
};

/* The parts, in the order in which spec_build() calls them. 0 or a negative errno with s->err. */
int spec_namespaces(struct spec *s);
int spec_process(struct spec *s);
int spec_capabilities(struct spec *s);
int spec_security(struct spec *s);
int spec_resources(struct spec *s);
int spec_block_io(struct spec *s);
int spec_devices(struct spec *s);
int spec_mounts(struct spec *s);
int spec_limits(struct spec *s);

/* The user of the process, and its groups, from --user or the image. Sets s->home. */
int spec_user(struct spec *s);
int spec_environment(struct spec *s);
int spec_userns(struct spec *s);

/* "layer: --flag value: text". */
int spec_fault(struct spec *s, enum layer_id layer, const char *flag, const char *value, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

int spec_no_memory(struct spec *s);

/* Refuse a flag that would loosen what the profile locks. 0 where it does not. */
int spec_unlocked(struct spec *s, enum layer_id layer, const char *key, const char *flag, const char *value);

/* The value of the last "key=value" or "key:value" in --security-opt, or NULL; "" for a bare key. */
const char *spec_security_opt(const struct spec *s, const char *key);

/* Words of s between separator characters, none empty; in the arena. */
int spec_split(struct spec *s, const char *text, char separator, struct strings *ret);

/* "true", "1", "t", "yes"... as Docker's boolean flags take them: 1, 0 or -EINVAL. */
int spec_boolean(const char *text);

/* Options of a mount: set, whatever was there; take away. */
void spec_push(struct spec *s, struct oci_strs *list, const char *value);
void spec_map(struct spec *s, struct oci_map *map, const char *key, const char *value);

#define spec_append(s, array)                                                               \
    ({                                                                                      \
        __typeof__((array).v) new_ = arena_grow((s)->arena, (array).v, (array).n, sizeof *new_); \
        if (new_ != NULL) {                                                                 \
            (array).v = new_;                                                               \
            (array).set = true;                                                             \
            new_ += (array).n++;                                                            \
        }                                                                                   \
        new_;                                                                               \
    })

/* A mount entry; options NULL-terminated or NULL. */
struct oci_mount *spec_add_mount(struct spec *s, const char *destination, const char *type, const char *source);

/* Does the container have a new or joined namespace of this type? */
static inline bool spec_has_namespace(const struct spec *s, const char *type)
{
    return oci_namespace_find(s->config, type) != NULL;
}

#endif
