/* SPDX-License-Identifier: MIT */
/*
 * Palettized GEMV by dot products of bytes: tables and x in signed digits (digits_neondot.h),
 * tables of high and of low digits looked up by tbl. A block of 256 columns gives a lane 64
 * products a sum, so that 256 high + mixed is at most 2^29.
 *
 * Indices are taken out of whole vectors of bytes: `PLACES` of them begin in each (or in each byte
 * of three vectors), and x lies in the order in which they come: of 16 * PLACES columns the first
 * of each byte, then the second.
 */
#include "src/cpu/kernels/neondot/digits_neondot.h"

/* Columns that begin in a byte, or in three bytes of 3 or 6 bits. */
#define PLACES(bits) ((bits) == 8 ? 1 : (bits) == 4 ? 2 : (bits) % 4 == 2 ? 4 : 8)

typedef struct tables {
    uint8x16x4_t high[4], low[4]; /* the first vector only of up to 4 bits */
} tables;

GEMV_INLINE float tables_load(int bits, const uint16_t *lut, tables *t) {
    uint8_t low[256] = {0}, high[256] = {0};
    float unit = table_digits(bits, lut, DIGIT_UNITS, true, high, low);
    for (int i = 0; i < ((1 << bits) + 63) / 64; i++) {
        t->high[i] = load64(high + 64 * i);
        t->low[i] = load64(low + 64 * i);
    }
    return unit;
}

/* Indices are unpacked by shifts alone. */
typedef int decoder;
GEMV_INLINE void decoder_make(int bits, decoder *d) { *d = bits; }

/* The prepared x: the unit of each block, then of each block the high digits and the low ones. */
typedef struct gemv_x {
    const float *unit;
    const int8_t *digits;
} gemv_x;

enum { BLOCK_BYTES = 2 * ANM_GEMV_BLOCK };

static inline int64_t padded_units(int64_t columns) {
    return (gemv_blocks(columns) + 15) / 16 * 16;
}

static size_t input_bytes(int64_t columns) {
    return (size_t)(padded_units(columns) * 4 + gemv_blocks(columns) * BLOCK_BYTES);
}

GEMV_INLINE gemv_x gemv_x_at(const void *input, int64_t columns) {
    const float *unit = input;
    return (gemv_x){unit, (const int8_t *)(unit + padded_units(columns))};
}

/* Of 128 bytes every eighth, from the first, the second .. on. */
static void spread_eighths(const uint8_t *from, uint8_t *to) {
    uint8x16x4_t a = vld4q_u8(from), b = vld4q_u8(from + 64);
    for (int i = 0; i < 4; i++) {
        vst1q_u8(to + 16 * i, vuzp1q_u8(a.val[i], b.val[i]));
        vst1q_u8(to + 64 + 16 * i, vuzp2q_u8(a.val[i], b.val[i]));
    }
}

/* A block's digits into the order of the indices. */
static void spread(int places, const uint8_t *from, uint8_t *to) {
    for (int i = 0; i < ANM_GEMV_BLOCK; i += 16 * places) {
        if (places == 1) vst1q_u8(to + i, vld1q_u8(from + i));
        if (places == 2) {
            uint8x16x2_t two = vld2q_u8(from + i);
            vst1q_u8(to + i, two.val[0]);
            vst1q_u8(to + i + 16, two.val[1]);
        }
        if (places == 4) {
            uint8x16x4_t four = vld4q_u8(from + i);
            for (int j = 0; j < 4; j++) vst1q_u8(to + i + 16 * j, four.val[j]);
        }
        if (places == 8) spread_eighths(from + i, to + i);
    }
}

static void prepare(const float *x, int64_t columns, int places, void *input) {
    float *unit = input;
    uint8_t *to = (uint8_t *)(unit + padded_units(columns));
    for (int64_t k = 0; k < columns; k += ANM_GEMV_BLOCK, to += BLOCK_BYTES) {
        int64_t n = columns - k < ANM_GEMV_BLOCK ? columns - k : ANM_GEMV_BLOCK;
        digit_units units = digit_units_for(largest_of(x + k, n));
        uint8_t high[ANM_GEMV_BLOCK], low[ANM_GEMV_BLOCK];
        digits_of(x + k, n, ANM_GEMV_BLOCK, units.per_one, high, low);
        spread(places, high, to);
        spread(places, low, to + ANM_GEMV_BLOCK);
        unit[k / ANM_GEMV_BLOCK] = units.unit;
    }
}

#define PREPARE(places)                                                                            \
    static void prepare_##places(const float *x, int64_t columns, void *input) {                   \
        prepare(x, columns, places, input);                                                        \
    }
PREPARE(1) PREPARE(2) PREPARE(4) PREPARE(8)

/* The index at bit `at` of a and the bits of b that follow. */
GEMV_INLINE uint8x16_t field(int bits, uint8x16_t a, uint8x16_t b, int at) {
    uint8x16_t down = vshlq_u8(a, vdupq_n_s8((int8_t)-at));
    if (at + bits > 8) down = vorrq_u8(down, vshlq_u8(b, vdupq_n_s8((int8_t)(8 - at))));
    return at + bits == 8 ? down : vandq_u8(down, vdupq_n_u8((uint8_t)((1 << bits) - 1)));
}

/* 16 * PLACES indices. */
GEMV_INLINE void unpack(int bits, const uint8_t *w, uint8x16_t *index) {
    uint8x16x3_t bytes = {{vdupq_n_u8(0)}};
    if (bits % 3 == 0) bytes = vld3q_u8(w);
    else bytes.val[0] = vld1q_u8(w);
    for (int i = 0; i < PLACES(bits); i++) {
        int at = i * bits, last = at / 8 < 2 ? at / 8 + 1 : 2;
        index[i] = bytes.val[at / 8];
        if (bits < 8) index[i] = field(bits, index[i], bytes.val[last], at % 8);
    }
}

typedef struct sums {
    int32x4_t high, mixed[2];
} sums;

GEMV_INLINE void add16(int32x4_t *sum, uint8x16_t w, const int8_t *x) {
    *sum = vdotq_s32(*sum, vreinterpretq_s8_u8(w), vld1q_s8(x));
}

/* Both digits' tables fit the registers. */
GEMV_INLINE void add_both(int bits, const tables *t, const uint8_t *w, const int8_t *x, sums *s) {
    const int step = 16 * PLACES(bits);
    for (int k = 0; k < ANM_GEMV_BLOCK; k += step, w += step / 8 * bits, x += step) {
        uint8x16_t index[8];
        unpack(bits, w, index);
        for (int i = 0; i < PLACES(bits); i++) {
            uint8x16_t high = look_up(bits, t->high, index[i]);
            add16(&s->high, high, x + 16 * i);
            add16(&s->mixed[0], high, x + 16 * i + ANM_GEMV_BLOCK);
            add16(&s->mixed[1], look_up(bits, t->low, index[i]), x + 16 * i);
        }
    }
}

/* 256 entries: a digit's table has 16 registers, so one after the other. */
GEMV_INLINE void add_each(const tables *t, const uint8_t *w, const int8_t *x, sums *s) {
    for (int k = 0; k < ANM_GEMV_BLOCK; k += 16) {
        uint8x16_t high = look_up(8, t->high, vld1q_u8(w + k));
        add16(&s->high, high, x + k);
        add16(&s->mixed[0], high, x + k + ANM_GEMV_BLOCK);
    }
    for (int k = 0; k < ANM_GEMV_BLOCK; k += 16)
        add16(&s->mixed[1], look_up(8, t->low, vld1q_u8(w + k)), x + k);
}

GEMV_INLINE vf gemv_add_block(int bits, const decoder *d, const tables *t, const uint8_t *w,
                              const gemv_x *x, int64_t block, vf total) {
    const int8_t *digits = x->digits + block * BLOCK_BYTES;
    sums s = {vdupq_n_s32(0), {vdupq_n_s32(0), vdupq_n_s32(0)}};
    (void)d;
    if (bits == 8) add_each(t, w, digits, &s);
    else add_both(bits, t, w, digits, &s);
    int32x4_t mixed = vaddq_s32(s.mixed[0], s.mixed[1]);
    vf sum = vcvtq_f32_s32(vaddq_s32(vshlq_n_s32(s.high, 8), mixed));
    return v_fma(sum, v_set(256 * x->unit[block]), total);
}

#include "src/cpu/kernels/gemv_table_template.h"

GEMV_TABLE(1) GEMV_TABLE(2) GEMV_TABLE(3) GEMV_TABLE(4) GEMV_TABLE(6) GEMV_TABLE(8)

#define ENTRY(bits, prepare)                                                                       \
    GEMV_TABLE_KERNEL(bits, ANM_GEMV_INT16, input_bytes, prepare, "neondot", ANM_ISA_NEONDOT)

const anm_gemv_kernel anm_gemv_kernels_neondot[] = {
    ENTRY(4, prepare_2), ENTRY(6, prepare_4), ENTRY(8, prepare_1),
    ENTRY(3, prepare_8), ENTRY(2, prepare_4), ENTRY(1, prepare_8),
    {0},
};
