/* SPDX-License-Identifier: MIT */
/*
 * GEMM on AMX tiles, weights and inputs rounded to bf16, sums in fp32. A tile of sums is 16 rows by
 * 16 tokens; two by two of them are computed at a time over a block of columns. While the tiles
 * multiply one block, the vector units decode the next into the other of two buffers, a few rows
 * between any two steps, so that the look-up hides behind the multiplication.
 */
#include "src/cpu/kernels/amx/tiles_amx.h"
#include "src/cpu/kernels/avx512/vector_avx512.h"

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

#include "src/cpu/kernels/gemm_input_template.h"
#include "src/cpu/kernels/gemm_store_template.h"

typedef struct amx_scratch {
    gemm_panel panel; /* of the block being decoded */
    weight tiles[2][PANEL * BLOCK] __attribute__((aligned(64)));
    float sums[] __attribute__((aligned(64))); /* tiles: [panel][side][group of tokens] */
} amx_scratch;

static size_t scratch_bytes(const anm_matrix *w, int64_t tokens) {
    int64_t sums = rows_at_a_time(w->columns, tokens) * up(tokens, VN);
    return sizeof(amx_scratch) + (size_t)sums * 4;
}

/* The block being decoded, row by row; `credit` spreads the rows evenly over the tile steps. */
typedef struct ahead {
    gemm_panel *panel;
    weight *tiles;
    int64_t row, rows, columns;
    int64_t credit, steps;
} ahead;

static ahead ahead_start(gemm_panel *p, weight *tiles, const walk *at, int64_t steps) {
    ahead a = {.panel = p, .tiles = tiles, .steps = steps};
    if (walk_ended(at)) return a;
    panel_turn(p, at);
    if (p->rows < PANEL) memset(tiles, 0, PANEL * BLOCK * sizeof *tiles);
    a.columns = p->k1 - p->k0;
    a.rows = p->rows;
    return a;
}

static void ahead_row(ahead *a) {
    weight *out = a->tiles + a->row / SIDE * (SIDE * BLOCK) + a->row % SIDE * STEP;
    panel_decode(a->panel, a->row++, a->columns, out, TILE_HALVES);
}

static inline void ahead_step(ahead *a) {
    a->credit += a->rows;
    while (a->credit >= a->steps && a->row < a->rows) {
        a->credit -= a->steps;
        ahead_row(a);
    }
}

static void ahead_finish(ahead *a) {
    while (a->row < a->rows) ahead_row(a);
}

/* A decoded block against all tokens. */
typedef struct block {
    const weight *tiles;
    const float *x; /* the first group of tokens */
    float *sums;
    int64_t groups, steps;
    bool first;
} block;

/* Sums 0 1 of the upper rows, 2 3 of the lower; weights 4 5; tokens 6 7. */
static void multiply_pair(const block *b, int64_t g, ahead *next) {
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
        ahead_step(next);
    }
    _tile_stored(0, upper, 64);
    _tile_stored(1, upper + TILE_FLOATS, 64);
    _tile_stored(2, lower, 64);
    _tile_stored(3, lower + TILE_FLOATS, 64);
}

/* The last group of an odd number of them. */
static void multiply_single(const block *b, int64_t g, ahead *next) {
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
        ahead_step(next);
    }
    _tile_stored(0, upper, 64);
    _tile_stored(2, lower, 64);
}

/* Rows of a tile by their scales, where the decoded weights do not contain them yet. */
static void scale_rows(const anm_matrix *w, float *sums, int64_t row, int64_t rows) {
    for (int64_t r = 0; r < rows; r++)
        v_store(sums + r * SIDE, v_mul(v_load(sums + r * SIDE), v_set(row_factor(w, row + r))));
}

static void store_panel(const anm_matrix *w, float *sums, const walk *at, const gemm_input *in,
                        float *y, int64_t ldy) {
    bool scaled = w->row_scale && gemm_by_table(w);
    int64_t rows = at->last - at->row < PANEL ? at->last - at->row : PANEL;
    for (int64_t g = 0; g < in->groups; g++)
        for (int64_t r = 0; r < rows; r += SIDE) {
            float *tile = sums + (r / SIDE * in->groups + g) * TILE_FLOATS;
            int64_t count = rows - r < SIDE ? rows - r : SIDE, t = g * SIDE;
            if (scaled) scale_rows(w, tile, at->row + r, count);
            store_transposed(tile, SIDE, count, in->tokens - t < SIDE ? in->tokens - t : SIDE,
                             y + t * ldy + at->row + r, ldy);
        }
}

static void multiply_block(amx_scratch *s, const gemm_input *in, const walk *at, ahead *next,
                           const weight *tiles) {
    int64_t index = at->k0 / BLOCK, n = at->columns - at->k0 < BLOCK ? at->columns - at->k0 : BLOCK;
    block b = {.tiles = tiles, .groups = in->groups, .steps = up(n, STEP) / STEP,
               .first = index == 0};
    b.x = in->packed + index * in->groups * GROUP_FLOATS;
    b.sums = s->sums + (at->row - at->first) * in->groups * SIDE;
    for (int64_t g = 0; g + 1 < in->groups; g += 2) multiply_pair(&b, g, next);
    if (in->groups % 2 != 0) multiply_single(&b, in->groups - 1, next);
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
    walk at = walk_start(row0, row1, w->columns, rows_at_a_time(w->columns, tokens));
    int64_t steps = tile_steps(&in, w->columns);
    panel_start(&s->panel, w);
    ahead next = ahead_start(&s->panel, s->tiles[0], &at, steps);
    ahead_finish(&next);
    configure_tiles();
    for (int turn = 0; !walk_ended(&at); turn ^= 1) {
        walk now = at;
        walk_on(&at);
        next = ahead_start(&s->panel, s->tiles[turn ^ 1], &at, steps);
        multiply_block(s, &in, &now, &next, s->tiles[turn]);
        ahead_finish(&next);
        if (walk_is_last_block(&now))
            store_panel(w, s->sums + (now.row - now.first) * in.groups * SIDE, &now, &in, y, ldy);
    }
    _tile_release();
}

static bool accepts(const anm_matrix *w) { return true; }

const anm_gemm_kernel anm_gemm_kernels_amx[] = {
    {"gemm_bf16_amx", ANM_ISA_AMX, accepts, PANEL, input_bytes, prepare, scratch_bytes, run},
    {0},
};
