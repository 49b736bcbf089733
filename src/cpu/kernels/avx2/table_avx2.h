/* SPDX-License-Identifier: MIT */
/*
 * Look-ups of 16-bit table entries by 16-byte shuffles, one of low and one of high bytes for every
 * 16 entries; tables of 256 entries are read entry by entry, which is as fast.
 */
#ifndef ANM_CPU_TABLE_AVX2_H
#define ANM_CPU_TABLE_AVX2_H

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

static inline __m256i part_of(const weight *table, int i) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table + i));
}

/* 32 entries given as bytes, to words in the order of the columns. */
static inline void store_words(__m256i low, __m256i high, weight *out) {
    __m256i a = _mm256_unpacklo_epi8(low, high), b = _mm256_unpackhi_epi8(low, high);
    _mm256_storeu_si256((__m256i *)out, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256((__m256i *)(out + 16), _mm256_permute2x128_si256(a, b, 0x31));
}

static inline __m256i nibbles(const uint8_t *packed) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)packed), mask = _mm_set1_epi8(15);
    __m128i even = _mm_and_si128(bytes, mask);
    __m128i odd = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    return _mm256_set_m128i(_mm_unpackhi_epi8(even, odd), _mm_unpacklo_epi8(even, odd));
}

/* The packed bytes of 32 columns, those of each half's 16 within its lane. */
static inline __m256i both_halves(const uint8_t *packed, int bits) {
    uint8_t bytes[16] = {0};
    if (bits == 6)
        return _mm256_set_m128i(_mm_loadu_si128((const __m128i *)(packed + 8)),
                                _mm_loadu_si128((const __m128i *)packed));
    memcpy(bytes, packed, (size_t)(4 * bits));
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
}

/* Field i of the four in a 32-bit word moves to byte i. */
static inline __m256i field(__m256i words, int bits, int i) {
    __m256i mask = _mm256_set1_epi32(((1 << bits) - 1) << 8 * i);
    return _mm256_and_si256(_mm256_slli_epi32(words, (8 - bits) * i), mask);
}

/* Indices of 32 columns as bytes: four to a word, from the 3 bytes where they lie. */
static inline __m256i index_bytes_32(const uint8_t *packed, int bits) {
    uint8_t window[32];
    uint32_t shift[8];
    for (int j = 0; j < 8; j++) {
        int bit = 4 * bits * (j % 4), second = bits == 6 ? 4 : 2 * bits;
        for (int i = 0; i < 4; i++)
            window[4 * j + i] = (uint8_t)(bit / 8 + i + (j < 4 ? 0 : second));
        shift[j] = (uint32_t)bit % 8;
    }
    __m256i words = _mm256_shuffle_epi8(both_halves(packed, bits),
                                        _mm256_loadu_si256((const __m256i *)window));
    words = _mm256_srlv_epi32(words, _mm256_loadu_si256((const __m256i *)shift));
    return _mm256_or_si256(_mm256_or_si256(field(words, bits, 0), field(words, bits, 1)),
                           _mm256_or_si256(field(words, bits, 2), field(words, bits, 3)));
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

/* Of 64 bytes in four parts: bits 4 and 5 of the index, at the top of a byte, select. */
static inline __m256i byte_of_64(const weight *table, int first, __m256i index) {
    __m256i bit4 = _mm256_slli_epi16(index, 3), bit5 = _mm256_slli_epi16(index, 2);
    __m256i in_part = _mm256_and_si256(index, _mm256_set1_epi8(15));
    __m256i part[4];
    for (int i = 0; i < 4; i++)
        part[i] = _mm256_shuffle_epi8(part_of(table, first + i), in_part);
    return _mm256_blendv_epi8(_mm256_blendv_epi8(part[0], part[1], bit4),
                              _mm256_blendv_epi8(part[2], part[3], bit4), bit5);
}

static void decode_6(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    for (int i = 0; i < times; i++, packed += 24, out += step) {
        __m256i index = index_bytes_32(packed, 6);
        store_words(byte_of_64(table, 0, index), byte_of_64(table, 4, index), out);
    }
}

static anm_table_decoder table_decoder(int bits) {
    switch (bits) {
    case 1: return decode_1;
    case 2: return decode_2;
    case 3: return decode_3;
    case 4: return decode_4;
    case 6: return decode_6;
    default: return decode_plain_8;
    }
}

#endif
