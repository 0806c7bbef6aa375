/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PID 1 of a container started with --init: starts the program, hands it every signal, reaps what is orphaned, and ends
 * with the program's status (128 + n for signal n). One static program of its own, executed from a sealed memory file,
 * so that the process that stays in the container is neither the runtime nor able to lead to it.
 *
 * usage: coffer-init PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void start_program(char **argv, const sigset_t *before)
{
    (void)setpgid(0, 0);
    if (isatty(STDIN_FILENO)) {
        /* Become the foreground group; the write would stop us (SIGTTOU) were it not blocked. */
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    }
    sigprocmask(SIG_SETMASK, before, NULL);
    execvp(argv[0], argv);
    int error = errno;
    dprintf(STDERR_FILENO, "coffer-init: %s: %s\n", argv[0], strerror(error));
    _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* Reap everything that has ended; returns the program's exit code once it is among it, else -1. */
static int reap(pid_t program)
{
    int code = -1, status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == program)
            code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        dprintf(STDERR_FILENO, "usage: coffer-init PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    prctl(PR_SET_NAME, "coffer-init");
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t program = fork();
    if (program < 0) {
        dprintf(STDERR_FILENO, "coffer-init: fork: %s\n", strerror(errno));
        return 125;
    }
    if (program == 0)
        start_program(argv + 1, &before);
    for (;;) {
        siginfo_t info;
        int signal = sigwaitinfo(&all, &info);
        if (signal < 0)
            continue;
        if (signal != SIGCHLD) {
            (void)kill(program, signal);
            continue;
        }
        int code = reap(program);
        if (code >= 0)
            return code;
    }
}
