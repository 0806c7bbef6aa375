/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COFFER_HELLO_HELLO_H
#define COFFER_HELLO_HELLO_H

#include <stddef.h>

#include "keys.h"

/* Note one thing that was found. A value is cut at 4000 characters. */
void found(enum hello_key key, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "? what: reason", from errno. */
void not_found(enum hello_key key, const char *what);

void report_lines(void);  /* one key=value a line */
void report_people(void); /* grouped and aligned */

/* A whole small file without its last newline; its length, or -1 with errno. */
long read_file(const char *path, char *buf, size_t size);

void look_kernel(void);
void look_processes(void);
void look_namespaces(void);
void look_identity(void);
void look_limits(void);
void look_mounts(void);
void look_network(void);
void look_capabilities(void);
void look_system_calls(void);
void look_labels(void);

#endif
