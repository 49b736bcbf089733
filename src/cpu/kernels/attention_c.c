/* SPDX-License-Identifier: MIT */
/* The reference: one row of one head at a time, sums in double precision. */
#include <math.h>

#include "src/base/half.h"
#include "src/cpu/kernels/attention_levels.h"

static bool accepts(const anm_attention *a) { return true; }

static int64_t units(const anm_attention *a) { return a->heads * a->rows; }

static void unit_queries(const anm_attention *a, int64_t unit, int64_t *first, int64_t *count) {
    *first = unit;
    *count = 1;
}

static size_t scratch_bytes(const anm_attention *a) { return (size_t)a->columns * 8; }

static double element(const anm_attention *a, const void *of, int64_t index) {
    if (a->kv_dtype == ANM_DTYPE_FP32) return ((const float *)of)[index];
    return anm_half_to_float(((const uint16_t *)of)[index]);
}

static double score(const anm_attention *a, int64_t head, int64_t row, int64_t column) {
    const float *q = a->q + head * a->q_head + row * a->q_row;
    int64_t k = head / (a->heads / a->kv_heads) * a->k_head + column * a->k_column;
    double sum = 0;
    for (int64_t i = 0; i < a->dim; i++) sum += q[i] * element(a, a->k, k + i);
    sum *= a->scale;
    if (a->softcap != 0) sum = a->softcap * tanh(sum / a->softcap);
    if (a->mask && !a->mask_trivial) sum += a->mask[row * a->mask_row + column];
    return sum;
}

/* Scores of the visible columns, then their weights; the sum of these. */
static double weigh(const anm_attention *a, int64_t head, int64_t row, int64_t begin, int64_t end,
                    double *weight) {
    double most = (double)ANM_ATTENTION_LEAST, sum = 0;
    for (int64_t c = begin; c < end; c++) {
        weight[c] = score(a, head, row, c);
        if (weight[c] > most) most = weight[c];
    }
    float largest = (float)most; /* as it is given */
    for (int64_t c = begin; c < end; c++) sum += weight[c] = exp(weight[c] - (double)largest);
    if (!a->statistics) return sum;
    a->statistics[2 * (head * a->rows + row)] = largest;
    a->statistics[2 * (head * a->rows + row) + 1] = (float)sum;
    return sum;
}

static void attend(const anm_attention *a, int64_t head, int64_t row, double *weight) {
    int64_t begin = anm_attention_begin(a, row), end = anm_attention_end(a, row);
    int64_t v = head / (a->heads / a->kv_heads) * a->v_head;
    float *out = a->out + head * a->out_head + row * a->out_row;
    double sum = weigh(a, head, row, begin, end, weight);
    for (int64_t i = 0; i < a->value_dim; i++) {
        double value = 0;
        for (int64_t c = begin; c < end; c++)
            value += weight[c] * element(a, a->v, v + c * a->v_column + i);
        out[i] = sum > 0 ? (float)(value / sum) : 0;
    }
}

static void run(const anm_attention *a, int64_t unit0, int64_t unit1, void *scratch) {
    for (int64_t u = unit0; u < unit1; u++) attend(a, u / a->rows, u % a->rows, scratch);
}

const anm_attention_kernel anm_attention_kernels_c[] = {
    {"attention_c", ANM_ISA_C, accepts, units, unit_queries, scratch_bytes, run},
    {0},
};
