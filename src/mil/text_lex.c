/* SPDX-License-Identifier: MIT */
/* The cursor of the text parser: white space, words, numbers, strings, and where errors are. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/mil/text_number.h"
#include "src/mil/text_reader.h"

void anm_mil_reader_free(anm_mil_reader *r) {
    anm_map_free(&r->names);
    anm_map_free(&r->values);
    anm_vec_free(&r->scope);
    anm_vec_free(&r->stack);
    anm_vec_free(&r->bytes);
}

anm_status anm_mil_reader_fail(anm_mil_reader *r, anm_status status, const char *at,
                               const char *fmt, ...) {
    char message[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    size_t line = 1;
    const char *line_start = r->text;
    for (const char *p = r->text; p < at; p++) {
        if (*p != '\n') continue;
        line++;
        line_start = p + 1;
    }
    return anm_fail_at(r->err, status, r->where, (uint64_t)(at - r->text),
                       "line %zu, column %zu: %s", line, (size_t)(at - line_start) + 1, message);
}

static bool is_word_start(char c) {
    return isalpha((unsigned char)c) || c == '_';
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

anm_status anm_mil_reader_expected(anm_mil_reader *r, const char *what) {
    anm_mil_reader_skip(r);
    if (r->at == r->end)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "expected %s, found the end", what);
    int length = 1;
    while (is_word(*r->at) && length < 40 && r->at + length < r->end && is_word(r->at[length]))
        length++;
    if (!isprint((unsigned char)*r->at))
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "expected %s, found byte 0x%02x",
                                   what, (unsigned)(unsigned char)*r->at);
    return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "expected %s, found '%.*s'", what,
                               length, r->at);
}

void anm_mil_reader_skip(anm_mil_reader *r) {
    for (; r->at < r->end; r->at++) {
        if (*r->at == '/' && r->end - r->at > 1 && r->at[1] == '/') {
            const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
            r->at = newline ? newline : r->end - 1;
        } else if (*r->at != ' ' && *r->at != '\n' && *r->at != '\t' && *r->at != '\r') {
            return;
        }
    }
}

bool anm_mil_reader_at(anm_mil_reader *r, const char *token) {
    size_t length = strlen(token);
    anm_mil_reader_skip(r);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, token, length) != 0) return false;
    return !is_word(token[0]) || r->at + length == r->end || !is_word(r->at[length]);
}

bool anm_mil_reader_take(anm_mil_reader *r, const char *token) {
    if (!anm_mil_reader_at(r, token)) return false;
    r->at += strlen(token);
    return true;
}

anm_status anm_mil_reader_expect(anm_mil_reader *r, const char *token) {
    char what[24];
    if (anm_mil_reader_take(r, token)) return ANM_OK;
    snprintf(what, sizeof what, "'%s'", token);
    return anm_mil_reader_expected(r, what);
}

anm_status anm_mil_reader_next_item(anm_mil_reader *r, const char *closing, bool *more) {
    char what[24];
    *more = anm_mil_reader_take(r, ",");
    if (*more || anm_mil_reader_take(r, closing)) return ANM_OK;
    snprintf(what, sizeof what, "',' or '%s'", closing);
    return anm_mil_reader_expected(r, what);
}

anm_sv anm_mil_reader_peek_word(anm_mil_reader *r) {
    anm_mil_reader_skip(r);
    const char *p = r->at;
    if (p < r->end && is_word_start(*p))
        while (p < r->end && is_word(*p)) p++;
    return (anm_sv){r->at, (size_t)(p - r->at)};
}

char anm_mil_reader_peek_after_word(anm_mil_reader *r) {
    anm_sv word = anm_mil_reader_peek_word(r);
    const char *start = r->at;
    r->at += word.len;
    anm_mil_reader_skip(r);
    char after = r->at < r->end ? *r->at : '\0';
    r->at = start;
    return after;
}

anm_status anm_mil_reader_word(anm_mil_reader *r, const char *what, const char **out) {
    anm_sv word = anm_mil_reader_peek_word(r);
    uint64_t known;
    if (!word.len) return anm_mil_reader_expected(r, what);
    r->at += word.len;
    if (anm_map_get(&r->names, word, &known)) {
        *out = (const char *)(uintptr_t)known;
        return ANM_OK;
    }
    char *copy = anm_arena_strndup(r->arena, word.data, word.len);
    if (!copy || !anm_map_put(&r->names, (anm_sv){copy, word.len}, (uint64_t)(uintptr_t)copy))
        return anm_fail_memory(r->err);
    *out = copy;
    return ANM_OK;
}

anm_sv anm_mil_reader_peek_number(anm_mil_reader *r) {
    anm_mil_reader_skip(r);
    const char *p = r->at;
    while (p < r->end && (is_word(*p) || *p == '.' || *p == '+' || *p == '-')) p++;
    return (anm_sv){r->at, (size_t)(p - r->at)};
}

anm_status anm_mil_reader_int(anm_mil_reader *r, const char *what, int64_t *out) {
    anm_mil_reader_skip(r);
    const char *p = r->at;
    while (p < r->end && isdigit((unsigned char)*p)) p++;
    anm_sv word = {r->at, (size_t)(p - r->at)};
    switch (anm_mil_text_read_int(word, true, 64, out)) {
    case ANM_MIL_NUMBER_OK: r->at = p; return ANM_OK;
    case ANM_MIL_NUMBER_RANGE:
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, r->at, "%s is too large", what);
    case ANM_MIL_NUMBER_SYNTAX: break;
    }
    return anm_mil_reader_expected(r, what);
}

/* One escape, the cursor behind its backslash. Octal: up to 3 digits; hexadecimal: up to 2. */
static anm_status read_escape(anm_mil_reader *r, char *out) {
    static const char letters[] = "ntrabfv\\\"'?", meant[] = "\n\t\r\a\b\f\v\\\"'?";
    const char *start = r->at - 1, *letter = NULL;
    unsigned value = 0;
    int digits = 0;
    if (r->at < r->end && *r->at) letter = strchr(letters, *r->at);
    if (letter) {
        r->at++;
        *out = meant[letter - letters];
        return ANM_OK;
    }
    if (r->at < r->end && *r->at == 'x') {
        for (r->at++; digits < 2 && r->at < r->end && isxdigit((unsigned char)*r->at); digits++) {
            value = value * 16 + (unsigned)anm_mil_text_hex_digit(*r->at++);
        }
    } else {
        for (; digits < 3 && r->at < r->end && *r->at >= '0' && *r->at <= '7'; digits++)
            value = value * 8 + (unsigned)(*r->at++ - '0');
    }
    if (!digits || value > 255)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start, "unknown escape in a string");
    *out = (char)value;
    return ANM_OK;
}

anm_status anm_mil_reader_string(anm_mil_reader *r, anm_sv *out) {
    if (!anm_mil_reader_at(r, "\"")) return anm_mil_reader_expected(r, "a string");
    const char *start = r->at++, *p = r->at;
    while (p < r->end && *p != '"') p += *p == '\\' && r->end - p > 1 ? 2 : 1;
    if (p == r->end)
        return anm_mil_reader_fail(r, ANM_ERROR_FORMAT, start, "a string without its end");
    /* Escapes only make it shorter. */
    char *copy = anm_arena_alloc(r->arena, (size_t)(p - r->at) + 1);
    size_t length = 0;
    if (!copy) return anm_fail_memory(r->err);
    while (r->at < p) {
        char c = *r->at++;
        if (c == '\\') ANM_TRY(read_escape(r, &c));
        copy[length++] = c;
    }
    r->at = p + 1;
    *out = (anm_sv){copy, length};
    return ANM_OK;
}

anm_status anm_mil_reader_push(anm_mil_reader *r, const void *item) {
    return anm_vec_push(&r->stack, item) ? ANM_OK : anm_fail_memory(r->err);
}

anm_status anm_mil_reader_pop_all(anm_mil_reader *r, size_t base, void *array, size_t *count) {
    size_t n = r->stack.len - base;
    const void **copy = ANM_ARENA_ARRAY(r->arena, const void *, n);
    if (!copy) return anm_fail_memory(r->err);
    if (n) memcpy(copy, r->stack.data + base, n * sizeof *copy);
    r->stack.len = base;
    memcpy(array, &copy, sizeof copy);
    *count = n;
    return ANM_OK;
}
