/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_START_INIT_EMBED_H
#define COFFER_START_INIT_EMBED_H

#include "base/err.h"

extern const unsigned char start_init_program[], start_init_program_end[];

/* A sealed, close-on-exec memory file that holds the init program; *ret_fd is the caller's. */
int init_open(int *ret_fd, struct err *err);

#endif
