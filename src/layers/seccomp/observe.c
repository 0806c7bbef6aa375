/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/seccomp/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/macros.h"

/* The number behind a line's name, or -1. */
static long number_of(const char *status, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = status; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, name, n) == 0 && line[n] == ':')
            return strtol(line + n + 1, NULL, 10);
    }
    return -1;
}

char *seccomp_observe_status(struct arena *a, const char *status)
{
    long filters = number_of(status, "Seccomp_filters");
    switch (number_of(status, "Seccomp")) {
    case 0:
        return arena_strdup(a, "disabled");
    case 1:
        return arena_strdup(a, "strict");
    case 2:
        return filters >= 0 ? arena_printf(a, "filter %ld", filters) : arena_strdup(a, "filter");
    default:
        return NULL;
    }
}

int seccomp_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED,
                    struct oci_config *ret, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    char *status = NULL;
    int e = file_read(a, AT_FDCWD, path, 65536, &status, NULL);
    if (e == -EACCES || e == -EPERM || (e == -ENOENT && (kill(pid, 0) == 0 || errno == EPERM)))
        return 0; /* hidden from us: absent */
    if (e < 0)
        return err_set_errno(err, e, LAYER_SECCOMP, "reading %s", path);
    char *value = seccomp_observe_status(a, status);
    /* A kernel without seccomp has no such line. */
    if (value == NULL && !a->failed)
        return 0;
    if (value == NULL || layers_annotate(a, ret, ANNOTATION_OBSERVED_SECCOMP, value) < 0)
        return err_set(err, -ENOMEM, LAYER_SECCOMP, "out of memory");
    return 0;
}
