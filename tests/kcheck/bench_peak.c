/* SPDX-License-Identifier: MIT */
/*
 * What this machine's units can do at most: chains of independent operations on registers, or on
 * tiles fed from the nearest cache, long enough for a steady rate.
 */
#include "tests/kcheck/bench_peak.h"

#include "tests/kcheck/kcheck.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { CHAINS = 12, ROUNDS = 400000, TILE_ROUNDS = 60000 };

/* Unrolled, so that the chains are registers. */
#define CHAINED(name, features, vector, start, step)                                          \
    __attribute__((target(features))) static void name(void *context, int part, int parts) {  \
        vector a[CHAINS], b = start;                                                          \
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) a[i] = start;               \
        for (int n = 0; n < ROUNDS; n++) {                                                    \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) {                       \
                a[i] = step;                                                                  \
                __asm__ volatile("" : "+v"(a[i]));                                            \
            }                                                                                 \
        }                                                                                     \
    }

CHAINED(fma_ymm, "avx2,fma", __m256, _mm256_set1_ps(0.5f), _mm256_fmadd_ps(a[i], b, b))
CHAINED(fma_zmm, "avx512f", __m512, _mm512_set1_ps(0.5f), _mm512_fmadd_ps(a[i], b, b))
CHAINED(madd_ymm, "avx2", __m256i, _mm256_set1_epi16(3),
        _mm256_add_epi32(a[i], _mm256_madd_epi16(a[i], b)))
CHAINED(dot_ymm, "avx2,avxvnni", __m256i, _mm256_set1_epi16(3),
        _mm256_dpwssd_avx_epi32(a[i], b, b))
CHAINED(dot_zmm, "avx512f,avx512vnni", __m512i, _mm512_set1_epi16(3),
        _mm512_dpwssd_epi32(a[i], b, b))

/* 2 x 2 tiles of sums, fed from 4 KB. */
__attribute__((target("amx-tile,amx-bf16"))) static void tiles(void *context, int part,
                                                               int parts) {
    static const uint8_t data[4096] __attribute__((aligned(64)));
    struct {
        uint8_t palette, row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config __attribute__((aligned(64))) = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.bytes[i] = 64;
        config.rows[i] = 16;
    }
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int n = 0; n < TILE_ROUNDS; n++) {
        _tile_loadd(4, data, 64);
        _tile_loadd(6, data + 1024, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, data + 2048, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, data + 3072, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}

static const struct {
    bench_unit unit;
    void (*body)(void *context, int part, int parts);
    double operations; /* of a call */
} units[] = {
    {{"fp32 FMA, 256 bits", ANM_ISA_AVX2}, fma_ymm, 16.0 * CHAINS * ROUNDS},
    {{"16-bit multiply-add, 256 bits", ANM_ISA_AVX2}, madd_ymm, 32.0 * CHAINS * ROUNDS},
    {{"16-bit dot product, 256 bits", ANM_ISA_AVXVNNI}, dot_ymm, 32.0 * CHAINS * ROUNDS},
    {{"fp32 FMA, 512 bits", ANM_ISA_AVX512}, fma_zmm, 32.0 * CHAINS * ROUNDS},
    {{"16-bit dot product, 512 bits", ANM_ISA_AVX512VNNI}, dot_zmm, 64.0 * CHAINS * ROUNDS},
    {{"bf16 tiles", ANM_ISA_AMX}, tiles, 4.0 * 16384 * TILE_ROUNDS},
};

const bench_unit *bench_unit_at(size_t index) {
    return index < sizeof units / sizeof units[0] ? &units[index].unit : NULL;
}

double bench_unit_rate(const bench_unit *unit, int threads) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (&units[i].unit == unit)
            return threads * units[i].operations / kcheck_parallel(threads, units[i].body, NULL);
    return 0;
}

#else

const bench_unit *bench_unit_at(size_t index) { return NULL; }
double bench_unit_rate(const bench_unit *unit, int threads) { return 0; }

#endif
