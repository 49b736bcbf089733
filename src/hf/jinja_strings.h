/* SPDX-License-Identifier: MIT */
/* Operations on texts that both filters and string methods need. */
#ifndef ANM_HF_JINJA_STRINGS_H
#define ANM_HF_JINJA_STRINGS_H

#include "src/hf/jinja_run.h"

/* Characters of `chars` (whitespace when NULL) removed at the chosen ends. */
anm_sv anm_jinja_strip(anm_sv text, const anm_sv *chars, bool left, bool right);
/* The first `count` occurrences replaced, or all; an empty `old` stands between characters. */
bool anm_jinja_replace(jinja_run *run, anm_sv text, anm_sv old, anm_sv with, int64_t count,
                       anm_sv *out);
/* Lines as str.splitlines() finds them, without their ends unless `keep`. */
bool anm_jinja_split_lines(jinja_run *run, anm_sv text, bool keep, jinja_value *out);
/* Fills up to `width` code points: with `left` before the text and the rest after it. */
bool anm_jinja_pad(jinja_run *run, anm_sv text, size_t left, size_t right, anm_sv fill,
                   anm_sv *out);
/* Centres as str.center() does. */
bool anm_jinja_center(jinja_run *run, anm_sv text, int64_t width, anm_sv fill, anm_sv *out);

/* Character classes, by Unicode category. */
bool anm_jinja_is_letter(uint32_t c);
bool anm_jinja_is_decimal(uint32_t c);
bool anm_jinja_is_numeric(uint32_t c);

/* str.isupper and str.islower. */
bool anm_jinja_is_case(jinja_run *run, anm_sv text, jinja_case how, bool *holds);

/* An argument as an integer; `absent` when it was not given or is none. False after an error. */
bool anm_jinja_int_arg(jinja_run *run, jinja_value v, int64_t absent, int64_t *out);
/* An argument as a text; an error unless it is a string. */
bool anm_jinja_text_arg(jinja_run *run, jinja_value v, anm_sv *out);

static inline bool jinja_return_text(jinja_value *out, anm_sv text) {
    *out = jinja_string(text);
    return true;
}

#endif
