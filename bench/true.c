/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program in the benchmark's containers: ends at once, and is small, so that time and memory are the runtime's.
 * With an argument it stays, for looking at the container that it is in.
 */
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        pause();
    return 0;
}
