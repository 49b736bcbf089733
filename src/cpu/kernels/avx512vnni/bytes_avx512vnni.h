/* SPDX-License-Identifier: MIT */
/*
 * Look-ups of bytes by packed indices, 64 columns at a time, in the order of the columns. Tables of
 * less than 64 entries are repeated, as permutations look at six bits of an index.
 */
#ifndef ANM_CPU_BYTES_AVX512VNNI_H
#define ANM_CPU_BYTES_AVX512VNNI_H

#include <stdbool.h>

#include <immintrin.h>

#include "src/cpu/kernels/gemm_decoder.h"

/* Of 8 indices of b bits: the bytes that hold them, in 8 bytes; and the bits they begin at. */
#define EACH64(f, b) f(b, 0), f(b, 1), f(b, 2), f(b, 3), f(b, 4), f(b, 5), f(b, 6), f(b, 7)
#define EIGHT_BYTES(b, q) (b) * (q), (b) * (q) + 1, (b) * (q) + 2, (b) * (q) + 3, \
                          (b) * (q) + 4, (b) * (q) + 5, (b) * (q) + 6, (b) * (q) + 7
#define EIGHT_BITS(b, q) 0, (b), 2 * (b), 3 * (b), 4 * (b), 5 * (b), 6 * (b), 7 * (b)

#define SHORT(bits) {EACH64(EIGHT_BYTES, bits)}, {EACH64(EIGHT_BITS, bits)}
static const struct {
    uint8_t bytes[64], shifts[64];
} spread[] = {{SHORT(1)}, {SHORT(2)}, {SHORT(3)}, {SHORT(4)}, {SHORT(6)}};

/* 64 columns, or 32. */
static inline void store_halves(uint8_t *out, ptrdiff_t step, bool both, __m512i bytes) {
    _mm256_storeu_si256((__m256i *)out, _mm512_castsi512_si256(bytes));
    if (both)
        _mm256_storeu_si256((__m256i *)(out + step), _mm512_extracti64x4_epi64(bytes, 1));
}

/* Up to 64 packed bytes: those of 64 indices, or of 32. */
static inline __m512i packed_bytes(const uint8_t *packed, int bits, bool both) {
    return _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (64 - (both ? 8 : 4) * bits), packed);
}

#define DECODE_SHORT(bits, form)                                                              \
    static void decode_##bits(const uint8_t *packed, const weight *table, int times,          \
                              weight *out, ptrdiff_t step) {                                  \
        __m512i entries = _mm512_loadu_si512(table);                                          \
        __m512i where = _mm512_loadu_si512(spread[form].bytes);                               \
        __m512i shifts = _mm512_loadu_si512(spread[form].shifts);                             \
        for (int i = 0; i < times; i += 2, packed += 8 * (bits), out += 2 * step) {           \
            bool both = i + 1 < times;                                                        \
            __m512i raw = _mm512_permutexvar_epi8(where, packed_bytes(packed, bits, both));   \
            __m512i index = _mm512_multishift_epi64_epi8(shifts, raw);                        \
            store_halves(out, step, both, _mm512_permutexvar_epi8(index, entries));           \
        }                                                                                     \
    }
DECODE_SHORT(1, 0)
DECODE_SHORT(2, 1)
DECODE_SHORT(3, 2)
DECODE_SHORT(4, 3)
DECODE_SHORT(6, 4)

static void decode_8(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    __m512i part[4];
    for (int i = 0; i < 4; i++) part[i] = _mm512_loadu_si512(table + 64 * i);
    for (int i = 0; i < times; i += 2, packed += 64, out += 2 * step) {
        bool both = i + 1 < times;
        __m512i index = packed_bytes(packed, 8, both);
        __m512i low = _mm512_permutex2var_epi8(part[0], index, part[1]);
        __m512i high = _mm512_permutex2var_epi8(part[2], index, part[3]);
        store_halves(out, step, both,
                     _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high));
    }
}

#include "src/cpu/kernels/table_decoder_template.h"

#endif
