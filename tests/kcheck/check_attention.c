/* SPDX-License-Identifier: MIT */
/*
 * Every attention kernel against sums in double, within bounds derived from what it rounds
 * (docs/kernels.md): grouped heads, spans and masks of several kinds, strides with gaps. Half of
 * the cases are cut into ranges of columns for some number of threads, and merged.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/attention_divide.h"
#include "tests/kcheck/kcheck.h"

enum { MOST_COLUMNS = 900 };

#define UNIT 0x1p-24 /* half a unit in the last place of 1 */

typedef enum mask_kind { MASK_NONE, MASK_CAUSAL, MASK_WINDOW, MASK_BIAS, MASK_KINDS } mask_kind;

typedef struct attention_case {
    const anm_attention_kernel *kernel;
    anm_attention a;
    mask_kind mask;
    void *scratch;
    int64_t unit0, unit1;
    int threads; /* 0: not divided */
    float *slots;
    char name[160];
} attention_case;

static void *random_cache(anm_dtype dtype, int64_t n) {
    if (dtype == ANM_DTYPE_FP32) {
        float *data = kcheck_buffer((size_t)n * 4, 4);
        kcheck_fill_normal(data, n, 1);
        return data;
    }
    uint16_t *halves = kcheck_buffer((size_t)n * 2, 2);
    for (int64_t i = 0; i < n; i++) halves[i] = anm_half_from_float(kcheck_normal());
    return halves;
}

/*
 * What row r of a mask of the kind sees: the last rows of a context, a window of it, or all.
 * Padding may see nothing.
 */
static bool sees(const anm_attention *a, mask_kind kind, int64_t r, int64_t c) {
    int64_t position = a->columns - a->rows + r;
    if (kind == MASK_CAUSAL) return c <= position;
    if (kind == MASK_WINDOW && r == 0 && a->columns % 4 == 0) return false;
    return kind != MASK_WINDOW || (c <= position && c > position - 20);
}

static void make_mask(anm_attention *a, mask_kind kind) {
    if (kind == MASK_NONE) return;
    float *mask = kcheck_buffer((size_t)(a->rows * a->columns) * 4, 4);
    int32_t *span = kcheck_buffer((size_t)a->rows * 8, 4);
    for (int64_t r = 0; r < a->rows; r++)
        for (int64_t c = 0; c < a->columns; c++) {
            float bias = kind == MASK_BIAS ? kcheck_normal() : 0;
            mask[r * a->columns + c] = sees(a, kind, r, c) ? bias : -INFINITY;
        }
    a->mask = mask;
    a->mask_row = a->columns;
    a->mask_trivial = anm_attention_spans(mask, a->rows, a->columns, a->columns, -1e4f, span);
    if (a->mask_trivial != (kind != MASK_BIAS)) kcheck_fail("trivial masks are not seen as such");
    if (kcheck_between(0, 3) != 0) a->span = span;
    else a->mask_trivial = false; /* the mask alone must do */
}

static int64_t pick(const int64_t *from, size_t n) {
    return from[kcheck_between(0, (int64_t)n - 1)];
}
#define PICK(...) pick((const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / 8)

/* Enough columns for several ranges of them. */
static void make_long(anm_attention *a) {
    a->kv_heads = kcheck_between(1, 2);
    a->heads = a->kv_heads * kcheck_between(1, 3);
    a->rows = PICK(1, 1, 1, 2, 5, 16, 33);
    a->columns = a->rows + kcheck_between(250, MOST_COLUMNS - 33);
    a->dim = PICK(32, 64, 17);
    a->value_dim = PICK(32, 64, 33);
}

static anm_attention random_shape(void) {
    anm_attention a = {.kv_heads = kcheck_between(1, 3)};
    a.heads = a.kv_heads * kcheck_between(1, 5);
    a.rows = PICK(1, 1, 1, 2, 5, 16, 33, 64, 70);
    a.columns = a.rows + (kcheck_between(0, 3) == 0 ? 0 : kcheck_between(0, 200));
    a.dim = kcheck_between(0, 1) ? PICK(32, 64, 80, 128, 256) : kcheck_between(1, 100);
    a.value_dim = kcheck_between(0, 1) ? a.dim : kcheck_between(1, 100);
    if (kcheck_between(0, 3) == 0) make_long(&a);
    a.scale = 1 / sqrtf((float)a.dim);
    a.softcap = kcheck_between(0, 3) == 0 ? 3 : 0;
    a.kv_dtype = kcheck_between(0, 2) == 0 ? ANM_DTYPE_FP32 : ANM_DTYPE_FP16;
    return a;
}

static void make_tensors(anm_attention *a) {
    int64_t gap = kcheck_between(0, 1) * 3;
    a->q_row = a->dim + gap;
    a->q_head = a->rows * a->q_row;
    float *q = kcheck_buffer((size_t)(a->heads * a->q_head - gap) * 4, 4);
    kcheck_fill_normal(q, a->heads * a->q_head - gap, 2);
    a->q = q;
    /* Heads outermost, as in a cache, or innermost, as a projection writes them. */
    bool inner = kcheck_between(0, 1);
    a->k_column = inner ? a->kv_heads * a->dim : a->dim;
    a->k_head = inner ? a->dim : a->columns * a->dim;
    a->v_column = inner ? a->kv_heads * a->value_dim : a->value_dim;
    a->v_head = inner ? a->value_dim : a->columns * a->value_dim;
    a->k = random_cache(a->kv_dtype, a->kv_heads * a->columns * a->dim);
    a->v = random_cache(a->kv_dtype, a->kv_heads * a->columns * a->value_dim);
    a->out_head = inner ? a->value_dim : a->rows * a->value_dim;
    a->out_row = inner ? a->heads * a->value_dim : a->value_dim;
    a->out = kcheck_buffer((size_t)(a->heads * a->rows * a->value_dim) * 4, 4);
    memset(a->out, 0xff, (size_t)(a->heads * a->rows * a->value_dim) * 4);
}

static double element(const anm_attention *a, const void *of, int64_t index) {
    if (a->kv_dtype == ANM_DTYPE_FP32) return (double)((const float *)of)[index];
    return (double)anm_half_to_float(((const uint16_t *)of)[index]);
}

typedef struct expected_row {
    double weight[MOST_COLUMNS], sum;
    double magnitude; /* the largest sum of |q k| scale */
    double rounding;  /* the largest error of a score by integers for q and k */
    int64_t begin, end, v;
} expected_row;

static void expect_score(const anm_attention *a, const float *q, int64_t k, double *score,
                         double *magnitude) {
    *score = *magnitude = 0;
    for (int64_t i = 0; i < a->dim; i++) {
        double product = (double)q[i] * element(a, a->k, k + i) * (double)a->scale;
        *score += product;
        *magnitude += fabs(product);
    }
    if (a->softcap != 0) *score = (double)a->softcap * tanh(*score / (double)a->softcap);
}

/* q and k off by half a unit each: see attention_int16_template.h for the units. */
static double integer_rounding(const anm_attention *a, const float *q, int64_t k) {
    double q_sum = 0, q_most = 0, k_sum = 0, k_most = 0;
    for (int64_t i = 0; i < a->dim; i++) {
        double x = fabs((double)q[i] * (double)a->scale), y = fabs(element(a, a->k, k + i));
        q_sum += x;
        k_sum += y;
        q_most = fmax(q_most, x);
        k_most = fmax(k_most, y);
    }
    double units = fmin(32766, 80000 / sqrt((double)a->dim));
    double most = 2147483000 / (units + 1) - (double)a->dim;
    double k_half = k_most / units / 2, q_half = fmax(q_most / 32766, q_sum / most) / 2;
    return q_sum * k_half + (k_sum + (double)a->dim * k_half) * q_half;
}

static void expect_row(const anm_attention *a, int64_t head, int64_t row, expected_row *e) {
    const float *q = a->q + head * a->q_head + row * a->q_row;
    int64_t group = head / (a->heads / a->kv_heads);
    double largest = -INFINITY;
    e->begin = a->span ? a->span[2 * row] : 0;
    e->end = a->span ? a->span[2 * row + 1] : a->columns;
    e->v = group * a->v_head;
    e->sum = e->magnitude = e->rounding = 0;
    for (int64_t c = e->begin; c < e->end; c++) {
        double magnitude;
        expect_score(a, q, group * a->k_head + c * a->k_column, &e->weight[c], &magnitude);
        if (a->mask) e->weight[c] += (double)a->mask[row * a->mask_row + c];
        largest = fmax(largest, e->weight[c]);
        e->magnitude = fmax(e->magnitude, magnitude);
        double rounding = integer_rounding(a, q, group * a->k_head + c * a->k_column);
        e->rounding = fmax(e->rounding, rounding);
    }
    for (int64_t c = e->begin; c < e->end; c++)
        e->sum += e->weight[c] = isinf(largest) ? 0 : exp(e->weight[c] - largest);
    if (e->sum == 0) e->begin = e->end = 0;
}

/*
 * Scores are off by ds, each: weights by a factor within exp(2 ds), besides their own rounding;
 * then a mean of n values, each rounded by dv. In integers a block's largest weight is 1 and the
 * others are off by half a unit, which at 96 columns is 96 / 262000; values by half of largest /
 * 8165.
 */
static double bound_of(const attention_case *c, const expected_row *e, double magnitude,
                       double values, double largest) {
    const anm_attention *a = &c->a;
    bool bf16 = strstr(c->kernel->name, "bf16") != NULL;
    bool integers = strstr(c->kernel->name, "int16") != NULL;
    double n = (double)(e->end - e->begin), narrow = bf16 ? 0x1p-8 : 0;
    double ds = (2 * narrow + narrow * narrow + ((double)a->dim + 4) * UNIT) * e->magnitude;
    if (integers) ds += e->rounding;
    if (a->softcap != 0) ds += (double)a->softcap * 1e-6;
    double relative = exp(2 * ds) - 1 + 2 * narrow + (2 * n + 100) * UNIT + e->magnitude * 4 * UNIT;
    double absolute = integers ? values * 0.5 * 96 / 262000 / e->sum + largest / 8165 : 0;
    return relative * magnitude + absolute + 1e-37;
}

static void compare_row(const attention_case *c, int64_t head, int64_t row) {
    const anm_attention *a = &c->a;
    expected_row e;
    expect_row(a, head, row, &e);
    for (int64_t i = 0; i < a->value_dim; i++) {
        double value = 0, magnitude = 0, values = 0, largest = 0;
        for (int64_t k = e.begin; k < e.end; k++) {
            double product = e.weight[k] / e.sum * element(a, a->v, e.v + k * a->v_column + i);
            value += product;
            magnitude += fabs(product);
            values += fabs(element(a, a->v, e.v + k * a->v_column + i));
        }
        for (int64_t k = 0; k < a->columns; k++)
            largest = fmax(largest, fabs(element(a, a->v, e.v + k * a->v_column + i)));
        double got = (double)a->out[head * a->out_head + row * a->out_row + i];
        kcheck_error(fabs(got - value), bound_of(c, &e, magnitude, values, largest),
                     "%s, head %lld row %lld",
                     c->name, (long long)head, (long long)row);
    }
}

static void call_divided(const attention_case *c) {
    for (int i = 0; i < c->threads; i++)
        anm_attention_run_part(c->kernel, &c->a, c->slots, i, c->threads, c->scratch);
    for (int i = 0; i < 3; i++)
        anm_attention_merge(c->kernel, &c->a, c->slots, c->threads, i, 3);
}

static void call_run(void *context) {
    attention_case *c = context;
    if (c->threads) {
        call_divided(c);
        return;
    }
    c->kernel->run(&c->a, c->unit0, c->unit1, c->scratch);
}

static void name_case(attention_case *c) {
    static const char *const masks[] = {"no mask", "causal", "window", "bias"};
    const anm_attention *a = &c->a;
    snprintf(c->name, sizeof c->name, "%lld/%lld heads, %lldx%lld, dim %lld/%lld, fp%d, %s%s%s",
             (long long)a->heads, (long long)a->kv_heads, (long long)a->rows,
             (long long)a->columns, (long long)a->dim, (long long)a->value_dim,
             a->kv_dtype == ANM_DTYPE_FP16 ? 16 : 32, masks[c->mask], a->span ? ", spans" : "",
             a->softcap != 0 ? ", softcap" : "");
}

/* What no thread writes into the slots is not a number. */
static bool run_divided(attention_case *c) {
    c->threads = (int)PICK(1, 2, 3, 5, 8, 17, 33);
    size_t bytes = (size_t)anm_attention_slot_floats(c->kernel, &c->a, c->threads) * 4;
    c->slots = kcheck_buffer(bytes, 64);
    memset(c->slots, 0xff, bytes);
    size_t n = strlen(c->name);
    snprintf(c->name + n, sizeof c->name - n, ", %d threads", c->threads);
    return kcheck_guarded(call_run, c, c->name);
}

static bool run_units(attention_case *c) {
    int64_t units = c->kernel->units(&c->a);
    c->unit0 = kcheck_between(0, units);
    c->unit1 = units;
    if (!kcheck_guarded(call_run, c, c->name)) return false;
    c->unit1 = c->unit0;
    c->unit0 = 0;
    return kcheck_guarded(call_run, c, c->name);
}

static void check_case(const anm_attention_kernel *k) {
    attention_case c = {.kernel = k, .a = random_shape()};
    c.mask = (mask_kind)kcheck_between(0, MASK_KINDS - 1);
    make_tensors(&c.a);
    make_mask(&c.a, c.mask);
    name_case(&c);
    if (!k->accepts(&c.a)) return;
    c.scratch = kcheck_buffer(k->scratch_bytes(&c.a), 64);
    if (!(kcheck_between(0, 1) ? run_divided(&c) : run_units(&c))) return;
    for (int64_t head = 0; head < c.a.heads; head++)
        for (int64_t row = 0; row < c.a.rows; row++) compare_row(&c, head, row);
}

static void check_kernel(const anm_attention_kernel *k) {
    kcheck_begin(k->name);
    for (int turn = 0; turn < 120; turn++) {
        check_case(k);
        if (!kcheck_release()) kcheck_fail("wrote behind a buffer");
    }
    kcheck_end();
}

/* AMX kernels over emulated tiles, where the machine has the rest of what they need. */
static void check_emulated(void) {
#ifdef ANM_HAVE_EMULATED_TILES
    extern const anm_attention_kernel anm_attention_kernels_emulated[];
    if (!__builtin_cpu_supports("avx512bf16")) return;
    for (const anm_attention_kernel *k = anm_attention_kernels_emulated; k->name; k++) {
        anm_attention_kernel renamed = *k;
        char name[64];
        snprintf(name, sizeof name, "%s, emulated", k->name);
        renamed.name = name;
        if (kcheck_wanted(name, ANM_ISA_AVX512VNNI)) check_kernel(&renamed);
    }
#endif
}

void check_attention(void) {
    const anm_attention_kernel *k;
    for (size_t i = 0; (k = anm_attention_at(i)) != NULL; i++)
        if (kcheck_wanted(k->name, k->isa)) check_kernel(k);
    check_emulated();
}
