/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading ANNOTATION_SOURCES: where each setting of a document came from. One line a setting,
 *
 *     <path>[<entry>]<TAB><source>
 *
 * path is the JSON path of a member; an entry of a list or a map is named by what it is ("mounts[/proc]",
 * "process.capabilities[CAP_CHOWN]"). Of several lines with the same path and entry the last counts. The engine writes
 * the lines (engine/sources.h).
 */
#ifndef COFFER_LAYERS_SOURCES_H
#define COFFER_LAYERS_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct source_line {
    const char *path, *entry, *source; /* not ended by NUL; entry NULL: the member as a whole */
    size_t path_length, entry_length, source_length;
};

/* The line at *cursor, which moves on; false at the end. Lines that do not have the form are passed over. */
bool source_next(const char **cursor, struct source_line *ret);

/*
 * Where the setting at path came from. "mounts[/proc]": that entry's source, or else the list's. "linux.maskedPaths":
 * the list's own and all its entries' sources, each once, lines of one profile together: "profile docker:43-55; flag
 * --security-opt mask=/x". NULL: unknown, or memory is out and the arena failed.
 */
char *source_of(struct arena *a, const char *sources, const char *path);

#endif
