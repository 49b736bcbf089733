/* SPDX-License-Identifier: MIT */
/*
 * Every GEMM kernel on every form of matrix it accepts, against sums in double. The bounds follow
 * from what the kernel's name says it rounds (docs/kernels.md).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/gemm.h"
#include "src/cpu/kernels/gemm_int16.h"
#include "src/cpu/kernels/gemm_int8.h"
#include "src/cpu/kernels/gemv.h"
#include "tests/kcheck/kcheck.h"
#include "tests/kcheck/kcheck_matrix.h"

#define UNIT 0x1p-24 /* half a unit in the last place of 1 */

typedef struct gemm_case {
    const anm_gemm_kernel *kernel;
    anm_matrix w;
    int64_t tokens, ldx, ldy;
    float *x, *y;
    void *input, *scratch;
    int part, parts;
    int64_t row0, row1;
} gemm_case;

static double table_max(const anm_matrix *w, int64_t row, int64_t column) {
    if (w->kind != ANM_MATRIX_LUT) return 0;
    int64_t across = w->columns / w->group_columns;
    const uint16_t *table =
        w->lut + ((row / w->group_rows * across + column / w->group_columns) << w->bits);
    double max = 0;
    for (int i = 0; i < 1 << w->bits; i++)
        max = fmax(max, fabs((double)anm_half_to_float(table[i])));
    return max * (w->row_scale ? fabs((double)anm_half_to_float(w->row_scale[row])) : 1);
}

typedef struct block_error {
    double weight, input; /* half a unit */
} block_error;

typedef enum arithmetic { FLOATS, BF16, DIGITS, INT16, INT8 } arithmetic;

static arithmetic arithmetic_of(const anm_gemm_kernel *k) {
    if (strstr(k->name, "int16")) return INT16;
    if (strstr(k->name, "digits")) return DIGITS;
    if (strstr(k->name, "int8")) return INT8;
    return strstr(k->name, "bf16") ? BF16 : FLOATS;
}

/* Of the columns' weights and of the tables they are from. */
static double largest_weight(const gemm_case *c, int64_t row, const float *w, int64_t k0,
                             int64_t k1) {
    double max = 0;
    for (int64_t k = k0; k < k1; k++) {
        max = fmax(max, fabs((double)w[k]));
        if (k == k0 || k % c->w.group_columns == 0) max = fmax(max, table_max(&c->w, row, k));
    }
    return max;
}

static int64_t end_of(const gemm_case *c, int64_t k, int64_t length) {
    return k + length < c->w.columns ? k + length : c->w.columns;
}

/* Of 16-bit integers: the units that the block's largest weight and the input's sum allow. */
static block_error words_error(const gemm_case *c, int64_t row, const float *w, const float *x,
                               int64_t k0) {
    double x_max = 0, x_sum = 0, w_max = largest_weight(c, row, w, k0, end_of(c, k0, BLOCK));
    for (int64_t k = k0; k < end_of(c, k0, BLOCK); k++) {
        x_max = fmax(x_max, fabs((double)x[k]));
        x_sum += fabs((double)x[k]);
    }
    return (block_error){w_max / WEIGHT_UNITS / 2 * 1.001,
                         fmax(x_max / 32766, x_sum / (INPUT_SUM - 1)) / 2 * 1.001};
}

/* Of 16-bit integers in two digits: those of a GEMV, with as many units on both sides. */
static block_error digits_error(const gemm_case *c, int64_t row, const float *w, const float *x,
                                int64_t k0) {
    double x_max = 0, w_max = largest_weight(c, row, w, k0, end_of(c, k0, BLOCK));
    for (int64_t k = k0; k < end_of(c, k0, BLOCK); k++) x_max = fmax(x_max, fabs((double)x[k]));
    return (block_error){w_max / ANM_GEMV_Q / 2 * 1.001, x_max / ANM_GEMV_Q / 2 * 1.001};
}

/* Of 8-bit integers: weights have a block's largest or their table's, inputs that of a share. */
static block_error bytes_error(const gemm_case *c, int64_t row, const float *w, const float *x,
                               int64_t k0) {
    double x_max = 0;
    int64_t block = k0 / BLOCK * BLOCK;
    for (int64_t k = k0; k < end_of(c, k0, INT8_SHARE); k++)
        x_max = fmax(x_max, fabs((double)x[k]));
    return (block_error){
        largest_weight(c, row, w, block, end_of(c, block, BLOCK)) / UNITS_LEAST / 2 * 1.001,
        x_max / UNITS / 2 * 1.001};
}

/* The exact sum of a row and a token, and what the kernel may be off. */
static double expect(const gemm_case *c, int64_t row, const float *w, const float *x,
                     double *bound) {
    arithmetic kind = arithmetic_of(c->kernel);
    double value = 0, norm = 0, error = 0;
    block_error e = {0};
    for (int64_t k = 0; k < c->w.columns; k++) {
        double a = fabs((double)w[k]), b = fabs((double)x[k]);
        if (kind == INT16 && k % BLOCK == 0) e = words_error(c, row, w, x, k);
        if (kind == DIGITS && k % BLOCK == 0) e = digits_error(c, row, w, x, k);
        if (kind == INT8 && k % INT8_SHARE == 0) e = bytes_error(c, row, w, x, k);
        if (kind == BF16) e = (block_error){a * 0x1p-8, b * 0x1p-8};
        value += (double)w[k] * (double)x[k];
        norm += a * b;
        error += a * e.input + (b + e.input) * e.weight;
        if (kind == DIGITS) error += 16384 * (2 * e.weight) * (2 * e.input); /* of low digits */
    }
    double roundings = (double)c->w.columns + 8; /* sums of whole blocks and shares are exact */
    if (kind == INT16 || kind == DIGITS) roundings = (double)(c->w.columns / BLOCK + 8);
    if (kind == INT8) roundings = (double)(c->w.columns / INT8_SHARE + c->w.columns / BLOCK + 8);
    *bound = error + roundings * UNIT * (norm + error) + 1e-37;
    return value;
}

static void call_prepare(void *context) {
    gemm_case *c = context;
    c->kernel->prepare(c->x, c->ldx, c->w.columns, c->tokens, c->input, c->part, c->parts);
}

static void call_run(void *context) {
    gemm_case *c = context;
    c->kernel->run(&c->w, c->input, c->tokens, c->row0, c->row1, c->y, c->ldy, c->scratch);
}

static bool prepare_in_parts(gemm_case *c) {
    c->parts = (int)kcheck_between(1, 3);
    for (c->part = c->parts - 1; c->part >= 0; c->part--)
        if (!kcheck_guarded(call_prepare, c, "prepare")) return false;
    return true;
}

/* Two calls, so that what is outside of a call's rows can be seen to stay. */
static bool run_in_parts(gemm_case *c) {
    int64_t step = c->kernel->row_step;
    int64_t cut = kcheck_between(0, c->w.rows / step) * step;
    memset(c->y, 0xff, (size_t)((c->tokens - 1) * c->ldy + c->w.rows) * 4);
    c->row0 = cut;
    c->row1 = c->w.rows;
    if (!kcheck_guarded(call_run, c, kcheck_matrix_name(&c->w))) return false;
    for (int64_t t = 0; t < c->tokens; t++) {
        int64_t last = t + 1 == c->tokens ? c->w.rows : c->ldy;
        for (int64_t i = 0; i < last; i++)
            if ((i < cut || i >= c->w.rows) &&
                anm_float_bits(c->y[t * c->ldy + i]) != 0xffffffff)
                kcheck_fail("wrote outside of its rows");
    }
    c->row0 = 0;
    c->row1 = cut;
    return kcheck_guarded(call_run, c, kcheck_matrix_name(&c->w));
}

/* Rows of x of different magnitudes, some with an outlier, one of zeros. */
static void fill_input(gemm_case *c) {
    int64_t n = c->w.columns;
    for (int64_t t = 0; t < c->tokens; t++) {
        float *x = c->x + t * c->ldx;
        kcheck_fill_normal(x, n, ldexpf(1, (int)kcheck_between(-20, 10)));
        if (t % 5 == 1) x[kcheck_between(0, n - 1)] *= 300;
        if (t % 7 == 3) memset(x, 0, (size_t)n * 4);
    }
}

/* Every `stride`-th token. */
static void compare(const gemm_case *c, int64_t stride) {
    float *row = kcheck_buffer((size_t)c->w.columns * 4, 4);
    for (int64_t r = 0; r < c->w.rows; r++) {
        anm_matrix_row(&c->w, r, 0, c->w.columns, row);
        for (int64_t t = r % stride; t < c->tokens; t += stride) {
            double bound, value = expect(c, r, row, c->x + t * c->ldx, &bound);
            kcheck_error(fabs((double)c->y[t * c->ldy + r] - value), bound,
                         "%s, %lld tokens, row %lld token %lld", kcheck_matrix_name(&c->w),
                         (long long)c->tokens, (long long)r, (long long)t);
        }
    }
}

/* `all`: what every element of the input is; 0: random ones. */
static void check_case(const anm_gemm_kernel *k, const anm_matrix *w, int64_t tokens, float all) {
    gemm_case c = {.kernel = k, .w = *w, .tokens = tokens};
    c.ldx = w->columns + kcheck_between(0, 1) * 5;
    c.ldy = w->rows + kcheck_between(0, 1) * 3;
    c.x = kcheck_buffer((size_t)((c.tokens - 1) * c.ldx + w->columns) * 4, 4);
    c.y = kcheck_buffer((size_t)((c.tokens - 1) * c.ldy + w->rows) * 4, 4);
    c.input = kcheck_buffer(k->input_bytes(w->columns, c.tokens), 64);
    c.scratch = kcheck_buffer(k->scratch_bytes(w, c.tokens), 64);
    if (all == 0) fill_input(&c);
    for (int64_t i = 0; all != 0 && i < (c.tokens - 1) * c.ldx + w->columns; i++) c.x[i] = all;
    if (prepare_in_parts(&c) && run_in_parts(&c)) compare(&c, tokens / 100 + 1);
}

static int64_t random_columns(int turn) {
    if (turn == 0) return kcheck_between(1, 12) * 64;
    return kcheck_between(1, 600);
}

/* An input too large for the nearer caches: rows are taken in portions. */
static void check_large(const anm_gemm_kernel *k) {
    const kcheck_form form = {.kind = ANM_MATRIX_LUT, .bits = 4, .group_rows = 5};
    anm_matrix w = kcheck_matrix_make(&form, 160, 700);
    if (k->isa != ANM_ISA_C) check_case(k, &w, 1100, 0);
    if (!kcheck_release()) kcheck_fail("wrote behind a buffer");
}

/* Products that are all of the largest magnitude and of one sign: no sum may overflow. */
static void check_largest(const anm_gemm_kernel *k) {
    const kcheck_form form = {.kind = ANM_MATRIX_FP16, .bits = 16};
    for (int signs = 0; signs < 4; signs++) {
        anm_matrix w = kcheck_matrix_make(&form, 9, 2 * BLOCK);
        uint16_t *halves = (uint16_t *)(uintptr_t)w.data;
        for (int64_t i = 0; i < w.rows * w.columns; i++) halves[i] = signs & 1 ? 0xbc00 : 0x3c00;
        check_case(k, &w, 35, signs & 2 ? -1 : 1);
        if (!kcheck_release()) kcheck_fail("wrote behind a buffer");
    }
}

static void check_kernel(const anm_gemm_kernel *k) {
    static const int64_t token_counts[] = {1, 2, 7, 8, 16, 17, 33, 48, 64, 79};
    kcheck_form form;
    kcheck_begin(k->name);
    check_large(k);
    for (size_t i = 0; kcheck_form_at(i, &form); i++)
        for (int turn = 0; turn < 2; turn++) {
            int64_t rows = kcheck_between(1, turn == 0 ? 70 : 20);
            anm_matrix w = kcheck_matrix_make(&form, rows, random_columns(turn));
            if (k->accepts(&w)) check_case(k, &w, token_counts[kcheck_between(0, 9)], 0);
            if (!kcheck_release()) kcheck_fail("wrote behind a buffer");
        }
    check_largest(k);
    kcheck_end();
}

/* AMX kernels over emulated tiles, where the machine has the rest of what they need. */
static void check_emulated(void) {
#ifdef ANM_HAVE_EMULATED_TILES
    extern const anm_gemm_kernel anm_gemm_kernels_emulated[];
    if (!__builtin_cpu_supports("avx512bf16")) return;
    for (const anm_gemm_kernel *k = anm_gemm_kernels_emulated; k->name; k++) {
        anm_gemm_kernel renamed = *k;
        char name[64];
        snprintf(name, sizeof name, "%s, emulated", k->name);
        renamed.name = name;
        if (kcheck_wanted(name, ANM_ISA_AVX512VNNI)) check_kernel(&renamed);
    }
#endif
}

void check_gemm(void) {
    const anm_gemm_kernel *k;
    for (size_t i = 0; (k = anm_gemm_at(i)) != NULL; i++)
        if (kcheck_wanted(k->name, k->isa)) check_kernel(k);
    check_emulated();
}
