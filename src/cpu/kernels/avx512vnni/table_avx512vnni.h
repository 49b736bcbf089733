/* SPDX-License-Identifier: MIT */
/*
 * Look-ups of 16-bit table entries by packed indices, 32 columns or more at a time, in the order
 * of order_avx512.h. What the entries mean is the caller's: integers or bf16.
 */
#ifndef ANM_CPU_TABLE_AVX512VNNI_H
#define ANM_CPU_TABLE_AVX512VNNI_H

#include <stdbool.h>

#include "src/cpu/kernels/avx512/order_avx512.h"
#include "src/cpu/kernels/gemm_decoder.h"

/* The two bytes that hold a place's index, and its shift in them. */
#define WINDOW(b, p) PLACED(p) * (b) / 8, PLACED(p) * (b) / 8 + 1
#define SHIFT(b, p) PLACED(p) * (b) % 8

static const uint8_t windows[4][64] = {
    {EACH32(WINDOW, 1)}, {EACH32(WINDOW, 2)}, {EACH32(WINDOW, 3)}, {EACH32(WINDOW, 6)}};
static const uint16_t shifts_in[4][32] = {
    {EACH32(SHIFT, 1)}, {EACH32(SHIFT, 2)}, {EACH32(SHIFT, 3)}, {EACH32(SHIFT, 6)}};

/* Words whose low bits are the indices; what is above them the look-up ignores. */
static inline __m512i window_words(const uint8_t *packed, int bits, int form) {
    __m256i bytes = _mm256_maskz_loadu_epi32((__mmask8)((1 << bits) - 1), packed);
    __m512i words = _mm512_permutexvar_epi8(_mm512_loadu_si512(windows[form]),
                                            _mm512_castsi256_si512(bytes));
    return _mm512_srlv_epi16(words, _mm512_loadu_si512(shifts_in[form]));
}

#define DECODE_SHORT(bits, form)                                                              \
    static void decode_##bits(const uint8_t *packed, const weight *table, int times,          \
                              weight *out, ptrdiff_t step) {                                  \
        __m512i entries = _mm512_loadu_si512(table);                                          \
        for (int i = 0; i < times; i++, packed += 4 * (bits), out += step)                    \
            _mm512_storeu_si512(                                                              \
                out, _mm512_permutexvar_epi16(window_words(packed, bits, form), entries));    \
    }
DECODE_SHORT(1, 0)
DECODE_SHORT(2, 1)
DECODE_SHORT(3, 2)

static void decode_4(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    __m512i entries = _mm512_loadu_si512(table);
    for (int i = 0; i < times; i++, packed += 16, out += step)
        _mm512_storeu_si512(out, _mm512_permutexvar_epi16(nibble_words(packed), entries));
}

static void decode_6(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    __m512i low = _mm512_loadu_si512(table), high = _mm512_loadu_si512(table + 32);
    for (int i = 0; i < times; i++, packed += 24, out += step)
        _mm512_storeu_si512(out,
                            _mm512_permutex2var_epi16(low, window_words(packed, 6, 3), high));
}

/* A table of 256: the low bytes of all entries, then the high ones. */
static inline void split_table(weight *table) {
    uint8_t bytes[512];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)table[i];
        bytes[256 + i] = (uint8_t)((uint16_t)table[i] >> 8);
    }
    __builtin_memcpy(table, bytes, 512);
}

/* Bytes of 64 columns, so placed that unpacking within lanes gives the order of two times 32. */
#define UNPACKED(b, p) (p) % 16 / 8 * 32 + PLACED((p) / 16 * 8 + (p) % 8)
static const uint8_t unpacked[64] = {
    EACH8(UNPACKED, 0, 0),  EACH8(UNPACKED, 0, 8),  EACH8(UNPACKED, 0, 16),
    EACH8(UNPACKED, 0, 24), EACH8(UNPACKED, 0, 32), EACH8(UNPACKED, 0, 40),
    EACH8(UNPACKED, 0, 48), EACH8(UNPACKED, 0, 56)};

static inline __m512i byte_of_256(__m512i index, const __m512i quarters[4]) {
    __m512i low = _mm512_permutex2var_epi8(quarters[0], index, quarters[1]);
    __m512i high = _mm512_permutex2var_epi8(quarters[2], index, quarters[3]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
}

static void decode_8(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    __m512i parts[8];
    for (int i = 0; i < 8; i++) parts[i] = _mm512_loadu_si512(table + 32 * i);
    for (int i = 0; i < times; i += 2, packed += 64, out += 2 * step) {
        bool pair = i + 1 < times;
        __m512i bytes = _mm512_maskz_loadu_epi8(pair ? ~(__mmask64)0 : 0xffffffff, packed);
        __m512i index = _mm512_permutexvar_epi8(_mm512_loadu_si512(unpacked), bytes);
        __m512i low = byte_of_256(index, parts), high = byte_of_256(index, parts + 4);
        _mm512_storeu_si512(out, _mm512_unpacklo_epi8(low, high));
        if (pair) _mm512_storeu_si512(out + step, _mm512_unpackhi_epi8(low, high));
    }
}

#include "src/cpu/kernels/table_decoder_template.h"

#endif
