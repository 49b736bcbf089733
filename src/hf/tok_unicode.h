/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 and the character classes of the Rust library's own tests (`char::is_whitespace`, `\w` of
 * the regex crate, ...). Text inside the tokenizer is always valid UTF-8: anm_utf8_repair makes
 * it so at the door.
 */
#ifndef ANM_HF_TOK_UNICODE_H
#define ANM_HF_TOK_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

/* Bytes of the character that starts with this byte, in valid UTF-8. */
static inline size_t anm_utf8_width(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* The character at p (valid UTF-8) and its width. */
static inline uint32_t anm_utf8_get(const char *text, size_t *width) {
    const unsigned char *p = (const unsigned char *)text;
    *width = anm_utf8_width(p[0]);
    switch (*width) {
    case 1: return p[0];
    case 2: return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    case 3: return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    }
}

/* Start of the character that ends at `end` (> 0). */
size_t anm_utf8_before(const char *text, size_t end);
size_t anm_utf8_count(const char *text, size_t len);
/* Writes up to 4 bytes, returns how many. */
size_t anm_utf8_put(char *out, uint32_t c);
void anm_utf8_append(anm_strbuf *buf, uint32_t c);

typedef enum anm_utf8_kind { ANM_UTF8_VALID, ANM_UTF8_INVALID, ANM_UTF8_CUT } anm_utf8_kind;
/*
 * The first character of arbitrary bytes (len > 0): VALID with its width; INVALID with the width
 * of the maximal invalid part, which one U+FFFD replaces; CUT when all `len` bytes begin a
 * character that more bytes could complete.
 */
anm_utf8_kind anm_utf8_next(const char *bytes, size_t len, size_t *width);

/* Length of the valid text at the start of arbitrary bytes. */
size_t anm_utf8_valid_prefix(const char *bytes, size_t len);
/* Appends the bytes with each maximal invalid part replaced by U+FFFD. */
void anm_utf8_repair(anm_strbuf *out, const char *bytes, size_t len);

bool anm_char_is_space(uint32_t c);            /* White_Space */
bool anm_char_is_word(uint32_t c);             /* \w of the regex crate */
bool anm_char_is_numeric(uint32_t c);          /* Nd, Nl, No */
bool anm_char_is_punctuation(uint32_t c);      /* ASCII punctuation and P* */
bool anm_char_is_mark(uint32_t c);             /* Mn, Mc, Me */
bool anm_char_is_nonspacing_mark(uint32_t c);  /* Mn */
bool anm_char_is_bert_control(uint32_t c);     /* what BertNormalizer's cleaning drops */
bool anm_char_is_chinese(uint32_t c);          /* BertNormalizer's blocks */
/* Full lower case without context; returns the number of characters, at most 2. */
int anm_char_lower(uint32_t c, uint32_t out[2]);

#endif
