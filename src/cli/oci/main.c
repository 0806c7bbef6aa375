/* SPDX-License-Identifier: Apache-2.0 */
/* coffer-oci: an OCI runtime with runc's command line, over runtime/. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/oci/command.h"
#include "oci/config.h"

#define PROGRAM "coffer-oci"
#define MOST_OPTIONS 16

static const struct oci_command *const commands[] = {
    &oci_create_command, &oci_delete_command, &oci_kill_command, &oci_list_command,
    &oci_run_command,    &oci_start_command,  &oci_state_command,
};

struct global_values {
    const char *root, *log, *log_format;
    bool debug, version, help;
};

static const struct option_row global_rows[] = {
    {"root", 0, OPTION_TEXT, "DIR", "directory of container states", offsetof(struct global_values, root)},
    {"log", 0, OPTION_TEXT, "FILE", "write errors there too", offsetof(struct global_values, log)},
    {"log-format", 0, OPTION_TEXT, "FORMAT", "text (default) or json", offsetof(struct global_values, log_format)},
    {"debug", 0, OPTION_FLAG, NULL, "say what is done, with times, on stderr", offsetof(struct global_values, debug)},
    {"version", 'v', OPTION_FLAG, NULL, "print the version", offsetof(struct global_values, version)},
    {"help", 'h', OPTION_FLAG, NULL, "print this help", offsetof(struct global_values, help)},
    {0},
};

static void print_rows(const struct option_row *rows)
{
    for (const struct option_row *o = rows; o != NULL && o->name != NULL; o++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ', o->letter != 0 ? o->letter : ' ',
                 o->letter != 0 ? "," : " ", o->name, o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        printf("  %-28s %s\n", left, o->help);
    }
}

static void print_help(const struct oci_command *c)
{
    if (c != NULL) {
        printf("usage: " PROGRAM " %s [OPTION...] %s\n\n%s\n", c->name, c->arguments, c->summary);
        if (c->options != NULL)
            printf("\noptions:\n");
        print_rows(c->options);
        return;
    }
    printf("usage: " PROGRAM " [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-8s %-20s %s\n", commands[i]->name, commands[i]->arguments, commands[i]->summary);
    printf("\noptions:\n");
    print_rows(global_rows);
}

/*
 * Fill data from argv by the rows. only_first: stop at the first argument that is no option. Returns the index of the
 * first argument (they are moved to the end), or a negative errno.
 */
static int parse(const struct option_row *rows, void *data, int argc, char **argv, bool only_first, bool *ret_help,
                 struct err *err)
{
    struct option longs[MOST_OPTIONS + 2] = {0};
    char shorts[2 * MOST_OPTIONS + 4] = {0};
    size_t n = 0, s = 0;
    if (only_first)
        shorts[s++] = '+';
    shorts[s++] = ':';
    for (; rows != NULL && rows[n].name != NULL; n++) {
        longs[n] = (struct option){.name = rows[n].name,
                                   .has_arg = rows[n].kind == OPTION_TEXT ? required_argument : no_argument,
                                   .val = 256 + (int)n};
        if (rows[n].letter != 0) {
            shorts[s++] = rows[n].letter;
            if (rows[n].kind == OPTION_TEXT)
                shorts[s++] = ':';
        }
    }
    longs[n] = (struct option){.name = "help", .has_arg = no_argument, .val = 255};
    optind = 0;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (c == 255) {
            *ret_help = true;
            continue;
        }
        const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (c == ':')
            return err_set(err, -EINVAL, LAYER_CLI, "%s: a value is missing", given);
        if (c == '?')
            return err_set(err, -EINVAL, LAYER_CLI, "%s: no such option; see --help", given);
        size_t row = 0;
        while (row < n && c != 256 + (int)row && c != rows[row].letter)
            row++;
        char *member = (char *)data + rows[row].offset;
        if (rows[row].kind == OPTION_FLAG)
            *(bool *)member = true;
        else
            memcpy(member, &optarg, sizeof optarg);
    }
    return optind;
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

/* Descriptors 0 to 2 must be something, or the first file opened would become the container's output. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        (void)close(fd);
}

static int run_command(const struct oci_globals *g, const struct oci_command *c, int argc, char **argv,
                       struct err *err)
{
    _Alignas(16) char data[OCI_COMMAND_DATA] = {0};
    bool help = false;
    int first = parse(c->options, data, argc, argv, false, &help, err);
    if (first < 0)
        return 1;
    if (help) {
        print_help(c);
        return 0;
    }
    size_t n = (size_t)(argc - first);
    if (n < c->least || n > c->most) {
        err_set(err, -EINVAL, LAYER_CLI, "%s: %s arguments; usage: " PROGRAM " %s [OPTION...] %s", c->name,
                n < c->least ? "missing" : "too many", c->name, c->arguments);
        return 1;
    }
    return c->run(g, data, argv + first, n, err);
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

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct global_values values = {0};
    struct oci_globals g = {0};
    char root[2 * PATH_MAX];
    fill_standard_descriptors();
    bool help = false;
    int first = parse(global_rows, &values, argc, argv, true, &help, &err);
    g.root = values.root != NULL ? absolute_root(values.root, root, sizeof root) : default_root(root, sizeof root);
    g.log = values.log;
    g.log_json = values.log_format != NULL && str_eq(values.log_format, "json");
    log_debug_enabled = values.debug;
    int code = 1;
    if (first < 0) {
        code = 1;
    } else if (values.log_format != NULL && !g.log_json && !str_eq(values.log_format, "text")) {
        err_set(&err, -EINVAL, LAYER_CLI, "--log-format %s: text or json", values.log_format);
    } else if (values.version) {
        printf(PROGRAM " version " COFFER_VERSION "\nspec: " OCI_VERSION "\n");
        code = 0;
    } else if (help || values.help || first >= argc) {
        print_help(NULL);
        code = help || values.help ? 0 : 1;
    } else {
        const struct oci_command *command = NULL;
        for (size_t i = 0; i < ARRAY_LEN(commands); i++)
            if (str_eq(commands[i]->name, argv[first]))
                command = commands[i];
        if (command == NULL)
            err_set(&err, -EINVAL, LAYER_CLI, "%s: no such command; see --help", argv[first]);
        else
            code = run_command(&g, command, argc - first, argv + first, &err);
    }
    if (err.code < 0)
        report(&g, &err);
    if (fflush(stdout) != 0 && code == 0)
        code = 1;
    return code;
}
