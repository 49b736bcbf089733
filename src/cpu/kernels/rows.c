/* SPDX-License-Identifier: MIT */
/* The row kernels of the reference level, and choosing among the levels. */
#define ANM_ROWS(name) name##_c
#include "src/cpu/kernels/rows_template.h"

#include "src/cpu/kernels/rows_levels.h"
#include "src/cpu/levels.h"

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
