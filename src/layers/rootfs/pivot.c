/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into the new root. pivot_root(".", ".") puts the old root on top of the new one's "/", where "." still is; then it
 * is let go of (pivot_root(2), "Notes"). Nothing reaches the host by that: the old tree was made a slave or private.
 */
#include <errno.h>
#include <unistd.h>

#include "layers/rootfs/rootfs.h"
#include "sys/calls.h"

/* On an initial ramdisk the root cannot be pivoted: chroot(2) instead, with the root mount on top of the ramdisk. */
static int change_root(struct err *err)
{
    if (chroot(".") < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "chroot into the root file system");
    return 0;
}

int rootfs_pivot(struct rootfs_walk *w, struct err *err)
{
    if (fchdir(w->root) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "enter the root file system");
    int r = 0;
    if (w->ap->no_pivot) {
        r = change_root(err);
    } else {
        r = sys_pivot_root(".", ".");
        if (r < 0)
            return err_set_errno(err, r, LAYER_ROOTFS,
                                 "pivot_root%s", r == -EINVAL ? "; on an initial ramdisk use --no-pivot" : "");
        if (umount2(".", MNT_DETACH) < 0)
            r = err_set_errno(err, -errno, LAYER_ROOTFS, "let go of the old root");
    }
    if (r == 0 && chdir("/") < 0)
        r = err_set_errno(err, -errno, LAYER_ROOTFS, "chdir /");
    return r;
}
