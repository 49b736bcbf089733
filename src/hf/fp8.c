/* SPDX-License-Identifier: MIT */
#include "src/hf/fp8.h"

#include <math.h>

#include "src/base/dtype.h"

typedef struct scales {
    float elements[256]; /* what each code is */
    size_t columns, block_rows, block_columns, stride; /* stride: scales for a row of blocks */
    float *values;
} scales;

static void read_fp8(const anm_weight *w, size_t first, size_t count, float *out) {
    const scales *s = w->scales;
    const uint8_t *codes = (const uint8_t *)w->tensor->data + first;
    while (count) {
        size_t row = first / s->columns, column = first % s->columns;
        size_t block = column / s->block_columns, end = (block + 1) * s->block_columns;
        size_t n = (end < s->columns ? end : s->columns) - column;
        float scale = s->values[row / s->block_rows * s->stride + block];
        if (n > count) n = count;
        for (size_t i = 0; i < n; i++) out[i] = s->elements[codes[i]] * scale;
        first += n;
        codes += n;
        out += n;
        count -= n;
    }
}

static const anm_coding coding_e4m3 = {"fp8e4m3fn", 1, 1, read_fp8};
static const anm_coding coding_e5m2 = {"fp8e5m2", 1, 1, read_fp8};

static size_t blocks(size_t size, size_t block) {
    return (size + block - 1) / block;
}

/* Shape [a, b], or [a] if b is 1. */
static bool has_shape(const anm_tensor *t, size_t a, size_t b) {
    if (t->rank == 1) return b == 1 && (size_t)t->shape[0] == a;
    return t->rank == 2 && (size_t)t->shape[0] == a && (size_t)t->shape[1] == b;
}

static bool find_layout(const anm_tensor *weight, const anm_tensor *scale, const int64_t block[2],
                        scales *s) {
    size_t rows = (size_t)weight->shape[0];
    s->columns = weight->rank == 2 ? (size_t)weight->shape[1] : 1;
    s->block_rows = rows;
    s->block_columns = s->columns;
    s->stride = 1;
    if (anm_shape_elements(scale->shape, scale->rank) == 1) return true;
    if (block[0] > 0) {
        size_t across = blocks(s->columns, (size_t)block[1]);
        if (has_shape(scale, blocks(rows, (size_t)block[0]), across)) {
            s->block_rows = (size_t)block[0];
            s->block_columns = (size_t)block[1];
            s->stride = across;
            return true;
        }
    }
    s->block_rows = 1;
    return has_shape(scale, rows, 1);
}

static anm_status fail_scale(const anm_weight *scale, size_t offset, const char *what,
                             const anm_weight *weight, anm_error *err) {
    char shape[ANM_SHAPE_TEXT];
    const anm_tensor *t = scale->tensor;
    offset += (size_t)((const uint8_t *)t->data - scale->mapping->data);
    anm_shape_format(t->shape, t->rank, shape, sizeof shape);
    return anm_fail_at(err, ANM_ERROR_FORMAT, scale->path, offset, "\"%s\" (%s %s) %s \"%s\"",
                       t->name, anm_dtype_name(t->dtype), shape, what, weight->tensor->name);
}

static anm_status load(const anm_weight *weight, const anm_weight *scale, scales *s,
                       anm_error *err) {
    size_t count = (size_t)anm_shape_elements(scale->tensor->shape, scale->tensor->rank);
    anm_weight_floats(scale, 0, count, s->values);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(s->values[i]))
            return fail_scale(scale, i * scale->tensor->bytes / count,
                              "has a scale that is not finite, for", weight, err);
    for (int code = 0; code < 256; code++)
        s->elements[code] = (float)anm_element_get(weight->tensor->dtype,
                                                   &(uint8_t){(uint8_t)code}, 0);
    return ANM_OK;
}

anm_status anm_fp8_attach(anm_arena *arena, anm_weight *weight, const anm_weight *scale,
                          const int64_t block[2], anm_error *err) {
    scales *s = ANM_ARENA_NEW(arena, scales);
    int64_t count = anm_shape_elements(scale->tensor->shape, scale->tensor->rank);
    if (!s) return anm_fail_memory(err);
    if (!anm_weight_is_readable(scale) || weight->tensor->rank < 1 || weight->tensor->rank > 2 ||
        !find_layout(weight->tensor, scale->tensor, block, s))
        return fail_scale(scale, 0, "does not fit, by its type, its shape or the block size in "
                                    "config.json, the weight", weight, err);
    s->values = ANM_ARENA_ARRAY(arena, float, count);
    if (!s->values) return anm_fail_memory(err);
    ANM_TRY(load(weight, scale, s, err));
    weight->coding = weight->tensor->dtype == ANM_DTYPE_FP8E5M2 ? &coding_e5m2 : &coding_e4m3;
    weight->scales = s;
    return ANM_OK;
}
