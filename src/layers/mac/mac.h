/* SPDX-License-Identifier: Apache-2.0 */
/* Public to runtime/ and insight/: Landlock rules made out of a document. */
#ifndef COFFER_LAYERS_MAC_H
#define COFFER_LAYERS_MAC_H

#include <stdbool.h>

#include "layers/layer.h"

/*
 * Why a container of this document cannot, or in the mode "auto" should not, run behind Landlock; NULL when it can.
 * One line that ends a sentence, such as "this kernel has no Landlock".
 */
const char *mac_landlock_obstacle(const struct oci_config *config, const struct host *host, bool automatic);

/*
 * Add the operations that put the calling process behind Landlock to STEP_CHILD_LATE of plan, or refuse, or add
 * nothing, as the document's ANNOTATION_LANDLOCK says. The mac layer's own plan calls it.
 *
 * scoped: also keep signals and abstract sockets inside. A program that enters a container later (exec) gets a Landlock
 * domain of its own, for a domain cannot be joined: with scopes it could not even send the container's program a
 * SIGHUP, so exec passes false.
 */
int mac_landlock_plan(const struct oci_config *config, const struct host *host, bool scoped, struct plan *plan,
                      struct err *err);

#endif
