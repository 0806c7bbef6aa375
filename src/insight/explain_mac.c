/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/mac/mac.h"

#include <string.h>

#include "base/str.h"
#include "insight/facts.h"

/* The line "name: text" of what the mac layer observed, without the name; NULL: no such line. */
static const char *observed_line(struct wall_view *v, const char *name)
{
    const char *note = v->observed ? oci_annotation(v->c, ANNOTATION_OBSERVED_MAC) : NULL;
    size_t n = strlen(name);
    for (const char *line = note; line != NULL && *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, name, n) == 0 && line[n] == ':' && line[n + 1] == ' ')
            return fact_clean(v->a, arena_strndup(v->a, line + n + 2, strcspn(line + n + 2, "\n")));
    return NULL;
}

static void explain_apparmor(struct wall_view *v)
{
    const char *path = "process.apparmorProfile";
    const char *profile = v->c->process != NULL ? v->c->process->apparmor_profile : NULL;
    const char *mode = observed_line(v, "apparmor");
    struct fact *f = NULL;
    if (!v->input->host->apparmor)
        f = fact_add(v, FACT_OPEN, "apparmor", path, "This kernel runs without AppArmor.", "not on this host");
    else if (v->observed && profile == NULL)
        f = fact_add(v, FACT_UNKNOWN, "apparmor", path, "Which profile confines it cannot be told from here.",
                     "cannot be read");
    else if (profile == NULL || *profile == '\0' || str_eq(profile, "unconfined"))
        f = fact_add(v, FACT_OPEN, "apparmor", path, "No profile says which files and powers it may use.", "unconfined");
    else if (mode != NULL && strstr(mode, "(complain)") != NULL)
        f = fact_add(v, FACT_OPEN, "apparmor", path, "What its profile forbids is logged and let through.", "%s", mode);
    else
        f = fact_add(v, FACT_HOLDS, "apparmor", path, "The profile's rules hold for it whoever it becomes.", "%s",
                     mode != NULL ? mode : fact_clean(v->a, profile));
    f->value = profile == NULL || *profile == '\0' ? "unconfined" : fact_clean(v->a, profile);
}

static void explain_selinux(struct wall_view *v)
{
    const char *path = "process.selinuxLabel";
    const char *label = v->c->process != NULL ? v->c->process->selinux_label : NULL;
    struct fact *f = NULL;
    if (!v->input->host->selinux) {
        f = fact_add(v, FACT_OPEN, "selinux", path, "This kernel runs without SELinux.", "not on this host");
    } else if (v->observed && label == NULL) {
        f = fact_add(v, FACT_UNKNOWN, "selinux", path, "Which label confines it cannot be told from here.",
                     "cannot be read");
    } else if (label == NULL || *label == '\0') {
        f = fact_add(v, FACT_PARTIAL, "selinux", path, "It gets the label that the policy gives to whoever starts it.",
                     "no label asked for");
    } else {
        bool open = strstr(label, ":unconfined_t") != NULL || strstr(label, ":spc_t") != NULL;
        f = fact_add(v, open ? FACT_OPEN : FACT_HOLDS, "selinux", path,
                     open ? "The policy lets this type do as it likes."
                          : "The policy says what this type may touch, and the categories keep containers apart.",
                     "%s", fact_clean(v->a, label));
    }
    f->value = label != NULL && *label != '\0' ? fact_clean(v->a, label) : "none";
}

static void explain_landlock(struct wall_view *v)
{
    const char *path = "annotations[" ANNOTATION_LANDLOCK "]";
    const char *mode = oci_annotation(v->c, ANNOTATION_LANDLOCK);
    int abi = v->input->host->landlock_abi;
    if (v->observed) {
        const char *note = observed_line(v, "landlock");
        struct fact *f = fact_add(v, abi > 0 ? FACT_UNKNOWN : FACT_OPEN, "landlock", NULL,
                                  abi > 0 ? "The kernel shows nobody whether a process is in a Landlock domain."
                                          : "This kernel runs without Landlock.",
                                  "%s", abi > 0 || note == NULL ? "cannot be read" : note);
        f->value = "off";
        return;
    }
    bool automatic = mode != NULL && str_eq(mode, "auto");
    const char *obstacle = mac_landlock_obstacle(v->c, v->input->host, automatic);
    struct fact *f = NULL;
    if (mode == NULL || str_eq(mode, "off"))
        f = fact_add(v, FACT_OPEN, "landlock", path, "Nothing but its mounts says which files it may touch.", "off");
    else if (obstacle != NULL)
        f = fact_add(v, FACT_OPEN, "landlock", path, "Nothing but its mounts says which files it may touch.", "off: %s",
                     obstacle);
    else
        f = fact_add(v, FACT_HOLDS, "landlock", path,
                     abi >= 6 ? "Files outside of its mounts, and abstract sockets and signals to the outside, are refused."
                              : "Files outside of its mounts are refused, even when a descriptor leads there.",
                     "on (ABI %d)", abi);
    f->value = f->state == FACT_HOLDS ? "on" : "off";
    f->speaks = true;
}

void explain_mac(struct wall_view *v)
{
    explain_apparmor(v);
    explain_selinux(v);
    explain_landlock(v);
}
