/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI documents' parsers. For any bytes:
 *  - what our JSON reader takes, json-c's strict tokener takes too, as the same tree (the other way round does not
 *    hold: json-c takes more than JSON);
 *  - a document that is taken prints, on one line and on many, as JSON equal to what was read, and that is taken again
 *    and prints as the same bytes;
 *  - one that is refused is refused with a message, of printable ASCII.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/table.h"
#include "oci/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct oci_document *const documents[] = {
    &oci_config_document,   &oci_process_document,  &oci_resources_document, &oci_seccomp_document,
    &oci_state_document,    &oci_features_document, &oci_index_document,     &oci_manifest_document,
    &oci_image_document,    &oci_layout_document,
};

#define REQUIRE(condition)                                                              \
    do {                                                                                \
        if (!(condition)) {                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                    \
        }                                                                               \
    } while (0)

/* json-c's own reading, NULL where it refuses. */
static struct json_object *tokened(const char *json, size_t len)
{
    struct json_tokener *tok = json_tokener_new_ex(64);
    REQUIRE(tok != NULL);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
    struct json_object *o = json_tokener_parse_ex(tok, json, (int)len);
    if (json_tokener_get_error(tok) != json_tokener_success) {
        json_object_put(o);
        o = NULL;
    }
    json_tokener_free(tok);
    return o;
}

static void require_message(const struct err *err)
{
    REQUIRE((err->code == -EINVAL || err->code == -EFBIG) && err->layer == LAYER_CONFIG && err->text[0] != '\0');
    for (const char *p = err->text; *p != '\0'; p++)
        REQUIRE(*p >= 0x20 && *p <= 0x7e);
}

static void check_reader(const char *json, size_t len)
{
    CLEANUP_ARENA struct arena names = ARENA_INIT;
    CLEANUP(oci_json_put) struct json_object *ours = NULL;
    struct err err = ERR_INIT;
    if (oci_json_read(&names, json, len, 4096, &ours, &err) < 0) {
        require_message(&err);
        return;
    }
    struct json_object *theirs = tokened(json, len);
    REQUIRE(theirs != NULL);
    REQUIRE(json_object_equal(ours, theirs));
    json_object_put(theirs);
}

static void check_document(const struct oci_document *document, const char *json, size_t len)
{
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *value = NULL;
    if (oci_parse(&a, document, json, len, &value, &err) < 0) {
        REQUIRE(value == NULL);
        require_message(&err);
        return;
    }
    struct json_object *want = tokened(json, len);
    REQUIRE(want != NULL);
    for (int pretty = 0; pretty < 2; pretty++) {
        CLEANUP_BUF struct buf first = BUF_INIT, second = BUF_INIT;
        void *again = NULL;
        oci_print(document, value, pretty, &first);
        REQUIRE(oci_parse(&a, document, first.data, first.len, &again, &err) == 0);
        oci_print(document, again, pretty, &second);
        REQUIRE(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        struct json_object *have = tokened(first.data, first.len);
        REQUIRE(have != NULL && json_object_equal(want, have));
        json_object_put(have);
    }
    json_object_put(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_reader((const char *)data, size);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++)
        check_document(documents[i], (const char *)data, size);
    return 0;
}
