/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nearest.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/standard.h"

static const struct option global_options[] = {
    {"root", 0, OPTION_STRING, LAYER_CLI, offsetof(struct globals, root), "DIR",
     "Keep all state below DIR instead of /var/lib/coffer, but for /run/coffer/ids, the host's record of id ranges "
     "in use", NULL},
    {"debug", 0, OPTION_BOOL, LAYER_CLI, offsetof(struct globals, debug), NULL, "Say on standard error what is done",
     NULL},
    {"version", 0, OPTION_BOOL, LAYER_CLI, offsetof(struct globals, version), NULL, "Print the version", NULL},
    {NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL},
};

unsigned command_width(FILE *f)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    uint64_t n = 0;
    if (columns != NULL && str_to_u64(columns, &n) == 0 && n >= 20 && n <= 1000)
        return (unsigned)n;
    return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 100;
}

void command_help(FILE *f, const struct command *command)
{
    fprintf(f, "Usage: coffer %s %s\n\n%s.\n", command->name, command->arguments, command->summary);
    if (command->options != NULL && command->options[0].name != NULL) {
        fputs("\nOptions:\n", f);
        options_help(f, command->options, command_width(f));
    }
}

static void main_help(FILE *f)
{
    fputs("Usage: coffer [OPTIONS] COMMAND\n\nRun programs in containers, and say what holds them in.\n\nCommands:\n", f);
    for (const struct command *const *c = commands; *c != NULL; c++)
        fprintf(f, "  %-10s %s\n", (*c)->name, (*c)->summary);
    fputs("\nOptions:\n", f);
    options_help(f, global_options, command_width(f));
    fputs("\n`coffer COMMAND --help` says more about a command.\n", f);
}

int command_parse(const struct invocation *in, void *into, bool stop_at_word, size_t least, size_t most,
                  const char *const **ret_words, size_t *ret_n, struct err *err)
{
    static const struct option none[] = {{NULL, 0, OPTION_BOOL, LAYER_CLI, 0, NULL, NULL, NULL}};
    struct options_parse p = {
        .arena = in->arena,
        .table = in->command->options != NULL ? in->command->options : none,
        .into = into,
        .stop_at_word = stop_at_word,
    };
    int r = options_parse(&p, in->argc, in->argv, err);
    if (r < 0)
        return r;
    if (p.help) {
        command_help(stdout, in->command);
        return 1;
    }
    if (p.n_words < least || p.n_words > most)
        return err_set(err, -EINVAL, LAYER_CLI, "%s: usage: coffer %s %s", in->command->name, in->command->name,
                       in->command->arguments);
    *ret_words = p.words;
    *ret_n = p.n_words;
    return 0;
}

static const char *nth_command(const void *ctx, size_t i)
{
    (void)ctx;
    return commands[i] != NULL ? commands[i]->name : NULL;
}

static const struct command *find_command(const char *name, struct err *err)
{
    for (const struct command *const *c = commands; *c != NULL; c++)
        if (str_eq((*c)->name, name))
            return *c;
    const char *near = name_nearest(name, nth_command, NULL);
    err_set(err, -EINVAL, LAYER_CLI, "unknown command %s%s%s", name, near != NULL ? "; did you mean " : "",
            near != NULL ? near : "; see coffer --help");
    return NULL;
}

/* Output that could not be written is an error, not a success with half of the answer. */
static int flush(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        struct err err = ERR_INIT;
        err_set(&err, -EIO, LAYER_CLI, "standard output: %s", strerror(errno));
        err_print(stderr, "coffer", &err);
        return code == 0 ? 1 : code;
    }
    return code;
}

static int dispatch(struct arena *a, int argc, char *argv[], struct err *err)
{
    struct globals globals = {0};
    struct options_parse p = {.arena = a, .table = global_options, .into = &globals, .stop_at_word = true};
    int r = options_parse(&p, argc - 1, argv + 1, err);
    if (r < 0)
        return r;
    log_debug_enabled = globals.debug;
    if (globals.version) {
        puts("coffer " COFFER_VERSION);
        return 0;
    }
    if (p.help || p.n_words == 0) {
        main_help(p.help ? stdout : stderr);
        return p.help ? 0 : EXIT_ENGINE;
    }
    const struct command *command = find_command(p.words[0], err);
    if (command == NULL)
        return err->code;
    int rest = argc - (int)p.n_words;
    struct invocation in = {.arena = a, .globals = &globals, .command = command, .argc = argc - rest - 1,
                            .argv = argv + rest + 1};
    return command->run(&in, err);
}

int main(int argc, char *argv[])
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    standard_fill();
    int code = dispatch(&a, argc, argv, &err);
    if (code < 0) {
        (void)fflush(stdout);
        err_print(stderr, "coffer", &err);
        return EXIT_ENGINE;
    }
    return flush(code);
}
