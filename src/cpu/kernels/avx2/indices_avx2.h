/* SPDX-License-Identifier: MIT */
/* Packed indices of 32 columns as bytes, and bytes looked up by them in 16-byte shuffles. */
#ifndef ANM_CPU_INDICES_AVX2_H
#define ANM_CPU_INDICES_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

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

static inline __m256i part_of(const void *table, int i) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table + i));
}

/* Of 64 bytes in four parts: bits 4 and 5 of the index, at the top of a byte, select. */
static inline __m256i byte_of_64(const void *table, int first, __m256i index) {
    __m256i bit4 = _mm256_slli_epi16(index, 3), bit5 = _mm256_slli_epi16(index, 2);
    __m256i in_part = _mm256_and_si256(index, _mm256_set1_epi8(15));
    __m256i part[4];
    for (int i = 0; i < 4; i++)
        part[i] = _mm256_shuffle_epi8(part_of(table, first + i), in_part);
    return _mm256_blendv_epi8(_mm256_blendv_epi8(part[0], part[1], bit4),
                              _mm256_blendv_epi8(part[2], part[3], bit4), bit5);
}

#endif
