/* SPDX-License-Identifier: MIT */
/* Strings: by length, by format, by pattern; and characters as JSON writes them. */
#include "src/grammar/schema.h"

#include <stdio.h>

static const anm_expr *quoted(anm_schema_maker *m, const anm_expr *content) {
    const anm_expr *quote = anm_schema_text(m, "\"");
    return anm_expr_seq(m->book, anm_expr_seq(m->book, quote, content), quote);
}

static anm_status format_of(anm_schema_maker *m, const char *format, const anm_schema_path *path,
                            const anm_expr **out) {
    static const char *const known[] = {"date", "time", "date-time", "uuid", "ipv4", "email",
                                        "uri"};
    const anm_schema_path here = {path, "format", 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(format, known[i]) != 0) continue;
        *out = anm_schema_named(m, known[i]);
        return ANM_OK;
    }
    return anm_schema_fail(m, ANM_ERROR_UNSUPPORTED, &here,
                           "the format \"%s\" is not covered; date, time, date-time, uuid, ipv4, "
                           "email and uri are",
                           format);
}

static anm_status by_length(anm_schema_maker *m, int64_t min, int64_t max,
                            const anm_schema_path *path, const anm_expr **out) {
    bool open = max == INT64_MAX;
    if (min > ANM_EXPR_MAX_REPEAT || (!open && max > ANM_EXPR_MAX_REPEAT))
        return anm_schema_fail(m, ANM_ERROR_LIMIT, path, "a length of more than %d",
                               ANM_EXPR_MAX_REPEAT);
    *out = anm_expr_never();
    if (min <= max)
        *out = quoted(m, anm_expr_repeat(m->book, anm_schema_named(m, "char"), (int32_t)min,
                                         open ? ANM_EXPR_UNBOUNDED : (int32_t)max));
    return ANM_OK;
}

anm_status anm_schema_string(anm_schema_maker *m, const json_t *schema,
                             const anm_schema_path *path, const anm_expr **out) {
    const char *format = json_string_value(json_object_get(schema, "format"));
    const json_t *pattern = json_object_get(schema, "pattern");
    const anm_schema_path here = {path, "pattern", 0};
    int64_t min, max;
    ANM_TRY(anm_schema_count(m, schema, "minLength", 0, path, &min));
    ANM_TRY(anm_schema_count(m, schema, "maxLength", INT64_MAX, path, &max));
    if ((format || pattern) && (min > 0 || max != INT64_MAX || (format && pattern)))
        return anm_schema_fail(m, ANM_ERROR_UNSUPPORTED, path,
                               "of a pattern, a format and a length only one can be followed");
    if (format) return format_of(m, format, path, out);
    if (!pattern) return by_length(m, min, max, path, out);
    if (!json_is_string(pattern))
        return anm_schema_fail(m, ANM_ERROR_FORMAT, &here, "expected a text");
    ANM_TRY(anm_schema_pattern(m, json_string_value(pattern), &here, out));
    *out = quoted(m, *out);
    return ANM_OK;
}

/* --- characters --- */

/* How JSON writes a character that cannot stand for itself; false when none needs to. */
static bool escape_of(uint32_t c, char out[8]) {
    static const char names[] = "\"\"\\\\\bb\tt\nn\ff\rr";
    for (size_t i = 0; i < sizeof names - 1; i += 2)
        if ((uint32_t)(unsigned char)names[i] == c) {
            snprintf(out, 8, "\\%c", names[i + 1]);
            return true;
        }
    snprintf(out, 8, "\\u%04x", (unsigned)c & 0xFFFF);
    return c < 0x20;
}

static bool holds(const anm_expr *set, uint32_t c) {
    for (size_t i = 0; i < set->range_count; i++)
        if (set->ranges[i].first <= c && c <= set->ranges[i].last) return true;
    return false;
}

/* Those of the set that stand for themselves. */
static const anm_expr *raw_part(anm_grammar_book *book, const anm_expr *set) {
    anm_char_ranges kept = {0};
    const anm_expr *out;
    bool ok = true;
    for (size_t i = 0; ok && i < set->range_count; i++) {
        static const anm_char_range plain[] = {
            {0x20, '"' - 1}, {'"' + 1, '\\' - 1}, {'\\' + 1, ANM_CHAR_LAST}};
        for (size_t p = 0; ok && p < 3; p++) {
            anm_char_range r = set->ranges[i];
            if (r.first < plain[p].first) r.first = plain[p].first;
            if (r.last > plain[p].last) r.last = plain[p].last;
            if (r.first <= r.last) ok = anm_vec_push(&kept, r);
        }
    }
    if (!ok) book->failed = true;
    out = anm_expr_chars(book, kept.data, kept.len, false);
    anm_vec_free(&kept);
    return out;
}

/* U+0000 is left out: many readers refuse it. */
const anm_expr *anm_schema_chars(anm_grammar_book *book, const anm_char_range *ranges,
                                 size_t count, bool negate) {
    const anm_expr *set = anm_expr_chars(book, ranges, count, negate);
    if (set->kind != ANM_EXPR_CHARS) return set;
    const anm_expr *out = raw_part(book, set);
    for (uint32_t c = 1; c <= '\\'; c++) {
        char text[8];
        if (!holds(set, c) || !escape_of(c, text)) continue;
        out = anm_expr_alt(book, out, anm_expr_literal(book, text, strlen(text)));
    }
    return out;
}
