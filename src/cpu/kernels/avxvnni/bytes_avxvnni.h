/* SPDX-License-Identifier: MIT */
/* Look-ups of bytes by packed indices, 32 columns at a time, in their order. */
#ifndef ANM_CPU_BYTES_AVXVNNI_H
#define ANM_CPU_BYTES_AVXVNNI_H

#include "src/cpu/kernels/avx2/indices_avx2.h"
#include "src/cpu/kernels/table_plain.h"

#define DECODE_BYTES(bits, indices)                                                           \
    static void decode_##bits(const uint8_t *packed, const weight *table, int times,          \
                              weight *out, ptrdiff_t step) {                                  \
        __m256i entries = part_of(table, 0);                                                  \
        for (int i = 0; i < times; i++, packed += 4 * (bits), out += step)                    \
            _mm256_storeu_si256((__m256i *)out, _mm256_shuffle_epi8(entries, indices));       \
    }
DECODE_BYTES(1, index_bytes_32(packed, 1))
DECODE_BYTES(2, index_bytes_32(packed, 2))
DECODE_BYTES(3, index_bytes_32(packed, 3))
DECODE_BYTES(4, nibbles(packed))

static void decode_6(const uint8_t *packed, const weight *table, int times, weight *out,
                     ptrdiff_t step) {
    for (int i = 0; i < times; i++, packed += 24, out += step)
        _mm256_storeu_si256((__m256i *)out, byte_of_64(table, 0, index_bytes_32(packed, 6)));
}

#define decode_8 decode_plain_8
#include "src/cpu/kernels/table_decoder_template.h"

#endif
