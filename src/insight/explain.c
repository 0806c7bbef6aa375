/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Every wall's explain function reads one document and makes facts of it. It runs over the
 * configuration, the observation, or both; then the two lists are merged by subject: what was observed leads, the
 * configuration adds where a setting came from and what was wanted, and a fact that only the configuration knows is
 * kept as such (verified is false).
 */
#include "insight/explain.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/fd.h"
#include "base/str.h"
#include "insight/facts.h"
#include "layers/layer.h"

static wall_fn *const walls[LAYER_WALLS] = {
    [LAYER_NAMESPACES] = explain_namespaces, [LAYER_IDMAP] = explain_idmap,
    [LAYER_CGROUP] = explain_cgroup,         [LAYER_NETWORK] = explain_network,
    [LAYER_ROOTFS] = explain_rootfs,         [LAYER_LIMITS] = explain_limits,
    [LAYER_MAC] = explain_mac,               [LAYER_CAPABILITIES] = explain_capabilities,
    [LAYER_SECCOMP] = explain_seccomp,
};

static const char *const state_names[] = {
    [FACT_HOLDS] = "holds", [FACT_PARTIAL] = "partial", [FACT_OPEN] = "open", [FACT_UNKNOWN] = "unknown", [FACT_NOTE] = "note"};
static_assert(ARRAY_LEN(state_names) == FACT_NOTE + 1, "every state has a name");

const char *fact_state_name(enum fact_state state)
{
    return state_names[state];
}

static struct fact *find(const struct wall_facts *facts, const char *subject)
{
    for (struct fact *f = facts->first; f != NULL; f = f->next)
        if (str_eq(f->subject, subject))
            return f;
    return NULL;
}

static void append(struct wall_facts *list, struct fact *f)
{
    f->next = NULL;
    if (list->last == NULL)
        list->first = f;
    else
        list->last->next = f;
    list->last = f;
}

static bool agree(const struct fact *a, const struct fact *b)
{
    if (a->value != NULL && b->value != NULL)
        return str_eq(a->value, b->value);
    return str_eq(a->detail, b->detail);
}

/* Put what was wanted beside what was observed. */
static void merge_fact(struct fact *observed, const struct fact *wanted)
{
    observed->source = wanted->source;
    bool seen = observed->state != FACT_UNKNOWN;
    if (observed->wanted != NULL)
        return; /* the wall itself compared the two */
    if (seen && !agree(observed, wanted)) {
        observed->wanted = wanted->detail;
        return;
    }
    if (seen && !wanted->speaks)
        return;
    observed->detail = wanted->detail;
    observed->meaning = wanted->meaning;
    observed->state = wanted->state;
    observed->verified = seen;
}

static void merge(struct wall_facts *wanted, struct wall_facts *observed, struct wall_facts *ret)
{
    struct wall_facts merged = {.first = NULL};
    for (struct fact *w = wanted->first; w != NULL; w = w->next)
        w->quiet = find(observed, w->subject) != NULL; /* its line is there already */
    for (struct fact *f = observed->first, *next = NULL; f != NULL; f = next) {
        next = f->next;
        const struct fact *w = find(wanted, f->subject);
        if (w != NULL)
            merge_fact(f, w);
        if (w != NULL || !f->quiet)
            append(&merged, f);
    }
    for (struct fact *f = wanted->first, *next = NULL; f != NULL; f = next) {
        next = f->next;
        const struct fact *whole = f->part_of != NULL ? find(&merged, f->part_of) : NULL;
        if (f->quiet || (f->part_of != NULL && (whole == NULL || whole->wanted != NULL)))
            continue;
        append(&merged, f);
    }
    *ret = merged;
}

static void drop_quiet(struct wall_facts *facts)
{
    struct wall_facts kept = {.first = NULL};
    for (struct fact *f = facts->first, *next = NULL; f != NULL; f = next) {
        next = f->next;
        if (!f->quiet)
            append(&kept, f);
    }
    *facts = kept;
}

/*
 * A wall holds when everything known of it does. It is open when nothing of it stands and nothing is unknown, for what
 * cannot be read may stand.
 */
static enum fact_state whole_state(const struct wall_facts *facts)
{
    size_t n[ARRAY_LEN(state_names)] = {0}, all = 0;
    for (const struct fact *f = facts->first; f != NULL; f = f->next) {
        n[f->state]++;
        all++;
    }
    size_t known = all - n[FACT_UNKNOWN] - n[FACT_NOTE];
    if (known > 0 && n[FACT_HOLDS] == known)
        return FACT_HOLDS;
    if (n[FACT_OPEN] < known)
        return FACT_PARTIAL;
    return n[FACT_UNKNOWN] > 0 || known == 0 ? FACT_UNKNOWN : FACT_OPEN;
}

static void add_refusal(struct arena *a, struct explanation *e, const struct err *err)
{
    const char *text = fact_clean(a, err->text);
    if ((unsigned)err->layer < LAYER_WALLS)
        e->walls[err->layer].refusal = text;
    else
        e->refusal = text;
}

/* What this host would refuse: every wall is asked, not only up to the first that does. */
static void plan_all(struct arena *a, const struct explain_input *in, struct explanation *e)
{
    struct plan plan;
    plan_init(&plan, a);
    for (enum layer_id l = 0; l < LAYER_WALLS; l++) {
        struct err err = ERR_INIT;
        int r = all_layers[l]->plan(in->config, in->host, in->id != NULL ? in->id : "explain",
                                    in->bundle != NULL ? in->bundle : "/", &plan, &err);
        if (r < 0)
            add_refusal(a, e, &err);
    }
}

static const char *command_line(struct arena *a, const struct oci_config *c)
{
    if (c == NULL || c->process == NULL || c->process->args.n == 0)
        return NULL;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < c->process->args.n; i++)
        buf_printf(&text, "%s%s", i > 0 ? " " : "", c->process->args.v[i]);
    return fact_clean(a, buf_str(&text));
}

static void explain_wall(struct arena *a, const struct explain_input *in, const struct profile *usual, enum layer_id l,
                         struct explanation *e)
{
    struct wall_facts wanted = {.first = NULL}, observed = {.first = NULL};
    if (in->config != NULL) {
        struct wall_view v = {.a = a, .input = in, .c = in->config, .facts = &wanted, .usual = usual};
        walls[l](&v);
    }
    if (in->observed != NULL) {
        struct wall_view v = {.a = a, .input = in, .c = in->observed, .observed = true, .facts = &observed,
                              .usual = usual};
        walls[l](&v);
    }
    if (in->observed == NULL) {
        e->walls[l] = wanted;
    } else if (in->config == NULL) {
        drop_quiet(&observed);
        e->walls[l] = observed;
    } else {
        merge(&wanted, &observed, &e->walls[l]);
    }
    e->walls[l].state = whole_state(&e->walls[l]);
    for (const struct fact *f = e->walls[l].first; f != NULL; f = f->next)
        e->differences += f->wanted != NULL;
}

int explain_make(struct arena *a, const struct explain_input *input, struct explanation **ret, struct err *err)
{
    struct explanation *e = arena_new(a, struct explanation);
    if (e == NULL)
        return err_set(err, -ENOMEM, LAYER_INSIGHT, "out of memory");
    struct profile *usual = NULL;
    /* The embedded text, whatever a host's administrator may have put under that name. */
    int r = profile_parse(a, NULL, "docker", profile_embedded("docker"), &usual, err);
    if (r < 0)
        return r;
    e->subject = fact_clean(a, input->subject);
    e->program = command_line(a, input->config);
    e->view = input->observed == NULL ? EXPLAIN_PLAN : input->config == NULL ? EXPLAIN_OBSERVED : EXPLAIN_BOTH;
    e->pid = input->pid;
    e->kernel_major = input->host->kernel_major;
    e->kernel_minor = input->host->kernel_minor;
    for (enum layer_id l = 0; l < LAYER_WALLS; l++)
        explain_wall(a, input, usual, l, e);
    if (e->view == EXPLAIN_PLAN)
        plan_all(a, input, e);
    if (a->failed)
        return err_set(err, -ENOMEM, LAYER_INSIGHT, "out of memory");
    *ret = e;
    return 0;
}

/* The command line of a live process, "[kthreadd]" for a thread of the kernel's. */
static const char *live_program(struct arena *a, pid_t pid, const char *name)
{
    char path[48], line[4096];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    ssize_t n = file_read_into(AT_FDCWD, path, line, sizeof line);
    if (n <= 0)
        return arena_printf(a, "[%s]", fact_clean(a, name));
    while (n > 0 && line[n - 1] == '\0')
        n--;
    for (ssize_t i = 0; i < n; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    return fact_clean(a, line);
}

int explain_process(struct arena *a, pid_t pid, const char *subject, const struct host *host,
                    const struct oci_config *config, const char *id, const char *bundle, struct explanation **ret,
                    struct err *err)
{
    CLEANUP_FD int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        if (errno == ESRCH)
            return err_set(err, -ESRCH, LAYER_INSIGHT, "process %d: no such process", (int)pid);
        if (errno == EINVAL)
            return err_set(err, -EINVAL, LAYER_INSIGHT, "process %d: this is a thread; give the number of its process",
                           (int)pid);
        return err_set_errno(err, -errno, LAYER_INSIGHT, "process %d", (int)pid);
    }
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    if (poll(&ended, 1, 0) > 0)
        return err_set(err, -ESRCH, LAYER_INSIGHT, "process %d: has ended; its parent has not asked for its status yet",
                       (int)pid);
    char path[48], name[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    ssize_t n = file_read_into(AT_FDCWD, path, name, sizeof name);
    name[n > 0 ? (size_t)n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    const char *program = live_program(a, pid, name);
    struct oci_config *observed = NULL;
    int r = layers_observe(a, pid, pidfd, host, &observed, err);
    /* Everything was read by number: only now is it sure that the number was this process's all the while. */
    if (poll(&ended, 1, 0) > 0)
        return err_set(err, -ESRCH, LAYER_INSIGHT, "process %d: ended while it was looked at", (int)pid);
    if (r < 0)
        return r;
    if (subject == NULL)
        subject = arena_printf(a, "process %d (%s)", (int)pid, name);
    struct explanation *e = NULL;
    r = explain_make(a,
                     &(struct explain_input){.subject = subject, .host = host, .config = config, .observed = observed,
                                             .pid = pid, .id = id, .bundle = bundle, .look = true},
                     &e, err);
    if (r < 0)
        return r;
    e->program = program;
    *ret = e;
    return 0;
}
