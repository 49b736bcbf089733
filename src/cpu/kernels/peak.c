/* SPDX-License-Identifier: MIT */
#define ANM_PEAK_NAME peak_c
#define ANM_PEAK_VECTOR float
#define ANM_PEAK_FMA(a, b, c) ((a) * (b) + (c))
#include "src/cpu/kernels/peak_template.h"

#include "src/cpu/levels.h"

const anm_peak anm_peak_c = {ANM_ISA_C, peak_c, ANM_PEAK_FLOPS, NULL, 0};

static const anm_peak *const levels[] = {
    &anm_peak_c,
    ANM_AVX2(&anm_peak_avx2, )
    ANM_AVX512(&anm_peak_avx512, )
    ANM_AMX(&anm_peak_amx, )
    ANM_NEON(&anm_peak_neon, )
};

const anm_peak *anm_peak_find(anm_isa isa) {
    for (;; isa = anm_isa_below(isa)) {
        for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
            if (levels[i]->isa == isa) return levels[i];
        if (isa == ANM_ISA_C) return &anm_peak_c;
    }
}
