/* SPDX-License-Identifier: MIT */
/* UTF-8 walking and repair, and the character classes; categories come from utf8proc. */
#include "src/hf/tok_unicode.h"

#include <utf8proc.h>

size_t anm_utf8_before(const char *text, size_t end) {
    do end--;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80);
    return end;
}

size_t anm_utf8_count(const char *text, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

size_t anm_utf8_put(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

void anm_utf8_append(anm_strbuf *buf, uint32_t c) {
    char bytes[4];
    anm_strbuf_append(buf, bytes, anm_utf8_put(bytes, c));
}

/* Width announced by a first byte and the range of its second one (Unicode 15, table 3-7). */
static size_t first_byte(unsigned char b, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xBF;
    if (b < 0x80) return 1;
    if (b < 0xC2) return 0;
    if (b < 0xE0) return 2;
    if (b < 0xF0) {
        if (b == 0xE0) *low = 0xA0;
        if (b == 0xED) *high = 0x9F;
        return 3;
    }
    if (b > 0xF4) return 0;
    if (b == 0xF0) *low = 0x90;
    if (b == 0xF4) *high = 0x8F;
    return 4;
}

anm_utf8_kind anm_utf8_next(const char *bytes, size_t len, size_t *width) {
    const unsigned char *p = (const unsigned char *)bytes;
    unsigned char low, high;
    size_t wanted = first_byte(p[0], &low, &high);
    *width = 1;
    if (wanted == 0) return ANM_UTF8_INVALID;
    for (size_t i = 1; i < wanted; i++) {
        *width = i;
        if (i == len) return ANM_UTF8_CUT;
        if (p[i] < low || p[i] > high) return ANM_UTF8_INVALID;
        low = 0x80;
        high = 0xBF;
    }
    *width = wanted;
    return ANM_UTF8_VALID;
}

size_t anm_utf8_valid_prefix(const char *bytes, size_t len) {
    size_t at = 0, width;
    while (at < len) {
        uint64_t word;
        while (len - at >= 8 && (memcpy(&word, bytes + at, 8), !(word & 0x8080808080808080u)))
            at += 8;
        if (at == len || anm_utf8_next(bytes + at, len - at, &width) != ANM_UTF8_VALID) break;
        at += width;
    }
    return at;
}

void anm_utf8_repair(anm_strbuf *out, const char *bytes, size_t len) {
    size_t at = 0, width;
    for (;;) {
        size_t valid = anm_utf8_valid_prefix(bytes + at, len - at);
        anm_strbuf_append(out, bytes + at, valid);
        at += valid;
        if (at == len) return;
        anm_utf8_next(bytes + at, len - at, &width);
        anm_utf8_append(out, 0xFFFD);
        at += width;
    }
}

static bool within(uint32_t c, uint32_t first, uint32_t last) {
    return c - first <= last - first;
}

static utf8proc_category_t category(uint32_t c) {
    return utf8proc_category((utf8proc_int32_t)c);
}

bool anm_char_is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || within(c, 9, 13);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || within(c, 0x2000, 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool anm_char_is_word(uint32_t c) {
    if (c < 0x80) return within(c | 0x20, 'a', 'z') || within(c, '0', '9') || c == '_';
    switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: break;
    }
    /* Join_Control, and the symbols that are Alphabetic: circled and squared letters. */
    return within(c, 0x200C, 0x200D) || within(c, 0x24B6, 0x24E9) || within(c, 0x1F130, 0x1F149) ||
           within(c, 0x1F150, 0x1F169) || within(c, 0x1F170, 0x1F189);
}

bool anm_char_is_numeric(uint32_t c) {
    if (c < 0x80) return within(c, '0', '9');
    utf8proc_category_t k = category(c);
    return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO;
}

bool anm_char_is_punctuation(uint32_t c) {
    if (c < 0x80)
        return within(c, '!', '/') || within(c, ':', '@') || within(c, '[', '`') ||
               within(c, '{', '~');
    utf8proc_category_t k = category(c);
    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

bool anm_char_is_mark(uint32_t c) {
    if (c < 0x300) return false;
    utf8proc_category_t k = category(c);
    return k >= UTF8PROC_CATEGORY_MN && k <= UTF8PROC_CATEGORY_ME;
}

bool anm_char_is_nonspacing_mark(uint32_t c) {
    return c >= 0x300 && category(c) == UTF8PROC_CATEGORY_MN;
}

/*
 * Beside Cc and Cf, the Rust library's table of private-use characters holds only the first and
 * the last of each block, so only those are dropped.
 */
bool anm_char_is_bert_control(uint32_t c) {
    if (c == '\t' || c == '\n' || c == '\r') return false;
    if (c < 0x80) return c < 0x20 || c == 0x7F;
    if (c == 0xFFFD || c == 0xE000 || c == 0xF8FF || c == 0xF0000 || c == 0xFFFFD ||
        c == 0x100000 || c == 0x10FFFD)
        return true;
    utf8proc_category_t k = category(c);
    return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF;
}

bool anm_char_is_chinese(uint32_t c) {
    return within(c, 0x4E00, 0x9FFF) || within(c, 0x3400, 0x4DBF) || within(c, 0x20000, 0x2A6DF) ||
           within(c, 0x2A700, 0x2B73F) || within(c, 0x2B740, 0x2B81F) ||
           within(c, 0x2B920, 0x2CEAF) || within(c, 0xF900, 0xFAFF) || within(c, 0x2F800, 0x2FA1F);
}

int anm_char_lower(uint32_t c, uint32_t out[2]) {
    if (c == 0x130) { /* the one unconditional mapping to two characters */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = c < 0x80 ? (within(c, 'A', 'Z') ? c + 32 : c)
                      : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    return 1;
}
