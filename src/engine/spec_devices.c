/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes and device rules, and block I/O limits, which are per device. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/spec_private.h"

enum { MAX_DEPTH = 8 }; /* of directories below /dev */

/* ---- block I/O ---- */

/* PATH:VALUE; the numbers of the block device at PATH. */
static int block_device(struct spec *s, const char *flag, const char *value, const char **ret_rest, struct stat *ret)
{
    const char *colon = strrchr(value, ':');
    if (colon == NULL || colon == value || colon[1] == '\0')
        return spec_fault(s, LAYER_CGROUP, flag, value, "expected PATH:VALUE, such as /dev/sda:1mb");
    char *path = arena_strndup(s->arena, value, (size_t)(colon - value));
    if (path == NULL)
        return spec_no_memory(s);
    if (stat(path, ret) < 0)
        return err_set_errno(s->err, -errno, LAYER_CGROUP, "%s %s: %s", flag, value, path);
    if (!S_ISBLK(ret->st_mode))
        return spec_fault(s, LAYER_CGROUP, flag, value, "%s is not a block device", path);
    *ret_rest = colon + 1;
    return 0;
}

static int throttle(struct spec *s, const char *flag, const char *path, const struct strings *values, bool size,
                    oci_block_throttles *list)
{
    for (size_t i = 0; i < values->n; i++) {
        const char *value = values->v[i], *rest = NULL;
        struct stat st;
        int r = block_device(s, flag, value, &rest, &st);
        if (r < 0)
            return r;
        uint64_t rate = 0;
        if ((size ? str_to_size(rest, &rate) : str_to_u64(rest, &rate)) < 0)
            return spec_fault(s, LAYER_CGROUP, flag, value, "%s is not a %s", rest,
                              size ? "size such as 1mb" : "whole number");
        struct oci_block_throttle *t = spec_append(s, *list);
        if (t == NULL)
            return spec_no_memory(s);
        t->major.set = t->minor.set = t->rate.set = true;
        t->major.v = major(st.st_rdev);
        t->minor.v = minor(st.st_rdev);
        t->rate.v = rate;
        source_flag(&s->sources, path, flag, value);
    }
    return 0;
}

static int weights(struct spec *s, struct oci_block_io *io)
{
    uint64_t n = 0;
    if (s->o->blkio_weight != NULL) {
        const char *value = s->o->blkio_weight;
        if (str_to_u64(value, &n) < 0 || (n != 0 && (n < 10 || n > 1000)))
            return spec_fault(s, LAYER_CGROUP, "--blkio-weight", value, "must be between 10 and 1000, or 0 for none");
        io->weight.set = n != 0;
        io->weight.v = n;
        source_flag(&s->sources, "linux.resources.blockIO.weight", "--blkio-weight", value);
    }
    for (size_t i = 0; i < s->o->blkio_weight_device.n; i++) {
        const char *value = s->o->blkio_weight_device.v[i], *rest = NULL;
        struct stat st;
        int r = block_device(s, "--blkio-weight-device", value, &rest, &st);
        if (r < 0)
            return r;
        if (str_to_u64(rest, &n) < 0 || n < 10 || n > 1000)
            return spec_fault(s, LAYER_CGROUP, "--blkio-weight-device", value, "weight must be between 10 and 1000");
        struct oci_block_weight *w = spec_append(s, io->weight_device);
        if (w == NULL)
            return spec_no_memory(s);
        w->major.set = w->minor.set = w->weight.set = true;
        w->major.v = major(st.st_rdev);
        w->minor.v = minor(st.st_rdev);
        w->weight.v = n;
        source_flag(&s->sources, "linux.resources.blockIO.weightDevice", "--blkio-weight-device", value);
    }
    return 0;
}

int spec_block_io(struct spec *s)
{
    const struct run_options *o = s->o;
    if (o->blkio_weight == NULL && o->blkio_weight_device.n + o->read_bps.n + o->write_bps.n + o->read_iops.n +
                                           o->write_iops.n == 0)
        return 0;
    struct oci_block_io *io = s->config->linux->resources->block_io = arena_new(s->arena, struct oci_block_io);
    if (io == NULL)
        return spec_no_memory(s);
    static const char path[] = "linux.resources.blockIO";
    int r = weights(s, io);
    if (r == 0)
        r = throttle(s, "--device-read-bps", path, &o->read_bps, true, &io->read_bps);
    if (r == 0)
        r = throttle(s, "--device-write-bps", path, &o->write_bps, true, &io->write_bps);
    if (r == 0)
        r = throttle(s, "--device-read-iops", path, &o->read_iops, false, &io->read_iops);
    if (r == 0)
        r = throttle(s, "--device-write-iops", path, &o->write_iops, false, &io->write_iops);
    return r;
}

/* ---- device nodes ---- */

static bool is_access(const char *text)
{
    return text[0] != '\0' && strspn(text, "rwm") == strlen(text) && strlen(text) <= 3;
}

static int add_rule(struct spec *s, bool allow, const char *type, int64_t number_major, int64_t number_minor,
                    const char *access)
{
    struct oci_device_rule *rule = spec_append(s, s->config->linux->resources->devices);
    if (rule == NULL)
        return spec_no_memory(s);
    rule->allow.set = true;
    rule->allow.v = allow;
    rule->type = arena_strdup(s->arena, type);
    rule->major.set = number_major >= 0;
    rule->major.v = number_major;
    rule->minor.set = number_minor >= 0;
    rule->minor.v = number_minor;
    rule->access = arena_strdup(s->arena, access);
    return s->arena->failed ? spec_no_memory(s) : 0;
}

/* "c 1:3 rwm" with "*" for any number. Returns -EINVAL where it is not that. */
static int parse_rule(const char *text, char *ret_type, int64_t *ret_major, int64_t *ret_minor, const char **ret_access)
{
    if (strchr("abc", text[0]) == NULL || text[0] == '\0' || text[1] != ' ')
        return -EINVAL;
    *ret_type = text[0];
    const char *p = text + 2;
    int64_t *numbers[] = {ret_major, ret_minor};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strspn(p, "0123456789");
        if (n == 0 && *p != '*')
            return -EINVAL;
        *numbers[i] = n == 0 ? -1 : 0;
        for (size_t k = 0; k < n && *numbers[i] <= INT32_MAX; k++)
            *numbers[i] = *numbers[i] * 10 + (p[k] - '0');
        p += n == 0 ? 1 : n;
        if (*numbers[i] > INT32_MAX || *p != (i == 0 ? ':' : ' '))
            return -EINVAL;
        p++;
    }
    *ret_access = p;
    return is_access(p) ? 0 : -EINVAL;
}

static int rule_from_text(struct spec *s, bool allow, const char *text)
{
    char type[2] = "";
    int64_t number_major = -1, number_minor = -1;
    const char *access = NULL;
    if (parse_rule(text, &type[0], &number_major, &number_minor, &access) < 0)
        return -EINVAL;
    return add_rule(s, allow, type, number_major, number_minor, access);
}

static int add_node(struct spec *s, const struct stat *st, const char *path, const char *access)
{
    const char *type = S_ISBLK(st->st_mode) ? "b" : "c";
    for (size_t i = 0; i < s->config->linux->devices.n; i++)
        if (str_eq(s->config->linux->devices.v[i].path, path))
            return 0;
    struct oci_device *d = spec_append(s, s->config->linux->devices);
    if (d == NULL)
        return spec_no_memory(s);
    d->type = arena_strdup(s->arena, type);
    d->path = arena_strdup(s->arena, path);
    d->major.set = d->minor.set = d->file_mode.set = d->uid.set = d->gid.set = true;
    d->major.v = major(st->st_rdev);
    d->minor.v = minor(st->st_rdev);
    d->file_mode.v = st->st_mode & 07777;
    d->uid.v = st->st_uid;
    d->gid.v = st->st_gid;
    return access != NULL ? add_rule(s, true, type, d->major.v, d->minor.v, access) : 0;
}

/* Every device node below a directory of the host; to is where it appears inside. *ret_n counts them. */
static int add_directory(struct spec *s, const char *from, const char *to, const char *access, unsigned depth,
                         size_t *ret_n)
{
    DIR *dir = depth < MAX_DEPTH ? opendir(from) : NULL;
    if (dir == NULL)
        return 0;
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(dir)) != NULL;) {
        static const char *const skipped[] = {".", "..", "pts", "shm", "fd", "mqueue", "console"};
        bool skip = false;
        for (size_t i = 0; i < ARRAY_LEN(skipped); i++)
            skip = skip || str_eq(skipped[i], e->d_name);
        struct stat st;
        if (skip || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        char *inner_from = arena_printf(s->arena, "%s/%s", from, e->d_name);
        char *inner_to = arena_printf(s->arena, "%s/%s", to, e->d_name);
        if (inner_from == NULL || inner_to == NULL) {
            r = spec_no_memory(s);
        } else if (S_ISDIR(st.st_mode)) {
            r = add_directory(s, inner_from, inner_to, access, depth + 1, ret_n);
        } else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
            (*ret_n)++;
            r = add_node(s, &st, inner_to, access);
        }
    }
    closedir(dir);
    return r;
}

/* HOST[:CONTAINER[:ACCESS]] or HOST:ACCESS */
static int device(struct spec *s, const char *value)
{
    struct strings part = {0};
    int r = spec_split(s, value, ':', &part);
    if (r < 0)
        return r;
    if (part.n == 0 || part.n > 3)
        return spec_fault(s, LAYER_CGROUP, "--device", value, "expected HOST[:CONTAINER[:rwm]]");
    const char *from = part.v[0], *to = from, *access = "rwm";
    if (part.n == 2 && is_access(part.v[1])) {
        access = part.v[1];
    } else if (part.n >= 2) {
        to = part.v[1];
        access = part.n == 3 ? part.v[2] : access;
    }
    if (from[0] != '/' && strchr(value, '=') != NULL)
        return spec_fault(s, LAYER_CGROUP, "--device", value, "device names by CDI are not supported by this version");
    if (from[0] != '/' || to[0] != '/')
        return spec_fault(s, LAYER_CGROUP, "--device", value, "paths must be absolute");
    if (!is_access(access))
        return spec_fault(s, LAYER_CGROUP, "--device", value, "%s is not made of the letters r, w and m", access);
    source_entry_flag(&s->sources, "linux.devices", to, "--device", value);
    struct stat st;
    if (stat(from, &st) < 0)
        return err_set_errno(s->err, -errno, LAYER_ROOTFS, "--device %s: %s", value, from);
    size_t n = 0;
    if (S_ISDIR(st.st_mode)) {
        r = add_directory(s, from, to, access, 0, &n);
        return r < 0 || n > 0 ? r : spec_fault(s, LAYER_ROOTFS, "--device", value, "there is no device below %s", from);
    }
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
        return spec_fault(s, LAYER_ROOTFS, "--device", value, "%s is not a device", from);
    return add_node(s, &st, to, access);
}

static int profile_rules(struct spec *s)
{
    for (size_t i = 0; i < s->p->devices.n; i++) {
        const struct profile_item *item = &s->p->devices.v[i];
        bool allow = str_starts(item->value, "allow ");
        int r = rule_from_text(s, allow, item->value + (allow ? strlen("allow ") : strlen("deny ")));
        if (r == -EINVAL)
            return err_set(s->err, r, LAYER_CONFIG, "profile %s:%u: devices %s: expected TYPE MAJOR:MINOR ACCESS, such "
                           "as c 1:3 rwm", item->profile, item->line, item->value);
        if (r < 0)
            return r;
        source_entry_profile(&s->sources, "linux.resources.devices", item->value, item);
    }
    return 0;
}

static int privileged(struct spec *s)
{
    size_t n = 0;
    int r = spec_unlocked(s, LAYER_CGROUP, "devices", "--privileged", NULL);
    if (r == 0)
        r = add_rule(s, true, "a", -1, -1, "rwm");
    source_flag(&s->sources, "linux.resources.devices", "--privileged", NULL);
    source_flag(&s->sources, "linux.devices", "--privileged", NULL);
    return r < 0 ? r : add_directory(s, "/dev", "/dev", NULL, 0, &n);
}

int spec_devices(struct spec *s)
{
    int r = s->o->privileged ? privileged(s) : profile_rules(s);
    for (size_t i = 0; i < s->o->devices.n && r == 0; i++) {
        r = spec_unlocked(s, LAYER_CGROUP, "devices", "--device", s->o->devices.v[i]);
        if (r == 0)
            r = device(s, s->o->devices.v[i]);
    }
    for (size_t i = 0; i < s->o->device_rules.n && r == 0; i++) {
        const char *value = s->o->device_rules.v[i];
        r = spec_unlocked(s, LAYER_CGROUP, "devices", "--device-cgroup-rule", value);
        if (r == 0)
            r = rule_from_text(s, true, value);
        if (r == -EINVAL)
            return spec_fault(s, LAYER_CGROUP, "--device-cgroup-rule", value,
                              "expected TYPE MAJOR:MINOR ACCESS, such as 'c 1:3 rwm'");
        source_entry_flag(&s->sources, "linux.resources.devices", value, "--device-cgroup-rule", value);
    }
    return r;
}
