/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing the program: the candidates along PATH are strings made by the parent, the child tries them in order.
 * Unlike execvp(3) no shell is tried for a file without an interpreter line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "start/child.h"
#include "sys/calls.h"

/* What execvp(3) and runc search when the environment has no PATH. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *find_path(const struct oci_strs *env)
{
    for (size_t i = 0; i < env->n; i++)
        if (str_starts(env->v[i], "PATH="))
            return env->v[i] + strlen("PATH=");
    return DEFAULT_PATH;
}

char **exec_candidates(struct arena *a, const char *program, const struct oci_strs *env)
{
    size_t n = 2;
    const char *path = find_path(env);
    for (const char *p = path; *p != '\0'; p++)
        n += *p == ':';
    char **list = arena_calloc(a, n + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    if (strchr(program, '/') != NULL) {
        list[0] = arena_strdup(a, program);
        return list;
    }
    size_t i = 0;
    while (true) {
        size_t len = strcspn(path, ":");
        list[i++] = len == 0 ? arena_printf(a, "./%s", program)
                             : arena_printf(a, "%.*s/%s", (int)len, path, program);
        if (path[len] == '\0')
            break;
        path += len + 1;
    }
    return list;
}

static int failed(const struct child *c, int worst, struct err *err)
{
    const char *program = c->request->config->process->args.v[0];
    if (worst == -ENOENT || worst == -ENOTDIR) {
        if (strchr(program, '/') == NULL)
            return err_set(err, -ENOENT, LAYER_START, "%s: executable file not found in $PATH", program);
        return err_set(err, -ENOENT, LAYER_START, "%s: no such file, or its interpreter is missing", program);
    }
    if (worst == -EACCES)
        return err_set(err, -EACCES, LAYER_START, "%s: permission denied: not an executable file for this user",
                       program);
    if (worst == -ENOEXEC)
        return err_set(err, -EACCES, LAYER_START, "%s: exec format error: not a program for this machine", program);
    if (worst == -ELOOP)
        return err_set(err, -EACCES, LAYER_START,
                       "%s: it, or the interpreter in its first line, is found through a link of /proc or in a circle",
                       program);
    return err_set_errno(err, worst, LAYER_START, "%s: exec", program);
}

/* ENOENT of one directory must not hide EACCES of another, as execvp(3) has it. */
static int worse(int worst, int r)
{
    return worst == 0 || (worst == -ENOENT && r != -ENOENT && r != -ENOTDIR) ? r : worst;
}

/* "#! /path/to/interpreter argument" in the first bytes of a file: the path, cut out of head; NULL: it is no script. */
static const char *interpreter(char *head, ssize_t n)
{
    if (n < 3 || head[0] != '#' || head[1] != '!')
        return NULL;
    head[n] = '\0';
    char *path = head + 2 + strspn(head + 2, " \t");
    path[strcspn(path, " \t\n")] = '\0';
    return path;
}

/*
 * Is this a file that may be executed? Neither it nor the interpreters of a script may be found through a link that
 * the kernel follows by itself: /proc/self/exe is the runtime's own binary, which an image could otherwise have executed
 * with its own dynamic loader and then hold on to (CVE-2019-5736). The kernel follows at most five scripts.
 */
static int vet(const char *path)
{
    char head[256 + 1]; /* BINPRM_BUF_SIZE: the kernel looks at no more */
    const char *next = path;
    for (int depth = 0; depth < 6; depth++) {
        CLEANUP_FD int fd = sys_openat2(AT_FDCWD, next, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_NO_MAGICLINKS);
        struct stat st;
        if (fd < 0)
            return fd;
        if (fstat(fd, &st) < 0)
            return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
            return -EACCES;
        ssize_t n = fd_read_full(fd, head, sizeof head - 1);
        if (n < 0)
            return (int)n;
        next = interpreter(head, n);
        if (next == NULL)
            return 0;
    }
    return -ELOOP;
}

int exec_check(const struct child *c, struct err *err)
{
    int worst = 0;
    for (char *const *p = c->candidates; *p != NULL; p++) {
        int r = vet(*p);
        if (r == 0)
            return 0;
        /* Not passed over: execve would try it. */
        if (r == -ELOOP)
            return failed(c, r, err);
        worst = worse(worst, r);
    }
    return failed(c, worst, err);
}

int exec_program(const struct child *c, struct err *err)
{
    if (c->init >= 0) {
        execveat(c->init, "", c->argv, c->envp, AT_EMPTY_PATH);
        return err_set_errno(err, -errno, LAYER_START, "init: exec");
    }
    int worst = 0;
    for (char *const *p = c->candidates; *p != NULL; p++) {
        execve(*p, c->argv, c->envp);
        worst = worse(worst, -errno);
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            break;
    }
    return failed(c, worst, err);
}
