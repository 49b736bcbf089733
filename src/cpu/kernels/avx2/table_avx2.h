/* SPDX-License-Identifier: MIT */
/*
 * Look-ups of 16-bit table entries by 16-byte shuffles, one of low and one of high bytes for every
 * 16 entries; tables of 256 entries are read entry by entry, which is as fast.
 */
#ifndef ANM_CPU_TABLE_AVX2_H
#define ANM_CPU_TABLE_AVX2_H

#include "src/cpu/kernels/avx2/indices_avx2.h"
#include "src/cpu/kernels/table_plain.h"

/* n entries: their low bytes, then their high ones. */
static void split_table(weight *table, int n) {
    uint8_t bytes[128];
    for (int i = 0; i < n; i++) {
        bytes[i] = (uint8_t)table[i];
        bytes[n + i] = (uint8_t)((uint16_t)table[i] >> 8);
    }
    memcpy(table, bytes, (size_t)n * 2);
}

/* 32 entries given as bytes, to words in the order of the columns. */
static inline void store_words(__m256i low, __m256i high, weight *out) {
    __m256i a = _mm256_unpacklo_epi8(low, high), b = _mm256_unpackhi_epi8(low, high);
    _mm256_storeu_si256((__m256i *)out, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256((__m256i *)(out + 16), _mm256_permute2x128_si256(a, b, 0x31));
}

#define DECODE_16(bits, indices)                                                              \
    static void decode_##bits(const uint8_t *packed, const weight *table, int times,          \
                              weight *out, ptrdiff_t step) {                                  \
        __m256i low = part_of(table, 0), high = part_of(table, 1);                            \
        for (int i = 0; i < times; i++, packed += 4 * (bits), out += step) {                  \
            __m256i index = indices;                                                          \
            store_words(_mm256_shuffle_epi8(low, index), _mm256_shuffle_epi8(high, index),    \
                        out);                                                                 \
        }                                                                                     \
    }
DECODE_16(1, index_bytes_32(packed, 1))
DECODE_16(2, index_bytes_32(packed, 2))
DECODE_16(3, index_bytes_32(packed, 3))
DECODE_16(4, nibbles(packed))

static void decode_6(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    for (int i = 0; i < times; i++, packed += 24, out += step) {
        __m256i index = index_bytes_32(packed, 6);
        store_words(byte_of_64(table, 0, index), byte_of_64(table, 4, index), out);
    }
}

#define decode_8 decode_plain_8
#include "src/cpu/kernels/table_decoder_template.h"

#endif
