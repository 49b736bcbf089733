/* SPDX-License-Identifier: MIT */
#include "src/interp/dot.h"

enum {
    LANES = 16, /* rows of the left side taken together: they fill vector registers */
    ROWS = 8,   /* rows of the right side taken together when the left has few */
    FEW = 4
};

float anm_dot(const float *a, const float *b, int64_t n) {
    float sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

bool anm_rows_init(anm_kcall *k, anm_rows *rows, const anm_rvalue *value, int64_t length,
                   int64_t most) {
    *rows = (anm_rows){.value = value, .length = length};
    int64_t padded = (most + LANES - 1) / LANES * LANES;
    rows->scratch = anm_k_scratch(k, ROWS * length, sizeof *rows->scratch);
    if (most >= FEW) {
        rows->lanes = anm_k_scratch(k, padded * length, sizeof *rows->lanes);
        if (!rows->lanes) return false;
    }
    return rows->scratch != NULL;
}

static const float *row_at(const anm_rows *rows, int64_t n, int64_t slot) {
    return anm_rvalue_row(rows->value, rows->start + n * rows->length, rows->length,
                          rows->scratch + slot * rows->length);
}

/* x as groups of LANES rows, transposed: element i of all rows of a group together. */
static void fill_lanes(const float *x, int64_t M, int64_t length, float *lanes) {
    for (int64_t group = 0; group < M; group += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            for (int64_t i = 0; i < length; i++)
                lanes[group * length + i * LANES + lane] =
                    group + lane < M ? x[(group + lane) * length + i] : 0;
}

static void dot_lanes(const float *lanes, const float *row, int64_t length, float *sum) {
    float acc[LANES] = {0};
    for (int64_t i = 0; i < length; i++)
        for (int lane = 0; lane < LANES; lane++) acc[lane] += lanes[i * LANES + lane] * row[i];
    for (int lane = 0; lane < LANES; lane++) sum[lane] = acc[lane];
}

static void product_of_many(int64_t M, const anm_rows *rows, int64_t N, const float *bias,
                            float *out, int64_t out_m, int64_t out_n) {
    float sum[LANES];
    for (int64_t n = 0; n < N; n++) {
        const float *row = row_at(rows, n, 0);
        float b = bias ? bias[n] : 0;
        for (int64_t m = 0; m < M; m++) {
            if (m % LANES == 0) dot_lanes(rows->lanes + m * rows->length, row, rows->length, sum);
            out[m * out_m + n * out_n] = sum[m % LANES] + b;
        }
    }
}

static void dot_rows(const float *x, const float *const *row, int64_t length, float *sum) {
    float acc[ROWS] = {0};
    for (int64_t i = 0; i < length; i++)
        for (int r = 0; r < ROWS; r++) acc[r] += x[i] * row[r][i];
    for (int r = 0; r < ROWS; r++) sum[r] = acc[r];
}

static void product_of_few(const float *x, int64_t M, const anm_rows *rows, int64_t N,
                           const float *bias, float *out, int64_t out_m, int64_t out_n) {
    const float *row[ROWS];
    float sum[ROWS];
    for (int64_t n = 0; n < N; n += ROWS) {
        int64_t count = N - n < ROWS ? N - n : ROWS;
        for (int64_t r = 0; r < ROWS; r++) row[r] = r < count ? row_at(rows, n + r, r) : row[0];
        for (int64_t m = 0; m < M; m++) {
            dot_rows(x + m * rows->length, row, rows->length, sum);
            for (int64_t r = 0; r < count; r++)
                out[m * out_m + (n + r) * out_n] = sum[r] + (bias ? bias[n + r] : 0);
        }
    }
}

void anm_product(const float *x, int64_t M, const anm_rows *rows, int64_t N, const float *bias,
                 float *out, int64_t out_m, int64_t out_n) {
    if (M < FEW) {
        product_of_few(x, M, rows, N, bias, out, out_m, out_n);
        return;
    }
    fill_lanes(x, M, rows->length, rows->lanes);
    product_of_many(M, rows, N, bias, out, out_m, out_n);
}
