/* SPDX-License-Identifier: Apache-2.0 */
/* The mac wall's plan: labels, when Landlock is on, and which rules come out of which document. */
#include <errno.h>
#include <linux/capability.h>

#include "base/str.h"
#include "layers/mac/mac.h"
#include "planned.h"

#define EVERYTHING ((UINT64_C(1) << 41) - 1)
static const struct host plain = {.kernel_major = 6, .kernel_minor = 12, .capabilities = EVERYTHING,
                                  .last_capability = 40, .landlock_abi = 6};
static const struct host labelled = {.kernel_major = 6, .kernel_minor = 12, .capabilities = EVERYTHING,
                                     .last_capability = 40, .apparmor = true, .selinux = true};

#define ANNOTATE(mode) "'annotations':{'org.cofferdam.landlock':'" mode "'},"
#define DENY_MOUNT                                                                                               \
    "'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['read'],'action':'SCMP_ACT_ALLOW'}]}"
#define DOCUMENT(mode, caps, root, mounts, linux_members)                                                        \
    ANNOTATE(mode) "'process':{'cwd':'/','args':['x'],'user':{'uid':0,'gid':0},'capabilities':{'bounding':["    \
                   caps "]}},'root':{'path':'r','readonly':" root "},'mounts':[" mounts "],'linux':{"           \
                   linux_members "}"

#define RULES "child-late mac rules landlock = abi 6, signals inside, abstract sockets inside\n"
#define TAIL                                                                                                     \
    "child-late mac allow standard descriptors = as they are open\n"                                             \
    "child-late mac enter landlock\n"

static void labels(void **state)
{
    (void)state;
    expect_plan(&mac_layer, &labelled,
                "'process':{'cwd':'/','args':['x'],'apparmorProfile':'docker-default','selinuxLabel':'a:b:c:s0'}",
                "child-early mac label apparmor = docker-default\n"
                "child-early mac label selinux = a:b:c:s0\n");
    expect_plan(&mac_layer, &labelled, "'process':{'cwd':'/','args':['x'],'apparmorProfile':'unconfined'}",
                "child-early mac label apparmor = unconfined\n");
    expect_plan(&mac_layer, &plain,
                "'process':{'cwd':'/','args':['x'],'apparmorProfile':'unconfined','selinuxLabel':''}", "");
    expect_plan(&mac_layer, &plain, "'process':{'cwd':'/','args':['x'],'apparmorProfile':''}", "");
    expect_refusal(&mac_layer, &plain, "'process':{'cwd':'/','args':['x'],'apparmorProfile':'docker-default'}",
                   -ENOTSUP, "process.apparmorProfile: docker-default: this host has no AppArmor: leave it out, or "
                             "name \"unconfined\"");
    expect_refusal(&mac_layer, &plain, "'process':{'cwd':'/','args':['x'],'selinuxLabel':'a:b:c:s0'}", -ENOTSUP,
                   "process.selinuxLabel: a:b:c:s0: this host has no SELinux: leave it out");
}

static void landlock_is_off_unless_asked_for(void **state)
{
    (void)state;
    expect_plan(&mac_layer, &plain, "'linux':{" DENY_MOUNT "}", "");
    expect_plan(&mac_layer, &plain, DOCUMENT("off", "", "false", "", DENY_MOUNT), "");
    expect_refusal(&mac_layer, &plain, DOCUMENT("yes", "", "false", "", DENY_MOUNT), -EINVAL,
                   "annotation org.cofferdam.landlock: \"yes\" is not on, off or auto");
}

static void a_writable_root(void **state)
{
    (void)state;
    expect_plan(&mac_layer, &plain,
                DOCUMENT("auto", "'CAP_CHOWN'", "false",
                         "{'destination':'/proc','type':'proc'},{'destination':'/data','type':'bind','source':'/d'},"
                         "{'destination':'/sys','type':'sysfs','options':['ro']}",
                         DENY_MOUNT),
                RULES
                "child-late mac allow / = read,write,change\n"
                "child-late mac allow /dev = ioctl\n" TAIL);
    /* Device nodes go with the capability that makes them; host devices mounted elsewhere are there to be used. */
    expect_plan(&mac_layer, &plain,
                DOCUMENT("on", "'CAP_MKNOD'", "false",
                         "{'destination':'/gpu','type':'bind','source':'/dev/dri','options':['rbind']}",
                         DENY_MOUNT ",'devices':[{'type':'c','path':'/tun','major':10,'minor':200},"
                                    "{'type':'c','path':'/dev/fuse','major':10,'minor':229}]"),
                RULES
                "child-late mac allow / = read,write,change,nodes\n"
                "child-late mac allow /dev = ioctl\n"
                "child-late mac allow /gpu = ioctl\n"
                "child-late mac allow /tun = ioctl\n" TAIL);
}

static void a_readonly_root(void **state)
{
    (void)state;
    expect_plan(&mac_layer, &plain,
                DOCUMENT("on", "", "true",
                         "{'destination':'/proc','type':'proc','options':['nosuid']},"
                         "{'destination':'/dev','type':'tmpfs'},{'destination':'/dev/shm','type':'tmpfs'},"
                         "{'destination':'/sys','type':'sysfs','options':['nosuid','ro']},"
                         "{'destination':'/tmp','type':'tmpfs','options':['ro','rw']},"
                         "{'destination':'/etc/hosts','type':'bind','source':'/h','options':['rbind','rprivate']},"
                         "{'destination':'/cfg','type':'bind','source':'/c','options':['rbind','rro']},"
                         "{'destination':'/gpu','type':'bind','source':'/dev/dri','options':['bind','ro']},"
                         "{'destination':'/devices','type':'bind','source':'/x'},"
                         "{'destination':'/kept','type':'tmpfs'}",
                         "'readonlyPaths':['/kept']," DENY_MOUNT),
                RULES
                "child-late mac allow / = read\n"
                "child-late mac allow /dev = read,write,change,ioctl\n"
                "child-late mac allow /proc = write\n"
                "child-late mac allow /tmp = read,write,change\n"
                "child-late mac allow /etc/hosts = read,write,change\n"
                "child-late mac allow /gpu = ioctl\n"
                "child-late mac allow /devices = read,write,change\n" TAIL);
}

static void older_kernels_handle_less(void **state)
{
    (void)state;
    struct host h = plain;
    h.landlock_abi = 2;
    PLANNED p = plan_wall(&mac_layer, &h, DOCUMENT("on", "", "false", "", DENY_MOUNT));
    /* Neither ioctl (ABI 5) nor scopes (ABI 6). */
    assert_string_equal(buf_str(&p.text), "child-late mac rules landlock = abi 2\n"
                                          "child-late mac allow / = read,write,change\n" TAIL);
    const struct op *rules = p.plan.first[LAYER_MAC][STEP_CHILD_LATE];
    assert_int_equal(*(const uint64_t *)rules->args, (1U << 14) - 1); /* all of ABI 2, no TRUNCATE */
    assert_int_equal(rules->next->number & 1U << 14, 0);
    h.landlock_abi = 3;
    PLANNED three = plan_wall(&mac_layer, &h, DOCUMENT("on", "", "false", "", DENY_MOUNT));
    assert_int_equal(*(const uint64_t *)three.plan.first[LAYER_MAC][STEP_CHILD_LATE]->args, (1U << 15) - 1);
    h.landlock_abi = 99; /* what we do not know is not handled */
    PLANNED future = plan_wall(&mac_layer, &h, DOCUMENT("on", "", "false", "", DENY_MOUNT));
    assert_int_equal(*(const uint64_t *)future.plan.first[LAYER_MAC][STEP_CHILD_LATE]->args, (1U << 16) - 1);
}

static void obstacle(const struct host *host, const char *on, const char *automatic, const char *why)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    expect_refusal(&mac_layer, host, on, -ENOTSUP, arena_printf(&a, "annotation org.cofferdam.landlock: on: %s", why));
    expect_plan(&mac_layer, host, automatic,
                arena_printf(&a, "child-late mac leave-out landlock = %s\n", why));
}

static void what_stands_in_the_way(void **state)
{
    (void)state;
    struct host h = plain;
    h.landlock_abi = 0;
    obstacle(&h, DOCUMENT("on", "", "false", "", DENY_MOUNT), DOCUMENT("auto", "", "false", "", DENY_MOUNT),
             "this kernel has no Landlock");
    h.landlock_abi = 1;
    obstacle(&h, DOCUMENT("on", "", "false", "", DENY_MOUNT), DOCUMENT("auto", "", "false", "", DENY_MOUNT),
             "this kernel's Landlock (ABI 1) forbids every move of a file between directories; 5.19 has a later one");
    obstacle(&plain, DOCUMENT("on", "'CAP_SYS_ADMIN'", "false", "", DENY_MOUNT),
             DOCUMENT("auto", "'CAP_SYS_ADMIN'", "false", "", DENY_MOUNT),
             "a container with CAP_SYS_ADMIN may mount, which Landlock forbids");
    h = plain;
    h.capabilities &= ~(UINT64_C(1) << CAP_SYS_ADMIN);
    obstacle(&h, DOCUMENT("on", "", "false", "", DENY_MOUNT), DOCUMENT("auto", "", "false", "", DENY_MOUNT),
             "without CAP_SYS_ADMIN Landlock needs process.noNewPrivileges");
    PLANNED p = plan_wall(&mac_layer, &h,
                          ANNOTATE("on") "'process':{'cwd':'/','args':['x'],'noNewPrivileges':true},'linux':{"
                                         DENY_MOUNT "}");
    assert_non_null(strstr(buf_str(&p.text), "child-late mac set no-new-privs\nchild-late mac enter landlock\n"));
}

/* auto takes mounting away from nobody who could mount without Landlock. */
static void automatic_looks_at_the_filter(void **state)
{
    (void)state;
#define FILTER(action, rules) "'seccomp':{'defaultAction':'" action "','syscalls':[" rules "]}"
#define RULE(name, action) "{'names':['x','" name "'],'action':'" action "'}"
    static const struct {
        const char *filter;
        bool on;
    } cases[] = {
        {"'readonlyPaths':[]", false}, /* no filter */
        {FILTER("SCMP_ACT_ALLOW", ""), false},
        {FILTER("SCMP_ACT_ERRNO", ""), true},
        {FILTER("SCMP_ACT_KILL_PROCESS", RULE("mount", "SCMP_ACT_ALLOW")), false},
        {FILTER("SCMP_ACT_ERRNO", RULE("move_mount", "SCMP_ACT_NOTIFY")), false},
        {FILTER("SCMP_ACT_ERRNO", RULE("mount", "SCMP_ACT_TRAP")), true},
        {FILTER("SCMP_ACT_ALLOW", RULE("mount", "SCMP_ACT_ERRNO")), false},
        {FILTER("SCMP_ACT_LOG", RULE("mount", "SCMP_ACT_ERRNO") "," RULE("move_mount", "SCMP_ACT_KILL")), true},
        {FILTER("SCMP_ACT_ALLOW", RULE("move_mount", "SCMP_ACT_KILL") ",{'names':['mount'],'action':'SCMP_ACT_ERRNO',"
                "'args':[{'index':3,'value':1,'op':'SCMP_CMP_EQ'}]}"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        for (int automatic = 0; automatic < 2; automatic++) {
            PLANNED p = plan_wall(&mac_layer, &plain,
                                  arena_printf(&a, "'annotations':{'org.cofferdam.landlock':'%s'},'linux':{%s}",
                                               automatic ? "auto" : "on", cases[i].filter));
            assert_int_equal(p.result, 0);
            bool on = strstr(buf_str(&p.text), "enter landlock") != NULL;
            if (on != (automatic ? cases[i].on : true))
                fail_msg("%s: %s", cases[i].filter, buf_str(&p.text));
        }
    }
}

/* The containers of a pod may signal each other; a container in the host's namespaces may not leave. */
static void those_who_join_are_not_scoped(void **state)
{
    (void)state;
#define SHARES(namespaces) ANNOTATE("on") "'linux':{'namespaces':[" namespaces "]," DENY_MOUNT "}"
    static const struct {
        const char *document, *rules;
    } cases[] = {
        {SHARES("{'type':'pid','path':'/p'},{'type':'network','path':'/n'}"), "landlock = abi 6\n"},
        {SHARES("{'type':'pid','path':'/p'}"), "landlock = abi 6, abstract sockets inside\n"},
        {SHARES("{'type':'pid'},{'type':'network','path':'/n'}"), "landlock = abi 6, signals inside\n"},
        {SHARES("{'type':'mount'}"), "landlock = abi 6, signals inside, abstract sockets inside\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        PLANNED p = plan_wall(&mac_layer, &plain, cases[i].document);
        if (strstr(buf_str(&p.text), cases[i].rules) == NULL)
            fail_msg("%s: %s", cases[i].document, buf_str(&p.text));
    }
}

/* A debugging container beside another: its right to trace is not taken away unasked. */
static void automatic_leaves_tracers_alone(void **state)
{
    (void)state;
#define TRACER(mode, pid) DOCUMENT(mode, "'CAP_SYS_PTRACE'", "false", "", "'namespaces':[" pid "]," DENY_MOUNT)
    expect_plan(&mac_layer, &plain, TRACER("auto", "{'type':'pid','path':'/p'}"),
                "child-late mac leave-out landlock = a container with CAP_SYS_PTRACE in others' pid namespace may "
                "trace them, which Landlock forbids\n");
    static const char *const on[] = {TRACER("on", "{'type':'pid','path':'/p'}"), TRACER("auto", "{'type':'pid'}")};
    for (size_t i = 0; i < ARRAY_LEN(on); i++) {
        PLANNED p = plan_wall(&mac_layer, &plain, on[i]);
        assert_non_null(strstr(buf_str(&p.text), "enter landlock"));
    }
}

static void exec_is_not_scoped(void **state)
{
    (void)state;
    PLANNED p = plan_wall(&mac_layer, &plain, DOCUMENT("on", "", "false", "", DENY_MOUNT));
    struct plan exec;
    plan_init(&exec, &p.arena);
    assert_int_equal(mac_landlock_plan(p.config, &plain, false, &exec, &p.err), 0);
    CLEANUP_BUF struct buf text = BUF_INIT;
    plan_print(&exec, &text);
    assert_string_equal(buf_str(&text), "child-late mac rules landlock = abi 6\n"
                                        "child-late mac allow / = read,write,change\n"
                                        "child-late mac allow /dev = ioctl\n" TAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels),
        cmocka_unit_test(landlock_is_off_unless_asked_for),
        cmocka_unit_test(a_writable_root),
        cmocka_unit_test(a_readonly_root),
        cmocka_unit_test(older_kernels_handle_less),
        cmocka_unit_test(what_stands_in_the_way),
        cmocka_unit_test(automatic_looks_at_the_filter),
        cmocka_unit_test(those_who_join_are_not_scoped),
        cmocka_unit_test(automatic_leaves_tracers_alone),
        cmocka_unit_test(exec_is_not_scoped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
