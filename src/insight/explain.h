/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explain: what holds a process in, wall by wall, from the kernel up.
 *
 * An explanation is data: per wall a list of facts. It is made from a configuration (what a start would do), from an
 * observation (what the kernel says is in force for a live process, whoever started it), or from both, and then what
 * was wanted and is not in force is named. explain_text() and explain_json() print it; docs/explain.md documents the
 * JSON form.
 */
#ifndef COFFER_INSIGHT_EXPLAIN_H
#define COFFER_INSIGHT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "layers/plan.h"
#include "oci/config.h"
#include "sys/host.h"

enum fact_state {
    FACT_HOLDS,   /* a wall stands here */
    FACT_PARTIAL, /* it stands with a gap that the meaning names */
    FACT_OPEN,    /* nothing stands here */
    FACT_UNKNOWN, /* it cannot be read on this host or by this user */
    FACT_NOTE,    /* worth knowing; neither holds anything in nor lets it out */
};

struct fact {
    struct fact *next;
    enum fact_state state;
    const char *subject; /* "pid namespace", "memory": stable words, also for programs */
    const char *detail;  /* "its own", "512 MiB" */
    const char *meaning; /* one sentence: what follows from it */
    const char *source;  /* which flag or which line of which profile set it; NULL: not known or nobody did */
    const char *wanted;  /* what the configuration asks for where that differs from what is in force; else NULL */
    bool verified;       /* read from the kernel for the live process, not only from the configuration */

    /* For merging the two views. */
    const char *value;   /* two facts with the same value agree; NULL: detail is compared */
    const char *part_of; /* subject of the fact without which this one means nothing, or NULL */
    bool quiet;          /* observed, and of interest only where the configuration sets it */
    bool speaks;         /* from the configuration, in better words than what can be observed has */
};

struct wall_facts {
    struct fact *first, *last;
    enum fact_state state; /* of the wall as a whole */
    const char *refusal;   /* this host would refuse the configuration at this wall, in these words; else NULL */
};

enum explain_view {
    EXPLAIN_PLAN,     /* configuration only: it has not run */
    EXPLAIN_OBSERVED, /* live process only: nobody told us what was wanted */
    EXPLAIN_BOTH,
};

struct explanation {
    const char *subject; /* "container web", "process 4711 (nginx)", "/b/config.json" */
    const char *program; /* its command line, or NULL */
    enum explain_view view;
    pid_t pid; /* 0: none */
    unsigned kernel_major, kernel_minor;
    struct wall_facts walls[LAYER_WALLS];
    const char *refusal; /* this host would refuse the configuration for a reason that is no wall's; else NULL */
    size_t differences; /* facts whose wanted is set */
};

struct explain_input {
    const char *subject;
    const struct host *host;
    const struct oci_config *config;   /* what was asked for, or NULL */
    const struct oci_config *observed; /* what layers_observe() found, or NULL; one of the two must be there */
    pid_t pid;                         /* of the observed process */
    const char *id, *bundle;           /* as for layers_plan(); may be NULL */
    bool look; /* at this machine's /proc and /sys: which of the paths that should be covered there are */
};

/*
 * Make the explanation. A configuration that has not run is also planned for this host; a refusal stands in its wall's
 * section and is no error.
 */
int explain_make(struct arena *a, const struct explain_input *input, struct explanation **ret, struct err *err);

/*
 * Explain a live process of our pid namespace: opens a pidfd, observes, and makes sure that it was the same process
 * all the while. config, id and bundle as in explain_input; subject may be NULL ("process 4711 (nginx)").
 */
int explain_process(struct arena *a, pid_t pid, const char *subject, const struct host *host,
                    const struct oci_config *config, const char *id, const char *bundle, struct explanation **ret,
                    struct err *err);

/*
 * The operations of a start of input->config on this host, in their order, printable: plan_print() or the function
 * below prints them. They cannot be carried out. A refusal is an error.
 */
int explain_plan(struct arena *a, const struct explain_input *input, struct plan *ret, struct err *err);
void explain_plan_json(const struct plan *plan, struct buf *out);

struct explain_style {
    bool utf8;      /* box drawing characters, otherwise ASCII */
    bool colour;    /* terminal colours */
    unsigned width; /* columns; 0: 80 */
};

/* What suits this descriptor: its terminal, TERM, NO_COLOR, COLUMNS, and the locale's LC_ALL, LC_CTYPE, LANG. */
struct explain_style explain_style_for(int fd);

void explain_text(const struct explanation *e, const struct explain_style *style, struct buf *out);
void explain_json(const struct explanation *e, struct buf *out);

/* "holds", "partial", "open", "unknown", "note" */
const char *fact_state_name(enum fact_state state);

#endif
