/* SPDX-License-Identifier: Apache-2.0 */
/* The rootfs wall without a kernel: option words, paths, plans for hosts that are not here, what is refused. */
#include <errno.h>

#include "layers/rootfs/mountinfo.h"
#include "layers/rootfs/mounts.h"
#include "layers/rootfs/rootfs.h"
#include "planned.h"

static char v1_memory[] = "/sys/fs/cgroup/memory", v1_cpu[] = "/sys/fs/cgroup/cpu,cpuacct",
            v1_systemd[] = "/sys/fs/cgroup/systemd", v2[] = "/sys/fs/cgroup", unified[] = "/sys/fs/cgroup/unified",
            top[] = "/";
static struct host_hierarchy hierarchies[] = {
    {v1_memory, top, 1U << CGROUP_MEMORY},
    {v1_cpu, top, 1U << CGROUP_CPU | 1U << CGROUP_CPUACCT},
    {v1_systemd, top, 0},
};
#define ALL_CAPABILITIES UINT64_MAX
static const struct host root_host = {.kernel_major = 6, .kernel_minor = 18, .capabilities = ALL_CAPABILITIES,
                                      .initial_userns = true,
                                      .cgroup = {.mode = CGROUP_MODE_V2, .v2_mount = v2}};
static const struct host user_host = {.kernel_major = 6, .kernel_minor = 18, .euid = 1000, .egid = 1000,
                                      .initial_userns = true,
                                      .cgroup = {.mode = CGROUP_MODE_V2, .v2_mount = v2}};
static const struct host hybrid_host = {.kernel_major = 6, .kernel_minor = 18, .capabilities = ALL_CAPABILITIES,
                                        .initial_userns = true,
                                        .cgroup = {.mode = CGROUP_MODE_HYBRID, .v1 = hierarchies,
                                                   .n_v1 = ARRAY_LEN(hierarchies), .v2_mount = unified}};

#define NS(rest) "'linux':{'namespaces':[{'type':'mount'},{'type':'cgroup'}]" rest "}"
#define USER_NS(rest)                                                                                               \
    "'linux':{'namespaces':[{'type':'mount'},{'type':'user'}],"                                         \
    "'uidMappings':[{'containerID':0,'hostID':100000,'size':65536}],"                                       \
    "'gidMappings':[{'containerID':0,'hostID':100000,'size':65536}]" rest "}"
#define ROOT "'root':{'path':'rootfs'},"
#define MOUNT(members) "'mounts':[{" members "}],"

static struct planned plan(const struct host *host, const char *rest)
{
    return plan_wall(&rootfs_layer, host, rest);
}

static void expect(struct planned *p, const char *const *lines)
{
    assert_int_equal(p->result, 0);
    for (; *lines != NULL; lines++)
        if (strstr(buf_str(&p->text), *lines) == NULL)
            fail_msg("no line \"%s\" in:\n%s", *lines, buf_str(&p->text));
}

static void every_word_of_the_specification_is_known(void **state)
{
    (void)state;
    /* runtime-spec 1.3, config.md, "Linux mount options", all of them. */
    static const char *const specified[] = {
        "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "iversion", "lazytime", "loud",
        "mand", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime", "nomand", "norelatime",
        "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime",
        "remount", "rexec", "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime",
        "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime",
        "rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", "symfollow",
        "sync", "tmpcopyup", "unbindable", "idmap", "ridmap"};
    for (size_t i = 0; i < ARRAY_LEN(specified); i++) {
        bool known = false;
        for (size_t k = 0; rootfs_option_word(k) != NULL; k++)
            known = known || strcmp(rootfs_option_word(k), specified[i]) == 0;
        if (!known)
            fail_msg("%s", specified[i]);
    }
}

static struct rootfs_options options(struct arena *a, char **words, size_t n)
{
    struct rootfs_options o;
    struct err err = ERR_INIT;
    const struct oci_strs list = {.v = words, .n = n, .set = true};
    assert_int_equal(rootfs_options_parse(a, &list, &o, &err), 0);
    return o;
}

#define OPTIONS(a, ...) options((a), (char *[]){__VA_ARGS__}, ARRAY_LEN(((char *[]){__VA_ARGS__})))

static char w_ro[] = "ro", w_rw[] = "rw", w_nosuid[] = "nosuid", w_noatime[] = "noatime", w_strict[] = "strictatime",
            w_relatime[] = "relatime", w_rro[] = "rro", w_rnoexec[] = "rnoexec", w_size[] = "size=1m",
            w_sync[] = "sync", w_rshared[] = "rshared", w_slave[] = "slave", w_rbind[] = "rbind", w_odd[] = "odd";

static void the_last_word_about_an_attribute_counts(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct rootfs_options o = OPTIONS(&a, w_ro, w_nosuid, w_rw);
    assert_int_equal(o.set, MOUNT_ATTR_NOSUID);
    assert_int_equal(o.clear, MOUNT_ATTR_RDONLY);
    o = OPTIONS(&a, w_rw, w_ro);
    assert_int_equal(o.set, MOUNT_ATTR_RDONLY);
    assert_int_equal(o.clear, 0);
    /* The field of access times is set by clearing it whole. */
    o = OPTIONS(&a, w_noatime, w_strict);
    assert_int_equal(o.set, MOUNT_ATTR_STRICTATIME);
    assert_int_equal(o.clear, MOUNT_ATTR__ATIME);
    o = OPTIONS(&a, w_noatime, w_relatime);
    assert_int_equal(o.set, 0);
    assert_int_equal(o.clear, MOUNT_ATTR__ATIME);
    o = OPTIONS(&a, w_rshared, w_slave);
    assert_int_equal(o.propagation, MS_SLAVE);
    assert_false(o.propagation_tree);
    arena_free(&a);
}

static void recursive_words_are_kept_apart_and_the_rest_is_the_file_systems(void **state)
{
    (void)state;
    struct arena a = ARENA_INIT;
    struct rootfs_options o = OPTIONS(&a, w_rbind, w_rro, w_rnoexec, w_ro, w_size, w_sync, w_odd);
    assert_true(o.bind && o.recursive);
    assert_int_equal(o.tree_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
    assert_int_equal(o.set, MOUNT_ATTR_RDONLY);
    assert_int_equal(o.n_parameters, 3);
    assert_string_equal(o.parameters[0].key, "size");
    assert_string_equal(o.parameters[0].value, "1m");
    assert_string_equal(o.parameters[1].key, "sync");
    assert_null(o.parameters[1].value);
    assert_string_equal(o.parameters[2].key, "odd");
    arena_free(&a);
}

static void paths_are_cleaned_as_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"/", "/"},           {"", "/"},         {"a", "/a"},
                                           {"/a//b/./c/", "/a/b/c"}, {"/a/../b", "/b"}, {"/../..", "/"},
                                           {"/a/b/../../../c", "/c"}, {"/..a/b.", "/..a/b."}};
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(rootfs_path_clean(&a, cases[i][0]), cases[i][1]);
    assert_string_equal(rootfs_path_below("/a/b/c", "/a"), "b/c");
    assert_string_equal(rootfs_path_below("/a", "/a"), "");
    assert_string_equal(rootfs_path_below("/a", "/"), "a");
    assert_null(rootfs_path_below("/ab", "/a"));
    assert_null(rootfs_path_below("/", "/a"));
    arena_free(&a);
}

static void the_whole_plan_of_a_small_container(void **state)
{
    (void)state;
    struct planned p = plan(
        &root_host,
        "'root':{'path':'rootfs','readonly':true},"
        "'mounts':[{'destination':'/proc','type':'proc','source':'proc','options':['nosuid']},"
        "{'destination':'/dev','type':'tmpfs','source':'tmpfs','options':['mode=755']},"
        "{'destination':'/data','type':'bind','source':'data','options':['rbind','ro']}]," NS(
            ",'maskedPaths':['/proc/kcore','/etc/shadow'],'readonlyPaths':['/proc/sys']"));
    assert_int_equal(p.result, 0);
    assert_string_equal(buf_str(&p.text),
                        "host-before-clone rootfs open-tree / = /bundle/rootfs\n"
                        "host-before-clone rootfs open-tree /data = /bundle/data\n"
                        "child-rootfs rootfs propagation / = rslave\n"
                        "child-rootfs rootfs attach /\n"
                        "child-rootfs rootfs mount /proc = proc proc nosuid\n"
                        "child-rootfs rootfs mount /dev = tmpfs tmpfs mode=755\n"
                        "child-rootfs rootfs mount /data = bind data rbind,ro\n"
                        "child-rootfs rootfs device /dev/null = c 1:3 mode 0666 owner 0:0\n"
                        "child-rootfs rootfs device /dev/zero = c 1:5 mode 0666 owner 0:0\n"
                        "child-rootfs rootfs device /dev/full = c 1:7 mode 0666 owner 0:0\n"
                        "child-rootfs rootfs device /dev/random = c 1:8 mode 0666 owner 0:0\n"
                        "child-rootfs rootfs device /dev/urandom = c 1:9 mode 0666 owner 0:0\n"
                        "child-rootfs rootfs device /dev/tty = c 5:0 mode 0666 owner 0:0\n"
                        "child-rootfs rootfs bind-devices /dev = where nodes are refused\n"
                        "child-rootfs rootfs link /dev/fd = /proc/self/fd\n"
                        "child-rootfs rootfs link /dev/stdin = /proc/self/fd/0\n"
                        "child-rootfs rootfs link /dev/stdout = /proc/self/fd/1\n"
                        "child-rootfs rootfs link /dev/stderr = /proc/self/fd/2\n"
                        "child-rootfs rootfs link /dev/ptmx = pts/ptmx\n"
                        "child-rootfs rootfs read-only /proc/sys\n"
                        "child-rootfs rootfs mask /proc/kcore\n"
                        "child-rootfs rootfs mask /etc/shadow\n"
                        "child-rootfs rootfs seal / = ro\n"
                        "child-rootfs rootfs pivot /\n");
    planned_free(&p);
}

static void without_privilege_the_child_opens_what_it_mounts(void **state)
{
    (void)state;
    struct planned p = plan(&user_host, ROOT MOUNT("'destination':'/d','source':'/s','options':['bind']")
                                            USER_NS(""));
    expect(&p, (const char *const[]){"child-rootfs rootfs open-tree / = /bundle/rootfs\n",
                                     "child-rootfs rootfs open-tree /d = /s\n",
                                     "child-rootfs rootfs bind-device /dev/null",
                                     "child-rootfs rootfs bind-devices /dev = always\n", NULL});
    planned_free(&p);
}

static void mapped_layers_wait_for_the_user_namespace(void **state)
{
    (void)state;
    const char *annotations = "'annotations':{'org.cofferdam.rootfs.lower':'/l/1:/l/2',"
                              "'org.cofferdam.rootfs.upper':'/c/x/diff','org.cofferdam.rootfs.work':'/c/x/work',"
                              "'org.cofferdam.rootfs.idmap':'true'},";
    struct arena a = ARENA_INIT;
    struct planned p = plan(&root_host, arena_printf(&a, "%s%s", annotations, USER_NS("")));
    expect(&p, (const char *const[]){"host-after-clone rootfs overlay / = 2 layers, upper /c/x/diff\n", NULL});
    const struct op *op = p.plan.first[LAYER_ROOTFS][STEP_HOST_AFTER_CLONE];
    const struct rootfs_overlay *o = op->args;
    assert_string_equal(o->base, "/c/x");
    assert_string_equal(o->upper_below, "diff");
    assert_string_equal(o->work_below, "work");
    assert_true(o->append && !o->by_path && o->idmap != NULL);
    planned_free(&p);
    /* Without a user namespace there is nothing to map, and the overlay is made before the clone. */
    p = plan(&root_host, arena_printf(&a, "%s%s", annotations, NS("")));
    expect(&p, (const char *const[]){"host-before-clone rootfs overlay / = 2 layers, upper /c/x/diff\n", NULL});
    planned_free(&p);
    /* Older kernels: detached layers since 6.15, one by one since 6.8, mapped at all since 5.19. */
    struct host old = root_host;
    old.kernel_minor = 14;
    p = plan(&old, arena_printf(&a, "%s%s", annotations, USER_NS("")));
    assert_int_equal(p.result, 0);
    assert_true(((const struct rootfs_overlay *)p.plan.first[LAYER_ROOTFS][STEP_HOST_AFTER_CLONE]->args)->by_path);
    planned_free(&p);
    old = (struct host){.kernel_major = 5, .kernel_minor = 18, .capabilities = ALL_CAPABILITIES};
    p = plan(&old, arena_printf(&a, "%s%s", annotations, USER_NS("")));
    assert_int_equal(p.result, -ENOSYS);
    planned_free(&p);
    arena_free(&a);
}

static size_t parameters_of_root(const struct planned *p)
{
    assert_int_equal(p->result, 0);
    const struct rootfs_overlay *o = p->plan.first[LAYER_ROOTFS][STEP_HOST_BEFORE_CLONE]->args;
    if (o->n_parameters > 0)
        assert_string_equal(o->parameters[0].key, "volatile");
    return o->n_parameters;
}

static void a_volatile_upper_is_mounted_so(void **state)
{
    (void)state;
#define LAYERS(more) "'annotations':{'org.cofferdam.rootfs.lower':'/l/1'" more "}," NS("")
#define WRITABLE ",'org.cofferdam.rootfs.upper':'/c/diff','org.cofferdam.rootfs.work':'/c/work'"
#define VOLATILE(value) ",'org.cofferdam.rootfs.volatile':'" value "'"
    struct planned p = plan(&root_host, LAYERS(WRITABLE VOLATILE("true")));
    assert_int_equal(parameters_of_root(&p), 1);
    expect(&p, (const char *const[]){"overlay / = 1 layers, upper /c/diff, volatile\n", NULL});
    planned_free(&p);
    const char *const not_volatile[] = {LAYERS(WRITABLE), LAYERS(WRITABLE VOLATILE("false")), LAYERS(VOLATILE("true"))};
    for (size_t i = 0; i < ARRAY_LEN(not_volatile); i++) {
        p = plan(&root_host, not_volatile[i]);
        assert_int_equal(parameters_of_root(&p), 0);
        planned_free(&p);
    }
    p = plan(&root_host, LAYERS(WRITABLE VOLATILE("yes")));
    assert_int_equal(p.result, -EINVAL);
    planned_free(&p);
#undef LAYERS
#undef WRITABLE
#undef VOLATILE
}

static void many_layers_on_an_old_kernel_take_the_helper(void **state)
{
    (void)state;
    struct buf list = BUF_INIT;
    for (int i = 0; i < 40; i++)
        buf_printf(&list, "%s/var/lib/layers/%d", i > 0 ? ":" : "", i);
    struct arena a = ARENA_INIT;
    char *rest = arena_printf(&a, "'annotations':{'org.cofferdam.rootfs.lower':'%s'},%s", buf_str(&list), NS(""));
    struct host old = root_host;
    const struct {
        unsigned minor;
        bool by_path;
    } cases[] = {{7, true}, {8, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        old.kernel_minor = cases[i].minor;
        struct planned p = plan(&old, rest);
        assert_int_equal(p.result, 0);
        const struct rootfs_overlay *o = p.plan.first[LAYER_ROOTFS][STEP_HOST_BEFORE_CLONE]->args;
        assert_int_equal(o->n_lower, 40);
        assert_int_equal(o->by_path, cases[i].by_path);
        planned_free(&p);
    }
    buf_free(&list);
    arena_free(&a);
}

#define CGROUP_MOUNT MOUNT("'destination':'/sys/fs/cgroup','type':'cgroup','options':['ro']")

static void cgroup_mounts_follow_the_host(void **state)
{
    (void)state;
    struct planned p = plan(&root_host, ROOT CGROUP_MOUNT NS(""));
    expect(&p, (const char *const[]){"child-rootfs rootfs mount /sys/fs/cgroup = cgroup2\n", NULL});
    planned_free(&p);
    /* Not the systemd hierarchy: the container has no group of its own in it. */
    p = plan_wall_after(&cgroup_layer, &rootfs_layer, &hybrid_host, ROOT CGROUP_MOUNT NS(""));
    expect(&p, (const char *const[]){"child-rootfs rootfs mount /sys/fs/cgroup = tmpfs for cgroup\n"
                                     "child-rootfs rootfs mount /sys/fs/cgroup/memory = cgroup memory\n"
                                     "child-rootfs rootfs mount /sys/fs/cgroup/cpu,cpuacct = cgroup cpu,cpuacct\n"
                                     "child-rootfs rootfs link /sys/fs/cgroup/cpu = cpu,cpuacct\n"
                                     "child-rootfs rootfs link /sys/fs/cgroup/cpuacct = cpu,cpuacct\n"
                                     "child-rootfs rootfs mount /sys/fs/cgroup/unified = cgroup2\n",
                                     "child-rootfs rootfs seal /sys/fs/cgroup = ro\n", NULL});
    assert_null(strstr(buf_str(&p.text), "systemd"));
    planned_free(&p);
    /* Without a cgroup namespace: v1 groups are bound, and a user namespace can only have the host's v2 tree. */
    p = plan_wall_after(&cgroup_layer, &rootfs_layer, &hybrid_host, ROOT CGROUP_MOUNT USER_NS(""));
    expect(&p, (const char *const[]){"mount /sys/fs/cgroup/memory = cgroup memory, own group\n",
                                     "host-before-clone rootfs open-tree /sys/fs/cgroup/unified = "
                                     "/sys/fs/cgroup/unified\n", NULL});
    planned_free(&p);
}

static void what_lies_in_our_own_mounts_is_not_looked_up(void **state)
{
    (void)state;
    struct planned p = plan(&root_host, ROOT
                            "'mounts':[{'destination':'/proc','type':'proc'},"
                            "{'destination':'/dev','type':'tmpfs'},{'destination':'/dev/shm','type':'tmpfs'},"
                            "{'destination':'/b','type':'bind','source':'/b'}]," NS(
                                ",'maskedPaths':['/proc/kcore','/proc/self/x','/b/x','/dev/a/b']"));
    assert_int_equal(p.result, 0);
    int slots[8] = {0}, n = 0;
    plan_each(op, &p.plan, LAYER_ROOTFS, STEP_CHILD_ROOTFS) {
        if (op->kind == ROOTFS_MASK)
            slots[n++] = op->slot;
        if (op->kind == ROOTFS_MOUNT && strcmp(op->target, "/dev/shm") == 0)
            assert_true(op->slot >= 0);
    }
    assert_int_equal(n, 4);
    assert_true(slots[0] >= 0);       /* the kernel's names */
    assert_int_equal(slots[1], -1);   /* but these are links */
    assert_int_equal(slots[2], -1);   /* what a bind shows is not ours */
    assert_int_equal(slots[3], -1);
    planned_free(&p);
    /* A later mount covers an earlier one. */
    p = plan(&root_host, ROOT "'mounts':[{'destination':'/sys','type':'sysfs'},"
                              "{'destination':'/sys','type':'bind','source':'/b'}],"
                              NS(",'maskedPaths':['/sys/firmware']"));
    plan_each(op, &p.plan, LAYER_ROOTFS, STEP_CHILD_ROOTFS)
        if (op->kind == ROOTFS_MASK)
            assert_int_equal(op->slot, -1);
    planned_free(&p);
}

static void a_bound_dev_is_left_alone(void **state)
{
    (void)state;
    struct planned p = plan(&root_host, ROOT MOUNT("'destination':'/dev','type':'bind','source':'/dev',"
                                                   "'options':['rbind']") NS(""));
    assert_int_equal(p.result, 0);
    assert_null(strstr(buf_str(&p.text), "device"));
    assert_null(strstr(buf_str(&p.text), "link"));
    planned_free(&p);
}

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {NS(""), "root.path"},
        {ROOT MOUNT("'destination':'/d','source':'/s'") NS(""), "mount /d: it has neither a type"},
        {ROOT MOUNT("'destination':'/d','type':'bind'") NS(""), "mount /d: a bind mount needs a source"},
        {ROOT MOUNT("'destination':'/d','type':'bind','source':'/s','options':['size=1']") NS(""),
         "option \"size\""},
        {ROOT MOUNT("'destination':'/d','type':'bind','source':'/s','options':['sync']") NS(""),
         "option \"sync\""},
        {ROOT MOUNT("'destination':'/d','type':'bind','source':'/s','options':['idmap']") NS(""),
         "option \"idmap\""},
        {ROOT MOUNT("'destination':'/d','type':'proc','options':['tmpcopyup']") NS(""), "\"tmpcopyup\""},
        {ROOT MOUNT("'destination':'/d','type':'tmpfs','options':['ridmap']") NS(""), "only bind mounts"},
        {ROOT MOUNT("'destination':'/proc','type':'tmpfs'") NS(""), "mount /proc: type tmpfs"},
        {ROOT MOUNT("'destination':'/proc/sys','type':'bind','source':'/s'") NS(""), "inside /proc"},
        {ROOT MOUNT("'destination':'/x/../proc/self','type':'tmpfs'") NS(""), "inside /proc"},
        {ROOT MOUNT("'destination':'/x/..','type':'tmpfs'") NS(""), "mount /: the container's root"},
        {ROOT MOUNT("'destination':'/d','type':'overlay'") NS(""), "lowerdir="},
        {ROOT NS(",'rootfsPropagation':'shared','mountLabel':'a:b:c'"), "no SELinux"},
        {ROOT NS(",'maskedPaths':['proc']"), "linux.maskedPaths[0]"},
        {ROOT NS(",'devices':[{'path':'x','type':'c','major':1,'minor':1}]"), "linux.devices[0]"},
        {"'annotations':{'org.cofferdam.rootfs.lower':'relative'}," NS(""), "not an absolute path"},
        {"'annotations':{'org.cofferdam.rootfs.lower':'/l','org.cofferdam.rootfs.upper':'/u'}," NS(""),
         "needs a work directory"},
        {ROOT "'annotations':{'org.cofferdam.rootfs.idmap':'maybe'}," USER_NS(""), "\"maybe\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct planned p = plan(&root_host, cases[i].json);
        if (p.result >= 0 || p.err.layer != LAYER_ROOTFS || strstr(p.err.text, cases[i].text) == NULL)
            fail_msg("%s: %d %s", cases[i].json, p.result, p.err.text);
        planned_free(&p);
    }
    struct host old = root_host;
    old.kernel_major = 5;
    old.kernel_minor = 11;
    struct planned p = plan(&old, ROOT NS(""));
    assert_int_equal(p.result, -ENOSYS);
    assert_non_null(strstr(p.err.text, "5.12"));
    planned_free(&p);
    p = plan(&user_host, ROOT MOUNT("'destination':'/d','type':'bind','source':'/s','options':['idmap']")
                             USER_NS(""));
    assert_int_equal(p.result, -EPERM);
    planned_free(&p);
}

/* What a plan does to a tree of one read-write mount and one below it, in the order of mount_setattr(2)'s calls. */
static bool planned_readonly(const struct planned *p, const char *path, bool *ret_below)
{
    uint64_t over = 0, below = 0;
    plan_each(op, &p->plan, LAYER_ROOTFS, STEP_CHILD_ROOTFS) {
        if (op->target == NULL || strcmp(op->target, path) != 0)
            continue;
        if (op->kind == ROOTFS_SEAL || op->kind == ROOTFS_READONLY)
            over = MOUNT_ATTR_RDONLY;
        if (op->kind == ROOTFS_READONLY)
            below = MOUNT_ATTR_RDONLY;
        if (op->kind != ROOTFS_MOUNT)
            continue;
        const struct rootfs_mount *m = op->args;
        const struct rootfs_options *o = &m->options;
        if (m->kind == ROOTFS_FILESYSTEM || m->kind == ROOTFS_OVERLAYFS) {
            over = o->set | o->tree_set;
            continue;
        }
        below = (below & ~o->tree_clear) | o->tree_set;
        over = (over & ~o->clear) | o->set;
        over = (over & ~o->tree_clear) | o->tree_set;
    }
    *ret_below = (below & MOUNT_ATTR_RDONLY) != 0;
    return (over & MOUNT_ATTR_RDONLY) != 0;
}

static void what_is_said_of_a_mount_is_what_is_planned(void **state)
{
    (void)state;
    static const struct {
        const char *mount;
        bool readonly, below;
    } cases[] = {
        {"'type':'bind','source':'/s','options':['ro']", true, false},
        {"'type':'bind','source':'/s','options':['bind','rw']", false, false},
        {"'source':'/s','options':['bind','ro','rw']", false, false},
        {"'source':'/s','options':['bind','rw','ro']", true, false},
        {"'source':'/s','options':['rbind','ro']", true, false},
        {"'source':'/s','options':['rbind','rro']", true, true},
        {"'source':'/s','options':['rbind','ro','rro']", true, true},
        {"'source':'/s','options':['rbind','rro','rw']", true, true},
        {"'source':'/s','options':['rbind','rro','rrw']", false, false},
        {"'type':'rbind','source':'/s','options':['rrw','ro']", false, false},
        {"'source':'/s','options':['bind','nosuid']", false, false},
        {"'type':'tmpfs','options':['ro']", true, false},
        {"'type':'tmpfs','options':['ro','rw']", false, false},
        {"'type':'tmpfs','options':['rro']", true, false},
        {"'type':'tmpfs','options':['rw','size=1m']", false, false},
        {"'type':'sysfs','options':['nosuid','ro']", true, false},
        {"'type':'sysfs','options':['ro','defaults','rw']", false, false},
        {"'source':'/s','options':['bind']},{'destination':'/d/','options':['remount','ro']", true, false},
        {"'source':'/s','options':['bind','ro']},{'destination':'/d','options':['remount','rw']", false, false},
        {"'source':'/s','options':['bind','ro']},{'destination':'/d','options':['remount','nosuid']", true, false},
        {"'source':'/s','options':['rbind']},{'destination':'/d','options':['remount','rro']", true, true},
        {"'source':'/s','options':['bind']},{'destination':'/e','type':'tmpfs','options':['ro']", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char json[512];
        snprintf(json, sizeof json, ROOT "'mounts':[{'destination':'/d',%s}]," NS(""), cases[i].mount);
        struct planned p = plan(&root_host, json);
        bool below = false, readonly = planned_readonly(&p, "/d", &below);
        struct rootfs_mount_meaning said = rootfs_mount_finally(&p.arena, p.config, 0);
        if (p.result != 0 || readonly != cases[i].readonly || said.readonly != readonly)
            fail_msg("%s: planned %d, said %d, should be %d; %s", cases[i].mount, readonly, said.readonly,
                     cases[i].readonly, p.err.text);
        /* Only a recursive bind, or a new attribute for the tree, has anything below. */
        if (said.recursive && (below != cases[i].below || said.readonly_below != below))
            fail_msg("%s: below: planned %d, said %d, should be %d", cases[i].mount, below, said.readonly_below,
                     cases[i].below);
        planned_free(&p);
    }
    struct planned p = plan(&root_host, ROOT MOUNT("'destination':'/d','source':'/s','options':['rbind']")
                                            NS(",'readonlyPaths':['/d/.']"));
    bool below = false;
    assert_true(planned_readonly(&p, "/d", &below) && below);
    assert_true(rootfs_mount_is_readonly(&p.arena, p.config, 0));
    assert_true(rootfs_mount_finally(&p.arena, p.config, 0).readonly_below);
    planned_free(&p);
}

static void mountinfo_is_read_with_its_escapes(void **state)
{
    (void)state;
    char text[] = "36 35 98:0 /mnt1 /a\\040b rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n"
                  "garbage\n"
                  "37 36 0:5 / / ro - overlay overlay rw,lowerdir=/l\\,1:/l2,upperdir=/u\n";
    struct arena a = ARENA_INIT;
    struct mountinfo_entry *e = NULL;
    size_t n = 0;
    assert_int_equal(rootfs_mountinfo_parse(&a, text, &e, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(e[0].path, "/a b");
    assert_string_equal(e[0].optional, "master:1 shared:7");
    assert_int_equal(e[0].parent, 35);
    assert_string_equal(e[1].optional, "");
    assert_true(rootfs_mountinfo_has(e[0].options, "noatime") && !rootfs_mountinfo_has(e[0].options, "atime"));
    assert_string_equal(rootfs_mountinfo_value(&a, e[1].super, "lowerdir"), "/l,1:/l2");
    assert_string_equal(rootfs_mountinfo_value(&a, e[1].super, "upperdir"), "/u");
    assert_null(rootfs_mountinfo_value(&a, e[1].super, "workdir"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_of_the_specification_is_known),
        cmocka_unit_test(the_last_word_about_an_attribute_counts),
        cmocka_unit_test(recursive_words_are_kept_apart_and_the_rest_is_the_file_systems),
        cmocka_unit_test(paths_are_cleaned_as_text),
        cmocka_unit_test(the_whole_plan_of_a_small_container),
        cmocka_unit_test(without_privilege_the_child_opens_what_it_mounts),
        cmocka_unit_test(mapped_layers_wait_for_the_user_namespace),
        cmocka_unit_test(a_volatile_upper_is_mounted_so),
        cmocka_unit_test(many_layers_on_an_old_kernel_take_the_helper),
        cmocka_unit_test(cgroup_mounts_follow_the_host),
        cmocka_unit_test(what_lies_in_our_own_mounts_is_not_looked_up),
        cmocka_unit_test(a_bound_dev_is_left_alone),
        cmocka_unit_test(refusals_name_what_is_wrong),
        cmocka_unit_test(what_is_said_of_a_mount_is_what_is_planned),
        cmocka_unit_test(mountinfo_is_read_with_its_escapes),
    };
    return cmocka_run_group_tests_name("rootfs", tests, NULL, NULL);
}
