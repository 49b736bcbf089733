/* SPDX-License-Identifier: MIT */
/* Loops that do nothing but multiply and add: the arithmetic limit of a level. */
#ifndef ANM_CPU_PEAK_H
#define ANM_CPU_PEAK_H

#include "src/cpu/isa.h"

typedef struct anm_peak {
    anm_isa isa;
    float (*vectors)(int64_t steps); /* gives something that depends on all of it */
    double vector_flops;             /* of a step */
    float (*tiles)(int64_t steps);   /* NULL: no matrix unit */
    double tile_flops;
} anm_peak;

extern const anm_peak anm_peak_c, anm_peak_avx2, anm_peak_avx512, anm_peak_amx, anm_peak_neon;

/* Of the highest level at or below `isa`. */
const anm_peak *anm_peak_find(anm_isa isa);

#endif
