/* SPDX-License-Identifier: MIT */
/* How a template calls a level's look-up; the level's `weight` is defined before. */
#ifndef ANM_CPU_GEMM_DECODER_H
#define ANM_CPU_GEMM_DECODER_H

#include <stddef.h>
#include <stdint.h>

/* 32 columns `times` over: their packed indices, to weights that begin `step` apart. */
typedef void (*anm_table_decoder)(const uint8_t *packed, const weight *table, int times,
                                  weight *out, ptrdiff_t step);
/* `n` halves, a multiple of 32, likewise; gives the factor that makes the weights their values. */
typedef float (*anm_halves_converter)(const uint16_t *halves, int64_t n, weight *out,
                                      ptrdiff_t step);

#endif
