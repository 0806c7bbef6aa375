/* SPDX-License-Identifier: Apache-2.0 */
/* coffer-oci: an OCI runtime with runc's command line, over runtime/. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/str.h"
#include "cli/oci/command.h"
#include "cli/standard.h"
#include "oci/config.h"

#define PROGRAM "coffer-oci"

static const struct oci_command *const commands[] = {
    &oci_create_command, &oci_delete_command, &oci_kill_command, &oci_list_command,
    &oci_run_command,    &oci_start_command,  &oci_state_command,
};

struct global_values {
    const char *root, *log, *log_format;
    bool debug, version;
};

static const struct option global_options[] = {
    {"root", 0, OPTION_STRING, LAYER_CLI,
     offsetof(struct global_values, root), "DIR", "directory of container states", NULL},
    {"log", 0, OPTION_STRING, LAYER_CLI,
     offsetof(struct global_values, log), "FILE", "write errors there too", NULL},
    {"log-format", 0, OPTION_STRING, LAYER_CLI,
     offsetof(struct global_values, log_format), "FORMAT", "text (default) or json", NULL},
    {"debug", 0, OPTION_BOOL, LAYER_CLI,
     offsetof(struct global_values, debug), NULL, "say what is done, with times, on stderr", NULL},
    {"version", 'v', OPTION_BOOL, LAYER_CLI,
     offsetof(struct global_values, version), NULL, "print the version", NULL},
    {0},
};

static unsigned width(void)
{
    struct winsize w;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 100;
}

static void print_help(const struct oci_command *c)
{
    if (c != NULL) {
        printf("usage: " PROGRAM " %s [OPTION...] %s\n\n%s\n", c->name, c->arguments, c->summary);
        if (c->options != NULL) {
            printf("\noptions:\n");
            options_help(stdout, c->options, width());
        }
        return;
    }
    printf("usage: " PROGRAM " [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-8s %-20s %s\n", commands[i]->name, commands[i]->arguments, commands[i]->summary);
    printf("\noptions:\n");
    options_help(stdout, global_options, width());
}

/* Errors go to --log in the form that containerd and Docker read back, and to stderr in ours. */
static void report(const struct oci_globals *g, const struct err *err)
{
    err_print(stderr, PROGRAM, err);
    if (g->log == NULL)
        return;
    FILE *f = fopen(g->log, "ae");
    if (f == NULL)
        return;
    char when[32];
    time_t now = time(NULL);
    struct tm tm = {0};
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    fprintf(f, g->log_json ? "{\"level\":\"error\",\"msg\":\"" : "time=\"%s\" level=error msg=\"", when);
    fprintf(f, "%s: ", layer_name(err->layer));
    for (const char *p = err->text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            fputc('\\', f);
        fputc((unsigned char)*p < 0x20 ? ' ' : *p, f);
    }
    if (g->log_json)
        fprintf(f, "\",\"time\":\"%s\"}\n", when);
    else
        fprintf(f, "\"\n");
    fclose(f);
}

static const struct option no_options[] = {{0}};

static int run_command(const struct oci_globals *g, struct arena *a, const struct oci_command *c, int argc,
                       char **argv, struct err *err)
{
    _Alignas(16) char data[OCI_COMMAND_DATA] = {0};
    struct options_parse parse = {.arena = a, .table = c->options != NULL ? c->options : no_options, .into = data};
    if (options_parse(&parse, argc, argv, err) < 0)
        return 1;
    if (parse.help) {
        print_help(c);
        return 0;
    }
    if (parse.n_words < c->least || parse.n_words > c->most) {
        err_set(err, -EINVAL, LAYER_CLI, "%s: %s arguments; usage: " PROGRAM " %s [OPTION...] %s", c->name,
                parse.n_words < c->least ? "missing" : "too many", c->name, c->arguments);
        return 1;
    }
    return c->run(g, data, parse.words, parse.n_words, err);
}

/* Absolute: the state root is part of what says whose a group is, from whatever directory we are called. */
static const char *absolute_root(const char *given, char *buf, size_t size)
{
    char here[PATH_MAX];
    if (given[0] == '/' || getcwd(here, sizeof here) == NULL)
        return given;
    snprintf(buf, size, "%s/%s", here, given);
    return buf;
}

static const char *default_root(char *buf, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (geteuid() == 0 || runtime == NULL)
        return "/run/coffer-oci";
    snprintf(buf, size, "%s/coffer-oci", runtime);
    return buf;
}

static const struct oci_command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static const char *nth_command(const void *table UNUSED, size_t i)
{
    return i < ARRAY_LEN(commands) ? commands[i]->name : NULL;
}

/* Everything after the global options. */
static int dispatch(const struct oci_globals *g, struct arena *a, const struct global_values *values, bool help,
                    int argc, char **argv, struct err *err)
{
    if (values->log_format != NULL && !g->log_json && !str_eq(values->log_format, "text")) {
        err_set(err, -EINVAL, LAYER_CLI, "--log-format %s: text or json", values->log_format);
        return 1;
    }
    if (values->version) {
        printf(PROGRAM " version " COFFER_VERSION "\nspec: " OCI_VERSION "\n");
        return 0;
    }
    if (help || argc == 0) {
        print_help(NULL);
        return help ? 0 : 1;
    }
    const struct oci_command *command = find_command(argv[0]);
    if (command != NULL)
        return run_command(g, a, command, argc - 1, argv + 1, err);
    const char *near = name_nearest(argv[0], nth_command, NULL);
    err_set(err, -EINVAL, LAYER_CLI, "%s: no such command%s%s; see --help", argv[0],
            near != NULL ? ", did you mean " : "", near != NULL ? near : "");
    return 1;
}

int main(int argc, char **argv)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct global_values values = {0};
    char root[2 * PATH_MAX];
    standard_fill();
    struct options_parse parse = {.arena = &a, .table = global_options, .into = &values, .stop_at_word = true};
    int code = 1;
    bool understood = options_parse(&parse, argc - 1, argv + 1, &err) == 0;
    struct oci_globals g = {
        .root = values.root != NULL ? absolute_root(values.root, root, sizeof root) : default_root(root, sizeof root),
        .log = values.log,
        .log_json = values.log_format != NULL && str_eq(values.log_format, "json"),
    };
    log_debug_enabled = values.debug;
    if (understood) {
        int rest = (int)parse.n_words; /* the command and all behind it, as argv has it at its end */
        code = dispatch(&g, &a, &values, parse.help, rest, argv + argc - rest, &err);
    }
    if (err.code < 0)
        report(&g, &err);
    if (fflush(stdout) != 0 && code == 0)
        code = 1;
    return code;
}
