/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/attention.h"

#include "src/cpu/kernels/attention_levels.h"
#include "src/cpu/levels.h"

enum { LISTS = 2 }; /* of a level at most */

static const anm_attention_kernel *const levels[ANM_ISA_COUNT][LISTS] = {
    [ANM_ISA_C] = {anm_attention_kernels_c},
    ANM_AVX2([ANM_ISA_AVX2] = {anm_attention_int16_kernels_avx2, anm_attention_kernels_avx2},)
    ANM_AVXVNNI([ANM_ISA_AVXVNNI] = {anm_attention_kernels_avxvnni},)
    ANM_AVX512([ANM_ISA_AVX512] = {anm_attention_kernels_avx512},)
    ANM_AVX512VNNI([ANM_ISA_AVX512VNNI] = {anm_attention_kernels_avx512vnni},)
    ANM_AMX([ANM_ISA_AMX] = {anm_attention_kernels_amx},)
    ANM_NEON([ANM_ISA_NEON] = {anm_attention_kernels_neon},)
};

static const anm_attention_kernel *find_at(const anm_attention *a, anm_isa isa) {
    for (int list = 0; list < LISTS; list++)
        for (const anm_attention_kernel *k = levels[isa][list]; k && k->name; k++)
            if (k->accepts(a)) return k;
    return NULL;
}

const anm_attention_kernel *anm_attention_find(const anm_attention *a, anm_isa isa) {
    const anm_attention_kernel *found = find_at(a, isa);
    while (!found && isa != ANM_ISA_C) {
        isa = anm_isa_below(isa);
        found = find_at(a, isa);
    }
    return found;
}

const anm_attention_kernel *anm_attention_at(size_t index) {
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++)
        for (int list = 0; list < LISTS; list++)
            for (const anm_attention_kernel *k = levels[isa][list]; k && k->name; k++)
                if (index-- == 0) return k;
    return NULL;
}

bool anm_attention_spans(const float *mask, int64_t rows, int64_t columns, int64_t stride,
                         float floor, int32_t *span) {
    bool trivial = true;
    for (int64_t r = 0; r < rows; r++) {
        const float *m = mask + r * stride;
        int64_t begin = 0, end = columns;
        while (end > 0 && !(m[end - 1] > floor)) end--;
        while (begin < end && !(m[begin] > floor)) begin++;
        for (int64_t c = begin; c < end && trivial; c++) trivial = m[c] == 0;
        span[2 * r] = (int32_t)begin;
        span[2 * r + 1] = (int32_t)end;
    }
    return trivial;
}
