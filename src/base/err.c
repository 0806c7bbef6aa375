/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static const char *const layer_names[] = {
    [LAYER_NAMESPACES] = "namespaces", [LAYER_IDMAP] = "idmap",
    [LAYER_CGROUP] = "cgroup",         [LAYER_NETWORK] = "network",
    [LAYER_ROOTFS] = "rootfs",         [LAYER_LIMITS] = "limits",
    [LAYER_MAC] = "mac",               [LAYER_CAPABILITIES] = "capabilities",
    [LAYER_SECCOMP] = "seccomp",       [LAYER_START] = "start",
    [LAYER_CONFIG] = "config",         [LAYER_HOST] = "host",
    [LAYER_RUNTIME] = "runtime",       [LAYER_IMAGE] = "image",
    [LAYER_STORAGE] = "storage",       [LAYER_ENGINE] = "engine",
    [LAYER_INSIGHT] = "insight",       [LAYER_CLI] = "cli",
};
static_assert(ARRAY_LEN(layer_names) == LAYER_COUNT, "every layer has a name");

static const char *const step_names[] = {
    [STEP_HOST_BEFORE_CLONE] = "host-before-clone",
    [STEP_HOST_AFTER_CLONE] = "host-after-clone",
    [STEP_CHILD_EARLY] = "child-early",
    [STEP_CHILD_ROOTFS] = "child-rootfs",
    [STEP_CHILD_LATE] = "child-late",
    [STEP_CHILD_LAST] = "child-last",
    [STEP_NONE] = "none",
};
static_assert(ARRAY_LEN(step_names) == STEP_COUNT + 1, "every step has a name");

const char *layer_name(enum layer_id layer)
{
    if ((unsigned)layer >= LAYER_COUNT)
        return "unknown";
    return layer_names[layer];
}

const char *step_name(enum step step)
{
    if ((unsigned)step > STEP_COUNT)
        return "unknown";
    return step_names[step];
}

static PRINTF_LIKE(5, 0) int set(struct err *err, int code, enum layer_id layer, const char *tail, const char *fmt,
                                   va_list ap)
{
    if (err == NULL)
        return code;
    err->code = code;
    err->layer = layer;
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    if (tail != NULL && n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", tail);
    /* One line that no terminal takes for commands, whatever an archive or a document brought into it. */
    for (char *c = err->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return code;
}

int err_set(struct err *err, int code, enum layer_id layer, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(err, code, layer, NULL, fmt, ap);
    va_end(ap);
    return code;
}

int err_set_errno(struct err *err, int code, enum layer_id layer, const char *fmt, ...)
{
    /* strerrordesc_np() neither allocates nor looks at the locale: safe between clone and exec. */
    const char *what = strerrordesc_np(-code);
    va_list ap;
    va_start(ap, fmt);
    set(err, code, layer, what != NULL ? what : "unknown error", fmt, ap);
    va_end(ap);
    return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    if (err == NULL)
        return -1;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 2 < sizeof err->text) {
        size_t room = sizeof err->text - (size_t)n - 3; /* what does not fit is cut */
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %.*s", (int)room, old);
    }
    return err->code;
}

void err_print(FILE *f, const char *program, const struct err *err)
{
    fprintf(f, "%s: %s: ", program, layer_name(err->layer));
    /* Texts quote names that an image or a bundle chose: none of them may drive the terminal or make a second line. */
    for (const char *p = err->text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            fprintf(f, "\\x%02x", (unsigned)*p);
        else
            fputc(*p, f);
    }
    fputc('\n', f);
}
