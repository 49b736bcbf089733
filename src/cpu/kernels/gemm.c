/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/gemm.h"

#include "src/cpu/kernels/gemm_levels.h"
#include "src/cpu/levels.h"

static const anm_gemm_kernel *const levels[ANM_ISA_COUNT] = {
    [ANM_ISA_C] = anm_gemm_kernels_c,
    ANM_AVX2([ANM_ISA_AVX2] = anm_gemm_kernels_avx2,)
    ANM_AVXVNNI([ANM_ISA_AVXVNNI] = anm_gemm_kernels_avxvnni,)
    ANM_AVX512([ANM_ISA_AVX512] = anm_gemm_kernels_avx512,)
    ANM_AVX512VNNI([ANM_ISA_AVX512VNNI] = anm_gemm_kernels_avx512vnni,)
    ANM_AMX([ANM_ISA_AMX] = anm_gemm_kernels_amx,)
    ANM_NEON([ANM_ISA_NEON] = anm_gemm_kernels_neon,)
    ANM_NEONDOT([ANM_ISA_NEONDOT] = anm_gemm_kernels_neondot,)
    ANM_NEONI8MM([ANM_ISA_NEONI8MM] = anm_gemm_kernels_neoni8mm,)
};

static const anm_gemm_kernel *const int8_levels[ANM_ISA_COUNT] = {
    [ANM_ISA_C] = NULL, /* a list that is not empty on any machine */
    ANM_AVXVNNI([ANM_ISA_AVXVNNI] = anm_gemm_int8_kernels_avxvnni,)
    ANM_AVX512VNNI([ANM_ISA_AVX512VNNI] = anm_gemm_int8_kernels_avx512vnni,)
    ANM_NEONDOT([ANM_ISA_NEONDOT] = anm_gemm_int8_kernels_neondot,)
    ANM_NEONI8MM([ANM_ISA_NEONI8MM] = anm_gemm_int8_kernels_neoni8mm,)
};

static const anm_gemm_kernel *first_of(const anm_gemm_kernel *list, const anm_matrix *w) {
    for (const anm_gemm_kernel *k = list; k && k->name; k++)
        if (k->accepts(w)) return k;
    return NULL;
}

static const anm_gemm_kernel *find_at(const anm_matrix *w, anm_isa isa, bool int8) {
    const anm_gemm_kernel *found = int8 ? first_of(int8_levels[isa], w) : NULL;
    return found ? found : first_of(levels[isa], w);
}

const anm_gemm_kernel *anm_gemm_find(const anm_matrix *w, anm_isa isa, bool int8) {
    const anm_gemm_kernel *found = find_at(w, isa, int8);
    while (!found && isa != ANM_ISA_C) {
        isa = anm_isa_below(isa);
        found = find_at(w, isa, int8);
    }
    return found;
}

static const anm_gemm_kernel *nth_of(const anm_gemm_kernel *list, size_t *index) {
    for (const anm_gemm_kernel *k = list; k && k->name; k++)
        if ((*index)-- == 0) return k;
    return NULL;
}

const anm_gemm_kernel *anm_gemm_at(size_t index) {
    const anm_gemm_kernel *found = NULL;
    for (int isa = 0; isa < ANM_ISA_COUNT && !found; isa++) {
        found = nth_of(levels[isa], &index);
        if (!found) found = nth_of(int8_levels[isa], &index);
    }
    return found;
}
