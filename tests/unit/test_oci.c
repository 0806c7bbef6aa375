/* SPDX-License-Identifier: Apache-2.0 */
/* The OCI documents: good ones are read and printed back without loss, bad ones refused with the place of the fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "oci/config.h"
#include "oci/features.h"
#include "oci/image_spec.h"
#include "oci/state.h"
#include "oci/table.h"
#include "oci/version.h"

#define SPEC TEST_DATA "/oci-schema/test/"

static const struct {
    const char *name;
    const struct oci_document *document;
} documents[] = {
    {"config", &oci_config_document},     {"state", &oci_state_document}, {"features", &oci_features_document},
    {"index", &oci_index_document},       {"image", &oci_image_document}, {"manifest", &oci_manifest_document},
    {"process", &oci_process_document},   {"layout", &oci_layout_document},
    {"resources", &oci_resources_document}, {"seccomp", &oci_seccomp_document},
};

/* By the first word: "config" of "config-docker.json" and of "config". */
static const struct oci_document *document_of(const char *name)
{
    size_t n = strcspn(name, "-.");
    for (size_t i = 0; i < ARRAY_LEN(documents); i++)
        if (strlen(documents[i].name) == n && memcmp(documents[i].name, name, n) == 0)
            return documents[i].document;
    fail_msg("%s: what document is this?", name);
    return NULL;
}

static struct json_object *tree(const char *json)
{
    struct json_tokener *tok = json_tokener_new();
    assert_non_null(tok);
    struct json_object *o = json_tokener_parse_ex(tok, json, (int)strlen(json) + 1);
    if (json_tokener_get_error(tok) != json_tokener_success)
        fail_msg("not JSON: %s", json);
    json_tokener_free(tok);
    return o;
}

/* Read the file and require that both printed forms are equal to it. */
static void check_good(const struct oci_document *document, const char *path)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *value = NULL;
    char *text = NULL;
    if (oci_parse_file(&a, document, AT_FDCWD, path, &value, &err) != 0)
        fail_msg("refused: %s", err.text);
    assert_int_equal(file_read(&a, AT_FDCWD, path, 1 << 24, &text, NULL), 0);
    struct json_object *want = tree(text);
    for (int pretty = 0; pretty < 2; pretty++) {
        CLEANUP_BUF struct buf b = BUF_INIT;
        oci_print(document, value, pretty, &b);
        assert_false(b.failed);
        assert_true(pretty || strchr(buf_str(&b), '\n') == NULL);
        struct json_object *have = tree(buf_str(&b));
        if (!json_object_equal(want, have))
            fail_msg("%s: printed as another document:\n%s", path, buf_str(&b));
        json_object_put(have);
    }
    json_object_put(want);
}

static size_t for_each_json(const char *dir, void (*visit)(const char *dir, const char *name))
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e = NULL; (e = readdir(d)) != NULL;)
        if (strlen(e->d_name) > 5 && str_eq(e->d_name + strlen(e->d_name) - 5, ".json")) {
            visit(dir, e->d_name);
            n++;
        }
    closedir(d);
    return n;
}

static void visit_good(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    const char *kind = strstr(dir, "/features/") != NULL ? "features" : strstr(dir, "/state/") != NULL ? "state" : "";
    check_good(document_of(strstr(dir, "oci-schema") == NULL ? name : kind[0] != '\0' ? kind : "config"), path);
}

static void good_documents_pass_and_print_back(UNUSED void **state)
{
    assert_int_equal(for_each_json(SPEC "config/good", visit_good), 9);
    assert_int_equal(for_each_json(SPEC "features/good", visit_good), 2);
    assert_int_equal(for_each_json(SPEC "state/good", visit_good), 1);
    assert_true(for_each_json(TEST_DATA "/oci/good", visit_good) >= 20);
}

static const struct {
    const char *name, *want;
} bad_documents[] = {
    {"config/freebsd-vnet-disable.json", "freebsd.jail.vnet: \"disable\" is not one of new, inherit"},
    {"config/invalid-json.json", "not JSON at line 1, column 2: expected a member's name in quotes"},
    {"config/linux-hugepage.json", "linux.resources.hugepageLimits[0].pageSize: \"64kB\" is not of the form 2MB, 1GB "
                                   "([1-9][0-9]*[KMG]B)"},
    {"config/linux-netdevice.json", "linux.netDevices.eth0.name: expected a string, found 23"},
    {"config/linux-rdma.json", "linux.resources.rdma.mlx5_1.hcaHandles: expected a whole number from 0 to 4294967295, "
                               "found \"not a uint32\""},
    {"features/missing-ociVersionMax.json", "ociVersionMax: missing, but required"},
    {"state/invalid-json.json", "not JSON at line 1, column 2: expected a member's name in quotes"},
};

static void visit_bad(const char *dir, const char *name)
{
    const char *kind = strstr(dir, "/config/") != NULL     ? "config"
                       : strstr(dir, "/features/") != NULL ? "features"
                                                           : "state";
    char path[4096], key[300], want[4600] = "";
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(key, sizeof key, "%s/%s", kind, name);
    for (size_t i = 0; i < ARRAY_LEN(bad_documents); i++)
        if (str_eq(bad_documents[i].name, key))
            snprintf(want, sizeof want, "%s: %s", path, bad_documents[i].want);
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *value = NULL;
    assert_int_equal(oci_parse_file(&a, document_of(kind), AT_FDCWD, path, &value, &err), -EINVAL);
    assert_null(value);
    assert_int_equal(err.code, -EINVAL);
    assert_int_equal(err.layer, LAYER_CONFIG);
    assert_string_equal(err.text, want);
}

static void bad_documents_are_refused_by_path(UNUSED void **state)
{
    size_t n = for_each_json(SPEC "config/bad", visit_bad) + for_each_json(SPEC "features/bad", visit_bad) +
               for_each_json(SPEC "state/bad", visit_bad);
    assert_int_equal(n, ARRAY_LEN(bad_documents));
}

#define V "\"ociVersion\":\"1.0.0\""
#define D "\"mediaType\":\"a/b\",\"size\":0,\"digest\":"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGITS50 "01234567890123456789012345678901234567890123456789"
#define NOT_JSON "not JSON at line 1, column "
#define FORM_DIGEST " is not of the form sha256:<64 hex digits> or sha512:<128 hex digits>, in lower case"

/* One fault each: every kind of member and every rule of the tables. */
static const struct {
    const char *document, *json, *want;
} faults[] = {
    /* the text */
    {"config", "", NOT_JSON "1: there is nothing"},
    {"config", " \n", "not JSON at line 2, column 1: there is nothing"},
    {"config", "{" V, NOT_JSON "22: the text ends too early"},
    {"config", "null", "the document is not an object ({...})"},
    {"config", "[]", "the document is not an object ({...})"},
    {"config", "{" V "} x", NOT_JSON "24: neither a value nor punctuation"},
    {"config", "{" V "}{}", NOT_JSON "23: something follows the document"},
    {"config", "{" V ",}", NOT_JSON "23: expected a member's name in quotes"},
    {"config", "{\"a\":[1,]}", NOT_JSON "9: expected a value"},
    {"config", "{\"a\":[,1]}", NOT_JSON "7: expected a value"},
    {"config", "{\"a\":[1 2]}", NOT_JSON "9: expected ',' or ']'"},
    {"config", "{\"a\":[1}}", NOT_JSON "8: expected ',' or ']'"},
    {"config", "{\"a\":1]}", NOT_JSON "7: expected ',' or '}'"},
    {"config", "{\"a\"}", NOT_JSON "5: expected ':'"},
    {"config", "{\"a\":}", NOT_JSON "6: expected a value"},
    {"config", "{1:2}", NOT_JSON "2: expected a member's name in quotes"},
    {"config", "{\"a\" \"b\"}", NOT_JSON "6: expected ':'"},
    {"config", "{'ociVersion':1}", NOT_JSON "2: neither a value nor punctuation"},
    {"config", "{\n \"a\": /* c */ 1}", "not JSON at line 2, column 7: neither a value nor punctuation"},
    {"config", "{\"a\":NaN}", NOT_JSON "6: neither a value nor punctuation"},
    {"config", "{\"a\":True}", NOT_JSON "6: neither a value nor punctuation"},
    {"config", "{\"a\":01}", NOT_JSON "6: a malformed number"},
    {"config", "{\"a\":1.}", NOT_JSON "6: a malformed number"},
    {"config", "{\"a\":-}", NOT_JSON "6: a malformed number"},
    {"config", "{\"a\":1e}", NOT_JSON "6: a malformed number"},
    {"config", "{\"a\":18446744073709551616}", NOT_JSON "6: a whole number beyond 64 bits"},
    {"config", "{\"a\":-9223372036854775809}", NOT_JSON "6: a whole number beyond 64 bits"},
    {"config", "{\"a\":\"\n\"}", NOT_JSON "7: a control character in a string"},
    {"config", "{\"a\":\"\\x\"}", NOT_JSON "7: an unknown escape in a string"},
    {"config", "{\"a\":\"\\u12g4\"}", NOT_JSON "7: \\u without four hex digits"},
    {"config", "{\"a\":\"b\\u0000c\"}", NOT_JSON "8: \\u0000 in a string, which no string of this document may hold"},
    {"config", "{\"a\":\"b", NOT_JSON "8: the text ends within a string"},
    {"config", "{" V "," V "}", NOT_JSON "23: the member \"ociVersion\" is given twice"},
    {"config", "{" V ",\"x\":[{\"a\":{\"b\":1,\"c\":2,\"b\":3}}]}", NOT_JSON "46: the member \"b\" is given twice"},
    {"config", "{" V ",\"\\u006fciVersion\":\"1.0.0\"}",
     NOT_JSON "23: the member \"ociVersion\" is given twice"},
    /* required members, kinds */
    {"config", "{}", "ociVersion: missing, but required"},
    {"config", "{\"ociVersion\":null}", "ociVersion: missing, but required"},
    {"config", "{\"ociVersion\":1}", "ociVersion: expected a string, found 1"},
    {"config", "{\"ociVersion\":\"1.0\"}", "ociVersion: \"1.0\" is not of the form 1.2.0 (a semantic version)"},
    {"config", "{" V ",\"process\":{}}", "process.cwd: missing, but required"},
    {"config", "{" V ",\"process\":[]}", "process: expected an object, found an array"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"terminal\":\"yes\"}}",
     "process.terminal: expected true or false, found \"yes\""},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"terminal\":0}}",
     "process.terminal: expected true or false, found 0"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"args\":\"sh\"}}",
     "process.args: expected an array of strings, found \"sh\""},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"args\":[\"sh\",null]}}",
     "process.args[1]: expected a string, found null"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"consoleSize\":{\"height\":1}}}",
     "process.consoleSize.width: missing, but required"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"additionalGids\":[1,4294967296]}}}",
     "process.user.additionalGids[1]: expected a whole number from 0 to 4294967295, found 4294967296"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":-1}}}",
     "process.user.uid: expected a whole number from 0 to 4294967295, found -1"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":1.0}}}",
     "process.user.uid: expected a whole number from 0 to 4294967295, found 1.0"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"oomScoreAdj\":9223372036854775808}}",
     "process.oomScoreAdj: expected a whole number from -9223372036854775808 to 9223372036854775807, "
     "found 9223372036854775808"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1}]}}",
     "process.rlimits[0].type: \"NOFILE\" is not of the form RLIMIT_NOFILE (RLIMIT_[A-Z]+)"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1}]}}",
     "process.rlimits[0].hard: missing, but required"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"scheduler\":{\"policy\":\"SCHED_RR\",\"flags\":[\"X\"]}}}",
     "process.scheduler.flags[0]: \"X\" is not one of SCHED_FLAG_RESET_ON_FORK, SCHED_FLAG_RECLAIM, "
     "SCHED_FLAG_DL_OVERRUN, SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_UTIL_CLAMP_MIN, "
     "SCHED_FLAG_UTIL_CLAMP_MAX"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"scheduler\":{\"policy\":\"SCHED_RR\",\"nice\":-2147483649}}}",
     "process.scheduler.nice: expected a whole number from -2147483648 to 2147483647, found -2147483649"},
    {"config", "{" V ",\"hooks\":{\"poststop\":[{\"path\":\"/x\",\"timeout\":0}]}}",
     "hooks.poststop[0].timeout: expected a whole number from 1 to 9223372036854775807, found 0"},
    {"config", "{" V ",\"mounts\":[null]}", "mounts[0]: expected an object, found null"},
    {"config", "{" V ",\"annotations\":{\"a.b\":1}}", "annotations[\"a.b\"]: expected a string, found 1"},
    {"config", "{" V ",\"annotations\":[]}", "annotations: expected an object of strings, found an array"},
    {"config", "{" V ",\"linux\":{\"netDevices\":{\"e\":null}}}",
     "linux.netDevices.e: expected an object, found null"},
    {"config", "{" V ",\"linux\":{\"namespaces\":[{\"type\":\"net\"}]}}",
     "linux.namespaces[0].type: \"net\" is not one of pid, network, mount, ipc, uts, user, cgroup, time"},
    {"config", "{" V ",\"linux\":{\"devices\":[{\"path\":\"/d\",\"type\":\"x\"}]}}",
     "linux.devices[0].type: \"x\" is not of the form c, b, u or p"},
    {"config", "{" V ",\"linux\":{\"resources\":{\"blockIO\":{\"weight\":65536}}}}",
     "linux.resources.blockIO.weight: expected a whole number from 0 to 65535, found 65536"},
    {"config", "{" V ",\"linux\":{\"resources\":{\"devices\":[{}]}}}",
     "linux.resources.devices[0].allow: missing, but required"},
    {"config", "{" V ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[],"
               "\"action\":\"SCMP_ACT_KILL\"}]}}}",
     "linux.seccomp.syscalls[0].names: expected an array of strings with at least 1 of them, found 0"},
    {"config", "{" V ",\"linux\":{\"intelRdt\":{\"memBwSchema\":\"L3:0\"}}}",
     "linux.intelRdt.memBwSchema: \"L3:0\" is not of the form MB:0=20;1=70 (MB: and one line)"},
    {"config", "{" V ",\"process\":{\"cwd\":\"/\",\"execCPUAffinity\":{\"final\":\"a\"}}}",
     "process.execCPUAffinity.final: \"a\" is not of the form 0-3,7 ([0-9, -]*)"},
    {"config", "{" V ",\"vm\":{}}", "vm.kernel: missing, but required"},
    {"config", "{" V ",\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwConfig\":{\"irqs\":[-1]}}}",
     "vm.hwConfig.irqs[0]: expected a whole number from 0 to 4294967295, found -1"},
    {"config", "{" V ",\"zos\":{\"namespaces\":[{\"type\":\"user\"}]}}",
     "zos.namespaces[0].type: \"user\" is not one of mount, pid, uts, ipc"},
    {"config", "{" V ",\"windows\":{\"layerFolders\":[]}}",
     "windows.layerFolders: expected an array of strings with at least 1 of them, found 0"},
    {"config", "{" V ",\"solaris\":{\"cappedCPU\":{\"ncpus\":8}}}",
     "solaris.cappedCPU.ncpus: expected a string, found 8"},
    /* what a terminal must not see as it is, and what is too long to show */
    {"config", "{" V ",\"hostname\":[\"\\u001b[2J\"]}", "hostname: expected a string, found an array"},
    {"config", "{" V ",\"linux\":{\"rootfsPropagation\":\"\\u001b[2J\xc3\xa9\"}}",
     "linux.rootfsPropagation: \"\\u001b[2J??\" is not one of private, shared, slave, unbindable, rprivate, rshared, "
     "rslave, runbindable"},
    {"config", "{" V ",\"annotations\":{\"\xff\\u0007\":0}}",
     "annotations[\"?\\u0007\"]: expected a string, found 0"},
    {"config", "{" V ",\"a\xff\":0,\"a\xff\":0}", NOT_JSON "30: the member \"a?\" is given twice"},
    {"config", "{" V ",\"hostname\":0." DIGITS50 DIGITS50 "}",
     "hostname: expected a string, found 0." DIGITS50 "012345678901234567890123..."},
    {"config", "{" V ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\",\"architectures\":[\"X\"]}}}",
     "linux.seccomp.architectures[0]: \"X\" is not one of SCMP_ARCH_X86, SCMP_ARCH_X86_64, SCMP_ARCH_X32, "
     "SCMP_ARCH_ARM, "
     "SCMP_ARCH_AARCH64, SCMP_ARCH_LOONGARCH64, SCMP_ARCH_M68K, SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32, "
     "SCMP_ARCH_MIPSEL, ..."},
    {"state", "{" V ",\"id\":\"i\",\"status\":\"dead\",\"bundle\":\"/b\"}",
     "status: \"dead\" is not one of creating, created, running, stopped, paused"},
    {"features", "{\"ociVersionMin\":\"1.0.0\",\"ociVersionMax\":\"1.1.0\",\"linux\":{\"capabilities\":[\"CHOWN\"]}}",
     "linux.capabilities[0]: \"CHOWN\" is not of the form CAP_CHOWN (CAP_[A-Z_]+)"},
    {"resources", "{\"pids\":{}}", "pids.limit: missing, but required"},
    {"process", "{\"args\":[\"sh\"]}", "cwd: missing, but required"},
    {"seccomp", "{\"defaultAction\":\"ALLOW\"}",
     "defaultAction: \"ALLOW\" is not one of SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, "
     "SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY"},
    /* image documents */
    {"layout", "{\"imageLayoutVersion\":\"2.0.0\"}", "imageLayoutVersion: \"2.0.0\" is not one of 1.0.0"},
    {"index", "{\"schemaVersion\":1,\"manifests\":[]}",
     "schemaVersion: expected a whole number from 2 to 2, found 1"},
    {"index", "{\"schemaVersion\":2}", "manifests: missing, but required"},
    {"index", "{\"schemaVersion\":2,\"manifests\":[{" D "\"sha256:" HEX64 "\",\"platform\":{\"os\":\"linux\"}}]}",
     "manifests[0].platform.architecture: missing, but required"},
    {"index", "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\",\"size\":-1,\"digest\":\"sha256:" HEX64
              "\"}]}",
     "manifests[0].size: expected a whole number from 0 to 9223372036854775807, found -1"},
    {"index", "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"ab\",\"size\":1,\"digest\":\"sha256:" HEX64
              "\"}]}",
     "manifests[0].mediaType: \"ab\" is not of the form application/vnd.oci.image.manifest.v1+json (type/subtype)"},
    {"index", "{\"schemaVersion\":2,\"manifests\":[{" D "\"sha256:../../etc/passwd\"}]}",
     "manifests[0].digest: \"sha256:../../etc/passwd\"" FORM_DIGEST},
    {"manifest", "{\"schemaVersion\":2,\"config\":{" D "\"sha256:" HEX64 "\"},\"layers\":[]}",
     "layers: expected an array of objects with at least 1 of them, found 0"},
    {"manifest", "{\"schemaVersion\":2,\"config\":{" D "\"sha256:" HEX64 "\",\"data\":\"a\"},\"layers\":[]}",
     "config.data: \"a\" is not of the form c2VlZA== (base64)"},
    {"manifest", "{\"schemaVersion\":2,\"config\":{" D "\"sha256:" HEX64 "\",\"urls\":[\"/x\"]},\"layers\":[]}",
     "config.urls[0]: \"/x\" is not of the form https://host/path (a URI)"},
    {"image", "{\"architecture\":\"a\",\"os\":\"o\"}", "rootfs: missing, but required"},
    {"image", "{\"architecture\":\"a\",\"os\":\"o\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"x\"]}}",
     "rootfs.diff_ids[0]: \"x\"" FORM_DIGEST},
    {"image", "{\"created\":\"yesterday\"}",
     "created: \"yesterday\" is not of the form 2026-01-31T12:00:00Z (RFC 3339)"},
    {"image", "{\"config\":{\"ExposedPorts\":{\"80/tcp\":null}}}",
     "config.ExposedPorts[\"80/tcp\"]: expected {}, found null"},
    {"image", "{\"config\":{\"Volumes\":{\"/a\":{\"b\":1}}}}", "config.Volumes[\"/a\"]: expected {}, found an object"},
    {"image", "{\"config\":{\"Volumes\":[]}}",
     "config.Volumes: expected an object whose values are {}, found an array"},
};

static void faults_are_named(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        void *value = NULL;
        int r = oci_parse(&a, document_of(faults[i].document), faults[i].json, strlen(faults[i].json), &value, &err);
        if (r != -EINVAL || err.code != r || err.layer != LAYER_CONFIG || value != NULL ||
            !str_eq(err.text, faults[i].want))
            fail_msg("%s:\n     got %d %s\nexpected %s", faults[i].json, r, err.text, faults[i].want);
        /* No error wanted is no crash. */
        assert_int_equal(oci_parse(&a, document_of(faults[i].document), faults[i].json, strlen(faults[i].json), &value,
                                   NULL),
                         -EINVAL);
    }
}

static int parse_config(struct arena *a, const char *json, struct oci_config **ret, struct err *err)
{
    return oci_config_parse(a, json, strlen(json), ret, err);
}

static void limits_hold(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct oci_config *c = NULL;
    /* 64 levels are read, one more is not. */
    for (int depth = 64; depth <= 65; depth++) {
        buf_free(&b);
        buf_puts(&b, "{" V ",\"x\":");
        buf_pad(&b, '[', (size_t)depth - 1);
        buf_pad(&b, ']', (size_t)depth - 1);
        buf_putc(&b, '}');
        assert_int_equal(parse_config(&a, buf_str(&b), &c, &err), depth == 64 ? 0 : -EINVAL);
    }
    assert_non_null(strstr(err.text, "nested too deep"));

    buf_free(&b);
    buf_puts(&b, "{" V ",\"x\":\"");
    buf_pad(&b, 'x', (size_t)16 * 1024 * 1024 - b.len - 2);
    buf_puts(&b, "\"}");
    assert_int_equal(parse_config(&a, buf_str(&b), &c, &err), 0);
    buf_putc(&b, ' ');
    assert_int_equal(parse_config(&a, buf_str(&b), &c, &err), -EFBIG);
    assert_string_equal(err.text, "a document of more than 16384 KiB");

    buf_free(&b);
    buf_puts(&b, "{" V ",\"x\":[0");
    for (int i = 0; i < 300000; i++)
        buf_puts(&b, ",0");
    buf_puts(&b, "]}");
    assert_int_equal(parse_config(&a, buf_str(&b), &c, &err), -EFBIG);
    assert_string_equal(err.text, "more than 262144 names and values in one document");

    struct oci_index *index = NULL;
    buf_free(&b);
    buf_puts(&b, "{\"schemaVersion\":2,\"manifests\":[],\"x\":[0");
    for (int i = 0; i < 70000; i++)
        buf_puts(&b, ",0");
    buf_puts(&b, "]}");
    assert_int_equal(oci_index_parse(&a, buf_str(&b), b.len, &index, &err), -EFBIG);
    assert_string_equal(err.text, "more than 65536 names and values in one document");
    buf_pad(&b, ' ', (size_t)4 * 1024 * 1024);
    assert_int_equal(oci_index_parse(&a, buf_str(&b), b.len, &index, &err), -EFBIG);
    assert_string_equal(err.text, "a document of more than 4096 KiB");

    assert_int_equal(oci_config_read(&a, AT_FDCWD, "/nonexistent/config.json", &c, &err), -ENOENT);
    assert_string_equal(err.text, "/nonexistent/config.json: No such file or directory");
}

static void only_version_1_is_run(UNUSED void **state)
{
    static const struct {
        const char *json;
        const char *parse, *run; /* text of the error; NULL: none */
    } cases[] = {
        {"{\"ociVersion\":\"2.0.0\"}",
         "ociVersion: \"2.0.0\" is newer than what this program knows (1.x); use a newer program", NULL},
        {"{\"ociVersion\":\"0.5.0-dev\"}", NULL, "ociVersion: \"0.5.0-dev\" is not 1.x, the only one that can be run"},
        {"{\"ociVersion\":\"1.99.0\"}", NULL, "process: missing, but required to run"},
        {"{" V ",\"process\":{\"cwd\":\"tmp\"}}", NULL, "process.cwd: \"tmp\" is not an absolute path"},
        {"{" V ",\"process\":{\"cwd\":\"/\"}}", NULL,
         "process.args: missing or empty; it names the program to run"},
        {"{" V ",\"process\":{\"cwd\":\"/\",\"args\":[]}}", NULL,
         "process.args: missing or empty; it names the program to run"},
        {"{" V ",\"process\":{\"cwd\":\"/\",\"args\":[\"\"]}}", NULL,
         "process.args[0]: empty; it names the program to run"},
        {"{" V ",\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]}}", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct oci_config *c = NULL;
        int r = parse_config(&a, cases[i].json, &c, &err);
        if (r == 0) {
            assert_null(cases[i].parse);
            r = oci_config_check_runnable(c, &err);
            assert_int_equal(r, cases[i].run != NULL ? -EINVAL : 0);
        } else {
            assert_null(c);
        }
        const char *want = cases[i].parse != NULL ? cases[i].parse : cases[i].run != NULL ? cases[i].run : "";
        assert_string_equal(err.text, want);
    }
}

static void members_arrive(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct oci_config *c = NULL;
    assert_int_equal(oci_config_read(&a, AT_FDCWD, TEST_DATA "/oci/good/config-full.json", &c, &err), 0);
    assert_int_equal(oci_config_check_runnable(c, &err), 0);
    assert_string_equal(c->process->args.v[0], "a");
    assert_null(c->process->args.v[1]);
    assert_int_equal(oci_process_uid(c), UINT32_MAX);
    assert_int_equal(oci_process_gid(c), 1);
    assert_int_equal(c->process->user->additional_gids.v[1], UINT32_MAX);
    assert_true(c->process->capabilities->ambient.set);
    assert_int_equal(c->process->oom_score_adj.v, -1000);
    assert_true(c->process->terminal.set && c->process->terminal.v);
    assert_string_equal(c->linux->net_devices.v[0].key, "eth0");
    assert_string_equal(c->linux->net_devices.v[0].name, "c0");
    assert_int_equal(c->linux->resources->memory->limit.v, -1);
    assert_true(c->linux->resources->block_io->read_bps.v[0].rate.v == UINT64_MAX);
    assert_false(c->linux->resources->block_io->read_iops.v[0].rate.set);
    assert_true(c->linux->seccomp->syscalls.v[0].args.v[0].value == UINT64_MAX);
    assert_int_equal(c->linux->time_offsets->boottime->secs.v, -5);
    assert_int_equal(c->linux->uid_mappings.v[0].host_id, 100000);
    assert_string_equal(c->linux->resources->unified.v[0].key, "memory.high");
    assert_string_equal(oci_annotation(c, "org.example.a"), "b");
    assert_null(oci_annotation(c, "org.example"));
    assert_true(oci_has_userns(c));
    assert_string_equal(oci_namespace_find(c, "user")->path, "/proc/1/ns/x");

    struct oci_image *image = NULL;
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(file_read(&a, AT_FDCWD, TEST_DATA "/oci/good/image-docker.json", 1 << 20, &text, &len), 0);
    assert_int_equal(oci_image_parse(&a, text, len, &image, &err), 0);
    assert_int_equal(image->config->exposed_ports.n, 2);
    assert_string_equal(image->config->exposed_ports.v[1], "443/udp");
    assert_null(image->config->exposed_ports.v[2]);
    assert_false(image->config->entrypoint.set);
    assert_true(image->config->healthcheck->start_interval.v == 5000000000);

    struct oci_features *features = NULL;
    assert_int_equal(file_read(&a, AT_FDCWD, TEST_DATA "/oci/good/features-full.json", 1 << 20, &text, &len), 0);
    assert_int_equal(oci_features_parse(&a, text, len, &features, &err), 0);
    assert_true(features->linux->mount_extensions->idmap->enabled.v);
    assert_string_equal(features->linux->memory_policy->modes.v[0], "MPOL_LOCAL");
}

/* What json_object_equal() cannot see: a float's digits are those that were read, an integer stays one. */
static void unknown_numbers_keep_their_digits(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct oci_config *c = NULL;
    assert_int_equal(oci_config_read(&a, AT_FDCWD, TEST_DATA "/oci/good/config-unknown.json", &c, &err), 0);
    oci_config_print(c, false, &b);
    assert_non_null(strstr(buf_str(&b),
                           "[0,0,1.50,1E+3,0.1e-7,3.14159265358979323846264338327950288419716939937510,1e999,"
                           "18446744073709551615,-9223372036854775808,9007199254740993]"));
    assert_non_null(strstr(buf_str(&b), "\"x-controller\":{\"limit\":5e-1}"));
}

/* Arguments and paths are bytes to the kernel; a state document must not lose them. */
static void bytes_survive(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    char every[256];
    for (int i = 1; i < 256; i++)
        every[i - 1] = (char)i;
    every[255] = '\0';
    struct oci_config written = {.oci_version = (char[]){"1.3.0"}, .hostname = every}, *read = NULL;
    oci_config_print(&written, false, &b);
    assert_int_equal(parse_config(&a, buf_str(&b), &read, &err), 0);
    assert_string_equal(read->hostname, every);
}

/* An empty name is a name, also where nothing was read before it. */
static void empty_names_are_names(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct oci_config *c = NULL;
    assert_int_equal(parse_config(&a, "{\"\":\"\"," V ",\"annotations\":{\"a\":\"\",\"\":\"b\"}}", &c, &err), 0);
    assert_string_equal(oci_annotation(c, ""), "b");
    oci_config_print(c, false, &b);
    assert_string_equal(buf_str(&b), "{" V ",\"annotations\":{\"a\":\"\",\"\":\"b\"},\"\":\"\"}");
}

/* A member that was null and is set later prints once, with its value. */
static void set_after_null_prints_once(UNUSED void **state)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    CLEANUP_BUF struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct oci_config *c = NULL;
    assert_int_equal(parse_config(&a, "{" V ",\"hostname\":null,\"mounts\":null}", &c, &err), 0);
    assert_null(c->hostname);
    c->hostname = (char[]){"h"};
    oci_config_print(c, false, &b);
    assert_string_equal(buf_str(&b), "{" V ",\"hostname\":\"h\",\"mounts\":null}");
}

/* Documents that code has made, without `set` in its arrays. */
static void made_documents_print(UNUSED void **state)
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    char *args[] = {(char[]){"sh"}, NULL};
    struct oci_process process = {.args = {.v = args, .n = 1}, .cwd = (char[]){"/"}};
    struct oci_config c = {.oci_version = (char[]){"1.3.0"}, .process = &process, .mounts.set = true};
    oci_config_print(&c, false, &b);
    assert_string_equal(buf_str(&b),
                        "{\"ociVersion\":\"1.3.0\",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"},\"mounts\":[]}");
    buf_free(&b);
    oci_config_print(&c, true, &b);
    assert_string_equal(buf_str(&b), "{\n"
                                     "  \"ociVersion\": \"1.3.0\",\n"
                                     "  \"process\": {\n"
                                     "    \"args\": [\n"
                                     "      \"sh\"\n"
                                     "    ],\n"
                                     "    \"cwd\": \"/\"\n"
                                     "  },\n"
                                     "  \"mounts\": []\n"
                                     "}\n");
}

static void versions_parse(UNUSED void **state)
{
    static const char *const good[] = {"0.0.0",     "1.2.3",  "1.0.2-dev", "1.0.0-rc.1+build.5",
                                       "1.0.0+001", "1.0.0--", "1.0.0-0a",  "10.20.30"};
    static const char *const bad[] = {"",         "1",          "1.2",    "1.2.3.4", "v1.2.3", "1.2.3-",
                                      "01.2.3",   "1.02.3",     "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2.3 ",
                                      " 1.2.3",   "1.2.x",      "1.2.-3", "9999999999999999999.0.0"};
    struct oci_version v = {0};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(oci_version_parse(good[i], &v), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(oci_version_parse(bad[i], &v), -EINVAL);
    assert_int_equal(oci_version_parse("1.22.333-rc.1", &v), 0);
    assert_true(v.major == 1 && v.minor == 22 && v.patch == 333 && str_eq(v.rest, "-rc.1"));
}

static void forms_match_their_patterns(UNUSED void **state)
{
    static const struct {
        const struct oci_form *form;
        const char *good[8], *bad[14];
    } cases[] = {
        {&oci_form_page_size, {"2MB", "1GB", "64KB", "1024MB"}, {"", "0MB", "MB", "2mB", "2M", "2MBB", "64kB", "2TB"}},
        {&oci_form_rlimit, {"RLIMIT_AS", "RLIMIT_X"}, {"", "RLIMIT_", "RLIMIT_A1", "rlimit_AS", "XRLIMIT_AS"}},
        {&oci_form_cpu_list, {"", "0-3, 7", "-"}, {"a", "0;1", "0\n"}},
        {&oci_form_memory_bandwidth, {"MB:", "MB:0=1"}, {"", "MB", "mb:", "MB:\n"}},
        {&oci_form_device_type, {"c", "b", "u", "p"}, {"", "a", "cb", "C"}},
        {&oci_form_capability, {"CAP_A", "CAP__"}, {"CAP_", "CAP_a", "CAP_A1", "A"}},
        {&oci_form_media_type, {"a/b", "A9!#$&^_.+-/9", "application/vnd.oci.image.index.v1+json"},
         {"", "a", "a/", "/b", "a/b/c", "a b/c", "+a/b", "a/+b", "a/b;c=d"}},
        {&oci_form_digest, {"sha256:" HEX64, "sha512:" HEX64 HEX64, "a:b", "a+b.c_d-e9:Z=_-"},
         {"", "sha256", "sha256:", ":" HEX64, "sha256:" HEX64 "0", "sha512:" HEX64,
          "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "A:b", "a+:b", "+a:b", "a++b:c",
          "a:b/c", "a:b:c"}},
        {&oci_form_uri, {"https://h/p?q=%20#f", "urn:x", "a+b:"},
         {"", "/p", "h", "1a:b", ":b", "a:b c", "a:\"", "a:\\"}},
        {&oci_form_date_time,
         {"2026-01-31T23:59:60Z", "2026-01-31t00:00:00.1z", "2026-12-31T00:00:00+02:00", "0001-01-01T00:00:00Z"},
         {"", "2026-01-31", "2026-01-31 00:00:00Z", "2026-01-31T00:00:00", "2026-13-01T00:00:00Z",
          "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T00:00:00.Z",
          "2026-01-31T00:00:00+0200", "2026-01-31T00:00:00Zx", "2026-01-31T00:00:00+02:000", "2026-01-31T00:0"}},
        {&oci_form_base64, {"", "YQ==", "YWI=", "YWJj"}, {"Y", "YQ=", "YWJj=", "YQ==YQ==", "Y-==", "===="}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t j = 0; j < ARRAY_LEN(cases[i].good) && cases[i].good[j] != NULL; j++)
            if (!cases[i].form->ok(cases[i].good[j]))
                fail_msg("%s: refused: %s", cases[i].form->form, cases[i].good[j]);
        for (size_t j = 0; j < ARRAY_LEN(cases[i].bad) && cases[i].bad[j] != NULL; j++)
            if (cases[i].form->ok(cases[i].bad[j]))
                fail_msg("%s: taken: %s", cases[i].form->form, cases[i].bad[j]);
    }
}

static int count(const char *path, const struct oci_field *f, void *arg)
{
    static const char *const want[] = {"linux.netDevices.*.name", "linux.devices[].path",
                                       "linux.seccomp.syscalls[].args[].valueTwo", "freebsd.jail.allow.suser"};
    unsigned *seen = arg;
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        if (str_eq(path, want[i]))
            *seen |= 1U << i;
    return str_eq(path, "vm.kernel.initrd") && f->kind == OCI_KIND_STRING && (*seen & 16) != 0 ? 7 : 0;
}

static void visitor_lists_members(UNUSED void **state)
{
    unsigned seen = 0;
    assert_int_equal(oci_visit(&oci_config_document, count, &seen), 0);
    assert_int_equal(seen, 15);
    seen = 16;
    assert_int_equal(oci_visit(&oci_config_document, count, &seen), 7); /* stopped before freebsd */
    assert_int_equal(seen, 16 + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents_pass_and_print_back),
        cmocka_unit_test(bad_documents_are_refused_by_path),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(only_version_1_is_run),
        cmocka_unit_test(members_arrive),
        cmocka_unit_test(unknown_numbers_keep_their_digits),
        cmocka_unit_test(bytes_survive),
        cmocka_unit_test(empty_names_are_names),
        cmocka_unit_test(set_after_null_prints_once),
        cmocka_unit_test(made_documents_print),
        cmocka_unit_test(versions_parse),
        cmocka_unit_test(forms_match_their_patterns),
        cmocka_unit_test(visitor_lists_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
