/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "layers/mac/parts.h"

/* The label in a file of /proc/PID/attr without what follows it; false where there is none. */
static bool read_label(pid_t pid, const char *file, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/attr/%s", (int)pid, file);
    if (file_read_into(AT_FDCWD, path, buf, size) <= 0)
        return false;
    buf[strcspn(buf, "\n")] = '\0';
    return buf[0] != '\0';
}

static int observe_apparmor(struct arena *a, pid_t pid, struct oci_process *ret, struct buf *note)
{
    char label[4096];
    if (!read_label(pid, "apparmor/current", label, sizeof label) && !read_label(pid, "current", label, sizeof label)) {
        buf_puts(note, "apparmor: could not be read\n");
        return 0;
    }
    buf_printf(note, "apparmor: %s\n", label);
    /* "docker-default (enforce)"; a document has the name only. */
    char *mode = strstr(label, " (");
    if (mode != NULL)
        *mode = '\0';
    ret->apparmor_profile = arena_strdup(a, label);
    return ret->apparmor_profile == NULL ? -ENOMEM : 0;
}

static int observe_selinux(struct arena *a, pid_t pid, struct oci_process *ret, struct buf *note)
{
    char label[4096];
    if (!read_label(pid, "current", label, sizeof label)) {
        buf_puts(note, "selinux: could not be read\n");
        return 0;
    }
    buf_printf(note, "selinux: %s\n", label);
    ret->selinux_label = arena_strdup(a, label);
    return ret->selinux_label == NULL ? -ENOMEM : 0;
}

int mac_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host, struct oci_config *ret,
                struct err *err)
{
    CLEANUP_BUF struct buf note = BUF_INIT;
    int r = 0;
    if (host->apparmor)
        r = observe_apparmor(a, pid, ret->process, &note);
    else
        buf_puts(&note, "apparmor: not on this host\n");
    if (r == 0 && host->selinux)
        r = observe_selinux(a, pid, ret->process, &note);
    else if (r == 0)
        buf_puts(&note, "selinux: not on this host\n");
    buf_puts(&note, host->landlock_abi > 0
                        ? "landlock: cannot be seen from outside; no kernel interface shows a process's domain\n"
                        : "landlock: not on this host\n");
    if (r < 0 || note.failed || layers_annotate(a, ret, ANNOTATION_OBSERVED_MAC, buf_str(&note)) < 0)
        return err_set(err, -ENOMEM, LAYER_MAC, "out of memory");
    return 0;
}
