/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables against the specifications' own JSON schemas: every property of every schema is in our table with the
 * same kind, range, values, form and requiredness, and the other way round. Where we differ on purpose it is written
 * down below with the reason; a difference that is written down but does not exist fails too.
 *
 * The runtime schemas of Solaris, Windows, z/OS and FreeBSD are not in tests/data. With COFFER_OCI_SCHEMA=DIR (a
 * checkout's schema folder) this program holds those tables against them as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "oci/table.h"

struct difference {
    const char *path, *aspect, *reason;
    bool found;
};

#define EXTENSION "the specification's text or common practice has it, its schema does not"

static struct difference differences[] = {
    {"ociVersion", "form", "text: SemVer 2.0.0"},
    {"ociVersionMin", "form", "text: SemVer 2.0.0"},
    {"ociVersionMax", "form", "text: SemVer 2.0.0"},
    {"linux.devices[].fileMode", "range", "containerd before 1.5 writes the file's type too"},
    {"linux.rootfsPropagation", "values", "runc takes the recursive forms"},
    {"status", "values", "runc and crun have \"paused\""},
    {"linux.memoryPolicy", "unknown", EXTENSION},
    {"linux.intelRdt.schemata", "unknown", EXTENSION},
    {"linux.intelRdt.monitoring", "unknown", EXTENSION},
    {"solaris", "absent", "not in tests/data"},
    {"windows", "absent", "not in tests/data"},
    {"zos", "absent", "not in tests/data"},
    {"freebsd", "absent", "not in tests/data"},
    {"created", "form", "format: date-time"},
    {"history[].created", "form", "format: date-time"},
    {"rootfs.diff_ids", "form", "text: digests"},
    {"config.Healthcheck", "unknown", "Docker's addition"},
    {"manifests[].urls", "form", "format: uri"},
    {"layers[].urls", "form", "format: uri"},
    {"config.urls", "form", "format: uri"},
    {"subject.urls", "form", "format: uri"},
    {"config.data", "form", "text: base64"},
    {"layers[].data", "form", "text: base64"},
    {"subject.data", "form", "text: base64"},
    {"manifests[].size", "range", "the descriptor's schema forbids negative sizes, the index's forgot to"},
    {"manifests[].artifactType", "unknown", "text: every descriptor may have it"},
    {"manifests[].data", "unknown", "text: every descriptor may have it"},
    {"config.platform", "unknown", "one table for all descriptors"},
    {"layers[].platform", "unknown", "one table for all descriptors"},
    {"subject.platform", "unknown", "one table for all descriptors"},
};

struct schema_file {
    char name[40];
    struct json_object *root;
};

struct check {
    const char *dir;
    struct schema_file files[20];
    size_t n_files;
    unsigned mismatches;
    bool quiet; /* a negative control: mismatches are wanted */
};

struct node { /* a place in a schema */
    struct json_object *o;
    const struct schema_file *file;
};

static void PRINTF_LIKE(4, 5) mismatch(struct check *c, const char *path, const char *aspect, const char *fmt, ...)
{
    for (size_t i = 0; i < ARRAY_LEN(differences); i++)
        if (str_eq(differences[i].path, path) && str_eq(differences[i].aspect, aspect)) {
            differences[i].found = true;
            return;
        }
    c->mismatches++;
    if (c->quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    char text[300];
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    print_error("# %s: %s: %s\n", path, aspect, text);
}

static const struct schema_file *load(struct check *c, const char *name)
{
    for (size_t i = 0; i < c->n_files; i++)
        if (str_eq(c->files[i].name, name))
            return &c->files[i];
    assert_true(c->n_files < ARRAY_LEN(c->files));
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", c->dir, name);
    struct json_object *root = json_object_from_file(path);
    if (root == NULL)
        return NULL;
    struct schema_file *f = &c->files[c->n_files++];
    snprintf(f->name, sizeof f->name, "%s", name);
    f->root = root;
    return f;
}

static struct json_object *get(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static const char *get_string(struct json_object *o, const char *key)
{
    struct json_object *v = get(o, key);
    return v != NULL ? json_object_get_string(v) : "";
}

/* Follow $ref, anyOf of one, and oneOf with null to the schema that says something. .o is NULL: file not there. */
static struct node resolve(struct check *c, struct node n)
{
    for (;;) {
        struct json_object *ref = get(n.o, "$ref"), *any = get(n.o, "anyOf"), *one = get(n.o, "oneOf");
        if (ref != NULL) {
            char name[100];
            snprintf(name, sizeof name, "%s", json_object_get_string(ref));
            char *hash = strchr(name, '#');
            if (hash != NULL)
                *hash = '\0';
            if (name[0] != '\0')
                n.file = load(c, name);
            if (n.file == NULL)
                return (struct node){NULL, NULL};
            n.o = n.file->root;
            if (hash != NULL)
                assert_int_equal(json_pointer_get(n.file->root, hash + 1, &n.o), 0);
        } else if (any != NULL) {
            assert_int_equal(json_object_array_length(any), 1);
            n.o = json_object_array_get_idx(any, 0);
        } else if (one != NULL) {
            assert_int_equal(json_object_array_length(one), 2);
            assert_string_equal(get_string(json_object_array_get_idx(one, 1), "type"), "null");
            n.o = json_object_array_get_idx(one, 0);
        } else {
            return n;
        }
    }
}

struct properties { /* of an object schema, those of allOf's parts together */
    struct {
        const char *name;
        struct node node;
    } v[64];
    size_t n;
    const char *required[64];
    size_t n_required;
};

static void collect(struct check *c, struct node n, struct properties *ret)
{
    n = resolve(c, n);
    struct json_object *all = get(n.o, "allOf"), *properties = get(n.o, "properties"), *required = get(n.o, "required");
    for (size_t i = 0; all != NULL && i < json_object_array_length(all); i++)
        collect(c, (struct node){json_object_array_get_idx(all, i), n.file}, ret);
    for (size_t i = 0; required != NULL && i < json_object_array_length(required); i++)
        ret->required[ret->n_required++] = json_object_get_string(json_object_array_get_idx(required, i));
    if (properties == NULL)
        return;
    json_object_object_foreach(properties, key, value) {
        assert_true(ret->n < ARRAY_LEN(ret->v));
        ret->v[ret->n].name = key;
        ret->v[ret->n++].node = (struct node){value, n.file};
    }
}

/* What kind of member would hold a value of this schema? Numbers count as OCI_KIND_INT. */
static enum oci_kind kind_of(struct check *c, struct node n)
{
    const char *type = get_string(n.o, "type");
    if (str_eq(type, "string"))
        return OCI_KIND_STRING;
    if (str_eq(type, "boolean"))
        return OCI_KIND_BOOL;
    if (str_eq(type, "integer"))
        return OCI_KIND_INT;
    if (str_eq(type, "array")) {
        enum oci_kind item = kind_of(c, resolve(c, (struct node){get(n.o, "items"), n.file}));
        return item == OCI_KIND_STRING ? OCI_KIND_STRINGS
               : item == OCI_KIND_INT  ? OCI_KIND_UINTS
               : item == OCI_KIND_OBJECT ? OCI_KIND_OBJECTS
                                         : OCI_KINDS;
    }
    struct json_object *pattern = get(n.o, "patternProperties");
    if (pattern != NULL)
        return str_eq(get_string(get(pattern, ".{1,}"), "type"), "string") ? OCI_KIND_MAP : OCI_KIND_KEYS;
    if (get(n.o, "additionalProperties") != NULL)
        return OCI_KIND_NAMED_OBJECTS;
    return OCI_KIND_OBJECT;
}

static enum oci_kind kind_of_field(const struct oci_field *f)
{
    switch ((enum oci_kind)f->kind) {
    case OCI_KIND_INT:
    case OCI_KIND_UINT:
    case OCI_KIND_PLAIN_INT:
    case OCI_KIND_PLAIN_UINT:
    case OCI_KIND_PLAIN_U32:
        return OCI_KIND_INT;
    case OCI_KIND_SECTION:
        return OCI_KIND_OBJECT;
    case OCI_KIND_STRING:
    case OCI_KIND_BOOL:
    case OCI_KIND_STRINGS:
    case OCI_KIND_UINTS:
    case OCI_KIND_MAP:
    case OCI_KIND_KEYS:
    case OCI_KIND_OBJECT:
    case OCI_KIND_OBJECTS:
    case OCI_KIND_NAMED_OBJECTS:
    case OCI_KINDS:
        break;
    }
    return (enum oci_kind)f->kind;
}

static void check_range(struct check *c, const char *path, const struct oci_field *f, struct json_object *schema)
{
    struct json_object *minimum = get(schema, "minimum"), *maximum = get(schema, "maximum");
    int64_t min = minimum != NULL ? json_object_get_int64(minimum) : INT64_MIN;
    uint64_t max = maximum != NULL ? json_object_get_uint64(maximum) : INT64_MAX;
    /* The image schemas were rounded to a double's precision: 9223372036854776000. */
    bool is_signed = f->kind == OCI_KIND_INT || f->kind == OCI_KIND_PLAIN_INT;
    if (is_signed && max > INT64_MAX)
        max = INT64_MAX;
    if (min != f->min || max != f->max)
        mismatch(c, path, "range", "%" PRId64 "..%" PRIu64 " in the schema, %" PRId64 "..%" PRIu64 " here", min, max,
                 f->min, f->max);
    uint64_t holds = f->kind == OCI_KIND_PLAIN_U32 || f->kind == OCI_KIND_UINTS ? UINT32_MAX
                     : is_signed                                                ? INT64_MAX
                                                                                : UINT64_MAX;
    if (f->max > holds || (f->min < 0 && !is_signed))
        mismatch(c, path, "storage", "the member cannot hold the range");
}

static void check_string(struct check *c, const char *path, const struct oci_field *f, struct json_object *schema)
{
    const char *pattern = get_string(schema, "pattern");
    if ((f->form == NULL && pattern[0] != '\0') ||
        (f->form != NULL && !str_eq(f->form->pattern != NULL ? f->form->pattern : "", pattern)) ||
        (f->form != NULL && f->form->pattern == NULL))
        mismatch(c, path, "form", "%s in the schema, %s here", pattern, f->form != NULL ? f->form->form : "none");
    struct json_object *values = get(schema, "enum");
    size_t n = values != NULL ? json_object_array_length(values) : 0, ours = 0;
    while (f->values != NULL && f->values[ours] != NULL)
        ours++;
    bool same = n == ours;
    for (size_t i = 0; same && i < n; i++) {
        size_t j = 0;
        while (j < ours && !str_eq(f->values[j], json_object_get_string(json_object_array_get_idx(values, i))))
            j++;
        same = j < ours;
    }
    if (!same)
        mismatch(c, path, "values", "%zu in the schema, %zu here, or others", n, ours);
}

#define PATH_SIZE 300

static void join(char path[PATH_SIZE], const char *head, const char *separator, const char *tail)
{
    int n = snprintf(path, PATH_SIZE, "%s%s%s", head, separator, tail);
    assert_true(n > 0 && n < PATH_SIZE);
}

static void check_object(struct check *c, const char *path, const struct oci_object *table, struct node n);

static void check_field(struct check *c, const char *path, const struct oci_field *f, struct node n)
{
    n = resolve(c, n);
    if (n.o == NULL) {
        mismatch(c, path, "absent", "no such schema file");
        return;
    }
    enum oci_kind kind = kind_of(c, n);
    if (kind != kind_of_field(f)) {
        mismatch(c, path, "kind", "%d in the schema, %d here", (int)kind, (int)f->kind);
        return;
    }
    struct json_object *min_items = get(n.o, "minItems");
    if ((min_items != NULL ? json_object_get_int(min_items) : 0) != f->min_items)
        mismatch(c, path, "items", "another least number of elements");
    char below[PATH_SIZE];
    struct node items = {get(n.o, "items"), n.file};
    if (kind == OCI_KIND_INT) {
        check_range(c, path, f, n.o);
    } else if (kind == OCI_KIND_STRING) {
        check_string(c, path, f, n.o);
    } else if (kind == OCI_KIND_STRINGS) {
        check_string(c, path, f, resolve(c, items).o);
    } else if (kind == OCI_KIND_UINTS) {
        check_range(c, path, f, resolve(c, items).o);
    } else if (kind == OCI_KIND_OBJECT) {
        check_object(c, path, f->sub, n);
    } else if (kind == OCI_KIND_OBJECTS) {
        join(below, path, "[", "]");
        check_object(c, below, f->sub, items);
    } else if (kind == OCI_KIND_NAMED_OBJECTS) {
        join(below, path, ".", "*");
        check_object(c, below, f->sub, (struct node){get(n.o, "additionalProperties"), n.file});
    }
}

static void check_object(struct check *c, const char *path, const struct oci_object *table, struct node n)
{
    struct properties *p = calloc(1, sizeof *p);
    assert_non_null(p);
    collect(c, n, p);
    for (size_t i = 0; i < table->n; i++) {
        const struct oci_field *f = &table->fields[i];
        char below[PATH_SIZE];
        join(below, path, path[0] != '\0' ? "." : "", f->name);
        bool required = false, known = false;
        for (size_t j = 0; j < p->n_required; j++)
            required = required || str_eq(p->required[j], f->name);
        for (size_t j = 0; j < p->n; j++)
            if (str_eq(p->v[j].name, f->name)) {
                known = true;
                check_field(c, below, f, p->v[j].node);
            }
        if (!known)
            mismatch(c, below, "unknown", "not in the schema");
        else if (required != f->required)
            mismatch(c, below, "required", "%d in the schema, %d here", required, f->required);
    }
    for (size_t j = 0; j < p->n; j++) {
        size_t i = 0;
        while (i < table->n && !str_eq(table->fields[i].name, p->v[j].name))
            i++;
        if (i == table->n)
            mismatch(c, path, "missing", "%s is not in the table", p->v[j].name);
    }
    free(p);
}

static const struct {
    const char *folder, *file;
    const struct oci_document *document;
} documents[] = {
    {"oci-schema", "config-schema.json", &oci_config_document},
    {"oci-schema", "state-schema.json", &oci_state_document},
    {"oci-schema", "features-schema.json", &oci_features_document},
    {"image-schema", "config-schema.json", &oci_image_document},
    {"image-schema", "image-index-schema.json", &oci_index_document},
    {"image-schema", "image-manifest-schema.json", &oci_manifest_document},
    {"image-schema", "image-layout-schema.json", &oci_layout_document},
};

static void unload(struct check *c)
{
    for (size_t i = 0; i < c->n_files; i++)
        json_object_put(c->files[i].root);
    c->n_files = 0;
}

static void tables_agree_with_schemas(UNUSED void **state)
{
    const char *other = getenv("COFFER_OCI_SCHEMA");
    unsigned mismatches = 0;
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        char dir[4096];
        snprintf(dir, sizeof dir, "%s/%s", TEST_DATA, documents[i].folder);
        struct check c = {.dir = other != NULL && str_eq(documents[i].folder, "oci-schema") ? other : dir};
        const struct schema_file *f = load(&c, documents[i].file);
        assert_non_null(f);
        check_object(&c, "", documents[i].document->object, (struct node){f->root, f});
        unload(&c);
        mismatches += c.mismatches;
    }
    assert_int_equal(mismatches, 0);
    for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
        bool of_this_schema = other == NULL || !str_eq(differences[i].aspect, "absent");
        if (of_this_schema && !differences[i].found)
            fail_msg("%s: %s: this difference does not exist any more", differences[i].path, differences[i].aspect);
    }
}

/* The negative control: each of these edits of a schema must be noticed. */
static const struct {
    size_t document; /* of documents[] */
    const char *file, *pointer, *value; /* value NULL: delete the member */
} edits[] = {
    {0, "config-linux.json", "/linux/properties/resources/properties/hugepageLimits/items/properties/pageSize/pattern",
     "\"^.*$\""},
    {0, "defs.json", "/definitions/uint16/maximum", "1000"},
    {0, "defs.json", "/definitions/int64/minimum", "-1"},
    {0, "defs.json", "/definitions/Hook/properties/timeout/minimum", "0"},
    {0, "defs-linux.json", "/definitions/SeccompAction/enum", "[\"SCMP_ACT_KILL\"]"},
    {0, "defs-linux.json", "/definitions/NamespaceType/enum",
     "[\"mount\",\"pid\",\"network\",\"uts\",\"ipc\",\"user\",\"cgroup\",\"clock\"]"},
    {0, "defs-linux.json", "/definitions/Syscall/properties/names/minItems", "2"},
    {0, "defs-linux.json", "/definitions/blockIODevice/required", "[\"major\"]"},
    {0, "defs-linux.json", "/definitions/Rdma/properties/hcaObjects", NULL},
    {0, "defs-linux.json", "/definitions/NetDevice/properties/mtu", "{\"type\":\"integer\"}"},
    {0, "defs-vm.json", "/definitions/RootImageFormat/enum", "[\"raw\"]"},
    {0, "config-schema.json", "/properties/process/required", "[\"cwd\",\"args\"]"},
    {0, "config-schema.json", "/properties/process/properties/umask", "{\"type\":\"integer\"}"},
    {0, "config-schema.json", "/properties/hostname/type", "\"boolean\""},
    {0, "defs.json", "/definitions/Mount/properties/options", "{\"type\":\"string\"}"},
    {0, "config-linux.json", "/linux/properties/sysctl", "{\"type\":\"object\",\"properties\":{}}"},
    {1, "state-schema.json", "/required", "[\"ociVersion\",\"id\",\"status\"]"},
    {2, "features-linux.json", "/linux/properties/cgroup/properties/v1/type", "\"string\""},
    {2, "features-linux.json", "/linux/properties/capabilities/items/pattern", NULL},
    {3, "config-schema.json", "/properties/config/properties/ExposedPorts",
     "{\"$ref\":\"defs.json#/definitions/mapStringString\"}"},
    {4, "defs-descriptor.json", "/definitions/digest/pattern", "\"^sha256:\""},
    {5, "image-manifest-schema.json", "/properties/layers/minItems", NULL},
    {5, "content-descriptor.json", "/required", "[\"size\"]"},
    {6, "image-layout-schema.json", "/properties/imageLayoutVersion/enum", "[\"1.0.0\",\"2.0.0\"]"},
};

static void edit(struct json_object **root, const char *pointer, const char *value)
{
    if (value != NULL) {
        assert_int_equal(json_pointer_set(root, pointer, json_tokener_parse(value)), 0);
        return;
    }
    char parent[300];
    snprintf(parent, sizeof parent, "%s", pointer);
    char *slash = strrchr(parent, '/');
    *slash = '\0';
    struct json_object *o = NULL;
    assert_int_equal(json_pointer_get(*root, parent, &o), 0);
    assert_non_null(get(o, slash + 1));
    json_object_object_del(o, slash + 1);
}

static void doctored_schemas_are_noticed(UNUSED void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        size_t d = edits[i].document;
        char dir[4096];
        snprintf(dir, sizeof dir, "%s/%s", TEST_DATA, documents[d].folder);
        struct check c = {.dir = dir, .quiet = true};
        const struct schema_file *edited = load(&c, edits[i].file), *f = load(&c, documents[d].file);
        assert_true(edited != NULL && f != NULL);
        edit(&c.files[0].root, edits[i].pointer, edits[i].value);
        check_object(&c, "", documents[d].document->object, (struct node){f->root, f});
        unload(&c);
        if (c.mismatches == 0)
            fail_msg("%s %s: the edit went unnoticed", edits[i].file, edits[i].pointer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_agree_with_schemas),
        cmocka_unit_test(doctored_schemas_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
