/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup wall's plans on a v1, a v2 and a hybrid host, none of which is this one, and what it refuses. */
#include <errno.h>
#include <sched.h>

#include "layers/cgroup/cgroup.h"
#include "planned.h"

#define B(controller) (1U << CGROUP_##controller)
#define DEFAULT_DEVICES                                                                                     \
    "allow c 1:3 rwm, allow c 1:8 rwm, allow c 1:7 rwm, allow c 5:0 rwm, allow c 1:5 rwm, allow c 1:9 rwm, " \
    "allow c 136:* rwm, allow c 5:2 rwm, allow c 10:200 rwm\n"
#define V1_DEVICES " = deny a, allow b *:* m, allow c *:* m, " DEFAULT_DEVICES
#define V2_DEVICES " = deny a, allow a *:* m, " DEFAULT_DEVICES

static char cpu_mount[] = "/cg/cpu,cpuacct", cpuset_mount[] = "/cg/cpuset", memory_mount[] = "/cg/memory",
            blkio_mount[] = "/cg/blkio", pids_mount[] = "/cg/pids", devices_mount[] = "/cg/devices",
            freezer_mount[] = "/cg/freezer", hugetlb_mount[] = "/cg/hugetlb", net_mount[] = "/cg/net_cls,net_prio",
            systemd_mount[] = "/cg/systemd", v2_mount[] = "/cg2", root[] = "/", session[] = "/user/session";
static struct host_hierarchy hierarchies[] = {
    {cpu_mount, session, B(CPU) | B(CPUACCT)}, {cpuset_mount, root, B(CPUSET)},   {memory_mount, session, B(MEMORY)},
    {blkio_mount, root, B(IO)},                {pids_mount, session, B(PIDS)},    {devices_mount, root, B(DEVICES)},
    {freezer_mount, root, B(FREEZER)},         {hugetlb_mount, root, B(HUGETLB)},
    {net_mount, root, B(NET_CLS) | B(NET_PRIO)}, {systemd_mount, session, 0},
};

#define V2_ALL (B(CPU) | B(CPUSET) | B(MEMORY) | B(IO) | B(PIDS) | B(HUGETLB) | B(RDMA))
#define ROOT .kernel_major = 6, .kernel_minor = 1, .initial_userns = true
#define ALL_V1 .v1 = hierarchies, .n_v1 = ARRAY_LEN(hierarchies)
static const struct host on_v1 = {ROOT, .cgroup = {CGROUP_MODE_V1, ALL_V1}};
static const struct host on_hybrid = {ROOT, .cgroup = {CGROUP_MODE_HYBRID, ALL_V1, .v2_mount = v2_mount,
                                                       .v2_own = session}};
static const struct host on_v2 = {ROOT, .cgroup = {CGROUP_MODE_V2, .v2_mount = v2_mount, .v2_own = session,
                                                   .v2_controllers = V2_ALL}};
static const struct host user_on_v2 = {ROOT, .euid = 1000, .cgroup = {CGROUP_MODE_V2, .v2_mount = v2_mount,
                                                                      .v2_own = session, .v2_controllers = V2_ALL}};
static const struct host poor_v2 = {ROOT, .cgroup = {CGROUP_MODE_V2, .v2_mount = v2_mount, .v2_own = root}};
static const struct host old_v2 = {.kernel_major = 5, .kernel_minor = 4, .initial_userns = true,
                                   .cgroup = {CGROUP_MODE_V2, .v2_mount = v2_mount, .v2_own = root}};
static const struct host without = {ROOT};

#define EVERYTHING                                                                                                     \
    "'linux':{'cgroupsPath':'/a//./b/','namespaces':[{'type':'cgroup'}],'resources':{"                                 \
    "'memory':{'limit':536870912,'swap':1073741824,'reservation':1048576,'checkBeforeUpdate':true},"                  \
    "'cpu':{'shares':2048,'quota':50000,'period':100000,'burst':1000,'idle':0,'cpus':'0-1','mems':'0'},"               \
    "'pids':{'limit':-1},'blockIO':{'weight':500,'weightDevice':[{'major':8,'minor':0,'weight':100}],"                 \
    "'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':1000}],"                                                     \
    "'throttleWriteIOPSDevice':[{'major':8,'minor':0,'rate':0}]},"                                                     \
    "'hugepageLimits':[{'pageSize':'2MB','limit':4194304}],'devices':[{'allow':true,'access':'rwm'}]}}"

static void everything_on_v1(void **state)
{
    (void)state;
    expect_plan(&cgroup_layer, &on_v1, EVERYTHING,
                "host-before-clone cgroup group /cg/cpu,cpuacct/a/b\n"
                "host-before-clone cgroup write /cg/cpu,cpuacct/a/b/cpu.idle = 0\n"
                "host-before-clone cgroup write /cg/cpu,cpuacct/a/b/cpu.shares = 2048\n"
                "host-before-clone cgroup write /cg/cpu,cpuacct/a/b/cpu.cfs_period_us = 100000\n"
                "host-before-clone cgroup write /cg/cpu,cpuacct/a/b/cpu.cfs_quota_us = 50000\n"
                "host-before-clone cgroup write /cg/cpu,cpuacct/a/b/cpu.cfs_burst_us = 1000\n"
                "host-before-clone cgroup group /cg/cpuset/a/b\n"
                "host-before-clone cgroup write /cg/cpuset/a/b/cpuset.cpus = 0-1\n"
                "host-before-clone cgroup write /cg/cpuset/a/b/cpuset.mems = 0\n"
                "host-before-clone cgroup group /cg/memory/a/b\n"
                "host-before-clone cgroup write /cg/memory/a/b/memory.limit_in_bytes = 536870912\n"
                "host-before-clone cgroup write /cg/memory/a/b/memory.memsw.limit_in_bytes = 1073741824\n"
                "host-before-clone cgroup write /cg/memory/a/b/memory.soft_limit_in_bytes = 1048576\n"
                "host-before-clone cgroup group /cg/blkio/a/b\n"
                "host-before-clone cgroup write /cg/blkio/a/b/blkio.weight = 500\n"
                "host-before-clone cgroup write /cg/blkio/a/b/blkio.weight_device = 8:0 100\n"
                "host-before-clone cgroup write /cg/blkio/a/b/blkio.throttle.read_bps_device = 8:0 1000\n"
                "host-before-clone cgroup write /cg/blkio/a/b/blkio.throttle.write_iops_device = 8:0 0\n"
                "host-before-clone cgroup group /cg/pids/a/b\n"
                "host-before-clone cgroup write /cg/pids/a/b/pids.max = max\n"
                "host-before-clone cgroup group /cg/devices/a/b\n"
                "host-before-clone cgroup devices /cg/devices/a/b = allow a\n"
                "host-before-clone cgroup group /cg/freezer/a/b\n"
                "host-before-clone cgroup group /cg/hugetlb/a/b\n"
                "host-before-clone cgroup write /cg/hugetlb/a/b/hugetlb.2MB.limit_in_bytes = 4194304\n"
                "host-before-clone cgroup write /cg/hugetlb/a/b/hugetlb.2MB.rsvd.limit_in_bytes = 4194304\n"
                "host-before-clone cgroup group /cg/systemd/a/b\n"
                "child-early cgroup join /cg/cpu,cpuacct/a/b/tasks = 0\n"
                "child-early cgroup join /cg/cpuset/a/b/tasks = 0\n"
                "child-early cgroup join /cg/memory/a/b/tasks = 0\n"
                "child-early cgroup join /cg/blkio/a/b/tasks = 0\n"
                "child-early cgroup join /cg/pids/a/b/tasks = 0\n"
                "child-early cgroup join /cg/devices/a/b/tasks = 0\n"
                "child-early cgroup join /cg/freezer/a/b/tasks = 0\n"
                "child-early cgroup join /cg/hugetlb/a/b/tasks = 0\n"
                "child-early cgroup join /cg/systemd/a/b/tasks = 0\n"
                "child-early cgroup unshare cgroup-namespace\n");
}

static void everything_on_v2(void **state)
{
    (void)state;
    expect_plan(&cgroup_layer, &on_v2, EVERYTHING,
                "host-before-clone cgroup group /cg2/a/b = +cpu +cpuset +memory +io +pids +hugetlb\n"
                "host-before-clone cgroup write /cg2/a/b/memory.max = 536870912\n"
                "host-before-clone cgroup write /cg2/a/b/memory.swap.max = 536870912\n"
                "host-before-clone cgroup write /cg2/a/b/memory.low = 1048576\n"
                "host-before-clone cgroup write /cg2/a/b/cpu.idle = 0\n"
                "host-before-clone cgroup write /cg2/a/b/cpu.weight = 174\n"
                "host-before-clone cgroup write /cg2/a/b/cpu.max = 50000 100000\n"
                "host-before-clone cgroup write /cg2/a/b/cpu.max.burst = 1000\n"
                "host-before-clone cgroup write /cg2/a/b/cpuset.cpus = 0-1\n"
                "host-before-clone cgroup write /cg2/a/b/cpuset.mems = 0\n"
                "host-before-clone cgroup write /cg2/a/b/pids.max = max\n"
                "host-before-clone cgroup write /cg2/a/b/io.bfq.weight = 500\n"
                "host-before-clone cgroup write /cg2/a/b/io.bfq.weight = 8:0 100\n"
                "host-before-clone cgroup write /cg2/a/b/io.max = 8:0 rbps=1000\n"
                "host-before-clone cgroup write /cg2/a/b/io.max = 8:0 wiops=max\n"
                "host-before-clone cgroup write /cg2/a/b/hugetlb.2MB.max = 4194304\n"
                "host-before-clone cgroup write /cg2/a/b/hugetlb.2MB.rsvd.max = 4194304\n"
                "child-early cgroup unshare cgroup-namespace\n");
    PLANNED p = plan_wall(&cgroup_layer, &on_v2, EVERYTHING);
    assert_true(p.plan.clone_into_cgroup);
}

/* Without a word about resources: only what accounts, and the device wall. Nothing in the other hierarchies. */
static void nothing_asked_for(void **state)
{
    (void)state;
    expect_plan(&cgroup_layer, &on_hybrid, "'hostname':'x'",
                "host-before-clone cgroup group /cg2/coffer-id\n"
                "host-before-clone cgroup group /cg/cpu,cpuacct/coffer-id\n"
                "host-before-clone cgroup group /cg/memory/coffer-id\n"
                "host-before-clone cgroup group /cg/pids/coffer-id\n"
                "host-before-clone cgroup group /cg/devices/coffer-id\n"
                "host-before-clone cgroup devices /cg/devices/coffer-id" V1_DEVICES
                "child-early cgroup join /cg/cpu,cpuacct/coffer-id/tasks = 0\n"
                "child-early cgroup join /cg/memory/coffer-id/tasks = 0\n"
                "child-early cgroup join /cg/pids/coffer-id/tasks = 0\n"
                "child-early cgroup join /cg/devices/coffer-id/tasks = 0\n");
    expect_plan(&cgroup_layer, &on_v2, "'hostname':'x'",
                "host-before-clone cgroup group /cg2/coffer-id = cpu memory io pids\n"
                "host-before-clone cgroup device-program /cg2/coffer-id" V2_DEVICES);
    expect_plan(&cgroup_layer, &without, "'hostname':'x'",
                "host-before-clone cgroup note device-rules = left out: this host has no means for it\n");
}

static void on_hybrid_clone_and_tasks_work_together(void **state)
{
    (void)state;
    PLANNED p = plan_wall(&cgroup_layer, &on_hybrid, "'hostname':'x'");
    assert_true(p.plan.clone_into_cgroup);
    plan_each(op, &p.plan, LAYER_CGROUP, STEP_HOST_BEFORE_CLONE)
        if (strcmp(op->name, "group") == 0 && strncmp(op->target, "/cg2", 4) == 0)
            assert_int_equal(op->slot, SLOT_CGROUP);
    PLANNED v1 = plan_wall(&cgroup_layer, &on_v1, "'hostname':'x'");
    assert_false(v1.plan.clone_into_cgroup);
}

/* CLONE_INTO_CGROUP came with Linux 5.7. */
static void older_kernels_join_v2_too(void **state)
{
    (void)state;
    expect_plan(&cgroup_layer, &old_v2, "'linux':{'resources':{'devices':[{'allow':true,'access':'rwm'}]}}",
                "host-before-clone cgroup group /cg2/coffer-id\n"
                "child-early cgroup join /cg2/coffer-id/cgroup.procs = 0\n");
    PLANNED p = plan_wall(&cgroup_layer, &old_v2, "'hostname':'x'");
    assert_false(p.plan.clone_into_cgroup);
}

static void paths(void **state)
{
    (void)state;
#define ALLOW_ALL "'resources':{'devices':[{'allow':true,'access':'rwm'}]}"
    /* Relative: beside our own group, which has processes and so cannot hand out controllers. */
    expect_plan(&cgroup_layer, &on_v2, "'linux':{'cgroupsPath':'x/y'," ALLOW_ALL "}",
                "host-before-clone cgroup group /cg2/user/x/y = cpu memory io pids\n");
    /* Not root of the machine: the default place is relative as well, and no device wall is needed. */
    expect_plan(&cgroup_layer, &user_on_v2, "'linux':{'resources':{'pids':{'limit':5}}}",
                "host-before-clone cgroup note device-rules = left out: not root of the machine, who alone can make "
                "device nodes\n"
                "host-before-clone cgroup group /cg2/user/coffer-id = cpu memory io +pids\n"
                "host-before-clone cgroup write /cg2/user/coffer-id/pids.max = 5\n");
    /* v1: below our own group of each hierarchy. */
    PLANNED p = plan_wall(&cgroup_layer, &on_v1, "'linux':{'cgroupsPath':'x/y'}");
    assert_non_null(strstr(buf_str(&p.text), "group /cg/memory/user/session/x/y\n"));
    assert_non_null(strstr(buf_str(&p.text), "group /cg/devices/x/y\n"));
}

/* A cgroup namespace that is joined by its path is the namespaces wall's, and without one nothing is unshared. */
static void only_a_new_namespace_is_unshared(void **state)
{
    (void)state;
    PLANNED joined = plan_wall(&cgroup_layer, &on_v2,
                               "'linux':{'namespaces':[{'type':'cgroup','path':'/proc/1/ns/cgroup'}]}");
    assert_null(strstr(buf_str(&joined.text), "unshare"));
    PLANNED made = plan_wall(&cgroup_layer, &on_v2, "'linux':{'namespaces':[{'type':'cgroup'}]}");
    assert_non_null(strstr(buf_str(&made.text), "unshare"));
}

/* The specification: v2, a cgroup namespace, and the cgroup file system mounted for writing. */
static void the_group_is_given_to_the_containers_root(void **state)
{
    (void)state;
#define GIVEN(options)                                                                                             \
    "'mounts':[{'destination':'/sys/fs/cgroup','type':'cgroup','source':'cgroup','options':[" options "]}],"       \
    "'linux':{'namespaces':[{'type':'cgroup'},{'type':'user'}],"                                                   \
    "'uidMappings':[{'containerID':0,'hostID':100000,'size':65536}]," ALLOW_ALL "}"
    expect_plan(&cgroup_layer, &on_v2, GIVEN("'nosuid'"),
                "host-before-clone cgroup group /cg2/coffer-id = cpu memory io pids\n"
                "host-before-clone cgroup own /cg2/coffer-id = 100000\n"
                "child-early cgroup unshare cgroup-namespace\n");
    expect_plan(&cgroup_layer, &on_v2, GIVEN("'ro'"),
                "host-before-clone cgroup group /cg2/coffer-id = cpu memory io pids\n"
                "child-early cgroup unshare cgroup-namespace\n");
    PLANNED p = plan_wall(&cgroup_layer, &on_hybrid, GIVEN("'nosuid'"));
    assert_null(strstr(buf_str(&p.text), " own "));
}

static void unified_has_the_last_word(void **state)
{
    (void)state;
    expect_plan(&cgroup_layer, &on_v2,
                "'linux':{'resources':{'unified':{'memory.high':'1000','cgroup.max.depth':'3','cpuset.cpus':'1'},"
                "'memory':{'limit':4096},'devices':[{'allow':true,'access':'rwm'}]}}",
                "host-before-clone cgroup group /cg2/coffer-id = cpu +cpuset +memory io pids\n"
                "host-before-clone cgroup write /cg2/coffer-id/memory.max = 4096\n"
                "host-before-clone cgroup write /cg2/coffer-id/memory.high = 1000\n"
                "host-before-clone cgroup write /cg2/coffer-id/cgroup.max.depth = 3\n"
                "host-before-clone cgroup write /cg2/coffer-id/cpuset.cpus = 1\n");
}

/* What asks for no limit loses nothing on a host that could not set one. */
static void unlimited_needs_no_controller(void **state)
{
    (void)state;
    expect_plan(&cgroup_layer, &poor_v2,
                "'linux':{'resources':{'memory':{'limit':-1,'swap':-1},'pids':{'limit':0},'cpu':{'quota':-1},"
                "'devices':[{'allow':true,'access':'rwm'}]}}",
                "host-before-clone cgroup group /cg2/coffer-id\n");
}

static void refusals(void **state)
{
    (void)state;
#define R(resources) "'linux':{'resources':{" resources "}}"
    static const struct {
        const struct host *host;
        const char *config;
        int code;
        const char *text;
    } table[] = {
        {&poor_v2, R("'memory':{'limit':536870912}"), -ENOTSUP,
         "memory limit 512m: this host has no memory controller for us (there is: none)"},
        {&poor_v2, R("'blockIO':{'weight':500}"), -ENOTSUP,
         "block I/O weight 500: this host has no io controller for us (there is: none)"},
        {&without, R("'pids':{'limit':10}"), -ENOTSUP,
         "pids limit 10: this host has no pids controller for us (there is: none)"},
        {&without, R("'devices':[{'allow':false,'access':'rwm'}]"), -ENOTSUP,
         "device rules: this host has neither the devices controller nor a cgroup v2 tree"},
        {&on_v1, R("'rdma':{'mlx5':{'hcaHandles':3}}"), -ENOTSUP,
         "rdma limit mlx5 hca_handle=3: this host has no rdma controller for us (there is: cpu cpuacct cpuset memory "
         "blkio pids devices freezer hugetlb net_cls net_prio)"},
        {&on_v2, R("'network':{'classID':1}"), -ENOTSUP,
         "network classID 1: this host has no net_cls controller for us (there is: cpu cpuset memory io pids hugetlb "
         "rdma)"},
        {&on_v2, R("'network':{'priorities':[{'name':'eth0','priority':5}]}"), -ENOTSUP,
         "network priority eth0 5: this host has no net_prio controller for us (there is: cpu cpuset memory io pids "
         "hugetlb rdma)"},
        {&on_v2, R("'memory':{'swappiness':10}"), -ENOTSUP,
         "memory swappiness: cgroup v2 has none for a group; leave it out"},
        {&on_v2, R("'memory':{'disableOOMKiller':true}"), -ENOTSUP,
         "memory disableOOMKiller: cgroup v2 cannot switch it off; leave it out"},
        {&on_v2, R("'memory':{'kernel':1}"), -ENOTSUP,
         "memory kernel limit: cgroup v2 has none; use the memory limit, which includes it"},
        {&on_v1, R("'memory':{'kernel':1}"), -ENOTSUP,
         "memory kernel limit: kernels from 5.16 on have none; use the memory limit, which includes it"},
        {&on_v2, R("'memory':{'kernelTCP':1}"), -ENOTSUP,
         "memory kernelTCP limit: cgroup v2 has none; use the memory limit, which includes it"},
        {&on_v1, R("'memory':{'useHierarchy':false}"), -ENOTSUP,
         "memory useHierarchy false: the kernel always accounts hierarchically (since 5.11 and on cgroup v2); leave it "
         "out"},
        {&on_v1, R("'memory':{'swap':100}"), -EINVAL,
         "memory and swap limit 100: needs a memory limit beside it"},
        {&on_v1, R("'memory':{'limit':200,'swap':100}"), -EINVAL,
         "memory and swap limit 100: is less than the memory limit 200, which it includes"},
        {&on_v1, R("'memory':{'limit':-2}"), -EINVAL,
         "memory: of the negative numbers only -1 (unlimited) has a meaning"},
        {&on_v2, R("'cpu':{'realtimeRuntime':1}"), -ENOTSUP,
         "cpu realtimePeriod and realtimeRuntime: cgroup v2 has no real-time budgets; leave them out"},
        {&on_v2, R("'cpu':{'idle':2}"), -EINVAL, "cpu idle 2: is 0 or 1"},
        {&on_v1, R("'blockIO':{'weight':9}"), -EINVAL, "block I/O weight 9: is from 10 to 1000"},
        {&on_v2, R("'blockIO':{'weight':1001}"), -EINVAL, "block I/O weight 1001: is from 10 to 1000"},
        {&on_v2, R("'blockIO':{'leafWeight':100}"), -ENOTSUP, "block I/O leafWeight: cgroup v2 has none; leave it out"},
        {&on_v1, R("'unified':{'memory.max':'1'}"), -ENOTSUP, "unified memory.max: this host has cgroup v1 only"},
        {&on_hybrid, R("'unified':{'memory.max':'1'}"), -ENOTSUP,
         "unified memory.max: the v2 tree of this host (/cg2) has no controller memory for us"},
        {&on_v2, R("'unified':{'../x/memory.max':'1'}"), -EINVAL,
         "unified ../x/memory.max: is not the name of a file CONTROLLER.PARAMETER"},
        {&on_v2, R("'unified':{'memory':'1'}"), -EINVAL,
         "unified memory: is not the name of a file CONTROLLER.PARAMETER"},
        {&on_v2, R("'unified':{'cgroup.procs':'1'}"), -EINVAL,
         "unified cgroup.procs: this file is the runtime's own to write"},
        {&on_v1, R("'devices':[{'allow':true,'type':'c','access':'rwm'},"
                   "{'allow':false,'type':'c','major':10,'minor':3,'access':'w'}]"), -ENOTSUP,
         "device rules: cgroup v1 cannot deny c 10:3 w, which is a part of c *:* rw that an earlier rule allows; name "
         "the devices one by one"},
        {&on_v2, "'linux':{'cgroupsPath':'/a/../b'}", -EINVAL, "cgroupsPath /a/../b: \"..\" is not allowed in it"},
        {&on_v2, "'linux':{'cgroupsPath':'..'}", -EINVAL, "cgroupsPath ..: \"..\" is not allowed in it"},
        {&on_v2, "'linux':{'cgroupsPath':'//'}", -EINVAL,
         "cgroupsPath //: a container needs a group of its own, not the root"},
        {&on_v2, "'linux':{'cgroupsPath':'system.slice:docker:1234'}", -ENOTSUP,
         "cgroupsPath system.slice:docker:1234: the form slice:prefix:name needs the systemd driver, which this "
         "version does not have; give a path"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        expect_refusal(&cgroup_layer, table[i].host, table[i].config, table[i].code, table[i].text);
    /* On v2 the last but three are expressed by the program. */
    PLANNED p = plan_wall(&cgroup_layer, &on_v2,
                          R("'devices':[{'allow':true,'type':'c','access':'rwm'},"
                            "{'allow':false,'type':'c','major':10,'minor':3,'access':'w'}]"));
    assert_int_equal(p.result, 0);
}

static void our_own_groups_can_be_kept(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct host_hierarchy copy[ARRAY_LEN(hierarchies)];
    memcpy(copy, hierarchies, sizeof copy);
    struct host later = on_hybrid;
    char *saved = cgroup_own_save(&a, &later);
    later.cgroup.v1 = copy;
    later.cgroup.v2_own = root;
    for (size_t i = 0; i < ARRAY_LEN(copy); i++)
        copy[i].own = root;
    assert_int_equal(cgroup_own_restore(&a, &later, saved), 0);
    assert_string_equal(later.cgroup.v2_own, session);
    for (size_t i = 0; i < ARRAY_LEN(copy); i++)
        assert_string_equal(copy[i].own, hierarchies[i].own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_on_v1),
        cmocka_unit_test(everything_on_v2),
        cmocka_unit_test(nothing_asked_for),
        cmocka_unit_test(on_hybrid_clone_and_tasks_work_together),
        cmocka_unit_test(older_kernels_join_v2_too),
        cmocka_unit_test(paths),
        cmocka_unit_test(only_a_new_namespace_is_unshared),
        cmocka_unit_test(the_group_is_given_to_the_containers_root),
        cmocka_unit_test(unified_has_the_last_word),
        cmocka_unit_test(unlimited_needs_no_controller),
        cmocka_unit_test(refusals),
        cmocka_unit_test(our_own_groups_can_be_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
