/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp wall's plan and what it refuses, Docker's profiles, the cache of compiled filters, and explain's numbers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "layers/capabilities/capabilities.h"
#include "layers/seccomp/cache.h"
#include "layers/seccomp/compile.h"
#include "layers/seccomp/numbers.h"
#include "layers/seccomp/observe.h"
#include "layers/seccomp/seccomp.h"
#include "layers/seccomp/words.h"
#include "planned.h"

static const struct host root = {.kernel_major = 6, .kernel_minor = 1, .machine = "x86_64",
                                 .capabilities = UINT64_MAX};
static const struct host user = {.kernel_major = 6, .kernel_minor = 1, .machine = "x86_64"};
static const struct host old = {.kernel_major = 4, .kernel_minor = 19, .machine = "x86_64",
                                .capabilities = UINT64_MAX};
static const struct host alien = {.kernel_major = 6, .kernel_minor = 1, .machine = "vax", .capabilities = UINT64_MAX};

#define SECTION(members) "'linux':{'seccomp':{" members "}}"
#define NNP "'process':{'cwd':'/','args':['x'],'noNewPrivileges':true},"
#define ERRNO "'defaultAction':'SCMP_ACT_ERRNO'"
#define RULES(rules) ERRNO ",'syscalls':[" rules "]"
#define READ "{'names':['read','write'],'action':'SCMP_ACT_ALLOW'}"

static void plans(void **state UNUSED)
{
    expect_plan(&seccomp_layer, &root, "'linux':{}", "");
    expect_plan(&seccomp_layer, &root, SECTION(RULES(READ)),
                "host-before-clone seccomp filter = default 0x50001, 2 rules, x86_64\n"
                "child-late seccomp load filter\n");
    /* With no_new_privs it is loaded last. The machine's own architecture is there, listed or not. */
    expect_plan(&seccomp_layer, &user,
                NNP SECTION(RULES(READ) ",'architectures':['SCMP_ARCH_X32','SCMP_ARCH_X86','SCMP_ARCH_X32'],"
                            "'flags':['SECCOMP_FILTER_FLAG_LOG','SECCOMP_FILTER_FLAG_TSYNC']"),
                "host-before-clone seccomp filter = default 0x50001, 2 rules, x86_64 x32 x86\n"
                "child-last seccomp load filter = flags 0x2\n");
    expect_plan(&seccomp_layer, &user, "'linux':{'namespaces':[{'type':'user'}],'seccomp':{" RULES(READ) "}}",
                "host-before-clone seccomp filter = default 0x50001, 2 rules, x86_64\n"
                "child-late seccomp load filter\n");
    /* With a listener, in time for the agent to get it while the container is created. */
    expect_plan(&seccomp_layer, &user, NNP SECTION("'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/agent'"),
                "host-before-clone seccomp filter = default 0x7fc00000, 0 rules, x86_64\n"
                "child-late seccomp load filter\n");
    expect_plan(&seccomp_layer, &root,
                "'annotations':{'" ANNOTATION_COMPAT32 "':'false'},"
                SECTION(RULES(READ) ",'architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_X86']"),
                "host-before-clone seccomp filter = default 0x50001, 2 rules, x86_64\n"
                "child-late seccomp load filter\n");
}

static void refused(const struct host *host, const char *rest, int code, const char *text)
{
    expect_refusal(&seccomp_layer, host, rest, code, text);
}

static void refusals(void **state UNUSED)
{
    refused(&root, SECTION(RULES(READ ",{'names':['open','opne'],'action':'SCMP_ACT_ALLOW'}")), -EINVAL,
            "linux.seccomp.syscalls[1]: no system call is named \"opne\"");
    refused(&user, SECTION(RULES(READ)), -EPERM,
            "a filter without no_new_privs needs CAP_SYS_ADMIN: set process.noNewPrivileges, or use a user namespace");
    refused(&alien, SECTION(RULES(READ)), -ENOTSUP,
            "libseccomp has no tables for this machine (vax): leave linux.seccomp out");
    refused(&root, SECTION(RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','errnoRet':1}")), -EINVAL,
            "linux.seccomp.syscalls[0]: SCMP_ACT_ALLOW takes no errnoRet: remove it");
    refused(&root, SECTION("'defaultAction':'SCMP_ACT_KILL','defaultErrnoRet':1"), -EINVAL,
            "linux.seccomp.defaultAction: SCMP_ACT_KILL takes no defaultErrnoRet: remove it");
    refused(&root, SECTION(RULES("{'names':['read'],'action':'SCMP_ACT_ERRNO','errnoRet':4096}")), -ERANGE,
            "linux.seccomp.syscalls[0]: errnoRet 4096 is more than SCMP_ACT_ERRNO takes (4095)");
    refused(&root, SECTION(RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':"
                                 "[{'index':6,'value':0,'op':'SCMP_CMP_EQ'}]}")), -EINVAL,
            "linux.seccomp.syscalls[0].args[0].index: a call has arguments 0 to 5, there is no 6");
    refused(&root, SECTION(RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':"
                                 "[{'index':0,'value':0,'valueTwo':1,'op':'SCMP_CMP_EQ'}]}")), -EINVAL,
            "linux.seccomp.syscalls[0].args[0].valueTwo: only SCMP_CMP_MASKED_EQ has a second value");
    refused(&root, SECTION(ERRNO ",'architectures':['SCMP_ARCH_X86'],'syscalls':[{'names':['socketcall'],"
                           "'action':'SCMP_ACT_ALLOW','args':[{'index':1,'value':0,'op':'SCMP_CMP_EQ'}]}]"), -EINVAL,
            "linux.seccomp.syscalls[0]: only the first argument of socketcall can be compared; the others point into "
            "memory that no filter sees");
    refused(&root, SECTION(ERRNO ",'flags':['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']"), -EINVAL,
            "linux.seccomp.flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY");
    refused(&root, SECTION("'defaultAction':'SCMP_ACT_NOTIFY'"), -EINVAL,
            "linux.seccomp: SCMP_ACT_NOTIFY without listenerPath, the socket of the agent that answers");
    refused(&root, SECTION(ERRNO ",'listenerMetadata':'x'"), -EINVAL,
            "linux.seccomp.listenerMetadata without listenerPath");
    refused(&old, SECTION("'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/a'"), -ENOTSUP,
            "SCMP_ACT_NOTIFY needs Linux 5.0");
    refused(&root, "'annotations':{'" ANNOTATION_COMPAT32 "':'no'}," SECTION(ERRNO), -EINVAL,
            "annotation " ANNOTATION_COMPAT32 ": \"no\" is neither \"true\" nor \"false\"");
    refused(&root, SECTION(ERRNO ",'architectures':['SCMP_ARCH_LOONGARCH64']"), -EINVAL,
            "linux.seccomp.architectures[0]: \"SCMP_ARCH_LOONGARCH64\" is no architecture that libseccomp knows");
}

static void compile_refusals(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct seccomp_rules rules;
    struct sock_fprog program;
    struct err err = ERR_INIT;
    static char *names[] = {NULL, NULL};
    char read[] = "read";
    names[0] = read;
    char errno_word[] = "SCMP_ACT_ERRNO", allow_word[] = "SCMP_ACT_ALLOW", s390[] = "SCMP_ARCH_S390";
    char *archs[] = {s390, NULL};
    struct oci_seccomp s = {.default_action = errno_word, .architectures = {archs, 1, true}};
    s.syscalls.v = arena_calloc(&a, 1, sizeof *s.syscalls.v);
    s.syscalls.n = 1;
    s.syscalls.v[0] = (struct oci_seccomp_rule){.names = {names, 1, true}, .action = allow_word};
    /* Another byte order does not go into one filter. */
    assert_int_equal(seccomp_rules_make(&a, &s, "x86_64", true, &rules, &err), 0);
    assert_true(seccomp_compile(&a, &rules, &program, &err) < 0);
    assert_int_equal(err.layer, LAYER_SECCOMP);

    /* More instructions than the kernel takes. */
    struct seccomp_cond conds[1] = {{.index = 0, .op = 4, .a = 1}};
    struct seccomp_rule *v = arena_calloc(&a, 3000, sizeof *v);
    for (size_t i = 0; i < 3000; i++)
        v[i] = (struct seccomp_rule){.name = read, .action = 0x7fff0000U - (i % 2 == 0 ? 0 : 0x40000), .n_conds = 1,
                                     .conds = conds};
    rules.n_archs = 1;
    rules.v = v;
    rules.n = 3000;
    assert_int_equal(seccomp_compile(&a, &rules, &program, &err), -E2BIG);
    assert_non_null(strstr(err.text, "4096 instructions"));
}

/* Docker's form. */

static struct seccomp_facts docker = {.machine = "x86_64", .kernel_major = 6, .kernel_minor = 1};

static int resolve(struct arena *a, const char *json, struct oci_seccomp **ret, struct err *err)
{
    char *text = arena_strdup(a, json);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    return seccomp_resolve_docker_profile(a, text, strlen(text), &docker, ret, err);
}

static bool has_rule(const struct oci_seccomp *s, const char *name, const char *action)
{
    for (size_t i = 0; i < s->syscalls.n; i++)
        for (size_t k = 0; k < s->syscalls.v[i].names.n; k++)
            if (str_eq(s->syscalls.v[i].names.v[k], name) && str_eq(s->syscalls.v[i].action, action))
                return true;
    return false;
}

static void default_profile(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *text = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    assert_int_equal(file_read(&a, AT_FDCWD, SOURCE_ROOT "/profiles/seccomp/docker-default.json", 1 << 20, &text, &len),
                     0);
    struct seccomp_facts facts = {.machine = "x86_64", .kernel_major = 6, .kernel_minor = 1};
    struct oci_seccomp *s = NULL;
    assert_int_equal(seccomp_resolve_docker_profile(&a, text, len, &facts, &s, &err), 0);
    assert_string_equal(s->default_action, "SCMP_ACT_ERRNO");
    assert_true(s->default_errno_ret.set && s->default_errno_ret.v == 1);
    assert_int_equal(s->architectures.n, 3);
    assert_string_equal(s->architectures.v[0], "SCMP_ARCH_X86_64");
    assert_string_equal(s->architectures.v[1], "SCMP_ARCH_X86");
    assert_string_equal(s->architectures.v[2], "SCMP_ARCH_X32");
    assert_true(has_rule(s, "ptrace", "SCMP_ACT_ALLOW") && has_rule(s, "clone3", "SCMP_ACT_ERRNO"));
    assert_true(has_rule(s, "arch_prctl", "SCMP_ACT_ALLOW") && has_rule(s, "clone", "SCMP_ACT_ALLOW"));
    assert_false(has_rule(s, "mount", "SCMP_ACT_ALLOW") || has_rule(s, "bpf", "SCMP_ACT_ALLOW") ||
                 has_rule(s, "breakpoint", "SCMP_ACT_ALLOW") || has_rule(s, "chroot", "SCMP_ACT_ALLOW"));

    facts.capabilities = CAPABILITY_BIT(21) | CAPABILITY_BIT(39); /* SYS_ADMIN, BPF */
    facts.kernel_major = 4;
    facts.kernel_minor = 7;
    assert_int_equal(seccomp_resolve_docker_profile(&a, text, len, &facts, &s, &err), 0);
    assert_true(has_rule(s, "mount", "SCMP_ACT_ALLOW") && has_rule(s, "bpf", "SCMP_ACT_ALLOW"));
    assert_false(has_rule(s, "clone3", "SCMP_ACT_ERRNO") || has_rule(s, "ptrace", "SCMP_ACT_ALLOW"));

    facts.machine = "aarch64";
    assert_int_equal(seccomp_resolve_docker_profile(&a, text, len, &facts, &s, &err), 0);
    assert_string_equal(s->architectures.v[0], "SCMP_ARCH_AARCH64");
    assert_true(has_rule(s, "breakpoint", "SCMP_ACT_ALLOW"));
    assert_false(has_rule(s, "arch_prctl", "SCMP_ACT_ALLOW"));
}

static void other_forms(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = NULL;
    struct err err = ERR_INIT;
    /* OCI's own form. */
    assert_int_equal(resolve(&a, "{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86'],'flags':"
                             "['SECCOMP_FILTER_FLAG_LOG'],'syscalls':[{'names':['mkdir'],'action':'SCMP_ACT_KILL'}]}",
                             &s, &err), 0);
    assert_true(s->architectures.n == 1 && s->flags.n == 1 && has_rule(s, "mkdir", "SCMP_ACT_KILL"));
    /* One name, and the nulls and empty members that Go writes. */
    assert_int_equal(resolve(&a, "{'defaultAction':'SCMP_ACT_ALLOW','archMap':null,'architectures':null,'syscalls':"
                             "[{'name':'mkdir','action':'SCMP_ACT_ERRNO','args':null,'comment':'','includes':{},"
                             "'excludes':{'caps':null,'minKernel':''}},{'names':['rmdir'],'name':'',"
                             "'action':'SCMP_ACT_ERRNO','args':[]}]}", &s, &err), 0);
    assert_true(has_rule(s, "mkdir", "SCMP_ACT_ERRNO") && has_rule(s, "rmdir", "SCMP_ACT_ERRNO"));
    /* Podman's names of errnos. */
    assert_int_equal(resolve(&a, "{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'defaultErrno':'ENOSYS',"
                             "'syscalls':[{'names':['mkdir'],'action':'SCMP_ACT_ERRNO','errnoRet':22,"
                             "'errno':'EINVAL'}]}", &s, &err), 0);
    assert_int_equal(s->default_errno_ret.v, 38);
    /* Nothing in it: no filter, for Docker. */
    s = (struct oci_seccomp *)&err;
    assert_int_equal(resolve(&a, "{}", &s, &err), 0);
    assert_null(s);
    assert_int_equal(resolve(&a, "{'defaultAction':'','syscalls':[]}", &s, &err), 0);
    assert_null(s);
}

static void conditions(void **state UNUSED)
{
#define WHEN(conditions) "{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['mkdir'],'action':'SCMP_ACT_ALLOW'," \
                         conditions "}]}"
    static const struct {
        const char *json;
        bool taken;
    } cases[] = {
        {WHEN("'includes':{'caps':['CAP_CHOWN']}"), true},
        {WHEN("'includes':{'caps':['CAP_CHOWN','CAP_BPF']}"), false},
        {WHEN("'excludes':{'caps':['CAP_BPF','CAP_CHOWN']}"), false},
        {WHEN("'excludes':{'caps':['CAP_BPF']}"), true},
        {WHEN("'includes':{'arches':['arm64','amd64']}"), true},
        {WHEN("'includes':{'arches':['arm64']}"), false},
        {WHEN("'excludes':{'arches':['amd64']}"), false},
        {WHEN("'includes':{'minKernel':'6.1'}"), true},
        {WHEN("'includes':{'minKernel':'6.2'}"), false},
        {WHEN("'includes':{'minKernel':'5.19'}"), true},
        {WHEN("'excludes':{'minKernel':'4.8'}"), false},
        {WHEN("'includes':{'minKernel':'4.8.0-rc1'}"), true},
        {WHEN("'includes':{'caps':['CAP_CHOWN'],'arches':['s390x']}"), false},
        {WHEN("'includes':{'caps':['CAP_CHOWN']},'excludes':{'arches':['amd64']}"), false},
    };
    docker.capabilities = CAPABILITY_BIT(0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct oci_seccomp *s = NULL;
        struct err err = ERR_INIT;
        if (resolve(&a, cases[i].json, &s, &err) < 0)
            fail_msg("%s: %s", cases[i].json, err.text);
        if (has_rule(s, "mkdir", "SCMP_ACT_ALLOW") != cases[i].taken)
            fail_msg("%s", cases[i].json);
    }
}

static void bad_profiles(void **state UNUSED)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"", "the profile is no JSON object: it is truncated"},
        {"{'defaultAction':", "the profile is no JSON object: it is truncated"},
        {"[]", "the profile is no JSON object: other text"},
        {"{'defaultAction':'SCMP_ACT_ALLOW'} x", "the profile is no JSON object: unexpected character"},
        {"{'defaultAction':'SCMP_ACT_ALLOW'}{}", "the profile is no JSON object: unexpected character"},
        {"{'defaultAction':'SCMP_ACT_ALOW'}", "defaultAction: \"SCMP_ACT_ALOW\" is not one of"},
        {"{'defaultaction':'SCMP_ACT_ALLOW','syscalls':[{}]}",
         "the profile: a seccomp profile has no member \"defaultaction\" here"},
        {"{'syscalls':[{'names':['read'],'action':'SCMP_ACT_ALLOW'}]}", "defaultAction: missing"},
        {"{'defaultAction':7}", "defaultAction: "},
        {WHEN("'args':[{'index':0,'value':0,'op':'SCMP_CMP_IS'}]"), "syscalls[0].args[0].op: \"SCMP_CMP_IS\" is not one of"},
        {WHEN("'excluds':{}"), "syscalls[0]: a seccomp profile has no member \"excluds\" here"},
        {WHEN("'excludes':{'cap':[]}"), "syscalls[0].excludes: a seccomp profile has no member \"cap\" here"},
        {WHEN("'excludes':[]"), "syscalls[0].excludes: is no object"},
        {WHEN("'includes':{'caps':['CAP_FLY']}"), "syscalls[0].includes.caps[0]: \"CAP_FLY\" is no capability"},
        {WHEN("'includes':{'caps':['CHOWN']}"), "syscalls[0].includes.caps[0]: \"CHOWN\" is no capability"},
        {WHEN("'includes':{'caps':'CAP_CHOWN'}"), "syscalls[0].includes.caps: is no array"},
        {WHEN("'includes':{'caps':[1]}"), "syscalls[0].includes.caps[0]: is no string"},
        {WHEN("'includes':{'arches':['x86_64']}"),
         "syscalls[0].includes.arches[0]: \"x86_64\" is no architecture that Docker knows (amd64, arm64, ...)"},
        {WHEN("'includes':{'minKernel':'new'}"), "syscalls[0].includes.minKernel: \"new\" is no version like 4.8"},
        {WHEN("'includes':{'minKernel':4.8}"), "syscalls[0].includes.minKernel: is no string"},
        {WHEN("'name':'rmdir'"), "syscalls[0]: both name and names are given, use one"},
        {WHEN("'errno':'EPRM'"), "syscalls[0]: errno \"EPRM\" is not what errnoRet 1 is"},
        {"{'defaultAction':'SCMP_ACT_ALLOW','archMap':[{'architecture':'x86'}]}",
         "archMap[0]: architecture is no SCMP_ARCH_ word of runtime-spec"},
        {"{'defaultAction':'SCMP_ACT_ALLOW','archMap':[{'architecture':'SCMP_ARCH_X86','subArchitectures':['x']}]}",
         "archMap[0]: a subordinate architecture is no SCMP_ARCH_ word of runtime-spec"},
        {"{'defaultAction':'SCMP_ACT_ALLOW','architectures':['SCMP_ARCH_X86'],"
         "'archMap':[{'architecture':'SCMP_ARCH_X86'}]}", "archMap: both architectures and archMap are given, use one"},
        {"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[null]}", "syscalls[0]: is no object"},
        {"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':{}}", "syscalls: is no array"},
        /* Looked up although the rule is for another machine. */
        {"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['mkdir'],'action':'SCMP_ACT_KILL'},{'names':['a_call'],"
         "'action':'SCMP_ACT_KILL','includes':{'arches':['s390x']}}]}",
         "syscalls[1]: no system call is named \"a_call\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct oci_seccomp *s = (struct oci_seccomp *)&a;
        if (resolve(&a, cases[i].json, &s, &err) == 0)
            fail_msg("%s: taken", cases[i].json);
        if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
            fail_msg("%s: %s", cases[i].json, err.text);
        assert_int_equal(err.layer, LAYER_SECCOMP);
        assert_ptr_equal(s, &a); /* untouched */
    }
}

static void newer_calls(void **state UNUSED)
{
    /* As the kernel's tables have them, whatever libseccomp knows. */
    assert_int_equal(seccomp_number(seccomp_arch_of_machine("x86_64"), "cachestat"), 451);
    assert_int_equal(seccomp_number(seccomp_arch_of_machine("x86_64"), "mseal"), 462);
    assert_int_equal(seccomp_number(seccomp_arch_of_machine("x86_64"), "uretprobe"), 335);
    assert_int_equal(seccomp_number(seccomp_arch_of_machine("aarch64"), "file_setattr"), 469);
    assert_int_equal(seccomp_number(seccomp_arch_of_machine("aarch64"), "uretprobe"), NUMBER_ELSEWHERE);
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_X32"), "mseal"), 462 | X32_BIT);
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_X32"), "map_shadow_stack"), NUMBER_ELSEWHERE);
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_MIPS64N32"), "mseal"), 6462);
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_RISCV64"), "riscv_hwprobe"), 258);
    /* Direct numbers of calls that socketcall carries. */
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_X86"), "socket"), 359);
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_X86"), "semget"), 393);
    assert_int_equal(seccomp_number(seccomp_arch_of_word("SCMP_ARCH_X86"), "recv"), NUMBER_ELSEWHERE);
    assert_int_equal(seccomp_number(seccomp_arch_of_machine("x86_64"), "no_such_call"), NUMBER_UNKNOWN);
    assert_string_equal(seccomp_number_newer(seccomp_arch_of_machine("x86_64"), 469), "file_setattr");
    assert_null(seccomp_number_newer(seccomp_arch_of_machine("x86_64"), 3000));
}

/* The cache. */

struct cache {
    char dir[64], file[256];
    uint8_t key[SECCOMP_KEY_SIZE];
    struct sock_filter code[3];
    struct sock_fprog program;
};

static void cache_make(struct cache *c)
{
    snprintf(c->dir, sizeof c->dir, "/tmp/test-seccomp.XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    strcat(c->dir, "/a/b"); /* two levels to be made */
    for (size_t i = 0; i < sizeof c->key; i++)
        c->key[i] = (uint8_t)(i * 7);
    for (unsigned i = 0; i < 3; i++)
        c->code[i] = (struct sock_filter){.code = 6, .k = 0x7fff0000 + i};
    c->program = (struct sock_fprog){.len = 3, .filter = c->code};
    c->dir[strlen(c->dir) - 2] = '\0';
    assert_int_equal(seccomp_cache_store(c->dir, c->key, &c->program), 0);
    DIR *d = opendir(c->dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (e->d_name[0] != '.')
            snprintf(c->file, sizeof c->file, "%.60s/%.80s", c->dir, e->d_name);
    closedir(d);
}

static void cache_remove(struct cache *c)
{
    char command[128];
    *strrchr(c->dir, '/') = '\0';
    snprintf(command, sizeof command, "rm -rf %s", c->dir);
    assert_int_equal(system(command), 0);
}

static bool cached(const struct cache *c)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct sock_fprog got = {0};
    bool found = seccomp_cache_load(&a, c->dir, c->key, &got);
    if (found) {
        assert_int_equal(got.len, 3);
        assert_memory_equal(got.filter, c->code, sizeof c->code);
    }
    return found;
}

static void cache_keeps(void **state UNUSED)
{
    struct cache c;
    cache_make(&c);
    assert_true(cached(&c));
    struct stat st;
    assert_int_equal(stat(c.file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(c.dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    c.key[0]++;
    assert_false(cached(&c));
    c.key[0]--;
    assert_int_equal(seccomp_cache_store(c.dir, c.key, &c.program), 0);
    assert_true(cached(&c));
    cache_remove(&c);
    assert_false(cached(&c));
}

/* Every byte of the file matters, and so does each that is missing or too many. */
static void cache_notices_damage(void **state UNUSED)
{
    struct cache c;
    cache_make(&c);
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    char *good = NULL;
    size_t len = 0;
    assert_int_equal(file_read(&a, AT_FDCWD, c.file, 4096, &good, &len), 0);
    for (size_t i = 0; i < len; i++) {
        good[i] ^= 0x10;
        assert_int_equal(file_replace(AT_FDCWD, c.file, good, len, 0600, 0), 0);
        assert_false(cached(&c));
        good[i] ^= 0x10;
    }
    for (size_t n = 0; n < len; n++) {
        assert_int_equal(file_replace(AT_FDCWD, c.file, good, n, 0600, 0), 0);
        assert_false(cached(&c));
    }
    char longer[512] = {0};
    memcpy(longer, good, len);
    assert_int_equal(file_replace(AT_FDCWD, c.file, longer, len + 8, 0600, 0), 0);
    assert_false(cached(&c));
    assert_int_equal(file_replace(AT_FDCWD, c.file, good, len, 0600, 0), 0);
    assert_true(cached(&c)); /* the control: as it was, it is taken */
    cache_remove(&c);
}

static void cache_trusts_only_its_own(void **state UNUSED)
{
    struct cache c;
    cache_make(&c);
    assert_int_equal(chmod(c.dir, 0750), 0);
    assert_false(cached(&c));
    assert_int_equal(seccomp_cache_store(c.dir, c.key, &c.program), -EPERM);
    assert_int_equal(chmod(c.dir, 0700), 0);
    assert_true(cached(&c));
    assert_int_equal(chmod(c.file, 0620), 0);
    assert_false(cached(&c));
    assert_int_equal(chmod(c.file, 0600), 0);

    /* Links and other things in the file's place. */
    char aside[300];
    snprintf(aside, sizeof aside, "%s.aside", c.file);
    assert_int_equal(rename(c.file, aside), 0);
    assert_int_equal(symlink(aside, c.file), 0);
    assert_false(cached(&c));
    assert_int_equal(unlink(c.file), 0);
    assert_int_equal(mkfifo(c.file, 0600), 0);
    assert_false(cached(&c)); /* and does not wait for a writer */
    assert_int_equal(unlink(c.file), 0);
    assert_int_equal(rename(aside, c.file), 0);
    assert_true(cached(&c));

    /* A link in the directory's place. */
    char moved[128];
    snprintf(moved, sizeof moved, "%s.moved", c.dir);
    assert_int_equal(rename(c.dir, moved), 0);
    assert_int_equal(symlink(moved, c.dir), 0);
    assert_false(cached(&c));
    assert_true(seccomp_cache_store(c.dir, c.key, &c.program) < 0);
    if (geteuid() == 0) {
        assert_int_equal(unlink(c.dir), 0);
        assert_int_equal(rename(moved, c.dir), 0);
        assert_int_equal(chown(c.dir, 65534, 65534), 0);
        assert_false(cached(&c));
        assert_true(seccomp_cache_store(c.dir, c.key, &c.program) < 0);
    }
    cache_remove(&c);
}

static void cache_stays_small(void **state UNUSED)
{
    struct cache c;
    cache_make(&c);
    for (unsigned i = 0; i < 600; i++) {
        c.key[0] = (uint8_t)i;
        c.key[1] = (uint8_t)(i >> 8);
        assert_int_equal(seccomp_cache_store(c.dir, c.key, &c.program), 0);
        assert_true(cached(&c));
    }
    DIR *d = opendir(c.dir);
    unsigned n = 0;
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    assert_true(n < 300);
    cache_remove(&c);
}

/* What differs in meaning differs in key; so far as rules are the same, so are keys. */
static void keys(void **state UNUSED)
{
    static const char *const sections[] = {
        "{'defaultAction':'SCMP_ACT_ERRNO'}",
        "{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':2}",
        "{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38}",
        "{'defaultAction':'SCMP_ACT_ERRNO','architectures':['SCMP_ARCH_X86']}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW'}") "}",
        "{" RULES("{'names':['read','write'],'action':'SCMP_ACT_ALLOW'}") "}",
        "{" RULES("{'names':['write','read'],'action':'SCMP_ACT_ALLOW'}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_LOG'}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':1,'value':1,'op':'SCMP_CMP_EQ'}]}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':2,'op':'SCMP_CMP_EQ'}]}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':1,'op':'SCMP_CMP_NE'}]}") "}",
        /* a call that says the same as the one before, and one that does not */
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_LOG'},"
                  "{'names':['write'],'action':'SCMP_ACT_ALLOW'}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW'},"
                  "{'names':['write'],'action':'SCMP_ACT_LOG'}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_LOG'},"
                  "{'names':['write'],'action':'SCMP_ACT_LOG'}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]},"
                  "{'names':['write'],'action':'SCMP_ACT_ALLOW'}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]},"
                  "{'names':['write'],'action':'SCMP_ACT_ALLOW',"
                  "'args':[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]}") "}",
        "{" RULES("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]},"
                  "{'names':['write'],'action':'SCMP_ACT_ALLOW',"
                  "'args':[{'index':0,'value':2,'op':'SCMP_CMP_EQ'}]}") "}",
    };
    uint8_t seen[ARRAY_LEN(sections)][SECCOMP_KEY_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct oci_seccomp *s = NULL;
        struct err err = ERR_INIT;
        struct seccomp_rules rules;
        uint8_t again[SECCOMP_KEY_SIZE];
        assert_int_equal(resolve(&a, sections[i], &s, &err), 0);
        assert_int_equal(seccomp_rules_make(&a, s, "x86_64", true, &rules, &err), 0);
        assert_int_equal(seccomp_cache_key(&rules, seen[i]), 0);
        assert_int_equal(seccomp_cache_key(&rules, again), 0);
        assert_memory_equal(seen[i], again, sizeof again);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], SECCOMP_KEY_SIZE);
    }
}

static void summary(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_seccomp *s = NULL;
    struct err err = ERR_INIT;
    struct seccomp_summary sum;
    assert_int_equal(resolve(&a, "{" RULES(READ ",{'names':['socket'],'action':'SCMP_ACT_ALLOW','args':"
                             "[{'index':0,'value':1,'op':'SCMP_CMP_EQ'}]},{'names':['socketcall'],'action':"
                             "'SCMP_ACT_ALLOW'}") ",'architectures':['SCMP_ARCH_X86']}", &s, &err), 0);
    assert_int_equal(seccomp_summarise(&a, s, "x86_64", true, &sum, &err), 0);
    assert_string_equal(sum.default_action, "errno EPERM");
    assert_int_equal(sum.n_archs, 2);
    assert_true(sum.enosys_beyond && !sum.notify);
    const struct seccomp_arch_summary *x = &sum.archs[0];
    assert_string_equal(x->architecture, "x86_64");
    assert_int_equal(x->allowed, 2);
    assert_int_equal(x->conditional, 1);
    assert_int_equal(x->calls, x->allowed + x->conditional + x->refused);
    assert_true(x->calls > 350 && !x->socketcall_closed);
    assert_true(sum.archs[1].socketcall_closed);
    bool named = false;
    for (size_t i = 0; i < x->n_notable; i++)
        named |= str_eq(x->notable[i], "mount");
    assert_true(named);
}

static void observed(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    assert_string_equal(seccomp_observe_status(&a, "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t0\n"), "disabled");
    assert_string_equal(seccomp_observe_status(&a, "Name:\tx\nSeccomp:\t1\n"), "strict");
    assert_string_equal(seccomp_observe_status(&a, "Seccomp:\t2\nSeccomp_filters:\t3\n"), "filter 3");
    assert_string_equal(seccomp_observe_status(&a, "Seccomp:\t2\n"), "filter");
    assert_null(seccomp_observe_status(&a, "Name:\tSeccomp: 2\n"));
    struct oci_config config = {0};
    struct err err = ERR_INIT;
    assert_int_equal(seccomp_layer.observe(&a, getpid(), -1, &user, &config, &err), 0);
    assert_non_null(oci_annotation(&config, ANNOTATION_OBSERVED_SECCOMP));
    assert_true(seccomp_layer.observe(&a, INT32_MAX, -1, &user, &config, &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans), cmocka_unit_test(refusals), cmocka_unit_test(compile_refusals),
        cmocka_unit_test(default_profile), cmocka_unit_test(other_forms), cmocka_unit_test(conditions),
        cmocka_unit_test(bad_profiles), cmocka_unit_test(newer_calls), cmocka_unit_test(cache_keeps),
        cmocka_unit_test(cache_notices_damage), cmocka_unit_test(cache_trusts_only_its_own),
        cmocka_unit_test(cache_stays_small), cmocka_unit_test(keys),
        cmocka_unit_test(summary), cmocka_unit_test(observed),
    };
    return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
