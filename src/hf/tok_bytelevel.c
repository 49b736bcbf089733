/* SPDX-License-Identifier: MIT */
/* The byte alphabet, both ways. */
#include "src/hf/tok_bytelevel.h"

/* Bytes written as themselves; the others are numbered in order of their value. */
static bool is_printable(unsigned char b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
}

uint32_t anm_byte_to_char(unsigned char b) {
    if (is_printable(b)) return b;
    if (b <= 0x20) return 0x100u + b;
    if (b <= 0xA0) return 0x121u + (b - 0x7Fu);
    return 0x143;
}

int anm_char_to_byte(uint32_t c) {
    if (c < 0x100) return is_printable((unsigned char)c) ? (int)c : -1;
    if (c <= 0x120) return (int)(c - 0x100);
    if (c <= 0x142) return (int)(c - 0x121 + 0x7F);
    return c == 0x143 ? 0xAD : -1;
}

void anm_bytes_to_alphabet(anm_strbuf *out, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++)
        anm_utf8_append(out, anm_byte_to_char((unsigned char)bytes[i]));
}

bool anm_bytes_from_alphabet(anm_strbuf *out, const char *text, size_t len) {
    size_t before = out->len, width;
    for (size_t i = 0; i < len; i += width) {
        int byte = anm_char_to_byte(anm_utf8_get(text + i, &width));
        if (byte < 0) {
            out->len = before;
            return false;
        }
        anm_strbuf_putc(out, (char)byte);
    }
    return true;
}
