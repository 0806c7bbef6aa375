/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump-filter PID N: write the N-th newest seccomp filter of a process, as struct sock_filter, to standard output, so
 * that the floor loads the very filter that the runtime loads. Status 3: there is no N-th filter.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    pid_t pid = atoi(argv[1]);
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 ||
        waitpid(pid, NULL, __WALL) < 0) {
        perror("dump-filter: ptrace");
        return 1;
    }
    static struct sock_filter filter[65536];
    long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)strtol(argv[2], NULL, 10), filter);
    if (n < 0) {
        int error = errno;
        if (error != ENOENT)
            perror("dump-filter: PTRACE_SECCOMP_GET_FILTER");
        return error == ENOENT ? 3 : 1;
    }
    return fwrite(filter, sizeof filter[0], (size_t)n, stdout) == (size_t)n ? 0 : 1;
}
