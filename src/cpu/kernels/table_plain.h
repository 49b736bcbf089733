/* SPDX-License-Identifier: MIT */
/*
 * Look-ups in plain C, of any kind of weight, in the order of the columns; and indices as bytes,
 * for levels that look up by bytes.
 */
#ifndef ANM_CPU_TABLE_PLAIN_H
#define ANM_CPU_TABLE_PLAIN_H

#include <string.h>

#include "src/cpu/kernels/gemm_decoder.h"

/* 8 indices of `bits` bits, which take as many bytes. Little-endian machines only, as packages. */
static inline void index_bytes_8(const uint8_t *packed, int bits, uint8_t *index) {
    uint64_t word = 0;
    memcpy(&word, packed, (size_t)bits);
    for (int i = 0; i < 8; i++) index[i] = (uint8_t)(word >> i * bits & ((1u << bits) - 1));
}

#define DECODE_PLAIN(bits)                                                                    \
    static inline void decode_plain_##bits(const uint8_t *packed, const weight *table,        \
                                           int times, weight *out, ptrdiff_t step) {          \
        for (int i = 0; i < times; i++, out += step)                                          \
            for (int k = 0; k < 32; k += 8, packed += (bits)) {                               \
                uint8_t index[8];                                                             \
                index_bytes_8(packed, bits, index);                                           \
                for (int j = 0; j < 8; j++) out[k + j] = table[index[j]];                     \
            }                                                                                 \
    }
DECODE_PLAIN(1)
DECODE_PLAIN(2)
DECODE_PLAIN(3)
DECODE_PLAIN(4)
DECODE_PLAIN(6)
DECODE_PLAIN(8)

static inline anm_table_decoder table_decoder_plain(int bits) {
    switch (bits) {
    case 1: return decode_plain_1;
    case 2: return decode_plain_2;
    case 3: return decode_plain_3;
    case 4: return decode_plain_4;
    case 6: return decode_plain_6;
    default: return decode_plain_8;
    }
}

#endif
