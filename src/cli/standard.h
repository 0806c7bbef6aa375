/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_CLI_STANDARD_H
#define COFFER_CLI_STANDARD_H

/*
 * Descriptors 0 to 2 must be something, or the first file opened would become our output, or the container's. Those that
 * are closed become /dev/null.
 */
void standard_fill(void);

#endif
