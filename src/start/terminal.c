/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "start/child.h"

/*
 * The peer is opened through the master (TIOCGPTPEER, kernel 4.13), not by a path that the container's file system
 * could have replaced (CVE-2025-52565).
 */
int terminal_attach(struct child *c, struct err *err)
{
    int master = c->apply.fds[SLOT_CONSOLE];
    if (master < 0)
        return err_set(err, -ENOTTY, LAYER_START,
                       "process.terminal: the container has no pseudo-terminal (is /dev/pts mounted?)");
    const struct oci_console_size *size = c->request->config->process->console_size;
    if (size != NULL) {
        struct winsize w = {.ws_row = (unsigned short)size->height.v, .ws_col = (unsigned short)size->width.v};
        if (ioctl(master, TIOCSWINSZ, &w) < 0)
            return err_set_errno(err, -errno, LAYER_START, "process.consoleSize");
    }
    CLEANUP_FD int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer < 0)
        return err_set_errno(err, -errno, LAYER_START, "process.terminal: open the terminal");
    if (ioctl(peer, TIOCSCTTY, 0) < 0)
        return err_set_errno(err, -errno, LAYER_START, "process.terminal: make it the controlling terminal");
    /* The program's user must own its terminal, or it cannot open /dev/tty's peer again (as login(1) does). */
    if (fchown(peer, oci_process_uid(c->request->config), (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL &&
        errno != EROFS)
        return err_set_errno(err, -errno, LAYER_START, "process.terminal: give it to the user");
    for (int i = 0; i < 3; i++)
        if (dup2(peer, i) < 0)
            return err_set_errno(err, -errno, LAYER_START, "process.terminal: standard descriptor %d", i);
    int r = c->apply.send_fd(&c->apply, SLOT_CONSOLE, err);
    fd_close(&c->apply.fds[SLOT_CONSOLE]);
    return r;
}
