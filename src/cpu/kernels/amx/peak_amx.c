/* SPDX-License-Identifier: MIT */
#include <immintrin.h>

#define ANM_PEAK_NAME peak_vectors_amx
#define ANM_PEAK_VECTOR __m512
#define ANM_PEAK_FMA _mm512_fmadd_ps
#include "src/cpu/kernels/peak_template.h"

/* What ldtilecfg reads: palette 1, rows of 64 bytes. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

/* Two tiles of each operand and four of sums, from the first cache. */
static float peak_tiles(int64_t steps) {
    _Alignas(64) tile_config config = {.palette = 1};
    _Alignas(64) uint8_t data[4][1024];
    float out[256];
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    memset(data, 0x3c, sizeof data); /* small bf16 numbers */
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t i = 0; i < steps; i++) {
        _tile_loadd(4, data[0], 64);
        _tile_loadd(5, data[1], 64);
        _tile_loadd(6, data[2], 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 5, 6);
        _tile_loadd(7, data[3], 64);
        _tile_dpbf16ps(2, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, out, 64);
    _tile_release();
    return out[0];
}

const anm_peak anm_peak_amx = {ANM_ISA_AMX, peak_vectors_amx, ANM_PEAK_FLOPS, peak_tiles,
                               4.0 * 2 * 16 * 16 * 32};
