/* SPDX-License-Identifier: MIT */
/*
 * Product of two matrices of fp32 values, neither of them constant: vectors lie along the columns
 * of b, against which an element of a is set at a time. Four rows and two vectors (four where
 * there are 32 registers) are summed up in registers over all of k. A level's file defines its
 * vector first (vector_LEVEL.h).
 */
#ifndef ANM_CPU_PRODUCT_TEMPLATE_H
#define ANM_CPU_PRODUCT_TEMPLATE_H

#include "src/cpu/kernels/rows.h"

enum { PRODUCT_ROWS = 4, PRODUCT_VECTORS = VECTOR_REGISTERS == 32 ? 4 : 2 };

/* Columns [j, j + PRODUCT_VECTORS * VN) of rows [i, i + rows). */
static inline void product_tile(const anm_product *p, int64_t i, int64_t j, const int rows) {
    vf sum[PRODUCT_ROWS][PRODUCT_VECTORS];
    const float *a = p->a + i * p->a_row, *b = p->b + j;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < PRODUCT_VECTORS; v++) sum[r][v] = v_zero();
    for (int64_t k = 0; k < p->k; k++, a += p->a_step, b += p->b_row) {
        vf column[PRODUCT_VECTORS];
        for (int v = 0; v < PRODUCT_VECTORS; v++) column[v] = v_load(b + v * VN);
        for (int r = 0; r < rows; r++) {
            vf x = v_set(a[r * p->a_row]);
            for (int v = 0; v < PRODUCT_VECTORS; v++)
                sum[r][v] = v_fma(x, column[v], sum[r][v]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < PRODUCT_VECTORS; v++)
            v_store(p->c + (i + r) * p->c_row + j + v * VN, sum[r][v]);
}

/* One vector, of which `n` columns are there. */
static inline void product_edge(const anm_product *p, int64_t i, int64_t j, int64_t n,
                                const int rows) {
    vf sum[PRODUCT_ROWS];
    const float *a = p->a + i * p->a_row, *b = p->b + j;
    for (int r = 0; r < rows; r++) sum[r] = v_zero();
    for (int64_t k = 0; k < p->k; k++, a += p->a_step, b += p->b_row) {
        vf column = n == VN ? v_load(b) : v_load_part(b, n);
        for (int r = 0; r < rows; r++) sum[r] = v_fma(v_set(a[r * p->a_row]), column, sum[r]);
    }
    for (int r = 0; r < rows; r++) {
        float *c = p->c + (i + r) * p->c_row + j;
        if (n == VN) v_store(c, sum[r]);
        else v_store_part(c, sum[r], n);
    }
}

static inline void product_rows(const anm_product *p, int64_t i, const int rows) {
    enum { WIDE = PRODUCT_VECTORS * VN };
    int64_t j = 0;
    for (; j + WIDE <= p->n; j += WIDE) product_tile(p, i, j, rows);
    for (; j < p->n; j += VN) product_edge(p, i, j, p->n - j < VN ? p->n - j : VN, rows);
}

static void ANM_ROWS(product)(const anm_product *p) {
    int64_t i = 0;
    for (; i + PRODUCT_ROWS <= p->m; i += PRODUCT_ROWS) product_rows(p, i, PRODUCT_ROWS);
    for (; i < p->m; i++) product_rows(p, i, 1);
}

#endif
