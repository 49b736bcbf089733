/* SPDX-License-Identifier: MIT */
/*
 * The tile instructions of AMX in C, so that kernels written with their intrinsics can be checked,
 * unchanged, on machines without them: included ahead of a kernel's file. Only the one form of
 * tile that the kernels configure exists: 16 rows of 64 bytes.
 */
#ifndef ANM_TESTS_TILES_EMULATED_H
#define ANM_TESTS_TILES_EMULATED_H

#include <assert.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig emulated_loadconfig
#define _tile_release emulated_release
#define _tile_zero emulated_zero
#define _tile_loadd emulated_loadd
#define _tile_stored emulated_stored
#define _tile_dpbf16ps emulated_dpbf16ps

static __thread uint8_t emulated_tiles[8][16][64];
static __thread bool emulated_configured;

/* Aborts where the processor would raise a fault. */
static inline void emulated_require(bool condition) {
    if (!condition) abort();
}

static inline void emulated_loadconfig(const void *config) {
    const uint8_t *bytes = (const uint8_t *)config;
    emulated_require(bytes[0] == 1);
    for (int i = 0; i < 8; i++)
        emulated_require(bytes[16 + 2 * i] == 64 && bytes[17 + 2 * i] == 0 && bytes[48 + i] == 16);
    memset(emulated_tiles, 0, sizeof emulated_tiles);
    emulated_configured = true;
}

static inline void emulated_release(void) { emulated_configured = false; }

static inline void emulated_zero(int tile) {
    emulated_require(emulated_configured);
    memset(emulated_tiles[tile], 0, sizeof emulated_tiles[tile]);
}

static inline void emulated_loadd(int tile, const void *base, int64_t stride) {
    emulated_require(emulated_configured);
    for (int row = 0; row < 16; row++)
        memcpy(emulated_tiles[tile][row], (const char *)base + row * stride, 64);
}

static inline void emulated_stored(int tile, void *base, int64_t stride) {
    emulated_require(emulated_configured);
    for (int row = 0; row < 16; row++)
        memcpy((char *)base + row * stride, emulated_tiles[tile][row], 64);
}

/* The even or odd bf16 of each pair, as floats. */
static inline __m512 emulated_halves(const void *pairs, int odd) {
    __m512i bits = _mm512_loadu_si512(pairs);
    return _mm512_castsi512_ps(odd ? _mm512_and_si512(bits, _mm512_set1_epi32(-0x10000))
                                   : _mm512_slli_epi32(bits, 16));
}

static inline __m512 emulated_row(const uint8_t a[64], int b, int odd) {
    __m512 sum = _mm512_setzero_ps();
    for (int k = 0; k < 16; k++) {
        uint16_t half;
        memcpy(&half, a + 4 * k + 2 * odd, 2);
        __m512 x = _mm512_castsi512_ps(_mm512_set1_epi32((int)((uint32_t)half << 16)));
        sum = _mm512_fmadd_ps(x, emulated_halves(emulated_tiles[b][k], odd), sum);
    }
    return sum;
}

/*
 * As Intel specifies it: even and odd products are summed apart, fused, rounded to the nearest;
 * numbers below 2^-126 count and come out as zeros, whatever MXCSR says.
 */
static inline void emulated_dpbf16ps(int sums, int a, int b) {
    emulated_require(emulated_configured && sums != a && sums != b && a != b);
    unsigned before = _mm_getcsr();
    _mm_setcsr(0x9fc0); /* nearest, no exceptions, flush to zero, denormals are zeros */
    for (int m = 0; m < 16; m++) {
        const uint8_t *row = emulated_tiles[a][m];
        __m512 pairs = _mm512_add_ps(emulated_row(row, b, 0), emulated_row(row, b, 1));
        __m512 sum = _mm512_add_ps(_mm512_loadu_ps(emulated_tiles[sums][m]), pairs);
        _mm512_storeu_ps(emulated_tiles[sums][m], sum);
    }
    _mm_setcsr(before);
}

#endif
