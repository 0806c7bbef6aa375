/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Make system calls from inside a container, past every wrapper, and print what came of each on a line of its own:
 * "ok", the name of the error, or for getppid the number. Linked statically, as attempt.c is.
 *
 *   native NUMBER ARG...      by the syscall instruction
 *   compat NUMBER ARG...      by int 0x80, the 32-bit entry (x86_64 only)
 *   socketcall FAMILY         socket(FAMILY, SOCK_SEQPACKET, 0) by the 32-bit multiplexer, as i386 C libraries make it
 *   getppid
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int say(long result)
{
    if (result >= 0)
        puts("ok");
    else if (strerrorname_np((int)-result) != NULL)
        puts(strerrorname_np((int)-result));
    else
        printf("%ld\n", result);
    return 0;
}

#if defined(__x86_64__)
static long compat(long number, const long *arg)
{
    int result = 0;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(arg[0]), "c"(arg[1]), "d"(arg[2])
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#else
static long compat(long number, const long *arg)
{
    (void)number;
    (void)arg;
    return -ENOSYS;
}
#endif

static long socketcall(long family)
{
    uint32_t *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (args == MAP_FAILED)
        return -errno;
    args[0] = (uint32_t)family;
    args[1] = SOCK_SEQPACKET;
    args[2] = 0;
    return compat(102, (long[]){1, (long)(uintptr_t)args, 0});
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "getppid") == 0)
        return printf("%d\n", (int)getppid()) < 0;
    if (argc == 3 && strcmp(argv[1], "socketcall") == 0)
        return say(socketcall(atol(argv[2])));
    if (argc < 3)
        return 2;
    long v[7] = {0};
    for (int i = 2; i < argc && i < 9; i++)
        v[i - 2] = strtol(argv[i], NULL, 0);
    if (strcmp(argv[1], "compat") == 0)
        return say(compat(v[0], v + 1));
    if (strcmp(argv[1], "native") != 0)
        return 2;
    long r = syscall(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
    return say(r < 0 ? -errno : r);
}
