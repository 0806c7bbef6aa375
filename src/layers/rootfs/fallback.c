/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay on kernels that take its layers neither one by one (before 6.8) nor as detached mounts (before 6.15): a
 * short-lived process with a mount namespace of its own attaches the idmapped clones over the directories that they
 * are clones of, mounts the overlay with mount(2), and hands a detached clone of it back over a socket. mount(2)'s
 * options fit into one page; layers are named by descriptor (/proc/self/fd/N) so that about 200 do.
 *
 * The process shares nothing with its caller but the socket. It allocates nothing, for it may have been made by one of
 * several threads, or by the child of a start.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/rootfs/rootfs.h"
#include "sys/calls.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define MAX_OPTIONS 4096

struct options {
    char text[MAX_OPTIONS];
    size_t used;
};

/* What does not fit is counted all the same: build() refuses when used has reached the size. */
static void add_text(struct options *o, const char *before, const char *text)
{
    size_t at = MIN_OF(o->used, sizeof o->text);
    int n = snprintf(o->text + at, sizeof o->text - at, "%s%s", before, text);
    o->used += n > 0 ? (size_t)n : 0;
}

static void add(struct options *o, const char *before, int fd)
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    add_text(o, before, link);
}

/* Lay an idmapped clone of the directory over it, here only, and open what is then there. */
static int open_layer(const char *path, int userns, struct err *err)
{
    if (userns >= 0) {
        CLEANUP_FD int clone = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (clone < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: layer %s", path);
        int r = rootfs_set_idmap(clone, userns, false, path, err);
        if (r < 0)
            return r;
        if (move_mount(clone, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
            return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: attach the mapped layer %s", path);
    }
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: layer %s", path);
}

static bool lies_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);
    return strncmp(path, directory, n) == 0 && (path[n] == '/' || (n > 0 && directory[n - 1] == '/'));
}

static int add_upper(struct options *options, const struct rootfs_overlay *o, int userns, struct stat *ret_owner,
                     struct err *err)
{
    int base = open_layer(o->base, userns, err);
    if (base < 0)
        return base;
    int upper = openat(base, o->upper_below, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int work = openat(base, o->work_below, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (upper < 0 || work < 0 || fstat(upper, ret_owner) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: upper %s, work %s", o->upper, o->work);
    add(options, ",upperdir=", upper);
    add(options, ",workdir=", work);
    return 0;
}

/* The layers stay open until this process ends: their names in the options are their descriptors. */
static int build(const struct rootfs_overlay *o, int userns, uint64_t attributes, struct err *err)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: private mounts");
    struct options options = {.used = 0};
    struct options upper = {.used = 0};
    struct stat owner = {0};
    int r = 0;
    /* Upper first: the clone of its parent directory covers layers that lie below it as well, and no mount is mapped
     * twice. */
    if (o->upper != NULL && (r = add_upper(&upper, o, userns, &owner, err)) < 0)
        return r;
    for (size_t i = 0; i < o->n_lower; i++) {
        bool covered = o->upper != NULL && lies_below(o->lower[i], o->base);
        int fd = open_layer(o->lower[i], covered ? -EBADF : userns, err);
        if (fd < 0)
            return fd;
        add(&options, i == 0 ? "lowerdir=" : ":", fd);
    }
    add_text(&options, "", upper.text);
    if (o->label != NULL) {
        add_text(&options, ",context=\"", o->label);
        add_text(&options, "\"", "");
    }
    for (size_t i = 0; i < o->n_parameters; i++) {
        add_text(&options, ",", o->parameters[i].key);
        if (o->parameters[i].value != NULL)
            add_text(&options, "=", o->parameters[i].value);
    }
    if (o->user_xattr)
        add_text(&options, ",", "userxattr");
    if (options.used >= sizeof options.text)
        return err_set(err, -E2BIG, LAYER_ROOTFS, "overlay: %zu layers are more than this kernel takes (6.8 takes 500)",
                       o->n_lower);
    struct rootfs_identity old;
    bool mapped = userns >= 0 && o->upper != NULL;
    if (mapped && (r = rootfs_become(&owner, &old, err)) < 0)
        return r;
    if (mount("overlay", o->lower[0], "overlay", 0, options.text) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay of %zu layers", o->n_lower);
    if (mapped && (r = rootfs_unbecome(&old, err)) < 0)
        return r;
    int fd = open_tree(AT_FDCWD, o->lower[0], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr attr = {.attr_set = attributes};
    if (fd < 0 || (attributes != 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0))
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: open it again");
    return fd;
}

union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
};

static void hand_back(int socket, int fd, const struct err *err)
{
    union control control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)err, .iov_len = sizeof *err};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    _exit(sendmsg(socket, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof *err ? 0 : 1);
}

static int receive(int socket, struct err *err)
{
    union control control = {0};
    struct err said = ERR_INIT;
    struct iovec iov = {.iov_base = &said, .iov_len = sizeof said};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    while ((n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    struct cmsghdr *c = n == (ssize_t)sizeof said ? CMSG_FIRSTHDR(&msg) : NULL;
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int))) {
        int fd = -EBADF;
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
        return fd;
    }
    if (n == (ssize_t)sizeof said && said.code < 0) {
        if (err != NULL)
            *err = said;
        return said.code;
    }
    return err_set(err, -EPIPE, LAYER_ROOTFS, "overlay: the process that mounts it died");
}

int rootfs_overlay_by_path(const struct rootfs_overlay *o, int userns, uint64_t attributes, struct err *err)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return err_set_errno(err, -errno, LAYER_ROOTFS, "overlay: socketpair");
    CLEANUP_FD int ours = sockets[0], theirs = sockets[1];
    int pid_out = -EBADF;
    struct clone_args args = {.flags = CLONE_NEWNS | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
                              .pidfd = (uint64_t)(uintptr_t)&pid_out};
    pid_t pid = sys_clone3(&args, sizeof args);
    if (pid < 0)
        return err_set_errno(err, pid, LAYER_ROOTFS, "overlay: clone3");
    if (pid == 0) {
        struct err own = ERR_INIT;
        int fd = build(o, userns, attributes, &own);
        hand_back(theirs, fd, &own);
    }
    CLEANUP_FD int pidfd = pid_out;
    fd_close(&theirs);
    int r = receive(ours, err);
    siginfo_t info;
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
        ;
    return r;
}
