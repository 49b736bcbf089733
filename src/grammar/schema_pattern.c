/* SPDX-License-Identifier: MIT */
/*
 * Patterns: the regular part of JavaScript's expressions. A pattern that is not tied to the ends
 * by ^ and $ matches anywhere, so any text may stand around it.
 */
#include "src/grammar/schema.h"

#include "src/hf/tok_unicode.h"

enum { MAX_NESTING = 100 };

typedef struct regex {
    anm_schema_maker *m;
    const char *text, *at;
    const anm_schema_path *path;
    int depth;
} regex;

static anm_status refuse(const regex *r, anm_status status, const char *what) {
    return anm_schema_fail(r->m, status, r->path, "at byte %zu of the pattern: %s",
                           (size_t)(r->at - r->text), what);
}

static anm_status unsupported(const regex *r, const char *what) {
    return refuse(r, ANM_ERROR_UNSUPPORTED, what);
}

static const anm_char_range digit_set[] = {{'0', '9'}};
static const anm_char_range word_set[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const anm_char_range space_set[] = {{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0},
                                           {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
                                           {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
                                           {0xFEFF, 0xFEFF}};
static const anm_char_range line_ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

typedef struct char_set {
    anm_char_ranges ranges;
    bool failed;
} char_set;

static void add(char_set *set, uint32_t first, uint32_t last) {
    if (!anm_vec_push(&set->ranges, ((anm_char_range){first, last}))) set->failed = true;
}

static void add_class(char_set *set, const anm_char_range *ranges, size_t count, bool negate) {
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (!negate) add(set, ranges[i].first, ranges[i].last);
        if (negate && ranges[i].first > next) add(set, next, ranges[i].first - 1);
        next = ranges[i].last + 1;
    }
    if (negate) add(set, next, ANM_CHAR_LAST);
}

/* \d and its like; false when the letter is none of them. */
static bool named_class(char_set *set, char letter) {
    switch (letter) {
    case 'd':
    case 'D': add_class(set, digit_set, 1, letter == 'D'); return true;
    case 'w':
    case 'W': add_class(set, word_set, 4, letter == 'W'); return true;
    case 's':
    case 'S':
        add_class(set, space_set, sizeof space_set / sizeof *space_set, letter == 'S');
        return true;
    default: return false;
    }
}

static anm_status hex(regex *r, int count, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < count; i++, r->at++) {
        const char *digits = "0123456789abcdef", *found;
        char lower = *r->at >= 'A' && *r->at <= 'F' ? (char)(*r->at + 32) : *r->at;
        found = lower ? strchr(digits, lower) : NULL;
        if (!found) return refuse(r, ANM_ERROR_FORMAT, "expected a hexadecimal digit");
        *out = *out * 16 + (uint32_t)(found - digits);
    }
    if (*out >= 0xD800 && *out < 0xE000) return unsupported(r, "half of a surrogate pair");
    return ANM_OK;
}

/* Behind a backslash: one character. */
static anm_status escaped(regex *r, uint32_t *out) {
    static const char names[] = "n\nr\rt\tf\fv\v";
    char c = *r->at;
    for (size_t i = 0; i < sizeof names - 1; i += 2)
        if (c == names[i]) {
            r->at++;
            *out = (uint32_t)names[i + 1];
            return ANM_OK;
        }
    if (c == 'x' || c == 'u') {
        r->at++;
        return *r->at == '{' ? unsupported(r, "\\u{...}") : hex(r, c == 'x' ? 2 : 4, out);
    }
    if (!c || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return unsupported(r, "this escape is not covered");
    *out = anm_utf8_get(r->at, &(size_t){0});
    r->at += anm_utf8_width((unsigned char)*r->at);
    return ANM_OK;
}

static anm_status character(regex *r, uint32_t *out) {
    size_t width;
    if (*r->at == '\\') {
        r->at++;
        return escaped(r, out);
    }
    *out = anm_utf8_get(r->at, &width);
    r->at += width;
    return ANM_OK;
}

/* One part of a class: a named class, a character, or a range. */
static anm_status class_part(regex *r, char_set *set) {
    uint32_t first, last;
    if (!*r->at) return refuse(r, ANM_ERROR_FORMAT, "the class has no \"]\"");
    if (*r->at == '\\' && named_class(set, r->at[1])) {
        r->at += 2;
        return ANM_OK;
    }
    if (*r->at == '\\' && r->at[1] == 'b') return unsupported(r, "\\b");
    ANM_TRY(character(r, &first));
    last = first;
    if (*r->at == '-' && r->at[1] && r->at[1] != ']') {
        r->at++;
        if (*r->at == '\\' && r->at[1] && strchr("dDwWsS", r->at[1]))
            return unsupported(r, "a range that ends with a class");
        ANM_TRY(character(r, &last));
        if (last < first) return refuse(r, ANM_ERROR_FORMAT, "the range ends before it begins");
    }
    add(set, first, last);
    return ANM_OK;
}

static anm_status finish_set(regex *r, char_set *set, bool negate, anm_status status,
                             const anm_expr **out) {
    if (set->failed) r->m->book->failed = true;
    if (status == ANM_OK)
        *out = anm_schema_chars(r->m->book, set->ranges.data, set->ranges.len, negate);
    anm_vec_free(&set->ranges);
    return status;
}

static anm_status char_class(regex *r, const anm_expr **out) {
    char_set set = {.failed = false};
    anm_status status = ANM_OK;
    bool negate = *++r->at == '^';
    if (negate) r->at++;
    while (status == ANM_OK && *r->at != ']') status = class_part(r, &set);
    if (status == ANM_OK) r->at++;
    return finish_set(r, &set, negate, status, out);
}

static anm_status one_character(regex *r, const anm_expr **out) {
    char_set set = {.failed = false};
    uint32_t c = 0;
    anm_status status = ANM_OK;
    bool negate = *r->at == '.';
    if (negate) {
        add_class(&set, line_ends, 3, false);
        r->at++;
    } else if (*r->at == '\\' && named_class(&set, r->at[1])) {
        r->at += 2;
    } else {
        status = character(r, &c);
        if (status == ANM_OK) add(&set, c, c);
    }
    return finish_set(r, &set, negate, status, out);
}

static anm_status alternation(regex *r, bool top, const anm_expr **out);

static anm_status group(regex *r, const anm_expr **out) {
    r->at++;
    if (*r->at == '?') {
        const char *name = r->at + 1;
        bool named = name[0] == '<' && name[1] != '=' && name[1] != '!';
        if (name[0] != ':' && !named) return unsupported(r, "looking ahead or behind");
        r->at = named ? strchr(name, '>') : name;
        if (!r->at) r->at = name;
        r->at++;
    }
    if (++r->depth > MAX_NESTING) return refuse(r, ANM_ERROR_LIMIT, "groups nest too deeply");
    ANM_TRY(alternation(r, false, out));
    r->depth--;
    if (*r->at != ')') return refuse(r, ANM_ERROR_FORMAT, "expected \")\"");
    r->at++;
    return ANM_OK;
}

static anm_status atom(regex *r, const anm_expr **out) {
    switch (*r->at) {
    case '(': return group(r, out);
    case '[': return char_class(r, out);
    case '*':
    case '+':
    case '?': return refuse(r, ANM_ERROR_FORMAT, "there is nothing to repeat");
    case '^':
    case '$': return unsupported(r, "^ and $ elsewhere than at the ends of the pattern");
    default: return one_character(r, out);
    }
}

static bool read_number(regex *r, int32_t *out) {
    const char *start = r->at;
    int32_t value = 0;
    for (; *r->at >= '0' && *r->at <= '9'; r->at++)
        if (value <= ANM_EXPR_MAX_REPEAT) value = value * 10 + (*r->at - '0');
    *out = value;
    return r->at > start;
}

/* "{2}", "{2,}", "{2,5}"; a brace that begins none of them stands for itself. */
static bool counts(regex *r, int32_t *min, int32_t *max) {
    const char *start = r->at++;
    bool ok = read_number(r, min);
    *max = *min;
    if (ok && *r->at == ',') {
        r->at++;
        if (!read_number(r, max)) *max = ANM_EXPR_UNBOUNDED;
    }
    ok = ok && *r->at == '}';
    r->at = ok ? r->at + 1 : start;
    return ok;
}

static anm_status quantified(regex *r, const anm_expr **out) {
    int32_t min = 1, max = 1;
    ANM_TRY(atom(r, out));
    switch (*r->at) {
    case '*': min = 0, max = ANM_EXPR_UNBOUNDED, r->at++; break;
    case '+': max = ANM_EXPR_UNBOUNDED, r->at++; break;
    case '?': min = 0, r->at++; break;
    case '{':
        if (!counts(r, &min, &max)) return ANM_OK;
        break;
    default: return ANM_OK;
    }
    if (*r->at == '?') r->at++; /* which match is found first makes no difference here */
    if (max < min) return refuse(r, ANM_ERROR_FORMAT, "the most is less than the least");
    if (min > ANM_EXPR_MAX_REPEAT || (max != ANM_EXPR_UNBOUNDED && max > ANM_EXPR_MAX_REPEAT))
        return refuse(r, ANM_ERROR_LIMIT, "too many repetitions");
    *out = anm_expr_repeat(r->m->book, *out, min, max);
    return ANM_OK;
}

static bool at_end(const regex *r) {
    return !*r->at || *r->at == '|' || *r->at == ')';
}

/* At the top, ^ and $ tie an alternative to the ends; without them anything may stand there. */
static anm_status sequence(regex *r, bool top, const anm_expr **out) {
    anm_grammar_book *b = r->m->book;
    const anm_expr *any =
        anm_expr_repeat(b, anm_schema_named(r->m, "char"), 0, ANM_EXPR_UNBOUNDED);
    bool tied = top && *r->at == '^';
    if (tied) r->at++;
    *out = top && !tied ? any : anm_expr_empty();
    while (!at_end(r)) {
        const anm_expr *one;
        if (top && *r->at == '$' && (!r->at[1] || r->at[1] == '|')) {
            r->at++;
            return ANM_OK;
        }
        ANM_TRY(quantified(r, &one));
        *out = anm_expr_seq(b, *out, one);
    }
    if (top) *out = anm_expr_seq(b, *out, any);
    return ANM_OK;
}

static anm_status alternation(regex *r, bool top, const anm_expr **out) {
    ANM_TRY(sequence(r, top, out));
    while (*r->at == '|') {
        const anm_expr *more;
        r->at++;
        ANM_TRY(sequence(r, top, &more));
        *out = anm_expr_alt(r->m->book, *out, more);
    }
    return ANM_OK;
}

anm_status anm_schema_pattern(anm_schema_maker *m, const char *pattern,
                              const anm_schema_path *path, const anm_expr **out) {
    regex r = {.m = m, .text = pattern, .at = pattern, .path = path};
    ANM_TRY(alternation(&r, true, out));
    return *r.at ? refuse(&r, ANM_ERROR_FORMAT, "a \")\" without its \"(\"") : ANM_OK;
}
