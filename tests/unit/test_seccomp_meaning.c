/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled filter against the profile's meaning, call by call, architecture by architecture, argument by argument
 * at the boundaries. The filter runs in an interpreter; the meaning is worked out by seccomp_oracle.c. That the
 * comparison can fail is tested too: with changed profiles, and with filters that libseccomp makes alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "bpf_eval.h"
#include "layers/seccomp/compile.h"
#include "layers/seccomp/seccomp.h"
#include "seccomp_oracle.h"

#define X86_ALL (1U << ORACLE_X86_64 | 1U << ORACLE_X86 | 1U << ORACLE_X32)
#define ARM_ALL (1U << ORACLE_AARCH64 | 1U << ORACLE_ARM)
#define DOCKER_CAPS 0xa80425fbU /* Docker's fourteen */

static uint64_t random_state;

static uint64_t random_u64(void) /* xorshift64*: the same run every time */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1dU;
}

struct comparison {
    struct oracle oracle;
    const struct sock_fprog *program;
    unsigned long cases, wrong;
    bool quiet; /* a difference is expected: the first is enough */
};

static void compare_one(struct comparison *c, const struct seccomp_data *data)
{
    if (c->quiet && c->wrong > 0)
        return;
    uint32_t want = oracle_verdict(&c->oracle, data), got = bpf_run(c->program, data, NULL);
    c->cases++;
    if (want == got)
        return;
    if (c->wrong++ < 10 && !c->quiet)
        print_error("arch %#x call %#x(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): filter says %#x, profile %#x\n",
                    data->arch, (unsigned)data->nr, (unsigned long long)data->args[0],
                    (unsigned long long)data->args[1], (unsigned long long)data->args[2],
                    (unsigned long long)data->args[3], (unsigned long long)data->args[4],
                    (unsigned long long)data->args[5], got, want);
}

/* Values around an operand, in both halves. */
static unsigned around(uint64_t v, uint64_t *ret)
{
    const uint64_t values[] = {
        v - 1, v, v + 1, ~v, v | 1, v & ~UINT64_C(1), v | UINT64_C(1) << 32, v ^ UINT64_C(1) << 63,
        (uint32_t)v, v << 1, v >> 1, v & (v - 1), v + (UINT64_C(1) << 32), v - (UINT64_C(1) << 32),
    };
    memcpy(ret, values, sizeof values);
    return ARRAY_LEN(values);
}

enum { PICKS = 14 * 8 + 8 };

/* What to try for one argument of a call: around each operand, and values that nobody thought of. */
static unsigned picks(const struct oci_seccomp *s, const char *name, unsigned index, uint64_t *ret)
{
    uint64_t operands[8];
    unsigned n = 0, n_operands = oracle_operands(s, name, index, operands, ARRAY_LEN(operands));
    for (unsigned i = 0; i < n_operands; i++)
        n += around(operands[i], ret + n);
    ret[n++] = 0;
    ret[n++] = UINT64_MAX;
    ret[n++] = UINT32_MAX;
    ret[n++] = UINT64_C(1) << 32;
    ret[n++] = random_u64();
    ret[n++] = random_u64() >> 40;
    return n;
}

static void compare_number(struct comparison *c, const struct oracle_arch *arch, uint32_t nr)
{
    struct seccomp_data data = {.nr = (int)nr, .arch = arch->audit_arch, .instruction_pointer = random_u64()};
    bool wide = strcmp(arch->word, "SCMP_ARCH_X86") != 0 && strcmp(arch->word, "SCMP_ARCH_ARM") != 0;
    uint32_t number = nr - arch->base;
    const char *name = number < ORACLE_CALLS && arch->name[number] != NULL ? arch->name[number] : "";
    bool mux = name[0] != '\0' && ((int)number == arch->socketcall || (int)number == arch->ipc);
    for (unsigned op = 0; mux && op < 30; op++)
        for (unsigned high = 0; high < 3; high++) {
            data.args[0] = op | (uint64_t)high << 16;
            compare_one(c, &data);
        }
    uint64_t values[6][PICKS];
    unsigned n[6];
    for (unsigned i = 0; i < 6; i++)
        n[i] = picks(c->oracle.section, name, i, values[i]);
    /* Each value of each argument, with several settings of the others. */
    for (unsigned i = 0; i < 6; i++)
        for (unsigned k = 0; k < n[i]; k++)
            for (unsigned round = 0; round < 4; round++) {
                for (unsigned j = 0; j < 6; j++) {
                    uint64_t v = j == i ? values[i][k] : values[j][random_u64() % n[j]];
                    data.args[j] = wide ? v : (uint32_t)v; /* the kernel gives 32-bit calls no more */
                }
                compare_one(c, &data);
            }
}

static void compare_all(struct comparison *c)
{
    for (unsigned k = 0; k < ORACLE_ARCHS; k++) {
        const struct oracle_arch *arch = &oracle_archs[k];
        for (uint32_t nr = 0; nr <= 600; nr++)
            compare_number(c, arch, arch->base + nr);
        for (unsigned i = 0; i < 50; i++)
            compare_number(c, arch, (uint32_t)random_u64());
        const uint32_t edges[] = {0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, UINT32_MAX - 1, UINT32_MAX,
                                  983041, 983045, 0x0f0000};
        for (unsigned i = 0; i < ARRAY_LEN(edges); i++)
            compare_number(c, arch, edges[i]);
    }
    /* An architecture that nobody has listed. */
    struct seccomp_data data = {.nr = 1, .arch = 0xc00000b6};
    compare_one(c, &data);
}

static struct oci_seccomp *docker_profile(struct arena *a, const char *machine, uint64_t caps)
{
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(file_read(a, AT_FDCWD, SOURCE_ROOT "/profiles/seccomp/docker-default.json", 1 << 20, &text, &len),
                     0);
    struct seccomp_facts facts = {.capabilities = caps, .machine = machine, .kernel_major = 6, .kernel_minor = 1};
    struct oci_seccomp *s = NULL;
    struct err err = ERR_INIT;
    if (seccomp_resolve_docker_profile(a, text, len, &facts, &s, &err) < 0)
        fail_msg("%s", err.text);
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

static void compile(struct arena *a, const struct oci_seccomp *s, const char *machine, bool compat32,
                    struct sock_fprog *ret)
{
    struct seccomp_rules rules;
    struct err err = ERR_INIT;
    if (seccomp_rules_make(a, s, machine, compat32, &rules, &err) < 0 || seccomp_compile(a, &rules, ret, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(bpf_valid(ret));
}

/* Compile s and compare. Returns the number of differing cases. */
static unsigned long check(const struct oci_seccomp *s, const struct oci_seccomp *meaning, const char *machine,
                           bool compat32, unsigned covered, bool quiet)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct sock_fprog program;
    compile(&a, s, machine, compat32, &program);
    struct comparison c = {.program = &program, .quiet = quiet};
    oracle_init(&c.oracle, meaning, covered);
    compare_all(&c);
    assert_true(c.wrong > 0 || c.cases > 100000);
    return c.wrong;
}

static void docker(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = docker_profile(&a, "x86_64", DOCKER_CAPS);
    assert_int_equal(check(s, s, "x86_64", true, X86_ALL, false), 0);
    assert_int_equal(check(s, s, "x86_64", false, 1U << ORACLE_X86_64, false), 0);
}

static void docker_privileged(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = docker_profile(&a, "x86_64", UINT64_MAX);
    assert_int_equal(check(s, s, "x86_64", true, X86_ALL, false), 0);
    s = docker_profile(&a, "x86_64", 0);
    assert_int_equal(check(s, s, "x86_64", true, X86_ALL, false), 0);
}

static void docker_on_arm(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = docker_profile(&a, "aarch64", DOCKER_CAPS);
    assert_int_equal(s->architectures.n, 2);
    assert_int_equal(check(s, s, "aarch64", true, ARM_ALL, false), 0);
    assert_int_equal(check(s, s, "aarch64", false, 1U << ORACLE_AARCH64, false), 0);
}

#define ALL3 "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]"
#define RULE(names, action, more) "{\"names\":[" names "],\"action\":\"SCMP_ACT_" action "\"" more "}"
#define ARG(index, op, value) "{\"index\":" index ",\"op\":\"SCMP_CMP_" op "\",\"value\":" value "}"
#define MASKED(index, mask, value) \
    "{\"index\":" index ",\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":" mask ",\"valueTwo\":" value "}"
#define ARGS(list) ",\"args\":[" list "]"

static const char *const custom[] = {
    /* A list of what is denied; calls of every kind of number; a 64-bit operand, which 32-bit code cannot reach. */
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\"," ALL3 ",\"syscalls\":["
        RULE("\"socket\"", "ERRNO", ",\"errnoRet\":97" ARGS(ARG("0", "EQ", "38"))) ","
        RULE("\"mseal\",\"uretprobe\",\"kexec_load\"", "ERRNO", "") ","
        RULE("\"mmap\"", "ERRNO", ",\"errnoRet\":12" ARGS(ARG("1", "GT", "4294967296"))) ","
        RULE("\"semop\"", "KILL_PROCESS", "") "]}",
    /* Nothing but a default. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13," ALL3 "}",
    "{\"defaultAction\":\"SCMP_ACT_LOG\"," ALL3 "}",
    /* One rule. */
    "{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\"," ALL3 ",\"syscalls\":[" RULE("\"read\"", "ALLOW", "") "]}",
    /* Every action. */
    "{\"defaultAction\":\"SCMP_ACT_TRAP\"," ALL3 ",\"syscalls\":["
        RULE("\"read\"", "ALLOW", "") "," RULE("\"write\"", "LOG", "") "," RULE("\"open\"", "NOTIFY", "") ","
        RULE("\"close\"", "TRACE", ",\"errnoRet\":7") "," RULE("\"stat\"", "KILL", "") ","
        RULE("\"fstat\"", "KILL_THREAD", "") "," RULE("\"lstat\"", "KILL_PROCESS", "") ","
        RULE("\"poll\"", "ERRNO", ",\"errnoRet\":0") "," RULE("\"lseek\"", "TRAP", "") ","
        RULE("\"socketcall\"", "NOTIFY", "") "," RULE("\"socket\"", "NOTIFY", ARGS(ARG("0", "EQ", "1"))) "]}",
    /* Different actions for one call, overlapping: the first rule decides. An unconditional one last. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," ALL3 ",\"syscalls\":["
        RULE("\"prctl\"", "ERRNO", ",\"errnoRet\":2" ARGS(ARG("0", "LE", "10"))) ","
        RULE("\"prctl\"", "ERRNO", ",\"errnoRet\":3" ARGS(ARG("0", "GE", "8") "," ARG("1", "NE", "0"))) ","
        RULE("\"prctl\"", "LOG", ARGS(MASKED("1", "61440", "4096"))) ","
        RULE("\"prctl\"", "ALLOW", "") "," RULE("\"prctl\"", "KILL", "") ","
        RULE("\"fcntl\",\"fcntl64\"", "ALLOW", ARGS(ARG("1", "EQ", "3"))) ","
        RULE("\"fcntl\",\"fcntl64\"", "TRAP", ARGS(ARG("1", "LT", "5"))) "]}",
    /* Every operator on calls that libseccomp has and on one that it has not, with 64-bit operands. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," ALL3 ",\"syscalls\":["
        RULE("\"lseek\",\"mseal\"", "ALLOW", ARGS(ARG("0", "NE", "8589934593"))) ","
        RULE("\"pread64\",\"cachestat\"", "ALLOW", ARGS(ARG("1", "LT", "12884901890"))) ","
        RULE("\"pwrite64\",\"statmount\"", "ALLOW", ARGS(ARG("2", "LE", "4294967295"))) ","
        RULE("\"madvise\",\"listmount\"", "ALLOW", ARGS(ARG("3", "EQ", "4294967296"))) ","
        RULE("\"mremap\",\"futex_wake\"", "ALLOW", ARGS(ARG("4", "GE", "18446744073709551615"))) ","
        RULE("\"ioctl\",\"futex_wait\"", "ALLOW", ARGS(ARG("5", "GT", "4294967294"))) ","
        RULE("\"clone\",\"getxattrat\"", "ALLOW", ARGS(MASKED("0", "18446744069414584321", "1"))) ","
        RULE("\"futex\",\"setxattrat\"", "ALLOW", ARGS(MASKED("1", "255", "256"))) ","
        RULE("\"accept4\",\"removexattrat\"", "ALLOW", ARGS(MASKED("1", "0", "0"))) "]}",
    /* Two conditions on one argument are alternatives, several arguments are not. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," ALL3 ",\"syscalls\":["
        RULE("\"personality\"", "ALLOW", ARGS(ARG("0", "EQ", "0") "," ARG("0", "EQ", "8") "," ARG("1", "EQ", "1"))) ","
        RULE("\"socket\"", "ALLOW", ARGS(ARG("0", "EQ", "2") "," ARG("1", "EQ", "1") "," ARG("2", "NE", "9"))) ","
        RULE("\"socket\"", "ALLOW", ARGS(ARG("0", "EQ", "1"))) "]}",
    /* Podman's audit rule: disjoint conditions with different actions. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38," ALL3 ",\"syscalls\":["
        RULE("\"socketcall\"", "ALLOW", "") ","
        RULE("\"socket\"", "ERRNO", ",\"errnoRet\":22" ARGS(ARG("0", "EQ", "16") "," ARG("2", "EQ", "9"))) ","
        RULE("\"socket\"", "ALLOW", ARGS(ARG("2", "NE", "9"))) ","
        RULE("\"socket\"", "ALLOW", ARGS(ARG("0", "NE", "16"))) "]}",
    /* socketcall asked for by operation, on purpose. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," ALL3 ",\"syscalls\":["
        RULE("\"socketcall\"", "ALLOW", ARGS(ARG("0", "EQ", "1"))) ","
        RULE("\"socket\"", "ALLOW", ARGS(ARG("0", "EQ", "1"))) "," RULE("\"connect\",\"ipc\",\"shmget\"", "ALLOW", "") "]}",
    /* The multiplexer refused as a whole, with the errno that is the default. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," ALL3 ",\"syscalls\":["
        RULE("\"socketcall\"", "ERRNO", ",\"errnoRet\":1") "," RULE("\"socket\",\"connect\"", "ALLOW", "") "]}",
    /* No list of architectures. */
    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" RULE("\"read\",\"open_tree_attr\"", "ALLOW", "") "]}",
};

static void custom_profiles(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(custom); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct oci_seccomp *s = section(&a, custom[i]);
        unsigned covered = s->architectures.n > 0 ? X86_ALL : 1U << ORACLE_X86_64;
        if (check(s, s, "x86_64", true, covered, false) != 0)
            fail_msg("profile %zu", i);
        if (check(s, s, "x86_64", false, 1U << ORACLE_X86_64, false) != 0)
            fail_msg("profile %zu without compat32", i);
    }
}

static const char *pick_word(const char *const *words)
{
    size_t n = 0;
    while (words[n] != NULL)
        n++;
    return words[random_u64() % n];
}

/* A rule of random conditions on few calls, so that many rules meet. */
static void random_rule(struct arena *a, struct oci_seccomp_rule *r)
{
    static const char *const calls[] = {"read", "prctl", "socket", "mseal", "ioctl", "socketcall", "clone", "futex_wait",
                                        "shmat", "connect", NULL};
    static const uint64_t operands[] = {0, 1, 2, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x1ffffffff,
                                        0x8000000000000000, UINT64_MAX};
    r->names.v = arena_calloc(a, 2, sizeof(char *));
    r->names.n = 1;
    r->names.v[0] = arena_strdup(a, pick_word(calls));
    r->action = arena_strdup(a, pick_word(seccomp_known_actions()));
    if (strcmp(r->action, "SCMP_ACT_ERRNO") == 0 || strcmp(r->action, "SCMP_ACT_TRACE") == 0)
        r->errno_ret = (struct oci_uint){true, random_u64() % 3};
    bool mux = strcmp(r->names.v[0], "socketcall") == 0;
    r->args.n = random_u64() % (mux ? 2 : 4);
    r->args.v = arena_calloc(a, r->args.n, sizeof *r->args.v);
    for (size_t i = 0; i < r->args.n; i++) {
        r->args.v[i].index = mux ? 0 : (uint32_t)(random_u64() % 3);
        r->args.v[i].op = arena_strdup(a, pick_word(seccomp_known_operators()));
        r->args.v[i].value = operands[random_u64() % ARRAY_LEN(operands)];
        if (strcmp(r->args.v[i].op, "SCMP_CMP_MASKED_EQ") == 0)
            r->args.v[i].value_two = (struct oci_uint){true, r->args.v[i].value & random_u64()};
    }
}

static void print_section(const struct oci_seccomp *s)
{
    print_error("default %s\n", s->default_action);
    for (size_t i = 0; i < s->syscalls.n; i++) {
        const struct oci_seccomp_rule *r = &s->syscalls.v[i];
        print_error("%s %s %llu:", r->names.v[0], r->action, (unsigned long long)r->errno_ret.v);
        for (size_t k = 0; k < r->args.n; k++)
            print_error(" %u %s %#llx %#llx;", r->args.v[k].index, r->args.v[k].op,
                        (unsigned long long)r->args.v[k].value, (unsigned long long)r->args.v[k].value_two.v);
        print_error("\n");
    }
}

static void random_profiles(void **state UNUSED)
{
    char *archs[] = {(char[]){"SCMP_ARCH_X86_64"}, (char[]){"SCMP_ARCH_X86"}, (char[]){"SCMP_ARCH_X32"}, NULL};
    for (unsigned round = 0; round < 40; round++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct oci_seccomp s = {.architectures = {archs, 3, true}};
        s.default_action = arena_strdup(&a, pick_word(seccomp_known_actions()));
        s.syscalls.n = random_u64() % 24;
        s.syscalls.v = arena_calloc(&a, s.syscalls.n, sizeof *s.syscalls.v);
        for (size_t i = 0; i < s.syscalls.n; i++)
            random_rule(&a, &s.syscalls.v[i]);
        if (check(&s, &s, "x86_64", true, X86_ALL, false) != 0) {
            print_section(&s);
            fail_msg("round %u", round);
        }
    }
}

/* Negative control: each single change of the profile must be seen by the comparison. */
static void changed_profiles_differ(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *meant = docker_profile(&a, "x86_64", DOCKER_CAPS);
    for (size_t i = 0; i < meant->syscalls.n; i++) {
        CLEANUP_ARENA struct arena b = ARENA_INIT;
        struct oci_seccomp *s = docker_profile(&b, "x86_64", DOCKER_CAPS);
        struct oci_seccomp_rule *r = &s->syscalls.v[i];
        r->action = arena_strdup(&b, strcmp(r->action, "SCMP_ACT_ALLOW") == 0 ? "SCMP_ACT_LOG" : "SCMP_ACT_ALLOW");
        r->errno_ret.set = false;
        assert_true(check(s, meant, "x86_64", false, 1U << ORACLE_X86_64, true) > 0);
        s = docker_profile(&b, "x86_64", DOCKER_CAPS);
        r = &s->syscalls.v[i];
        if (r->args.n > 0)
            r->args.v[0].value++;
        else
            r->names.v[r->names.n - 1] = arena_strdup(&b, "kexec_load");
        assert_true(check(s, meant, "x86_64", false, 1U << ORACLE_X86_64, true) > 0);
    }
}

/* Negative control of the socketcall wall: what libseccomp makes of the profile alone does have the hole. */
static void library_alone_has_the_hole(void **state UNUSED)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    assert_non_null(ctx);
    assert_int_equal(seccomp_arch_add(ctx, SCMP_ARCH_X86), 0);
    struct scmp_arg_cmp below = SCMP_A0(SCMP_CMP_LT, 38);
    assert_int_equal(seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &below), 0);
    CLEANUP_FD int fd = memfd_create("filter", MFD_CLOEXEC);
    assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
    seccomp_release(ctx);
    struct sock_filter code[BPF_MAXINSNS];
    lseek(fd, 0, SEEK_SET);
    ssize_t n = fd_read_full(fd, code, sizeof code);
    struct sock_fprog alone = {.len = (unsigned short)((size_t)n / sizeof code[0]), .filter = code};
    assert_true(bpf_valid(&alone));

    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = section(&a, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86\"],"
                                        "\"syscalls\":[" RULE("\"socket\"", "ALLOW", ARGS(ARG("0", "LT", "38"))) "]}");
    struct sock_fprog ours;
    compile(&a, s, "x86_64", true, &ours);
    struct seccomp_data socketcall = {.nr = 102, .arch = SCMP_ARCH_X86, .args = {1, 0xffff0000}};
    assert_int_equal(bpf_run(&alone, &socketcall, NULL), SECCOMP_RET_ALLOW);
    assert_int_equal(bpf_run(&ours, &socketcall, NULL), SECCOMP_RET_ERRNO | EPERM);
}

/* The point of the binary tree: few instructions a call. The kernel runs the filter once per number at load. */
static void common_path_is_short(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct sock_fprog program;
    compile(&a, docker_profile(&a, "x86_64", DOCKER_CAPS), "x86_64", true, &program);
    unsigned long steps = 0;
    for (int nr = 0; nr < 460; nr++) {
        struct seccomp_data data = {.nr = nr, .arch = SCMP_ARCH_X86_64};
        (void)bpf_run(&program, &data, &steps);
    }
    assert_true(steps / 460 < 24);
    assert_true(program.len < 1400);
}

static int set_up(void **state UNUSED)
{
    random_state = 0x9e3779b97f4a7c15U;
    return oracle_load() ? 0 : -1;
}

static int tear_down(void **state UNUSED)
{
    oracle_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(docker),
        cmocka_unit_test(docker_privileged),
        cmocka_unit_test(docker_on_arm),
        cmocka_unit_test(custom_profiles),
        cmocka_unit_test(random_profiles),
        cmocka_unit_test(changed_profiles_differ),
        cmocka_unit_test(library_alone_has_the_hole),
        cmocka_unit_test(common_path_is_short),
    };
    return cmocka_run_group_tests_name("seccomp_meaning", tests, set_up, tear_down);
}
