/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program of the embedded image: says what a process sees from inside its walls. It asks the kernel and nobody
 * else, and believes nothing that it was told at its start.
 */
#include "hello.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    bool report = false, wait = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--report") == 0) {
            report = true;
        } else if (strcmp(argv[i], "--wait") == 0) {
            wait = true;
        } else {
            fprintf(stderr, "hello: unknown argument %s\nusage: hello [--report] [--wait]\n", argv[i]);
            return 2;
        }
    }
    look_kernel();
    look_processes();
    look_namespaces();
    look_identity();
    look_limits();
    look_mounts();
    look_network();
    look_capabilities();
    look_system_calls();
    look_labels();
    if (report)
        report_lines();
    else
        report_people();
    if (wait && report)
        puts(HELLO_READY "=1");
    if (fflush(stdout) != 0) {
        fprintf(stderr, "hello: output: %s\n", strerror(errno));
        return 1;
    }
    char rest[256];
    ssize_t n = 0;
    while (wait && ((n = read(STDIN_FILENO, rest, sizeof rest)) > 0 || (n < 0 && errno == EINTR)))
        ;
    return 0;
}
