/* SPDX-License-Identifier: MIT */
/*
 * The factor: H = M M' with M upper triangular, so that the error is the sum over k of
 * M[k][k]^2 (e[k] + sum over j < k of M[j][k] / M[k][k] e[j])^2: rounding in this order, each
 * weight takes what the errors before it ask for. (Babai's nearest plane; GPTQ does the same by way
 * of the inverse.) Row k of the lower half holds column k of M, worked out from the last to the
 * first, a block of rows at a time.
 */
#include "src/convert/hessian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/threads.h"
#include "src/forward/forward_tile.h"

enum { PANEL = ANM_FORWARD_PANEL, DEPTH = ANM_FORWARD_DEPTH, TILE = 48, BLOCK = 64 };
#define DAMPING 0.01

anm_status anm_hessian_init(anm_hessian *h, int64_t n, anm_error *err) {
    *h = (anm_hessian){.n = n};
    h->matrix = anm_calloc((size_t)n, (size_t)n * sizeof *h->matrix);
    h->diagonal = anm_calloc((size_t)n, sizeof *h->diagonal);
    h->order = anm_calloc((size_t)n, sizeof *h->order);
    h->weights = anm_calloc((size_t)n, sizeof *h->weights);
    return h->matrix && h->diagonal && h->order && h->weights ? ANM_OK : anm_fail_memory(err);
}

void anm_hessian_free(anm_hessian *h) {
    anm_free(h->matrix);
    anm_free(h->diagonal);
    anm_free(h->order);
    anm_free(h->weights);
    *h = (anm_hessian){0};
}

typedef struct sum {
    anm_hessian *h;
    const float *x; /* [depth, n] */
    float *turned;  /* [n, depth] */
    size_t depth;
} sum;

static void turn_panel(void *context, size_t item) {
    const sum *s = context;
    size_t n = (size_t)s->h->n, from = item * PANEL, end = from + PANEL < n ? from + PANEL : n;
    for (size_t t = 0; t < s->depth; t++)
        for (size_t i = from; i < end; i++) s->turned[i * s->depth + t] = s->x[t * n + i];
}

/* Columns of a panel, rows up to the diagonal. */
static void add_panel(void *context, size_t item) {
    const sum *s = context;
    float panel[DEPTH * PANEL], tile[TILE * PANEL];
    size_t n = (size_t)s->h->n, from = item * PANEL, width = n - from < PANEL ? n - from : PANEL;
    for (size_t t = 0; t < s->depth; t++)
        for (size_t o = 0; o < PANEL; o++)
            panel[t * PANEL + o] = o < width ? s->x[t * n + from + o] : 0;
    for (size_t row = 0; row < from + width; row += TILE) {
        size_t count = from + width - row < TILE ? from + width - row : TILE;
        anm_forward_tile()(s->turned + row * s->depth, s->depth, count, panel, s->depth, tile);
        for (size_t r = 0; r < count; r++) {
            float *out = s->h->matrix + (row + r) * n + from;
            for (size_t o = row + r > from ? row + r - from : 0; o < width; o++)
                out[o] += tile[r * PANEL + o];
        }
    }
}

anm_status anm_hessian_add(anm_hessian *h, const float *x, int64_t rows, anm_error *err) {
    size_t n = (size_t)h->n, panels = (n + PANEL - 1) / PANEL;
    float *turned = anm_calloc(n, DEPTH * sizeof *turned);
    if (!turned) return anm_fail_memory(err);
    for (int64_t done = 0; done < rows; done += DEPTH) {
        sum s = {h, x + (size_t)done * n, turned,
                 (size_t)(rows - done < DEPTH ? rows - done : DEPTH)};
        anm_parallel_for(0, panels, turn_panel, &s);
        anm_parallel_for(0, panels, add_panel, &s);
    }
    anm_free(turned);
    h->rows += rows;
    return ANM_OK;
}

typedef struct ranked {
    float value;
    int32_t input;
} ranked;

static int by_value(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return x->input - y->input;
}

static anm_status put_in_order(anm_hessian *h, anm_error *err) {
    ranked *list = anm_calloc((size_t)h->n, sizeof *list);
    if (!list) return anm_fail_memory(err);
    for (int64_t i = 0; i < h->n; i++) list[i] = (ranked){h->diagonal[i], (int32_t)i};
    qsort(list, (size_t)h->n, sizeof *list, by_value);
    for (int64_t i = 0; i < h->n; i++) h->order[i] = list[i].input;
    anm_free(list);
    return ANM_OK;
}

static void damp(anm_hessian *h) {
    double mean = 0;
    for (int64_t i = 0; i < h->n; i++) mean += (double)h->matrix[i * h->n + i] / (double)h->n;
    float more = mean > 0 ? (float)(DAMPING * mean) : 1;
    for (int64_t i = 0; i < h->n; i++) h->diagonal[i] = h->matrix[i * h->n + i] + more;
}

/* Copies H into the lower half, in the order of work. The diagonal goes with it. */
static void copy_row(void *context, size_t k) {
    anm_hessian *h = context;
    int64_t n = h->n, a = h->order[k];
    float *row = h->matrix + (int64_t)k * n;
    for (size_t i = 0; i < k; i++) {
        int64_t b = h->order[i];
        row[i] = a < b ? h->matrix[a * n + b] : h->matrix[b * n + a];
    }
}

typedef struct factor {
    anm_hessian *h;
    double *pivots; /* the diagonal of what is left, in the order of work */
    int64_t low, high; /* rows [low, high) are being divided out */
} factor;

/* row k -= sum over j in [low, high) of row j [k] * row j. */
static void subtract(const factor *f, int64_t k, int64_t low, int64_t high) {
    int64_t n = f->h->n;
    float *row = f->h->matrix + k * n;
    for (int64_t j = low; j < high; j++) {
        const float *other = f->h->matrix + j * n;
        float times = other[k];
        for (int64_t i = 0; i < k; i++) row[i] -= times * other[i];
        f->pivots[k] -= (double)times * (double)times;
    }
}

static void subtract_block(void *context, size_t k) {
    const factor *f = context;
    int64_t n = f->h->n, j = f->low;
    float *row = f->h->matrix + (int64_t)k * n;
    for (; j + 4 <= f->high; j += 4) {
        const float *a = f->h->matrix + j * n, *b = a + n, *c = b + n, *d = c + n;
        float x = a[k], y = b[k], z = c[k], w = d[k];
        for (size_t i = 0; i < k; i++) row[i] -= x * a[i] + y * b[i] + z * c[i] + w * d[i];
        f->pivots[k] -= (double)x * (double)x + (double)y * (double)y + (double)z * (double)z +
                        (double)w * (double)w;
    }
    subtract(f, (int64_t)k, j, f->high);
}

/* Rounding can eat a pivot that is nearly 0; what the damping added is the least it can be. */
static void divide(const factor *f, int64_t j, double least) {
    float *row = f->h->matrix + j * f->h->n;
    if (!(f->pivots[j] > least)) f->pivots[j] = least;
    double root = sqrt(f->pivots[j]);
    for (int64_t i = 0; i < j; i++) row[i] = (float)((double)row[i] / root);
}

static void run_factor(factor *f) {
    anm_hessian *h = f->h;
    double least = 0;
    for (int64_t i = 0; i < h->n; i++) least += (double)h->diagonal[i] / (double)h->n;
    least *= DAMPING / 4;
    for (int64_t high = h->n; high > 0; high -= BLOCK) {
        int64_t low = high > BLOCK ? high - BLOCK : 0;
        for (int64_t j = high - 1; j >= low; j--) {
            subtract(f, j, j + 1, high);
            divide(f, j, least);
        }
        f->low = low;
        f->high = high;
        anm_parallel_for(0, (size_t)low, subtract_block, f);
        if (low == 0) break;
    }
}

/* From columns of M to what errors are multiplied with. */
static void finish(const factor *f) {
    anm_hessian *h = f->h;
    for (int64_t k = 0; k < h->n; k++) {
        float *row = h->matrix + k * h->n;
        double root = sqrt(f->pivots[k]);
        for (int64_t i = 0; i < k; i++) row[i] = (float)((double)row[i] / root);
        h->weights[h->order[k]] = f->pivots[k] / (double)(h->rows ? h->rows : 1);
    }
}

anm_status anm_hessian_factor(anm_hessian *h, anm_error *err) {
    damp(h);
    ANM_TRY(put_in_order(h, err));
    factor f = {.h = h, .pivots = anm_calloc((size_t)h->n, sizeof(double))};
    if (!f.pivots) return anm_fail_memory(err);
    for (int64_t k = 0; k < h->n; k++) f.pivots[k] = (double)h->diagonal[h->order[k]];
    anm_parallel_for(0, (size_t)h->n, copy_row, h);
    run_factor(&f);
    finish(&f);
    anm_free(f.pivots);
    return ANM_OK;
}
