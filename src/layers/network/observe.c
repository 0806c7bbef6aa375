/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/network/observe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

#define FILE_MAX ((size_t)4 * 1024 * 1024)

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : line + strlen(line);
}

/* net/if_inet6: address without colons, interface number, prefix length, scope, flags, name. */
static void add_inet6(const char *inet6, const char *name, struct buf *out)
{
    for (const char *line = inet6; *line != '\0'; line = next_line(line)) {
        char hex[33], device[IF_NAMESIZE];
        unsigned char address[16];
        if (sscanf(line, "%32s %*x %*x %*x %*x %15s", hex, device) != 2 || !str_eq(device, name) || strlen(hex) != 32)
            continue;
        for (size_t i = 0; i < sizeof address; i++)
            if (sscanf(hex + 2 * i, "%2hhx", &address[i]) != 1)
                return;
        char text[INET6_ADDRSTRLEN];
        if (inet_ntop(AF_INET6, address, text, sizeof text) != NULL)
            buf_printf(out, " %s", text);
    }
}

/*
 * The interface whose own network an address lies in: the longest prefix of net/route without a gateway. The file
 * prints addresses as the machine word that holds their network byte order, so no byte is swapped here. Loopback has
 * no route in it. "-": none.
 */
static void interface_of(const char *route, struct in_addr address, char ret[IF_NAMESIZE])
{
    snprintf(ret, IF_NAMESIZE, "-");
    if (ntohl(address.s_addr) >> 24 == 127) {
        snprintf(ret, IF_NAMESIZE, "lo");
        return;
    }
    uint32_t longest = 0;
    for (const char *line = next_line(route); *line != '\0'; line = next_line(line)) {
        char device[IF_NAMESIZE];
        unsigned destination = 0, gateway = 0, mask = 0;
        if (sscanf(line, "%15s %x %x %*x %*d %*d %*d %x", device, &destination, &gateway, &mask) != 4)
            continue;
        if (gateway != 0 || (address.s_addr & mask) != destination || ntohl(mask) < longest)
            continue;
        longest = ntohl(mask);
        snprintf(ret, IF_NAMESIZE, "%s", device);
    }
}

/*
 * Local addresses stand in net/fib_trie as "|-- 192.0.2.2" and on the next line "/32 host LOCAL". The local table is
 * the last in the file; it may be printed twice, as "Main:" too.
 */
static void add_inet(const char *fib_trie, const char *route, const char *name, struct buf *out)
{
    const char *table = strstr(fib_trie, "Local:\n");
    if (table == NULL)
        return;
    struct in_addr address = {0};
    bool have = false;
    for (const char *line = table; *line != '\0'; line = next_line(line)) {
        char text[INET_ADDRSTRLEN], owner[IF_NAMESIZE], scope[16], type[16];
        if (sscanf(line, " |-- %15s", text) == 1) {
            have = inet_pton(AF_INET, text, &address) == 1;
            continue;
        }
        if (!have || sscanf(line, " /32 %15s %15s", scope, type) != 2 || !str_eq(scope, "host") ||
            !str_eq(type, "LOCAL"))
            continue;
        have = false;
        interface_of(route, address, owner);
        if (str_eq(owner, name))
            buf_printf(out, " %s", inet_ntop(AF_INET, &address, text, sizeof text));
    }
}

void network_describe(const char *dev, const char *inet6, const char *fib_trie, const char *route, struct buf *out)
{
    /* Two lines of heading; then "  eth0: 123 4 ...". */
    for (const char *line = next_line(next_line(dev)); *line != '\0'; line = next_line(line)) {
        char name[IF_NAMESIZE];
        if (sscanf(line, " %15[^: ]:", name) != 1)
            continue;
        buf_puts(out, name);
        add_inet(fib_trie, route, name, out);
        add_inet6(inet6, name, out);
        buf_putc(out, '\n');
    }
    CLEANUP_BUF struct buf homeless = BUF_INIT;
    add_inet(fib_trie, route, "-", &homeless);
    if (homeless.len > 0)
        buf_printf(out, "-%s\n", buf_str(&homeless));
    out->failed = out->failed || homeless.failed;
}

/* "" where the file cannot be read: a kernel without IPv6, a namespace without addresses. */
static char *read_net(struct arena *a, pid_t pid, const char *name)
{
    static char empty[] = "";
    char path[64];
    char *text = empty;
    snprintf(path, sizeof path, "/proc/%d/net/%s", (int)pid, name);
    if (file_read(a, AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
        return empty;
    return text;
}

int network_observe(struct arena *a, pid_t pid, int pidfd UNUSED, const struct host *host UNUSED,
                    struct oci_config *ret, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const char *dev = read_net(a, pid, "dev");
    if (*dev == '\0')
        return 0; /* gone, or hidden from us: absent, as the interface of layers says */
    network_describe(dev, read_net(a, pid, "if_inet6"), read_net(a, pid, "fib_trie"), read_net(a, pid, "route"),
                     &text);
    if (text.failed || layers_annotate(a, ret, ANNOTATION_OBSERVED_NETWORK, buf_str(&text)) < 0)
        return err_set(err, -ENOMEM, LAYER_NETWORK, "out of memory");
    return 0;
}
