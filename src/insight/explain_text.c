/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture for people: the process on top, the kernel at the bottom, the walls between them, each a section. Strings
 * were cleaned when the facts were made, so that a column is a character here, save for wide ones, which are rare.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "insight/explain.h"

#define SUBJECT_WIDTH 22U
#define INDENT 4U
#define MIN_WIDTH 60U
#define MAX_WIDTH 120U

struct marks {
    const char *state[FACT_NOTE + 1];
    const char *line, *side, *top_left, *join_left, *bottom_left;
};

static const struct marks utf8_marks = {
    .state = {[FACT_HOLDS] = "●", [FACT_PARTIAL] = "◐", [FACT_OPEN] = "○", [FACT_UNKNOWN] = "?",
              [FACT_NOTE] = "·"},
    .line = "─", .side = "│", .top_left = "┌", .join_left = "├", .bottom_left = "└"};
static const struct marks ascii_marks = {
    .state = {[FACT_HOLDS] = "#", [FACT_PARTIAL] = "~", [FACT_OPEN] = "o", [FACT_UNKNOWN] = "?",
              [FACT_NOTE] = "-"},
    .line = "-", .side = "|", .top_left = "+", .join_left = "+", .bottom_left = "+"};

static const char *const colours[] = {
    [FACT_HOLDS] = "\033[32m", [FACT_PARTIAL] = "\033[33m", [FACT_OPEN] = "\033[31m", [FACT_UNKNOWN] = "\033[36m",
    [FACT_NOTE] = ""};

struct drawing {
    struct buf *out;
    const struct marks *marks;
    bool utf8, colour;
    unsigned width;
};

static const char *env_or(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : otherwise;
}

struct explain_style explain_style_for(int fd)
{
    const char *locale = env_or("LC_ALL", env_or("LC_CTYPE", env_or("LANG", "")));
    struct explain_style style = {.utf8 = strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL};
    struct winsize size = {.ws_col = 0};
    const char *columns = getenv("COLUMNS");
    if (columns != NULL)
        style.width = (unsigned)strtoul(columns, NULL, 10);
    if (isatty(fd) != 1)
        return style;
    if (style.width == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        style.width = size.ws_col;
    style.colour = getenv("NO_COLOR") == NULL && !str_eq(env_or("TERM", "dumb"), "dumb");
    return style;
}

static bool continues_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static unsigned columns_of(const char *s, size_t n)
{
    unsigned columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += !continues_character(s[i]);
    return columns;
}

/* A terminal that is not known to show UTF-8 gets a '?' for each other character. */
static void put_text(struct drawing *d, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (d->utf8 || (unsigned char)s[i] < 0x80)
            buf_putc(d->out, s[i]);
        else if (!continues_character(s[i]))
            buf_putc(d->out, '?');
    }
}

static void put_colour(struct drawing *d, const char *code)
{
    if (d->colour)
        buf_puts(d->out, code);
}

static void put_line(struct drawing *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        buf_puts(d->out, d->marks->line);
}

/* How many bytes of s fit into so many columns, ending at a blank or after a ',' or ':' where there is one. */
static size_t fit(const char *s, unsigned columns)
{
    size_t end = 0, at_break = 0;
    unsigned used = 0;
    while (s[end] != '\0') {
        size_t next = end + 1;
        while (continues_character(s[next]))
            next++;
        if (++used > columns)
            return at_break > 0 ? at_break : end;
        if (s[end] == ' ')
            at_break = end;
        else if ((s[end] == ',' || s[end] == ':') && used < columns)
            at_break = next;
        end = next;
    }
    return end;
}

/* s wrapped, from column `used` on the first line; the next lines begin at column `indent`. */
static void put_wrapped(struct drawing *d, const char *s, unsigned used, unsigned indent, const char *colour)
{
    while (*s != '\0') {
        size_t n = fit(s, d->width > used + 1 ? d->width - used : 1);
        if (n == 0)
            n = 1;
        put_colour(d, colour);
        put_text(d, s, n);
        put_colour(d, *colour != '\0' ? "\033[0m" : "");
        s += n;
        while (*s == ' ')
            s++;
        if (*s == '\0')
            break;
        buf_printf(d->out, "\n%s", d->marks->side);
        buf_pad(d->out, ' ', indent - 1);
        used = indent;
    }
    buf_putc(d->out, '\n');
}

/* "├─ name ─────────── state ─" */
static void put_heading(struct drawing *d, const char *corner, const char *name, const char *state, const char *colour)
{
    unsigned left = columns_of(name, strlen(name)) + 4, right = state != NULL ? (unsigned)strlen(state) + 3 : 0;
    buf_puts(d->out, corner);
    put_line(d, 1);
    buf_putc(d->out, ' ');
    put_colour(d, "\033[1m");
    put_text(d, name, strlen(name));
    put_colour(d, "\033[0m");
    buf_putc(d->out, ' ');
    put_line(d, d->width > left + right + 1 ? d->width - left - right - 1 : 1);
    if (state != NULL) {
        buf_putc(d->out, ' ');
        put_colour(d, colour);
        buf_puts(d->out, state);
        put_colour(d, "\033[0m");
        buf_putc(d->out, ' ');
        put_line(d, 1);
    }
    buf_putc(d->out, '\n');
}

/* A line below a fact, indented as its detail is. */
static void put_note(struct drawing *d, const char *label, const char *text, const char *colour)
{
    unsigned used = INDENT + SUBJECT_WIDTH;
    buf_puts(d->out, d->marks->side);
    buf_pad(d->out, ' ', used - 1);
    put_colour(d, colour);
    buf_puts(d->out, label);
    put_colour(d, "\033[0m");
    put_wrapped(d, text, used + (unsigned)strlen(label), used, colour);
}

static void put_fact(struct drawing *d, const struct fact *f, enum explain_view view)
{
    unsigned subject = columns_of(f->subject, strlen(f->subject)), used = INDENT + SUBJECT_WIDTH;
    buf_printf(d->out, "%s ", d->marks->side);
    put_colour(d, colours[f->state]);
    buf_puts(d->out, d->marks->state[f->state]);
    put_colour(d, "\033[0m");
    buf_putc(d->out, ' ');
    put_text(d, f->subject, strlen(f->subject));
    if (subject < SUBJECT_WIDTH) {
        buf_pad(d->out, ' ', SUBJECT_WIDTH - subject);
    } else {
        buf_printf(d->out, "\n%s", d->marks->side);
        buf_pad(d->out, ' ', used - 1);
    }
    put_wrapped(d, f->detail, used, used, "");
    if (f->wanted != NULL)
        put_note(d, "WANTED, and not in force: ", f->wanted, "\033[1;31m");
    put_note(d, "", f->meaning, "\033[2m");
    if (f->source != NULL)
        put_note(d, "set by ", f->source, "\033[2m");
    if (view == EXPLAIN_BOTH && !f->verified)
        put_note(d, "", "as configured; not read back", "\033[2m");
}

static void put_wall(struct drawing *d, const struct explanation *e, enum layer_id l)
{
    const struct wall_facts *wall = &e->walls[l];
    put_heading(d, d->marks->join_left, layer_name(l), wall->refusal != NULL ? "refused" : fact_state_name(wall->state),
                colours[wall->refusal != NULL ? FACT_OPEN : wall->state]);
    if (wall->refusal != NULL) {
        buf_printf(d->out, "%s ", d->marks->side);
        put_wrapped(d, "This host would refuse to start it:", 2, 2, "\033[1;31m");
        buf_printf(d->out, "%s ", d->marks->side);
        put_wrapped(d, wall->refusal, 2, 2, "\033[1;31m");
    }
    for (const struct fact *f = wall->first; f != NULL; f = f->next)
        put_fact(d, f, e->view);
}

static void put_process(struct drawing *d, const struct explanation *e)
{
    static const char *const views[] = {
        [EXPLAIN_PLAN] = "has not run: what a start on this host would put around it",
        [EXPLAIN_OBSERVED] = "running: what the kernel says is in force",
        [EXPLAIN_BOTH] = "running: what the kernel says is in force, beside what was asked for"};
    put_heading(d, d->marks->top_left, e->subject, NULL, "");
    if (e->program != NULL) {
        buf_printf(d->out, "%s ", d->marks->side);
        put_wrapped(d, e->program, 2, 2, "");
    }
    buf_printf(d->out, "%s ", d->marks->side);
    put_wrapped(d, views[e->view], 2, 2, "\033[2m");
    if (e->refusal != NULL) {
        buf_printf(d->out, "%s ", d->marks->side);
        put_wrapped(d, e->refusal, 2, 2, "\033[1;31m");
    }
}

static void put_summary(struct drawing *d, const struct explanation *e)
{
    unsigned n[FACT_NOTE + 1] = {0}, refused = e->refusal != NULL;
    for (enum layer_id l = 0; l < LAYER_WALLS; l++) {
        n[e->walls[l].state]++;
        refused += e->walls[l].refusal != NULL;
    }
    buf_printf(d->out, "%d walls: %s %u hold, %s %u partly, %s %u open", (int)LAYER_WALLS, d->marks->state[FACT_HOLDS],
               n[FACT_HOLDS], d->marks->state[FACT_PARTIAL], n[FACT_PARTIAL], d->marks->state[FACT_OPEN], n[FACT_OPEN]);
    if (n[FACT_UNKNOWN] > 0)
        buf_printf(d->out, ", %s %u unknown", d->marks->state[FACT_UNKNOWN], n[FACT_UNKNOWN]);
    if (refused > 0)
        buf_printf(d->out, "; this host would refuse it");
    if (e->view == EXPLAIN_BOTH && e->differences > 0)
        buf_printf(d->out, "; %zu %s wanted and not in force", e->differences,
                   e->differences == 1 ? "setting is" : "settings are");
    else if (e->view == EXPLAIN_BOTH)
        buf_puts(d->out, "; everything wanted that can be read back is in force");
    buf_putc(d->out, '\n');
}

void explain_text(const struct explanation *e, const struct explain_style *style, struct buf *out)
{
    unsigned width = style->width == 0 ? 80 : style->width;
    struct drawing d = {.out = out, .marks = style->utf8 ? &utf8_marks : &ascii_marks, .utf8 = style->utf8,
                        .colour = style->colour,
                        .width = width < MIN_WIDTH ? MIN_WIDTH : width > MAX_WIDTH ? MAX_WIDTH : width};
    put_process(&d, e);
    for (int l = LAYER_WALLS - 1; l >= 0; l--)
        put_wall(&d, e, (enum layer_id)l);
    CLEANUP_BUF struct buf kernel = BUF_INIT;
    buf_printf(&kernel, "the kernel, Linux %u.%u", e->kernel_major, e->kernel_minor);
    put_heading(&d, d.marks->bottom_left, buf_str(&kernel), NULL, "");
    put_summary(&d, e);
}
