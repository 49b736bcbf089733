/* SPDX-License-Identifier: MIT */
/*
 * The byte alphabet of GPT-2: each byte is written as one printable character, the printable
 * Latin-1 bytes as themselves, the other 68 as U+0100 and up in order.
 */
#ifndef ANM_HF_TOK_BYTELEVEL_H
#define ANM_HF_TOK_BYTELEVEL_H

#include "src/base/str.h"
#include "src/hf/tok_unicode.h"

/* The character (below U+0144) that stands for a byte. */
uint32_t anm_byte_to_char(unsigned char byte);
/* The byte that a character stands for, or -1. */
int anm_char_to_byte(uint32_t c);

void anm_bytes_to_alphabet(anm_strbuf *out, const char *bytes, size_t len);
/* Appends the bytes that the text stands for; false, nothing appended, if a character of it is
 * not in the alphabet. */
bool anm_bytes_from_alphabet(anm_strbuf *out, const char *text, size_t len);

#endif
