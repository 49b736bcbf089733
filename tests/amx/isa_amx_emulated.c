/* SPDX-License-Identifier: MIT */
/* What the machine has, and AMX where only its tiles are missing: those are emulated. */
#include "src/cpu/isa_detect.h"

uint32_t detect_machine(void);
#define anm_isa_detect detect_machine
#include "src/cpu/isa_x86.c"
#undef anm_isa_detect

uint32_t anm_isa_detect(void) {
    features f = read_features();
    uint32_t have = detect_machine();
    bool rest = (have & BIT(ANM_ISA_AVX512VNNI)) && all(f.eax71, BIT(5)); /* AVX512_BF16 */
    return rest ? have | BIT(ANM_ISA_AMX) : have;
}
