/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/volume.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define NO_VOLUMES "this version has no named or anonymous volumes; give a directory of the host, such as $PWD/data:"

/* The path without "//", "." and "..", which end at the root. In the arena. */
static char *clean(struct spec *s, const char *path)
{
    char *out = arena_alloc(s->arena, strlen(path) + 2);
    if (out == NULL)
        return NULL;
    size_t n = 0;
    for (const char *p = path; *p != '\0';) {
        p += strspn(p, "/");
        size_t word = strcspn(p, "/");
        if (word == 2 && p[0] == '.' && p[1] == '.') {
            while (n > 0 && out[--n] != '/')
                ;
        } else if (word > 0 && !(word == 1 && p[0] == '.')) {
            out[n++] = '/';
            memcpy(out + n, p, word);
            n += word;
        }
        p += word;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = '\0';
    return out;
}

static int set_destination(struct spec *s, struct volume *v, const char *path)
{
    if (path == NULL || path[0] != '/')
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "the path inside the container must be absolute");
    v->destination = clean(s, path);
    if (v->destination == NULL)
        return spec_no_memory(s);
    if (v->destination[1] == '\0')
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "cannot mount over the container's /");
    return 0;
}

static int set_source(struct spec *s, struct volume *v, const char *path)
{
    char here[PATH_MAX];
    int r = spec_unlocked(s, LAYER_ROOTFS, "mounts", v->flag, v->text);
    if (r < 0)
        return r;
    if (path == NULL || path[0] == '\0')
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "no source");
    if (path[0] != '/') {
        if (getcwd(here, sizeof here) == NULL)
            return err_set_errno(s->err, -errno, LAYER_ROOTFS, "%s %s: working directory", v->flag, v->text);
        path = arena_printf(s->arena, "%s/%s", here, path);
        if (path == NULL)
            return spec_no_memory(s);
    }
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? err_set(s->err, -ENOENT, LAYER_ROOTFS, "%s %s: %s does not exist on this host",
                                         v->flag, v->text, path)
                               : err_set_errno(s->err, -errno, LAYER_ROOTFS, "%s %s: %s", v->flag, v->text, path);
    v->source = arena_strdup(s->arena, path);
    return v->source != NULL ? 0 : spec_no_memory(s);
}

static int append(struct spec *s, struct volumes *list, const struct volume *v)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].destination, v->destination))
            return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "%s is mounted twice, here and by %s %s",
                              v->destination, list->v[i].flag, list->v[i].text);
    struct volume *more = arena_grow(s->arena, list->v, list->n, sizeof *more);
    if (more == NULL)
        return spec_no_memory(s);
    list->v = more;
    list->v[list->n++] = *v;
    return 0;
}

/* What the options of a bind mount add up to. */
struct bind {
    bool read_only, one_only, idmap;
    const char *recursive;   /* --mount's bind-recursive, or NULL */
    const char *propagation; /* "rprivate" unless told */
    const char *access;      /* ro, rro or rw, as told */
    struct strings flags;    /* nosuid, noexec, ... as they are */
};

static bool one_of(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(words[i], word))
            return true;
    return false;
}

static bool is_propagation(const char *word)
{
    static const char *const words[] = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
    return one_of(words, ARRAY_LEN(words), word);
}

/*
 * Docker's read-only is recursive where the kernel can (5.12), unless bind-recursive=writable says that mounts below
 * may stay writable.
 */
static void finish_bind(struct spec *s, struct volume *v, const struct bind *b)
{
    v->type = "bind";
    spec_push(s, &v->options, b->one_only ? "bind" : "rbind");
    spec_push(s, &v->options, b->propagation != NULL ? b->propagation : "rprivate");
    for (size_t i = 0; i < b->flags.n; i++)
        spec_push(s, &v->options, b->flags.v[i]);
    if (b->idmap)
        spec_push(s, &v->options, "idmap");
    if (!b->read_only)
        return;
    spec_push(s, &v->options, "ro");
    bool writable_below = b->recursive != NULL && str_eq(b->recursive, "writable");
    bool demanded = b->recursive != NULL && str_eq(b->recursive, "readonly");
    if (!b->one_only && !writable_below && (demanded || host_kernel_at_least(s->host, 5, 12)))
        spec_push(s, &v->options, "rro");
}

/* The fields of /proc/self/mountinfo between the sixth and "-" say whether a mount with this ID shares, or follows. */
static bool propagates(const char *mountinfo, uint64_t id, bool slave_is_enough)
{
    for (const char *line = mountinfo; *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        if (strtoull(line, NULL, 10) == id) {
            const char *dash = memmem(line, (size_t)(end - line), " - ", 3);
            size_t n = (size_t)((dash != NULL ? dash : end) - line);
            return memmem(line, n, " shared:", 8) != NULL ||
                   (slave_is_enough && memmem(line, n, " master:", 8) != NULL);
        }
        line = *end == '\0' ? end : end + 1;
    }
    return true; /* not seen from here: nothing to say against it */
}

/* As in Docker: [r]shared needs a source whose mount is shared, [r]slave one that is shared or a slave. */
static int check_propagation(struct spec *s, const struct volume *v, const struct bind *b)
{
    bool shared = b->propagation != NULL && strstr(b->propagation, "shared") != NULL;
    bool slave = b->propagation != NULL && strstr(b->propagation, "slave") != NULL;
    struct statx st;
    char *text = NULL;
    if ((!shared && !slave) || statx(AT_FDCWD, v->source, 0, STATX_MNT_ID, &st) < 0 ||
        (st.stx_mask & STATX_MNT_ID) == 0)
        return 0;
    int r = file_read(s->arena, AT_FDCWD, "/proc/self/mountinfo", (size_t)64 << 20, &text, NULL);
    if (r < 0)
        return err_set_errno(s->err, r, LAYER_ROOTFS, "%s %s: /proc/self/mountinfo", v->flag, v->text);
    if (propagates(text, st.stx_mnt_id, slave))
        return 0;
    return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "%s has no effect, for %s lies on a mount that is not shared%s; "
                      "mount --make-rshared there first", b->propagation, v->source, slave ? " and no slave" : "");
}

static int volume_option(struct spec *s, struct volume *v, struct bind *b, const char *word)
{
    /* "cached" and its like tune Docker Desktop's file sharing; they have no meaning on Linux. */
    static const char *const nothing[] = {"rw", "rbind", "cached", "delegated", "consistent", "default"};
    static const char *const flags[] = {"nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime", "nosymfollow"};
    static const char *const access[] = {"ro", "rro", "rw"};
    const char **told = one_of(access, ARRAY_LEN(access), word) ? &b->access : is_propagation(word) ? &b->propagation : NULL;
    if (told != NULL && *told != NULL && !str_eq(*told, word))
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "%s contradicts %s", word, *told);
    if (told != NULL)
        *told = word;
    if (one_of(nothing, ARRAY_LEN(nothing), word))
        return 0;
    if (str_eq(word, "ro")) {
        b->read_only = true;
    } else if (str_eq(word, "rro")) {
        b->read_only = true;
        b->recursive = "readonly";
    } else if (str_eq(word, "bind")) {
        b->one_only = true;
    } else if (str_eq(word, "idmap")) {
        if (!s->userns_private)
            return spec_fault(s, LAYER_IDMAP, v->flag, v->text, "idmap needs --userns auto or --uidmap");
        b->idmap = true;
    } else if (told != NULL) {
        return 0; /* kept above */
    } else if (one_of(flags, ARRAY_LEN(flags), word)) {
        if (!strings_add(s->arena, &b->flags, word))
            return spec_no_memory(s);
    } else if (str_eq(word, "z") || str_eq(word, "Z")) {
        /* Without SELinux there are no labels to change. */
        return !s->host->selinux ? 0
                                 : spec_fault(s, LAYER_MAC, v->flag, v->text,
                                              "relabelling is not supported by this version; use chcon(1)");
    } else if (str_eq(word, "nocopy")) {
        return spec_fault(s, LAYER_STORAGE, v->flag, v->text, "nocopy is for named volumes, which this version lacks");
    } else {
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "unknown option %s", word);
    }
    return 0;
}

/* [SOURCE:]DESTINATION[:OPTIONS] */
static int read_volume(struct spec *s, const char *text, struct volumes *list)
{
    struct volume v = {.flag = "--volume", .text = text};
    struct bind b = {0};
    struct strings part = {0}, words = {0};
    int r = spec_split(s, text, ':', &part);
    if (r < 0)
        return r;
    if (part.n < 2)
        return spec_fault(s, LAYER_STORAGE, v.flag, text, NO_VOLUMES "%s", part.n == 1 ? part.v[0] : "/data");
    if (part.n > 3)
        return spec_fault(s, LAYER_ROOTFS, v.flag, text, "expected SOURCE:DESTINATION[:OPTIONS]");
    if (part.v[0][0] != '/' && part.v[0][0] != '.')
        return spec_fault(s, LAYER_STORAGE, v.flag, text, NO_VOLUMES "%s", part.v[1]);
    r = set_destination(s, &v, part.v[1]);
    if (r == 0)
        r = set_source(s, &v, part.v[0]);
    if (r == 0 && part.n == 3)
        r = spec_split(s, part.v[2], ',', &words);
    for (size_t i = 0; i < words.n && r == 0; i++)
        r = volume_option(s, &v, &b, words.v[i]);
    if (r == 0)
        r = check_propagation(s, &v, &b);
    if (r < 0)
        return r;
    finish_bind(s, &v, &b);
    return append(s, list, &v);
}

/* Defaults as Docker has them; each option puts away its opposite. */
static void tmpfs_option(struct spec *s, struct volume *v, const char *word)
{
    static const char *const pairs[][2] = {
        {"exec", "noexec"}, {"suid", "nosuid"}, {"dev", "nodev"}, {"rw", "ro"}, {"atime", "noatime"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        for (size_t side = 0; side < 2; side++) {
            if (!str_eq(word, pairs[i][side]))
                continue;
            for (size_t k = 0; k < v->options.n; k++) {
                if (str_eq(v->options.v[k], pairs[i][1 - side])) {
                    v->options.v[k] = arena_strdup(s->arena, word);
                    return;
                }
            }
        }
    }
    spec_push(s, &v->options, word);
}

static void tmpfs_defaults(struct spec *s, struct volume *v)
{
    v->type = "tmpfs";
    v->source = "tmpfs";
    spec_push(s, &v->options, "noexec");
    spec_push(s, &v->options, "nosuid");
    spec_push(s, &v->options, "nodev");
}

/* DESTINATION[:OPTIONS] */
static int read_tmpfs(struct spec *s, const char *text, struct volumes *list)
{
    struct volume v = {.flag = "--tmpfs", .text = text};
    const char *colon = strchrnul(text, ':');
    struct strings words = {0};
    int r = set_destination(s, &v, arena_strndup(s->arena, text, (size_t)(colon - text)));
    if (r == 0 && *colon == ':')
        r = spec_split(s, colon + 1, ',', &words);
    if (r < 0)
        return r;
    tmpfs_defaults(s, &v);
    for (size_t i = 0; i < words.n; i++)
        tmpfs_option(s, &v, words.v[i]);
    return append(s, list, &v);
}

/* The fields of --mount, which are those of one line of CSV: a quoted field may hold commas. */
static int csv_fields(struct spec *s, const char *text, struct strings *ret)
{
    for (const char *p = text;;) {
        char *field = arena_alloc(s->arena, strlen(p) + 1);
        if (field == NULL)
            return spec_no_memory(s);
        size_t n = 0;
        bool quoted = *p == '"';
        for (p += quoted; *p != '\0' && (quoted ? !(p[0] == '"' && p[1] != '"') : *p != ','); p++) {
            if (quoted && p[0] == '"')
                p++;
            field[n++] = *p;
        }
        if (quoted && *p++ != '"')
            return spec_fault(s, LAYER_ROOTFS, "--mount", text, "a quotation mark is not closed");
        if (!strings_add(s->arena, ret, field))
            return spec_no_memory(s);
        if (*p == '\0')
            return 0;
        if (*p++ != ',')
            return spec_fault(s, LAYER_ROOTFS, "--mount", text, "expected a comma behind the quotation mark");
    }
}

struct mount_fields {
    const char *type, *source, *target, *propagation, *recursive, *size, *mode, *options;
    const char *readonly, *nonrecursive, *idmap, *consistency, *relabel;
};

#define FIELD(member) offsetof(struct mount_fields, member)

/* A key without a value is a boolean that is true. */
static int mount_field(struct spec *s, const char *text, const char *field, struct mount_fields *ret)
{
    static const struct {
        const char *key;
        size_t offset;
        bool flag;
    } keys[] = {
        {"type", FIELD(type), false},
        {"source", FIELD(source), false},
        {"src", FIELD(source), false},
        {"target", FIELD(target), false},
        {"destination", FIELD(target), false},
        {"dst", FIELD(target), false},
        {"readonly", FIELD(readonly), true},
        {"ro", FIELD(readonly), true},
        {"bind-propagation", FIELD(propagation), false},
        {"bind-recursive", FIELD(recursive), false},
        {"bind-nonrecursive", FIELD(nonrecursive), true},
        {"tmpfs-size", FIELD(size), false},
        {"tmpfs-mode", FIELD(mode), false},
        {"tmpfs-options", FIELD(options), false},
        {"consistency", FIELD(consistency), false},
        {"relabel", FIELD(relabel), false},
        {"idmap", FIELD(idmap), true},
    };
    size_t n = strcspn(field, "=");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strlen(keys[i].key) != n || memcmp(keys[i].key, field, n) != 0)
            continue;
        const char *value = field[n] == '=' ? field + n + 1 : "true";
        if (keys[i].flag ? spec_boolean(value) < 0 : field[n] != '=')
            return spec_fault(s, LAYER_ROOTFS, "--mount", text, "%s: expected %s", field,
                              keys[i].flag ? "true or false" : "a value after =");
        *(const char **)((char *)ret + keys[i].offset) = value;
        return 0;
    }
    if (str_starts(field, "volume-") || str_starts(field, "image-"))
        return spec_fault(s, LAYER_STORAGE, "--mount", text, "%s: this version has bind and tmpfs mounts", field);
    return spec_fault(s, LAYER_ROOTFS, "--mount", text, "unknown key in %s", field);
}

static bool is_true(const char *value)
{
    return value != NULL && spec_boolean(value) == 1;
}

static int mount_bind(struct spec *s, struct volume *v, const struct mount_fields *f)
{
    static const char *const recursive[] = {"enabled", "disabled", "writable", "readonly"};
    struct bind b = {.read_only = is_true(f->readonly), .recursive = f->recursive, .propagation = f->propagation};
    if (f->size != NULL || f->mode != NULL || f->options != NULL)
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "tmpfs- keys are for type=tmpfs");
    if (f->recursive != NULL && !one_of(recursive, ARRAY_LEN(recursive), f->recursive))
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text,
                          "bind-recursive must be enabled, disabled, writable or readonly");
    if (f->propagation != NULL && !is_propagation(f->propagation))
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "unknown propagation %s", f->propagation);
    if (f->recursive != NULL && str_eq(f->recursive, "readonly") && !b.read_only)
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "bind-recursive=readonly needs readonly beside it");
    b.one_only = is_true(f->nonrecursive) || (f->recursive != NULL && str_eq(f->recursive, "disabled"));
    if (is_true(f->idmap) || f->relabel != NULL) {
        int r = volume_option(s, v, &b, is_true(f->idmap) ? "idmap" : "z");
        if (r < 0)
            return r;
    }
    int r = set_source(s, v, f->source);
    if (r == 0)
        r = check_propagation(s, v, &b);
    if (r == 0)
        finish_bind(s, v, &b);
    return r;
}

static int mount_tmpfs(struct spec *s, struct volume *v, const struct mount_fields *f)
{
    uint64_t size = 0;
    if (f->source != NULL || f->propagation != NULL || f->recursive != NULL || f->nonrecursive != NULL)
        return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "source and bind- keys are for type=bind");
    tmpfs_defaults(s, v);
    if (f->size != NULL) {
        if (str_to_size(f->size, &size) < 0)
            return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "tmpfs-size is not a size such as 64m");
        tmpfs_option(s, v, arena_printf(s->arena, "size=%llu", (unsigned long long)size));
    }
    if (f->mode != NULL) {
        if (f->mode[0] == '\0' || strspn(f->mode, "01234567") != strlen(f->mode) || strlen(f->mode) > 5)
            return spec_fault(s, LAYER_ROOTFS, v->flag, v->text, "tmpfs-mode is not an octal number such as 1770");
        tmpfs_option(s, v, arena_printf(s->arena, "mode=%s", f->mode));
    }
    if (f->options != NULL) {
        struct strings words = {0};
        int r = spec_split(s, f->options, ',', &words);
        if (r < 0)
            return r;
        for (size_t i = 0; i < words.n; i++)
            tmpfs_option(s, v, words.v[i]);
    }
    if (is_true(f->readonly))
        tmpfs_option(s, v, "ro");
    return s->arena->failed ? spec_no_memory(s) : 0;
}

static int read_mount(struct spec *s, const char *text, struct volumes *list)
{
    struct volume v = {.flag = "--mount", .text = text};
    struct mount_fields f = {0};
    struct strings fields = {0};
    int r = csv_fields(s, text, &fields);
    for (size_t i = 0; i < fields.n && r == 0; i++)
        r = mount_field(s, text, fields.v[i], &f);
    if (r == 0 && f.target == NULL)
        return spec_fault(s, LAYER_ROOTFS, v.flag, text, "no target=, the path inside the container");
    if (r == 0)
        r = set_destination(s, &v, f.target);
    if (r < 0)
        return r;
    if (f.type != NULL && str_eq(f.type, "bind"))
        r = mount_bind(s, &v, &f);
    else if (f.type != NULL && str_eq(f.type, "tmpfs"))
        r = mount_tmpfs(s, &v, &f);
    else
        return spec_fault(s, LAYER_STORAGE, v.flag, text, "type=%s is not supported by this version; it has type=bind "
                          "and type=tmpfs", f.type != NULL ? f.type : "volume");
    return r < 0 ? r : append(s, list, &v);
}

int volumes_read(struct spec *s, struct volumes *ret)
{
    static int (*const readers[])(struct spec *, const char *, struct volumes *) = {read_volume, read_mount,
                                                                                   read_tmpfs};
    const struct strings *lists[] = {&s->o->volumes, &s->o->mounts, &s->o->tmpfs};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        for (size_t i = 0; i < lists[k]->n; i++) {
            int r = readers[k](s, lists[k]->v[i], ret);
            if (r < 0)
                return r;
        }
    }
    return s->arena->failed ? spec_no_memory(s) : 0;
}
