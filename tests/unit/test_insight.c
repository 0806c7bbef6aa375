/* SPDX-License-Identifier: Apache-2.0 */
/* Explain: facts from a configuration, from an observation, and from both; their text and JSON. Pure: nothing is run. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "insight/explain.h"
#include "insight/facts.h"
#include "layers/layer.h"

static struct host test_host(void)
{
    return (struct host){.kernel_major = 6, .kernel_minor = 1, .machine = "x86_64", .capabilities = ~UINT64_C(0),
                         .last_capability = 40, .initial_userns = true, .landlock_abi = 4,
                         .cgroup = {.mode = CGROUP_MODE_V2, .v2_mount = (char *)(uintptr_t)"/sys/fs/cgroup",
                                    .v2_own = (char *)(uintptr_t)"/", .v2_controllers = 0xfff}};
}

static struct oci_config *parse(struct arena *a, const char *json)
{
    struct oci_config *c = NULL;
    struct err err = ERR_INIT;
    if (oci_config_parse(a, json, strlen(json), &c, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

static struct explanation *explained(struct arena *a, const char *wanted, const char *observed)
{
    static struct host host;
    host = test_host();
    struct explanation *e = NULL;
    struct err err = ERR_INIT;
    struct explain_input input = {.subject = "a test", .host = &host,
                                  .config = wanted != NULL ? parse(a, wanted) : NULL,
                                  .observed = observed != NULL ? parse(a, observed) : NULL,
                                  .pid = observed != NULL ? 4711 : 0, .bundle = "/bundle"};
    if (explain_make(a, &input, &e, &err) < 0)
        fail_msg("%s", err.text);
    return e;
}

static const struct fact *find(const struct explanation *e, enum layer_id l, const char *subject)
{
    for (const struct fact *f = e->walls[l].first; f != NULL; f = f->next)
        if (str_eq(f->subject, subject))
            return f;
    return NULL;
}

static const struct fact *get(const struct explanation *e, enum layer_id l, const char *subject)
{
    const struct fact *f = find(e, l, subject);
    if (f == NULL)
        fail_msg("%s has no fact \"%s\"", layer_name(l), subject);
    return f;
}

#define HEAD "{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"rootfs\"}, "
#define NAMESPACES                                                                                             \
    "\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"mount\"}, {\"type\": \"uts\"}, {\"type\": \"ipc\"}," \
    "{\"type\": \"cgroup\"}, {\"type\": \"network\"}]"
#define PROCESS(more) "\"process\": {\"args\": [\"/bin/x\"], \"cwd\": \"/\", \"user\": {\"uid\": 0, \"gid\": 0}" more "}"
#define CONTAINER(process, linux) HEAD PROCESS(process) ", \"linux\": {" NAMESPACES linux "}}"

static void namespaces_own_and_shared(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(&a, CONTAINER("", ""), NULL);
    assert_int_equal(get(e, LAYER_NAMESPACES, "pid namespace")->state, FACT_HOLDS);
    assert_int_equal(get(e, LAYER_NAMESPACES, "user namespace")->state, FACT_OPEN);
    assert_int_equal(get(e, LAYER_NAMESPACES, "time namespace")->state, FACT_PARTIAL);
    assert_int_equal(e->walls[LAYER_NAMESPACES].state, FACT_PARTIAL);
    assert_int_equal(e->view, EXPLAIN_PLAN);
    assert_false(get(e, LAYER_NAMESPACES, "pid namespace")->verified);
}

static void process_of_the_host_is_open(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(
        &a, NULL, "{\"ociVersion\": \"1.3.0\", \"process\": {\"cwd\": \"/\", \"user\": {\"uid\": 0, \"gid\": 0}},"
                  "\"linux\": {\"namespaces\": []}, \"annotations\": {\"" ANNOTATION_OBSERVED_SECCOMP
                  "\": \"disabled\"}}");
    assert_int_equal(e->walls[LAYER_NAMESPACES].state, FACT_OPEN);
    assert_int_equal(e->walls[LAYER_SECCOMP].state, FACT_OPEN);
    assert_int_equal(e->walls[LAYER_ROOTFS].state, FACT_OPEN);
    assert_string_equal(get(e, LAYER_ROOTFS, "root")->detail, "the host's");
    assert_int_equal(get(e, LAYER_IDMAP, "user")->state, FACT_OPEN);
    /* What was not in the observation is not known, and so neither holds nor is open. */
    assert_int_equal(get(e, LAYER_CGROUP, "memory")->state, FACT_UNKNOWN);
    assert_int_equal(get(e, LAYER_MAC, "landlock")->state, FACT_UNKNOWN);
}

static void limits_of_the_group(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(&a,
                                      CONTAINER("", ", \"resources\": {\"memory\": {\"limit\": 536870912}, \"cpu\": "
                                                    "{\"quota\": 150000, \"period\": 100000}, \"pids\": {\"limit\": 7}}"),
                                      NULL);
    assert_string_equal(get(e, LAYER_CGROUP, "memory")->detail, "512 MiB");
    assert_non_null(strstr(get(e, LAYER_CGROUP, "cpu time")->detail, "1.5 CPUs"));
    assert_string_equal(get(e, LAYER_CGROUP, "processes")->detail, "at most 7");
    assert_int_equal(get(e, LAYER_CGROUP, "block I/O")->state, FACT_OPEN);
    assert_int_equal(get(e, LAYER_CGROUP, "devices")->state, FACT_HOLDS);
    e = explained(&a, CONTAINER("", ", \"resources\": {\"devices\": [{\"allow\": true, \"access\": \"rwm\"}]}"), NULL);
    assert_int_equal(get(e, LAYER_CGROUP, "devices")->state, FACT_OPEN);
    assert_int_equal(get(e, LAYER_CGROUP, "memory")->state, FACT_OPEN);
}

static void wanted_and_not_in_force(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    const char *wanted = CONTAINER(", \"noNewPrivileges\": true",
                                   ", \"resources\": {\"memory\": {\"limit\": 1048576}, \"pids\": {\"limit\": 9}}");
    const char *in_force = CONTAINER(", \"noNewPrivileges\": false", ", \"resources\": {\"memory\": {\"limit\": -1}, \"pids\": {\"limit\": 9}}");
    struct explanation *e = explained(&a, wanted, in_force);
    assert_int_equal(e->view, EXPLAIN_BOTH);
    const struct fact *memory = get(e, LAYER_CGROUP, "memory");
    assert_int_equal(memory->state, FACT_OPEN);
    assert_string_equal(memory->detail, "no limit");
    assert_string_equal(memory->wanted, "1 MiB");
    assert_string_equal(get(e, LAYER_CAPABILITIES, "no_new_privs")->wanted, "set");
    assert_null(get(e, LAYER_CGROUP, "processes")->wanted);
    assert_int_equal(e->differences, 2);
    /* The same on both sides: nothing differs. */
    e = explained(&a, wanted, wanted);
    assert_int_equal(e->differences, 0);
}

static void shares_on_v2_are_no_difference(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(&a, CONTAINER("", ", \"resources\": {\"cpu\": {\"shares\": 512}}"),
                                      CONTAINER("", ", \"resources\": {\"cpu\": {\"shares\": 509, \"quota\": -1}}"));
    assert_null(get(e, LAYER_CGROUP, "cpu share")->wanted);
}

#define CAPS(sets) ", \"capabilities\": {" sets "}"

static void capabilities_are_those_after_exec(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    /* Root regains its bounding set at exec, whatever the document's effective set says. */
    struct explanation *e = explained(
        &a, CONTAINER(CAPS("\"bounding\": [\"CAP_SYS_ADMIN\"], \"effective\": [], \"permitted\": []"), ""), NULL);
    assert_int_equal(get(e, LAYER_CAPABILITIES, "CAP_SYS_ADMIN")->state, FACT_OPEN);
    assert_int_equal(get(e, LAYER_CAPABILITIES, "effective")->state, FACT_PARTIAL);
    /* no_new_privs holds it to what is permitted. */
    e = explained(&a,
                  CONTAINER(CAPS("\"bounding\": [\"CAP_SYS_ADMIN\"], \"effective\": [], \"permitted\": []")
                            ", \"noNewPrivileges\": true", ""),
                  NULL);
    assert_string_equal(get(e, LAYER_CAPABILITIES, "effective")->detail, "none");
    assert_null(find(e, LAYER_CAPABILITIES, "CAP_SYS_ADMIN"));
    /* Another user than root keeps the ambient set alone. */
    const char *user = HEAD "\"process\": {\"args\": [\"/x\"], \"cwd\": \"/\", \"user\": {\"uid\": 5, \"gid\": 5}"
                            CAPS("\"bounding\": [\"CAP_KILL\"], \"effective\": [\"CAP_KILL\"], \"permitted\": "
                                 "[\"CAP_KILL\"]") "}, \"linux\": {" NAMESPACES "}}";
    e = explained(&a, user, NULL);
    assert_string_equal(get(e, LAYER_CAPABILITIES, "effective")->detail, "none");
}

static void user_namespace_and_its_map(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    const char *json = HEAD PROCESS("") ", \"linux\": {\"namespaces\": [{\"type\": \"user\"}, {\"type\": \"mount\"}], "
        "\"uidMappings\": [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}],"
        "\"gidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1}]}}";
    struct explanation *e = explained(&a, json, NULL);
    assert_string_equal(get(e, LAYER_IDMAP, "user ids")->detail, "0-65535 are the host's 100000-165535");
    assert_int_equal(get(e, LAYER_IDMAP, "user ids")->state, FACT_HOLDS);
    assert_int_equal(get(e, LAYER_IDMAP, "group ids")->state, FACT_PARTIAL);
    assert_string_equal(get(e, LAYER_IDMAP, "user")->detail, "uid 0, on the host uid 100000");
    assert_int_equal(get(e, LAYER_IDMAP, "user")->state, FACT_HOLDS);
}

static void sensitive_mounts(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(
        &a, HEAD PROCESS("") ", \"mounts\": [{\"destination\": \"/s\", \"type\": \"bind\", \"source\": "
            "\"/var/run/docker.sock\", \"options\": [\"ro\", \"bind\"]}, {\"destination\": \"/d\", \"source\": \"/srv/data\", "
            "\"options\": [\"rbind\", \"ro\"]}, {\"destination\": \"/e\", \"source\": \"/etc/x\", \"options\": [\"bind\"]}],"
            "\"linux\": {" NAMESPACES "}}", NULL);
    assert_int_equal(get(e, LAYER_ROOTFS, "/s")->state, FACT_OPEN); /* a socket works through a read-only mount */
    assert_int_equal(get(e, LAYER_ROOTFS, "/d")->state, FACT_PARTIAL); /* what is mounted below stays writable */
    assert_int_equal(get(e, LAYER_ROOTFS, "/e")->state, FACT_OPEN);
    /* Without /proc and /sys there is nothing to cover. */
    assert_int_equal(get(e, LAYER_ROOTFS, "masked paths")->state, FACT_HOLDS);
    e = explained(
        &a, HEAD PROCESS("") ", \"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\"}, {\"destination\": \"/d\", "
            "\"source\": \"/srv/data\", \"options\": [\"rbind\", \"rro\"]}], \"linux\": {" NAMESPACES "}}", NULL);
    assert_int_equal(get(e, LAYER_ROOTFS, "masked paths")->state, FACT_OPEN);
    assert_int_equal(get(e, LAYER_ROOTFS, "/d")->state, FACT_HOLDS);
}

static void sources_of_settings(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(
        &a, HEAD PROCESS(", \"noNewPrivileges\": true") ", \"annotations\": {\"" ANNOTATION_SOURCES
            "\": \"linux.namespaces\\tprofile docker:7\\nlinux.namespaces[pid]\\tprofile docker:9\\n"
            "process.noNewPrivileges\\tprofile docker:1\\nprocess.noNewPrivileges\\tflag --security-opt\\n\"}, "
            "\"linux\": {" NAMESPACES "}}", NULL);
    assert_string_equal(get(e, LAYER_NAMESPACES, "pid namespace")->source, "profile docker:9");
    assert_string_equal(get(e, LAYER_NAMESPACES, "uts namespace")->source, "profile docker:7");
    assert_string_equal(get(e, LAYER_CAPABILITIES, "no_new_privs")->source, "flag --security-opt"); /* the last counts */
    assert_null(get(e, LAYER_CGROUP, "memory")->source);
    /* The sources of a list's entries, lines of one profile together. */
    const struct oci_config *c = parse(
        &a, HEAD PROCESS("") ", \"annotations\": {\"" ANNOTATION_SOURCES
            "\": \"x[a]\\tprofile docker:7\\nx[b]\\tprofile docker:9\\nx[c]\\tflag --y c\\nx[d]\\tprofile docker:8\\n"
            "xy[z]\\tflag --no\\nx\\tflag --whole\\n\"}, \"linux\": {" NAMESPACES "}}");
    assert_string_equal(fact_source(&a, c, "x"), "profile docker:7-9; flag --y c; flag --whole");
    assert_string_equal(fact_source(&a, c, "x[other]"), "flag --whole");
    assert_null(fact_source(&a, c, "y"));
}

static void refusals_stand_in_their_wall(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(
        &a, HEAD PROCESS(", \"apparmorProfile\": \"x\"") ", \"linux\": {\"namespaces\": [{\"type\": \"pid\"}]}}", NULL);
    assert_non_null(e->walls[LAYER_NAMESPACES].refusal); /* no mount namespace */
    assert_non_null(e->walls[LAYER_MAC].refusal);        /* this host has no AppArmor */
    assert_null(e->walls[LAYER_LIMITS].refusal);
}

static void untrusted_text_is_cleaned(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    assert_string_equal(fact_clean(&a, "plain \xc3\xa4"), "plain \xc3\xa4");
    assert_string_equal(fact_clean(&a, "\033[2J\n\x7f"), "\\x1b[2J\\x0a\\x7f");
    assert_string_equal(fact_clean(&a, "\xff\xc0\xaf"), "\\xff\\xc0\\xaf");
    assert_string_equal(fact_clean(&a, "\xe2\x80\xae" "x"), "\\xe2\\x80\\xaex"); /* right-to-left override */
    assert_string_equal(fact_clean(&a, "\xed\xa0\x80"), "\\xed\\xa0\\x80");      /* a surrogate */
    assert_null(fact_clean(&a, NULL));
}

static unsigned widest(const char *text)
{
    unsigned most = 0, now = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            now = 0;
        else if (((unsigned char)*text & 0xc0) != 0x80 && ++now > most)
            most = now;
    }
    return most;
}

static void text_fits_and_is_ascii_when_asked(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(&a, CONTAINER("", ""), NULL);
    const unsigned widths[] = {60, 80, 100, 120};
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        CLEANUP_BUF struct buf out = BUF_INIT;
        explain_text(e, &(struct explain_style){.utf8 = true, .width = widths[i]}, &out);
        assert_true(widest(buf_str(&out)) <= widths[i]);
        assert_null(strchr(buf_str(&out), '\033'));
    }
    CLEANUP_BUF struct buf ascii = BUF_INIT;
    explain_text(e, &(struct explain_style){.utf8 = false, .width = 80}, &ascii);
    for (const char *p = buf_str(&ascii); *p != '\0'; p++)
        assert_true((unsigned char)*p < 0x80);
    /* From the kernel, at the bottom, up to the process: the walls in the order of the stack. */
    const char *seccomp = strstr(buf_str(&ascii), "- seccomp"), *namespaces = strstr(buf_str(&ascii), "- namespaces");
    const char *kernel = strstr(buf_str(&ascii), "- the kernel, Linux 6.1");
    assert_true(seccomp != NULL && namespaces != NULL && kernel != NULL);
    assert_true(seccomp < namespaces && namespaces < kernel);
}

static void json_form(void **state UNUSED)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct explanation *e = explained(
        &a, CONTAINER("", ""),
        CONTAINER(", \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 1, \"hard\": 2}]", ""));
    CLEANUP_BUF struct buf out = BUF_INIT;
    explain_json(e, &out);
    struct json_object *o = json_tokener_parse(buf_str(&out));
    assert_non_null(o);
    struct json_object *walls = json_object_object_get(o, "walls"), *wall = NULL;
    assert_string_equal(json_object_get_string(json_object_object_get(o, "view")), "both");
    assert_int_equal(json_object_get_int(json_object_object_get(o, "pid")), 4711);
    assert_int_equal(json_object_array_length(walls), LAYER_WALLS);
    for (size_t i = 0; i < LAYER_WALLS; i++) {
        wall = json_object_array_get_idx(walls, i);
        assert_string_equal(json_object_get_string(json_object_object_get(wall, "name")),
                            layer_name((enum layer_id)i));
        assert_true(json_object_array_length(json_object_object_get(wall, "facts")) > 0);
    }
    json_object_put(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(namespaces_own_and_shared),
        cmocka_unit_test(process_of_the_host_is_open),
        cmocka_unit_test(limits_of_the_group),
        cmocka_unit_test(wanted_and_not_in_force),
        cmocka_unit_test(shares_on_v2_are_no_difference),
        cmocka_unit_test(capabilities_are_those_after_exec),
        cmocka_unit_test(user_namespace_and_its_map),
        cmocka_unit_test(sensitive_mounts),
        cmocka_unit_test(sources_of_settings),
        cmocka_unit_test(refusals_stand_in_their_wall),
        cmocka_unit_test(untrusted_text_is_cleaned),
        cmocka_unit_test(text_fits_and_is_ascii_when_asked),
        cmocka_unit_test(json_form),
    };
    return cmocka_run_group_tests_name("insight", tests, NULL, NULL);
}
