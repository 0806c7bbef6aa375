/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

enum { BUFFER = 64 * 1024, OUT_CHUNK = 4096 };

/* Bytes on their way in one direction. */
struct flow {
    int from, to; /* -1: from has ended */
    size_t start, end;

    char data[BUFFER];
};

static size_t waiting(const struct flow *f)
{
    return f->end - f->start;
}

/* Read what there is room for. 0: go on; 1: from has ended. */
static int fill(struct flow *f)
{
    if (f->start > 0) {
        memmove(f->data, f->data + f->start, waiting(f));
        f->end -= f->start;
        f->start = 0;
    }
    if (f->end == sizeof f->data)
        return 0;
    ssize_t n = read(f->from, f->data + f->end, sizeof f->data - f->end);
    if (n > 0) {
        f->end += (size_t)n;
        return 0;
    }
    /* A pseudo-terminal whose other side is closed says EIO. */
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : 1;
}

/* Write a piece. Negative errno when nobody will ever read it. */
static int drain(struct flow *f, size_t most)
{
    if (waiting(f) == 0)
        return 0;
    ssize_t n = write(f->to, f->data + f->start, MIN_OF(waiting(f), most));
    if (n > 0)
        f->start += (size_t)n;
    return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

static void copy_size(int console)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        (void)ioctl(console, TIOCSWINSZ, &size);
}

static void pass_signals(int signals, int console, int pidfd)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            copy_size(console); /* the kernel tells the container's foreground processes */
        else
            (void)pidfd_send_signal(pidfd, (int)info.ssi_signo, NULL, 0);
    }
}

/* Our input has ended: to a program at a terminal that is Ctrl-D. */
static void end_of_input(struct flow *in)
{
    in->from = -1;
    if (in->end < sizeof in->data)
        in->data[in->end++] = 4;
}

struct relay {
    struct flow in, out; /* in: towards the container */
    int pidfd, signals;
    bool ended; /* the process has ended */
};

enum { WATCH_INPUT, WATCH_CONSOLE, WATCH_OUTPUT, WATCH_PROCESS, WATCH_SIGNALS, WATCHED };

static void want(const struct relay *r, struct pollfd fds[static WATCHED])
{
    bool in_room = waiting(&r->in) < sizeof r->in.data, out_room = waiting(&r->out) < sizeof r->out.data;
    short console = (short)((out_room ? POLLIN : 0) | (waiting(&r->in) > 0 ? POLLOUT : 0));
    fds[WATCH_INPUT] = (struct pollfd){.fd = in_room ? r->in.from : -1, .events = POLLIN};
    fds[WATCH_CONSOLE] = (struct pollfd){.fd = r->out.from, .events = console};
    fds[WATCH_OUTPUT] = (struct pollfd){.fd = waiting(&r->out) > 0 ? r->out.to : -1, .events = POLLOUT};
    fds[WATCH_PROCESS] = (struct pollfd){.fd = r->ended ? -1 : r->pidfd, .events = POLLIN};
    fds[WATCH_SIGNALS] = (struct pollfd){.fd = r->signals, .events = POLLIN};
}

/* One turn. 1: all is done. */
static int turn(struct relay *r, int console)
{
    struct pollfd fds[WATCHED];
    want(r, fds);
    /* Once the process has ended nothing more will come than what is there. */
    int n = poll(fds, WATCHED, r->ended ? 0 : -1);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    if (n == 0 && r->ended && waiting(&r->out) == 0)
        return 1;
    if (fds[WATCH_SIGNALS].revents != 0)
        pass_signals(r->signals, console, r->pidfd);
    if (fds[WATCH_PROCESS].revents != 0)
        r->ended = true;
    if (fds[WATCH_INPUT].revents != 0 && fill(&r->in) == 1)
        end_of_input(&r->in);
    if ((fds[WATCH_CONSOLE].revents & POLLOUT) != 0 && drain(&r->in, SIZE_MAX) < 0)
        r->in.start = r->in.end = 0;
    if ((fds[WATCH_CONSOLE].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && fill(&r->out) == 1)
        r->out.from = -1;
    /* Our output may be shared and blocking: no more at once than a pipe takes whole. */
    if (fds[WATCH_OUTPUT].revents != 0 && drain(&r->out, OUT_CHUNK) < 0)
        r->out.start = r->out.end = 0;
    return r->ended && r->out.from < 0 && waiting(&r->out) == 0;
}

int terminal_relay(int console, int pidfd, int signals, bool interactive, struct err *err)
{
    CLEANUP_FREE struct relay *r = calloc(1, sizeof *r); /* 128 KiB: too much for a stack */
    if (r == NULL)
        return err_set(err, -ENOMEM, LAYER_ENGINE, "terminal: out of memory");
    r->pidfd = pidfd;
    r->signals = signals;
    r->in.from = interactive ? STDIN_FILENO : -1;
    r->in.to = r->out.from = console;
    r->out.to = STDOUT_FILENO;
    int flags = fcntl(console, F_GETFL);
    if (flags < 0 || fcntl(console, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set_errno(err, -errno, LAYER_ENGINE, "pseudo-terminal");
    struct termios before, raw;
    bool is_terminal = interactive && tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        raw = before;
        cfmakeraw(&raw);
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    copy_size(console);
    int done = 0;
    while (done == 0)
        done = turn(r, console);
    if (is_terminal)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    return done < 0 ? err_set_errno(err, done, LAYER_ENGINE, "terminal") : 0;
}
