/* SPDX-License-Identifier: MIT */
/* GEMM in fp32, each element of a row against vectors of tokens. */
#include "src/cpu/kernels/gemm_whole.h"
#include "src/cpu/kernels/neon/vector_neon.h"

typedef float weight;
enum { PER = 1 };

#include "src/cpu/kernels/table_plain.h"

typedef float32x4_t va;

static inline vf sum_float(va sum) { return sum; }

static inline va dot(va sum, const void *tokens, const weight *w) {
    return vfmaq_n_f32(sum, vld1q_f32(tokens), *w);
}

static inline float input_factor(float largest, float sum) { return 1; }

static inline vf pack(const float *x, int64_t n, vf factor) { return v_load_part(x, n); }

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    for (int64_t i = 0; i < n; i += 32, out += step) memcpy(out, row + i, 32 * sizeof *out);
    return 1;
}

static float convert_table(const uint16_t *halves, int bits, weight *table) {
    for (int64_t i = 0, n = 1 << bits; i < n; i += VN)
        v_store(table + i, v_load_half_part(halves + i, n - i));
    return 1;
}

static anm_table_decoder table_decoder(int bits) { return table_decoder_plain(bits); }

static anm_halves_converter halves_converter(void) { return NULL; }

#include "src/cpu/kernels/gemm_tile_template.h"

const anm_gemm_kernel anm_gemm_kernels_neon[] = {
    {"gemm_fp32_neon", ANM_ISA_NEON, accepts, PANEL, input_bytes, prepare, scratch_bytes, run},
    {0},
};
