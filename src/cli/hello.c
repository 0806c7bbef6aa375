/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first container: the embedded image's program reports what it sees from inside, and waits; meanwhile the same is
 * read from outside; both are printed side by side.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/outside.h"
#include "cli/run_options.h"
#include "engine/run.h"
#include "hello/keys.h"

enum { MAX_REPORT = 1024 * 1024 };

struct key {
    const char *key, *group, *label;
};

static const struct key keys[] = {
#define X(identifier, key, group, label) {key, group, label},
    HELLO_KEYS(X)
#undef X
};

struct row {
    const struct key *key;
    const char *inside, *outside;
};

struct meeting {
    struct arena *arena;
    int to, from;     /* the program's standard input and output, our ends */
    char *report;     /* its lines */
    struct row *rows;
    size_t n_rows;
    char name[129];   /* of the container */
    struct err err;   /* what went wrong in between */
};

/* Read up to and with the line "ready=1". */
static int read_report(struct meeting *m)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    char piece[4096];
    ssize_t n;
    while (b.len < MAX_REPORT && (n = read(m->from, piece, sizeof piece)) != 0) {
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            buf_add(&b, piece, (size_t)n);
        const char *ready = strstr(buf_str(&b), HELLO_READY "=1\n");
        if (ready != NULL && (ready == b.data || ready[-1] == '\n')) {
            m->report = arena_strndup(m->arena, b.data, (size_t)(ready - b.data));
            return m->report != NULL ? 0 : -ENOMEM;
        }
    }
    return -EPIPE;
}

/* "\n" and its like, as the report writes them; the rest of the line is ours to change. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s != '\0'; s++) {
        if (s[0] == '\\' && (s[1] == 'n' || s[1] == '\\')) {
            *to++ = s[1] == 'n' ? ' ' : '\\';
            s++;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

/* Put beside each line of the report what is to be seen of it from here, while the program waits. */
static void make_rows(struct meeting *m, const struct outside *outside)
{
    size_t lines = 1;
    for (const char *p = m->report; *p != '\0'; p++)
        lines += *p == '\n';
    m->rows = arena_calloc(m->arena, lines, sizeof *m->rows);
    const struct key *last = NULL;
    for (char *rest = m->report, *line; m->rows != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        char *value = strchr(line, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        unescape(value);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            if (!str_eq(keys[i].key, line))
                continue;
            const char *seen = outside_value(m->arena, outside, line, value, last == &keys[i]);
            m->rows[m->n_rows++] = (struct row){&keys[i], value, seen};
            last = &keys[i];
        }
    }
}

static void started(void *data, struct store *s, const struct container *c, pid_t pid, int pidfd)
{
    struct meeting *m = data;
    snprintf(m->name, sizeof m->name, "%s", c->name);
    struct outside outside;
    int r = read_report(m);
    if (r < 0)
        err_set_errno(&m->err, r, LAYER_CLI, "report from inside the container");
    else if (outside_look(m->arena, &s->host, pid, pidfd, &outside, &m->err) == 0)
        make_rows(m, &outside);
    fd_close(&m->to); /* its input ends, so it ends */
}

static size_t piece_length(const char *text, size_t room)
{
    size_t n = strlen(text);
    if (n <= room)
        return n;
    for (n = room; n > room / 2 && text[n] != ' ' && text[n - 1] != ',' && text[n - 1] != '/'; n--)
        ;
    return n > room / 2 ? n : room;
}

/* One row, over as many lines as its longer cell needs. */
static void print_row(const char *label, const char *inside, const char *outside, size_t room)
{
    enum { LABEL = 16 };
    do {
        size_t a = piece_length(inside, room), b = piece_length(outside, room);
        printf("  %-*.*s %-*.*s  %.*s\n", LABEL, LABEL, label, (int)room, (int)a, inside, (int)b, outside);
        inside += a + (inside[a] == ' ');
        outside += b + (outside[b] == ' ');
        label = "";
    } while (*inside != '\0' || *outside != '\0');
}

static void print_meeting(const struct meeting *m, unsigned width)
{
    size_t room = width > 60 ? (width - 22) / 2 : 24;
    const struct key *last = NULL;
    printf("\nContainer %s: the same things seen from inside and from outside\n\n", m->name);
    printf("  %-16s %-*s  %s\n", "", (int)room, "INSIDE", "OUTSIDE");
    for (size_t i = 0; i < m->n_rows; i++) {
        const struct row *row = &m->rows[i];
        if (last == NULL || !str_eq(last->group, row->key->group))
            printf("\n%s\n", row->key->group);
        bool again = last != NULL && str_eq(last->label, row->key->label);
        print_row(again ? "" : row->key->label, row->inside, row->outside, room);
        last = row->key;
    }
    putchar('\n');
}

static int open_pipes(struct meeting *m, struct run_hooks *hooks, struct err *err)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return err_set_errno(err, -errno, LAYER_CLI, "pipe");
    if (pipe2(out, O_CLOEXEC) < 0) {
        int e = -errno;
        fd_close(&in[0]);
        fd_close(&in[1]);
        return err_set_errno(err, e, LAYER_CLI, "pipe");
    }
    *hooks = (struct run_hooks){.stdio = {in[0], out[1], -1}, .started = started, .data = m};
    m->to = in[1];
    m->from = out[0];
    return 0;
}

static int hello(const struct invocation *in, struct err *err)
{
    static const char *const args[] = {"/hello", "--report", "--wait"};
    struct run_options o = {.entrypoint = ""};
    const char *const *words = NULL;
    size_t n = 0;
    int r = command_parse(in, &o, false, 0, 0, &words, &n, err);
    if (r != 0)
        return r < 0 ? r : 0;
    o.image = IMAGE_EMBEDDED_NAME;
    o.args = args;
    o.n_args = ARRAY_LEN(args);
    o.rm = true;
    r = engine_run_permitted(err);
    if (r < 0)
        return r;
    CLEANUP_STORE struct store s = STORE_INIT;
    r = store_open(in->arena, in->globals->root, &s, err);
    if (r < 0)
        return r;
    struct meeting m = {.arena = in->arena, .to = -EBADF, .from = -EBADF, .err = ERR_INIT};
    struct run_hooks hooks;
    r = open_pipes(&m, &hooks, err);
    if (r < 0)
        return r;
    int code = 0;
    r = engine_run(&s, &o, &hooks, &code, err);
    fd_close(&hooks.stdio[0]);
    fd_close(&hooks.stdio[1]);
    fd_close(&m.to);
    fd_close(&m.from);
    if (r == 0 && m.err.code != 0) {
        *err = m.err;
        r = m.err.code;
    }
    if (r < 0) {
        err_print(stderr, "coffer", err);
        return code == 0 ? EXIT_ENGINE : code;
    }
    print_meeting(&m, command_width(stdout));
    return code;
}

const struct command hello_command = {
    .name = "hello",
    .arguments = "[OPTIONS]",
    .summary = "Run the built-in first container and show it from inside and from outside",
    .options = run_options_table,
    .run = hello,
};
