/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time commands, interleaved: launch ROUNDS COMMAND [ARG...] [-- COMMAND [ARG...]]...
 *
 * One line a run: index of the command, nanoseconds from vfork to the end, peak resident KiB, wait status. A command
 * reads /dev/null and writes to /dev/null; descriptor 3, when there is one, is rewound before each run. A command may
 * begin with mntns=FILE, the mount namespace that it is to see.
 *
 * Linux carries the peak of the address space that a process leaves at exec into its ru_maxrss. This program is
 * static and small, so that what is reported belongs to the command; its own size is printed as index -1.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* VmHWM: the peak of this address space alone, unlike ru_maxrss. */
static long own_peak(void)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return 0;
    close(fd);
    text[n] = '\0';
    const char *line = strstr(text, "VmHWM:");
    return line == NULL ? 0 : strtol(line + strlen("VmHWM:"), NULL, 10);
}

struct command {
    char **argv;
    int namespace;
};

/* The child of vfork: it must not touch a variable of its parent. */
static _Noreturn void become(const struct command *command, int null)
{
    if (command->namespace >= 0 && setns(command->namespace, CLONE_NEWNS) < 0)
        _exit(126);
    dup2(null, 0);
    dup2(null, 1);
    execve(command->argv[0], command->argv, environ);
    _exit(127);
}

static void run(int index, const struct command *command, int null, int out)
{
    if (lseek(3, 0, SEEK_SET) < 0 && errno != EBADF && errno != ESPIPE) {
        perror("launch: descriptor 3");
        exit(1);
    }
    long long begin = now();
    pid_t pid = vfork();
    if (pid == 0)
        become(command, null);
    int status = -1;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
        perror("launch");
        exit(1);
    }
    dprintf(out, "%d %lld %ld %d\n", index, now() - begin, usage.ru_maxrss, status);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int rounds = atoi(argv[1]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int out = fcntl(1, F_DUPFD_CLOEXEC, 10);
    struct command commands[16];
    int n = 0;
    for (int i = 2; i < argc && n < 16; i++) {
        commands[n] = (struct command){.argv = argv + i, .namespace = -1};
        if (strncmp(argv[i], "mntns=", 6) == 0) {
            commands[n].namespace = open(argv[i] + 6, O_RDONLY | O_CLOEXEC);
            commands[n].argv++;
        }
        n++;
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++;
        if (i < argc)
            argv[i] = NULL;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < n; i++)
            run(i, &commands[i], null, out);
    dprintf(out, "-1 0 %ld 0\n", own_peak());
    return 0;
}
