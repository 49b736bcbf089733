/* SPDX-License-Identifier: MIT */
/*
 * Code points in UTF-8 text that is known to be valid: the template and the context were checked
 * when they came in, and every operation keeps texts valid.
 */
#ifndef ANM_HF_JINJA_UTF8_H
#define ANM_HF_JINJA_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

/* Offset of the first byte that is not UTF-8, or `len`. */
size_t anm_jinja_utf8_check(const char *text, size_t len);

/* Bytes of the character that starts at `data`. */
static inline size_t anm_jinja_utf8_size(const char *data) {
    unsigned char c = (unsigned char)*data;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

size_t anm_jinja_utf8_length(anm_sv text);
/* Byte offset of code point `index`; `text.len` when the text is shorter. */
size_t anm_jinja_utf8_offset(anm_sv text, size_t index);
/* The character at byte `*at`, which moves past it. */
uint32_t anm_jinja_utf8_next(anm_sv text, size_t *at);
/* Writes at most 4 bytes; a surrogate or a value past U+10FFFF becomes U+FFFD. */
size_t anm_jinja_utf8_put(char *out, uint32_t c);

/* What Python's str.isspace and the regular expression \s take for whitespace. */
bool anm_jinja_utf8_is_space(uint32_t c);
/* The text without whitespace at its start or end. */
anm_sv anm_jinja_utf8_trim_left(anm_sv text);
anm_sv anm_jinja_utf8_trim_right(anm_sv text);

#endif
