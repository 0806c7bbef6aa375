/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include "base/str.h"
#include "cli/commands.h"
#include "engine/record.h"

struct info_options {
    const char *format;
};

static const struct option options[] = {
    {"format", 'f', OPTION_STRING, LAYER_CLI, offsetof(struct info_options, format), "json", "As JSON", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

struct fact_row {
    const char *key, *label, *value;
};

static const char *cgroup_words(const struct host_cgroup *c)
{
    static const char *const words[] = {
        [CGROUP_MODE_NONE] = "none",
        [CGROUP_MODE_V1] = "v1",
        [CGROUP_MODE_V2] = "v2",
        [CGROUP_MODE_HYBRID] = "v1 and v2 (hybrid)",
    };
    return words[c->mode];
}

static int info(const struct invocation *in, struct err *err)
{
    struct info_options o = {0};
    const char *const *words = NULL;
    size_t n = 0, n_images = 0, n_containers = 0, running = 0;
    int r = command_parse(in, &o, false, 0, 0, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    if (o.format != NULL && !str_eq(o.format, "json"))
        return err_set(err, -EINVAL, LAYER_CLI, "--format %s: expected json", o.format);
    CLEANUP_STORE struct store s = STORE_INIT;
    struct image *images = NULL;
    struct container *containers = NULL;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r == 0)
        r = image_list(in->arena, s.images, &images, &n_images, err);
    if (r == 0)
        r = container_list(&s, &containers, &n_containers, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_containers; i++)
        running += containers[i].state == CONTAINER_RUNNING;
    struct arena *a = in->arena;
    const struct fact_row rows[] = {
        {"version", "Version", COFFER_VERSION},
        {"root", "State below", s.root},
        {"runtimeState", "Runtime state", s.state_root},
        {"images", "Images", arena_printf(a, "%zu", n_images)},
        {"containers", "Containers", arena_printf(a, "%zu", n_containers)},
        {"running", "Running", arena_printf(a, "%zu", running)},
        {"kernel", "Kernel", arena_printf(a, "%u.%u %s", s.host.kernel_major, s.host.kernel_minor, s.host.machine)},
        {"cgroup", "cgroup", cgroup_words(&s.host.cgroup)},
        {"landlock", "Landlock", s.host.landlock_abi > 0 ? arena_printf(a, "ABI %d", s.host.landlock_abi) : "none"},
        {"apparmor", "AppArmor", s.host.apparmor ? "yes" : "no"},
        {"selinux", "SELinux", s.host.selinux ? "yes" : "no"},
        {"initialUserns", "Host's user namespace", s.host.initial_userns ? "yes" : "no"},
    };
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    CLEANUP_BUF struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (o.format == NULL) {
            printf("%-22s %s\n", rows[i].label, rows[i].value);
            continue;
        }
        buf_puts(&b, i == 0 ? "{" : ",");
        json_string(&b, rows[i].key);
        buf_putc(&b, ':');
        json_string(&b, rows[i].value);
    }
    if (o.format != NULL)
        printf("%s}\n", buf_str(&b));
    return 0;
}

const struct command info_command = {
    .name = "info",
    .arguments = "[OPTIONS]",
    .summary = "Say what this host has and where state is kept",
    .options = options,
    .run = info,
};
