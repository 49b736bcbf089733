/* SPDX-License-Identifier: MIT */
/* Typed access to a GGUF file's metadata. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/hf/gguf_internal.h"

const anm_gguf_value *anm_gguf_file_find(const anm_gguf_file *file, const char *key) {
    uint64_t index;
    if (!anm_map_get(&file->by_key, anm_sv_from(key), &index)) return NULL;
    return &file->values[index];
}

const anm_gguf_value *anm_gguf_find(const anm_gguf *g, const char *key) {
    return anm_gguf_file_find(&g->files[0], key);
}

static anm_status wrong_kind(const anm_gguf *g, const anm_gguf_value *v, const char *wanted,
                             anm_error *err) {
    return anm_fail_at(err, ANM_ERROR_FORMAT, anm_gguf_path(g), v->offset, "key \"%.*s\" is not %s",
                       ANM_SV(v->key), wanted);
}

#define LOAD(type, data) ((type *)memcpy(&(type){0}, (data), sizeof(type)))[0]

bool anm_gguf_value_int(const anm_gguf_value *v, int64_t *out) {
    if (v->is_array) return false;
    switch (v->kind) {
    case ANM_GGUF_UINT8: *out = v->data[0]; return true;
    case ANM_GGUF_INT8: *out = (int8_t)v->data[0]; return true;
    case ANM_GGUF_UINT16: *out = LOAD(uint16_t, v->data); return true;
    case ANM_GGUF_INT16: *out = LOAD(int16_t, v->data); return true;
    case ANM_GGUF_UINT32: *out = LOAD(uint32_t, v->data); return true;
    case ANM_GGUF_INT32: *out = LOAD(int32_t, v->data); return true;
    case ANM_GGUF_INT64:
    case ANM_GGUF_UINT64: *out = LOAD(int64_t, v->data); break;
    default: return false;
    }
    return v->kind == ANM_GGUF_INT64 || *out >= 0;
}

anm_status anm_gguf_get_int(const anm_gguf *g, const char *key, int64_t absent, int64_t *out,
                            anm_error *err) {
    const anm_gguf_value *v = anm_gguf_find(g, key);
    *out = absent;
    return !v || anm_gguf_value_int(v, out) ? ANM_OK : wrong_kind(g, v, "a whole number", err);
}

anm_status anm_gguf_get_number(const anm_gguf *g, const char *key, double absent, double *out,
                               anm_error *err) {
    const anm_gguf_value *v = anm_gguf_find(g, key);
    int64_t whole;
    *out = absent;
    if (!v) return ANM_OK;
    if (anm_gguf_value_int(v, &whole)) *out = (double)whole;
    else if (!v->is_array && v->kind == ANM_GGUF_FLOAT32)
        *out = anm_gguf_decimal(LOAD(float, v->data));
    else if (!v->is_array && v->kind == ANM_GGUF_FLOAT64) *out = LOAD(double, v->data);
    else return wrong_kind(g, v, "a number", err);
    return isfinite(*out) ? ANM_OK : wrong_kind(g, v, "finite", err);
}

anm_status anm_gguf_get_bool(const anm_gguf *g, const char *key, bool absent, bool *out,
                             anm_error *err) {
    const anm_gguf_value *v = anm_gguf_find(g, key);
    *out = absent;
    if (!v) return ANM_OK;
    if (v->is_array || v->kind != ANM_GGUF_BOOL) return wrong_kind(g, v, "a truth value", err);
    *out = v->data[0] != 0;
    return ANM_OK;
}

anm_status anm_gguf_get_text(const anm_gguf *g, const char *key, anm_sv *out, anm_error *err) {
    const anm_gguf_value *v = anm_gguf_find(g, key);
    *out = (anm_sv){0};
    if (!v) return ANM_OK;
    if (v->is_array || v->kind != ANM_GGUF_STRING) return wrong_kind(g, v, "a string", err);
    const uint8_t *next = v->data;
    *out = anm_gguf_next_text(&next);
    return ANM_OK;
}

anm_status anm_gguf_get_array(const anm_gguf *g, const char *key, anm_gguf_kind kind,
                              const anm_gguf_value **out, anm_error *err) {
    *out = anm_gguf_find(g, key);
    if (!*out || ((*out)->is_array && (*out)->kind == kind)) return ANM_OK;
    const char *wanted = kind == ANM_GGUF_STRING    ? "an array of strings"
                         : kind == ANM_GGUF_FLOAT32 ? "an array of fp32"
                                                    : "an array of int32";
    return wrong_kind(g, *out, wanted, err);
}

anm_sv anm_gguf_next_text(const uint8_t **next) {
    anm_sv text = {(const char *)*next + 8, (size_t)LOAD(uint64_t, *next)};
    *next += 8 + text.len;
    return text;
}

int32_t anm_gguf_int32_at(const anm_gguf_value *array, uint64_t index) {
    return LOAD(int32_t, array->data + 4 * index);
}

float anm_gguf_float_at(const anm_gguf_value *array, uint64_t index) {
    return LOAD(float, array->data + 4 * index);
}

double anm_gguf_decimal(float value) {
    char text[32];
    for (int digits = 1; digits < 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) return strtod(text, NULL);
    }
    return (double)value;
}
