/* SPDX-License-Identifier: Apache-2.0 */
/* coffer's subcommands: a file each, each exporting one const descriptor. */
#ifndef COFFER_CLI_COMMAND_H
#define COFFER_CLI_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "cli/options.h"
#include "engine/store.h"

/* Exit codes, as Docker's: the engine itself failed; the program cannot be executed; it was not found. */
enum { EXIT_ENGINE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

struct globals {
    const char *root; /* of the store; NULL: the default */
    bool debug, version, help;
};

struct invocation {
    struct arena *arena;
    const struct globals *globals;
    const struct command *command;
    int argc; /* without the command's name */
    char *const *argv;
};

struct command {
    const char *name;
    const char *arguments; /* "[OPTIONS] IMAGE [COMMAND [ARG...]]" */
    const char *summary;   /* one line, no full stop */
    const struct option *options;
    /*
     * Returns the exit code, or a negative errno with err filled, which main() prints on one line and turns into 125.
     */
    int (*run)(const struct invocation *in, struct err *err);
};

extern const struct command *const commands[]; /* ended by NULL, in the order of --help */

/*
 * The common beginning: parse the options into `into`. 1: --help was printed, be done. The number of other words must be
 * between least and most.
 */
int command_parse(const struct invocation *in, void *into, bool stop_at_word, size_t least, size_t most,
                  const char *const **ret_words, size_t *ret_n, struct err *err);

void command_help(FILE *f, const struct command *command);

/* Columns of the terminal behind f; 100 where it is none. */
unsigned command_width(FILE *f);

#endif
