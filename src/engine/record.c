/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/record.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

void json_string(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            buf_printf(out, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            buf_printf(out, "\\u%04x", *p);
        else
            buf_putc(out, (char)*p);
    }
    buf_putc(out, '"');
}

static void member(struct buf *out, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buf_printf(out, "\"%s\":", key);
    json_string(out, value);
    buf_putc(out, ',');
}

static void number(struct buf *out, const char *key, int64_t value)
{
    buf_printf(out, "\"%s\":%lld,", key, (long long)value);
}

void record_print(const struct container *c, struct buf *out)
{
    buf_putc(out, '{');
    member(out, "name", c->name);
    member(out, "image", c->image);
    member(out, "imageId", c->image_id);
    member(out, "profile", c->profile);
    member(out, "stopSignal", c->stop_signal);
    number(out, "stopTimeout", c->stop_timeout);
    number(out, "created", c->created);
    number(out, "finished", c->finished);
    number(out, "exitCode", c->exit_code);
    if (c->userns_auto)
        number(out, "firstUid", c->first_uid);
    buf_puts(out, "\"args\":[");
    for (size_t i = 0; i < c->args.n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_string(out, c->args.v[i]);
    }
    buf_puts(out, "],\"labels\":{");
    for (size_t i = 0; i < c->labels.n; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_string(out, c->labels.v[i].key);
        buf_putc(out, ':');
        json_string(out, c->labels.v[i].value);
    }
    buf_printf(out, "},\"remove\":%s}\n", c->remove ? "true" : "false");
}

static const char *text(struct arena *a, struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string)
               ? arena_strdup(a, json_object_get_string(v)) : NULL;
}

static int64_t integer(struct json_object *o, const char *key, int64_t otherwise)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int) ? json_object_get_int64(v)
                                                                                          : otherwise;
}

static void read_args(struct arena *a, struct json_object *o, struct oci_strs *ret)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(o, "args", &list) || !json_object_is_type(list, json_type_array))
        return;
    size_t n = json_object_array_length(list);
    ret->v = arena_calloc(a, n + 1, sizeof *ret->v);
    if (ret->v == NULL)
        return;
    ret->set = true;
    for (size_t i = 0; i < n; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (json_object_is_type(item, json_type_string))
            ret->v[ret->n++] = arena_strdup(a, json_object_get_string(item));
    }
}

static void read_labels(struct arena *a, struct json_object *o, struct oci_map *ret)
{
    struct json_object *map = NULL;
    if (!json_object_object_get_ex(o, "labels", &map) || !json_object_is_type(map, json_type_object))
        return;
    ret->v = arena_calloc(a, (size_t)json_object_object_length(map) + 1, sizeof *ret->v);
    if (ret->v == NULL)
        return;
    ret->set = true;
    json_object_object_foreach(map, key, value)
    {
        if (!json_object_is_type(value, json_type_string))
            continue;
        ret->v[ret->n].key = arena_strdup(a, key);
        ret->v[ret->n++].value = arena_strdup(a, json_object_get_string(value));
    }
}

int record_parse(struct arena *a, const char *json, struct container *ret)
{
    struct json_object *o = json_tokener_parse(json);
    if (o == NULL || !json_object_is_type(o, json_type_object)) {
        json_object_put(o);
        return -EINVAL;
    }
    ret->name = text(a, o, "name");
    ret->image = text(a, o, "image");
    ret->image_id = text(a, o, "imageId");
    ret->profile = text(a, o, "profile");
    ret->stop_signal = text(a, o, "stopSignal");
    ret->stop_timeout = integer(o, "stopTimeout", 10);
    ret->created = integer(o, "created", 0);
    ret->finished = integer(o, "finished", 0);
    ret->exit_code = (int)integer(o, "exitCode", -1);
    ret->userns_auto = json_object_object_get_ex(o, "firstUid", NULL);
    ret->first_uid = (uint32_t)integer(o, "firstUid", 0);
    struct json_object *remove = NULL;
    ret->remove = json_object_object_get_ex(o, "remove", &remove) && json_object_get_boolean(remove);
    read_args(a, o, &ret->args);
    read_labels(a, o, &ret->labels);
    json_object_put(o);
    return a->failed ? -ENOMEM : ret->name == NULL ? -EINVAL : 0;
}
