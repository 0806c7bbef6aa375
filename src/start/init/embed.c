/* SPDX-License-Identifier: Apache-2.0 */
#include "start/init/embed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; without it vm.memfd_noexec may refuse execution */
#endif

int init_open(int *ret_fd, struct err *err)
{
    CLEANUP_FD int fd = memfd_create("coffer-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("coffer-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_set_errno(err, -errno, LAYER_START, "init: memory file");
    int r = fd_write_all(fd, start_init_program, (size_t)(start_init_program_end - start_init_program));
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        r = -errno;
    if (r < 0)
        return err_set_errno(err, r, LAYER_START, "init: memory file");
    *ret_fd = TAKE_FD(fd);
    return 0;
}
