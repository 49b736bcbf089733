/* SPDX-License-Identifier: MIT */
/* Filters over texts and numbers. They take any value and print it first, as Jinja2's do. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/hf/jinja_strings.h"
#include "src/hf/jinja_utf8.h"

/* --- whole texts --- */

static bool filter_string(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text;
    return anm_jinja_text(run, call->self, &text) && jinja_return_text(out, text);
}

static bool filter_trim(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text, chars;
    bool given = call->arg[0].kind != JINJA_ABSENT && call->arg[0].kind != JINJA_NONE;
    if (!anm_jinja_text(run, call->self, &text) ||
        (given && !anm_jinja_text_arg(run, call->arg[0], &chars)) ||
        !anm_jinja_charge_bytes(run, text.len * (given ? chars.len / 16 + 1 : 1)))
        return false;
    return jinja_return_text(out, anm_jinja_strip(text, given ? &chars : NULL, true, true));
}

static bool change(jinja_run *run, jinja_value v, jinja_case how, jinja_value *out) {
    anm_sv text, changed;
    return anm_jinja_text(run, v, &text) && anm_jinja_change_case(run, text, how, &changed) &&
           jinja_return_text(out, changed);
}

static bool filter_upper(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call->self, JINJA_UPPER, out);
}

static bool filter_lower(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call->self, JINJA_LOWER, out);
}

static bool filter_capitalize(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call->self, JINJA_CAPITALIZE, out);
}

static bool starts_word(uint32_t c) {
    return c < 0x80 ? (c && strchr("-({[<", (int)c)) || anm_jinja_utf8_is_space(c)
                    : anm_jinja_utf8_is_space(c);
}

/* Unlike str.title(), a word goes on after an apostrophe: "It's". */
static bool filter_title(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text, word;
    jinja_text result = {.run = run};
    if (!anm_jinja_text(run, call->self, &text)) return false;
    for (size_t at = 0; at < text.len;) {
        size_t start = at, end = at;
        while (at < text.len && !starts_word(anm_jinja_utf8_next(text, &at))) end = at;
        if (!anm_jinja_change_case(run, (anm_sv){text.data + start, end - start},
                                   JINJA_CAPITALIZE, &word) ||
            !anm_jinja_text_add(&result, word) ||
            !anm_jinja_text_add(&result, (anm_sv){text.data + end, at - end}))
            return false;
    }
    return jinja_return_text(out, anm_jinja_text_sv(&result));
}

static bool filter_replace(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text, old, with;
    int64_t count;
    return anm_jinja_text(run, call->self, &text) && anm_jinja_text(run, call->arg[0], &old) &&
           anm_jinja_text(run, call->arg[1], &with) &&
           anm_jinja_int_arg(run, call->arg[2], -1, &count) &&
           anm_jinja_replace(run, text, old, with, count, &text) && jinja_return_text(out, text);
}

/* Nothing is escaped automatically, so there is nothing to mark. */
static bool filter_safe(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return filter_string(run, call, out);
}

static bool filter_escape(jinja_run *run, const jinja_call *call, jinja_value *out) {
    static const char special[] = "&<>'\"";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    anm_sv text;
    jinja_text result = {.run = run};
    if (!anm_jinja_text(run, call->self, &text)) return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *hit = text.data[i] ? strchr(special, text.data[i]) : NULL;
        bool ok = hit ? anm_jinja_text_puts(&result, entities[hit - special])
                      : anm_jinja_text_add(&result, (anm_sv){text.data + i, 1});
        if (!ok) return false;
    }
    return jinja_return_text(out, anm_jinja_text_sv(&result)) &&
           anm_jinja_charge_bytes(run, text.len);
}

/* --- layout --- */

static bool indentation(jinja_run *run, jinja_value width, anm_sv *out) {
    int64_t spaces;
    if (JINJA_IS(width, JINJA_STRING)) return *out = width.text, true;
    return anm_jinja_int_arg(run, width, 4, &spaces) &&
           anm_jinja_pad(run, (anm_sv){"", 0}, spaces > 0 ? (size_t)spaces : 0, 0,
                         anm_sv_from(" "), out);
}

static bool filter_indent(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv parts[2], indent;
    jinja_value lines;
    jinja_text result = {.run = run};
    bool first = anm_jinja_truth(call->arg[1]), blank = anm_jinja_truth(call->arg[2]);
    /* Jinja2 adds a newline so that one at the end starts a last, empty line. */
    parts[1] = anm_sv_from("\n");
    if (!anm_jinja_text(run, call->self, &parts[0]) ||
        !indentation(run, call->arg[0], &indent) ||
        !anm_jinja_join(run, parts, 2, &parts[0]) ||
        !anm_jinja_split_lines(run, parts[0], false, &lines))
        return false;
    for (size_t i = 0; i < lines.list->len; i++) {
        anm_sv line = lines.list->items[i].text;
        if (i && !anm_jinja_text_puts(&result, "\n")) return false;
        if ((i ? line.len || blank : first) && !anm_jinja_text_add(&result, indent)) return false;
        if (!anm_jinja_text_add(&result, line)) return false;
    }
    return jinja_return_text(out, anm_jinja_text_sv(&result));
}

static bool filter_center(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text;
    int64_t width;
    return anm_jinja_text(run, call->self, &text) &&
           anm_jinja_int_arg(run, call->arg[0], 80, &width) &&
           anm_jinja_center(run, text, width, anm_sv_from(" "), &text) &&
           jinja_return_text(out, text);
}

/* "length killwords end leeway": cuts at a space unless killwords. */
static bool filter_truncate(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv parts[2];
    int64_t length, leeway;
    parts[1] = anm_sv_from("...");
    if (!anm_jinja_text(run, call->self, &parts[0]) ||
        !anm_jinja_int_arg(run, call->arg[0], 255, &length) ||
        (call->arg[2].kind != JINJA_ABSENT && !anm_jinja_text(run, call->arg[2], &parts[1])) ||
        !anm_jinja_int_arg(run, call->arg[3], 5, &leeway) ||
        !anm_jinja_charge_bytes(run, parts[0].len))
        return false;
    int64_t end = (int64_t)anm_jinja_utf8_length(parts[1]);
    if (length < end || leeway < 0 || length > INT32_MAX || leeway > INT32_MAX)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "truncate: no such length or leeway");
    if ((int64_t)anm_jinja_utf8_length(parts[0]) <= length + leeway)
        return jinja_return_text(out, parts[0]);
    parts[0].len = anm_jinja_utf8_offset(parts[0], (size_t)(length - end));
    const char *space = parts[0].len ? memrchr(parts[0].data, ' ', parts[0].len) : NULL;
    if (space && !anm_jinja_truth(call->arg[1])) parts[0].len = (size_t)(space - parts[0].data);
    anm_sv text;
    return anm_jinja_join(run, parts, 2, &text) && jinja_return_text(out, text);
}

static bool filter_wordcount(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text;
    bool inside = false;
    *out = jinja_int(0);
    if (!anm_jinja_text(run, call->self, &text)) return false;
    for (size_t at = 0; at < text.len;) {
        uint32_t c = anm_jinja_utf8_next(text, &at);
        bool word = c == '_' || anm_jinja_is_letter(c) || anm_jinja_is_numeric(c);
        out->integer += word && !inside;
        inside = word;
    }
    return anm_jinja_charge_bytes(run, text.len);
}

/* --- URLs --- */

static bool quote(jinja_text *out, anm_sv text, bool query) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     (c && strchr("_.-~", c)) || (c == '/' && !query);
        char escaped[4];
        snprintf(escaped, sizeof escaped, "%%%02X", c);
        bool ok = plain               ? anm_jinja_text_add(out, (anm_sv){text.data + i, 1})
                  : c == ' ' && query ? anm_jinja_text_puts(out, "+")
                                      : anm_jinja_text_puts(out, escaped);
        if (!ok) return false;
    }
    return anm_jinja_charge_bytes(out->run, text.len);
}

static bool quote_pair(jinja_text *out, jinja_value pair) {
    anm_sv name, value;
    if (!jinja_is_sequence(pair) || pair.list->len != 2)
        return anm_jinja_raise(out->run, ANM_ERROR_MISMATCH, "urlencode needs pairs");
    return anm_jinja_text(out->run, pair.list->items[0], &name) &&
           anm_jinja_text(out->run, pair.list->items[1], &value) &&
           (out->len == 0 || anm_jinja_text_puts(out, "&")) && quote(out, name, true) &&
           anm_jinja_text_puts(out, "=") && quote(out, value, true);
}

static bool filter_urlencode(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_text result = {.run = run};
    jinja_value pairs = call->self;
    bool is_dict = JINJA_IS(pairs, JINJA_DICT);
    if (is_dict && !anm_jinja_dict_pairs(run, call->self.dict, &pairs)) return false;
    if (!jinja_is_sequence(pairs)) {
        anm_sv text;
        if (!anm_jinja_text(run, pairs, &text) || !quote(&result, text, false)) return false;
    } else {
        for (size_t i = 0; i < pairs.list->len; i++)
            if (!quote_pair(&result, pairs.list->items[i])) return false;
    }
    return jinja_return_text(out, anm_jinja_text_sv(&result));
}

/* --- JSON --- */

static bool separators(jinja_run *run, jinja_value v, jinja_json_style *style) {
    style->item_separator = anm_sv_from(style->pretty ? "," : ", ");
    style->key_separator = anm_sv_from(": ");
    if (v.kind == JINJA_ABSENT || v.kind == JINJA_NONE) return true;
    if (!jinja_is_sequence(v) || v.list->len != 2)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "tojson: separators are two strings");
    return anm_jinja_text_arg(run, v.list->items[0], &style->item_separator) &&
           anm_jinja_text_arg(run, v.list->items[1], &style->key_separator);
}

static bool filter_tojson(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text;
    jinja_json_style style = {.ensure_ascii = anm_jinja_truth(call->arg[0]),
                              .sort_keys = anm_jinja_truth(call->arg[3])};
    style.pretty = call->arg[1].kind != JINJA_ABSENT && call->arg[1].kind != JINJA_NONE;
    return (!style.pretty || indentation(run, call->arg[1], &style.indent)) &&
           separators(run, call->arg[2], &style) &&
           anm_jinja_to_json(run, call->self, &style, &text) && jinja_return_text(out, text);
}

/* --- numbers --- */

static bool parse_digits(jinja_run *run, anm_sv text, char **out) {
    text = anm_jinja_strip(text, NULL, true, true);
    char *copy = *out = anm_jinja_alloc(run, text.len + 1, 1);
    if (!copy) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '_' || i == 0 || i + 1 == text.len) *copy++ = text.data[i];
    return true;
}

/* Whether strtod would read something that Python's float() would not: 0x10, nan(1). */
static bool is_foreign(const char *text) {
    return strpbrk(text, "xX(pP") != NULL;
}

/* *found is false when the text is no number. */
static bool text_to_float(jinja_run *run, anm_sv text, double *out, bool *found) {
    char *digits, *end;
    if (!parse_digits(run, text, &digits)) return false;
    *found = *digits && !is_foreign(digits);
    if (*found) {
        size_t length = strlen(digits);
        *out = anm_jinja_read_float(digits);
        strtod(digits, &end);
        *found = end == digits + length;
    }
    return true;
}

static bool text_to_int(jinja_run *run, anm_sv text, int64_t base, int64_t *out, bool *found) {
    char *digits, *end;
    if (!parse_digits(run, text, &digits)) return false;
    const char *start = digits + (*digits == '-' || *digits == '+');
    char prefix = *start == '0' ? (char)(start[1] | 0x20) : '\0';
    int64_t prefix_base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 0;
    bool prefixed = prefix_base && (base == 0 || base == prefix_base);
    if (base == 0) base = prefixed ? prefix_base : 10;
    if (prefixed) memmove((char *)start, start + 2, strlen(start + 2) + 1);
    errno = 0;
    *out = base >= 2 && base <= 36 ? strtoll(digits, &end, (int)base) : 0;
    *found = base >= 2 && base <= 36 && *start && *start != '-' && *start != '+' && !*end &&
             errno == 0;
    return true;
}

/* float() as an integer; values past 64 bits are not found. */
static bool float_to_int(double d, int64_t *out) {
    if (!(d > -9.2e18 && d < 9.2e18)) return false;
    *out = (int64_t)d;
    return true;
}

static bool filter_int(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int64_t base, result = 0;
    double real;
    bool found = false, real_found = false;
    *out = call->arg[0].kind == JINJA_ABSENT ? jinja_int(0) : call->arg[0];
    if (!anm_jinja_int_arg(run, call->arg[1], 10, &base)) return false;
    if (JINJA_IS(call->self, JINJA_STRING)) {
        if (!text_to_int(run, call->self.text, base, &result, &found) ||
            (!found && !text_to_float(run, call->self.text, &real, &real_found)))
            return false;
        if (real_found) found = float_to_int(real, &result);
    } else if (JINJA_IS(call->self, JINJA_FLOAT)) {
        found = float_to_int(call->self.real, &result);
    } else if (jinja_is_number(call->self)) {
        result = JINJA_IS(call->self, JINJA_BOOL) ? call->self.truth : call->self.integer;
        found = true;
    }
    if (found) *out = jinja_int(result);
    return true;
}

static bool filter_float(jinja_run *run, const jinja_call *call, jinja_value *out) {
    double real = 0;
    bool found = jinja_is_number(call->self);
    *out = call->arg[0].kind == JINJA_ABSENT ? jinja_float(0) : call->arg[0];
    if (found) real = anm_jinja_number(call->self);
    if (JINJA_IS(call->self, JINJA_STRING) &&
        !text_to_float(run, call->self.text, &real, &found))
        return false;
    if (found) *out = jinja_float(real);
    return true;
}

static bool need_number(jinja_run *run, jinja_value v) {
    if (JINJA_IS(v, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, v);
    return jinja_is_number(v) || anm_jinja_raise(run, ANM_ERROR_MISMATCH,
                                                 "expected a number, not a %s",
                                                 anm_jinja_type_name(v));
}

static bool filter_abs(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (!need_number(run, call->self)) return false;
    if (JINJA_IS(call->self, JINJA_FLOAT)) {
        *out = jinja_float(fabs(call->self.real));
        return true;
    }
    int64_t v = JINJA_IS(call->self, JINJA_BOOL) ? call->self.truth : call->self.integer;
    if (v == INT64_MIN)
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the number does not fit in 64 bits");
    *out = jinja_int(v < 0 ? -v : v);
    return true;
}

/* To the nearest with ties to even, judged on the exact decimal value as Python does. */
static double round_nearest(double d, int64_t precision) {
    char digits[400];
    if (precision < 0) {
        double scale = pow(10, (double)-precision);
        return isinf(scale) ? 0 : nearbyint(d / scale) * scale;
    }
    if (precision > 17 || !isfinite(d)) return d;
    snprintf(digits, sizeof digits, "%.*f", (int)precision, d);
    return strtod(digits, NULL);
}

static bool filter_round(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int64_t precision;
    anm_sv method = anm_sv_from("common");
    if (!need_number(run, call->self) ||
        !anm_jinja_int_arg(run, call->arg[0], 0, &precision) ||
        (call->arg[1].kind != JINJA_ABSENT && !anm_jinja_text_arg(run, call->arg[1], &method)))
        return false;
    double d = anm_jinja_number(call->self), scale = pow(10, (double)precision);
    if (anm_sv_is(method, "common")) {
        double rounded = round_nearest(d, precision);
        bool whole = !JINJA_IS(call->self, JINJA_FLOAT);
        if (whole && precision >= 0) return *out = call->self, true;
        int64_t integer = 0;
        if (whole && !float_to_int(rounded, &integer))
            return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the number does not fit in 64 bits");
        *out = whole ? jinja_int(integer) : jinja_float(rounded);
    } else if (anm_sv_is(method, "ceil")) {
        *out = jinja_float(ceil(d * scale) / scale);
    } else if (anm_sv_is(method, "floor")) {
        *out = jinja_float(floor(d * scale) / scale);
    } else {
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH,
                               "round: the method must be common, ceil or floor");
    }
    return true;
}

/* --- others --- */

static bool filter_default(jinja_run *run, const jinja_call *call, jinja_value *out) {
    bool replace = JINJA_IS(call->self, JINJA_UNDEFINED) ||
                   (anm_jinja_truth(call->arg[1]) && !anm_jinja_truth(call->self));
    *out = call->self;
    if (replace)
        *out = call->arg[0].kind == JINJA_ABSENT ? jinja_string(anm_sv_from("")) : call->arg[0];
    return true;
}

static bool filter_format(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text;
    return anm_jinja_text(run, call->self, &text) &&
           anm_jinja_percent_format(run, text, call->all, &text) && jinja_return_text(out, text);
}

const jinja_builtin anm_jinja_text_filters[] = {
    {"trim", "chars", 0, filter_trim},
    {"upper", "", 0, filter_upper},
    {"lower", "", 0, filter_lower},
    {"title", "", 0, filter_title},
    {"capitalize", "", 0, filter_capitalize},
    {"string", "", 0, filter_string},
    {"safe", "", 0, filter_safe},
    {"escape", "", 0, filter_escape},
    {"e", "", 0, filter_escape},
    {"forceescape", "", 0, filter_escape},
    {"replace", "old new count", 2, filter_replace},
    {"indent", "width first blank", 0, filter_indent},
    {"center", "width", 0, filter_center},
    {"truncate", "length killwords end leeway", 0, filter_truncate},
    {"wordcount", "", 0, filter_wordcount},
    {"urlencode", "", 0, filter_urlencode},
    {"tojson", "ensure_ascii indent separators sort_keys", 0, filter_tojson},
    {"int", "default base", 0, filter_int},
    {"float", "default", 0, filter_float},
    {"abs", "", 0, filter_abs},
    {"round", "precision method", 0, filter_round},
    {"default", "default_value boolean", 0, filter_default},
    {"d", "default_value boolean", 0, filter_default},
    {"format", "*", 0, filter_format},
    {NULL, NULL, 0, NULL},
};
