/* SPDX-License-Identifier: MIT */
/* Look-ups of 16-bit table entries without the byte permutations of VBMI; see order_avx512.h. */
#ifndef ANM_CPU_TABLE_AVX512_H
#define ANM_CPU_TABLE_AVX512_H

#include "src/cpu/kernels/avx512/order_avx512.h"
#include "src/cpu/kernels/gemm_decoder.h"

/*
 * The two bytes that hold a place's index, within the 16 that every lane has; of 6 bits, lanes
 * take the first 4 columns from bytes 0 .. 12 and the others from 12 .. 24.
 */
#define WINDOW(b, p) PLACED(p) * (b) / 8 % 12, PLACED(p) * (b) / 8 % 12 + 1
#define SHIFT(b, p) PLACED(p) * (b) % 8

static const uint8_t windows[4][64] = {
    {EACH32(WINDOW, 1)}, {EACH32(WINDOW, 2)}, {EACH32(WINDOW, 3)}, {EACH32(WINDOW, 6)}};
static const uint16_t shifts_in[4][32] = {
    {EACH32(SHIFT, 1)}, {EACH32(SHIFT, 2)}, {EACH32(SHIFT, 3)}, {EACH32(SHIFT, 6)}};

static inline __m512i shifted(__m512i words, int form) {
    return _mm512_srlv_epi16(words, _mm512_loadu_si512(shifts_in[form]));
}

static inline __m512i short_words(const uint8_t *packed, int bits, int form) {
    __m128i bytes = _mm_maskz_loadu_epi32((__mmask8)((1 << bits) - 1), packed);
    return shifted(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes),
                                       _mm512_loadu_si512(windows[form])), form);
}

static inline __m512i words_of_6(const uint8_t *packed) {
    const __mmask64 last_columns = 0xff00ff00ff00ff00; /* words 4 .. 7 of every lane */
    __m512i low = _mm512_broadcast_i32x4(_mm_maskz_loadu_epi32(15, packed));
    __m512i high = _mm512_broadcast_i32x4(_mm_maskz_loadu_epi32(7, packed + 12));
    __m512i window = _mm512_loadu_si512(windows[3]);
    __m512i words = _mm512_shuffle_epi8(low, window);
    return shifted(_mm512_mask_shuffle_epi8(words, last_columns, high, window), 3);
}

static inline __m512i words_of_8(const uint8_t *packed) {
    return place(_mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)packed)));
}

#define DECODE(bits, words_at, look_up)                                                       \
    static void decode_##bits(const uint8_t *packed, const weight *table, int times,          \
                              weight *out, ptrdiff_t step) {                                  \
        __m512i parts[(1 << (bits)) / 32 + 1];                                                \
        for (int i = 0; i == 0 || i < (1 << (bits)) / 32; i++)                                \
            parts[i] = _mm512_loadu_si512(table + 32 * i);                                    \
        for (int i = 0; i < times; i++, packed += 4 * (bits), out += step)                    \
            _mm512_storeu_si512(out, look_up(words_at, parts));                               \
    }

static inline __m512i of_32(__m512i words, const __m512i *parts) {
    return _mm512_permutexvar_epi16(words, parts[0]);
}
static inline __m512i of_64(__m512i words, const __m512i *parts) {
    return _mm512_permutex2var_epi16(parts[0], words, parts[1]);
}
static inline __m512i of_256(__m512i words, const __m512i *parts) {
    __mmask32 bit6 = _mm512_test_epi16_mask(words, _mm512_set1_epi16(64));
    __mmask32 bit7 = _mm512_test_epi16_mask(words, _mm512_set1_epi16(128));
    __m512i low = _mm512_mask_blend_epi16(bit6, of_64(words, parts), of_64(words, parts + 2));
    __m512i high = _mm512_mask_blend_epi16(bit6, of_64(words, parts + 4), of_64(words, parts + 6));
    return _mm512_mask_blend_epi16(bit7, low, high);
}

DECODE(1, short_words(packed, 1, 0), of_32)
DECODE(2, short_words(packed, 2, 1), of_32)
DECODE(3, short_words(packed, 3, 2), of_32)
DECODE(4, nibble_words(packed), of_32)
DECODE(6, words_of_6(packed), of_64)
DECODE(8, words_of_8(packed), of_256)

#include "src/cpu/kernels/table_decoder_template.h"

#endif
