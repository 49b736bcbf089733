/* SPDX-License-Identifier: MIT */
/* The row kernels of the reference level, and choosing among the levels. */
#define ANM_ROWS(name) name##_c
#include "src/cpu/kernels/rows_template.h"

#include "src/cpu/kernels/rows_levels.h"
#include "src/cpu/levels.h"

static void product_c(const anm_product *p) {
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            float sum = 0;
            for (int64_t k = 0; k < p->k; k++)
                sum += p->a[i * p->a_row + k * p->a_step] * p->b[k * p->b_row + j];
            p->c[i * p->c_row + j] = sum;
        }
}

static const anm_row_kernels reference = ANM_ROWS_TABLE(ANM_ISA_C);

static const anm_row_kernels *const levels[] = {
    &reference,
    ANM_AVX2(&anm_row_kernels_avx2, )
    ANM_AVX512(&anm_row_kernels_avx512, )
    ANM_NEON(&anm_row_kernels_neon, )
};

const anm_row_kernels *anm_row_kernels_find(anm_isa isa) {
    for (;; isa = anm_isa_below(isa)) {
        for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
            if (levels[i]->isa == isa) return levels[i];
        if (isa == ANM_ISA_C) return &reference;
    }
}
