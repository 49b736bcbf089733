/* SPDX-License-Identifier: MIT */
/* Architectures without kernels of their own. */
#include "src/cpu/isa.h"
#include "src/cpu/isa_detect.h"

uint32_t anm_isa_detect(void) { return 1u << ANM_ISA_C; }
