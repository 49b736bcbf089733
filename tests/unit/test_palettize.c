/* SPDX-License-Identifier: MIT */
/*
 * Palettization: tables against an exhaustive search, against the tables that coremltools made for
 * ANEMLL's packages, and the forms around them.
 */
#include "tests/unit/testing.h"

#include <glob.h>
#include <math.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/base/half.h"
#include "src/convert/palettize.h"
#include "src/convert/palettize_dp.h"
#include "src/hf/checkpoint.h"
#include "src/interp/constexpr.h"
#include "src/package/package.h"

enum { MOST_POINTS = 4096 };

static uint64_t random_state = 1;

static uint64_t next_random(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t below(size_t n) {
    return (size_t)(next_random() % n);
}

static double uniform(void) {
    return (double)(next_random() >> 11) * 0x1p-53;
}

static double normal(void) {
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += uniform();
    return sum - 6;
}

static double real(uint16_t half) {
    return (double)anm_half_to_float(half);
}

/* The exhaustive search: every cut, and around each mean every fp16 centre that could be best. */

typedef struct point {
    double x, w;
} point;

static int by_value(const void *a, const void *b) {
    double x = ((const point *)a)->x, y = ((const point *)b)->x;
    return (x > y) - (x < y);
}

static double error_with(const point *p, size_t n, double centre) {
    double error = 0;
    for (size_t i = 0; i < n; i++) error += p[i].w * (p[i].x - centre) * (p[i].x - centre);
    return error;
}

static double run_error(const point *p, size_t n) {
    double sum = 0, weight = 0, least = INFINITY;
    for (size_t i = 0; i < n; i++) sum += p[i].w * p[i].x, weight += p[i].w;
    if (weight == 0) return 0;
    uint16_t near = anm_half_from_double(sum / weight);
    for (int step = -1; step <= 1; step++) {
        uint16_t code = (uint16_t)(near + step);
        if ((code & 0x7c00) != 0x7c00) least = fmin(least, error_with(p, n, real(code)));
    }
    return fmin(least, error_with(p, n, 0));
}

static double least_error(const point *p, size_t n, size_t k) {
    double *best = calloc(n + 1, sizeof *best), *last = calloc(n + 1, sizeof *last);
    double *cost = calloc((n + 1) * (n + 1), sizeof *cost);
    assert_true(best && last && cost);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j <= n; j++) cost[i * (n + 1) + j] = run_error(p + i, j - i);
    for (size_t j = 1; j <= n; j++) last[j] = cost[j];
    for (size_t c = 2; c <= k; c++) {
        for (size_t j = 1; j <= n; j++) {
            best[j] = last[j];
            for (size_t i = 1; i < j; i++)
                best[j] = fmin(best[j], last[i] + cost[i * (n + 1) + j]);
        }
        memcpy(last, best, (n + 1) * sizeof *last);
    }
    double error = last[n];
    free(best);
    free(last);
    free(cost);
    return error;
}

static size_t distinct_points(const uint16_t *values, const double *importance, size_t n,
                              point *p) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) p[i] = (point){real(values[i]), importance ? importance[i] : 1};
    qsort(p, n, sizeof *p, by_value);
    for (size_t i = 0; i < n; i++) {
        if (kept && p[kept - 1].x == p[i].x) p[kept - 1].w += p[i].w;
        else p[kept++] = p[i];
    }
    return kept;
}

/* What holds for any answer: order, nearest entries, the error as told. */
static void check_answer(const uint16_t *values, const double *importance, size_t n,
                         const uint16_t *lut, size_t size, const uint8_t *indices, double told) {
    double error = 0, scale = 0;
    for (size_t e = 1; e < size; e++) assert_true(real(lut[e - 1]) <= real(lut[e]));
    for (size_t i = 0; i < n; i++) {
        double x = real(values[i]), w = importance ? importance[i] : 1;
        assert_true(indices[i] < size);
        double distance = fabs(real(lut[indices[i]]) - x);
        for (size_t e = 0; e < size; e++) {
            assert_true(fabs(real(lut[e]) - x) >= distance);
            if (e < indices[i]) assert_true(fabs(real(lut[e]) - x) > distance);
        }
        error += w * distance * distance;
        scale += w * x * x;
    }
    assert_true(fabs(error - told) <= 1e-12 * error + 1e-15 * scale);
}

static void check_optimal(anm_palettizer *p, const uint16_t *values, const double *importance,
                          size_t n, int bits) {
    static point points[MOST_POINTS];
    uint16_t lut[ANM_PALETTE_MAX];
    uint8_t indices[MOST_POINTS];
    double error, scale = 0;
    anm_error err;
    size_t size = (size_t)1 << bits;
    anm_palette_group g = {values, 1, n, n, importance, n};
    assert_ok(anm_palettize_group(p, &g, bits, lut, indices, &error, &err), &err);
    check_answer(values, importance, n, lut, size, indices, error);
    size_t m = distinct_points(values, importance, n, points);
    double least = least_error(points, m, size < m ? size : m);
    for (size_t i = 0; i < m; i++) scale += points[i].w * points[i].x * points[i].x;
    if (error > least * (1 + 1e-11) + 1e-15 * scale)
        fail_msg("%zu values, %d bits: error %.17g, but %.17g is possible", n, bits, error, least);
}

/* Kinds of input that make ties, few values, wide ranges, coarse fp16 steps. */
static uint16_t draw(int kind) {
    switch (kind) {
    case 0: return anm_half_from_double(0.02 * normal());
    case 1: return anm_half_from_double((double)below(9) - 4);
    case 2: return (uint16_t)(below(40) | (below(2) ? 0x8000 : 0)); /* subnormal, and -0 */
    case 3: return anm_half_from_double(below(20) ? 0.01 * normal() : 200 * normal());
    case 4: return anm_half_from_double(1 + 0.003 * normal());
    case 5: return (uint16_t)(below(0x7c00) | (below(2) ? 0x8000 : 0)); /* any finite */
    case 6: return (uint16_t)(0x3c00 + 3 * below(12));
    default: return anm_half_from_double((double)(int)(below(3)) * 0.25);
    }
}

static void tables_are_optimal_for_small_groups(void **state) {
    anm_palettizer *p = anm_palettizer_create();
    static const int widths[] = {1, 2, 3, 4};
    uint16_t values[64];
    (void)state;
    assert_non_null(p);
    for (int round = 0; round < 16000; round++) {
        size_t n = 1 + below(below(2) ? 12 : 40);
        for (size_t i = 0; i < n; i++) values[i] = draw(round % 8);
        check_optimal(p, values, NULL, n, widths[round / 8 % 4]);
    }
    anm_palettizer_destroy(p);
}

static void tables_are_optimal_for_larger_groups(void **state) {
    anm_palettizer *p = anm_palettizer_create();
    static const int widths[] = {2, 4, 6, 8};
    uint16_t values[600];
    (void)state;
    assert_non_null(p);
    for (int round = 0; round < 32; round++) {
        for (size_t i = 0; i < 600; i++) values[i] = draw(round % 8);
        check_optimal(p, values, NULL, 600, widths[round / 8 % 4]);
    }
    anm_palettizer_destroy(p);
}

/* Equal steps of equal weight: the least error is straight over ranges of the cluster count. */
static void tables_are_optimal_for_even_steps(void **state) {
    anm_palettizer *p = anm_palettizer_create();
    uint16_t values[400];
    (void)state;
    assert_non_null(p);
    for (size_t n = 1; n < 400; n += 1 + n / 4)
        for (int bits = 1; bits <= 8; bits++) {
            if (!anm_palette_bits_valid(bits)) continue;
            for (size_t i = 0; i < n; i++) values[i] = (uint16_t)(0x4000 + 2 * i);
            check_optimal(p, values, NULL, n, bits);
        }
    anm_palettizer_destroy(p);
}

static void importance_weighs_the_error(void **state) {
    anm_palettizer *p = anm_palettizer_create();
    uint16_t values[40];
    double importance[40];
    (void)state;
    assert_non_null(p);
    for (int round = 0; round < 4000; round++) {
        size_t n = 1 + below(40);
        for (size_t i = 0; i < n; i++) {
            values[i] = draw(round % 8);
            importance[i] = below(4) ? 10 * uniform() : 0;
        }
        check_optimal(p, values, importance, n, 1 + round / 8 % 3);
    }
    anm_palettizer_destroy(p);
}

static void few_values_are_exact(void **state) {
    anm_palettizer *p = anm_palettizer_create();
    const uint16_t values[6] = {0x3c00, 0x8000, 0xbc00, 0x0000, 0x3c00, 0x0001};
    const uint16_t want[8] = {0xbc00, 0, 0x0001, 0x3c00, 0x3c00, 0x3c00, 0x3c00, 0x3c00};
    const uint8_t want_indices[6] = {3, 1, 0, 1, 3, 2};
    uint16_t lut[8];
    uint8_t indices[6];
    double error = 1;
    anm_error err;
    (void)state;
    anm_palette_group g = {values, 2, 3, 3, NULL, 0};
    assert_ok(anm_palettize_group(p, &g, 3, lut, indices, &error, &err), &err);
    assert_memory_equal(lut, want, sizeof want);
    assert_memory_equal(indices, want_indices, sizeof want_indices);
    assert_true(error == 0);
    anm_palettizer_destroy(p);
}

static void bad_input_is_refused(void **state) {
    anm_palettizer *p = anm_palettizer_create();
    uint16_t values[12] = {0}, lut[256];
    uint8_t indices[12];
    double importance[3] = {1, 2, 3};
    anm_error err;
    (void)state;
    anm_palette_group g = {values, 3, 3, 4, importance, 0};
    static const uint16_t bad[] = {0x7c00, 0xfc00, 0x7e00, 0xfe01};
    for (size_t i = 0; i < 4; i++) {
        values[9] = bad[i];
        assert_int_equal(anm_palettize_group(p, &g, 4, lut, indices, NULL, &err),
                         ANM_ERROR_ARGUMENT);
        assert_int_equal(err.offset, 7);
    }
    values[9] = 0;
    values[3] = 0x7c00; /* between the rows */
    assert_ok(anm_palettize_group(p, &g, 4, lut, indices, NULL, &err), &err);
    static const double wrong[] = {-1, INFINITY, NAN};
    for (size_t i = 0; i < 3; i++) {
        importance[2] = wrong[i];
        assert_int_equal(anm_palettize_group(p, &g, 4, lut, indices, NULL, &err),
                         ANM_ERROR_ARGUMENT);
        assert_int_equal(err.offset, 2);
    }
    importance[2] = 0;
    static const int widths[] = {0, 5, 7, 9, -1, 16};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(anm_palettize_group(p, &g, widths[i], lut, indices, NULL, &err),
                         ANM_ERROR_ARGUMENT);
    g.rows = 0;
    assert_int_equal(anm_palettize_group(p, &g, 4, lut, indices, NULL, &err), ANM_ERROR_ARGUMENT);
    anm_palettizer_destroy(p);
}

/* The inner loop's forms agree bit for bit. */
static void vector_fill_equals_reference(void **state) {
    enum { N = 301 };
    static double w[N + ANM_DP_PADDING], wx[N + ANM_DP_PADDING], wxx[N + ANM_DP_PADDING];
    static double best[2][N + ANM_DP_PADDING];
    static uint32_t back[2][N];
    (void)state;
    anm_sums s = {N - 1, w, wx, wxx};
    for (int round = 0; round < 200; round++) {
        double x = -3;
        for (size_t i = 1; i < N; i++) {
            double weight = 1 + (double)below(5);
            x += round % 2 ? 0.015625 : 0.02 * uniform();
            w[i] = w[i - 1] + weight;
            wx[i] = wx[i - 1] + weight * x;
            wxx[i] = wxx[i - 1] + weight * x * x;
        }
        size_t low = 2 + below(100), high = low + below(N - low), first = below(low);
        for (size_t i = 0; i < low; i++) best[0][i] = best[1][i] = (double)i * uniform();
        anm_dp_fill(&s, best[0], back[0], 0.25, low, high, first, low - 1);
        anm_dp_fill_ref(&s, best[1], back[1], 0.25, low, high, first, low - 1);
        assert_memory_equal(best[0] + low, best[1] + low, (high - low + 1) * sizeof(double));
        assert_memory_equal(back[0] + low, back[1] + low, (high - low + 1) * sizeof(uint32_t));
    }
}

static void check_matrix(int axis, int64_t rows, int64_t columns, int64_t group, int bits) {
    enum { MOST = 64 * 64 };
    static uint16_t values[MOST], one[MOST], lut[3][MOST * 4], wanted[ANM_PALETTE_MAX];
    static uint8_t indices[3][MOST], one_indices[MOST];
    static double errors[3][64], importance[64];
    anm_error err;
    size_t n = (size_t)(rows * columns), size = (size_t)1 << bits;
    for (size_t i = 0; i < n; i++) values[i] = anm_half_from_double(0.02 * normal());
    for (size_t i = 0; i < 64; i++) importance[i] = uniform();
    anm_palette_matrix m = {values, rows, columns, importance, axis, group, bits, 1};
    int64_t groups = anm_palette_matrix_groups(&m), length = axis ? columns : rows;
    for (int t = 0; t < 3; t++) {
        m.threads = 1 + 2 * t;
        assert_ok(anm_palettize_matrix(&m, lut[t], indices[t], errors[t], &err), &err);
        assert_memory_equal(lut[t], lut[0], (size_t)groups * size * 2);
        assert_memory_equal(indices[t], indices[0], n);
        assert_memory_equal(errors[t], errors[0], (size_t)groups * sizeof(double));
    }
    anm_palettizer *p = anm_palettizer_create();
    for (int64_t g = 0; g < groups; g++) { /* each group copied out and done alone */
        int64_t from = g * group, to = from + group < length ? from + group : length;
        int64_t r0 = axis ? 0 : from, r1 = axis ? rows : to;
        int64_t c0 = axis ? from : 0, c1 = axis ? to : columns, width = c1 - c0;
        for (int64_t r = r0; r < r1; r++)
            for (int64_t c = c0; c < c1; c++)
                one[(r - r0) * width + c - c0] = values[r * columns + c];
        anm_palette_group alone = {one, (size_t)(r1 - r0), (size_t)width, (size_t)width,
                                   importance + c0, 0};
        double error;
        assert_ok(anm_palettize_group(p, &alone, bits, wanted, one_indices, &error, &err), &err);
        assert_memory_equal(lut[0] + (size_t)g * size, wanted, size * 2);
        assert_true(error == errors[0][g]);
        for (int64_t r = r0; r < r1; r++)
            assert_memory_equal(indices[0] + r * columns + c0, one_indices + (r - r0) * width,
                                (size_t)width);
    }
    anm_palettizer_destroy(p);
}

/* A histogram says what its weights say, whoever counted which of them; so do bounds. */
static void histograms_make_the_same_tables(void **state) {
    static anm_palette_histogram h, other;
    uint16_t values[600], lut[ANM_PALETTE_MAX], again[ANM_PALETTE_MAX], bounds[ANM_PALETTE_MAX];
    uint8_t indices[600], map[1 << 16];
    double columns[20], rows[30], error, told;
    anm_palettizer *p = anm_palettizer_create();
    anm_error err;
    for (int round = 0; round < 200; round++) {
        static const int widths[] = {1, 2, 3, 4, 6, 8};
        int bits = widths[round % 6];
        for (size_t i = 0; i < 600; i++) values[i] = draw(round % 7);
        for (size_t i = 0; i < 20; i++) columns[i] = (double)below(8);
        for (size_t i = 0; i < 30; i++) rows[i] = (double)below(8);
        bool weighted = round & 1;
        anm_palette_group g = {.values = values, .rows = 30, .columns = 20, .stride = 20,
                               .importance = weighted ? columns : NULL,
                               .row_importance = weighted ? rows : NULL};
        assert_ok(anm_palettize_group(p, &g, bits, lut, indices, &error, &err), &err);
        memset(&h, 0, sizeof h);
        memset(&other, 0, sizeof other);
        anm_palette_group first = g, last = g;
        first.rows = 13, last.rows = 17, last.values += 13 * 20;
        if (weighted) last.row_importance += 13;
        anm_palette_histogram_add(&h, &last);
        anm_palette_histogram_add(&other, &first);
        anm_palette_histogram_merge(&h, &other);
        assert_ok(anm_palettize_histogram(p, &h, weighted, bits, again, map, &told, &err), &err);
        assert_memory_equal(again, lut, sizeof *lut << bits);
        assert_true(told == error);
        anm_palette_bounds(lut, bits, bounds);
        for (size_t i = 0; i < 600; i++) {
            assert_int_equal(map[values[i]], indices[i]);
            assert_int_equal(anm_palette_nearest(bounds, bits, values[i]), indices[i]);
        }
    }
    anm_palettizer_destroy(p);
}

/* A factor for each row and one for each column are one for each weight. */
static void factors_of_rows_and_columns_multiply(void **state) {
    uint16_t values[240], lut[16], want[16];
    uint8_t indices[240];
    double rows[12], columns[20], all[240];
    anm_palettizer *p = anm_palettizer_create();
    anm_error err;
    for (size_t i = 0; i < 240; i++) values[i] = anm_half_from_double(normal());
    for (size_t i = 0; i < 12; i++) rows[i] = (double)(1 + below(9));
    for (size_t i = 0; i < 20; i++) columns[i] = (double)below(9);
    for (size_t i = 0; i < 240; i++) all[i] = rows[i / 20] * columns[i % 20];
    anm_palette_group g = {values, 12, 20, 20, all, 20, NULL};
    assert_ok(anm_palettize_group(p, &g, 4, want, indices, NULL, &err), &err);
    g = (anm_palette_group){values, 12, 20, 20, columns, 0, rows};
    assert_ok(anm_palettize_group(p, &g, 4, lut, NULL, NULL, &err), &err);
    assert_memory_equal(lut, want, sizeof lut);
    anm_palettizer_destroy(p);
}

static void matrices_go_group_by_group(void **state) {
    (void)state;
    check_matrix(0, 64, 64, 8, 4);
    check_matrix(0, 63, 40, 8, 3);  /* the last group has 7 rows */
    check_matrix(0, 13, 64, 100, 6); /* per tensor */
    check_matrix(1, 64, 64, 8, 2);
    check_matrix(1, 20, 61, 16, 8); /* the last group has 13 columns */
    check_matrix(1, 1, 5, 1, 1);
}

static void a_matrix_tells_its_first_bad_group(void **state) {
    uint16_t values[64] = {0}, lut[16 * 8];
    uint8_t indices[64];
    anm_error err;
    (void)state;
    values[6 * 8 + 1] = 0x7e00;
    values[3 * 8 + 5] = 0x7c00;
    anm_palette_matrix m = {values, 8, 8, NULL, 0, 1, 4, 4};
    assert_int_equal(anm_palettize_matrix(&m, lut, indices, NULL, &err), ANM_ERROR_ARGUMENT);
    assert_int_equal(err.offset, 5);
    m.group = 0;
    assert_int_equal(anm_palettize_matrix(&m, lut, indices, NULL, &err), ANM_ERROR_ARGUMENT);
}

static void packed_indices_read_back(void **state) {
    static const anm_dtype types[] = {[1] = ANM_DTYPE_UINT1, [2] = ANM_DTYPE_UINT2,
                                      [3] = ANM_DTYPE_UINT3, [4] = ANM_DTYPE_UINT4,
                                      [6] = ANM_DTYPE_UINT6, [8] = ANM_DTYPE_UINT8};
    uint8_t indices[75], packed[76];
    (void)state;
    for (int bits = 1; bits <= 8; bits++) {
        if (!anm_palette_bits_valid(bits)) continue;
        for (size_t n = 0; n <= 75; n++) {
            for (size_t i = 0; i < n; i++) indices[i] = (uint8_t)below((size_t)1 << bits);
            memset(packed, 0xa5, sizeof packed);
            anm_palette_pack(packed, indices, n, bits);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(anm_element_get_int(types[bits], packed, (int64_t)i), indices[i]);
            assert_int_equal(packed[(n * (size_t)bits + 7) / 8], 0xa5);
        }
    }
}

/* Tables that coremltools made. */

typedef struct rival {
    anm_checkpoint *checkpoint;
    size_t groups, better;
    double theirs, ours;
} rival;

static uint16_t *to_half(const anm_tensor *t) {
    int64_t n = t->shape[0] * t->shape[1];
    uint16_t *out = malloc((size_t)n * sizeof *out);
    assert_non_null(out);
    anm_elements_convert(ANM_DTYPE_FP16, out, t->dtype, t->data, n);
    return out;
}

static double distance(const uint16_t *a, const uint16_t *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (real(a[i]) - real(b[i])) * (real(a[i]) - real(b[i]));
    return sum;
}

static double power(const uint16_t *a, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += real(a[i]) * real(a[i]);
    return sum;
}

/* The rows of the checkpoint that are nearest to a decoded weight; to be freed. */
static uint16_t *find_original(const rival *v, const uint16_t *decoded, int64_t rows,
                               int64_t columns) {
    double nearest = INFINITY;
    size_t bytes = (size_t)(rows * columns) * 2;
    uint16_t *found = malloc(bytes);
    assert_non_null(found);
    for (size_t i = 0; i < anm_checkpoint_count(v->checkpoint); i++) {
        const anm_tensor *t = anm_checkpoint_get(v->checkpoint, i)->tensor;
        if (t->rank != 2 || t->shape[1] != columns || t->shape[0] < rows) continue;
        uint16_t *halves = to_half(t);
        for (int64_t r = 0; r <= t->shape[0] - rows; r++) {
            const uint16_t *from = halves + r * columns;
            double apart = distance(decoded, from, (size_t)columns);
            if (apart >= nearest) continue;
            nearest = apart;
            memcpy(found, from, bytes);
        }
        free(halves);
    }
    if (nearest < INFINITY) return found;
    free(found);
    return NULL; /* a RoPE table */
}

static void compare_groups(rival *v, const anm_mil_op *op, const uint16_t *original,
                           const uint16_t *decoded, const anm_palette_matrix *m) {
    anm_error err;
    int64_t groups = anm_palette_matrix_groups(m);
    size_t n = (size_t)(m->group * m->columns);
    uint16_t *lut = malloc(((size_t)groups << m->bits) * sizeof *lut);
    uint8_t *indices = malloc((size_t)groups * n);
    double *ours = malloc((size_t)groups * sizeof *ours);
    assert_ok(anm_palettize_matrix(m, lut, indices, ours, &err), &err);
    for (int64_t i = 0; i < groups; i++) {
        const uint16_t *from = original + (size_t)i * n;
        double theirs = distance(from, decoded + (size_t)i * n, n);
        assert_true(theirs < 0.02 * power(from, n)); /* else it is another weight */
        if (ours[i] > theirs * (1 + 1e-12))
            fail_msg("%s, group %lld: %.17g is worse than coremltools' %.17g",
                     anm_mil_op_label(op), (long long)i, ours[i], theirs);
        v->groups++;
        v->better += ours[i] < theirs * (1 - 1e-9);
        v->theirs += theirs;
        v->ours += ours[i];
    }
    free(ours);
    free(indices);
    free(lut);
}

static void compare(rival *v, const anm_mil_op *op) {
    anm_error err;
    anm_tensor t;
    anm_arena *arena = anm_arena_create();
    const anm_mil_type *lut = anm_mil_operand_type(anm_mil_op_operand(op, "lut"));
    assert_ok(anm_constexpr_eval(op, NULL, arena, &t, &err), &err);
    int64_t rows = t.shape[0], columns = anm_shape_elements(t.shape + 1, t.rank - 1);
    uint16_t *original = find_original(v, t.data, rows, columns);
    anm_palette_matrix m = {original, rows, columns, NULL, 0, rows / lut->shape[0], 1, 0};
    while ((int64_t)1 << m.bits < lut->shape[t.rank]) m.bits++;
    if (original) compare_groups(v, op, original, t.data, &m);
    free(original);
    anm_arena_destroy(arena);
}

static void compare_package(rival *v, const char *path) {
    anm_error err;
    anm_package *p;
    assert_ok(anm_package_open(path, 0, &p, &err), &err);
    for (anm_mil_op *op = p->program->functions[0]->body->first; op; op = op->next)
        if (strcmp(op->type, "constexpr_lut_to_dense") == 0) compare(v, op);
    anm_package_close(p);
}

static void compare_model(rival *v, const char *model) {
    char pattern[1024], dir[1024];
    glob_t found;
    anm_error err;
    snprintf(dir, sizeof dir, "%s/anemll/%s/hf", getenv("ANM_FIXTURES"), model);
    snprintf(pattern, sizeof pattern, "%s/anemll/%s/lut*/*.mlpackage", getenv("ANM_FIXTURES"),
             model);
    assert_ok(anm_checkpoint_open(dir, &v->checkpoint, &err), &err);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) compare_package(v, found.gl_pathv[i]);
    globfree(&found);
    anm_checkpoint_close(v->checkpoint);
}

static void no_table_of_coremltools_is_better(void **state) {
    rival v = {0};
    (void)state;
    fixture_path("anemll/qwen3-a/README.md");
    compare_model(&v, "qwen3-a");
    compare_model(&v, "qwen25-a");
    compare_model(&v, "llama-tied");
    printf("%zu groups, %zu of them better; squared error %.6g, coremltools %.6g\n", v.groups,
           v.better, v.ours, v.theirs);
    assert_true(v.groups > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_optimal_for_small_groups),
        cmocka_unit_test(tables_are_optimal_for_larger_groups),
        cmocka_unit_test(tables_are_optimal_for_even_steps),
        cmocka_unit_test(importance_weighs_the_error),
        cmocka_unit_test(few_values_are_exact),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(vector_fill_equals_reference),
        cmocka_unit_test(histograms_make_the_same_tables),
        cmocka_unit_test(factors_of_rows_and_columns_multiply),
        cmocka_unit_test(matrices_go_group_by_group),
        cmocka_unit_test(a_matrix_tells_its_first_bad_group),
        cmocka_unit_test(packed_indices_read_back),
        cmocka_unit_test(no_table_of_coremltools_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
