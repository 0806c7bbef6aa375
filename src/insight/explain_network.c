/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"

/* "lo 127.0.0.1\neth0 10.0.0.2\n" as "lo 127.0.0.1, eth0 10.0.0.2"; *ret_others: interfaces beside lo. */
static const char *describe(struct arena *a, const char *lines, size_t *ret_others)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    *ret_others = 0;
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t n = strcspn(line, "\n");
        if (n == 0)
            continue;
        bool loopback = str_starts(line, "lo ") || (n == 2 && str_starts(line, "lo"));
        *ret_others += !loopback;
        buf_puts(&text, text.len > 0 ? ", " : "");
        buf_add(&text, line, n);
    }
    if (text.failed)
        a->failed = true;
    return fact_clean(a, buf_str(&text));
}

static void explain_observed(struct wall_view *v, bool own)
{
    const char *lines = oci_annotation(v->c, ANNOTATION_OBSERVED_NETWORK);
    size_t others = 0;
    struct fact *f = NULL;
    const char *text = lines != NULL ? describe(v->a, lines, &others) : NULL;
    if (text == NULL)
        f = fact_add(v, own ? FACT_UNKNOWN : FACT_OPEN, "interfaces", NULL,
                     own ? "What it can reach cannot be told from here." : "It can reach what the host can reach.",
                     "%s", own ? "cannot be read" : "the host's");
    else if (!own)
        f = fact_add(v, FACT_OPEN, "interfaces", NULL, "It can reach, bind and watch what the host's programs can.",
                     "the host's: %s", text);
    else if (others == 0)
        f = fact_add(v, FACT_HOLDS, "interfaces", NULL, "There is no way out of it over the network.", "%s",
                     *text != '\0' ? text : "none");
    else
        f = fact_add(v, FACT_PARTIAL, "interfaces", NULL,
                     "It can reach what the other end of these forwards for it.", "%s", text);
    f->value = own ? "own" : "host";
}

static void explain_planned(struct wall_view *v, const struct oci_namespace *ns)
{
    const char *path = "linux.namespaces[network]";
    const struct oci_linux *l = v->c->linux;
    struct fact *f = NULL;
    if (ns == NULL)
        f = fact_add(v, FACT_OPEN, "interfaces", path, "It can reach, bind and watch what the host's programs can.",
                     "the host's");
    else if (ns->path != NULL)
        f = fact_add(v, FACT_PARTIAL, "interfaces", path, "It can reach whatever that namespace can reach.",
                     "those of %s", fact_clean(v->a, ns->path));
    else if (l->net_devices.n > 0 || (v->c->hooks != NULL && (v->c->hooks->prestart.n > 0 ||
                                                              v->c->hooks->create_runtime.n > 0)))
        f = fact_add(v, FACT_PARTIAL, "interfaces", path, "It can reach what those lead to.",
                     "loopback, and what net devices and hooks bring into it");
    else
        f = fact_add(v, FACT_HOLDS, "interfaces", path, "There is no way out of it over the network.", "loopback alone");
    f->value = ns == NULL ? "host" : "own";
    for (size_t i = 0; l != NULL && i < l->net_devices.n; i++)
        fact_add(v, FACT_PARTIAL, "net device", "linux.netDevices",
                 "This interface of the host is moved into the container.", "%s",
                 fact_clean(v->a, l->net_devices.v[i].key))
            ->part_of = "interfaces";
}

void explain_network(struct wall_view *v)
{
    const struct oci_namespace *ns = oci_namespace_find(v->c, "network");
    if (view_unread(v, "network"))
        fact_add(v, FACT_UNKNOWN, "interfaces", NULL, "What it can reach cannot be told from here.", "cannot be read");
    else if (v->observed)
        explain_observed(v, ns != NULL);
    else
        explain_planned(v, ns);
}
