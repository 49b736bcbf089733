/* SPDX-License-Identifier: MIT */
/*
 * Every GEMV kernel on every form of matrix it accepts, against sums in double. Bounds are
 * derived in docs/kernels.md from what the kernel says it rounds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/half.h"
#include "src/cpu/kernels/gemv.h"
#include "tests/kcheck/kcheck.h"
#include "tests/kcheck/kcheck_matrix.h"

#define UNIT 0x1p-24 /* half a unit in the last place of 1 */
/* What long vectors of normal numbers must reach, whatever the derived bound. */
#define TARGET 1e-4
#define LINES_TARGET 1e-3

typedef struct gemv_case {
    const anm_gemv_kernel *kernel;
    anm_matrix w;
    float *x;
    void *input;
    float *y;
    int64_t row0, row1; /* of the next run */
    const char *what;   /* the kind of numbers in x */
    int again;          /* times that its rows will be read ahead */
} gemv_case;

/* The largest magnitude in the table of an element, or what an affine element may reach. */
static double group_max(const anm_matrix *w, int64_t row, int64_t column) {
    int64_t across = w->columns / w->group_columns;
    int64_t group = row / w->group_rows * across + column / w->group_columns;
    double row_scale = w->row_scale ? fabs((double)anm_half_to_float(w->row_scale[row])) : 1;
    double max = 0;
    if (w->kind == ANM_MATRIX_AFFINE)
        return (1 << w->bits) * fabs((double)anm_half_to_float(w->scale[group])) * row_scale;
    if (w->kind == ANM_MATRIX_LUT)
        for (int i = 0; i < 1 << w->bits; i++)
            max = fmax(max, fabs((double)anm_half_to_float(w->lut[(group << w->bits) + i])));
    return max * row_scale;
}

/*
 * How far a table of ANM_GEMV_LINES may be off: half a unit of a 128th of its mean magnitude, 64
 * entries (others: see docs/kernels.md).
 */
static double lines_off(const anm_matrix *w, int64_t row, int64_t column) {
    int64_t across = w->columns / w->group_columns;
    int64_t group = row / w->group_rows * across + column / w->group_columns;
    double sum = 0;
    for (int i = 0; i < 1 << w->bits; i++)
        sum += fabs((double)anm_half_to_float(w->lut[(group << w->bits) + i]));
    double row_scale = w->row_scale ? fabs((double)anm_half_to_float(w->row_scale[row])) : 1;
    return sum / (256 << w->bits) * row_scale * 1.001;
}

static double block_max(const float *x, int64_t columns, int64_t from) {
    double max = 0;
    for (int64_t i = from; i < columns && i < from + ANM_GEMV_BLOCK; i++)
        max = fmax(max, fabs((double)x[i]));
    return max;
}

typedef struct expected {
    double value, norm; /* of w x, |w||x| */
    double spread;      /* of what fp32 rounds: |w||x|, or a larger form of w */
    double quantum;     /* error of 16-bit weights and x */
} expected;

static void add_element(expected *e, const gemv_case *c, double weight, double x, double x_max,
                        double w_max, double off) {
    bool wide = c->kernel->arithmetic == ANM_GEMV_INT16, table = c->w.kind == ANM_MATRIX_LUT;
    double dx = x_max / (2 * (wide ? ANM_GEMV_Q : 16383));
    double dw = table ? fmax(off, w_max / (2 * (wide ? ANM_GEMV_Q : 8191))) : 0;
    /* The product of the low bytes is replaced by its mean: at most 128 * 128 off. */
    if (wide) e->quantum += 16384 * (2 * dx) * (2 * dw);
    e->value += weight * x;
    e->norm += fabs(weight * x);
    e->quantum += fabs(weight) * dx + (fabs(x) + dx) * dw;
    /* A line begins within 4 times the largest entry. */
    e->spread += fmax(fabs(weight), (off > 0 ? 4 : 2) * w_max) * (fabs(x) + dx);
}

static expected expect(const gemv_case *c, int64_t row, float *decoded) {
    expected e = {0};
    double x_max = 0, w_max = 0, off = 0;
    anm_matrix_row(&c->w, row, 0, c->w.columns, decoded);
    for (int64_t i = 0; i < c->w.columns; i++) {
        if (i % ANM_GEMV_BLOCK == 0) x_max = block_max(c->x, c->w.columns, i);
        if (i % c->w.group_columns == 0) {
            w_max = group_max(&c->w, row, i);
            if (c->kernel->arithmetic == ANM_GEMV_LINES) off = lines_off(&c->w, row, i);
        }
        add_element(&e, c, decoded[i], c->x[i], x_max, w_max, off);
    }
    return e;
}

static double bound_of(const gemv_case *c, const expected *e) {
    double n = (double)c->w.columns;
    if (c->kernel->arithmetic == ANM_GEMV_FP32) {
        bool plain = c->w.kind != ANM_MATRIX_AFFINE;
        return (n + 4) * UNIT * (plain ? e->norm : e->spread) + 1e-37;
    }
    double derived = e->quantum + (n / ANM_GEMV_BLOCK + 24) * UNIT * 2 * e->spread + 1e-37;
    bool typical = n >= 1000 && strcmp(c->what, "normal") == 0;
    double target = c->kernel->arithmetic == ANM_GEMV_LINES ? LINES_TARGET : TARGET;
    return typical ? fmin(derived, target * e->norm) : derived;
}

static void call_prepare(void *context) {
    gemv_case *c = context;
    c->kernel->prepare(c->x, c->w.columns, c->input);
}

/* Twice the same rows, which nobody reads then. */
static bool rows_again(void *context, anm_ahead_range *out) {
    gemv_case *c = context;
    *out = anm_gemv_range(&c->w, c->row0, c->row1);
    return c->again-- > 0;
}

static void call_run(void *context) {
    gemv_case *c = context;
    anm_ahead ahead = {.next = rows_again, .context = c};
    c->again = 2;
    if (c->kernel->run_ahead && kcheck_between(0, 1))
        c->kernel->run_ahead(&c->w, c->input, c->row0, c->row1, c->y, &ahead);
    else c->kernel->run(&c->w, c->input, c->row0, c->row1, c->y);
}

/* Two calls, so that what is outside of a call's rows can be seen to stay. */
static bool run_in_parts(gemv_case *c) {
    const anm_gemv_kernel *k = c->kernel;
    int64_t steps = c->w.rows / k->row_step, cut = kcheck_between(0, steps) * k->row_step;
    memset(c->y, 0xff, (size_t)c->w.rows * 4);
    c->row0 = cut;
    c->row1 = c->w.rows;
    if (!kcheck_guarded(call_run, c, kcheck_matrix_name(&c->w))) return false;
    for (int64_t row = 0; row < cut; row++)
        if (anm_float_bits(c->y[row]) != 0xffffffff) kcheck_fail("wrote outside of its rows");
    c->row0 = 0;
    c->row1 = cut;
    return kcheck_guarded(call_run, c, kcheck_matrix_name(&c->w));
}

static void fill_input(gemv_case *c) {
    static const char *const kinds[] = {"normal", "outliers", "zeros", "uneven"};
    int64_t n = c->w.columns;
    int kind = (int)kcheck_between(0, 7);
    if (kind > 3) kind = 0;
    c->what = kinds[kind];
    kcheck_fill_normal(c->x, n, kind == 2 ? 0 : 1);
    if (kind == 1)
        for (int64_t i = 0; i < n; i += kcheck_between(1, 400)) c->x[i] *= 300;
    if (kind == 3)
        for (int64_t i = 0; i < n; i++) c->x[i] = ldexpf(c->x[i] + 1, (int)(i / 256 % 60) - 30);
}

static void check_case(const anm_gemv_kernel *k, const anm_matrix *w) {
    gemv_case c = {.kernel = k, .w = *w};
    size_t bytes = k->input_bytes(w->columns);
    if (bytes % 64 != 0) kcheck_fail("the input's %zu bytes are no multiple of 64", bytes);
    c.x = kcheck_buffer((size_t)w->columns * 4, 4);
    c.input = kcheck_buffer(bytes, 64);
    c.y = kcheck_buffer((size_t)w->rows * 4, 4);
    fill_input(&c);
    float *decoded = kcheck_buffer((size_t)w->columns * 4, 4);
    if (!kcheck_guarded(call_prepare, &c, "prepare") || !run_in_parts(&c)) return;
    for (int64_t row = 0; row < w->rows; row++) {
        expected e = expect(&c, row, decoded);
        kcheck_error(fabs(c.y[row] - e.value), bound_of(&c, &e), "%s, row %lld, %s x",
                     kcheck_matrix_name(w), (long long)row, c.what);
    }
}

static int64_t random_columns(int turn) {
    static const int64_t usual[] = {64, 256, 1024, 1536, 3072};
    if (turn == 0) return usual[kcheck_between(0, 4)];
    if (turn == 1) return kcheck_between(1, 40) * 16;
    return kcheck_between(1, 700);
}

static void check_kernel(const anm_gemv_kernel *k) {
    kcheck_form form;
    kcheck_begin(k->name);
    for (size_t i = 0; kcheck_form_at(i, &form); i++)
        for (int turn = 0; turn < 4; turn++) {
            int64_t columns = random_columns(turn);
            anm_matrix w = kcheck_matrix_make(&form, kcheck_between(1, 40), columns);
            if (k->accepts(&w)) check_case(k, &w);
            if (!kcheck_release()) kcheck_fail("wrote behind a buffer");
        }
    kcheck_end();
}

void check_gemv(void) {
    const anm_gemv_kernel *k;
    for (size_t i = 0; (k = anm_gemv_at(i)) != NULL; i++)
        if (kcheck_wanted(k->name, k->isa)) check_kernel(k);
}
