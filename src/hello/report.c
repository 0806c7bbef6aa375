/* SPDX-License-Identifier: Apache-2.0 */
#include "hello.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *group, *label;
} keys[] = {
#define X(identifier, key, group, label) {key, group, label},
    HELLO_KEYS(X)
#undef X
};

struct finding {
    struct finding *next;
    char value[];
};

static struct finding *first[HELLO_KEY_COUNT], *last[HELLO_KEY_COUNT];

void found(enum hello_key key, const char *format, ...)
{
    char value[4001];
    va_list ap;
    va_start(ap, format);
    vsnprintf(value, sizeof value, format, ap);
    va_end(ap);
    size_t n = strlen(value);
    struct finding *f = malloc(sizeof *f + n + 1);
    if (f == NULL)
        return; /* a few KiB in all; then there is nothing left to say it with either */
    f->next = NULL;
    memcpy(f->value, value, n + 1);
    if (last[key] != NULL)
        last[key]->next = f;
    else
        first[key] = f;
    last[key] = f;
}

void not_found(enum hello_key key, const char *what)
{
    found(key, "? %s: %s", what, strerror(errno));
}

long read_file(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t n = 0;
    while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
        len += (size_t)n;
    int code = errno;
    close(fd);
    errno = code;
    if (n < 0)
        return -1;
    while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == '\0'))
        len--;
    buf[len] = '\0';
    return (long)len;
}

static void print_value(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\n')
            fputs("\\n", stdout);
        else if (*s == '\\')
            fputs("\\\\", stdout);
        else if ((unsigned char)*s < ' ' || *s == 0x7f)
            printf("\\x%02x", (unsigned char)*s);
        else
            putchar(*s);
    }
    putchar('\n');
}

void report_lines(void)
{
    for (int k = 0; k < HELLO_KEY_COUNT; k++) {
        for (const struct finding *f = first[k]; f != NULL; f = f->next) {
            printf("%s=", keys[k].name);
            print_value(f->value);
        }
    }
}

void report_people(void)
{
    const char *group = "";
    printf("This is what a process sees from inside its walls.\n");
    for (int k = 0; k < HELLO_KEY_COUNT; k++) {
        if (first[k] == NULL)
            continue;
        if (strcmp(group, keys[k].group) != 0) {
            group = keys[k].group;
            printf("\n%s\n", group);
        }
        for (const struct finding *f = first[k]; f != NULL; f = f->next) {
            printf("  %-16s", f == first[k] ? keys[k].label : "");
            print_value(f->value);
        }
    }
}
