/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/standard.h"

#include <fcntl.h>
#include <unistd.h>

void standard_fill(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        (void)close(fd);
}
