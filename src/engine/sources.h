/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each setting of a container came from: the writer. Collected while the configuration is built, kept as the
 * annotation ANNOTATION_SOURCES, read by layers/sources.h, which has the form of a line.
 *
 * The path is the JSON path of the member, as the tables of oci/ have it. An entry of a list is named by what it is,
 * not by its number: "mounts[/proc]", "linux.maskedPaths[/proc/kcore]", "linux.namespaces[pid]",
 * "linux.sysctl[net.ipv4.ip_forward]", "process.rlimits[RLIMIT_NOFILE]".
 *
 * The source is "flag --memory 512m", "profile default:12", "image", "host" or "built in".
 */
#ifndef COFFER_ENGINE_SOURCES_H
#define COFFER_ENGINE_SOURCES_H

#include "base/buf.h"
#include "base/err.h"
#include "engine/profile.h"

/* Later lines for the same path replace earlier ones for the reader. */
void source_flag(struct buf *out, const char *path, const char *flag, const char *value); /* value may be NULL */
void source_profile(struct buf *out, const char *path, const struct profile_item *item);
void source_text(struct buf *out, const char *path, const char *source);

/* The three for an entry of a list: path[entry]. */
void source_entry_flag(struct buf *out, const char *path, const char *entry, const char *flag, const char *value);
void source_entry_profile(struct buf *out, const char *path, const char *entry, const struct profile_item *item);
void source_entry_text(struct buf *out, const char *path, const char *entry, const char *source);

/*
 * An error below the engine speaks of members of the document: "linux.sysctl: kernel.panic belongs to ...". Where a
 * line of sources says which flag set that member, add " (--sysctl kernel.panic=1)" to the text.
 */
void source_blame(const char *sources, struct err *err);

#endif
