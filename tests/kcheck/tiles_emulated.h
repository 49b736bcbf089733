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

static inline float emulated_bf16(const uint8_t *bytes) {
    uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline void emulated_dpbf16ps(int sums, int a, int b) {
    emulated_require(emulated_configured);
    for (int m = 0; m < 16; m++) {
        float row[16];
        memcpy(row, emulated_tiles[sums][m], 64);
        for (int k = 0; k < 32; k++) {
            float x = emulated_bf16(emulated_tiles[a][m] + 2 * k);
            for (int n = 0; n < 16; n++)
                row[n] += x * emulated_bf16(emulated_tiles[b][k / 2] + 4 * n + 2 * (k % 2));
        }
        memcpy(emulated_tiles[sums][m], row, 64);
    }
}

#endif
