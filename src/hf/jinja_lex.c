/* SPDX-License-Identifier: MIT */
/*
 * The lexer: splits a template into text and tags, applies whitespace control and splits the tags
 * into tokens. Configured as transformers configures Jinja2: trim_blocks and lstrip_blocks are on.
 */
#include "src/hf/jinja_lex.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/hf/jinja.h"
#include "src/hf/jinja_utf8.h"

typedef struct lexer {
    anm_arena *arena;
    const jinja_source *source;
    anm_sv in;
    size_t at;
    bool line_start; /* what was consumed last ended a line, or nothing was consumed yet */
    jinja_tokens *tokens;
    ANM_VEC(char) brackets; /* open ( [ { inside a tag */
    anm_error *err;
} lexer;

#define lex_fail(l, pos, ...)                                                                      \
    anm_jinja_fail((l)->err, ANM_ERROR_FORMAT, (l)->source, (uint32_t)(pos), __VA_ARGS__)

anm_status anm_jinja_fail_impl(anm_error *err, anm_status status, const char *code,
                               const jinja_source *source, uint32_t pos, const char *fmt, ...) {
    char text[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    int line = 1;
    size_t start = 0;
    for (size_t i = 0; i < pos && i < source->text.len; i++)
        if (source->text.data[i] == '\n') line++, start = i + 1;
    size_t column = anm_jinja_utf8_length((anm_sv){source->text.data + start, pos - start}) + 1;
    return anm_fail_impl(err, status, code, source->name, source->exact ? pos : ANM_NO_OFFSET,
                         "line %d, column %zu: %s", line, column, text);
}

/* \r\n and \r become \n; one newline at the end is dropped, as Jinja2 does. */
static size_t copy_normalized(char *out, const char *text, size_t len) {
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') continue;
        out[used++] = text[i] == '\r' ? '\n' : text[i];
    }
    return used && out[used - 1] == '\n' ? used - 1 : used;
}

anm_status anm_jinja_source_init(anm_arena *arena, const char *name, const char *text, size_t len,
                                 jinja_source *source, anm_error *err) {
    if (len > JINJA_MAX_TEMPLATE)
        return anm_fail(err, ANM_ERROR_LIMIT, name, "the template is larger than %d bytes",
                        JINJA_MAX_TEMPLATE);
    size_t bad = anm_jinja_utf8_check(text, len);
    if (bad < len)
        return anm_fail_at(err, ANM_ERROR_FORMAT, name, bad, "the template is not UTF-8");
    char *copy = anm_arena_alloc(arena, len + 1);
    source->name = anm_arena_strdup(arena, name);
    if (!copy || !source->name) return anm_fail_memory(err);
    source->text = (anm_sv){copy, copy_normalized(copy, text, len)};
    source->exact = memchr(text, '\r', len) == NULL;
    return ANM_OK;
}

static char peek(const lexer *l, size_t ahead) {
    return l->at + ahead < l->in.len ? l->in.data[l->at + ahead] : '\0';
}

static bool looking_at(const lexer *l, size_t at, const char *text) {
    size_t n = strlen(text);
    return n <= l->in.len - at && memcmp(l->in.data + at, text, n) == 0;
}

static anm_status push(lexer *l, jinja_token_kind kind, size_t pos, anm_sv text) {
    jinja_token token = {kind, (uint32_t)pos, text};
    return anm_vec_push(l->tokens, token) ? ANM_OK : anm_fail_memory(l->err);
}

static void skip_space(lexer *l) {
    anm_sv rest = {l->in.data + l->at, l->in.len - l->at};
    l->at = l->in.len - anm_jinja_utf8_trim_left(rest).len;
}

/* Moves past a tag's end of `size` bytes and what its whitespace control takes. */
static void end_tag(lexer *l, size_t size, bool strip, bool trim_newline) {
    l->at += size;
    if (strip)
        skip_space(l);
    else if (trim_newline && peek(l, 0) == '\n')
        l->at++;
    l->line_start = l->in.data[l->at - 1] == '\n';
}

/* Text from `start` to the tag at l->at, shortened as the tag's sign and lstrip_blocks ask. */
static anm_status push_data(lexer *l, size_t start, char sign, bool is_print, bool line_start) {
    anm_sv text = {l->in.data + start, l->at - start};
    if (sign == '-') {
        text = anm_jinja_utf8_trim_right(text);
    } else if (sign != '+' && !is_print) {
        size_t line = text.len;
        while (line && text.data[line - 1] != '\n') line--;
        anm_sv tail = {text.data + line, text.len - line};
        if ((line || line_start) && anm_jinja_utf8_trim_left(tail).len == 0) text.len = line;
    }
    return text.len ? push(l, JINJA_T_DATA, start, text) : ANM_OK;
}

static size_t find(const lexer *l, size_t from, const char *text) {
    const char *hit = memmem(l->in.data + from, l->in.len - from, text, strlen(text));
    return hit ? (size_t)(hit - l->in.data) : l->in.len;
}

/* The comment's text starts at `body`, after the opening sign. */
static anm_status skip_comment(lexer *l, size_t body) {
    size_t end = find(l, body, "#}");
    if (end == l->in.len) return lex_fail(l, l->at, "comment without end: expected \"#}\"");
    char sign = end > body ? l->in.data[end - 1] : '\0';
    l->at = end;
    end_tag(l, 2, sign == '-', sign != '+');
    return ANM_OK;
}

/* After "{%": the keyword and the end of a raw or endraw tag; false, not moving, for others. */
static bool raw_tag(const lexer *l, size_t at, const char *keyword, size_t *end, char *sign) {
    anm_sv rest = anm_jinja_utf8_trim_left((anm_sv){l->in.data + at, l->in.len - at});
    size_t n = strlen(keyword);
    if (rest.len < n || memcmp(rest.data, keyword, n) != 0) return false;
    rest = anm_jinja_utf8_trim_left((anm_sv){rest.data + n, rest.len - n});
    *sign = rest.len && (rest.data[0] == '-' || rest.data[0] == '+') ? rest.data[0] : '\0';
    size_t skip = *sign ? 1 : 0;
    if (rest.len < skip + 2 || memcmp(rest.data + skip, "%}", 2) != 0) return false;
    *end = (size_t)(rest.data - l->in.data) + skip;
    return true;
}

static size_t after_sign(const lexer *l, size_t at, char *sign) {
    *sign = at < l->in.len ? l->in.data[at] : '\0';
    if (*sign == '-' || *sign == '+') return at + 1;
    *sign = '\0';
    return at;
}

/* The text of a raw block, whose opening tag ends at `end`. */
static anm_status lex_raw(lexer *l, size_t end, char sign) {
    size_t begin = l->at;
    l->at = end;
    end_tag(l, 2, sign == '-', false);
    size_t start = l->at;
    bool line_start = l->line_start;
    for (size_t at = find(l, start, "{%"); at < l->in.len; at = find(l, at + 2, "{%")) {
        char before;
        size_t body = after_sign(l, at + 2, &before);
        if (!raw_tag(l, body, "endraw", &end, &sign)) continue;
        l->at = at;
        ANM_TRY(push_data(l, start, before, false, line_start));
        l->at = end;
        end_tag(l, 2, sign == '-', sign != '+');
        return ANM_OK;
    }
    return lex_fail(l, begin, "raw block without end: expected {%% endraw %%}");
}

static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static anm_status lex_name(lexer *l) {
    size_t start = l->at;
    while (l->at < l->in.len && (is_name_start(peek(l, 0)) || is_digit(peek(l, 0)))) l->at++;
    return push(l, JINJA_T_NAME, start, (anm_sv){l->in.data + start, l->at - start});
}

static void skip_digits(lexer *l, const char *digits) {
    while (peek(l, 0) && (strchr(digits, peek(l, 0)) ||
                          (peek(l, 0) == '_' && peek(l, 1) && strchr(digits, peek(l, 1)))))
        l->at++;
}

static const char decimal[] = "0123456789";

/* ".5" and "e3" after the digits; not after a dot: in a.0.1 both numbers are indices. */
static bool skip_fraction(lexer *l, size_t start) {
    bool found = false;
    if (start && l->in.data[start - 1] == '.') return false;
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        l->at++;
        skip_digits(l, decimal);
        found = true;
    }
    size_t sign = peek(l, 1) == '+' || peek(l, 1) == '-';
    if ((peek(l, 0) | 0x20) == 'e' && is_digit(peek(l, 1 + sign))) {
        l->at += 1 + sign;
        skip_digits(l, decimal);
        found = true;
    }
    return found;
}

static anm_status lex_number(lexer *l) {
    size_t start = l->at;
    char base = peek(l, 0) == '0' ? (char)(peek(l, 1) | 0x20) : '\0';
    const char *digits = base == 'x'   ? "0123456789abcdefABCDEF"
                         : base == 'o' ? "01234567"
                         : base == 'b' ? "01"
                                       : NULL;
    bool fraction = false;
    if (digits && peek(l, 2) && strchr(digits, peek(l, 2))) {
        l->at += 2;
        skip_digits(l, digits);
    } else {
        skip_digits(l, decimal);
        fraction = skip_fraction(l, start);
    }
    anm_sv text = {l->in.data + start, l->at - start};
    return push(l, fraction ? JINJA_T_FLOAT : JINJA_T_INT, start, text);
}

static int digit_value(char c) {
    if (is_digit(c)) return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Up to `max` digits of `base` at *at; at least `min`, else nothing is read. */
static bool read_code(anm_sv text, size_t *at, int base, size_t min, size_t max, uint32_t *code) {
    size_t n = 0;
    uint32_t value = 0;
    while (n < max && *at + n < text.len && digit_value(text.data[*at + n]) < base)
        value = value * (uint32_t)base + (uint32_t)digit_value(text.data[*at + n++]);
    if (n < min) return false;
    *at += n;
    *code = value;
    return true;
}

/* One escape, `*at` standing after the backslash; an unknown one keeps its backslash. */
static size_t unescape(anm_sv text, size_t *at, char *out) {
    static const char names[] = "ntrabfv\\'\"", values[] = "\n\t\r\a\b\f\v\\'\"";
    char c = text.data[*at];
    const char *known = strchr(names, c);
    uint32_t code;
    if (c && known) return out[0] = values[known - names], ++*at, 1;
    if (c == '\n') return ++*at, 0;
    if (read_code(text, at, 8, 1, 3, &code)) return anm_jinja_utf8_put(out, code);
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, next = *at + 1;
    if (digits && read_code(text, &next, 16, digits, digits, &code)) {
        *at = next;
        return anm_jinja_utf8_put(out, code);
    }
    out[0] = '\\';
    return 1;
}

static anm_status push_string(lexer *l, size_t start, anm_sv raw) {
    if (raw.len == 0 || !memchr(raw.data, '\\', raw.len))
        return push(l, JINJA_T_STRING, start, raw);
    /* The shortest escape of a 2-byte character takes 3 bytes, so decoding never grows. */
    char *out = anm_arena_alloc(l->arena, raw.len + 4);
    if (!out) return anm_fail_memory(l->err);
    size_t used = 0;
    for (size_t at = 0; at < raw.len;) {
        if (raw.data[at] != '\\' || at + 1 == raw.len)
            out[used++] = raw.data[at++];
        else
            at++, used += unescape(raw, &at, out + used);
    }
    return push(l, JINJA_T_STRING, start, (anm_sv){out, used});
}

static anm_status lex_string(lexer *l) {
    size_t start = l->at++;
    char quote = l->in.data[start];
    while (l->at < l->in.len && l->in.data[l->at] != quote)
        l->at += l->in.data[l->at] == '\\' && l->at + 1 < l->in.len ? 2 : 1;
    if (l->at >= l->in.len) return lex_fail(l, start, "string without end: expected %c", quote);
    l->at++;
    return push_string(l, start, (anm_sv){l->in.data + start + 1, l->at - start - 2});
}

static anm_status track_bracket(lexer *l, char c, size_t pos) {
    static const char opening[] = "([{", closing[] = ")]}";
    if (strchr(opening, c))
        return anm_vec_push(&l->brackets, c) ? ANM_OK : anm_fail_memory(l->err);
    const char *hit = strchr(closing, c);
    if (!hit) return ANM_OK;
    if (!l->brackets.len) return lex_fail(l, pos, "unexpected \"%c\"", c);
    char open = l->brackets.data[--l->brackets.len];
    char wanted = closing[strchr(opening, open) - opening];
    if (wanted == c) return ANM_OK;
    return lex_fail(l, pos, "unexpected \"%c\": expected \"%c\"", c, wanted);
}

static anm_status lex_operator(lexer *l) {
    static const char *const operators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-",
                                            "/",  "*",  "%",  "~",  "[",  "]",  "(", ")",
                                            "{",  "}",  ">",  "<",  "=",  ".",  ":", "|",
                                            ",",  ";"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!looking_at(l, l->at, operators[i])) continue;
        size_t start = l->at, n = strlen(operators[i]);
        ANM_TRY(track_bracket(l, l->in.data[start], start));
        l->at += n;
        return push(l, JINJA_T_OP, start, (anm_sv){l->in.data + start, n});
    }
    return lex_fail(l, l->at, "unexpected character in a tag");
}

/* The end of the tag at l->at, unless a bracket is open: "}}" may close two dictionaries. */
static bool try_end(lexer *l, bool is_print, anm_status *status) {
    if (l->brackets.len) return false;
    char sign;
    size_t at = after_sign(l, l->at, &sign), start = l->at;
    if ((sign == '+' && is_print) || !looking_at(l, at, is_print ? "}}" : "%}")) return false;
    l->at = at;
    end_tag(l, 2, sign == '-', !is_print && sign != '+');
    *status = push(l, is_print ? JINJA_T_PRINT_END : JINJA_T_BLOCK_END, start,
                   (anm_sv){l->in.data + at, 2});
    return true;
}

static anm_status lex_tag(lexer *l, size_t begin, bool is_print) {
    anm_status status = ANM_OK;
    l->brackets.len = 0;
    ANM_TRY(push(l, is_print ? JINJA_T_PRINT_BEGIN : JINJA_T_BLOCK_BEGIN, begin,
                 (anm_sv){l->in.data + begin, 2}));
    while (status == ANM_OK) {
        skip_space(l);
        if (l->at >= l->in.len)
            return lex_fail(l, begin, "tag without end: expected \"%s\"", is_print ? "}}" : "%}");
        if (try_end(l, is_print, &status)) return status;
        char c = peek(l, 0);
        if (is_name_start(c))
            status = lex_name(l);
        else if (is_digit(c))
            status = lex_number(l);
        else if (c == '"' || c == '\'')
            status = lex_string(l);
        else
            status = lex_operator(l);
    }
    return status;
}

static bool opens_tag(const char *at) {
    return at[0] == '{' && (at[1] == '{' || at[1] == '%' || at[1] == '#');
}

static size_t next_tag(const lexer *l) {
    size_t at = l->at;
    while (at + 1 < l->in.len && !opens_tag(l->in.data + at)) at++;
    return at + 1 < l->in.len ? at : l->in.len;
}

/* One stretch of text and the tag after it. */
static anm_status lex_piece(lexer *l) {
    size_t start = l->at, begin = next_tag(l);
    bool line_start = l->line_start;
    l->at = begin;
    if (begin == l->in.len)
        return push(l, JINJA_T_DATA, start, (anm_sv){l->in.data + start, begin - start});
    char type = l->in.data[begin + 1], sign;
    size_t body = after_sign(l, begin + 2, &sign), end;
    ANM_TRY(push_data(l, start, sign, type == '{', line_start));
    if (type == '#') return skip_comment(l, body);
    char raw_sign;
    if (type == '%' && raw_tag(l, body, "raw", &end, &raw_sign)) return lex_raw(l, end, raw_sign);
    l->at = body;
    return lex_tag(l, begin, type == '{');
}

anm_status anm_jinja_lex(anm_arena *arena, const jinja_source *source, jinja_tokens *tokens,
                         anm_error *err) {
    lexer l = {.arena = arena, .source = source, .in = source->text, .line_start = true,
               .tokens = tokens, .err = err};
    anm_status status = ANM_OK;
    while (status == ANM_OK && l.at < l.in.len) status = lex_piece(&l);
    if (status == ANM_OK) status = push(&l, JINJA_T_EOF, l.in.len, (anm_sv){"", 0});
    anm_vec_free(&l.brackets);
    return status;
}
