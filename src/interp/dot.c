/* SPDX-License-Identifier: MIT */
#include "src/interp/dot.h"

enum { LANES = 16 };

float anm_dot(const float *a, const float *b, int64_t n) {
    float sum[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; lane++) sum[lane] += a[i + lane] * b[i + lane];
    for (int lane = 0; i < n; i++, lane++) sum[lane] += a[i] * b[i];
    for (int half = LANES / 2; half; half /= 2)
        for (int lane = 0; lane < half; lane++) sum[lane] += sum[lane + half];
    return sum[0];
}

bool anm_rows_init(anm_kcall *k, anm_rows *rows, const anm_rvalue *value, int64_t length) {
    *rows = (anm_rows){.value = value, .length = length};
    rows->scratch = anm_k_scratch(k, length, sizeof *rows->scratch);
    return rows->scratch != NULL;
}

void anm_product(const float *x, int64_t M, const anm_rows *rows, int64_t N, const float *bias,
                 float *out, int64_t out_m, int64_t out_n) {
    int64_t length = rows->length;
    for (int64_t n = 0; n < N; n++) {
        const float *row =
            anm_rvalue_row(rows->value, rows->start + n * length, length, rows->scratch);
        float b = bias ? bias[n] : 0;
        for (int64_t m = 0; m < M; m++)
            out[m * out_m + n * out_n] = anm_dot(x + m * length, row, length) + b;
    }
}
