/* SPDX-License-Identifier: MIT */
/* Tests: what may follow "is". */
#include "src/hf/jinja_strings.h"

static bool answer(jinja_value *out, bool holds) {
    *out = jinja_bool(holds);
    return true;
}

static bool test_defined(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind != JINJA_UNDEFINED);
}

static bool test_undefined(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_UNDEFINED);
}

static bool test_none(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_NONE);
}

static bool test_boolean(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_BOOL);
}

static bool test_true(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_BOOL && call->self.truth);
}

static bool test_false(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_BOOL && !call->self.truth);
}

static bool test_integer(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_INT);
}

static bool test_float(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_FLOAT);
}

/* As in Python, a boolean is a number too. */
static bool test_number(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, jinja_is_number(call->self));
}

static bool test_string(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_STRING);
}

static bool test_mapping(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, call->self.kind == JINJA_DICT);
}

static bool is_container(jinja_value v) {
    return jinja_is_sequence(v) || v.kind == JINJA_STRING || v.kind == JINJA_DICT ||
           v.kind == JINJA_UNDEFINED;
}

static bool test_iterable(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, is_container(call->self));
}

/* What has a length and items: Jinja2 counts strings and dicts in. */
static bool test_sequence(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, is_container(call->self));
}

static bool test_callable(jinja_run *run, const jinja_call *call, jinja_value *out) {
    uint8_t kind = call->self.kind;
    return answer(out, kind == JINJA_FUNCTION || kind == JINJA_MACRO || kind == JINJA_LOOP ||
                           (kind == JINJA_CYCLER && call->self.cycler->joiner));
}

/* value % divisor == rest */
static bool has_rest(jinja_run *run, jinja_value value, jinja_value divisor, int64_t rest,
                     jinja_value *out) {
    jinja_value found;
    bool equal;
    if (!anm_jinja_binary(run, JINJA_OP_MOD, value, divisor, &found) ||
        !anm_jinja_equal(run, found, jinja_int(rest), &equal))
        return false;
    return answer(out, equal);
}

static bool test_odd(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return has_rest(run, call->self, jinja_int(2), 1, out);
}

static bool test_even(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return has_rest(run, call->self, jinja_int(2), 0, out);
}

static bool test_divisibleby(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return has_rest(run, call->self, call->arg[0], 0, out);
}

static bool test_eq(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_bool(false);
    return anm_jinja_equal(run, call->self, call->arg[0], &out->truth);
}

static bool test_ne(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (!test_eq(run, call, out)) return false;
    out->truth = !out->truth;
    return true;
}

static bool order(jinja_run *run, const jinja_call *call, int *result) {
    jinja_value other = call->arg[0];
    if (JINJA_IS(call->self, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, call->self);
    if (JINJA_IS(other, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, other);
    return anm_jinja_compare(run, call->self, other, result);
}

static bool test_lt(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int result;
    return order(run, call, &result) && answer(out, result < 0);
}

static bool test_le(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int result;
    return order(run, call, &result) && answer(out, result <= 0);
}

static bool test_gt(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int result;
    return order(run, call, &result) && answer(out, result > 0);
}

static bool test_ge(jinja_run *run, const jinja_call *call, jinja_value *out) {
    int result;
    return order(run, call, &result) && answer(out, result >= 0);
}

static bool test_in(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_bool(false);
    return anm_jinja_contains(run, call->self, call->arg[0], &out->truth);
}

static bool test_case(jinja_run *run, const jinja_call *call, jinja_case how, jinja_value *out) {
    anm_sv text;
    *out = jinja_bool(false);
    return anm_jinja_text(run, call->self, &text) &&
           anm_jinja_is_case(run, text, how, &out->truth);
}

static bool test_lower(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return test_case(run, call, JINJA_LOWER, out);
}

static bool test_upper(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return test_case(run, call, JINJA_UPPER, out);
}

/* The same object; for plain values, an equal one of the same kind. */
static bool test_sameas(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value a = call->self, b = call->arg[0];
    if (a.kind != b.kind) return answer(out, false);
    bool shared = jinja_is_sequence(a) || a.kind >= JINJA_DICT;
    return shared ? answer(out, a.list == b.list) : test_eq(run, call, out);
}

static bool test_filter(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv name;
    return anm_jinja_text(run, call->self, &name) &&
           answer(out, anm_jinja_find_filter(name) != NULL);
}

static bool test_test(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv name;
    return anm_jinja_text(run, call->self, &name) && answer(out, anm_jinja_find_test(name) != NULL);
}

/* Nothing is escaped automatically, so nothing is marked as escaped. */
static bool test_escaped(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return answer(out, false);
}

const jinja_builtin anm_jinja_tests[] = {
    {"defined", "", 0, test_defined},
    {"undefined", "", 0, test_undefined},
    {"none", "", 0, test_none},
    {"boolean", "", 0, test_boolean},
    {"true", "", 0, test_true},
    {"false", "", 0, test_false},
    {"integer", "", 0, test_integer},
    {"float", "", 0, test_float},
    {"number", "", 0, test_number},
    {"string", "", 0, test_string},
    {"mapping", "", 0, test_mapping},
    {"iterable", "", 0, test_iterable},
    {"sequence", "", 0, test_sequence},
    {"callable", "", 0, test_callable},
    {"odd", "", 0, test_odd},
    {"even", "", 0, test_even},
    {"divisibleby", "num", 1, test_divisibleby},
    {"eq", "other", 1, test_eq},
    {"equalto", "other", 1, test_eq},
    {"ne", "other", 1, test_ne},
    {"lt", "other", 1, test_lt},
    {"lessthan", "other", 1, test_lt},
    {"le", "other", 1, test_le},
    {"gt", "other", 1, test_gt},
    {"greaterthan", "other", 1, test_gt},
    {"ge", "other", 1, test_ge},
    {"in", "seq", 1, test_in},
    {"lower", "", 0, test_lower},
    {"upper", "", 0, test_upper},
    {"sameas", "other", 1, test_sameas},
    {"filter", "", 0, test_filter},
    {"test", "", 0, test_test},
    {"escaped", "", 0, test_escaped},
    {NULL, NULL, 0, NULL},
};
