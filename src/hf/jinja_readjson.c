/* SPDX-License-Identifier: MIT */
/*
 * Reads a JSON text into template values. jansson is not used here because it refuses zero
 * characters in keys, which template contexts may have; values also need no second form this way.
 */
#include <errno.h>
#include <stdlib.h>

#include "src/hf/jinja_run.h"
#include "src/hf/jinja_utf8.h"

typedef struct reader {
    jinja_run *run;
    const char *where;
    anm_sv in;
    size_t at;
} reader;

#define read_fail(r, code, pos, ...)                                                               \
    ((r)->run->status = anm_fail_at((r)->run->err, (code), (r)->where, (pos), __VA_ARGS__), false)

static bool read_value(reader *r, int depth, jinja_value *out);

static char peek(const reader *r) {
    return r->at < r->in.len ? r->in.data[r->at] : '\0';
}

static void skip_space(reader *r) {
    while (r->at < r->in.len && (peek(r) == ' ' || peek(r) == '\n' || peek(r) == '\t' ||
                                 peek(r) == '\r'))
        r->at++;
}

static bool expect(reader *r, char c) {
    skip_space(r);
    if (r->at < r->in.len && r->in.data[r->at] == c) return r->at++, true;
    return read_fail(r, ANM_ERROR_FORMAT, r->at, "invalid JSON: expected \"%c\"", c);
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex4(reader *r, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int digit = hex(peek(r));
        if (digit < 0) return read_fail(r, ANM_ERROR_FORMAT, r->at, "invalid JSON: bad \\u escape");
        *code = *code * 16 + (uint32_t)digit;
    }
    return true;
}

/* After "\u". A surrogate without its partner becomes U+FFFD. */
static bool read_unicode(reader *r, char *out, size_t *used) {
    uint32_t code, low;
    if (!read_hex4(r, &code)) return false;
    bool high = code >= 0xd800 && code < 0xdc00;
    if (high && r->in.len - r->at >= 2 && memcmp(r->in.data + r->at, "\\u", 2) == 0) {
        size_t back = r->at;
        r->at += 2;
        if (!read_hex4(r, &low)) return false;
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            r->at = back;
    }
    *used += anm_jinja_utf8_put(out + *used, code);
    return true;
}

static bool read_escape(reader *r, char *out, size_t *used) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = peek(r);
    const char *known = c ? strchr(names, c) : NULL;
    if (!known && c != 'u')
        return read_fail(r, ANM_ERROR_FORMAT, r->at, "invalid JSON: unknown escape");
    r->at++;
    if (!known) return read_unicode(r, out, used);
    out[(*used)++] = values[known - names];
    return true;
}

/* The end of the string that starts after the quote at r->at; false when there is none. */
static bool string_end(reader *r, size_t *end) {
    size_t at = r->at + 1;
    while (at < r->in.len && r->in.data[at] != '"') {
        if ((unsigned char)r->in.data[at] < 0x20)
            return read_fail(r, ANM_ERROR_FORMAT, at, "invalid JSON: control character");
        at += r->in.data[at] == '\\' ? 2 : 1;
    }
    *end = at;
    return at < r->in.len ||
           read_fail(r, ANM_ERROR_FORMAT, r->at, "invalid JSON: string without end");
}

static bool read_string(reader *r, jinja_value *out) {
    size_t end, used = 0;
    if (!string_end(r, &end)) return false;
    char *text = anm_jinja_alloc(r->run, end - r->at, 1);
    if (!text) return false;
    for (r->at++; r->at < end;) {
        if (peek(r) == '\\') {
            r->at++;
            if (!read_escape(r, text, &used)) return false;
        } else {
            text[used++] = r->in.data[r->at++];
        }
    }
    r->at++;
    *out = jinja_string((anm_sv){text, used});
    return true;
}

static bool skip_digits(reader *r) {
    size_t start = r->at;
    while (peek(r) >= '0' && peek(r) <= '9') r->at++;
    return r->at > start;
}

static bool read_number(reader *r, jinja_value *out) {
    size_t start = r->at;
    bool real = false, valid;
    r->at += peek(r) == '-';
    bool zero = peek(r) == '0';
    size_t digits = r->at;
    valid = skip_digits(r) && !(zero && r->at - digits > 1);
    if (valid && peek(r) == '.') real = true, r->at++, valid = skip_digits(r);
    if (valid && (peek(r) | 0x20) == 'e') {
        real = true;
        r->at++;
        r->at += peek(r) == '-' || peek(r) == '+';
        valid = skip_digits(r);
    }
    if (!valid) return read_fail(r, ANM_ERROR_FORMAT, start, "invalid JSON: bad number");
    char *copy = anm_jinja_alloc(r->run, r->at - start + 1, 1);
    if (!copy) return false;
    memcpy(copy, r->in.data + start, r->at - start);
    if (real) return *out = jinja_float(anm_jinja_read_float(copy)), true;
    errno = 0;
    *out = jinja_int(strtoll(copy, NULL, 10));
    return errno != ERANGE ||
           read_fail(r, ANM_ERROR_LIMIT, start, "the number does not fit in 64 bits");
}

static bool read_word(reader *r, jinja_value *out) {
    static const struct {
        const char *name;
        jinja_value value;
    } words[] = {{"true", {.kind = JINJA_BOOL, .truth = true}},
                 {"false", {.kind = JINJA_BOOL, .truth = false}},
                 {"null", {.kind = JINJA_NONE}}};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i].name);
        if (r->in.len - r->at < n || memcmp(r->in.data + r->at, words[i].name, n) != 0) continue;
        r->at += n;
        *out = words[i].value;
        return true;
    }
    return read_fail(r, ANM_ERROR_FORMAT, r->at, "invalid JSON: expected a value");
}

static bool read_array(reader *r, int depth, jinja_value *out) {
    jinja_value item;
    if (!anm_jinja_list_new(r->run, JINJA_LIST, 0, out)) return false;
    r->at++;
    skip_space(r);
    if (peek(r) == ']') return r->at++, true;
    for (;;) {
        if (!read_value(r, depth, &item) || !anm_jinja_list_push(r->run, out->list, item))
            return false;
        skip_space(r);
        if (peek(r) != ',') return expect(r, ']');
        r->at++;
    }
}

static bool read_object(reader *r, int depth, jinja_value *out) {
    jinja_value key, value;
    if (!anm_jinja_dict_new(r->run, JINJA_DICT, out)) return false;
    r->at++;
    skip_space(r);
    if (peek(r) == '}') return r->at++, true;
    for (;;) {
        skip_space(r);
        if (peek(r) != '"')
            return read_fail(r, ANM_ERROR_FORMAT, r->at, "invalid JSON: expected a key in quotes");
        if (!read_string(r, &key) || !expect(r, ':') || !read_value(r, depth, &value) ||
            !anm_jinja_dict_put(r->run, out->dict, key, value))
            return false;
        skip_space(r);
        if (peek(r) != ',') return expect(r, '}');
        r->at++;
    }
}

static bool read_value(reader *r, int depth, jinja_value *out) {
    skip_space(r);
    if (depth > JINJA_MAX_VALUE_DEPTH)
        return read_fail(r, ANM_ERROR_LIMIT, r->at, "values are nested deeper than %d levels",
                         JINJA_MAX_VALUE_DEPTH);
    char c = peek(r);
    if (c == '{') return read_object(r, depth + 1, out);
    if (c == '[') return read_array(r, depth + 1, out);
    if (c == '"') return read_string(r, out);
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, out);
    return read_word(r, out);
}

bool anm_jinja_read_json(jinja_run *run, anm_sv json, const char *where, jinja_value *out) {
    reader r = {.run = run, .where = where, .in = json};
    size_t bad = anm_jinja_utf8_check(json.data, json.len);
    if (bad < json.len) return read_fail(&r, ANM_ERROR_FORMAT, bad, "invalid JSON: not UTF-8");
    if (!read_value(&r, 0, out)) return false;
    skip_space(&r);
    return r.at == json.len ||
           read_fail(&r, ANM_ERROR_FORMAT, r.at, "invalid JSON: text after the value");
}
