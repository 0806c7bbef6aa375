/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/strings.h"

static const struct option *find_letter(const struct option *table, char letter)
{
    for (const struct option *o = table; o->name != NULL; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static const struct option *find_name(const struct option *table, const char *name, size_t n)
{
    for (const struct option *o = table; o->name != NULL; o++)
        if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static const char *nth_name(const void *table, size_t i)
{
    return ((const struct option *)table)[i].name;
}

static int unknown(const struct options_parse *p, const char *text, size_t n, struct err *err)
{
    char *name = arena_strndup(p->arena, text, n);
    const char *near = name != NULL && n > 1 ? name_nearest(name, nth_name, p->table) : NULL;
    const char *dashes = n > 1 ? "--" : "-";
    return err_set(err, -EINVAL, LAYER_CLI, "unknown option %s%.*s%s%s", dashes, (int)n, text,
                   near != NULL ? "; did you mean --" : "", near != NULL ? near : "");
}

static bool accepted(const struct option *o, const char *value)
{
    size_t n = strlen(value);
    for (const char *p = o->only; p != NULL && *p != '\0'; p += *p == '|') {
        size_t word = strcspn(p, "|");
        if (word == n && memcmp(p, value, n) == 0)
            return true;
        p += word;
    }
    return false;
}

static int boolean(const char *text)
{
    if (str_eq(text, "true") || str_eq(text, "1") || str_eq(text, "t"))
        return 1;
    return str_eq(text, "false") || str_eq(text, "0") || str_eq(text, "f") ? 0 : -EINVAL;
}

/* value is NULL for a flag without "=". */
static int store(const struct options_parse *p, const struct option *o, const char *value, struct err *err)
{
    void *member = (char *)p->into + o->offset;
    switch (o->kind) {
    case OPTION_BOOL:
    case OPTION_SWITCH: {
        int v = value == NULL ? 1 : boolean(value);
        if (v < 0)
            return err_set(err, -EINVAL, o->layer, "--%s=%s: expected true or false", o->name, value);
        if (o->kind == OPTION_SWITCH)
            *(int *)member = v != 0 ? 1 : -1;
        else
            *(bool *)member = v != 0;
        return 0;
    }
    case OPTION_STRING:
        *(const char **)member = value;
        return 0;
    case OPTION_LIST:
        if (!strings_add(p->arena, member, value))
            return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
        return 0;
    case OPTION_CHOICE:
        if (value == NULL)
            value = "true";
        if (accepted(o, value))
            return 0;
        return err_set(err, -ENOTSUP, o->layer, "--%s%c%s: %s", o->name, o->argument != NULL ? ' ' : '=', value, o->help);
    case OPTION_REFUSED:
        if (value != NULL && o->argument == NULL && boolean(value) == 0)
            return 0; /* --detach=false asks for what is so */
        return err_set(err, -ENOTSUP, o->layer, "--%s: %s", o->name, o->help);
    }
    return err_set(err, -EINVAL, LAYER_CLI, "--%s: no such kind of option", o->name);
}

/* The value of an option that wants one: behind "=", or the next word. */
static int take_value(const struct option *o, const char *attached, int argc, char *const argv[], int *i,
                      const char **ret, struct err *err)
{
    *ret = attached;
    if (attached != NULL || o->argument == NULL || o->kind == OPTION_REFUSED)
        return 0;
    if (*i + 1 >= argc)
        return err_set(err, -EINVAL, o->layer, "--%s: %s is missing", o->name, o->argument);
    *ret = argv[++*i];
    return 0;
}

static int long_option(struct options_parse *p, int argc, char *const argv[], int *i, struct err *err)
{
    const char *text = argv[*i] + 2;
    size_t n = strcspn(text, "=");
    const struct option *o = find_name(p->table, text, n);
    if (o == NULL && str_eq(text, "help")) {
        p->help = true;
        return 0;
    }
    if (o == NULL)
        return unknown(p, text, n, err);
    const char *value = NULL;
    int r = take_value(o, text[n] == '=' ? text + n + 1 : NULL, argc, argv, i, &value, err);
    return r < 0 ? r : store(p, o, value, err);
}

/* -it, -m512m, -m 512m, -m=512m */
static int short_options(struct options_parse *p, int argc, char *const argv[], int *i, struct err *err)
{
    for (const char *c = argv[*i] + 1; *c != '\0'; c++) {
        const struct option *o = find_letter(p->table, *c);
        if (o == NULL)
            return unknown(p, c, 1, err);
        const char *value = NULL;
        bool wants = o->argument != NULL;
        const char *attached = c[1] == '=' ? c + 2 : wants && c[1] != '\0' ? c + 1 : NULL;
        int r = take_value(o, attached, argc, argv, i, &value, err);
        if (r == 0)
            r = store(p, o, value, err);
        if (r < 0 || wants || attached != NULL)
            return r;
    }
    return 0;
}

int options_parse(struct options_parse *p, int argc, char *const argv[], struct err *err)
{
    const char **words = arena_calloc(p->arena, (size_t)argc + 1, sizeof *words);
    if (words == NULL)
        return err_set(err, -ENOMEM, LAYER_CLI, "out of memory");
    p->words = words;
    p->n_words = 0;
    bool ended = false;
    for (int i = 0; i < argc && !p->help; i++) {
        const char *word = argv[i];
        int r = 0;
        if (!ended && str_eq(word, "--"))
            ended = true;
        else if (!ended && word[0] == '-' && word[1] == '-')
            r = long_option(p, argc, argv, &i, err);
        else if (!ended && word[0] == '-' && word[1] != '\0')
            r = short_options(p, argc, argv, &i, err);
        else {
            words[p->n_words++] = word;
            ended = ended || p->stop_at_word;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Text broken at blanks, with a margin from the second line on. */
static void print_wrapped(FILE *f, const char *text, unsigned margin, unsigned width)
{
    size_t room = width > margin + 20 ? width - margin : 20;
    for (;;) {
        size_t n = strlen(text);
        if (n > room) {
            for (n = room; n > 0 && text[n] != ' ';)
                n--;
            n = n == 0 ? strcspn(text, " ") : n;
        }
        fprintf(f, "%.*s\n", (int)n, text);
        text += n + strspn(text + n, " ");
        if (*text == '\0')
            return;
        fprintf(f, "%*s", (int)margin, "");
    }
}

/* Names of the options that are known and refused, or taken with one value only. */
static void print_refused(FILE *f, const struct option *table, unsigned width)
{
    CLEANUP_BUF struct buf names = BUF_INIT;
    for (const struct option *o = table; o->name != NULL; o++)
        if (o->kind == OPTION_REFUSED || o->kind == OPTION_CHOICE)
            buf_printf(&names, "%s--%s", names.len > 0 ? " " : "", o->name);
    if (names.len == 0)
        return;
    fputs("\nRefused, and the message says why (some are taken with the value that is so anyway):\n  ", f);
    print_wrapped(f, buf_str(&names), 2, width);
}

void options_help(FILE *f, const struct option *table, unsigned width)
{
    enum { COLUMN = 32 };
    for (const struct option *o = table; o->name != NULL; o++) {
        if (o->help == NULL || o->kind == OPTION_REFUSED || o->kind == OPTION_CHOICE)
            continue;
        char left[80];
        int n = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
                         o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
                         o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
        fprintf(f, "%-*s", COLUMN, left);
        if (n >= COLUMN)
            fprintf(f, "\n%*s", COLUMN, "");
        print_wrapped(f, o->help, COLUMN, width);
    }
    print_refused(f, table, width);
}
