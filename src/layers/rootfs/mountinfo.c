/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/rootfs/mountinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Blanks, tabs, newlines and backslashes are written as \ooo. */
static void unescape(char *s)
{
    char *out = s;
    while (*s != '\0') {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
            *out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = '\0';
}

/* The next field of a line, cut off; NULL past the last. */
static char *field(char **line)
{
    if (*line == NULL || **line == '\0')
        return NULL;
    char *start = *line;
    char *end = start + strcspn(start, " ");
    *line = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return start;
}

/* id parent major:minor root mount-point options [optional ...] - type source super-options */
static bool parse_line(char *line, struct mountinfo_entry *ret)
{
    char *tail = strstr(line, " - ");
    if (tail == NULL)
        return false;
    *tail = '\0';
    tail += strlen(" - ");
    const char *id = field(&line), *parent = field(&line), *device = field(&line);
    char *root = field(&line), *path = field(&line), *options = field(&line);
    char *type = field(&tail), *source = field(&tail), *super = field(&tail);
    if (options == NULL || type == NULL)
        return false;
    unescape(root);
    unescape(path);
    if (source != NULL)
        unescape(source);
    if (super != NULL)
        unescape(super);
    *ret = (struct mountinfo_entry){.id = atoi(id), .parent = atoi(parent), .device = device, .root = root,
                                    .path = path, .options = options, .optional = line, .type = type,
                                    .source = source != NULL ? source : "", .super = super != NULL ? super : ""};
    return true;
}

int rootfs_mountinfo_parse(struct arena *a, char *text, struct mountinfo_entry **ret, size_t *ret_n)
{
    size_t lines = 1;
    for (const char *p = text; *p != '\0'; p++)
        lines += *p == '\n';
    struct mountinfo_entry *entries = arena_calloc(a, lines, sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (char *line = text; *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        char *next = *end != '\0' ? end + 1 : end;
        *end = '\0';
        n += parse_line(line, &entries[n]);
        line = next;
    }
    *ret = entries;
    *ret_n = n;
    return 0;
}

/* Overlay escapes commas and colons in paths with a backslash. */
static size_t word_length(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0' && s[n] != ',')
        n += s[n] == '\\' && s[n + 1] != '\0' ? 2 : 1;
    return n;
}

bool rootfs_mountinfo_has(const char *list, const char *word)
{
    for (const char *p = list; *p != '\0';) {
        size_t n = word_length(p);
        if (strlen(word) == n && strncmp(p, word, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

char *rootfs_mountinfo_value(struct arena *a, const char *list, const char *key)
{
    size_t key_length = strlen(key);
    for (const char *p = list; *p != '\0';) {
        size_t n = word_length(p);
        if (n > key_length && strncmp(p, key, key_length) == 0 && p[key_length] == '=') {
            char *value = arena_strndup(a, p + key_length + 1, n - key_length - 1);
            char *out = value;
            for (const char *c = value; c != NULL && *c != '\0'; c++) {
                if (c[0] == '\\' && c[1] == ',')
                    c++;
                *out++ = *c;
            }
            if (value != NULL)
                *out = '\0';
            return value;
        }
        p += n + (p[n] == ',');
    }
    return NULL;
}
