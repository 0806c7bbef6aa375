/* SPDX-License-Identifier: Apache-2.0 */
/* Owner, mode, xattrs and times of unpacked files. */
#ifndef COFFER_IMAGE_METADATA_H
#define COFFER_IMAGE_METADATA_H

#include <sys/stat.h>

#include "base/arena.h"
#include "image/archive_lib.h"
#include "image/unpack.h"

struct metadata {
    uid_t uid;
    gid_t gid;
    mode_t mode;
    struct timespec times[2]; /* both the archive's mtime */
    bool has_time;
};
int image_metadata_read(const struct archive_lib *lib, struct archive_entry *entry, const char *name,
                        struct metadata *ret, struct err *err);

/* Owner, xattrs, mode of the regular file or directory behind fd (not O_PATH); times too, except of a directory. */
int image_metadata_set(const struct archive_lib *lib, struct archive_entry *entry, const char *name,
                       const struct metadata *m, int fd, struct unpack_counts *counts, struct err *err);

/* Owner, mode (not of a symbolic link) and times of anything else, by name below its parent. */
int image_metadata_set_special(const char *name, const struct metadata *m, int parent, const char *base, bool link,
                               struct unpack_counts *counts, struct err *err);

/*
 * A directory's mode and times come last: its entries would change the one and may be kept out by the other. Names are
 * kept until then; children are done before parents.
 */
struct late_dirs {
    struct arena arena;
    struct late_dir *v;
    size_t n, cap;
    size_t bytes; /* that they take in memory */
};
int image_late_dirs_add(struct late_dirs *l, const char *path, const struct metadata *m, struct err *err);
int image_late_dirs_set(struct late_dirs *l, int root, struct err *err);
void image_late_dirs_free(struct late_dirs *l);
#define CLEANUP_LATE_DIRS CLEANUP(image_late_dirs_free)

#endif
