/* SPDX-License-Identifier: Apache-2.0 */
/* Flags, image and profile into one document, for hosts that are not here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/spec.h"
#include "layers/layer.h"
#include "layers/sources.h"
#include "oci/table.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct fixture {
    struct arena arena;
    struct host host;
    struct oci_image image;
    struct oci_image_run run;
    struct run_options o;
    const char *profile;
    bool image32;
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture f;
    static char *args[] = {(char *)"/bin/program", NULL};
    f = (struct fixture){
        .arena = ARENA_INIT,
        .host = {.kernel_major = 6, .kernel_minor = 1, .machine = "x86_64", .capabilities = (UINT64_C(1) << 41) - 1,
                 .last_capability = 40, .initial_userns = true, .cgroup = {.mode = CGROUP_MODE_V2}},
        .run = {.entrypoint = {.v = args, .n = 1, .set = true}},
        .profile = "docker",
        .err = ERR_INIT,
    };
    f.image.config = &f.run;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    arena_free(&((struct fixture *)*state)->arena);
    return 0;
}

static int try_build(struct fixture *f, struct oci_config **ret)
{
    struct profile *profile = NULL;
    assert_int_equal(profile_read(&f->arena, NULL, f->profile, &profile, &f->err), 0);
    struct spec_request request = {.options = &f->o, .profile = profile, .host = &f->host, .image = &f->image,
                                   .image_has_32bit = f->image32, .id = ID, .directory = "/store/containers/" ID,
                                   .root = "/store", .state_root = "/store/run"};
    return spec_build(&f->arena, &request, ret, &f->err);
}

static struct oci_config *build(struct fixture *f)
{
    struct oci_config *config = NULL;
    if (try_build(f, &config) < 0)
        fail_msg("%s", f->err.text);
    return config;
}

static void refuse(struct fixture *f, enum layer_id layer, const char *words)
{
    struct oci_config *config = NULL;
    assert_true(try_build(f, &config) < 0);
    assert_null(config);
    assert_int_equal(f->err.layer, layer);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, f->err.text);
}

static void one(struct fixture *f, struct strings *list, const char *value)
{
    *list = (struct strings){0};
    assert_true(strings_add(&f->arena, list, value));
}

static bool has(const struct oci_strs *list, const char *value)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], value))
            return true;
    return false;
}

static const struct oci_mount *mount_at(const struct oci_config *c, const char *destination)
{
    static const struct oci_mount none = {0};
    for (size_t i = 0; i < c->mounts.n; i++)
        if (str_eq(c->mounts.v[i].destination, destination))
            return &c->mounts.v[i];
    return &none;
}

/* The last source line for a path. */
static const char *source(struct fixture *f, const struct oci_config *c, const char *path)
{
    const char *found = NULL;
    size_t n = strlen(path);
    for (const char *p = oci_annotation(c, ANNOTATION_SOURCES); p != NULL && *p != '\0';) {
        if (strncmp(p, path, n) == 0 && p[n] == '\t')
            found = arena_strndup(&f->arena, p + n + 1, strcspn(p + n + 1, "\n"));
        p = strchr(p, '\n');
        p = p != NULL ? p + 1 : NULL;
    }
    return found != NULL ? found : "";
}

static void test_docker(void **state)
{
    struct fixture *f = *state;
    const struct oci_config *c = build(f);
    assert_int_equal(c->process->capabilities->bounding.n, 14);
    assert_int_equal(c->process->capabilities->effective.n, 14);
    assert_int_equal(c->process->capabilities->inheritable.n, 0);
    assert_non_null(c->linux->seccomp);
    assert_string_equal(c->hostname, "0123456789ab");
    assert_int_equal(c->mounts.n, 10); /* Docker's seven, and three files in /etc */
    assert_true(has(&mount_at(c, "/sys")->options, "ro"));
    assert_true(has(&c->linux->masked_paths, "/proc/kcore"));
    assert_true(has(&c->linux->readonly_paths, "/proc/sys"));
    static const char *const fresh[] = {"pid", "network", "mount", "uts", "ipc", "time", "cgroup"};
    for (size_t i = 0; i < ARRAY_LEN(fresh); i++)
        assert_non_null(oci_namespace_find(c, fresh[i]));
    assert_false(oci_has_userns(c));
    assert_null(c->linux->resources->pids);
    assert_null(oci_annotation(c, ANNOTATION_COMPAT32));
    assert_string_equal(oci_annotation(c, ANNOTATION_LANDLOCK), "off");
    assert_string_equal(c->process->cwd, "/");
    assert_true(has(&c->process->env, "HOME=/"));
    assert_true(has(&c->process->env, "HOSTNAME=0123456789ab"));
}

static void test_docker_on_cgroup_v1(void **state)
{
    struct fixture *f = *state;
    f->host.cgroup.mode = CGROUP_MODE_HYBRID;
    assert_null(oci_namespace_find(build(f), "cgroup"));
    f->profile = "default";
    assert_non_null(oci_namespace_find(build(f), "cgroup"));
}

static void test_default(void **state)
{
    struct fixture *f = *state;
    f->profile = "default";
    const struct oci_config *c = build(f);
    assert_int_equal(c->process->capabilities->bounding.n, 11);
    assert_int_equal(c->linux->resources->pids->limit.v, 4096);
    assert_string_equal(oci_annotation(c, ANNOTATION_COMPAT32), "false");
    assert_string_equal(oci_annotation(c, ANNOTATION_LANDLOCK), "auto");
    f->image32 = true;
    assert_null(oci_annotation(build(f), ANNOTATION_COMPAT32));
}

static void test_built_twice_it_is_the_same(void **state)
{
    struct fixture *f = *state;
    CLEANUP_BUF struct buf a = BUF_INIT, b = BUF_INIT;
    oci_config_print(build(f), true, &a);
    oci_config_print(build(f), true, &b);
    assert_string_equal(buf_str(&a), buf_str(&b));
    struct oci_config *again = NULL; /* and a document that any runtime can read */
    assert_int_equal(oci_config_parse(&f->arena, buf_str(&a), a.len, &again, &f->err), 0);
}

static void test_memory(void **state)
{
    struct fixture *f = *state;
    f->o.memory = "64m";
    struct oci_config *c = build(f);
    assert_int_equal(c->linux->resources->memory->limit.v, 64 << 20);
    assert_int_equal(c->linux->resources->memory->swap.v, 128 << 20);
    assert_string_equal(source(f, c, "linux.resources.memory.limit"), "flag --memory 64m");
    f->o.memory_swap = "-1";
    assert_int_equal(build(f)->linux->resources->memory->swap.v, -1);
    f->o.memory_swap = "1k";
    refuse(f, LAYER_CGROUP, "--memory-swap 1k");
    f->o = (struct run_options){.memory = "0"};
    assert_false(build(f)->linux->resources->memory->limit.set);
    f->o = (struct run_options){.memory = "8e"};
    refuse(f, LAYER_CGROUP, "--memory 8e");
    f->o = (struct run_options){.memory = "99999999t"};
    refuse(f, LAYER_CGROUP, "larger");
}

static void test_cpus(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        int64_t quota;
    } good[] = {{"1", 100000}, {"0.5", 50000}, {".25", 25000}, {"0.01", 1000}, {"0.12345678", 12345}, {"1.", 100000}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        f->o.cpus = good[i].text;
        const struct oci_cpu *cpu = build(f)->linux->resources->cpu;
        assert_int_equal(cpu->quota.v, good[i].quota);
        assert_int_equal(cpu->period.v, 100000);
    }
    f->o.cpus = "0.0";
    assert_false(build(f)->linux->resources->cpu->quota.set);
    static const char *const bad[] = {"", ".", "1e3", "-1", "0.001", "1,5", "9999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f->o.cpus = bad[i];
        refuse(f, LAYER_CGROUP, "--cpus");
    }
}

static void test_capabilities(void **state)
{
    struct fixture *f = *state;
    one(f, &f->o.cap_drop, "all");
    one(f, &f->o.cap_add, "cap_chown");
    const struct oci_config *c = build(f);
    assert_int_equal(c->process->capabilities->bounding.n, 1);
    assert_string_equal(c->process->capabilities->bounding.v[0], "CAP_CHOWN");
    assert_string_equal(source(f, c, "process.capabilities[CAP_CHOWN]"), "flag --cap-add cap_chown");
    f->o.user = "1000";
    assert_int_equal(build(f)->process->capabilities->ambient.n, 0); /* Docker's */
    f->profile = "default";
    assert_int_equal(build(f)->process->capabilities->ambient.n, 1);
    assert_int_equal(build(f)->process->capabilities->effective.n, 1);
    f->host.capabilities = 0;
    f->o = (struct run_options){.privileged = true}; /* what the host cannot give is not asked for */
    assert_int_equal(build(f)->process->capabilities->bounding.n, 0);
}

static void test_non_root_is_required(void **state)
{
    struct fixture *f = *state;
    f->profile = "restricted";
    refuse(f, LAYER_CAPABILITIES, "the image says root");
    f->o.user = "0:5";
    refuse(f, LAYER_CAPABILITIES, "--user says root");
    f->o.user = NULL;
    char user[] = "65534";
    f->run.user = user;
    const struct oci_config *c = build(f);
    assert_int_equal(c->process->user->uid.v, 65534);
    assert_true(c->process->no_new_privileges.v);
    assert_true(c->root->readonly.v);
    assert_string_equal(source(f, c, "process.user"), "image");
}

/* User 1000 of such a map is root of the host. */
static void test_no_map_to_the_hosts_root(void **state)
{
    struct fixture *f = *state;
    struct profile *profile = NULL;
    f->o.user = "1000";
    one(f, &f->o.uidmap, "1000:0:1");
    assert_true(oci_has_userns(build(f))); /* docker's profile does not mind */
    f->profile = "restricted";
    refuse(f, LAYER_IDMAP, "--uidmap 1000:0:1: refused, profile restricted locks user_namespace (line ");
    assert_int_equal(profile_parse(&f->arena, NULL, "own", "include = docker\nuser = non-root\n", &profile, &f->err), 0);
    struct spec_request request = {.options = &f->o, .profile = profile, .host = &f->host, .image = &f->image, .id = ID,
                                   .directory = "/store/containers/" ID, .root = "/store", .state_root = "/store/run"};
    struct oci_config *config = NULL;
    assert_int_equal(spec_build(&f->arena, &request, &config, &f->err), -EPERM);
    assert_non_null(strstr(f->err.text, "--uidmap 1000:0:1: maps to root of the host, which profile own"));
    one(f, &f->o.uidmap, "1000:5000:1");
    one(f, &f->o.gidmap, "7:0:1");
    assert_int_equal(spec_build(&f->arena, &request, &config, &f->err), -EPERM);
    assert_non_null(strstr(f->err.text, "--gidmap 7:0:1: maps to root"));
    one(f, &f->o.gidmap, "7:7:1");
    assert_int_equal(spec_build(&f->arena, &request, &config, &f->err), 0);
}

/* Each flag by itself: refused by restricted with the line of its lock, and taken by docker. */
static void test_what_restricted_locks(void **state)
{
    static const struct {
        size_t member;
        const char *value, *key, *flag;
        enum layer_id layer;
    } lists[] = {
        {offsetof(struct run_options, volumes), "/:/v", "mounts", "--volume /:/v", LAYER_ROOTFS},
        {offsetof(struct run_options, mounts), "type=bind,source=/,target=/m", "mounts", "--mount", LAYER_ROOTFS},
        {offsetof(struct run_options, ulimits), "core=1", "rlimits", "--ulimit core=1", LAYER_LIMITS},
        {offsetof(struct run_options, ulimits), "core=0:-1", "rlimits", "--ulimit core=0:-1", LAYER_LIMITS},
        {offsetof(struct run_options, sysctls), "kernel.msgmax=5", "sysctls", "--sysctl kernel.msgmax=5", LAYER_LIMITS},
        {offsetof(struct run_options, sysctls), "net.ipv4.ip_forward=1", "sysctls", "--sysctl", LAYER_LIMITS},
        {offsetof(struct run_options, security_opt), "compat32=yes", "compat32", "--security-opt", LAYER_SECCOMP},
        {offsetof(struct run_options, gidmap), "0:5:5", "user_namespace", "--gidmap 0:5:5", LAYER_IDMAP},
    };
    static const char *const harmless[][2] = {{"sysctls", "net.ipv4.tcp_syncookies=1"}, {"ulimits", "core=0"},
                                              {"ulimits", "nofile=99"}, {"tmpfs", "/t"}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        f->o = (struct run_options){.user = "1000"};
        one(f, (struct strings *)((char *)&f->o + lists[i].member), lists[i].value);
        f->profile = "docker";
        build(f);
        f->profile = "restricted";
        refuse(f, lists[i].layer, lists[i].flag);
        assert_non_null(strstr(f->err.text, arena_printf(&f->arena, "locks %s (line ", lists[i].key)));
    }
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        f->o = (struct run_options){.user = "1000"};
        one(f, harmless[i][0][0] == 's' ? &f->o.sysctls : harmless[i][0][0] == 'u' ? &f->o.ulimits : &f->o.tmpfs,
            harmless[i][1]);
        build(f);
    }
    f->o = (struct run_options){.user = "1000", .read_only = -1};
    refuse(f, LAYER_ROOTFS, "--read-only=false: refused, profile restricted locks read_only_root (line ");
    f->o = (struct run_options){.user = "1000", .network = "ns:/proc/1/ns/net"};
    refuse(f, LAYER_NAMESPACES, "locks namespaces (line ");
    f->o = (struct run_options){.user = "1000", .cgroupns = "ns:/proc/1/ns/cgroup"};
    refuse(f, LAYER_NAMESPACES, "locks namespaces (line ");
    f->o = (struct run_options){.user = "1000", .userns = "ns:/proc/1/ns/user"};
    refuse(f, LAYER_IDMAP, "locks user_namespace (line ");
}

static void test_host_namespaces(void **state)
{
    struct fixture *f = *state;
    f->o.network = "host";
    f->o.pid = "ns:/proc/7/ns/pid";
    f->o.ipc = "host";
    const struct oci_config *c = build(f);
    assert_null(oci_namespace_find(c, "network"));
    const struct oci_namespace *pid = oci_namespace_find(c, "pid");
    assert_true(pid != NULL && pid->path != NULL && str_eq(pid->path, "/proc/7/ns/pid"));
    assert_string_equal(mount_at(c, "/dev/shm")->type, "bind");
    assert_string_equal(mount_at(c, "/dev/mqueue")->source, "/dev/mqueue");
    assert_int_equal(c->linux->sysctl.n, 0); /* the profile's are for a network namespace of its own */
    one(f, &f->o.sysctls, "net.ipv4.ip_forward=1");
    refuse(f, LAYER_NAMESPACES, "net.ipv4.ip_forward=1");
}

static void test_user_namespace(void **state)
{
    struct fixture *f = *state;
    one(f, &f->o.uidmap, "0:100000:1000");
    const struct oci_config *c = build(f);
    assert_true(oci_has_userns(c));
    assert_int_equal(c->linux->uid_mappings.v[0].host_id, 100000);
    assert_int_equal(c->linux->gid_mappings.v[0].size, 1000);
    assert_string_equal(oci_annotation(c, ANNOTATION_ROOTFS_IDMAP), "true");
    for (size_t i = 0; i < c->linux->sysctl.n; i++)
        if (str_eq(c->linux->sysctl.v[i].key, "net.ipv4.ping_group_range"))
            assert_string_equal(c->linux->sysctl.v[i].value, "0 999");
    assert_true(has(&mount_at(c, "/dev/pts")->options, "gid=5"));
    one(f, &f->o.uidmap, "0:100000:1");
    c = build(f);
    assert_false(has(&mount_at(c, "/dev/pts")->options, "gid=5")); /* there is no group 5 */
    static const char *const bad[] = {"0:1", "0:1:0", "x:1:1", "0:-1:1", "0:1:1:1", "4294967295:1:1", "0:1:1 "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        one(f, &f->o.uidmap, bad[i]);
        refuse(f, LAYER_IDMAP, bad[i]);
    }
}

static void test_privileged(void **state)
{
    struct fixture *f = *state;
    f->o.privileged = true;
    const struct oci_config *c = build(f);
    assert_null(c->linux->seccomp);
    assert_int_equal(c->linux->masked_paths.n, 0);
    assert_int_equal(c->process->capabilities->bounding.n, 41);
    assert_false(has(&mount_at(c, "/sys")->options, "ro"));
    assert_true(c->linux->resources->devices.v[0].allow.v);
    one(f, &f->o.security_opt, "seccomp=builtin"); /* said explicitly, it stays */
    assert_non_null(build(f)->linux->seccomp);
}

static void test_environment(void **state)
{
    struct fixture *f = *state;
    static char *env[] = {(char *)"PATH=/image", (char *)"A=image", (char *)"HOSTNAME=image", (char *)"broken", NULL};
    f->run.env = (struct oci_strs){.v = env, .n = 4, .set = true};
    one(f, &f->o.env, "A=flag=more");
    const struct oci_config *c = build(f);
    assert_true(has(&c->process->env, "PATH=/image"));
    assert_true(has(&c->process->env, "A=flag=more"));
    assert_true(has(&c->process->env, "HOSTNAME=image"));
    assert_int_equal(c->process->env.n, 4); /* and HOME; nothing twice, nothing broken */
}

static void test_no_program(void **state)
{
    struct fixture *f = *state;
    f->run.entrypoint = (struct oci_strs){0};
    refuse(f, LAYER_ENGINE, "no program");
    static const char *const args[] = {"one", "two"};
    f->o.args = args;
    f->o.n_args = 2;
    assert_string_equal(build(f)->process->args.v[1], "two");
    assert_null(build(f)->process->args.v[2]);
}

static void test_mount_order_and_replacement(void **state)
{
    struct fixture *f = *state;
    one(f, &f->o.tmpfs, "/a/b/c");
    assert_true(strings_add(&f->arena, &f->o.tmpfs, "/a"));
    assert_true(strings_add(&f->arena, &f->o.tmpfs, "/dev/shm:size=5m"));
    assert_true(strings_add(&f->arena, &f->o.tmpfs, "/a/b//../b/d"));
    const struct oci_config *c = build(f);
    const struct oci_mount *last = &c->mounts.v[c->mounts.n - 1]; /* behind them: /etc/hostname, hosts, resolv.conf */
    assert_string_equal(last[-6].destination, "/a");
    assert_string_equal(last[-5].destination, "/dev/shm");
    assert_string_equal(last[-3].destination, "/a/b/d");
    assert_true(has(&mount_at(c, "/dev/shm")->options, "size=5m"));
    one(f, &f->o.tmpfs, "/dev");
    c = build(f);
    assert_null(mount_at(c, "/dev/pts")->type);
    assert_non_null(mount_at(c, "/proc")->type);
}

/* Stops the walk at the member that the line names; a list's path ends without "[]". */
static int is_member(const char *path, const struct oci_field *field, void *arg)
{
    (void)field;
    const struct source_line *line = arg;
    return strlen(path) == line->path_length && memcmp(path, line->path, line->path_length) == 0;
}

static size_t check_paths(const struct oci_config *c)
{
    struct source_line line;
    size_t n = 0;
    for (const char *cursor = oci_annotation(c, ANNOTATION_SOURCES); source_next(&cursor, &line); n++)
        if (oci_visit(&oci_config_document, is_member, &line) != 1)
            fail_msg("no document has the member %.*s", (int)line.path_length, line.path);
    return n;
}

static void test_every_source_names_a_member(void **state)
{
    struct fixture *f = *state;
    assert_true(check_paths(build(f)) > 40);
    f->profile = "restricted";
    f->run.user = (char *)"1000";
    assert_true(check_paths(build(f)) > 40);
    f->run.user = NULL;
    f->profile = "default";
    f->o = (struct run_options){
        .init = true, .user = "5:5", .workdir = "/w", .entrypoint = "/e", .oom_score_adj = "5", .hostname = "h",
        .domainname = "d", .network = "host", .pid = "host", .ipc = "host", .uts = "private", .cgroupns = "host",
        .timens = "host", .memory = "64m", .memory_swap = "128m", .memory_reservation = "1m",
        .memory_swappiness = "5", .cpus = "1", .cpu_shares = "5", .cpuset_cpus = "0", .cpuset_mems = "0",
        .pids_limit = "5", .blkio_weight = "100", .shm_size = "1m", .cgroup_parent = "/x", .read_only = true,
    };
    static const struct {
        size_t list;
        const char *value;
    } lists[] = {
        {offsetof(struct run_options, annotations), "a.b=c"}, {offsetof(struct run_options, env), "A=b"},
        {offsetof(struct run_options, group_add), "7"}, {offsetof(struct run_options, ulimits), "nofile=5"},
        {offsetof(struct run_options, volumes), "/:/v:ro"}, {offsetof(struct run_options, tmpfs), "/t"},
        {offsetof(struct run_options, mounts), "type=bind,source=/,target=/m"},
        {offsetof(struct run_options, devices), "/dev/null"},
        {offsetof(struct run_options, device_rules), "c 1:3 r"}, {offsetof(struct run_options, cap_add), "SYS_TIME"},
        {offsetof(struct run_options, cap_drop), "CHOWN"}, {offsetof(struct run_options, security_opt), "mask=/x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        one(f, (struct strings *)((char *)&f->o + lists[i].list), lists[i].value);
    one(f, &f->o.uidmap, "0:100000:1000");
    assert_true(check_paths(build(f)) > 70);
    f->o = (struct run_options){.privileged = true};
    assert_true(check_paths(build(f)) > 20);
}

/* What a reader makes of lists whose entries come from many places. */
static void test_sources_of_lists(void **state)
{
    struct fixture *f = *state;
    one(f, &f->o.cap_drop, "CHOWN");
    one(f, &f->o.security_opt, "mask=/x");
    const char *sources = oci_annotation(build(f), ANNOTATION_SOURCES);
    assert_string_equal(source_of(&f->arena, sources, "process.capabilities"),
                        "flag --cap-drop CHOWN; profile docker:10-11");
    assert_string_equal(source_of(&f->arena, sources, "process.capabilities[CAP_CHOWN]"), "flag --cap-drop CHOWN");
    assert_non_null(strstr(source_of(&f->arena, sources, "linux.maskedPaths"), "; flag --security-opt mask=/x"));
    assert_string_equal(source_of(&f->arena, sources, "linux.maskedPaths[/x]"), "flag --security-opt mask=/x");
    assert_true(str_starts(source_of(&f->arena, sources, "linux.readonlyPaths"), "profile docker:"));
    assert_true(str_starts(source_of(&f->arena, sources, "linux.resources.devices"), "profile docker:"));
    assert_null(source_of(&f->arena, sources, "linux.resources.memory.limit"));
    assert_null(source_of(&f->arena, NULL, "mounts"));
    /* Lines that are none, and the last of two. */
    assert_string_equal(source_of(&f->arena, "\n\tx\nnothing\na\tb\na\tc", "a"), "c");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_docker),
        TEST(test_docker_on_cgroup_v1),
        TEST(test_default),
        TEST(test_built_twice_it_is_the_same),
        TEST(test_memory),
        TEST(test_cpus),
        TEST(test_capabilities),
        TEST(test_non_root_is_required),
        TEST(test_no_map_to_the_hosts_root),
        TEST(test_what_restricted_locks),
        TEST(test_host_namespaces),
        TEST(test_user_namespace),
        TEST(test_privileged),
        TEST(test_environment),
        TEST(test_no_program),
        TEST(test_mount_order_and_replacement),
        TEST(test_every_source_names_a_member),
        TEST(test_sources_of_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
