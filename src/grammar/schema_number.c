/* SPDX-License-Identifier: MIT */
/*
 * Integers and numbers within bounds, digit by digit. Bounds are whole numbers: a number lies
 * between two of them if its whole part does, or is one of them with the right fraction.
 */
#include "src/grammar/schema.h"

#include <math.h>
#include <stdio.h>

/* What the prelude's integer can show: 18 digits. */
#define MOST ((int64_t)999999999999999999)

typedef struct bounds {
    int64_t low, high;
    bool above, below; /* low, high themselves are left out; numbers only */
    bool any;          /* no bounds were given */
} bounds;

static const anm_expr *digit(anm_grammar_book *b, char first, char last) {
    anm_char_range range = {(uint32_t)first, (uint32_t)last};
    return first > last ? anm_expr_never() : anm_expr_chars(b, &range, 1, false);
}

static const anm_expr *digits(anm_grammar_book *b, int min, int max) {
    return anm_expr_repeat(b, digit(b, '0', '9'), min, max);
}

/* Digits of one length from `low` to `high`, NULL being no bound on that side. */
static const anm_expr *same_length(anm_grammar_book *b, const char *low, const char *high,
                                   int len) {
    if (!len || (!low && !high)) return digits(b, len, len);
    char first = low ? *low : '0', last = high ? *high : '9';
    const char *more_low = low ? low + 1 : NULL, *more_high = high ? high + 1 : NULL;
    if (first == last)
        return anm_expr_seq(b, digit(b, first, last),
                            same_length(b, more_low, more_high, len - 1));
    const anm_expr *all = anm_expr_seq(b, digit(b, (char)(first + (low != NULL)),
                                                (char)(last - (high != NULL))),
                                       digits(b, len - 1, len - 1));
    if (low)
        all = anm_expr_alt(b, all, anm_expr_seq(b, digit(b, first, first),
                                                same_length(b, more_low, NULL, len - 1)));
    if (high)
        all = anm_expr_alt(b, all, anm_expr_seq(b, digit(b, last, last),
                                                same_length(b, NULL, more_high, len - 1)));
    return all;
}

/* Whole numbers from low to high, neither negative, without leading zeros. */
static const anm_expr *whole(anm_grammar_book *b, int64_t low, int64_t high) {
    const anm_expr *all = anm_expr_never();
    int64_t first = 0; /* of one length */
    for (int len = 1; len <= 18; len++) {
        int64_t last = len == 1 ? 9 : first * 10 - 1;
        int64_t from = low > first ? low : first, to = high < last ? high : last;
        char a[24], z[24];
        snprintf(a, sizeof a, "%lld", (long long)from);
        snprintf(z, sizeof z, "%lld", (long long)to);
        if (from <= to) all = anm_expr_alt(b, all, same_length(b, a, z, len));
        first = last + 1;
    }
    return all;
}

static const anm_expr *minus(anm_grammar_book *b, const anm_expr *what) {
    return anm_expr_seq(b, anm_expr_literal(b, "-", 1), what);
}

/* --- the keywords --- */

static anm_status whole_bound(const anm_schema_maker *m, const json_t *value, const char *key,
                              const anm_schema_path *path, int64_t *out) {
    const anm_schema_path here = {path, key, 0};
    double real = json_number_value(value);
    if (!json_is_number(value))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "expected a number");
    if (real != floor(real) || fabs(real) > (double)MOST)
        return anm_schema_fail(m, ANM_ERROR_UNSUPPORTED, &here,
                               "bounds are whole numbers of at most 18 digits here");
    *out = json_is_integer(value) ? (int64_t)json_integer_value(value) : (int64_t)real;
    return ANM_OK;
}

static anm_status lower(const anm_schema_maker *m, const json_t *schema, const char *key,
                        bool exclusive, const anm_schema_path *path, bounds *out) {
    const json_t *value = json_object_get(schema, key);
    int64_t bound;
    if (!value || json_is_boolean(value)) return ANM_OK;
    ANM_TRY(whole_bound(m, value, key, path, &bound));
    out->any = false;
    if (bound < out->low || (bound == out->low && !exclusive)) return ANM_OK;
    out->low = bound;
    out->above = exclusive;
    return ANM_OK;
}

static anm_status upper(const anm_schema_maker *m, const json_t *schema, const char *key,
                        bool exclusive, const anm_schema_path *path, bounds *out) {
    const json_t *value = json_object_get(schema, key);
    int64_t bound;
    if (!value || json_is_boolean(value)) return ANM_OK;
    ANM_TRY(whole_bound(m, value, key, path, &bound));
    out->any = false;
    if (bound > out->high || (bound == out->high && !exclusive)) return ANM_OK;
    out->high = bound;
    out->below = exclusive;
    return ANM_OK;
}

/* Older schemas say "exclusiveMinimum": true beside the minimum. */
static anm_status read_bounds(const anm_schema_maker *m, const json_t *schema,
                              const anm_schema_path *path, bounds *out) {
    bool old_above = json_is_true(json_object_get(schema, "exclusiveMinimum"));
    bool old_below = json_is_true(json_object_get(schema, "exclusiveMaximum"));
    const char *format = json_string_value(json_object_get(schema, "format"));
    *out = (bounds){.low = -MOST, .high = MOST, .any = true};
    if (format && strcmp(format, "int32") == 0)
        *out = (bounds){.low = INT32_MIN, .high = INT32_MAX};
    ANM_TRY(lower(m, schema, "minimum", old_above, path, out));
    ANM_TRY(lower(m, schema, "exclusiveMinimum", true, path, out));
    ANM_TRY(upper(m, schema, "maximum", old_below, path, out));
    return upper(m, schema, "exclusiveMaximum", true, path, out);
}

anm_status anm_schema_integer(anm_schema_maker *m, const json_t *schema,
                              const anm_schema_path *path, const anm_expr **out) {
    anm_grammar_book *b = m->book;
    bounds known;
    ANM_TRY(read_bounds(m, schema, path, &known));
    int64_t low = known.low + known.above, high = known.high - known.below;
    *out = anm_expr_never();
    if (known.any) *out = anm_schema_named(m, "integer");
    if (known.any || low > high) return ANM_OK;
    if (high >= 0) *out = whole(b, low > 0 ? low : 0, high);
    if (low < 0)
        *out = anm_expr_alt(b, *out, minus(b, whole(b, high < 0 ? -high : 1, -low)));
    return ANM_OK;
}

/* --- numbers --- */

static const anm_expr *fraction(anm_grammar_book *b, const anm_expr *digits_of) {
    return anm_expr_seq(b, anm_expr_literal(b, ".", 1), digits_of);
}

/* Numbers without a sign between two whole ones. */
static const anm_expr *magnitude(anm_grammar_book *b, int64_t low, bool above, int64_t high,
                                 bool below) {
    const anm_expr *any = anm_expr_repeat(b, fraction(b, digits(b, 1, 20)), 0, 1);
    const anm_expr *zero =
        anm_expr_repeat(b, fraction(b, anm_expr_repeat(b, digit(b, '0', '0'), 1, 20)), 0, 1);
    const anm_expr *some = fraction(
        b, anm_expr_seq(b, anm_expr_repeat(b, digit(b, '0', '0'), 0, 9),
                        anm_expr_seq(b, digit(b, '1', '9'), digits(b, 0, 10))));
    const anm_expr *all = anm_expr_never();
    if (low > high) return all;
    if (!below && (low < high || !above)) all = anm_expr_seq(b, whole(b, high, high), zero);
    if (low == high) return all;
    all = anm_expr_alt(b, all, anm_expr_seq(b, whole(b, low, low), above ? some : any));
    if (low + 1 < high)
        all = anm_expr_alt(b, all, anm_expr_seq(b, whole(b, low + 1, high - 1), any));
    return all;
}

anm_status anm_schema_number(anm_schema_maker *m, const json_t *schema,
                             const anm_schema_path *path, const anm_expr **out) {
    anm_grammar_book *b = m->book;
    bounds k;
    ANM_TRY(read_bounds(m, schema, path, &k));
    *out = anm_expr_never();
    if (k.any) *out = anm_schema_named(m, "number");
    if (k.any) return ANM_OK;
    if (k.high >= 0)
        *out = magnitude(b, k.low > 0 ? k.low : 0, k.low >= 0 && k.above, k.high, k.below);
    if (k.low < 0) {
        bool crosses = k.high > 0;
        const anm_expr *negative =
            magnitude(b, crosses ? 0 : -k.high, !crosses && k.below, -k.low, k.above);
        *out = anm_expr_alt(b, *out, minus(b, negative));
    }
    return ANM_OK;
}
