/* SPDX-License-Identifier: MIT */
/*
 * The order in which AVX-512 kernels keep 32 columns of 16-bit weights: column 4 j + s is at place
 * 8 s + j, as are the nibbles of 16 bytes after one broadcast and one shift.
 */
#ifndef ANM_CPU_ORDER_AVX512_H
#define ANM_CPU_ORDER_AVX512_H

#include <immintrin.h>
#include <stdint.h>

/* The column at a place. */
#define PLACED(p) (4 * ((p) % 8) + (p) / 8)
#define EACH8(f, b, p) f(b, p), f(b, p + 1), f(b, p + 2), f(b, p + 3), f(b, p + 4), f(b, p + 5), \
                       f(b, p + 6), f(b, p + 7)
#define EACH32(f, b) EACH8(f, b, 0), EACH8(f, b, 8), EACH8(f, b, 16), EACH8(f, b, 24)
#define PLACED_COLUMN(b, p) PLACED(p)

static const uint16_t placed[32] = {EACH32(PLACED_COLUMN, 0)};

static inline __m512i place(__m512i words) {
    return _mm512_permutexvar_epi16(_mm512_loadu_si512(placed), words);
}

/* 4 bits: words of 4 nibbles, broadcast, each lane shifted by its own number of nibbles. */
static inline __m512i nibble_words(const uint8_t *packed) {
    const __m512i shifts =
        _mm512_set_epi64(0x000c000c000c000c, 0x000c000c000c000c, 0x0008000800080008,
                         0x0008000800080008, 0x0004000400040004, 0x0004000400040004, 0, 0);
    __m512i words = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)packed));
    return _mm512_srlv_epi16(words, shifts);
}

#endif
