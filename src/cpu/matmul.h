/* SPDX-License-Identifier: MIT */
/* How exactly products are computed: which kernels a plan may take. */
#ifndef ANM_CPU_MATMUL_H
#define ANM_CPU_MATMUL_H

#include "src/base/status.h"
#include "src/cpu/kernels/gemv.h"

typedef enum anm_matmul {
    ANM_MATMUL_AUTO,   /* MEDIUM where the weights were made coarser than that; else HIGH */
    ANM_MATMUL_HIGH,   /* 16-bit integers, bf16 on AMX, or floats */
    ANM_MATMUL_MEDIUM, /* also 8-bit integers */
    ANM_MATMUL_COUNT
} anm_matmul;

/*
 * The one called `name`: "auto", "high" or "medium"; else ANM_ERROR_ARGUMENT. NULL, "" and "auto":
 * what the environment's ANEMONE_MATMUL_PRECISION says, or AUTO.
 */
ANM_MUST_CHECK anm_status anm_matmul_choose(const char *name, anm_matmul *out, anm_error *err);
/* The kernel for one row: HIGH takes no entries of a table for points near a line. */
const anm_gemv_kernel *anm_matmul_gemv(anm_matmul matmul, const anm_matrix *w, anm_isa isa);
/* Whether so many rows may be multiplied by the matrix in 8-bit integers. */
bool anm_matmul_int8(anm_matmul matmul, const anm_matrix *w, int64_t rows);

#endif
