/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options from tables: one table parses, prints --help, and is what manual pages and shell completion are
 * made from. Forms: --name value, --name=value, -nvalue, -n value, -abc for flags; "--" ends the options. A flag also
 * takes --name=true and --name=false.
 */
#ifndef COFFER_CLI_OPTIONS_H
#define COFFER_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

enum option_kind {
    OPTION_BOOL,   /* bool */
    OPTION_SWITCH, /* int: 1 on, -1 off where the default may be either, 0 not said */
    OPTION_STRING, /* const char *; the last one counts */
    OPTION_LIST,   /* struct strings; all of them */
    OPTION_CHOICE, /* honoured with a value in `only`, which is so anyway, and otherwise refused with `help` */
    OPTION_REFUSED, /* known and refused: `help` is the reason */
};

struct option {
    const char *name;     /* without the dashes; NULL ends a table */
    char letter;          /* 0: none */
    enum option_kind kind;
    enum layer_id layer;  /* whom errors about it name */
    size_t offset;        /* of the member in the command's structure */
    const char *argument; /* what --help calls its value; NULL: it takes none */
    const char *help;     /* NULL: an alias, not shown */
    const char *only;     /* OPTION_CHOICE: accepted values, separated by '|' */
};

struct options_parse {
    struct arena *arena;
    const struct option *table;
    void *into;        /* the command's structure */
    bool stop_at_word; /* options end at the first other word, as with `run IMAGE COMMAND...` */
    const char *const *words; /* result: the words that are no options, in order, ended by NULL */
    size_t n_words;
    bool help;         /* result: --help was there */
};

/* argv without the command's name. 0, or a negative errno with err. */
int options_parse(struct options_parse *p, int argc, char *const argv[], struct err *err);

/* The table as --help shows it, as wide as the terminal (width columns). */
void options_help(FILE *f, const struct option *table, unsigned width);

#endif
