/* SPDX-License-Identifier: MIT */
/*
 * Dequantising GGUF's blocks. The layouts are ggml's (its docs/gguf.md and ggml-common.h); the
 * order of the fp32 operations is that of its definition too, so that every value is the same bit
 * for bit.
 *
 *   Q8_0   32 values:  scale fp16, 32 int8
 *   Q4_0   32 values:  scale fp16, 16 bytes: values 0..15 are the low nibbles, 16..31 the high
 *                      ones; minus 8
 *   Q4_K  256 values:  scales of the scales and of the minima, both fp16; 12 bytes of 6-bit scales
 *                      and minima of the 8 sub-blocks of 32; 128 bytes: sub-blocks 2i and 2i + 1
 *                      are the low and high nibbles of bytes 32i..32i + 31
 *   Q6_K  256 values:  128 bytes of low nibbles, 64 bytes of high bit pairs, 16 int8 scales of the
 *                      sub-blocks of 16, scale fp16; minus 32
 */
#include "src/base/half.h"
#include "src/hf/gguf_types.h"

enum { SMALL = 32, SUPER = 256 };

static float load_half(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return anm_half_to_float(h);
}

static void decode_q8_0(const uint8_t *block, float *out) {
    float scale = load_half(block);
    for (int i = 0; i < SMALL; i++) out[i] = (float)(int8_t)block[2 + i] * scale;
}

static void decode_q4_0(const uint8_t *block, float *out) {
    float scale = load_half(block);
    for (int i = 0; i < SMALL / 2; i++) {
        out[i] = (float)((block[2 + i] & 15) - 8) * scale;
        out[i + SMALL / 2] = (float)((block[2 + i] >> 4) - 8) * scale;
    }
}

/* Sub-block i's scale and minimum: six bits each, the upper four of them split over two bytes. */
static void unpack_q4_k(const uint8_t *packed, int i, float *scale, float *least) {
    if (i < 4) {
        *scale = (float)(packed[i] & 63);
        *least = (float)(packed[i + 4] & 63);
    } else {
        *scale = (float)((packed[i + 4] & 15) | (packed[i - 4] >> 6) << 4);
        *least = (float)(packed[i + 4] >> 4 | (packed[i] >> 6) << 4);
    }
}

static void decode_q4_k(const uint8_t *block, float *out) {
    float unit = load_half(block), least_unit = load_half(block + 2), scale[2], least[2];
    const uint8_t *nibbles = block + 16;
    for (int pair = 0; pair < 4; pair++, nibbles += 32, out += 64) {
        for (int k = 0; k < 2; k++) {
            unpack_q4_k(block + 4, 2 * pair + k, &scale[k], &least[k]);
            scale[k] *= unit;
            least[k] *= least_unit;
        }
        for (int i = 0; i < 32; i++) out[i] = scale[0] * (float)(nibbles[i] & 15) - least[0];
        for (int i = 0; i < 32; i++) out[i + 32] = scale[1] * (float)(nibbles[i] >> 4) - least[1];
    }
}

/* Sub-blocks 2k and 2k + 1 of a half block: nibbles at `low`, bit pairs at bit 2k of `high`. */
static void decode_q6_k_run(const uint8_t *low, int low_shift, const uint8_t *high, int high_shift,
                            const float scale[2], float *out) {
    for (int i = 0; i < 32; i++) {
        int value = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
        out[i] = scale[i / 16] * (float)(value - 32);
    }
}

static void decode_q6_k(const uint8_t *block, float *out) {
    float unit = load_half(block + 208);
    for (int run = 0; run < 8; run++) {
        int half = run / 4, k = run % 4;
        const uint8_t *low = block + 64 * half + 32 * (k % 2), *high = block + 128 + 32 * half;
        const uint8_t *scales = block + 192 + 2 * run;
        float scale[2] = {unit * (float)(int8_t)scales[0], unit * (float)(int8_t)scales[1]};
        decode_q6_k_run(low, 4 * (k / 2), high, 2 * k, scale, out + 32 * run);
    }
}

typedef void (*decode_fn)(const uint8_t *block, float *out);

/* Whole blocks in place; those that are wanted in part, at either end, by way of a copy. */
static inline void read_blocks(const anm_weight *w, size_t first, size_t count, float *out,
                               decode_fn decode, size_t values, size_t bytes) {
    const uint8_t *data = w->tensor->data;
    float whole[SUPER];
    while (count) {
        size_t skip = first % values, n = values - skip < count ? values - skip : count;
        const uint8_t *block = data + first / values * bytes;
        if (n == values) {
            decode(block, out);
        } else {
            decode(block, whole);
            memcpy(out, whole + skip, n * sizeof *out);
        }
        first += n;
        count -= n;
        out += n;
    }
}

#define CODING(id, label, values, bytes)                                                           \
    static void read_##id(const anm_weight *w, size_t first, size_t count, float *out) {           \
        read_blocks(w, first, count, out, decode_##id, values, bytes);                             \
    }                                                                                              \
    const anm_coding anm_gguf_##id = {label, values, bytes, read_##id};

CODING(q8_0, "Q8_0", 32, 34)
CODING(q4_0, "Q4_0", 32, 18)
CODING(q4_k, "Q4_K", 256, 144)
CODING(q6_k, "Q6_K", 256, 210)
