/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of a live process's filters: how many, not which. */
#ifndef COFFER_LAYERS_SECCOMP_OBSERVE_H
#define COFFER_LAYERS_SECCOMP_OBSERVE_H

#include "layers/layer.h"

/*
 * Sets ANNOTATION_OBSERVED_SECCOMP. linux.seccomp stays absent: a filter's rules could only be read by stopping the
 * process under ptrace, which looking at it must not do.
 */
int seccomp_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                    struct err *err);

/* The same from the text of /proc/PID/status; NULL where it has no Seccomp line or memory is out. */
char *seccomp_observe_status(struct arena *a, const char *status);

#endif
