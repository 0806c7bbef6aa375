/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_SYS_SIGNALS_H
#define COFFER_SYS_SIGNALS_H

/* "TERM", "sigterm", "15", "RTMIN+3" -> number; -EINVAL. */
int signal_number(const char *name);

#endif
