/* SPDX-License-Identifier: MIT */
/* The header and the metadata of a GGUF file; every length is held against the file's end. */
#include "src/hf/gguf_internal.h"

enum {
    LEAST_VALUE = 13,  /* bytes of a key's length, a kind and a value of one byte */
    LEAST_TENSOR = 32, /* and of a tensor of one dimension without a name */
    LONGEST_KEY = 65535,
    DEFAULT_ALIGNMENT = 32,
    MOST_ALIGNMENT = 1 << 20
};

anm_status anm_gguf_take(anm_gguf_cursor *c, uint64_t size, const char *what,
                         const uint8_t **out) {
    size_t left = c->file->mapping.size - c->at;
    *out = NULL;
    if (size > left)
        return anm_gguf_fail(c, c->at, "the file ends within %s: %llu bytes are wanted, %zu are "
                             "left", what, (unsigned long long)size, left);
    *out = c->file->mapping.data + c->at;
    c->at += (size_t)size;
    return ANM_OK;
}

anm_status anm_gguf_take_u32(anm_gguf_cursor *c, const char *what, uint32_t *out) {
    const uint8_t *p;
    ANM_TRY(anm_gguf_take(c, 4, what, &p));
    memcpy(out, p, 4);
    return ANM_OK;
}

anm_status anm_gguf_take_u64(anm_gguf_cursor *c, const char *what, uint64_t *out) {
    const uint8_t *p;
    ANM_TRY(anm_gguf_take(c, 8, what, &p));
    memcpy(out, p, 8);
    return ANM_OK;
}

anm_status anm_gguf_take_text(anm_gguf_cursor *c, const char *what, anm_sv *out) {
    uint64_t length;
    const uint8_t *p;
    ANM_TRY(anm_gguf_take_u64(c, what, &length));
    ANM_TRY(anm_gguf_take(c, length, what, &p));
    *out = (anm_sv){(const char *)p, (size_t)length};
    return ANM_OK;
}

anm_status anm_gguf_check_count(const anm_gguf_cursor *c, uint64_t count, uint64_t least,
                                const char *what) {
    uint64_t left = c->file->mapping.size - c->at;
    if (count <= left / least) return ANM_OK;
    return anm_gguf_fail(c, c->at, "%llu %s cannot be in the %llu bytes that are left",
                         (unsigned long long)count, what, (unsigned long long)left);
}

/* ---- metadata ---- */

static const uint8_t kind_bytes[ANM_GGUF_KINDS] = {
    [ANM_GGUF_UINT8] = 1,  [ANM_GGUF_INT8] = 1,   [ANM_GGUF_UINT16] = 2,  [ANM_GGUF_INT16] = 2,
    [ANM_GGUF_UINT32] = 4, [ANM_GGUF_INT32] = 4,  [ANM_GGUF_FLOAT32] = 4, [ANM_GGUF_BOOL] = 1,
    [ANM_GGUF_UINT64] = 8, [ANM_GGUF_INT64] = 8,  [ANM_GGUF_FLOAT64] = 8,
};

static anm_status take_kind(anm_gguf_cursor *c, anm_gguf_kind *out) {
    uint32_t kind;
    size_t at = c->at;
    ANM_TRY(anm_gguf_take_u32(c, "a value's type", &kind));
    if (kind >= ANM_GGUF_KINDS)
        return anm_gguf_fail(c, at, "value type %u does not exist", kind);
    *out = (anm_gguf_kind)kind;
    return ANM_OK;
}

static anm_status take_texts(anm_gguf_cursor *c, uint64_t count) {
    anm_sv text;
    ANM_TRY(anm_gguf_check_count(c, count, 8, "strings"));
    for (uint64_t i = 0; i < count; i++) ANM_TRY(anm_gguf_take_text(c, "a string", &text));
    return ANM_OK;
}

static anm_status take_bools(anm_gguf_cursor *c, const uint8_t *data, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        if (data[i] > 1)
            return anm_gguf_fail(c, (size_t)(data - c->file->mapping.data) + i,
                                 "a truth value is %u, not 0 or 1", data[i]);
    return ANM_OK;
}

static anm_status take_payload(anm_gguf_cursor *c, anm_gguf_value *v) {
    size_t width = kind_bytes[v->kind];
    v->offset = c->at;
    v->data = c->file->mapping.data + c->at;
    if (v->kind == ANM_GGUF_STRING) return take_texts(c, v->count);
    ANM_TRY(anm_gguf_check_count(c, v->count, width, "values"));
    ANM_TRY(anm_gguf_take(c, v->count * width, "a value", &v->data));
    return v->kind == ANM_GGUF_BOOL ? take_bools(c, v->data, v->count) : ANM_OK;
}

static anm_status take_value(anm_gguf_cursor *c, anm_gguf_value *v) {
    size_t at = c->at;
    v->count = 1;
    ANM_TRY(take_kind(c, &v->kind));
    if (v->kind != ANM_GGUF_ARRAY) return take_payload(c, v);
    v->is_array = true;
    ANM_TRY(take_kind(c, &v->kind));
    if (v->kind == ANM_GGUF_ARRAY)
        return anm_gguf_fail(c, at, "key \"%.*s\" is an array of arrays", ANM_SV(v->key));
    ANM_TRY(anm_gguf_take_u64(c, "an array's length", &v->count));
    return take_payload(c, v);
}

static bool is_key(anm_sv key) {
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] <= ' ' || key.data[i] > '~') return false;
    return key.len > 0 && key.len <= LONGEST_KEY;
}

static anm_status take_pair(anm_gguf_cursor *c, anm_gguf_file *file, size_t index) {
    anm_gguf_value *v = &file->values[index];
    size_t at = c->at;
    ANM_TRY(anm_gguf_take_text(c, "a key", &v->key));
    if (!is_key(v->key)) return anm_gguf_fail(c, at, "a key is not 1 to 65535 characters of ASCII");
    if (anm_map_get(&file->by_key, v->key, NULL))
        return anm_gguf_fail(c, at, "key \"%.*s\" is there twice", ANM_SV(v->key));
    if (!anm_map_put(&file->by_key, v->key, index)) return anm_fail_memory(c->err);
    return take_value(c, v);
}

static anm_status take_metadata(anm_gguf_cursor *c, anm_gguf_file *file, uint64_t count) {
    ANM_TRY(anm_gguf_check_count(c, count, LEAST_VALUE, "metadata values"));
    file->value_count = (size_t)count;
    file->values = ANM_ARENA_ARRAY(c->arena, anm_gguf_value, count);
    if (!file->values) return anm_fail_memory(c->err);
    for (size_t i = 0; i < count; i++) ANM_TRY(take_pair(c, file, i));
    return ANM_OK;
}

/* ---- the file ---- */

static anm_status take_version(anm_gguf_cursor *c) {
    uint32_t magic, version;
    ANM_TRY(anm_gguf_take_u32(c, "the header", &magic));
    if (memcmp(c->file->mapping.data, "GGUF", 4) != 0)
        return anm_gguf_fail(c, 0, "not a GGUF file: it does not begin with \"GGUF\"");
    ANM_TRY(anm_gguf_take_u32(c, "the header", &version));
    if (version == 2 || version == 3) return ANM_OK;
    if (version && (version & 0xffff) == 0)
        return anm_fail_at(c->err, ANM_ERROR_UNSUPPORTED, c->file->path, 4,
                           "a big-endian GGUF file; a little-endian one is needed");
    return anm_fail_at(c->err, ANM_ERROR_UNSUPPORTED, c->file->path, 4,
                       "GGUF version %u; versions 2 and 3 are read", version);
}

static anm_status get_alignment(const anm_gguf_cursor *c, uint64_t *out) {
    const anm_gguf_value *v = anm_gguf_file_find(c->file, "general.alignment");
    int64_t alignment = DEFAULT_ALIGNMENT;
    if (v && (!anm_gguf_value_int(v, &alignment) || alignment < 1 || alignment > MOST_ALIGNMENT ||
              (alignment & (alignment - 1))))
        return anm_gguf_fail(c, v->offset, "general.alignment is not a power of two up to 2^20");
    *out = (uint64_t)alignment;
    return ANM_OK;
}

anm_status anm_gguf_parse(anm_arena *arena, anm_gguf_file *file, anm_error *err) {
    anm_gguf_cursor c = {.file = file, .arena = arena, .err = err};
    uint64_t tensors, values, alignment = 0;
    ANM_TRY(take_version(&c));
    ANM_TRY(anm_gguf_take_u64(&c, "the header", &tensors));
    ANM_TRY(anm_gguf_take_u64(&c, "the header", &values));
    ANM_TRY(anm_gguf_check_count(&c, tensors, LEAST_TENSOR, "tensors"));
    ANM_TRY(take_metadata(&c, file, values));
    ANM_TRY(get_alignment(&c, &alignment));
    ANM_TRY(anm_gguf_check_count(&c, tensors, LEAST_TENSOR, "tensors"));
    file->tensor_count = (size_t)tensors;
    return anm_gguf_parse_tensors(&c, file, alignment);
}
