/* SPDX-License-Identifier: MIT */
#include "src/convert/feedback.h"

#include <stdatomic.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/half.h"
#include "src/base/threads.h"

enum { ROWS = 4, LANES = 8 };

typedef struct work {
    const anm_feedback *f;
    float *entries, *bounds; /* of every table that the rows use: [tables, 2^bits] */
    int64_t table;           /* the number of the first */
    uint8_t *indices;
    atomic_bool failed;
} work;

/* Eight sums side by side, whatever the processor has. */
void anm_feedback_dots_ref(const float *a, const float *rows, size_t stride, size_t n,
                           float out[ROWS]) {
    for (size_t r = 0; r < ROWS; r++) {
        float lanes[LANES] = {0};
        size_t i = 0;
        for (; i + LANES <= n; i += LANES)
            for (size_t l = 0; l < LANES; l++) lanes[l] += a[i + l] * rows[r * stride + i + l];
        for (; i < n; i++) lanes[0] += a[i] * rows[r * stride + i];
        out[r] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
                 ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
}

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define DEFINE_DOTS(name, attributes)                                                              \
    attributes static void name(const float *a, const float *rows, size_t stride, size_t n,        \
                                float out[ROWS]) {                                                 \
        lanes sums[ROWS] = {{0}};                                                                  \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES) {                                                       \
            lanes x = *(const lanes *)(a + i);                                                     \
            for (size_t r = 0; r < ROWS; r++)                                                      \
                sums[r] += x * *(const lanes *)(rows + r * stride + i);                            \
        }                                                                                          \
        for (; i < n; i++)                                                                         \
            for (size_t r = 0; r < ROWS; r++) sums[r][0] += a[i] * rows[r * stride + i];           \
        for (size_t r = 0; r < ROWS; r++)                                                          \
            out[r] = ((sums[r][0] + sums[r][1]) + (sums[r][2] + sums[r][3])) +                     \
                     ((sums[r][4] + sums[r][5]) + (sums[r][6] + sums[r][7]));                      \
    }

DEFINE_DOTS(dots_vector, )
#if defined(__x86_64__)
DEFINE_DOTS(dots_avx2, __attribute__((target("avx2"))))
#endif

void anm_feedback_dots(const float *a, const float *rows, size_t stride, size_t n,
                       float out[ROWS]) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        dots_avx2(a, rows, stride, n, out);
        return;
    }
#endif
    dots_vector(a, rows, stride, n, out);
}

/* How many bounds the value exceeds: the nearest entry, the lower of two equally near. */
static size_t nearest(const float *bounds, int bits, float value) {
    size_t at = 0;
    for (size_t step = (size_t)1 << (bits - 1); step > 0; step /= 2)
        at += value > bounds[at + step - 1] ? step : 0;
    return at;
}

static size_t table_of(const work *w, int64_t row, int64_t column) {
    const anm_feedback *f = w->f;
    int64_t number = f->axis == 0 ? (f->first + row) / f->group : column / f->group;
    return (size_t)(number - w->table) << f->bits;
}

static void assign_rows(work *w, int64_t first, int64_t count, const float *values, float *errors) {
    const anm_feedback *f = w->f;
    const anm_hessian *h = f->hessian;
    size_t n = (size_t)h->n;
    for (size_t k = 0; k < n; k++) {
        float wanted[ROWS];
        int64_t column = h->order[k];
        anm_feedback_dots(h->matrix + k * n, errors, n, k, wanted);
        for (int64_t r = 0; r < count; r++) {
            size_t at = table_of(w, first + r, column);
            float value = values[(size_t)r * n + (size_t)column];
            size_t index = nearest(w->bounds + at, f->bits, value + wanted[r]);
            errors[(size_t)r * n + k] = value - w->entries[at + index];
            w->indices[(size_t)(first + r) * n + (size_t)column] = (uint8_t)index;
        }
    }
}

static void assign_block(void *context, size_t item) {
    work *w = context;
    size_t n = (size_t)w->f->hessian->n;
    int64_t first = (int64_t)item * ROWS, count = w->f->rows - first < ROWS ? w->f->rows - first
                                                                          : ROWS;
    float *space = anm_calloc(2 * ROWS, n * sizeof *space);
    if (!space) {
        atomic_store(&w->failed, true);
        return;
    }
    anm_half_to_float_n(space, w->f->values + (size_t)first * n, (size_t)count * n);
    assign_rows(w, first, count, space, space + ROWS * n);
    anm_free(space);
}

static void make_bounds(const work *w, size_t tables) {
    size_t size = (size_t)1 << w->f->bits;
    anm_half_to_float_n(w->entries, w->f->tables + ((size_t)w->table << w->f->bits),
                        tables * size);
    for (size_t i = 0; i + 1 < tables * size; i++)
        w->bounds[i] = (w->entries[i] + w->entries[i + 1]) / 2;
}

anm_status anm_feedback_assign(const anm_feedback *f, uint8_t *indices, anm_error *err) {
    work w = {.f = f, .indices = indices};
    int64_t last = f->axis == 0 ? (f->first + f->rows - 1) / f->group
                                : (f->hessian->n - 1) / f->group;
    if (f->rows == 0) return ANM_OK;
    w.table = f->axis == 0 ? f->first / f->group : 0;
    size_t tables = (size_t)(last - w.table + 1), entries = tables << f->bits;
    w.entries = anm_calloc(entries, sizeof *w.entries);
    w.bounds = anm_calloc(entries, sizeof *w.bounds);
    atomic_init(&w.failed, !w.entries || !w.bounds);
    if (!atomic_load(&w.failed)) {
        make_bounds(&w, tables);
        anm_parallel_for(0, (size_t)(f->rows + ROWS - 1) / ROWS, assign_block, &w);
    }
    anm_free(w.entries);
    anm_free(w.bounds);
    return atomic_load(&w.failed) ? anm_fail_memory(err) : ANM_OK;
}
