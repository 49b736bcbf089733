/* SPDX-License-Identifier: MIT */
/* Line and column of a byte offset, both from 1; columns count characters. */
#ifndef ANM_GRAMMAR_PLACE_H
#define ANM_GRAMMAR_PLACE_H

#include "src/base/str.h"

typedef struct anm_text_place {
    size_t line, column;
} anm_text_place;

static inline anm_text_place anm_text_place_of(anm_sv text, size_t at) {
    anm_text_place place = {1, 1};
    for (size_t i = 0; i < at && i < text.len; i++) {
        if (text.data[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)text.data[i] & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

#endif
