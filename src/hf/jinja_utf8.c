/* SPDX-License-Identifier: MIT */
/* Code points and whitespace of UTF-8 text, for the Jinja engine. */
#include "src/hf/jinja_utf8.h"

#include <utf8proc.h>

size_t anm_jinja_utf8_check(const char *text, size_t len) {
    size_t at = 0;
    while (at < len) {
        if ((unsigned char)text[at] < 0x80) {
            at++;
            continue;
        }
        utf8proc_int32_t c;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(len - at), &c);
        if (used <= 0) return at;
        at += (size_t)used;
    }
    return len;
}

size_t anm_jinja_utf8_length(anm_sv text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

size_t anm_jinja_utf8_offset(anm_sv text, size_t index) {
    size_t at = 0;
    while (at < text.len && index--) at += anm_jinja_utf8_size(text.data + at);
    return at;
}

uint32_t anm_jinja_utf8_next(anm_sv text, size_t *at) {
    const unsigned char *p = (const unsigned char *)text.data + *at;
    size_t size = anm_jinja_utf8_size((const char *)p);
    *at += size;
    switch (size) {
    case 1: return p[0];
    case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3: return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    default:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    }
}

size_t anm_jinja_utf8_put(char *out, uint32_t c) {
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
    return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

bool anm_jinja_utf8_is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

anm_sv anm_jinja_utf8_trim_left(anm_sv text) {
    size_t at = 0;
    while (at < text.len) {
        size_t next = at;
        if (!anm_jinja_utf8_is_space(anm_jinja_utf8_next(text, &next))) break;
        at = next;
    }
    return (anm_sv){text.data + at, text.len - at};
}

anm_sv anm_jinja_utf8_trim_right(anm_sv text) {
    while (text.len) {
        size_t at = text.len - 1;
        while (((unsigned char)text.data[at] & 0xc0) == 0x80) at--;
        size_t next = at;
        if (!anm_jinja_utf8_is_space(anm_jinja_utf8_next(text, &next))) break;
        text.len = at;
    }
    return text;
}
