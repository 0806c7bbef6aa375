/* SPDX-License-Identifier: Apache-2.0 */
/* run: wait for a container's process in the foreground, passing signals on. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/wait.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* All that a person or a supervisor may mean for the program; not what is about this process itself. */
static void forwarded_signals(sigset_t *set)
{
    static const int own[] = {SIGCHLD, SIGURG, SIGPIPE, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS,
                              SIGTTIN, SIGTTOU, SIGTSTP, SIGXCPU, SIGXFSZ};
    sigfillset(set);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        sigdelset(set, own[i]);
}

static void forward(int signals, int pidfd)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info)
        (void)pidfd_send_signal(pidfd, (int)info.ssi_signo, NULL, 0);
}

int wait_signals_block(struct wait_signals *ret, struct err *err)
{
    sigset_t set;
    forwarded_signals(&set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_RUNTIME, "signalfd");
    ret->fd = fd;
    sigprocmask(SIG_BLOCK, &set, &ret->before);
    return 0;
}

void wait_signals_restore(struct wait_signals *signals)
{
    fd_close(&signals->fd);
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

int wait_for_end(struct runtime_started *started, struct wait_signals *signals, int *ret_status, struct err *err)
{
    struct pollfd fds[2] = {{.fd = started->pidfd, .events = POLLIN}, {.fd = signals->fd, .events = POLLIN}};
    while ((fds[0].revents & POLLIN) == 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return err_set_errno(err, -errno, LAYER_RUNTIME, "poll");
        if ((fds[1].revents & POLLIN) != 0)
            forward(signals->fd, started->pidfd);
    }
    siginfo_t info = {0};
    while (waitid(P_PIDFD, (id_t)started->pidfd, &info, WEXITED) < 0)
        if (errno != EINTR)
            return err_set_errno(err, -errno, LAYER_RUNTIME, "wait for the container's process");
    fd_close(&started->pidfd);
    *ret_status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
    return 0;
}
