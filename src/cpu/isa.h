/* SPDX-License-Identifier: MIT */
/*
 * Which instruction sets there are, and which one may be used. Levels of a machine's architecture
 * form a ladder: who has a level has those below it. `c` is the portable reference and always
 * there.
 */
#ifndef ANM_CPU_ISA_H
#define ANM_CPU_ISA_H

#include <stdbool.h>

#include "src/base/status.h"

typedef enum anm_isa {
    ANM_ISA_C,
    ANM_ISA_AVX2,       /* with FMA and F16C */
    ANM_ISA_AVXVNNI,    /* AVX2 with VNNI, 256 bits: Alder Lake and later, Zen 5; beside AVX-512 */
    ANM_ISA_AVX512,     /* F, BW, DQ, VL, CD */
    ANM_ISA_AVX512VNNI, /* with VNNI, VBMI, VBMI2, BITALG: Ice Lake, Zen 4 */
    ANM_ISA_AMX,        /* with AMX tiles (bf16, int8), AVX512 BF16 and FP16: Sapphire Rapids */
    ANM_ISA_NEON,       /* AArch64 with Advanced SIMD */
    ANM_ISA_NEONDOT,    /* with dot product and fp16 arithmetic: Armv8.2 and most since */
    ANM_ISA_NEONI8MM,   /* with matrix products of bytes and of bf16: Graviton 3, Grace, M2 */
    ANM_ISA_COUNT
} anm_isa;

/* "c", "avx2", "avxvnni", "avx512", "avx512vnni", "amx", "neon", "neondot", "neoni8mm". */
const char *anm_isa_name(anm_isa isa);
/* This machine and operating system can run it. */
bool anm_isa_available(anm_isa isa);
/* The next level below on this level's ladder; C gives C. */
anm_isa anm_isa_below(anm_isa isa);
/* The highest available level. */
anm_isa anm_isa_best(void);
/*
 * The level called `name`: ANM_ERROR_ARGUMENT if there is none, ANM_ERROR_UNSUPPORTED if this
 * machine cannot run it. NULL or "": the environment's ANEMONE_CPU, else the best.
 */
ANM_MUST_CHECK anm_status anm_isa_choose(const char *name, anm_isa *out, anm_error *err);

#endif
