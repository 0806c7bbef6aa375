/* SPDX-License-Identifier: Apache-2.0 */
/* The limits wall's plan: rlimits, OOM score, scheduling, and which sysctl belong to a container. */
#include <errno.h>
#include <sys/resource.h>

#include "base/str.h"
#include "layers/limits/limits.h"
#include "layers/limits/parts.h"
#include "planned.h"

static const struct host host = {.kernel_major = 6, .kernel_minor = 1, .last_capability = 40};

#define LINUX(members) "'linux':{" members "}"
#define PROCESS(members) "'process':{'cwd':'/','args':['x']," members "}," LINUX("'namespaces':[{'type':'mount'}]")

static void refused(const char *rest, const char *text)
{
    expect_refusal(&limits_layer, &host, rest, -EINVAL, text);
}

static void planned(const char *rest, const char *text)
{
    expect_plan(&limits_layer, &host, rest, text);
}

static void nothing_asked_nothing_done(void **state)
{
    (void)state;
    planned(PROCESS("'user':{'uid':0,'gid':0}"), "");
    planned("'linux':{}", "");
}

static void rlimits(void **state)
{
    (void)state;
    planned(PROCESS("'rlimits':[{'type':'RLIMIT_NOFILE','soft':1024,'hard':4096},"
                    "{'type':'RLIMIT_CORE','soft':0,'hard':18446744073709551615}]"),
            "child-late limits rlimit RLIMIT_NOFILE = soft 1024 hard 4096\n"
            "child-late limits rlimit RLIMIT_CORE = soft 0 hard unlimited\n");
    /* With a user namespace the parent raises what root in there may not. */
    planned("'process':{'cwd':'/','args':['x'],'rlimits':[{'type':'RLIMIT_NOFILE','soft':1,'hard':2}]},"
            LINUX("'namespaces':[{'type':'user'}]"),
            "host-after-clone limits raise RLIMIT_NOFILE = hard 2\n"
            "child-late limits rlimit RLIMIT_NOFILE = soft 1 hard 2\n");
    refused(PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},{'type':'RLIMIT_FOO','soft':1,'hard':1}]"),
            "process.rlimits[1]: RLIMIT_FOO is no resource limit known to Linux");
    refused(PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},{'type':'RLIMIT_CPU','soft':1,'hard':1}]"),
            "process.rlimits[1]: RLIMIT_CPU is given twice");
    refused(PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':18446744073709551615,'hard':1}]"),
            "process.rlimits[0]: RLIMIT_CPU: soft limit unlimited is above hard limit 1");
}

static void every_rlimit_has_a_name(void **state)
{
    (void)state;
    uint32_t seen = 0;
    for (size_t i = 0; i < LIMITS_RLIMITS; i++) {
        assert_ptr_equal(limits_rlimit_find(limits_rlimits[i].name), &limits_rlimits[i]);
        seen |= 1U << limits_rlimits[i].resource;
    }
    assert_int_equal(seen, (1U << RLIM_NLIMITS) - 1);
    assert_null(limits_rlimit_find("NOFILE"));
}

static void oom_score(void **state)
{
    (void)state;
    planned(PROCESS("'oomScoreAdj':-1000"), "host-after-clone limits write oom_score_adj = -1000\n");
    planned(PROCESS("'oomScoreAdj':0"), "host-after-clone limits write oom_score_adj = 0\n");
    refused(PROCESS("'oomScoreAdj':1001"), "process.oomScoreAdj: 1001 is not between -1000 and 1000");
    refused(PROCESS("'oomScoreAdj':-1001"), "process.oomScoreAdj: -1001 is not between -1000 and 1000");
}

static void schedulers(void **state)
{
    (void)state;
    planned(PROCESS("'scheduler':{'policy':'SCHED_BATCH','nice':5,'flags':['SCHED_FLAG_RESET_ON_FORK']}"),
            "child-late limits scheduler SCHED_BATCH = nice 5 SCHED_FLAG_RESET_ON_FORK\n");
    planned(PROCESS("'scheduler':{'policy':'SCHED_FIFO','priority':99}"),
            "child-late limits scheduler SCHED_FIFO = priority 99\n");
    planned(PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','runtime':10,'deadline':20,'period':30}"),
            "child-late limits scheduler SCHED_DEADLINE = runtime 10 deadline 20 period 30\n");
    refused(PROCESS("'scheduler':{'policy':'SCHED_ISO'}"), "process.scheduler.policy: Linux has no SCHED_ISO");
    refused(PROCESS("'scheduler':{'policy':'SCHED_OTHER','nice':20}"),
            "process.scheduler.nice: 20 is not between -20 and 19");
    refused(PROCESS("'scheduler':{'policy':'SCHED_RR','nice':1,'priority':1}"),
            "process.scheduler.nice: SCHED_RR has none; only SCHED_OTHER and SCHED_BATCH do");
    refused(PROCESS("'scheduler':{'policy':'SCHED_RR'}"),
            "process.scheduler.priority: 0: SCHED_FIFO and SCHED_RR need one between 1 and 99");
    refused(PROCESS("'scheduler':{'policy':'SCHED_IDLE','priority':1}"),
            "process.scheduler.priority: 1: only SCHED_FIFO and SCHED_RR have one");
    refused(PROCESS("'scheduler':{'policy':'SCHED_OTHER','period':1}"),
            "process.scheduler: runtime, deadline and period belong to SCHED_DEADLINE, not SCHED_OTHER");
    refused(PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','deadline':1}"),
            "process.scheduler: SCHED_DEADLINE needs runtime and deadline");
    refused(PROCESS("'scheduler':{'policy':'SCHED_OTHER','flags':['SCHED_FLAG_UTIL_CLAMP_MIN']}"),
            "process.scheduler.flags: SCHED_FLAG_UTIL_CLAMP_MIN announces a value that runtime-spec has no member for");
}

static void io_priority(void **state)
{
    (void)state;
    PLANNED p = plan_wall(&limits_layer, &host, PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_IDLE','priority':7}"));
    assert_int_equal(p.result, 0);
    assert_string_equal(buf_str(&p.text), "child-late limits io-priority IOPRIO_CLASS_IDLE = 7\n");
    assert_int_equal(p.plan.first[LAYER_LIMITS][STEP_CHILD_LATE]->number, 3 << 13 | 7);
    refused(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"),
            "process.ioPriority.priority: 8 is not between 0 and 7");
    refused(PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':-1}"),
            "process.ioPriority.priority: -1 is not between 0 and 7");
}

static void memory_policy(void **state)
{
    (void)state;
    planned(LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0-1,3','flags':['MPOL_F_STATIC_NODES']}"),
            "child-late limits memory-policy MPOL_BIND = 0-1,3\n");
    planned(LINUX("'memoryPolicy':{'mode':'MPOL_LOCAL'}"), "child-late limits memory-policy MPOL_LOCAL = none\n");
    refused(LINUX("'memoryPolicy':{'mode':'MPOL_LOCAL','nodes':'0'}"),
            "linux.memoryPolicy.nodes: MPOL_LOCAL takes none");
    refused(LINUX("'memoryPolicy':{'mode':'MPOL_BIND'}"), "linux.memoryPolicy.nodes: MPOL_BIND needs some");
    refused(LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0-'}"),
            "linux.memoryPolicy.nodes: \"0-\" is not a list like 0-3,7");
    refused(LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0',"
                  "'flags':['MPOL_F_STATIC_NODES','MPOL_F_RELATIVE_NODES']}"),
            "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
}

static void personality(void **state)
{
    (void)state;
    planned(LINUX("'personality':{'domain':'LINUX32'}"), "child-late limits personality LINUX32\n");
    refused(LINUX("'personality':{'domain':'LINUX','flags':['ADDR_NO_RANDOMIZE']}"),
            "linux.personality.flags: ADDR_NO_RANDOMIZE: runtime-spec defines no flag yet");
}

static void lists(void **state)
{
    (void)state;
    unsigned long bits[LIMITS_LIST_WORDS];
    static const struct {
        const char *list;
        unsigned long first_word;
    } good[] = {{"", 0}, {"  ", 0}, {"0", 1}, {"0-3,7", 0x8f}, {" 1 - 2 , 4 ", 0x16}, {"63", 1UL << 63}, {"1,1", 2}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        memset(bits, 0xff, sizeof bits);
        assert_int_equal(limits_parse_list(good[i].list, bits), 0);
        assert_int_equal(bits[0], good[i].first_word);
        for (size_t j = 1; j < LIMITS_LIST_WORDS; j++)
            assert_int_equal(bits[j], 0);
    }
    assert_int_equal(limits_parse_list("8191", bits), 0);
    assert_int_equal(bits[LIMITS_LIST_WORDS - 1], 1UL << 63);
    static const char *const bad[] = {"a", "-", "1-", "-1", "3-1", "1,", ",1", "1,,2", "1-2-3", "1 2", "0x1", "1, "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bits[0] = 42;
        assert_int_equal(limits_parse_list(bad[i], bits), -EINVAL);
        assert_int_equal(bits[0], 42);
    }
    assert_int_equal(limits_parse_list("8192", bits), -ERANGE);
    assert_int_equal(limits_parse_list("0-99999999999999999999999", bits), -ERANGE);
    refused(PROCESS("'execCPUAffinity':{'initial':'0-1','final':'2-'}"),
            "process.execCPUAffinity.final: \"2-\" is not a list like 0-3,7");
    planned(PROCESS("'execCPUAffinity':{'initial':'0-1','final':'1'}"), "");
}

#define ALL_NEW "'namespaces':[{'type':'ipc'},{'type':'uts'},{'type':'network'}]"

static void sysctls_of_a_container(void **state)
{
    (void)state;
    planned(LINUX("'sysctl':{'net.ipv4.ping_group_range':'0 2147483647','kernel.shm_rmid_forced':'1',"
                  "'fs.mqueue.msg_max':'10','kernel.domainname':'d','net/ipv4/conf/eth0.100/forwarding':'1',"
                  "'net.ipv4.conf.eth0/100.rp_filter':'2'}," ALL_NEW),
            "child-early limits sysctl net.ipv4.ping_group_range = 0 2147483647\n"
            "child-early limits sysctl kernel.shm_rmid_forced = 1\n"
            "child-early limits sysctl fs.mqueue.msg_max = 10\n"
            "child-early limits sysctl kernel.domainname = d\n"
            "child-early limits sysctl net.ipv4.conf.eth0/100.forwarding = 1\n"
            "child-early limits sysctl net.ipv4.conf.eth0/100.rp_filter = 2\n");
    PLANNED p = plan_wall(&limits_layer, &host,
                          LINUX("'sysctl':{'net.ipv4.conf.eth0/100.rp_filter':'2'}," ALL_NEW));
    assert_string_equal(p.plan.first[LAYER_LIMITS][STEP_CHILD_EARLY]->args, "sys/net/ipv4/conf/eth0.100/rp_filter");
    /* Joined by path: whether that is the host's can only be seen at the start, once for each namespace's settings. */
    planned(LINUX("'sysctl':{'net.a':'1','net.b':'1'},'namespaces':[{'type':'network','path':'/n'}]"),
            "host-before-clone limits check network = /n\n"
            "child-early limits sysctl net.a = 1\n"
            "child-early limits sysctl net.b = 1\n");
}

static void sysctls_of_the_host(void **state)
{
    (void)state;
    static const char *const hosts[] = {"kernel.panic", "kernel.core_pattern", "vm.overcommit_memory", "fs.file-max",
                                        "kernel/panic", "user.max_user_namespaces", "kernel.msgmax.x", "network.x",
                                        "fs.mqueue", "net"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        refused(arena_printf(&a, LINUX("'sysctl':{'%s':'1'}," ALL_NEW), hosts[i]),
                arena_printf(&a, "linux.sysctl: %s belongs to no namespace: it would change the host", hosts[i]));
    }
    refused(LINUX("'sysctl':{'net.ipv4.ip_forward':'1'},'namespaces':[{'type':'ipc'}]"),
            "linux.sysctl: net.ipv4.ip_forward: the container shares the host's network namespace: it would change "
            "the host");
    refused(LINUX("'sysctl':{'kernel.sem':'1'},'namespaces':[{'type':'network'}]"),
            "linux.sysctl: kernel.sem: the container shares the host's ipc namespace: it would change the host");
    refused("'hostname':'h'," LINUX("'sysctl':{'kernel.hostname':'x'}," ALL_NEW),
            "linux.sysctl: kernel.hostname: the document's member hostname sets this already");
}

/* A key becomes a path below /proc/sys: none may lead out of it. */
static void sysctl_names_stay_below_sys(void **state)
{
    (void)state;
    static const char *const bad[] = {"net.//.x", "net....x", "net/../../self/attr/exec", "net/..", "net//x", "net/",
                                      "", ".", "/", "/etc/passwd", "net/./x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        refused(arena_printf(&a, LINUX("'sysctl':{'%s':'1'}," ALL_NEW), bad[i]),
                arena_printf(&a, "linux.sysctl: \"%s\" is not the name of a setting", bad[i]));
    }
}

static void limits_files(void **state)
{
    (void)state;
    static const char text[] =
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max cpu time              unlimited            unlimited            seconds   \n"
        "Max processes             96365                96366                processes \n"
        "Max open files            damaged              20000                files     \n"
        "Max nice priority         0                    19                   \n";
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_process p = {0};
    assert_int_equal(limits_read_rlimits(&a, text, &p), 0);
    assert_int_equal(p.rlimits.n, 3);
    assert_string_equal(p.rlimits.v[0].type, "RLIMIT_CPU");
    assert_true(p.rlimits.v[0].soft == UINT64_MAX && p.rlimits.v[0].hard == UINT64_MAX);
    assert_string_equal(p.rlimits.v[1].type, "RLIMIT_NPROC");
    assert_true(p.rlimits.v[1].soft == 96365 && p.rlimits.v[1].hard == 96366);
    assert_string_equal(p.rlimits.v[2].type, "RLIMIT_NICE");
    assert_int_equal(p.rlimits.v[2].hard, 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_nothing_done), cmocka_unit_test(rlimits),
        cmocka_unit_test(every_rlimit_has_a_name),    cmocka_unit_test(oom_score),
        cmocka_unit_test(schedulers),                 cmocka_unit_test(io_priority),
        cmocka_unit_test(memory_policy),              cmocka_unit_test(personality),
        cmocka_unit_test(lists),                      cmocka_unit_test(sysctls_of_a_container),
        cmocka_unit_test(sysctls_of_the_host),        cmocka_unit_test(sysctl_names_stay_below_sys),
        cmocka_unit_test(limits_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
