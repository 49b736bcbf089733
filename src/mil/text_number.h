/* SPDX-License-Identifier: MIT */
/* Numbers of the text form, independent of the locale. Used by text_*.c only. */
#ifndef ANM_MIL_TEXT_NUMBER_H
#define ANM_MIL_TEXT_NUMBER_H

#include <stdbool.h>

#include "src/base/dtype.h"
#include "src/base/str.h"

/*
 * The shortest C99 hexadecimal form with a leading 1 ("0x1.8p+1", "-0x0p+0", "inf", "nan"):
 * subnormals appear normalised, and a NaN's sign and payload are lost.
 */
void anm_mil_text_put_float(anm_strbuf *out, double value);
/* Element `index` of packed data, as the type wants it: float, integer or true/false. */
void anm_mil_text_put_element(anm_strbuf *out, anm_dtype dtype, const void *data, int64_t index);

typedef enum anm_mil_text_number_status {
    ANM_MIL_NUMBER_OK,
    ANM_MIL_NUMBER_SYNTAX, /* not a number of this kind */
    ANM_MIL_NUMBER_RANGE   /* a number, but the type cannot hold it */
} anm_mil_text_number_status;

/* Stores the number (or true, false) spelled by `word` as element `index`. */
anm_mil_text_number_status anm_mil_text_store_element(anm_sv word, anm_dtype dtype, void *data,
                                                      int64_t index);
/* Digits with an optional minus. Values above INT64_MAX go to *out as their uint64 bits. */
anm_mil_text_number_status anm_mil_text_read_int(anm_sv word, bool is_signed, int bits,
                                                 int64_t *out);

/* -1 if it is none. */
int anm_mil_text_hex_digit(char c);

#endif
