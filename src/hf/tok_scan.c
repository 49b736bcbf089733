/* SPDX-License-Identifier: MIT */
/* The pull reader for JSON (RFC 8259). */
#include "src/hf/tok_scan.h"

#include "src/hf/tok_unicode.h"

static anm_status fail_here(const anm_scan *s, const char *what, anm_error *err) {
    return anm_fail_at(err, ANM_ERROR_FORMAT, s->where, s->at, "invalid JSON: %s", what);
}

void anm_scan_free(anm_scan *s) {
    anm_strbuf_free(&s->unescaped);
}

char anm_scan_peek(anm_scan *s) {
    while (s->at < s->size) {
        char c = s->text[s->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return c;
        s->at++;
    }
    return 0;
}

anm_status anm_scan_expect(anm_scan *s, char c, anm_error *err) {
    char what[] = "'?' expected";
    what[1] = c;
    if (anm_scan_peek(s) != c || s->at == s->size) return fail_here(s, what, err);
    s->at++;
    return ANM_OK;
}

anm_status anm_scan_more(anm_scan *s, char close, bool first, bool *more, anm_error *err) {
    char c = anm_scan_peek(s);
    *more = c != close;
    if (!*more) {
        s->at++;
        return ANM_OK;
    }
    if (first) return ANM_OK;
    if (c != ',') return fail_here(s, "',' or the closing bracket expected", err);
    s->at++;
    if (anm_scan_peek(s) == close) return fail_here(s, "comma before a closing bracket", err);
    return ANM_OK;
}

static bool read_hex4(anm_scan *s, uint32_t *out) {
    *out = 0;
    if (s->size - s->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = s->text[s->at];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return false;
        *out = *out << 4 | digit;
        s->at++;
    }
    return true;
}

/* After "\u": one escape, or two for a character beyond the BMP. */
static anm_status unescape_unicode(anm_scan *s, anm_error *err) {
    uint32_t high, low;
    size_t start = s->at - 2;
    if (!read_hex4(s, &high)) return fail_here(s, "four hexadecimal digits expected", err);
    if (high >= 0xD800 && high < 0xE000) {
        bool pair = high < 0xDC00 && s->size - s->at >= 2 && s->text[s->at] == '\\' &&
                    s->text[s->at + 1] == 'u';
        if (pair) {
            s->at += 2;
            pair = read_hex4(s, &low) && low >= 0xDC00 && low < 0xE000;
        }
        if (!pair) {
            s->at = start;
            return fail_here(s, "lone surrogate in a string", err);
        }
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    anm_utf8_append(&s->unescaped, high);
    return ANM_OK;
}

static anm_status unescape(anm_scan *s, anm_error *err) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = s->at + 1 < s->size ? s->text[s->at + 1] : 0;
    const char *found = c ? strchr(names, c) : NULL;
    if (c == 'u') {
        s->at += 2;
        return unescape_unicode(s, err);
    }
    if (!found) return fail_here(s, "unknown escape in a string", err);
    anm_strbuf_putc(&s->unescaped, values[found - names]);
    s->at += 2;
    return ANM_OK;
}

/* Moves to the next quote, backslash or control character. */
static size_t plain_run(anm_scan *s) {
    size_t start = s->at;
    while (s->at < s->size) {
        unsigned char c = (unsigned char)s->text[s->at];
        if (c == '"' || c == '\\' || c < 0x20) break;
        s->at++;
    }
    return start;
}

anm_status anm_scan_string(anm_scan *s, anm_sv *out, anm_error *err) {
    ANM_TRY(anm_scan_expect(s, '"', err));
    size_t start = plain_run(s);
    if (s->at < s->size && s->text[s->at] == '"') {
        *out = (anm_sv){s->text + start, s->at - start};
        s->at++;
        return ANM_OK;
    }
    anm_strbuf_clear(&s->unescaped);
    for (;;) {
        anm_strbuf_append(&s->unescaped, s->text + start, s->at - start);
        if (s->at == s->size) return fail_here(s, "the text ends within a string", err);
        if (s->text[s->at] == '"') break;
        if (s->text[s->at] != '\\') return fail_here(s, "control character in a string", err);
        ANM_TRY(unescape(s, err));
        start = plain_run(s);
    }
    s->at++;
    if (s->unescaped.failed) return anm_fail_memory(err);
    *out = (anm_sv){anm_strbuf_cstr(&s->unescaped), s->unescaped.len};
    return ANM_OK;
}

anm_status anm_scan_key(anm_scan *s, anm_sv *out, anm_error *err) {
    ANM_TRY(anm_scan_string(s, out, err));
    return anm_scan_expect(s, ':', err);
}

static bool at_digit(const anm_scan *s) {
    return s->at < s->size && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

static bool at_one_of(const anm_scan *s, const char *set) {
    return s->at < s->size && s->text[s->at] && strchr(set, s->text[s->at]);
}

anm_status anm_scan_int(anm_scan *s, int64_t *out, anm_error *err) {
    int64_t value = 0;
    bool negative = anm_scan_peek(s) == '-', fits = true;
    size_t start = s->at;
    s->at += negative;
    size_t digits = s->at;
    for (; at_digit(s); s->at++) {
        int digit = s->text[s->at] - '0';
        fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_sub_overflow(value, digit, &value);
    }
    bool leading_zero = s->at - digits > 1 && s->text[digits] == '0';
    bool whole = s->at > digits && !leading_zero && !at_one_of(s, ".eE");
    if (fits && !negative) fits = !__builtin_sub_overflow((int64_t)0, value, &value);
    *out = value;
    if (whole && fits) return ANM_OK;
    s->at = start;
    return anm_fail_at(err, ANM_ERROR_FORMAT, s->where, s->at, "%s",
                       whole ? "the integer does not fit in 64 bits" : "an integer is expected");
}

static anm_status skip_number(anm_scan *s, anm_error *err) {
    if (s->text[s->at] == '-') s->at++;
    if (!at_digit(s)) return fail_here(s, "a value is expected", err);
    bool zero = s->text[s->at] == '0';
    s->at++;
    if (zero && at_digit(s)) return fail_here(s, "number with a leading zero", err);
    while (at_digit(s)) s->at++;
    if (at_one_of(s, ".")) {
        s->at++;
        if (!at_digit(s)) return fail_here(s, "digits expected after the point", err);
        while (at_digit(s)) s->at++;
    }
    if (at_one_of(s, "eE")) {
        s->at++;
        if (at_one_of(s, "+-")) s->at++;
        if (!at_digit(s)) return fail_here(s, "digits expected in the exponent", err);
        while (at_digit(s)) s->at++;
    }
    return ANM_OK;
}

static anm_status skip_word(anm_scan *s, const char *word, anm_error *err) {
    size_t len = strlen(word);
    if (s->size - s->at < len || memcmp(s->text + s->at, word, len) != 0)
        return fail_here(s, "a value is expected", err);
    s->at += len;
    return ANM_OK;
}

static anm_status skip_nested(anm_scan *s, char close, anm_error *err) {
    bool more;
    anm_sv key;
    if (s->depth == ANM_SCAN_MAX_DEPTH) return fail_here(s, "nested too deeply", err);
    s->depth++;
    s->at++;
    for (bool first = true;; first = false) {
        ANM_TRY(anm_scan_more(s, close, first, &more, err));
        if (!more) break;
        if (close == '}') ANM_TRY(anm_scan_key(s, &key, err));
        ANM_TRY(anm_scan_skip(s, err));
    }
    s->depth--;
    return ANM_OK;
}

anm_status anm_scan_skip(anm_scan *s, anm_error *err) {
    anm_sv text;
    switch (anm_scan_peek(s)) {
    case '{': return skip_nested(s, '}', err);
    case '[': return skip_nested(s, ']', err);
    case '"': return anm_scan_string(s, &text, err);
    case 't': return skip_word(s, "true", err);
    case 'f': return skip_word(s, "false", err);
    case 'n': return skip_word(s, "null", err);
    default: break;
    }
    if (s->at == s->size) return fail_here(s, "the text ends where a value is expected", err);
    return skip_number(s, err);
}

anm_status anm_scan_end(anm_scan *s, anm_error *err) {
    anm_scan_peek(s);
    return s->at == s->size ? ANM_OK : fail_here(s, "text after the value", err);
}
