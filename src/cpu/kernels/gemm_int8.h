/* SPDX-License-Identifier: MIT */
/*
 * GEMM in 8-bit integers: inputs in units of which the largest of INT8_SHARE columns has UNITS,
 * weights in units of which the largest of their table has as many or somewhat fewer.
 */
#ifndef ANM_CPU_GEMM_INT8_H
#define ANM_CPU_GEMM_INT8_H

enum { UNITS = 127, UNITS_LEAST = 96, INT8_SHARE = 64 };

#endif
