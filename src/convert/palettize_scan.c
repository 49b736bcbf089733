/* SPDX-License-Identifier: MIT */
/* The inner loop of the clustering: the best beginning for a cluster that ends at a given point. */
#include <math.h>
#include <string.h>

#include "src/convert/palettize_dp.h"

enum { LANES = 4 };

/* Added and subtracted, this makes the FPU round a number of magnitude 1 to fp16's 11 bits. */
#define ROUNDER 0x1.8p42
#define LEAST_NORMAL 0x1p-14
#define EXPONENT INT64_C(0x7ff0000000000000)

/* To the nearest fp16 number, ties to even; in range because a mean of fp16 numbers is. */
static inline double round_half(double x) {
    int64_t bits;
    double scale;
    memcpy(&bits, &x, sizeof bits);
    bits &= EXPONENT;
    memcpy(&scale, &bits, sizeof scale);
    if (!(scale > LEAST_NORMAL)) scale = LEAST_NORMAL;
    scale *= ROUNDER;
    return (x + scale) - scale;
}

static inline double cost(double w, double wx, double wxx, double *centre) {
    double c = round_half(wx / w);
    *centre = c;
    return wxx - c * ((wx + wx) - c * w);
}

double anm_dp_cost(const anm_sums *s, size_t from, size_t to, double *centre) {
    double c, error = cost(s->w[to] - s->w[from], s->wx[to] - s->wx[from],
                           s->wxx[to] - s->wxx[from], &c);
    if (centre) *centre = c;
    return error;
}

/* A range of rows being filled. */
typedef struct rows {
    const anm_sums *s;
    double *best;
    uint32_t *back;
    double price;
} rows;

static inline void set_row_ref(const rows *r, size_t to, size_t first, size_t last) {
    const anm_sums *s = r->s;
    double w = s->w[to], wx = s->wx[to], wxx = s->wxx[to], least = INFINITY, centre;
    size_t at = first;
    for (size_t i = first; i <= last; i++) {
        double v = r->best[i] + cost(w - s->w[i], wx - s->wx[i], wxx - s->wxx[i], &centre);
        if (v < least) least = v, at = i;
    }
    r->best[to] = least + r->price;
    r->back[to] = (uint32_t)at;
}

typedef double reals __attribute__((vector_size(8 * LANES)));
typedef int64_t ints __attribute__((vector_size(8 * LANES)));

#define LOAD(from)                                                                                 \
    __extension__({                                                                                \
        reals loaded_;                                                                             \
        memcpy(&loaded_, (from), sizeof loaded_);                                                  \
        loaded_;                                                                                   \
    })
#define CHOOSE(mask, a, b) (((mask) & (a)) | (~(mask) & (b)))
#define INLINE static inline __attribute__((always_inline))

/* The order of operations is that of the reference. Reads up to three entries behind `last`. */
INLINE void set_row_vector(const rows *r, size_t to, size_t first, size_t last) {
    const anm_sums *s = r->s;
    const double w1 = s->w[to], wx1 = s->wx[to], wxx1 = s->wxx[to];
    const reals infinite = {INFINITY, INFINITY, INFINITY, INFINITY};
    const reals smallest = {LEAST_NORMAL, LEAST_NORMAL, LEAST_NORMAL, LEAST_NORMAL};
    ints at = {(int64_t)first, (int64_t)first + 1, (int64_t)first + 2, (int64_t)first + 3};
    ints where = at;
    reals least = infinite;
    for (size_t i = first; i <= last; i += LANES, at += LANES) {
        reals w = w1 - LOAD(s->w + i), wx = wx1 - LOAD(s->wx + i);
        reals mean = wx / w, scale = (reals)((ints)mean & EXPONENT);
        ints normal = (ints)(scale > smallest), inside = (ints)(at <= (int64_t)last);
        scale = (reals)CHOOSE(normal, (ints)scale, (ints)smallest) * ROUNDER;
        reals c = (mean + scale) - scale;
        reals v = LOAD(r->best + i) + ((wxx1 - LOAD(s->wxx + i)) - c * ((wx + wx) - c * w));
        ints less = (ints)(v < least) & inside;
        least = (reals)CHOOSE(less, (ints)v, (ints)least);
        where = CHOOSE(less, at, where);
    }
    int b = 0;
    for (int l = 1; l < LANES; l++)
        if (least[l] < least[b] || (least[l] == least[b] && where[l] < where[b])) b = l;
    r->best[to] = least[b] + r->price;
    r->back[to] = (uint32_t)where[b];
}

/*
 * Level by level, each row between its neighbours of the levels before: the rows of a level do not
 * depend on each other, so that the CPU can overlap them.
 */
#define DEFINE_FILL(name, set_row, attributes)                                                     \
    attributes static void name(const rows *r, size_t low, size_t high, size_t first,              \
                                size_t last) {                                                     \
        size_t n = high - low + 1, step = 1;                                                       \
        while (step <= n / 2) step *= 2;                                                           \
        for (; step > 0; step /= 2)                                                                \
            for (size_t k = step; k <= n; k += 2 * step) {                                         \
                size_t row = low + k - 1;                                                          \
                size_t from = k > step ? r->back[row - step] : first;                              \
                size_t to = k + step <= n ? r->back[row + step] : last;                            \
                set_row(r, row, from, to > from ? to : from);                                      \
            }                                                                                      \
    }

DEFINE_FILL(fill_ref, set_row_ref, )
DEFINE_FILL(fill_vector, set_row_vector, )
#if defined(__x86_64__)
DEFINE_FILL(fill_avx2, set_row_vector, __attribute__((target("avx2"))))
#endif

void anm_dp_fill_ref(const anm_sums *s, double *best, uint32_t *back, double price, size_t low,
                     size_t high, size_t first, size_t last) {
    fill_ref(&(rows){s, best, back, price}, low, high, first, last);
}

void anm_dp_fill(const anm_sums *s, double *best, uint32_t *back, double price, size_t low,
                 size_t high, size_t first, size_t last) {
    rows r = {s, best, back, price};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        fill_avx2(&r, low, high, first, last);
        return;
    }
#endif
    fill_vector(&r, low, high, first, last);
}
