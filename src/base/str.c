/* SPDX-License-Identifier: MIT */
#include "src/base/str.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/base/alloc.h"

bool anm_str_ends(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static bool reserve(anm_strbuf *buf, size_t more) {
    if (buf->failed) return false;
    size_t needed;
    if (__builtin_add_overflow(buf->len, more, &needed) ||
        __builtin_add_overflow(needed, (size_t)1, &needed)) {
        buf->failed = true;
        return false;
    }
    if (needed <= buf->cap) return true;
    size_t cap = buf->cap * 2 < needed ? needed + 32 : buf->cap * 2;
    char *grown = anm_realloc_array(buf->data, cap, 1);
    if (!grown) {
        buf->failed = true;
        return false;
    }
    buf->data = grown;
    buf->cap = cap;
    return true;
}

void anm_strbuf_append(anm_strbuf *buf, const char *text, size_t len) {
    if (!reserve(buf, len)) return;
    if (len) memcpy(buf->data + buf->len, text, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void anm_strbuf_puts(anm_strbuf *buf, const char *text) {
    anm_strbuf_append(buf, text, strlen(text));
}

void anm_strbuf_putc(anm_strbuf *buf, char c) {
    anm_strbuf_append(buf, &c, 1);
}

void anm_strbuf_printf(anm_strbuf *buf, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length >= 0 && reserve(buf, (size_t)length)) {
        vsnprintf(buf->data + buf->len, (size_t)length + 1, fmt, again);
        buf->len += (size_t)length;
    }
    va_end(again);
}

void anm_strbuf_clear(anm_strbuf *buf) {
    buf->len = 0;
    buf->failed = false;
    if (buf->data) buf->data[0] = '\0';
}

void anm_strbuf_free(anm_strbuf *buf) {
    anm_free(buf->data);
    *buf = (anm_strbuf){0};
}

const char *anm_strbuf_cstr(const anm_strbuf *buf) {
    return buf->data ? buf->data : "";
}
