/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int handover_check(const struct runtime_create *q, const struct oci_config *config, struct err *err)
{
    bool terminal = config->process != NULL && config->process->terminal.v;
    if (terminal && q->console_socket == NULL && !q->console_fd_wanted)
        return err_set(err, -EINVAL, LAYER_RUNTIME,
                       "process.terminal: nobody takes the terminal; give --console-socket");
    if (!terminal && q->console_socket != NULL)
        return err_set(err, -EINVAL, LAYER_RUNTIME,
                       "--console-socket: the container has no terminal; set process.terminal");
    return 0;
}

static int connect_to(const char *path, int *ret)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, n + 1);
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
}

static int send_with_fd(int socket, const char *text, size_t n, int fd)
{
    struct iovec io = {.iov_base = (void *)(uintptr_t)text, .iov_len = n};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* runc's form: the terminal's name as the message, its master as the descriptor. */
static int send_console(const char *path, int console, struct err *err)
{
    CLEANUP_FD int socket = -EBADF;
    int r = connect_to(path, &socket);
    if (r == 0)
        r = send_with_fd(socket, "/dev/ptmx", strlen("/dev/ptmx"), console);
    return r < 0 ? err_set_errno(err, r, LAYER_RUNTIME, "console socket %s", path) : 0;
}

static void add_json_string(struct buf *b, const char *s)
{
    buf_putc(b, '"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            buf_printf(b, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            buf_printf(b, "\\u%04x", (unsigned)*s);
        else
            buf_putc(b, *s);
    }
    buf_putc(b, '"');
}

/* The "container process state" of config-linux.md, "seccomp": the agent gets it with the notify descriptor. */
int handover_listener(const struct runtime_create *q, const struct oci_config *config, pid_t pid, int listener,
                      struct err *err)
{
    const struct oci_seccomp *seccomp = config->linux->seccomp;
    CLEANUP_FD int socket = -EBADF;
    int r = connect_to(seccomp->listener_path, &socket);
    if (r < 0)
        return err_set_errno(err, r, LAYER_SECCOMP, "listenerPath %s", seccomp->listener_path);
    char version[] = OCI_VERSION, status[] = "creating";
    struct oci_state state = {.oci_version = version, .id = (char *)(uintptr_t)q->id, .status = status,
                              .pid = {.set = true, .v = pid}, .bundle = (char *)(uintptr_t)q->bundle,
                              .annotations = config->annotations};
    CLEANUP_BUF struct buf json = BUF_INIT;
    buf_printf(&json, "{\"ociVersion\":\"" OCI_VERSION "\",\"fds\":[\"seccompFd\"],\"pid\":%d,\"metadata\":",
               (int)pid);
    add_json_string(&json, seccomp->listener_metadata != NULL ? seccomp->listener_metadata : "");
    buf_puts(&json, ",\"state\":");
    oci_state_print(&state, false, &json);
    buf_putc(&json, '}');
    if (json.failed)
        return err_set(err, -ENOMEM, LAYER_RUNTIME, "out of memory");
    r = send_with_fd(socket, json.data, json.len, listener);
    return r < 0 ? err_set_errno(err, r, LAYER_SECCOMP, "listenerPath %s", seccomp->listener_path) : 0;
}

int handover(const struct runtime_create *q, struct started *started, struct err *err)
{
    int r = 0;
    if (q->console_socket != NULL) {
        r = send_console(q->console_socket, started->console, err);
        fd_close(&started->console);
    }
    if (r == 0 && q->pid_file != NULL) {
        char pid[16];
        int n = snprintf(pid, sizeof pid, "%d", (int)started->pid);
        r = file_replace(AT_FDCWD, q->pid_file, pid, (size_t)n, 0644, 0);
        if (r < 0)
            err_set_errno(err, r, LAYER_RUNTIME, "pid file %s", q->pid_file);
    }
    return r;
}

void handover_kill(struct started *started)
{
    (void)pidfd_send_signal(started->pidfd, SIGKILL, NULL, 0);
    siginfo_t info = {0};
    while (waitid(P_PIDFD, (id_t)started->pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    fd_close(&started->pidfd);
    fd_close(&started->console);
}
