/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters in the kernel: each test forks, loads a filter as the layer does in a container's process, and looks at what
 * calls do then. Needs no privilege, since no_new_privs is set. What is tried with int 0x80 goes past every wrapper.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "layers/layer.h"
#include "layers/seccomp/seccomp.h"

struct fixture {
    struct arena arena;
    struct oci_config config;
    struct oci_linux linux_section;
    struct oci_process process;
    struct host host;
    struct plan plan;
    struct apply ap;
    int fds[SLOT_FIRST_FREE];
};

static void prepare(struct fixture *f, struct oci_seccomp *section)
{
    memset(f, 0, sizeof *f);
    f->config = (struct oci_config){.linux = &f->linux_section, .process = &f->process};
    f->linux_section.seccomp = section;
    f->process.no_new_privileges = (struct oci_bool){true, true};
    f->host = (struct host){.kernel_major = 6, .kernel_minor = 1, .machine = "x86_64"};
    plan_init(&f->plan, &f->arena);
    struct err err = ERR_INIT;
    if (seccomp_layer.plan(&f->config, &f->host, "id", "/", &f->plan, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < ARRAY_LEN(f->fds); i++)
        f->fds[i] = -EBADF;
    f->ap = (struct apply){.plan = &f->plan, .config = &f->config, .host = &f->host, .fds = f->fds};
    if (seccomp_layer.at[STEP_HOST_BEFORE_CLONE](&f->ap, &err) < 0)
        fail_msg("%s", err.text);
}

/* In the child of a test: load; anything wrong ends the child with 100. */
static void load(struct fixture *f)
{
    struct err err = ERR_INIT;
    if (seccomp_layer.at[STEP_CHILD_LATE](&f->ap, &err) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        seccomp_layer.at[STEP_CHILD_LAST](&f->ap, &err) < 0)
        _exit(100);
}

static struct oci_seccomp *docker(struct arena *a)
{
    char *text = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    struct oci_seccomp *s = NULL;
    struct seccomp_facts facts = {.capabilities = 0, .machine = "x86_64", .kernel_major = 6, .kernel_minor = 1};
    assert_int_equal(file_read(a, AT_FDCWD, SOURCE_ROOT "/profiles/seccomp/docker-default.json", 1 << 20, &text, &len),
                     0);
    assert_int_equal(seccomp_resolve_docker_profile(a, text, len, &facts, &s, &err), 0);
    return s;
}

static struct oci_seccomp *section(struct arena *a, const char *json)
{
    struct oci_seccomp *s = NULL;
    struct err err = ERR_INIT;
    if (oci_seccomp_parse(a, json, strlen(json), &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

/* Fork, run body in the child, and return its status as wait(2) has it. */
static int in_child(void (*body)(struct fixture *f), struct fixture *f)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(10);
        signal(SIGSYS, SIG_DFL); /* cmocka catches it */
        body(f);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void require(bool ok, int line)
{
    if (!ok)
        _exit(line < 250 ? line : 250);
}
#define REQUIRE(x) require((x), __LINE__ % 200 + 1)

static bool fails_with(long result, int code)
{
    return result == -1 && errno == code;
}

#if defined(__x86_64__)
/* A call by the 32-bit entry, as any 64-bit program can make it. The kernel's result: negative errno. */
static int call32(int number, uint32_t a, uint32_t b, uint32_t c)
{
    int result = 0;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return result;
}

/* Memory that 32-bit pointers reach. */
static uint32_t *low_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static uint32_t low_address(const void *p)
{
    return (uint32_t)(uintptr_t)p;
}

enum { I386_GETPID = 20, I386_SOCKETCALL = 102, I386_SOCKET = 359, OP_SOCKET = 1, OP_SOCKETPAIR = 8, OP_SHUTDOWN = 13 };

static bool has_int80(void)
{
    /* Without CONFIG_IA32_EMULATION the instruction raises SIGSEGV: find out in a child. */
    pid_t pid = fork();
    if (pid == 0)
        _exit(call32(I386_GETPID, 0, 0, 0) > 0 ? 0 : 1);
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void try_socketcall(struct fixture *f)
{
    uint32_t *args = low_memory();
    REQUIRE(args != NULL);
    args[0] = AF_UNIX;
    args[1] = SOCK_STREAM;
    args[2] = 0;
    args[3] = low_address(&args[8]);
    /* Without the filter, it works: this is the control. */
    REQUIRE(call32(I386_SOCKETCALL, OP_SOCKET, low_address(args), 0) >= 0);
    load(f);
    REQUIRE(call32(I386_GETPID, 0, 0, 0) > 0);
    for (unsigned family = 0; family < 46; family++) {
        args[0] = family;
        REQUIRE(call32(I386_SOCKETCALL, OP_SOCKET, low_address(args), 0) == -EPERM);
    }
    /* The high bits of the register do not count for the kernel, nor for us. */
    args[0] = AF_UNIX;
    long wide = 0;
    __asm__ volatile("int $0x80" : "=a"(wide) : "a"(I386_SOCKETCALL), "b"(0x100000001UL), "c"((long)low_address(args)),
                     "d"(0L) : "memory", "r8", "r9", "r10", "r11");
    REQUIRE((int)wide == -EPERM);
    /* The rest of the multiplexer works as the profile has it. */
    REQUIRE(call32(I386_SOCKETCALL, OP_SOCKETPAIR, low_address(args), 0) == 0);
    args[0] = args[8];
    args[1] = SHUT_RDWR;
    REQUIRE(call32(I386_SOCKETCALL, OP_SHUTDOWN, low_address(args), 0) == 0);
    /* The direct call is judged by its arguments. */
    REQUIRE(call32(I386_SOCKET, AF_UNIX, SOCK_STREAM, 0) >= 0);
    REQUIRE(call32(I386_SOCKET, 38, SOCK_SEQPACKET, 0) == -EPERM);
    REQUIRE(call32(I386_SOCKET, 40, SOCK_STREAM, 0) == -EPERM);
}

static void socketcall_is_closed(void **state UNUSED)
{
    if (!has_int80())
        skip(); /* this kernel has no 32-bit calls */
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    prepare(&f, docker(&a));
    assert_int_equal(in_child(try_socketcall, &f), 0);
    arena_free(&f.arena);
}

static void try_opened_socketcall(struct fixture *f)
{
    uint32_t *args = low_memory();
    REQUIRE(args != NULL);
    args[0] = AF_UNIX;
    args[1] = SOCK_STREAM;
    load(f);
    REQUIRE(call32(I386_SOCKETCALL, OP_SOCKET, low_address(args), 0) >= 0);
}

/* A profile that asks for it by operation gets it: this is also the control of the test above. */
static void socketcall_can_be_opened(void **state UNUSED)
{
    if (!has_int80())
        skip();
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = docker(&a);
    struct oci_seccomp *more = section(&a,
        "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"socketcall\"],\"action\":\"SCMP_ACT_ALLOW\","
        "\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}");
    struct oci_seccomp_rule *v = arena_calloc(&a, s->syscalls.n + 1, sizeof *v);
    memcpy(v, s->syscalls.v, s->syscalls.n * sizeof *v);
    v[s->syscalls.n++] = more->syscalls.v[0]; /* behind the profile's own rule: it counts wherever it stands */
    s->syscalls.v = v;
    prepare(&f, s);
    assert_int_equal(in_child(try_opened_socketcall, &f), 0);
    arena_free(&f.arena);
}

static void try_int80(struct fixture *f)
{
    load(f);
    (void)call32(I386_GETPID, 0, 0, 0);
}

static void no_compat32(void **state UNUSED)
{
    if (!has_int80())
        skip();
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = docker(&a);
    s->architectures.n = 1;
    prepare(&f, s);
    int status = in_child(try_int80, &f);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    arena_free(&f.arena);
}
#endif

static void try_docker(struct fixture *f)
{
    load(f);
    REQUIRE(fails_with(socket(38, SOCK_SEQPACKET, 0), EPERM));
    REQUIRE(fails_with(socket(40, SOCK_STREAM, 0), EPERM));
    REQUIRE(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    REQUIRE(fails_with(syscall(SYS_clone3, NULL, 0), ENOSYS));
    REQUIRE(fails_with(syscall(SYS_unshare, 0), EPERM));
    REQUIRE(fails_with(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM));
    /* Newer than the profile: ENOSYS, also where this kernel has the call. */
    REQUIRE(fails_with(syscall(467, -1, NULL, 0, NULL, 0), ENOSYS));
    REQUIRE(fails_with(syscall(600), ENOSYS));
    /* Newer than libseccomp, but in the profile: the kernel answers (removexattrat; ENOSYS before Linux 6.13). */
    long r = syscall(466, -1, "", 0, NULL);
    REQUIRE(r == -1 && errno != EPERM);
}

static void docker_profile(void **state UNUSED)
{
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    prepare(&f, docker(&a));
    assert_int_equal(in_child(try_docker, &f), 0);
    arena_free(&f.arena);
}

static void try_without_nnp(struct fixture *f)
{
    struct err err = ERR_INIT;
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        _exit(100);
    REQUIRE(seccomp_layer.at[STEP_CHILD_LAST](&f->ap, &err) == -EACCES);
    REQUIRE(strstr(err.text, "noNewPrivileges") != NULL);
}

static void without_privilege(void **state UNUSED)
{
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    prepare(&f, docker(&a));
    assert_int_equal(in_child(try_without_nnp, &f), 0);
    arena_free(&f.arena);
}

/* The child's end of the socket over which start/ would send. */
static int channel = -EBADF;

static int send_slot(struct apply *ap, int slot, struct err *err)
{
    char byte = 'L', control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ap->fds[slot], sizeof(int));
    if (sendmsg(channel, &m, 0) != 1)
        return err_set_errno(err, -errno, LAYER_START, "sendmsg");
    return 0;
}

static int receive(int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &m, MSG_CMSG_CLOEXEC) != 1)
        return -EBADF;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int got = -EBADF;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS)
        memcpy(&got, CMSG_DATA(c), sizeof got);
    return got;
}

/* Answer every call: 4242 for getppid, everything else goes on. Returns the number of calls seen. */
static unsigned serve(int listener, bool *ret_faked)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return 0;
    CLEANUP_FREE struct seccomp_notif *call = malloc(sizes.seccomp_notif);
    CLEANUP_FREE struct seccomp_notif_resp *answer = malloc(sizes.seccomp_notif_resp);
    unsigned n = 0;
    for (;; n++) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        if (poll(&p, 1, 5000) <= 0 || (p.revents & POLLIN) == 0)
            return n;
        memset(call, 0, sizes.seccomp_notif);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) < 0)
            return n;
        memset(answer, 0, sizes.seccomp_notif_resp);
        answer->id = call->id;
        if (call->data.nr == SYS_getppid) {
            answer->val = 4242;
            *ret_faked = true;
        } else {
            answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        }
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
    }
}

/* With a filter that notifies of every call, so that nothing the child does goes unanswered. */
static void notify_of_everything(void **state UNUSED)
{
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    prepare(&f, section(&a, "{\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"/agent\"}"));
    f.ap.send_fd = send_slot;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    channel = ends[1];
    pid_t pid = fork();
    if (pid == 0) {
        alarm(10);
        load(&f);
        REQUIRE(getppid() == 4242);
        REQUIRE(f.fds[SLOT_SECCOMP_LISTENER] < 0);
        /* One thread is left: the one that sent is gone. */
        char text[4096];
        ssize_t n = file_read_into(AT_FDCWD, "/proc/self/status", text, sizeof text);
        REQUIRE(n > 0 && strstr(text, "\nThreads:\t1\n") != NULL);
        _exit(0);
    }
    fd_close(&ends[1]);
    CLEANUP_FD int listener = receive(ends[0]);
    assert_true(listener >= 0);
    bool faked = false;
    unsigned seen = serve(listener, &faked);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(faked && seen > 3);
    fd_close(&ends[0]);
    arena_free(&f.arena);
}

static int refuse_to_send(struct apply *ap UNUSED, int slot UNUSED, struct err *err)
{
    return err_set(err, -EPIPE, LAYER_START, "nobody listens");
}

static void try_unsent_listener(struct fixture *f)
{
    struct err err = ERR_INIT;
    REQUIRE(seccomp_layer.at[STEP_CHILD_LATE](&f->ap, &err) == -EPIPE);
    REQUIRE(err.layer == LAYER_START && strcmp(err.text, "nobody listens") == 0);
}

static void listener_that_cannot_be_sent(void **state UNUSED)
{
    struct fixture f;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    prepare(&f, section(&a, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/agent\",\"syscalls\":"
                            "[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}"));
    f.ap.send_fd = refuse_to_send;
    assert_int_equal(in_child(try_unsent_listener, &f), 0);
    arena_free(&f.arena);
}

static void try_kill(struct fixture *f)
{
    load(f);
    (void)getppid();
}

static void actions(void **state UNUSED)
{
    static const struct {
        const char *action;
        int signal;
    } cases[] = {{"SCMP_ACT_KILL_PROCESS", SIGSYS}, {"SCMP_ACT_KILL", SIGSYS}, {"SCMP_ACT_TRAP", SIGSYS},
                 {"SCMP_ACT_LOG", 0}, {"SCMP_ACT_ERRNO", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        prepare(&f, section(&a, arena_printf(&a, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":["
                            "\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_LOG\","
                            "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"],\"syscalls\":[{\"names\":[\"getppid\"],"
                            "\"action\":\"%s\"}]}", cases[i].action)));
        int status = in_child(try_kill, &f);
        assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, cases[i].signal);
        arena_free(&f.arena);
    }
}

static void features(void **state UNUSED)
{
    assert_true(seccomp_flag_supported("SECCOMP_FILTER_FLAG_TSYNC"));
    assert_false(seccomp_flag_supported("SECCOMP_FILTER_FLAG_NONE_SUCH"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
        cmocka_unit_test(socketcall_is_closed),
        cmocka_unit_test(socketcall_can_be_opened),
        cmocka_unit_test(no_compat32),
#endif
        cmocka_unit_test(docker_profile),
        cmocka_unit_test(without_privilege),
        cmocka_unit_test(notify_of_everything),
        cmocka_unit_test(listener_that_cannot_be_sent),
        cmocka_unit_test(actions),
        cmocka_unit_test(features),
    };
    return cmocka_run_group_tests_name("seccomp_load", tests, NULL, NULL);
}
