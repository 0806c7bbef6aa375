/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a directory tree whose content is hostile: a container's or an archive's. */
#ifndef COFFER_IMAGE_TREE_H
#define COFFER_IMAGE_TREE_H

/*
 * Remove name below dirfd, whatever it is: no link is followed, depth is bounded in descriptors and stack however deep
 * the tree is. 0 when it was not there. Negative errno at the first thing that could not be removed.
 */
int image_tree_remove(int dirfd, const char *name);

#endif
