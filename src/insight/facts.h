/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside explain: how a wall's facts are made. Each explain_<wall>.c reads one document, which is either what was
 * asked for or what was observed, and adds facts; explain.c runs it over both and merges by subject.
 *
 * A subject that is observed is also added when it is absent ("memory: no limit"), so that something wanted and not in
 * force shows as a difference.
 */
#ifndef COFFER_INSIGHT_FACTS_H
#define COFFER_INSIGHT_FACTS_H

#include "engine/profile.h"
#include "insight/explain.h"

struct wall_view {
    struct arena *a;
    const struct explain_input *input;
    const struct oci_config *c; /* the document that is being read */
    bool observed;              /* it was read back from a live process */
    struct wall_facts *facts;
    const struct profile *usual; /* what Docker puts around a container: the measure for "more than usual" */
};

typedef void wall_fn(struct wall_view *v);
wall_fn explain_namespaces, explain_idmap, explain_cgroup, explain_network, explain_rootfs, explain_limits, explain_mac,
    explain_capabilities, explain_seccomp;

/*
 * Append a fact; fmt makes the detail. path is the setting's path in ANNOTATION_SOURCES, or NULL. Subjects and
 * meanings must live as long as the arena. Never NULL: out of memory a fact is returned that is not in the list, and
 * the arena remembers.
 */
struct fact *fact_add(struct wall_view *v, enum fact_state state, const char *subject, const char *path,
                      const char *meaning, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* source_of() (layers/sources.h) in the document's annotation. NULL: unknown. */
const char *fact_source(struct arena *a, const struct oci_config *c, const char *path);

/* "a; b", or the one that is not NULL. */
const char *fact_join(struct arena *a, const char *one, const char *other);

/* Could this kind of namespace of the live process not be read? Then nobody knows whether it is the host's. */
bool view_unread(const struct wall_view *v, const char *type);

/* The container's user namespace as this document has it: of its own (made or joined)? */
static inline bool view_has_userns(const struct wall_view *v)
{
    return oci_has_userns(v->c);
}

/*
 * drift.c, for an observed view with a configuration beside it. Those of wanted that the live mount tree does not cover
 * (masked) or hold read-only, as a list; NULL: none. Paths that the container does not have are left out.
 */
const char *drift_paths(struct wall_view *v, const struct oci_strs *wanted, bool masked);
/* What was asked for in the place of this mount of the live process; NULL: this one, or there is no configuration. */
const char *drift_kind(struct wall_view *v, const struct oci_mount *seen);
/* Adds a fact for each mount that was asked for and is not there. */
void drift_missing(struct wall_view *v);

/* Is there a user namespace in which the host's root is mapped? Then its root's files and powers are the host's. */
bool view_maps_host_root(const struct wall_view *v);
bool view_root_is_hosts(const struct wall_view *v); /* and is it root in there, too? */

/* Strings of an untrusted origin for a terminal or a report: control characters and bytes that are no UTF-8 as \xNN. */
const char *fact_clean(struct arena *a, const char *s);

#endif
