/* SPDX-License-Identifier: MIT */
/* The attention kernels of each level, best first, ended by one without a name. */
#ifndef ANM_CPU_ATTENTION_LEVELS_H
#define ANM_CPU_ATTENTION_LEVELS_H

#include "src/cpu/kernels/attention.h"

/*
 * A row whose every visible score is below this gives zeros: the kernels start their running
 * maximum here instead of at -infinity, so that no difference of infinities arises.
 */
#define ANM_ATTENTION_LEAST (-1e30f)

extern const anm_attention_kernel anm_attention_kernels_c[];
extern const anm_attention_kernel anm_attention_kernels_avx2[];
extern const anm_attention_kernel anm_attention_int16_kernels_avx2[];
extern const anm_attention_kernel anm_attention_kernels_avxvnni[];
extern const anm_attention_kernel anm_attention_kernels_avx512[];
extern const anm_attention_kernel anm_attention_kernels_avx512vnni[];
extern const anm_attention_kernel anm_attention_kernels_amx[];
extern const anm_attention_kernel anm_attention_kernels_neon[];

#endif
