/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of /etc/hosts, /etc/hostname and /etc/resolv.conf that a container sees. */
#include <arpa/inet.h>
#include <fcntl.h>

#include "base/fd.h"
#include "engine/names.h"
#include "engine/spec_private.h"

enum { MAX_FILE = 1024 * 1024 };

static int fault(struct err *err, const char *flag, const char *value, const char *what)
{
    return err_set(err, -EINVAL, LAYER_NETWORK, "%s %s: %s", flag, value, what);
}

static bool is_address(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* The host's own file; nothing where it has none. */
static void copy_host(struct arena *a, const char *path, struct buf *out)
{
    char *text = NULL;
    if (file_read(a, AT_FDCWD, path, MAX_FILE, &text, NULL) == 0)
        buf_puts(out, text);
}

/* NAME:ADDRESS or NAME=ADDRESS; an IPv6 address may stand in brackets. */
static int add_hosts(struct arena *a, const struct strings *values, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < values->n; i++) {
        const char *value = values->v[i];
        size_t n = strcspn(value, ":=");
        if (n == 0 || value[n] == '\0')
            return fault(err, "--add-host", value, "expected NAME:ADDRESS");
        if (!is_host_name(value, n))
            return fault(err, "--add-host", value, HOST_NAME_FORM);
        const char *address = value + n + 1;
        size_t length = strlen(address);
        if (length > 2 && address[0] == '[' && address[length - 1] == ']')
            address = arena_strndup(a, address + 1, length - 2);
        if (address == NULL)
            return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
        if (!is_address(address))
            return fault(err, "--add-host", value,
                         str_eq(address, "host-gateway") ? "host-gateway needs a network, which this version lacks"
                                                         : "not an IP address");
        buf_printf(out, "%s\t%.*s\n", address, (int)n, value);
    }
    return 0;
}

static void hosts(struct arena *a, const struct oci_config *config, struct buf *out)
{
    if (oci_namespace_find(config, "network") == NULL) {
        copy_host(a, "/etc/hosts", out);
        return;
    }
    buf_puts(out, "127.0.0.1\tlocalhost\n"
                  "::1\tlocalhost ip6-localhost ip6-loopback\n"
                  "fe00::0\tip6-localnet\n"
                  "ff00::0\tip6-mcastprefix\n"
                  "ff02::1\tip6-allnodes\n"
                  "ff02::2\tip6-allrouters\n");
}

/* A blank or a line break would be a word or a line more than was asked for. */
static int one_word(const char *flag, const struct strings *values, struct err *err)
{
    for (size_t i = 0; i < values->n; i++)
        for (const char *p = values->v[i]; *p != '\0'; p++)
            if ((unsigned char)*p <= ' ' || *p == 0x7f)
                return fault(err, flag, values->v[i], "must be one word without blanks and control characters");
    return 0;
}

static int resolv(struct arena *a, const struct spec_request *request, struct buf *out, struct err *err)
{
    const struct run_options *o = request->options;
    if (o->dns.n + o->dns_search.n + o->dns_options.n == 0) {
        copy_host(a, "/etc/resolv.conf", out);
        return 0;
    }
    for (size_t i = 0; i < o->dns.n; i++) {
        if (!is_address(o->dns.v[i]))
            return fault(err, "--dns", o->dns.v[i], "not an IP address");
        buf_printf(out, "nameserver %s\n", o->dns.v[i]);
    }
    int r = one_word("--dns-search", &o->dns_search, err);
    if (r == 0)
        r = one_word("--dns-option", &o->dns_options, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < o->dns_search.n; i++)
        if (!str_eq(o->dns_search.v[i], "."))
            buf_printf(out, "%s%s", i == 0 ? "search " : " ", o->dns_search.v[i]);
    if (o->dns_search.n > 0)
        buf_putc(out, '\n');
    for (size_t i = 0; i < o->dns_options.n; i++)
        buf_printf(out, "%s%s", i == 0 ? "options " : " ", o->dns_options.v[i]);
    if (o->dns_options.n > 0)
        buf_putc(out, '\n');
    return 0;
}

int spec_files(struct arena *a, const struct spec_request *request, const struct oci_config *config,
               const char **ret_hosts, const char **ret_hostname, const char **ret_resolv, struct err *err)
{
    CLEANUP_BUF struct buf h = BUF_INIT, r = BUF_INIT;
    hosts(a, config, &h);
    int e = add_hosts(a, &request->options->add_hosts, &h, err);
    if (e == 0)
        e = resolv(a, request, &r, err);
    if (e < 0)
        return e;
    const char *name = config->hostname != NULL ? arena_printf(a, "%s\n", config->hostname) : NULL;
    if (name == NULL) {
        struct buf own = BUF_INIT;
        copy_host(a, "/etc/hostname", &own);
        name = arena_strdup(a, buf_str(&own));
        buf_free(&own);
    }
    const char *hosts_text = arena_strdup(a, buf_str(&h)), *resolv_text = arena_strdup(a, buf_str(&r));
    if (a->failed || h.failed || r.failed)
        return err_set(err, -ENOMEM, LAYER_ENGINE, "out of memory");
    *ret_hosts = hosts_text;
    *ret_hostname = name;
    *ret_resolv = resolv_text;
    return 0;
}
