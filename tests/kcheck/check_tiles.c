/* SPDX-License-Identifier: MIT */
/*
 * On a machine with tiles: the instructions against tiles_emulated.h, bit for bit, so that what
 * kernels are checked over elsewhere is known to be what they run on.
 */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "src/cpu/kernels/amx/tiles_amx.h"
#include "tests/kcheck/kcheck.h"

/* Ahead of tiles_emulated.h, which takes the names of the instructions. */
static void real_product(float *sums, const void *a, const void *b) {
    configure_tiles();
    _tile_loadd(0, sums, 64);
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_stored(0, sums, 64);
    _tile_release();
}

#include "tests/kcheck/tiles_emulated.h"

static void emulated_product(float *sums, const void *a, const void *b) {
    emulated_configured = true;
    _tile_loadd(0, sums, 64);
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_stored(0, sums, 64);
    _tile_release();
}

/* bf16 of all magnitudes, or near 1, or near the least normal number. */
static void fill_halves(uint16_t *halves, int turn) {
    kcheck_fill_bytes(halves, TILE_BYTES);
    for (int i = 0; i < TILE_HALVES; i++) {
        unsigned exponent = halves[i] >> 7 & 7;
        unsigned least = turn % 3 == 1 ? 123 : 60;
        if (turn % 3 != 0)
            halves[i] = (uint16_t)((halves[i] & 0x807f) | (least + exponent) << 7);
        else if ((halves[i] & 0x7f80) == 0x7f80) halves[i] &= 0x807f; /* neither infinite nor NaN */
    }
}

static bool same(float a, float b) {
    return memcmp(&a, &b, 4) == 0 || (isnan(a) && isnan(b));
}

static void check_turn(int turn) {
    uint16_t a[TILE_HALVES], b[TILE_HALVES];
    float real[TILE_FLOATS], emulated[TILE_FLOATS];
    fill_halves(a, turn);
    fill_halves(b, turn);
    kcheck_fill_normal(real, TILE_FLOATS, turn % 3 == 2 ? 0x1p-126f : 1);
    memcpy(emulated, real, sizeof real);
    real_product(real, a, b);
    emulated_product(emulated, a, b);
    for (int i = 0; i < TILE_FLOATS; i++)
        kcheck_error(same(real[i], emulated[i]) ? 0 : 1, 0.5, "turn %d, sum %d: %a, emulated %a",
                     turn, i, (double)real[i], (double)emulated[i]);
}

void check_tiles(void) {
    if (!kcheck_wanted("tiles_amx", ANM_ISA_AMX)) return;
    kcheck_begin("tiles_amx");
    for (int turn = 0; turn < 60; turn++) check_turn(turn);
    kcheck_end();
}
