/* SPDX-License-Identifier: MIT */
/* AArch64: Advanced SIMD is part of the architecture; the rest is asked of the system. */
#include <stdbool.h>
#include <stddef.h>

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#include "src/cpu/isa.h"
#include "src/cpu/isa_detect.h"

#if defined(__linux__)
static bool has_dot_and_half(void) {
    enum { ASIMDHP = 1 << 10, ASIMDDP = 1 << 20 };
    return (getauxval(AT_HWCAP) & (ASIMDHP | ASIMDDP)) == (ASIMDHP | ASIMDDP);
}
static bool has_matrix_products(void) {
    enum { I8MM = 1 << 13, BF16 = 1 << 14 };
    return (getauxval(AT_HWCAP2) & (I8MM | BF16)) == (I8MM | BF16);
}
#elif defined(__APPLE__)
static bool has_option(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value != 0;
}
static bool has_dot_and_half(void) {
    return has_option("hw.optional.arm.FEAT_DotProd") && has_option("hw.optional.arm.FEAT_FP16");
}
static bool has_matrix_products(void) {
    return has_option("hw.optional.arm.FEAT_I8MM") && has_option("hw.optional.arm.FEAT_BF16");
}
#else
static bool has_dot_and_half(void) { return false; }
static bool has_matrix_products(void) { return false; }
#endif

uint32_t anm_isa_detect(void) {
    uint32_t have = 1u << ANM_ISA_C | 1u << ANM_ISA_NEON;
    if (has_dot_and_half()) have |= 1u << ANM_ISA_NEONDOT;
    if (has_dot_and_half() && has_matrix_products()) have |= 1u << ANM_ISA_NEONI8MM;
    return have;
}
