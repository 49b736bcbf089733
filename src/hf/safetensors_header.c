/* SPDX-License-Identifier: MIT */
/*
 * Parsing and checking a safetensors header. Accepts what the reference implementation accepts
 * (white space around the JSON, unknown keys in a tensor's entry) and refuses what it refuses.
 */
#include <ctype.h>
#include <stdlib.h>

#include "src/base/dtype.h"
#include "src/base/json.h"
#include "src/hf/safetensors_internal.h"

enum { PREFIX = 8 }; /* bytes of the length field */

/* A tensor with its byte range within the data section. */
typedef struct entry {
    anm_tensor tensor;
    uint64_t begin, end;
} entry;

typedef struct parser {
    anm_arena *arena;
    const char *text; /* the JSON, not zero-terminated */
    size_t length;
    const char *where;
    anm_error *err;
} parser;

/*
 * File offset of a tensor's name in the header, for error reports. A name that is spelled with
 * escapes is not found: ANM_NO_OFFSET.
 */
static uint64_t locate(const parser *p, const char *name) {
    size_t len = strlen(name), next;
    for (size_t at = 0; at + len + 2 < p->length; at++) {
        if (p->text[at] != '"' || memcmp(p->text + at + 1, name, len) != 0) continue;
        next = at + len + 1;
        if (p->text[next++] != '"') continue;
        while (next < p->length && isspace((unsigned char)p->text[next])) next++;
        if (next < p->length && p->text[next] == ':') return PREFIX + (uint64_t)at;
    }
    return ANM_NO_OFFSET;
}

#define fail_tensor(p, name, status, fmt, ...)                                                     \
    anm_fail_at((p)->err, (status), (p)->where, locate((p), (name)), "tensor \"%s\" " fmt, (name), \
                __VA_ARGS__)

static anm_status parse_dtype(const parser *p, const json_t *info, anm_tensor *t) {
    const json_t *value = json_object_get(info, "dtype");
    if (!json_is_string(value))
        return fail_tensor(p, t->name, ANM_ERROR_FORMAT, "has no %s", "\"dtype\"");
    anm_sv name = {json_string_value(value), json_string_length(value)};
    if (!anm_safetensors_dtype_parse(name, &t->dtype))
        return fail_tensor(p, t->name, ANM_ERROR_FORMAT, "has the unknown dtype \"%.*s\"",
                           ANM_SV(name));
    if (t->dtype == ANM_DTYPE_NONE)
        return fail_tensor(p, t->name, ANM_ERROR_UNSUPPORTED, "has the unsupported dtype %.*s",
                           ANM_SV(name));
    return ANM_OK;
}

static anm_status parse_shape(const parser *p, const json_t *info, anm_tensor *t) {
    const json_t *shape = json_object_get(info, "shape");
    if (!json_is_array(shape))
        return fail_tensor(p, t->name, ANM_ERROR_FORMAT, "has no %s", "\"shape\"");
    size_t rank = json_array_size(shape);
    if (rank > ANM_MAX_RANK)
        return fail_tensor(p, t->name, ANM_ERROR_UNSUPPORTED,
                           "has %zu dimensions; at most %d are supported", rank, ANM_MAX_RANK);
    t->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return fail_tensor(p, t->name, ANM_ERROR_FORMAT,
                               "has a shape whose dimension %zu is not a count", i);
        t->shape[i] = json_integer_value(dim);
    }
    int64_t elements = anm_shape_elements(t->shape, t->rank);
    if (elements < 0 || !anm_dtype_bytes(t->dtype, elements, &t->bytes))
        return fail_tensor(p, t->name, ANM_ERROR_FORMAT, "has a size beyond %d bits", 63);
    return ANM_OK;
}

static anm_status parse_range(const parser *p, const json_t *info, entry *e) {
    const json_t *range = json_object_get(info, "data_offsets");
    const json_t *begin = json_array_get(range, 0), *end = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return fail_tensor(p, e->tensor.name, ANM_ERROR_FORMAT, "has no valid %s",
                           "\"data_offsets\" [begin, end]");
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    return ANM_OK;
}

static anm_status parse_entry(const parser *p, const char *name, const json_t *info, entry *e) {
    e->tensor.name = anm_arena_strdup(p->arena, name);
    if (!e->tensor.name) return anm_fail_memory(p->err);
    if (!json_is_object(info))
        return fail_tensor(p, name, ANM_ERROR_FORMAT, "is not %s", "a JSON object");
    ANM_TRY(parse_dtype(p, info, &e->tensor));
    ANM_TRY(parse_shape(p, info, &e->tensor));
    ANM_TRY(parse_range(p, info, e));
    if (e->end - e->begin != e->tensor.bytes) {
        char shape[ANM_SHAPE_TEXT];
        return fail_tensor(
            p, name, ANM_ERROR_FORMAT, "has %llu bytes of data, but %s of shape %s takes %zu",
            (unsigned long long)(e->end - e->begin), anm_safetensors_dtype_name(e->tensor.dtype),
            anm_shape_format(e->tensor.shape, e->tensor.rank, shape, sizeof shape),
            e->tensor.bytes);
    }
    return ANM_OK;
}

static anm_status parse_metadata(const parser *p, const json_t *object,
                                 anm_safetensors_header *out) {
    static const char name[] = "__metadata__";
    if (json_is_null(object)) return ANM_OK;
    if (!json_is_object(object))
        return fail_tensor(p, name, ANM_ERROR_FORMAT, "is not %s", "a JSON object");
    out->metadata = ANM_ARENA_ARRAY(p->arena, anm_safetensors_pair, json_object_size(object));
    if (!out->metadata) return anm_fail_memory(p->err);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (!json_is_string(value))
            return fail_tensor(p, name, ANM_ERROR_FORMAT, "has a value that is not text: \"%s\"",
                               key);
        anm_safetensors_pair *pair = &out->metadata[out->metadata_count++];
        pair->key = anm_arena_strdup(p->arena, key);
        pair->value =
            anm_arena_strndup(p->arena, json_string_value(value), json_string_length(value));
        if (!pair->key || !pair->value) return anm_fail_memory(p->err);
    }
    return ANM_OK;
}

static int compare_entries(const void *left, const void *right) {
    const entry *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return strcmp(a->tensor.name, b->tensor.name);
}

/* Each byte of the data section must belong to exactly one tensor; then sets the data pointers. */
static anm_status place_data(const parser *p, const uint8_t *data, size_t size, entry *entries,
                             size_t count) {
    uint64_t start = PREFIX + p->length, at = 0, available = size - start;
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count; i++) {
        const entry *e = &entries[i];
        const char *name = e->tensor.name;
        if (e->end > available)
            return anm_fail_at(p->err, ANM_ERROR_FORMAT, p->where, size,
                               "the file ends within the data of tensor \"%s\": %llu bytes are "
                               "missing; download it again",
                               name, (unsigned long long)(e->end - available));
        if (e->begin != at)
            return anm_fail_at(p->err, ANM_ERROR_FORMAT, p->where, start + e->begin,
                               "the data of tensor \"%s\" %s", name,
                               e->begin < at ? "overlaps that of another tensor"
                                             : "leaves a hole before it");
        at = e->end;
        entries[i].tensor.data = (void *)(uintptr_t)(data + start + e->begin);
    }
    if (at == available) return ANM_OK;
    return anm_fail_at(p->err, ANM_ERROR_FORMAT, p->where, start + at,
                       "%llu bytes follow the last tensor's data",
                       (unsigned long long)(available - at));
}

static anm_status parse_entries(const parser *p, json_t *root, const uint8_t *data, size_t size,
                                anm_safetensors_header *out) {
    size_t count = 0;
    entry *entries = ANM_ARENA_ARRAY(p->arena, entry, json_object_size(root));
    if (!entries) return anm_fail_memory(p->err);
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        if (strcmp(name, "__metadata__") == 0) ANM_TRY(parse_metadata(p, value, out));
        else ANM_TRY(parse_entry(p, name, value, &entries[count++]));
    }
    ANM_TRY(place_data(p, data, size, entries, count));
    out->tensors = ANM_ARENA_ARRAY(p->arena, anm_tensor, count);
    if (!out->tensors) return anm_fail_memory(p->err);
    for (size_t i = 0; i < count; i++) out->tensors[i] = entries[i].tensor;
    out->count = count;
    return ANM_OK;
}

static anm_status header_length(const uint8_t *data, size_t size, const char *where, size_t *length,
                                anm_error *err) {
    uint64_t n = 0;
    if (size < PREFIX)
        return anm_fail_at(err, ANM_ERROR_FORMAT, where, size,
                           "a safetensors file has at least 8 bytes, this one %zu", size);
    for (int i = 0; i < PREFIX; i++) n |= (uint64_t)data[i] << 8 * i;
    if (n > ANM_SAFETENSORS_MAX_HEADER)
        return anm_fail_at(err, ANM_ERROR_FORMAT, where, 0,
                           "header length %llu is above the format's limit of %u; this is no "
                           "safetensors file",
                           (unsigned long long)n, ANM_SAFETENSORS_MAX_HEADER);
    if (n > size - PREFIX)
        return anm_fail_at(err, ANM_ERROR_FORMAT, where, 0,
                           "header length %llu is beyond the file's %zu bytes; the file is cut or "
                           "not safetensors",
                           (unsigned long long)n, size);
    *length = (size_t)n;
    return ANM_OK;
}

/* jansson counts from the start of the JSON; the report counts from the start of the file. */
static anm_status parse_json(const parser *p, json_t **root) {
    anm_status status = anm_json_parse(p->text, p->length, p->where, root, p->err);
    if (status != ANM_OK) {
        if (p->err && p->err->offset != ANM_NO_OFFSET) p->err->offset += PREFIX;
        return status;
    }
    if (json_is_object(*root)) return ANM_OK;
    json_decref(*root);
    return anm_fail_at(p->err, ANM_ERROR_FORMAT, p->where, PREFIX,
                       "the header is not a JSON object");
}

anm_status anm_safetensors_parse(anm_arena *arena, const uint8_t *data, size_t size,
                                 const char *where, anm_safetensors_header *out, anm_error *err) {
    parser p = {.arena = arena, .where = where, .err = err};
    json_t *root;
    *out = (anm_safetensors_header){0};
    ANM_TRY(header_length(data, size, where, &p.length, err));
    p.text = (const char *)data + PREFIX;
    ANM_TRY(parse_json(&p, &root));
    anm_status status = parse_entries(&p, root, data, size, out);
    json_decref(root);
    if (status != ANM_OK) *out = (anm_safetensors_header){0};
    return status;
}
