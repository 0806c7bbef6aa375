/* SPDX-License-Identifier: Apache-2.0 */
/* The few forms that strings of the OCI documents have. Written out, for a regular-expression engine costs more. */
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "oci/table.h"
#include "oci/version.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM DIGITS LOWER UPPER

/* Is s made of these characters alone, and of at least one? */
static bool only(const char *s, const char *set)
{
    return s[0] != '\0' && s[strspn(s, set)] == '\0';
}

static bool page_size_ok(const char *s)
{
    size_t n = strspn(s, DIGITS);
    return n > 0 && s[0] != '0' && s[n] != '\0' && strchr("KMG", s[n]) != NULL && str_eq(s + n + 1, "B");
}
const struct oci_form oci_form_page_size = {page_size_ok, "^[1-9][0-9]*[KMG]B$", "2MB, 1GB ([1-9][0-9]*[KMG]B)"};

static bool rlimit_ok(const char *s)
{
    return str_starts(s, "RLIMIT_") && only(s + strlen("RLIMIT_"), UPPER);
}
const struct oci_form oci_form_rlimit = {rlimit_ok, "^RLIMIT_[A-Z]+$", "RLIMIT_NOFILE (RLIMIT_[A-Z]+)"};

static bool cpu_list_ok(const char *s)
{
    return s[strspn(s, DIGITS ", -")] == '\0';
}
const struct oci_form oci_form_cpu_list = {cpu_list_ok, "^[0-9, -]*$", "0-3,7 ([0-9, -]*)"};

static bool memory_bandwidth_ok(const char *s)
{
    return str_starts(s, "MB:") && strchr(s, '\n') == NULL;
}
const struct oci_form oci_form_memory_bandwidth = {memory_bandwidth_ok, "^MB:[^\\n]*$",
                                                   "MB:0=20;1=70 (MB: and one line)"};

static bool device_type_ok(const char *s)
{
    return s[0] != '\0' && strchr("cbup", s[0]) != NULL && s[1] == '\0';
}
const struct oci_form oci_form_device_type = {device_type_ok, "^[cbup]$", "c, b, u or p"};

static bool capability_ok(const char *s)
{
    return str_starts(s, "CAP_") && only(s + strlen("CAP_"), UPPER "_");
}
const struct oci_form oci_form_capability = {capability_ok, "^CAP_[A-Z_]+$", "CAP_CHOWN (CAP_[A-Z_]+)"};

static bool version_ok(const char *s)
{
    return oci_version_parse(s, &(struct oci_version){0}) == 0;
}
const struct oci_form oci_form_version = {version_ok, NULL, "1.2.0 (a semantic version)"};

/* RFC 6838, section 4.2: type "/" subtype, each a restricted-name. */
static bool media_type_ok(const char *s)
{
    for (int part = 0; part < 2; part++) {
        size_t n = strspn(s, ALNUM "!#$&^_.+-");
        if (n < 1 || n > 127 || strchr(ALNUM, s[0]) == NULL || s[n] != (part == 0 ? '/' : '\0'))
            return false;
        s += n + 1;
    }
    return true;
}
const struct oci_form oci_form_media_type = {
    media_type_ok, "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$",
    "application/vnd.oci.image.manifest.v1+json (type/subtype)"};

/*
 * image-spec descriptor.md, "Digests". Of algorithms that it registers, the encoded part has exactly its length in
 * lower-case hex; of others the grammar is all that is known, and whoever cannot compute them refuses them.
 */
static bool digest_ok(const char *s)
{
    const char *colon = strchr(s, ':');
    if (colon == NULL)
        return false;
    const char *p = s;
    for (;;) {
        size_t n = strspn(p, LOWER DIGITS);
        if (n == 0)
            return false;
        p += n;
        if (p == colon)
            break;
        if (strchr("+._-", *p) == NULL)
            return false;
        p++;
    }
    const char *encoded = colon + 1;
    size_t algorithm = (size_t)(colon - s), want = 0;
    if (algorithm == 6 && memcmp(s, "sha256", 6) == 0)
        want = 64;
    else if (algorithm == 6 && memcmp(s, "sha512", 6) == 0)
        want = 128;
    if (want != 0)
        return strlen(encoded) == want && only(encoded, DIGITS "abcdef");
    return only(encoded, ALNUM "=_-");
}
const struct oci_form oci_form_digest = {digest_ok, "^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$",
                                         "sha256:<64 hex digits> or sha512:<128 hex digits>, in lower case"};

/* RFC 3986, as far as it says what can be no URI: a scheme, then no character that must have been escaped. */
static bool uri_ok(const char *s)
{
    size_t n = strspn(s, ALNUM "+.-");
    return n > 0 && strchr(LOWER UPPER, s[0]) != NULL && s[n] == ':' &&
           s[n + strspn(s + n, ALNUM ":/?#[]@!$&'()*+,;=-._~%")] == '\0';
}
const struct oci_form oci_form_uri = {uri_ok, NULL, "https://host/path (a URI)"};

/* RFC 3339, section 5.6. */
static bool date_time_ok(const char *s)
{
    static const char shape[] = "0000-00-00T00:00:00";
    for (size_t i = 0; shape[i] != '\0'; i++) {
        bool ok = shape[i] == '0'   ? s[i] >= '0' && s[i] <= '9'
                  : shape[i] == 'T' ? s[i] == 'T' || s[i] == 't'
                                    : s[i] == shape[i];
        if (!ok)
            return false;
    }
#define TWO(at) ((s[at] - '0') * 10 + s[(at) + 1] - '0')
    if (TWO(5) < 1 || TWO(5) > 12 || TWO(8) < 1 || TWO(8) > 31 || TWO(11) > 23 || TWO(14) > 59 || TWO(17) > 60)
        return false;
#undef TWO
    s += sizeof shape - 1;
    if (*s == '.') {
        size_t n = strspn(s + 1, DIGITS);
        if (n == 0)
            return false;
        s += 1 + n;
    }
    if (*s == 'Z' || *s == 'z')
        return s[1] == '\0';
    return (*s == '+' || *s == '-') && strspn(s + 1, DIGITS) == 2 && s[3] == ':' && strspn(s + 4, DIGITS) == 2 &&
           s[6] == '\0';
}
const struct oci_form oci_form_date_time = {date_time_ok, NULL, "2026-01-31T12:00:00Z (RFC 3339)"};

/* RFC 4648, section 4. */
static bool base64_ok(const char *s)
{
    size_t n = strspn(s, ALNUM "+/"), pad = strspn(s + n, "=");
    return s[n + pad] == '\0' && pad <= 2 && (n + pad) % 4 == 0;
}
const struct oci_form oci_form_base64 = {base64_ok, NULL, "c2VlZA== (base64)"};
