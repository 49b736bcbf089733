/* SPDX-License-Identifier: MIT */
#include "src/cpu/kernels/gemv.h"

#include "src/cpu/kernels/gemv_levels.h"
#include "src/cpu/levels.h"

static const anm_gemv_kernel *const levels[ANM_ISA_COUNT] = {
    [ANM_ISA_C] = anm_gemv_kernels_c,
    ANM_AVX2([ANM_ISA_AVX2] = anm_gemv_kernels_avx2,)
    ANM_AVXVNNI([ANM_ISA_AVXVNNI] = anm_gemv_kernels_avxvnni,)
    ANM_AVX512([ANM_ISA_AVX512] = anm_gemv_kernels_avx512,)
    ANM_AVX512VNNI([ANM_ISA_AVX512VNNI] = anm_gemv_kernels_avx512vnni,)
    ANM_NEON([ANM_ISA_NEON] = anm_gemv_kernels_neon,)
    ANM_NEONDOT([ANM_ISA_NEONDOT] = anm_gemv_kernels_neondot,)
};

static const anm_gemv_kernel *const lines[ANM_ISA_COUNT] = {
    [ANM_ISA_C] = NULL,
    ANM_AVX2([ANM_ISA_AVX2] = anm_gemv_lines_avx2,)
    ANM_AVXVNNI([ANM_ISA_AVXVNNI] = anm_gemv_lines_avxvnni,)
};

static const anm_gemv_kernel *first_of(const anm_gemv_kernel *list, const anm_matrix *w) {
    for (const anm_gemv_kernel *k = list; k && k->name; k++)
        if (k->accepts(w)) return k;
    return NULL;
}

static const anm_gemv_kernel *find_at(const anm_matrix *w, anm_isa isa, bool exact) {
    const anm_gemv_kernel *found = exact ? NULL : first_of(lines[isa], w);
    return found ? found : first_of(levels[isa], w);
}

static const anm_gemv_kernel *find(const anm_matrix *w, anm_isa isa, bool exact) {
    const anm_gemv_kernel *found = find_at(w, isa, exact);
    while (!found && isa != ANM_ISA_C) {
        isa = anm_isa_below(isa);
        found = find_at(w, isa, exact);
    }
    return found;
}

const anm_gemv_kernel *anm_gemv_find(const anm_matrix *w, anm_isa isa) {
    return find(w, isa, false);
}

const anm_gemv_kernel *anm_gemv_find_exact(const anm_matrix *w, anm_isa isa) {
    return find(w, isa, true);
}

static const anm_gemv_kernel *nth_of(const anm_gemv_kernel *list, size_t *index) {
    for (const anm_gemv_kernel *k = list; k && k->name; k++)
        if ((*index)-- == 0) return k;
    return NULL;
}

const anm_gemv_kernel *anm_gemv_at(size_t index) {
    const anm_gemv_kernel *found = NULL;
    for (int isa = 0; isa < ANM_ISA_COUNT && !found; isa++) {
        found = nth_of(lines[isa], &index);
        if (!found) found = nth_of(levels[isa], &index);
    }
    return found;
}

anm_ahead_range anm_gemv_range(const anm_matrix *w, int64_t row0, int64_t row1) {
    const int64_t row_bytes = w->columns * w->bits / 8;
    anm_ahead_range range = {.data = (const char *)w->data + row0 * row_bytes,
                             .bytes = (row1 - row0) * row_bytes};
    if (!w->lut) return range;
    int64_t bytes = w->columns / w->group_columns * (2 << w->bits);
    int64_t first = row0 / w->group_rows, last = (row1 + w->group_rows - 1) / w->group_rows;
    range.tables = (const char *)w->lut + first * bytes;
    range.table_bytes = (last - first) * bytes;
    return range;
}
