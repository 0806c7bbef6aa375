/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Try one thing from inside a container and print what came of it: "ok" or the name of the error. Linked statically,
 * so that it runs in any root file system. Nothing that it tries would do harm if it were let through.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int attempt_kill(char **arg)
{
    return kill(atoi(arg[0]), 0);
}

static int attempt_trace(char **arg)
{
    int r = (int)ptrace(PTRACE_SEIZE, atoi(arg[0]), NULL, NULL);
    if (r == 0)
        ptrace(PTRACE_DETACH, atoi(arg[0]), NULL, NULL);
    return r;
}

static int attempt_abstract(char **arg)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(arg[0]);
    memcpy(address.sun_path + 1, arg[0], n);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

static int attempt_tcp(char **arg)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[0]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

/* Listen on the loopback and connect to oneself. */
static int attempt_loopback(char **arg)
{
    (void)arg;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&address, size) < 0 || listen(server, 1) < 0 ||
        getsockname(server, (struct sockaddr *)&address, &size) < 0)
        return -1;
    return connect(client, (struct sockaddr *)&address, size);
}

static int attempt_raw(char **arg)
{
    (void)arg;
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

/* The socket that ping uses without privilege. */
static int attempt_ping(char **arg)
{
    (void)arg;
    return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

/* Open for writing without truncating: no side effect. */
static int attempt_open(char **arg)
{
    return open(arg[0], O_WRONLY);
}

static int attempt_read(char **arg)
{
    char byte = 0;
    int fd = open(arg[0], O_RDONLY);
    return fd < 0 ? -1 : (int)read(fd, &byte, 1);
}

static int attempt_create(char **arg)
{
    return open(arg[0], O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

static int attempt_mknod(char **arg)
{
    return mknod(arg[0], S_IFCHR | 0600, makedev(1, 3));
}

static int attempt_chown(char **arg)
{
    return chown(arg[0], 12, 34);
}

/* Ask a device something that /dev/null has no answer to: ENOTTY where the question gets through. */
static int attempt_ioctl(char **arg)
{
    struct termios t;
    int fd = open(arg[0], O_RDONLY);
    return fd < 0 ? -1 : ioctl(fd, TCGETS, &t);
}

static int attempt_rename(char **arg)
{
    return rename(arg[0], arg[1]);
}

/* In a user namespace of one's own everybody may mount, unless a wall is there. */
static int attempt_mount(char **arg)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -1;
    return mount("none", arg[0], "tmpfs", 0, NULL);
}

/* How many descriptors can be opened beyond the three that are there? */
static int attempt_descriptors(char **arg)
{
    int max = atoi(arg[0]), n = 0;
    while (n < max && open("/dev/null", O_RDONLY) >= 0)
        n++;
    printf("%d ", n);
    return n == max ? 0 : -1;
}

static int attempt_fork(char **arg)
{
    (void)arg;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return pid < 0 ? -1 : 0;
}

static int attempt_nice(char **arg)
{
    errno = 0;
    return nice(atoi(arg[0])) == -1 && errno != 0 ? -1 : 0;
}

static const struct {
    const char *name;
    int arguments;
    int (*attempt)(char **arg);
} attempts[] = {
    {"kill", 1, attempt_kill},         {"trace", 1, attempt_trace},   {"abstract", 1, attempt_abstract},
    {"tcp", 1, attempt_tcp},           {"loopback", 0, attempt_loopback}, {"raw", 0, attempt_raw},
    {"ping", 0, attempt_ping},         {"open", 1, attempt_open},     {"read", 1, attempt_read},
    {"create", 1, attempt_create},     {"mknod", 1, attempt_mknod},
    {"chown", 1, attempt_chown},       {"ioctl", 1, attempt_ioctl},   {"rename", 2, attempt_rename},
    {"mount", 1, attempt_mount},       {"descriptors", 1, attempt_descriptors}, {"fork", 0, attempt_fork},
    {"nice", 1, attempt_nice},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof attempts / sizeof attempts[0]; i++) {
        if (strcmp(attempts[i].name, argv[1]) != 0 || argc != 2 + attempts[i].arguments)
            continue;
        int r = attempts[i].attempt(argv + 2);
        puts(r >= 0 ? "ok" : strerrorname_np(errno));
        return 0;
    }
    fputs("attempt: what?\n", stderr);
    return 2;
}
