/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "insight/facts.h"

static const struct {
    const char *type, *subject, *own, *shared;
} kinds[] = {
    {"pid", "pid namespace", "It sees and can signal the processes of this container alone.",
     "It sees every process of the host, and may signal those that its user and capabilities let it."},
    {"network", "network namespace", "The host's interfaces, ports and abstract Unix sockets are out of its reach.",
     "It uses the host's interfaces, ports and abstract Unix sockets as any program of the host does."},
    {"mount", "mount namespace", "What it mounts or unmounts does not change the host's mounts.",
     "It sees the host's mounts, and what it mounts is mounted for the host."},
    {"uts", "uts namespace", "It has a host name of its own.", "It has the host's name, which CAP_SYS_ADMIN may change."},
    {"ipc", "ipc namespace", "System V IPC objects and POSIX message queues of the host are out of its reach.",
     "It shares System V IPC objects and POSIX message queues with the host's programs."},
    {"user", "user namespace", "Its capabilities count only inside; on the host its root is an ordinary user.",
     "Its user ids are the host's: root in it is the host's root, held by the other walls alone."},
    {"cgroup", "cgroup namespace", "It sees its own control group as the root of the tree.",
     "It can read where in the host's tree of control groups it is."},
    {"time", "time namespace", "Its monotonic and boot-time clocks are its own.",
     "It can read how long the host has been up."},
};

/*
 * Sharing the host's cgroup or time namespace shows a little of the host and lets nothing through: where there are
 * other namespaces it counts as a gap and not as a missing wall.
 */
static enum fact_state shared_state(const struct wall_view *v, const char *type)
{
    bool mild = type[0] == 'c' || type[0] == 't';
    return mild && v->c->linux != NULL && v->c->linux->namespaces.n > 0 ? FACT_PARTIAL : FACT_OPEN;
}

/* A user namespace is a wall as far as its map makes it one; and a map asks for one. */
static void explain_user_namespace(struct wall_view *v, struct fact *f)
{
    const struct oci_linux *l = v->c->linux;
    if (view_maps_host_root(v)) {
        f->state = FACT_PARTIAL;
        f->meaning = view_root_is_hosts(v)
                         ? "Its capabilities count only inside, but its root is the host's root: to the host's files it is "
                           "root."
                         : "Its capabilities count only inside, but one of its users is the host's root.";
    } else if (v->observed && (l == NULL || l->uid_mappings.n == 0)) {
        f->meaning = "Its capabilities count only inside; whom its root is on the host cannot be told from here.";
    }
    const char *typed = fact_source(v->a, v->c, "linux.uidMappings");
    if (!v->observed && typed != NULL && str_starts(typed, "flag --"))
        f->source = typed;
}

void explain_namespaces(struct wall_view *v)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct oci_namespace *ns = oci_namespace_find(v->c, kinds[i].type);
        const char *path = arena_printf(v->a, "linux.namespaces[%s]", kinds[i].type);
        struct fact *f = NULL;
        if (view_unread(v, kinds[i].type)) {
            (void)fact_add(v, FACT_UNKNOWN, kinds[i].subject, path, "Whether it is the host's cannot be told from here.",
                           "cannot be read");
            continue;
        }
        if (ns == NULL)
            f = fact_add(v, shared_state(v, kinds[i].type), kinds[i].subject, path, kinds[i].shared, "the host's");
        else if (ns->path == NULL || v->observed)
            f = fact_add(v, FACT_HOLDS, kinds[i].subject, path, kinds[i].own, "not the host's");
        else
            f = fact_add(v, FACT_HOLDS, kinds[i].subject, path,
                         "It shares this namespace with whoever else is in it: how strong it is depends on them.",
                         "joined: %s", fact_clean(v->a, ns->path));
        f->value = ns == NULL ? "host" : "own";
        f->speaks = true;
        if (ns != NULL && str_eq(kinds[i].type, "user"))
            explain_user_namespace(v, f);
        if (ns != NULL && ns->path == NULL)
            f->detail = "its own";
    }
    if (!v->observed && v->c->linux != NULL && v->c->linux->time_offsets != NULL)
        fact_add(v, FACT_HOLDS, "clock offsets", "linux.timeOffsets", "Its clocks are shifted against the host's.",
                 "set")
            ->part_of = "time namespace";
}
