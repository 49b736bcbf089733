/* SPDX-License-Identifier: MIT */
/*
 * Which function looks entries up. The file of a level defines before: decode_1, decode_2,
 * decode_3, decode_4, decode_6, and decode_8 (a macro where it is that of table_plain.h).
 */
#ifndef ANM_CPU_TABLE_DECODER_TEMPLATE_H
#define ANM_CPU_TABLE_DECODER_TEMPLATE_H

static anm_table_decoder table_decoder(int bits) {
    switch (bits) {
    case 1: return decode_1;
    case 2: return decode_2;
    case 3: return decode_3;
    case 4: return decode_4;
    case 6: return decode_6;
    default: return decode_8;
    }
}

#endif
