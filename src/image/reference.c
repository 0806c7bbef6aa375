/* SPDX-License-Identifier: Apache-2.0 */
#include "image/reference.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "image/digest.h"

#define REPOSITORY_MAX 255
#define TAG_MAX 128

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* [a-z0-9]+ ( "." | "_" | "__" | "-"+ , [a-z0-9]+ )* */
static bool component_ok(const char *s, size_t n)
{
    size_t i = 0;
    for (;;) {
        size_t start = i;
        while (i < n && is_lower_alnum(s[i]))
            i++;
        if (i == start)
            return false;
        if (i == n)
            return true;
        if (s[i] == '-') {
            while (i < n && s[i] == '-')
                i++;
        } else if (s[i] == '_') {
            i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
        } else if (s[i] == '.') {
            i++;
        } else {
            return false;
        }
    }
}

static bool repository_ok(const char *s)
{
    for (;;) {
        size_t n = strcspn(s, "/");
        if (!component_ok(s, n))
            return false;
        if (s[n] == '\0')
            return true;
        s += n + 1;
    }
}

static bool tag_ok(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || n > TAG_MAX || !(is_alnum(s[0]) || s[0] == '_'))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_alnum(s[i]) && strchr("_.-", s[i]) == NULL)
            return false;
    return true;
}

static bool port_ok(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return n > 0 && n <= 5 && s[n] == '\0';
}

/* host ( "." host )* [ ":" port ] or "[" IPv6 "]" [ ":" port ] */
static bool registry_ok(const char *s)
{
    if (*s == '[') {
        size_t n = strspn(s + 1, "0123456789abcdefABCDEF:");
        if (n == 0 || s[1 + n] != ']')
            return false;
        s += n + 2;
        return *s == '\0' || (*s == ':' && port_ok(s + 1));
    }
    for (;;) {
        size_t n = 0;
        while (is_alnum(s[n]) || s[n] == '-')
            n++;
        if (n == 0 || s[0] == '-' || s[n - 1] == '-')
            return false;
        s += n;
        if (*s == '\0')
            return true;
        if (*s == ':')
            return port_ok(s + 1);
        if (*s++ != '.')
            return false;
    }
}

static bool is_registry(const char *s, size_t n)
{
    if (n == strlen("localhost") && memcmp(s, "localhost", n) == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
            return true;
    return false;
}

static bool is_image_id(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int refuse(struct err *err, const char *text, const char *why)
{
    return err_set(err, -EINVAL, LAYER_IMAGE, "\"%.200s\" is no image name: %s", text, why);
}

int image_reference_parse(struct arena *a, const char *text, struct image_reference *ret, struct err *err)
{
    struct image_reference r = {.registry = "docker.io"};
    char *s = arena_strdup(a, text);
    if (s == NULL)
        return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "image name");
    if (*s == '\0')
        return refuse(err, text, "it is empty");
    if (is_image_id(s))
        return refuse(err, text, "64 hex digits are an image ID");

    char *at = strchr(s, '@');
    if (at != NULL) {
        *at = '\0';
        r.digest = at + 1;
        if (!image_digest_ok(r.digest))
            return refuse(err, text, "after @ a digest such as sha256: and 64 hex digits is expected");
    }
    char *slash = strchr(s, '/');
    char *path = s;
    if (slash != NULL && is_registry(s, (size_t)(slash - s))) {
        *slash = '\0';
        r.registry = str_eq(s, "index.docker.io") ? "docker.io" : s;
        path = slash + 1;
        if (!registry_ok(r.registry))
            return refuse(err, text, "the registry is no host name with an optional port");
    }
    char *last = strrchr(path, '/');
    char *colon = strchr(last != NULL ? last : path, ':');
    if (colon != NULL) {
        *colon = '\0';
        r.tag = colon + 1;
        if (!tag_ok(r.tag))
            return refuse(err, text, "a tag has letters, digits, '_', '.' and '-', at most 128, and begins with none "
                                     "of the last two");
    } else if (r.digest == NULL) {
        r.tag = "latest";
    }
    if (!repository_ok(path))
        return refuse(err, text, "a repository has lower-case letters and digits, with '.', '_', '-' and '/' between "
                                 "them");
    r.repository = path;
    if (str_eq(r.registry, "docker.io") && strchr(path, '/') == NULL) {
        r.repository = arena_printf(a, "library/%s", path);
        if (r.repository == NULL)
            return err_set_errno(err, -ENOMEM, LAYER_IMAGE, "image name");
    }
    if (strlen(r.registry) + 1 + strlen(r.repository) > REPOSITORY_MAX)
        return refuse(err, text, "it is longer than 255 characters");
    *ret = r;
    return 0;
}

const char *image_reference_full(struct arena *a, const struct image_reference *r)
{
    return arena_printf(a, "%s/%s%s%s%s%s", r->registry, r->repository, r->tag != NULL ? ":" : "",
                        r->tag != NULL ? r->tag : "", r->digest != NULL ? "@" : "", r->digest != NULL ? r->digest : "");
}

const char *image_reference_shorten(const char *full)
{
    static const char docker[] = "docker.io/", library[] = "library/";
    if (!str_starts(full, docker))
        return full;
    const char *rest = full + sizeof docker - 1;
    const char *name = str_starts(rest, library) ? rest + sizeof library - 1 : rest;
    if (strchr(name, '/') == NULL && name != rest && !is_image_id(name))
        return name;
    /* docker.io/a.b/c cannot lose docker.io: a.b would be taken for the registry. */
    const char *slash = strchr(rest, '/');
    return slash != NULL && !is_registry(rest, (size_t)(slash - rest)) ? rest : full;
}

const char *image_reference_familiar(struct arena *a, const struct image_reference *r)
{
    const char *full = image_reference_full(a, r);
    return full == NULL ? NULL : image_reference_shorten(full);
}
