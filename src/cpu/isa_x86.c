/* SPDX-License-Identifier: MIT */
/*
 * x86-64: what cpuid reports, as far as the operating system saves the registers (xgetbv). AMX
 * tiles also need the kernel's permission, which Linux gives to a process that asks.
 */
#include <cpuid.h>
#include <stdbool.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "src/cpu/isa.h"
#include "src/cpu/isa_detect.h"

enum {
    XCR0_YMM = 0x6,     /* xmm, ymm */
    XCR0_ZMM = 0xe6,    /* and opmask, zmm */
    XCR0_TILE = 0x60000 /* tile configuration and data */
};

/* Feature bits: leaf 1 ecx, leaf 7 ebx, ecx, edx, leaf 7.1 eax. */
typedef struct features {
    uint32_t ecx1, ebx7, ecx7, edx7, eax71;
    uint64_t xcr0;
} features;

static bool all(uint32_t have, uint32_t wanted) { return (have & wanted) == wanted; }
#define BIT(n) (1u << (n))

static uint64_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static features read_features(void) {
    features f = {0};
    uint32_t eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &f.ecx1, &edx)) return f;
    if (all(f.ecx1, BIT(27))) f.xcr0 = read_xcr0(); /* OSXSAVE */
    uint32_t leaves = 0;
    if (!__get_cpuid_count(7, 0, &leaves, &f.ebx7, &f.ecx7, &f.edx7)) return f;
    if (leaves >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) f.eax71 = eax;
    return f;
}

static bool has_avx2(const features *f) {
    return (f->xcr0 & XCR0_YMM) == XCR0_YMM &&
           all(f->ecx1, BIT(12) | BIT(28) | BIT(29)) && /* FMA, AVX, F16C */
           all(f->ebx7, BIT(5));
}

static bool has_avxvnni(const features *f) { return all(f->eax71, BIT(4)); }

static bool has_avx512(const features *f) {
    /* F, DQ, CD, BW, VL */
    return (f->xcr0 & XCR0_ZMM) == XCR0_ZMM &&
           all(f->ebx7, BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31));
}

static bool has_avx512vnni(const features *f) {
    return all(f->ecx7, BIT(1) | BIT(6) | BIT(11) | BIT(12)); /* VBMI, VBMI2, VNNI, BITALG */
}

static bool may_use_tiles(void) {
#ifdef __linux__
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

static bool has_amx(const features *f) {
    /* AVX512_FP16, AMX_BF16, AMX_TILE, AMX_INT8; AVX512_BF16 */
    return (f->xcr0 & XCR0_TILE) == XCR0_TILE &&
           all(f->edx7, BIT(22) | BIT(23) | BIT(24) | BIT(25)) && all(f->eax71, BIT(5)) &&
           may_use_tiles();
}

uint32_t anm_isa_detect(void) {
    features f = read_features();
    uint32_t have = BIT(ANM_ISA_C);
    if (!has_avx2(&f)) return have;
    have |= BIT(ANM_ISA_AVX2);
    if (has_avxvnni(&f)) have |= BIT(ANM_ISA_AVXVNNI);
    if (!has_avx512(&f)) return have;
    have |= BIT(ANM_ISA_AVX512);
    if (!has_avx512vnni(&f)) return have;
    have |= BIT(ANM_ISA_AVX512VNNI);
    return has_amx(&f) ? have | BIT(ANM_ISA_AMX) : have;
}
