/* SPDX-License-Identifier: MIT */
/*
 * Optimal 1-D clustering of weighted, sorted points with centres that are fp16 numbers.
 *
 * The cost of a run of points is that of its best fp16 centre, the mean rounded: so the optimum
 * found is the least squared error that any table of fp16 entries can reach, not the optimum of a
 * problem without rounding. Computed in fp64; for points of fp16 values and whole weights the sums
 * are exact as long as they need no more than 53 bits.
 */
#ifndef ANM_CONVERT_PALETTIZE_DP_H
#define ANM_CONVERT_PALETTIZE_DP_H

#include <stddef.h>
#include <stdint.h>

/* Sums over points [0, i), up to one constant for each array. */
typedef struct anm_sums {
    size_t count; /* points; the arrays have count + 1 entries, and ANM_DP_PADDING more */
    double *w, *wx, *wxx; /* weights (positive), weight * value, weight * value^2 */
} anm_sums;

typedef struct anm_dp {
    size_t capacity; /* points */
    double *best;    /* least cost of the first i points, a price paid for each cluster */
    uint32_t *back;  /* where the last cluster of that begins */
    uint32_t *few, *many, *path;
    anm_sums rough; /* every n-th entry of the sums, to find the price */
} anm_dp;

/* False when memory is out; free it in any case. */
int anm_dp_init(anm_dp *dp, size_t capacity);
void anm_dp_free(anm_dp *dp);

/* The squared error of points [from, to) with one fp16 centre; `centre` may be NULL. */
double anm_dp_cost(const anm_sums *s, size_t from, size_t to, double *centre);

/*
 * Splits the points into `clusters` runs of least total cost: run c is [ends[c], ends[c + 1]).
 * 1 <= clusters <= count <= capacity.
 */
void anm_dp_solve(anm_dp *dp, const anm_sums *s, size_t clusters, uint32_t *ends);

/*
 * For rows low..high: best[row] = min of best[i] + cost(i, row), plus the price, and back[row] the
 * least i that gives it; the i of row after row rise from `first` to `last`, below low. The vector
 * form gives the same answer as the reference, bit for bit, and reads ANM_DP_PADDING entries more.
 */
void anm_dp_fill(const anm_sums *s, double *best, uint32_t *back, double price, size_t low,
                 size_t high, size_t first, size_t last);
void anm_dp_fill_ref(const anm_sums *s, double *best, uint32_t *back, double price, size_t low,
                     size_t high, size_t first, size_t last);
enum { ANM_DP_PADDING = 4 };

#endif
