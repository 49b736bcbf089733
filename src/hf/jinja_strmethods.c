/* SPDX-License-Identifier: MIT */
/* Methods of strings. */
#include "src/hf/jinja_strings.h"
#include "src/hf/jinja_utf8.h"

/* --- stripping, case --- */

static bool strip(jinja_run *run, const jinja_call *call, bool left, bool right,
                  jinja_value *out) {
    anm_sv chars;
    bool given = call->arg[0].kind != JINJA_ABSENT && call->arg[0].kind != JINJA_NONE;
    if (given && !anm_jinja_text_arg(run, call->arg[0], &chars)) return false;
    /* Each character may be compared with every one of `chars`. */
    size_t work = call->self.text.len * (given ? chars.len / 16 + 1 : 1);
    return anm_jinja_charge_bytes(run, work) &&
           jinja_return_text(out, anm_jinja_strip(call->self.text, given ? &chars : NULL, left,
                                                  right));
}

static bool method_strip(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return strip(run, call, true, true, out);
}

static bool method_lstrip(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return strip(run, call, true, false, out);
}

static bool method_rstrip(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return strip(run, call, false, true, out);
}

static bool change(jinja_run *run, const jinja_call *call, jinja_case how, jinja_value *out) {
    anm_sv text;
    return anm_jinja_change_case(run, call->self.text, how, &text) && jinja_return_text(out, text);
}

static bool method_upper(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call, JINJA_UPPER, out);
}

static bool method_lower(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call, JINJA_LOWER, out);
}

static bool method_title(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call, JINJA_TITLE, out);
}

static bool method_capitalize(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return change(run, call, JINJA_CAPITALIZE, out);
}

/* --- splitting and joining --- */

static bool push_text(jinja_run *run, jinja_value *list, const char *start, const char *end) {
    anm_sv part = {start, (size_t)(end - start)};
    return anm_jinja_list_push(run, list->list, jinja_string(part));
}

/* Words between whitespace; after `limit` splits the rest is one. */
static bool split_words(jinja_run *run, anm_sv text, int64_t limit, jinja_value *out) {
    text = anm_jinja_utf8_trim_left(text);
    for (; text.len && limit != 0; limit--) {
        size_t end = 0, next = 0;
        while (next < text.len && !anm_jinja_utf8_is_space(anm_jinja_utf8_next(text, &next)))
            end = next;
        if (!push_text(run, out, text.data, text.data + end)) return false;
        text = anm_jinja_utf8_trim_left((anm_sv){text.data + end, text.len - end});
    }
    return !text.len || push_text(run, out, text.data, text.data + text.len);
}

static bool split_at(jinja_run *run, anm_sv text, anm_sv separator, int64_t limit,
                     jinja_value *out) {
    const char *end = text.data + text.len;
    for (; limit != 0; limit--) {
        const char *hit = memmem(text.data, text.len, separator.data, separator.len);
        if (!hit) break;
        if (!push_text(run, out, text.data, hit)) return false;
        text.data = hit + separator.len;
        text.len = (size_t)(end - text.data);
    }
    return push_text(run, out, text.data, end);
}

static void reverse(jinja_list *list) {
    for (size_t i = 0; i < list->len / 2; i++) {
        jinja_value other = list->items[list->len - 1 - i];
        list->items[list->len - 1 - i] = list->items[i];
        list->items[i] = other;
    }
}

static bool rsplit_words(jinja_run *run, anm_sv text, int64_t limit, jinja_value *out) {
    text = anm_jinja_utf8_trim_right(text);
    for (; text.len && limit != 0; limit--) {
        size_t start = 0, at = 0;
        while (at < text.len)
            if (anm_jinja_utf8_is_space(anm_jinja_utf8_next(text, &at))) start = at;
        if (!anm_jinja_charge_bytes(run, text.len) ||
            !push_text(run, out, text.data + start, text.data + text.len))
            return false;
        text = anm_jinja_utf8_trim_right((anm_sv){text.data, start});
    }
    return !text.len || push_text(run, out, text.data, text.data + text.len);
}

/* *hit is NULL when `part` is not in the text. Tries every place: charged by the byte. */
static bool find_last(jinja_run *run, anm_sv text, anm_sv part, const char **hit) {
    *hit = NULL;
    if (part.len > text.len) return true;
    size_t at = text.len - part.len + 1, tried = at;
    while (at-- > 0 && !*hit)
        if (memcmp(text.data + at, part.data, part.len) == 0) *hit = text.data + at;
    if (*hit) tried = text.len - (size_t)(*hit - text.data);
    return anm_jinja_charge(run, tried / 8 * (part.len / 16 + 1) + 1);
}

static bool rsplit_at(jinja_run *run, anm_sv text, anm_sv separator, int64_t limit,
                      jinja_value *out) {
    for (; limit != 0; limit--) {
        const char *hit;
        if (!find_last(run, text, separator, &hit)) return false;
        if (!hit) break;
        if (!push_text(run, out, hit + separator.len, text.data + text.len)) return false;
        text.len = (size_t)(hit - text.data);
    }
    return push_text(run, out, text.data, text.data + text.len);
}

typedef struct split_args {
    bool words;
    anm_sv separator;
    int64_t limit;
} split_args;

static bool read_split_args(jinja_run *run, const jinja_call *call, split_args *args) {
    args->words = call->arg[0].kind == JINJA_ABSENT || call->arg[0].kind == JINJA_NONE;
    if (!anm_jinja_int_arg(run, call->arg[1], -1, &args->limit)) return false;
    if (args->words) return anm_jinja_charge_bytes(run, call->self.text.len);
    if (!anm_jinja_text_arg(run, call->arg[0], &args->separator)) return false;
    if (!args->separator.len)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "split: the separator is empty");
    return anm_jinja_charge_bytes(run, call->self.text.len);
}

static bool method_split(jinja_run *run, const jinja_call *call, jinja_value *out) {
    split_args args;
    if (!read_split_args(run, call, &args) || !anm_jinja_list_new(run, JINJA_LIST, 0, out))
        return false;
    return args.words ? split_words(run, call->self.text, args.limit, out)
                      : split_at(run, call->self.text, args.separator, args.limit, out);
}

static bool method_rsplit(jinja_run *run, const jinja_call *call, jinja_value *out) {
    split_args args;
    if (!read_split_args(run, call, &args) || !anm_jinja_list_new(run, JINJA_LIST, 0, out))
        return false;
    bool ok = args.words ? rsplit_words(run, call->self.text, args.limit, out)
                         : rsplit_at(run, call->self.text, args.separator, args.limit, out);
    reverse(out->list);
    return ok;
}

static bool method_splitlines(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return anm_jinja_split_lines(run, call->self.text, anm_jinja_truth(call->arg[0]), out);
}

static bool partition(jinja_run *run, const jinja_call *call, bool last, jinja_value *out) {
    anm_sv text = call->self.text, separator;
    const char *hit = NULL, *end = text.data + text.len;
    if (!anm_jinja_text_arg(run, call->arg[0], &separator)) return false;
    if (!separator.len)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "partition: the separator is empty");
    if ((last && !find_last(run, text, separator, &hit)) ||
        !anm_jinja_charge_bytes(run, text.len) || !anm_jinja_list_new(run, JINJA_TUPLE, 3, out))
        return false;
    if (!last) hit = memmem(text.data, text.len, separator.data, separator.len);
    const char *first_end = hit ? hit : last ? text.data : end;
    const char *second_end = hit ? hit + separator.len : first_end;
    return push_text(run, out, text.data, first_end) &&
           push_text(run, out, first_end, second_end) && push_text(run, out, second_end, end);
}

static bool method_partition(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return partition(run, call, false, out);
}

static bool method_rpartition(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return partition(run, call, true, out);
}

static bool method_join(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items;
    size_t count;
    jinja_text text = {.run = run};
    if (!anm_jinja_iterate(run, call->arg[0], &items, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        anm_sv item;
        if (!anm_jinja_text_arg(run, items[i], &item)) return false;
        if (i && !anm_jinja_text_add(&text, call->self.text)) return false;
        if (!anm_jinja_text_add(&text, item)) return false;
    }
    return jinja_return_text(out, anm_jinja_text_sv(&text));
}

static bool method_replace(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv old, with, text;
    int64_t count;
    return anm_jinja_text_arg(run, call->arg[0], &old) &&
           anm_jinja_text_arg(run, call->arg[1], &with) &&
           anm_jinja_int_arg(run, call->arg[2], -1, &count) &&
           anm_jinja_replace(run, call->self.text, old, with, count, &text) &&
           jinja_return_text(out, text);
}

/* --- searching --- */

/* The part of the string between the arguments `at` and `at` + 1, and where it starts. */
static bool window(jinja_run *run, const jinja_call *call, int at, anm_sv *text) {
    jinja_value part[3] = {call->arg[at], call->arg[at + 1], jinja_none()}, slice;
    *text = call->self.text;
    if (part[0].kind == JINJA_ABSENT && part[1].kind == JINJA_ABSENT) return true;
    for (int i = 0; i < 2; i++)
        if (part[i].kind == JINJA_ABSENT) part[i] = jinja_none();
    if (!anm_jinja_slice(run, call->self, part, &slice)) return false;
    *text = slice.text;
    return true;
}

static bool matches_end(anm_sv text, anm_sv part, bool at_end) {
    if (part.len > text.len) return false;
    return part.len == 0 ||
           memcmp(text.data + (at_end ? text.len - part.len : 0), part.data, part.len) == 0;
}

/* The argument may be a tuple of strings, one of which must match. */
static bool ends(jinja_run *run, const jinja_call *call, bool at_end, jinja_value *out) {
    jinja_value one = call->arg[0];
    const jinja_value *items = &one;
    size_t count = 1;
    anm_sv text, part;
    if (jinja_is_sequence(one)) items = one.list->items, count = one.list->len;
    if (!window(run, call, 1, &text)) return false;
    *out = jinja_bool(false);
    for (size_t i = 0; i < count && !out->truth; i++) {
        if (!anm_jinja_text_arg(run, items[i], &part) || !anm_jinja_charge_bytes(run, part.len))
            return false;
        out->truth = matches_end(text, part, at_end);
    }
    return true;
}

static bool method_startswith(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return ends(run, call, false, out);
}

static bool method_endswith(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return ends(run, call, true, out);
}

static bool remove_end(jinja_run *run, const jinja_call *call, bool at_end, jinja_value *out) {
    anm_sv text = call->self.text, part;
    if (!anm_jinja_text_arg(run, call->arg[0], &part)) return false;
    size_t n = matches_end(text, part, at_end) ? part.len : 0;
    return jinja_return_text(out, (anm_sv){text.data + (at_end ? 0 : n), text.len - n});
}

static bool method_removeprefix(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return remove_end(run, call, false, out);
}

static bool method_removesuffix(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return remove_end(run, call, true, out);
}

/* The code point where `part` is first or last found; -1 when it is not. */
static bool locate(jinja_run *run, const jinja_call *call, bool last, int64_t *index) {
    anm_sv part, text;
    const char *hit = NULL;
    if (!anm_jinja_text_arg(run, call->arg[0], &part) || !window(run, call, 1, &text) ||
        (last && !find_last(run, text, part, &hit)) ||
        !anm_jinja_charge_bytes(run, call->self.text.len))
        return false;
    if (!last) hit = part.len ? memmem(text.data, text.len, part.data, part.len) : text.data;
    *index = -1;
    if (!hit) return true;
    const char *start = call->self.text.data;
    size_t before = text.len ? (size_t)(hit - start) : 0;
    *index = (int64_t)anm_jinja_utf8_length((anm_sv){start, before});
    return true;
}

static bool method_find(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_int(-1);
    return locate(run, call, false, &out->integer);
}

static bool method_rfind(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_int(-1);
    return locate(run, call, true, &out->integer);
}

static bool method_index(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (!method_find(run, call, out)) return false;
    return out->integer >= 0 ||
           anm_jinja_raise(run, ANM_ERROR_MISMATCH, "index: the string does not have this part");
}

static bool method_count(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv part, text;
    if (!anm_jinja_text_arg(run, call->arg[0], &part) || !window(run, call, 1, &text) ||
        !anm_jinja_charge_bytes(run, text.len))
        return false;
    *out = jinja_int(part.len ? 0 : (int64_t)anm_jinja_utf8_length(text) + 1);
    while (part.len && text.len) {
        const char *hit = memmem(text.data, text.len, part.data, part.len);
        if (!hit) break;
        const char *end = text.data + text.len;
        text = (anm_sv){hit + part.len, (size_t)(end - hit) - part.len};
        out->integer++;
    }
    return true;
}

/* --- padding --- */

static bool fill_arg(jinja_run *run, jinja_value v, anm_sv *fill) {
    *fill = anm_sv_from(" ");
    if (v.kind == JINJA_ABSENT) return true;
    if (!anm_jinja_text_arg(run, v, fill)) return false;
    return anm_jinja_utf8_length(*fill) == 1 ||
           anm_jinja_raise(run, ANM_ERROR_MISMATCH, "the fill must be one character");
}

static bool justify(jinja_run *run, const jinja_call *call, bool left, jinja_value *out) {
    anm_sv fill, text;
    int64_t width;
    if (!anm_jinja_int_arg(run, call->arg[0], 0, &width) || !fill_arg(run, call->arg[1], &fill))
        return false;
    size_t length = anm_jinja_utf8_length(call->self.text);
    size_t missing = width > 0 && (size_t)width > length ? (size_t)width - length : 0;
    return anm_jinja_pad(run, call->self.text, left ? 0 : missing, left ? missing : 0, fill,
                         &text) &&
           jinja_return_text(out, text);
}

static bool method_ljust(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return justify(run, call, true, out);
}

static bool method_rjust(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return justify(run, call, false, out);
}

static bool method_center(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv fill, text;
    int64_t width;
    return anm_jinja_int_arg(run, call->arg[0], 0, &width) &&
           fill_arg(run, call->arg[1], &fill) &&
           anm_jinja_center(run, call->self.text, width, fill, &text) &&
           jinja_return_text(out, text);
}

/* Zeros go behind a sign. */
static bool method_zfill(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text = call->self.text, parts[2];
    int64_t width;
    if (!anm_jinja_int_arg(run, call->arg[0], 0, &width)) return false;
    size_t length = anm_jinja_utf8_length(text);
    size_t missing = width > 0 && (size_t)width > length ? (size_t)width - length : 0;
    size_t sign = text.len && (text.data[0] == '-' || text.data[0] == '+');
    parts[0] = (anm_sv){text.data, sign};
    return anm_jinja_pad(run, (anm_sv){text.data + sign, text.len - sign}, missing, 0,
                         anm_sv_from("0"), &parts[1]) &&
           anm_jinja_join(run, parts, 2, &text) && jinja_return_text(out, text);
}

/* --- classes --- */

static bool is_alphanumeric(uint32_t c) {
    return anm_jinja_is_letter(c) || anm_jinja_is_numeric(c);
}

static bool all_are(jinja_run *run, anm_sv text, bool (*is)(uint32_t c), jinja_value *out) {
    *out = jinja_bool(text.len > 0);
    for (size_t at = 0; at < text.len && out->truth;)
        out->truth = is(anm_jinja_utf8_next(text, &at));
    return anm_jinja_charge_bytes(run, text.len);
}

static bool method_isdigit(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return all_are(run, call->self.text, anm_jinja_is_decimal, out);
}

static bool method_isnumeric(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return all_are(run, call->self.text, anm_jinja_is_numeric, out);
}

static bool method_isalpha(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return all_are(run, call->self.text, anm_jinja_is_letter, out);
}

static bool method_isalnum(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return all_are(run, call->self.text, is_alphanumeric, out);
}

static bool method_isspace(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return all_are(run, call->self.text, anm_jinja_utf8_is_space, out);
}

bool anm_jinja_is_case(jinja_run *run, anm_sv text, jinja_case how, bool *holds) {
    anm_sv same, other;
    if (!anm_jinja_change_case(run, text, how, &same) ||
        !anm_jinja_change_case(run, text, how == JINJA_UPPER ? JINJA_LOWER : JINJA_UPPER, &other))
        return false;
    *holds = anm_sv_equal(text, same) && !anm_sv_equal(text, other);
    return true;
}

static bool method_isupper(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_bool(false);
    return anm_jinja_is_case(run, call->self.text, JINJA_UPPER, &out->truth);
}

static bool method_islower(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_bool(false);
    return anm_jinja_is_case(run, call->self.text, JINJA_LOWER, &out->truth);
}

static bool method_format(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv text;
    return anm_jinja_brace_format(run, call->self.text, call->all, &text) &&
           jinja_return_text(out, text);
}

const jinja_builtin anm_jinja_string_methods[] = {
    {"strip", "chars", 0, method_strip},
    {"lstrip", "chars", 0, method_lstrip},
    {"rstrip", "chars", 0, method_rstrip},
    {"upper", "", 0, method_upper},
    {"lower", "", 0, method_lower},
    {"casefold", "", 0, method_lower},
    {"title", "", 0, method_title},
    {"capitalize", "", 0, method_capitalize},
    {"split", "sep maxsplit", 0, method_split},
    {"rsplit", "sep maxsplit", 0, method_rsplit},
    {"splitlines", "keepends", 0, method_splitlines},
    {"partition", "sep", 1, method_partition},
    {"rpartition", "sep", 1, method_rpartition},
    {"join", "iterable", 1, method_join},
    {"replace", "old new count", 2, method_replace},
    {"startswith", "prefix start end", 1, method_startswith},
    {"endswith", "suffix start end", 1, method_endswith},
    {"removeprefix", "prefix", 1, method_removeprefix},
    {"removesuffix", "suffix", 1, method_removesuffix},
    {"find", "sub start end", 1, method_find},
    {"rfind", "sub start end", 1, method_rfind},
    {"index", "sub start end", 1, method_index},
    {"count", "sub start end", 1, method_count},
    {"ljust", "width fillchar", 1, method_ljust},
    {"rjust", "width fillchar", 1, method_rjust},
    {"center", "width fillchar", 1, method_center},
    {"zfill", "width", 1, method_zfill},
    {"isdigit", "", 0, method_isdigit},
    {"isdecimal", "", 0, method_isdigit},
    {"isnumeric", "", 0, method_isnumeric},
    {"isalpha", "", 0, method_isalpha},
    {"isalnum", "", 0, method_isalnum},
    {"isspace", "", 0, method_isspace},
    {"isupper", "", 0, method_isupper},
    {"islower", "", 0, method_islower},
    {"format", "*", 0, method_format},
    {NULL, NULL, 0, NULL},
};
