/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of user namespaces for idmapped mounts. */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/idmap/idmap.h"
#include "sys/calls.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int idmap_container_userns(const struct apply *ap, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)ap->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : err_set_errno(err, -errno, LAYER_IDMAP, "the container's user namespace");
}

static int write_maps(pid_t pid, const char *uid_map, const char *gid_map, int *ret_fd, struct err *err)
{
    const struct {
        const char *file, *text;
    } maps[] = {{"uid_map", uid_map}, {"gid_map", gid_map}};
    char path[64];
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, maps[i].file);
        int r = file_write(AT_FDCWD, path, maps[i].text);
        if (r < 0)
            return err_set_errno(err, r, LAYER_IDMAP, "idmapped mount: %s \"%s\"", maps[i].file, maps[i].text);
    }
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_IDMAP, "idmapped mount: its user namespace");
    *ret_fd = fd;
    return 0;
}

int idmap_new_userns(const char *uid_map, const char *gid_map, struct err *err)
{
    CLEANUP_FD int pidfd = -EBADF;
    int pid_out = -EBADF;
    /* No exit signal: the caller may be a program that waits for children of its own. */
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
                              .pidfd = (uint64_t)(uintptr_t)&pid_out};
    pid_t pid = sys_clone3(&args, sizeof args);
    if (pid < 0)
        return err_set_errno(err, pid, LAYER_IDMAP, "idmapped mount: new user namespace");
    if (pid == 0)
        for (;;)
            pause();
    pidfd = pid_out;
    int fd = -EBADF;
    int r = write_maps(pid, uid_map, gid_map, &fd, err);
    (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    siginfo_t info;
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
        ;
    return r < 0 ? r : fd;
}
