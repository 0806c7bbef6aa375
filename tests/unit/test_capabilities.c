/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities wall: names, sets, what is refused before anything changes, and the order of giving up. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>

#include "base/str.h"
#include "layers/capabilities/capabilities.h"
#include "layers/capabilities/observe.h"
#include "planned.h"

static const struct host all = {.kernel_major = 6, .kernel_minor = 1, .last_capability = 40,
                                .capabilities = (UINT64_C(1) << 41) - 1};
/* A machine such as a CI runner's: root without CAP_SYS_RESOURCE. */
static const struct host less = {.kernel_major = 6, .kernel_minor = 1, .last_capability = 40,
                                 .capabilities = ((UINT64_C(1) << 41) - 1) & ~CAPABILITY_BIT(CAP_SYS_RESOURCE)};
static const struct host old = {.kernel_major = 5, .kernel_minor = 4, .last_capability = 37,
                                .capabilities = (UINT64_C(1) << 38) - 1};

#define NS "'linux':{'namespaces':[{'type':'mount'}]}"
#define PROCESS(members) "'process':{'cwd':'/','args':['x']," members "}," NS
#define CAPS(members) PROCESS("'user':{'uid':0,'gid':0},'capabilities':{" members "}")

static void names_and_numbers(void **state)
{
    (void)state;
    assert_int_equal(capability_from_name("CAP_NET_RAW"), CAP_NET_RAW);
    assert_int_equal(capability_from_name("net_raw"), CAP_NET_RAW);
    assert_int_equal(capability_from_name("Cap_Chown"), 0);
    assert_int_equal(capability_from_name("CAP_CHECKPOINT_RESTORE"), 40);
    assert_int_equal(capability_from_name("CAP_"), -EINVAL);
    assert_int_equal(capability_from_name(""), -EINVAL);
    assert_int_equal(capability_from_name("ALL"), -EINVAL);
    for (unsigned n = 0; n <= CAP_LAST_CAP; n++)
        assert_int_equal(capability_from_name(capability_name(n)), n);
    assert_null(capability_name(CAP_LAST_CAP + 1));
    assert_int_equal(capability_all(&all), 0x1ffffffffff);
    assert_int_equal(capability_all(&old), 0x3fffffffff);
    assert_int_equal(capability_grantable(&less, true), 0x1ffffffffff);
    assert_int_equal(capability_grantable(&less, false), 0x1fffeffffff);

    CLEANUP_ARENA struct arena a = ARENA_INIT;
    assert_string_equal(capability_list(&a, 0), "none");
    assert_string_equal(capability_list(&a, 1 | CAPABILITY_BIT(63)), "CAP_CHOWN,CAP_63");
}

static void the_order_of_giving_up(void **state)
{
    (void)state;
    expect_plan(&capabilities_layer, &all,
                PROCESS("'user':{'uid':1000,'gid':100,'umask':63,'additionalGids':[4,20]},'noNewPrivileges':true,"
                        "'capabilities':{'bounding':['CAP_KILL','CAP_CHOWN'],'permitted':['CAP_CHOWN'],"
                        "'effective':['CAP_CHOWN'],'inheritable':['CAP_CHOWN'],'ambient':['CAP_CHOWN']}"),
                "child-last capabilities keep bounding = CAP_CHOWN,CAP_KILL\n"
                "child-last capabilities set groups = 4,20\n"
                "child-last capabilities set gid = 100\n"
                "child-last capabilities set uid = 1000\n"
                "child-last capabilities set umask = 0077\n"
                "child-last capabilities set permitted = CAP_CHOWN\n"
                "child-last capabilities set effective = CAP_CHOWN\n"
                "child-last capabilities set inheritable = CAP_CHOWN\n"
                "child-last capabilities raise ambient = CAP_CHOWN\n"
                "child-last capabilities set no-new-privs\n");
}

/* CVE-2022-29162: permitted and effective ones do not become inheritable by themselves. Nothing asked: nothing left. */
static void no_set_is_filled_from_another(void **state)
{
    (void)state;
    expect_plan(&capabilities_layer, &all,
                CAPS("'bounding':['CAP_KILL'],'permitted':['CAP_KILL'],'effective':['CAP_KILL']"),
                "child-last capabilities keep bounding = CAP_KILL\n"
                "child-last capabilities set groups = none\n"
                "child-last capabilities set gid = 0\n"
                "child-last capabilities set uid = 0\n"
                "child-last capabilities set umask = 0022\n"
                "child-last capabilities set permitted = CAP_KILL\n"
                "child-last capabilities set effective = CAP_KILL\n"
                "child-last capabilities set inheritable = none\n"
                "child-last capabilities raise ambient = none\n");
    expect_plan(&capabilities_layer, &all, PROCESS("'user':{'uid':0,'gid':0}"),
                "child-last capabilities keep bounding = none\n"
                "child-last capabilities set groups = none\n"
                "child-last capabilities set gid = 0\n"
                "child-last capabilities set uid = 0\n"
                "child-last capabilities set umask = 0022\n"
                "child-last capabilities set permitted = none\n"
                "child-last capabilities set effective = none\n"
                "child-last capabilities set inheritable = none\n"
                "child-last capabilities raise ambient = none\n");
}

/* The document that "runc spec" writes has ambient capabilities that cannot be: the plan says so. */
static void ambient_needs_inheritable(void **state)
{
    (void)state;
    PLANNED p = plan_wall(&capabilities_layer, &all,
                          CAPS("'bounding':['CAP_KILL','CAP_CHOWN'],'permitted':['CAP_KILL','CAP_CHOWN'],"
                               "'inheritable':['CAP_CHOWN'],'ambient':['CAP_KILL','CAP_CHOWN']"));
    assert_int_equal(p.result, 0);
    assert_non_null(strstr(buf_str(&p.text), "raise ambient = CAP_CHOWN\n"));
    assert_non_null(strstr(buf_str(&p.text), "leave-out ambient = CAP_KILL: not inheritable and permitted\n"));
}

static void refused_sets(void **state)
{
    (void)state;
    expect_refusal(&capabilities_layer, &all, CAPS("'bounding':['CAP_KILL','CAP_FOO']"), -EINVAL,
                   "process.capabilities.bounding: CAP_FOO is no capability known to Linux");
    expect_refusal(&capabilities_layer, &all, CAPS("'ambient':['CAP_BAR']"), -EINVAL,
                   "process.capabilities.ambient: CAP_BAR is no capability known to Linux");
    expect_refusal(&capabilities_layer, &old, CAPS("'permitted':['CAP_BPF']"), -EINVAL,
                   "process.capabilities.permitted: this kernel does not know CAP_BPF (its last is CAP_AUDIT_READ): "
                   "leave it out");
    expect_refusal(&capabilities_layer, &less, CAPS("'bounding':['CAP_SYS_RESOURCE']"), -EPERM,
                   "process.capabilities.bounding: CAP_SYS_RESOURCE cannot be given, the caller does not hold it "
                   "itself: leave it out, or give the container a user namespace");
    expect_refusal(&capabilities_layer, &all,
                   CAPS("'bounding':['CAP_KILL'],'permitted':[],'effective':['CAP_KILL']"), -EINVAL,
                   "process.capabilities.effective: CAP_KILL is not in the permitted set");
    expect_refusal(&capabilities_layer, &all,
                   CAPS("'bounding':[],'permitted':['CAP_KILL'],'inheritable':['CAP_KILL']"), -EINVAL,
                   "process.capabilities.inheritable: CAP_KILL is not in the bounding set");
    /* In a user namespace of its own a container can have what the caller lacks. */
    PLANNED p = plan_wall(&capabilities_layer, &less,
                          "'process':{'cwd':'/','args':['x'],'user':{'uid':0,'gid':0},'capabilities':{'bounding':"
                          "['CAP_SYS_RESOURCE']}},'linux':{'namespaces':[{'type':'mount'},{'type':'user'}]}");
    assert_int_equal(p.result, 0);
}

#define MAPPED(user)                                                                                             \
    "'process':{'cwd':'/','args':['x'],'user':{" user "}},'linux':{'namespaces':[{'type':'user'}],"              \
    "'uidMappings':[{'containerID':0,'hostID':100000,'size':1000},{'containerID':5000,'hostID':7,'size':1}],"    \
    "'gidMappings':[{'containerID':0,'hostID':100000,'size':10}]}"

static void refused_identities(void **state)
{
    (void)state;
    /* setresuid(-1) would change nothing: the program would run as root. */
    expect_refusal(&capabilities_layer, &all, PROCESS("'user':{'uid':4294967295,'gid':0}"), -EINVAL,
                   "process.user.uid: 4294967295 is no valid id");
    expect_refusal(&capabilities_layer, &all, PROCESS("'user':{'uid':0,'gid':4294967295}"), -EINVAL,
                   "process.user.gid: 4294967295 is no valid id");
    expect_refusal(&capabilities_layer, &all, PROCESS("'user':{'uid':0,'gid':0,'additionalGids':[1,4294967295]}"),
                   -EINVAL, "process.user.additionalGids: 4294967295 is no valid id");
    expect_refusal(&capabilities_layer, &all, PROCESS("'user':{'uid':0,'gid':0,'umask':512}"), -EINVAL,
                   "process.user.umask: 01000 is larger than 0777");
    expect_refusal(&capabilities_layer, &all, MAPPED("'uid':1000,'gid':0"), -EINVAL,
                   "process.user.uid: 1000 is not mapped in the container's user namespace (linux.uidMappings, "
                   "gidMappings)");
    expect_refusal(&capabilities_layer, &all, MAPPED("'uid':0,'gid':10"), -EINVAL,
                   "process.user.gid: 10 is not mapped in the container's user namespace (linux.uidMappings, "
                   "gidMappings)");
    expect_refusal(&capabilities_layer, &all, MAPPED("'uid':0,'gid':0,'additionalGids':[11]"), -EINVAL,
                   "process.user.additionalGids: 11 is not mapped in the container's user namespace "
                   "(linux.uidMappings, gidMappings)");
    static const char *const good[] = {MAPPED("'uid':0,'gid':0"), MAPPED("'uid':999,'gid':9"),
                                       MAPPED("'uid':5000,'gid':9"), PROCESS("'user':{'uid':4294967294,'gid':0}")};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        PLANNED p = plan_wall(&capabilities_layer, &all, good[i]);
        assert_int_equal(p.result, 0);
    }
}

static void a_document_without_process(void **state)
{
    (void)state;
    expect_plan(&capabilities_layer, &all, NS, "");
}

static void status_files(void **state)
{
    (void)state;
    static const char status[] = "Name:\tUid:\nUmask:\t0027\nState:\tS (sleeping)\nPid:\t7\n"
                                 "Uid:\t1000\t1001\t1001\t1001\nGid:\t100\t101\t101\t101\nFDSize:\t64\n"
                                 "Groups:\t4 20 65536 \nNoNewPrivs:\t1\nCapInh:\t0000000000000001\n"
                                 "CapPrm:\t0000000000000021\nCapEff:\t0000000000000020\n"
                                 "CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n";
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct oci_process p = {0};
    assert_int_equal(capabilities_read_status(&a, status, &p), 0);
    assert_int_equal(p.user->uid.v, 1001);
    assert_int_equal(p.user->gid.v, 101);
    assert_int_equal(p.user->umask.v, 027);
    assert_int_equal(p.user->additional_gids.n, 3);
    assert_int_equal(p.user->additional_gids.v[2], 65536);
    assert_true(p.no_new_privileges.set && p.no_new_privileges.v);
    assert_int_equal(p.capabilities->bounding.n, 41);
    assert_int_equal(p.capabilities->permitted.n, 2);
    assert_string_equal(p.capabilities->permitted.v[1], "CAP_KILL");
    assert_string_equal(p.capabilities->effective.v[0], "CAP_KILL");
    assert_string_equal(p.capabilities->inheritable.v[0], "CAP_CHOWN");
    assert_int_equal(p.capabilities->ambient.n, 0);
    assert_true(p.capabilities->ambient.set);

    assert_int_equal(capabilities_read_status(&a, "Name:\tx\n", &p), -EINVAL);
    assert_int_equal(capabilities_read_status(&a, "", &p), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers),
        cmocka_unit_test(the_order_of_giving_up),
        cmocka_unit_test(no_set_is_filled_from_another),
        cmocka_unit_test(ambient_needs_inheritable),
        cmocka_unit_test(refused_sets),
        cmocka_unit_test(refused_identities),
        cmocka_unit_test(a_document_without_process),
        cmocka_unit_test(status_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
