/* SPDX-License-Identifier: MIT */
/*
 * A weight's values: whatever the file's coding and order of rows, they come as fp32 or fp16 in the
 * order of the Hugging Face model. A few kilobytes are in memory, however many are asked for.
 */
#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/hf/checkpoint.h"

enum { STEP = 4096 /* values at a time: their copies stay in the first-level cache */ };

static bool is_plain(anm_dtype dtype) {
    return dtype == ANM_DTYPE_FP16 || dtype == ANM_DTYPE_BF16 || dtype == ANM_DTYPE_FP32;
}

bool anm_weight_is_readable(const anm_weight *w) {
    return w->coding || is_plain(w->tensor->dtype);
}

const char *anm_weight_form(const anm_weight *w) {
    if (w->coding) return w->coding->name;
    if (w->tensor->dtype == ANM_DTYPE_FP8E4M3FN) return "fp8e4m3fn without scales";
    if (w->tensor->dtype == ANM_DTYPE_FP8E5M2) return "fp8e5m2 without scales";
    return anm_dtype_name(w->tensor->dtype);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- the file's order ---- */

/* 16-bit elements as they are in the file, which need not align them. */
static void copy_words(const anm_weight *w, size_t first, size_t count, uint16_t *out) {
    memcpy(out, (const uint8_t *)w->tensor->data + 2 * first, 2 * count);
}

static void widen(const anm_weight *w, size_t first, size_t count, float *out) {
    uint16_t words[STEP];
    for (size_t done = 0; done < count; done += STEP) {
        size_t n = smaller(count - done, STEP);
        copy_words(w, first + done, n, words);
        if (w->tensor->dtype == ANM_DTYPE_FP16) {
            anm_half_to_float_n(out + done, words, n);
            continue;
        }
        for (size_t i = 0; i < n; i++) out[done + i] = anm_bf16_to_float(words[i]);
    }
}

static void stored_floats(const anm_weight *w, size_t first, size_t count, float *out) {
    if (w->coding) w->coding->read(w, first, count, out);
    else if (w->tensor->dtype == ANM_DTYPE_FP32)
        memcpy(out, (const uint8_t *)w->tensor->data + 4 * first, 4 * count);
    else widen(w, first, count, out);
}

static void stored_halves(const anm_weight *w, size_t first, size_t count, uint16_t *out) {
    float wide[STEP];
    for (size_t done = 0; done < count; done += STEP) {
        size_t n = smaller(count - done, STEP);
        if (!w->coding && w->tensor->dtype != ANM_DTYPE_FP32) {
            copy_words(w, first + done, n, out + done);
            if (w->tensor->dtype == ANM_DTYPE_BF16) anm_half_from_bf16_n(out + done, out + done, n);
        } else {
            stored_floats(w, first + done, n, wide);
            anm_half_from_float_n(out + done, wide, n);
        }
    }
}

/* ---- the model's order ---- */

static size_t row_size(const anm_weight *w) {
    return w->tensor->rank == 2 ? (size_t)w->tensor->shape[1] : 1;
}

static size_t rows_per_head(const anm_weight *w) {
    return (size_t)(w->tensor->shape[0] / w->paired_heads);
}

/* Where the file has the model's row: pairs (0, half), (1, half + 1), ... lie together. */
static size_t stored_row(const anm_weight *w, size_t row) {
    size_t size = rows_per_head(w), half = size / 2, at = row % size;
    return row - at + 2 * (at % half) + at / half;
}

/* The longest run from `first` on that lies together in the file, and where it begins there. */
static size_t find_run(const anm_weight *w, size_t first, size_t count, size_t *stored) {
    size_t size = row_size(w), column = first % size;
    *stored = stored_row(w, first / size) * size + column;
    return smaller(count, size - column);
}

static void ordered_floats(const anm_weight *w, size_t first, size_t count, float *out) {
    if (!w->paired_heads) {
        stored_floats(w, first, count, out);
        return;
    }
    for (size_t done = 0, n, at; done < count; done += n) {
        n = find_run(w, first + done, count - done, &at);
        stored_floats(w, at, n, out + done);
    }
}

static void ordered_halves(const anm_weight *w, size_t first, size_t count, uint16_t *out) {
    if (!w->paired_heads) {
        stored_halves(w, first, count, out);
        return;
    }
    for (size_t done = 0, n, at; done < count; done += n) {
        n = find_run(w, first + done, count - done, &at);
        stored_halves(w, at, n, out + done);
    }
}

/* ---- what is made of them ---- */

void anm_weight_floats(const anm_weight *w, size_t first, size_t count, float *out) {
    ordered_floats(w, first, count, out);
    for (size_t i = 0; w->added != 0 && i < count; i++) out[i] = (float)(out[i] - w->added);
    if (w->factor == 0) return;
    for (size_t i = 0; i < count; i++) out[i] = (float)((out[i] + w->offset) * w->factor);
}

void anm_weight_halves(const anm_weight *w, size_t first, size_t count, uint16_t *out) {
    float wide[STEP];
    if (w->factor == 0 && w->added == 0) {
        ordered_halves(w, first, count, out);
        return;
    }
    for (size_t done = 0; done < count; done += STEP) {
        size_t n = smaller(count - done, STEP);
        anm_weight_floats(w, first + done, n, wide);
        anm_half_from_float_n(out + done, wide, n);
    }
}

/* Whole heads, where rows are in another order within them. */
void anm_weight_drop(const anm_weight *w, size_t first, size_t count) {
    size_t unit = w->paired_heads ? rows_per_head(w) * row_size(w) : 1, end = first + count;
    size_t block = w->coding ? w->coding->block : 1;
    size_t bytes = w->coding ? w->coding->bytes_per_block
                             : (size_t)anm_dtype_bits(w->tensor->dtype) / 8;
    first = first / unit * unit;
    end = (end + unit - 1) / unit * unit;
    size_t begin = first / block * bytes, after = (end + block - 1) / block * bytes;
    size_t offset = (size_t)((const uint8_t *)w->tensor->data - w->mapping->data);
    anm_mapping_drop(w->mapping, offset + begin, after - begin);
}
