/* SPDX-License-Identifier: MIT */
/* The one form of tile that kernels use: 8 tiles of 16 rows of 64 bytes. */
#ifndef ANM_CPU_TILES_AMX_H
#define ANM_CPU_TILES_AMX_H

#include <immintrin.h>
#include <stdint.h>

enum {
    SIDE = 16,             /* rows of a tile, and floats of a row */
    TILE_BYTES = 1024,
    TILE_HALVES = TILE_BYTES / 2, /* 16 rows of 32 bf16 */
    TILE_FLOATS = TILE_BYTES / 4
};

static inline void configure_tiles(void) {
    static const uint8_t config[64] __attribute__((aligned(64))) = {
        [0] = 1, [16] = 64, [18] = 64, [20] = 64, [22] = 64, [24] = 64, [26] = 64, [28] = 64,
        [30] = 64, [48] = SIDE, [49] = SIDE, [50] = SIDE, [51] = SIDE, [52] = SIDE, [53] = SIDE,
        [54] = SIDE, [55] = SIDE};
    _tile_loadconfig(config);
}

#endif
