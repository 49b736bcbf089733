/* SPDX-License-Identifier: MIT */
/*
 * GBNF, llama.cpp's notation of grammars, to expressions. A rule ends with its line, unless the
 * line ends within parentheses or after "|", or the next one begins with "|".
 */
#include "src/grammar/gbnf.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/grammar/grammar_place.h"
#include "src/hf/tok_unicode.h"

enum { MAX_NESTING = 200 };

typedef struct reader {
    anm_grammar_book *book;
    anm_sv text;
    size_t at;
    int depth;
    const char *where;
    anm_error *err;
} reader;

static ANM_PRINTF(3, 4) anm_status raise_at(reader *r, size_t at, const char *fmt, ...) {
    char message[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    anm_text_place place = anm_text_place_of(r->text, at);
    return anm_fail_at(r->err, ANM_ERROR_FORMAT, r->where, at, "line %zu, column %zu: %s",
                       place.line, place.column, message);
}

static int peek(const reader *r) {
    return r->at < r->text.len ? (unsigned char)r->text.data[r->at] : -1;
}

static bool ahead(const reader *r, const char *text) {
    size_t len = strlen(text);
    return r->text.len - r->at >= len && memcmp(r->text.data + r->at, text, len) == 0;
}

static void skip(reader *r, bool newlines) {
    for (int c; (c = peek(r)) >= 0; r->at++) {
        if (c == '#') {
            while (peek(r) >= 0 && peek(r) != '\n') r->at++;
            if (peek(r) < 0) return;
            c = '\n';
        }
        if (c != ' ' && c != '\t' && c != '\r' && !(newlines && c == '\n')) return;
    }
}

/* --- characters --- */

static int hex_digit(int c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static anm_status hex(reader *r, int digits, uint32_t *out) {
    size_t start = r->at;
    *out = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        int digit = hex_digit(peek(r));
        if (digit < 0) return raise_at(r, start, "expected %d hexadecimal digits", digits);
        *out = *out * 16 + (uint32_t)digit;
    }
    if (*out <= ANM_CHAR_LAST && (*out < 0xD800 || *out > 0xDFFF)) return ANM_OK;
    return raise_at(r, start, "U+%X is not a character", *out);
}

static anm_status escape(reader *r, uint32_t *out) {
    int c = peek(r);
    if (c < 0) return raise_at(r, r->at, "the text ends within an escape");
    r->at++;
    switch (c) {
    case 'n': *out = '\n'; return ANM_OK;
    case 'r': *out = '\r'; return ANM_OK;
    case 't': *out = '\t'; return ANM_OK;
    case 'x': return hex(r, 2, out);
    case 'u': return hex(r, 4, out);
    case 'U': return hex(r, 8, out);
    case '"':
    case '\\':
    case '[':
    case ']':
    case '-':
    case '^': *out = (uint32_t)c; return ANM_OK;
    default: break;
    }
    return raise_at(r, r->at - 2, "unknown escape \"\\%c\"", c >= 0x20 && c < 0x7F ? c : '?');
}

/* One character of a literal or class, escapes read. */
static anm_status character(reader *r, uint32_t *out) {
    size_t width;
    if (peek(r) < 0) return raise_at(r, r->at, "the text ends within quotes or brackets");
    if (peek(r) == '\n') return raise_at(r, r->at, "the line ends within quotes or brackets");
    if (peek(r) == '\\') {
        r->at++;
        return escape(r, out);
    }
    if (anm_utf8_next(r->text.data + r->at, r->text.len - r->at, &width) != ANM_UTF8_VALID)
        return raise_at(r, r->at, "this is not UTF-8");
    *out = anm_utf8_get(r->text.data + r->at, &width);
    r->at += width;
    return ANM_OK;
}

static anm_status literal(reader *r, const anm_expr **out) {
    anm_strbuf text = {0};
    anm_status status = ANM_OK;
    uint32_t c = 0;
    r->at++;
    while (status == ANM_OK && peek(r) != '"') {
        status = character(r, &c);
        if (status == ANM_OK) anm_utf8_append(&text, c);
    }
    r->at++;
    if (text.failed) status = anm_fail_memory(r->err);
    if (status == ANM_OK) *out = anm_expr_literal(r->book, anm_strbuf_cstr(&text), text.len);
    anm_strbuf_free(&text);
    return status;
}

static anm_status range(reader *r, anm_char_range *out) {
    size_t start = r->at;
    ANM_TRY(character(r, &out->first));
    out->last = out->first;
    if (peek(r) != '-' || r->at + 1 >= r->text.len || r->text.data[r->at + 1] == ']')
        return ANM_OK;
    r->at++;
    ANM_TRY(character(r, &out->last));
    if (out->last >= out->first) return ANM_OK;
    return raise_at(r, start, "the range ends before it begins");
}

static anm_status char_class(reader *r, const anm_expr **out) {
    anm_char_ranges ranges = {0};
    anm_status status = ANM_OK;
    r->at++;
    bool negate = peek(r) == '^';
    if (negate) r->at++;
    while (status == ANM_OK && peek(r) != ']') {
        anm_char_range one;
        status = range(r, &one);
        if (status == ANM_OK && !anm_vec_push(&ranges, one)) status = anm_fail_memory(r->err);
    }
    r->at++;
    if (status == ANM_OK) *out = anm_expr_chars(r->book, ranges.data, ranges.len, negate);
    anm_vec_free(&ranges);
    return status;
}

/* --- expressions --- */

static anm_status alternates(reader *r, const anm_expr **out);

static bool is_name(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

static anm_sv name(reader *r) {
    size_t start = r->at;
    while (is_name(peek(r))) r->at++;
    return (anm_sv){r->text.data + start, r->at - start};
}

static anm_status group(reader *r, const anm_expr **out) {
    size_t start = r->at++;
    if (++r->depth > MAX_NESTING) return raise_at(r, start, "groups nest too deeply");
    skip(r, true);
    ANM_TRY(alternates(r, out));
    if (peek(r) != ')') return raise_at(r, r->at, "expected \")\"");
    r->at++;
    r->depth--;
    return ANM_OK;
}

/* *done when no part begins here. */
static anm_status atom(reader *r, const anm_expr **out, bool *done) {
    static const anm_char_range all = {0, ANM_CHAR_LAST};
    int c = peek(r);
    *done = false;
    if (c == '"') return literal(r, out);
    if (c == '[') return char_class(r, out);
    if (c == '(') return group(r, out);
    if (c == '.') {
        r->at++;
        *out = anm_expr_chars(r->book, &all, 1, false);
        return ANM_OK;
    }
    *done = !is_name(c);
    if (*done) return ANM_OK;
    size_t start = r->at;
    uint32_t rule = anm_book_rule(r->book, name(r), start);
    *out = anm_expr_rule(r->book, rule);
    return ANM_OK;
}

static anm_status number(reader *r, int32_t *out) {
    size_t start = r->at;
    int32_t value = 0;
    while (peek(r) >= '0' && peek(r) <= '9') {
        value = value * 10 + (r->text.data[r->at++] - '0');
        if (value > ANM_EXPR_MAX_REPEAT)
            return raise_at(r, start, "more than %d repetitions", ANM_EXPR_MAX_REPEAT);
    }
    *out = value;
    return r->at > start ? ANM_OK : raise_at(r, start, "expected a number");
}

/* "{m}", "{m,}", "{m,n}" or "{,n}". */
static anm_status counts(reader *r, int32_t *min, int32_t *max) {
    size_t start = r->at++;
    *min = 0;
    skip(r, false);
    if (peek(r) != ',') ANM_TRY(number(r, min));
    skip(r, false);
    *max = *min;
    if (peek(r) == ',') {
        r->at++;
        skip(r, false);
        *max = ANM_EXPR_UNBOUNDED;
        if (peek(r) != '}') ANM_TRY(number(r, max));
        skip(r, false);
    }
    if (peek(r) != '}') return raise_at(r, r->at, "expected \"}\"");
    r->at++;
    return *max >= *min ? ANM_OK : raise_at(r, start, "the most is less than the least");
}

static anm_status repetition(reader *r, const anm_expr **item) {
    int32_t min = 0, max = ANM_EXPR_UNBOUNDED;
    switch (peek(r)) {
    case '*': r->at++; break;
    case '+': r->at++, min = 1; break;
    case '?': r->at++, max = 1; break;
    case '{': ANM_TRY(counts(r, &min, &max)); break;
    default: return ANM_OK;
    }
    *item = anm_expr_repeat(r->book, *item, min, max);
    /* Repetitions can stack up, each a level for the compiler. */
    if (++r->depth > MAX_NESTING) return raise_at(r, r->at, "repetitions nest too deeply");
    anm_status status = repetition(r, item);
    r->depth--;
    return status;
}

static anm_status sequence(reader *r, const anm_expr **out) {
    bool nested = r->depth > 0;
    *out = anm_expr_empty();
    for (;;) {
        const anm_expr *item = anm_expr_empty();
        bool done;
        ANM_TRY(atom(r, &item, &done));
        if (done) return ANM_OK;
        skip(r, nested);
        ANM_TRY(repetition(r, &item));
        *out = anm_expr_seq(r->book, *out, item);
        skip(r, nested);
    }
}

static anm_status alternates(reader *r, const anm_expr **out) {
    ANM_TRY(sequence(r, out));
    for (;;) {
        size_t end = r->at;
        const anm_expr *more;
        skip(r, true);
        if (peek(r) != '|') {
            r->at = end;
            return ANM_OK;
        }
        r->at++;
        skip(r, true);
        ANM_TRY(sequence(r, &more));
        *out = anm_expr_alt(r->book, *out, more);
    }
}

static anm_status rule(reader *r) {
    size_t start = r->at;
    const anm_expr *body;
    anm_sv called = name(r);
    if (!called.len) return raise_at(r, start, "expected a rule's name");
    uint32_t index = anm_book_rule(r->book, called, start);
    if (r->book->failed) return anm_fail_memory(r->err);
    skip(r, false);
    if (!ahead(r, "::=")) return raise_at(r, r->at, "expected \"::=\"");
    r->at += 3;
    skip(r, true);
    ANM_TRY(alternates(r, &body));
    skip(r, false);
    if (peek(r) >= 0 && peek(r) != '\n')
        return raise_at(r, r->at, "expected a part of the rule, or the end of the line");
    if (r->book->rules.data[index].body)
        return raise_at(r, start, "the rule \"%.*s\" is defined twice", ANM_SV(called));
    r->book->rules.data[index].defined_at = start;
    anm_book_define(r->book, index, body);
    return ANM_OK;
}

anm_status anm_gbnf_read(anm_grammar_book *book, anm_sv text, const char *where, anm_error *err) {
    reader r = {.book = book, .text = text, .where = where, .err = err};
    for (skip(&r, true); peek(&r) >= 0; skip(&r, true)) ANM_TRY(rule(&r));
    return book->failed ? anm_fail_memory(err) : ANM_OK;
}
