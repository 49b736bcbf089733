/* SPDX-License-Identifier: MIT */
/*
 * GEMM on AMX tiles, weights and inputs rounded to bf16, sums in fp32. A tile of sums is 16 rows by
 * 16 tokens; two by two of them are computed at a time over a block of columns. While the tiles
 * multiply one block, the vector units decode the next into the other of two buffers and write the
 * sums of the panel before, a little between any two steps, so that both hide behind the
 * multiplication.
 */
#include "src/cpu/kernels/amx/tiles_amx.h"
#include "src/cpu/kernels/avx512/vector_avx512.h"
#include "src/cpu/kernels/gemm_whole.h"

typedef uint16_t weight; /* a bf16 */
enum { PER = 2 };

#include "src/cpu/kernels/avx512vnni/table_avx512vnni.h"

/* 32 floats in the order of their places. */
static inline __m512i round_pair(vf low, vf high) {
    return place((__m512i)_mm512_cvtne2ps_pbh(high, low));
}

static inline float input_factor(float largest, float sum) { return 1; }

static inline vf pack(const float *x, int64_t n, vf factor) {
    return _mm512_castsi512_ps(round_pair(v_load_part(x, n), v_load_part(x + VN, n - VN)));
}

/* Short tables are repeated to 32 entries; one of 256 is split into bytes. */
static float convert_table(const uint16_t *halves, int bits, weight *table) {
    int64_t n = 1 << bits;
    for (int64_t i = 0; i < n; i += VN) {
        __m256bh x = _mm512_cvtneps_pbh(v_load_half_part(halves + i, n - i));
        _mm256_storeu_si256((__m256i *)(table + i), (__m256i)x);
    }
    for (int64_t i = n; i < 32; i++) table[i] = table[i - n];
    if (bits == 8) split_table(table);
    return 1;
}

static float convert_row(const float *row, int64_t n, weight *out, ptrdiff_t step) {
    for (int64_t i = 0; i < n; i += 2 * VN, out += step)
        _mm512_storeu_si512(out, round_pair(v_load(row + i), v_load(row + i + VN)));
    return 1;
}

static anm_halves_converter halves_converter(void) { return NULL; }

#include "src/cpu/kernels/gemm_input_template.h"
#include "src/cpu/kernels/amx/decode_amx.h"
#include "src/cpu/kernels/amx/store_amx.h"

enum { SLOTS = 2 }; /* panels of sums at least: one is written while the next is computed */

typedef struct amx_scratch {
    gemm_panel panel; /* of the block being decoded */
    weight tiles[2][PANEL * BLOCK] __attribute__((aligned(64)));
    float sums[] __attribute__((aligned(64))); /* tiles: [panel][side][group of tokens] */
} amx_scratch;

/* Panels whose sums are kept: those of a portion of the walk. */
static int64_t slots_of(int64_t columns, int64_t tokens) {
    int64_t panels = rows_at_a_time(columns, tokens) / PANEL;
    return panels < SLOTS ? SLOTS : panels;
}

static size_t scratch_bytes(const anm_matrix *w, int64_t tokens) {
    int64_t sums = slots_of(w->columns, tokens) * PANEL * up(tokens, VN);
    return sizeof(amx_scratch) + (size_t)sums * 4;
}

/* A decoded block against all tokens, and what the vector units do meanwhile. */
typedef struct block {
    const weight *tiles;
    const float *x; /* the first group of tokens */
    float *sums;
    int64_t groups, steps;
    bool first;
    ahead *next;
    behind *last;
} block;

static inline void do_chores(const block *b) {
    ahead_step(b->next);
    behind_step(b->last);
}

/* Sums 0 1 of the upper rows, 2 3 of the lower; weights 4 5; tokens 6 7. */
static void multiply_pair(const block *b, int64_t g) {
    const weight *w = b->tiles;
    const float *x = b->x + g * GROUP_FLOATS;
    float *upper = b->sums + g * TILE_FLOATS, *lower = upper + b->groups * TILE_FLOATS;
    if (b->first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, upper, 64);
        _tile_loadd(1, upper + TILE_FLOATS, 64);
        _tile_loadd(2, lower, 64);
        _tile_loadd(3, lower + TILE_FLOATS, 64);
    }
    for (int64_t s = 0; s < b->steps; s++) {
        _tile_loadd(4, w + s * TILE_HALVES, 64);
        _tile_loadd(6, x + s * TILE_FLOATS, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, x + GROUP_FLOATS + s * TILE_FLOATS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, w + SIDE * BLOCK + s * TILE_HALVES, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        do_chores(b);
    }
    _tile_stored(0, upper, 64);
    _tile_stored(1, upper + TILE_FLOATS, 64);
    _tile_stored(2, lower, 64);
    _tile_stored(3, lower + TILE_FLOATS, 64);
}

/* The last group of an odd number of them. */
static void multiply_single(const block *b, int64_t g) {
    const weight *w = b->tiles;
    const float *x = b->x + g * GROUP_FLOATS;
    float *upper = b->sums + g * TILE_FLOATS, *lower = upper + b->groups * TILE_FLOATS;
    if (b->first) {
        _tile_zero(0);
        _tile_zero(2);
    } else {
        _tile_loadd(0, upper, 64);
        _tile_loadd(2, lower, 64);
    }
    for (int64_t s = 0; s < b->steps; s++) {
        _tile_loadd(6, x + s * TILE_FLOATS, 64);
        _tile_loadd(4, w + s * TILE_HALVES, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, w + SIDE * BLOCK + s * TILE_HALVES, 64);
        _tile_dpbf16ps(2, 5, 6);
        do_chores(b);
    }
    _tile_stored(0, upper, 64);
    _tile_stored(2, lower, 64);
}

static void multiply_block(const gemm_input *in, const walk *at, const weight *tiles, float *sums,
                           ahead *next, behind *last) {
    int64_t index = at->k0 / BLOCK, n = at->columns - at->k0 < BLOCK ? at->columns - at->k0 : BLOCK;
    block b = {.tiles = tiles, .sums = sums, .groups = in->groups, .steps = up(n, STEP) / STEP,
               .first = index == 0, .next = next, .last = last};
    b.x = in->packed + index * in->groups * GROUP_FLOATS;
    for (int64_t g = 0; g + 1 < in->groups; g += 2) multiply_pair(&b, g);
    if (in->groups % 2 != 0) multiply_single(&b, in->groups - 1);
}

/* Steps of the tiles over a block, as far as the first block of all tells. */
static int64_t tile_steps(const gemm_input *in, int64_t columns) {
    int64_t n = columns < BLOCK ? columns : BLOCK;
    return (in->groups + 1) / 2 * (up(n, STEP) / STEP);
}

static void run(const anm_matrix *w, const void *input, int64_t tokens, int64_t row0, int64_t row1,
                float *y, int64_t ldy, void *scratch) {
    amx_scratch *s = scratch;
    gemm_input in = input_layout(input, w->columns, tokens);
    int64_t portion = rows_at_a_time(w->columns, tokens), slots = slots_of(w->columns, tokens);
    walk at = walk_start(row0, row1, w->columns, portion);
    int64_t steps = tile_steps(&in, w->columns);
    panel_start(&s->panel, w);
    ahead next = ahead_start(&s->panel, s->tiles[0], &at, steps);
    behind last = {.w = w, .in = &in, .y = y, .ldy = ldy,
                   .scaled = w->row_scale && gemm_by_table(w),
                   .steps = portion == PANEL ? steps * in.blocks : steps};
    ahead_finish(&next);
    configure_tiles();
    for (int turn = 0; !walk_ended(&at); turn ^= 1) {
        walk now = at;
        float *sums = s->sums + now.row / PANEL % slots * (PANEL * SIDE) * in.groups;
        walk_on(&at);
        next = ahead_start(&s->panel, s->tiles[turn ^ 1], &at, steps);
        multiply_block(&in, &now, s->tiles[turn], sums, &next, &last);
        ahead_finish(&next);
        if (!walk_is_last_block(&now)) continue;
        behind_finish(&last);
        behind_start(&last, &now, sums);
    }
    behind_finish(&last);
    _tile_release();
}

static bool accepts(const anm_matrix *w) { return true; }

const anm_gemm_kernel anm_gemm_kernels_amx[] = {
    {"gemm_bf16_amx", ANM_ISA_AMX, accepts, PANEL, input_bytes, prepare, scratch_bytes, run},
    {0},
};
