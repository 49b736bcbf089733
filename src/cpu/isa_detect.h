/* SPDX-License-Identifier: MIT */
/* One file per architecture asks machine and operating system; meson picks it. */
#ifndef ANM_CPU_ISA_DETECT_H
#define ANM_CPU_ISA_DETECT_H

#include <stdint.h>

/* Bit 1 << ANM_ISA_X for each level that runs here, the portable one included. */
uint32_t anm_isa_detect(void);

#endif
