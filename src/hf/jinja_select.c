/* SPDX-License-Identifier: MIT */
/* Filters that apply a filter or test to every element: map, select, reject and their like. */
#include "src/hf/jinja_strings.h"

/* The arguments behind the first `skip`, for the filter or test that is applied. */
static jinja_args behind(const jinja_args *all, size_t skip) {
    jinja_args rest = *all;
    size_t n = skip < all->len ? skip : all->len;
    if (n) rest.items += n;
    rest.len -= n;
    return rest;
}

static const jinja_builtin *named(jinja_run *run, jinja_value name, bool is_test) {
    anm_sv text;
    if (!anm_jinja_text_arg(run, name, &text)) return NULL;
    const jinja_builtin *found = is_test ? anm_jinja_find_test(text) : anm_jinja_find_filter(text);
    if (!found)
        anm_jinja_raise(run, ANM_ERROR_UNSUPPORTED, "there is no %s \"%.*s\"",
                        is_test ? "test" : "filter", ANM_SV(text));
    return found;
}

static bool map_attribute(jinja_run *run, const jinja_args *all, jinja_value item,
                          jinja_value *out) {
    jinja_value fallback = anm_jinja_keyword(all, "default");
    if (!anm_jinja_path(run, item, anm_jinja_keyword(all, "attribute"), out)) return false;
    if (JINJA_IS(*out, JINJA_UNDEFINED) && fallback.kind != JINJA_ABSENT) *out = fallback;
    return true;
}

/* As in Jinja2, none and other false values have no elements here. */
static bool elements(jinja_run *run, jinja_value v, jinja_value **items, size_t *count) {
    *count = 0;
    return !anm_jinja_truth(v) || anm_jinja_iterate(run, v, items, count);
}

/* map(attribute='a') or map('filter', argument ...) */
static bool filter_map(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items = NULL, result;
    size_t count;
    const jinja_builtin *filter = NULL;
    bool attribute = anm_jinja_keyword(call->all, "attribute").kind != JINJA_ABSENT;
    jinja_args rest = behind(call->all, 1);
    if (!attribute && !call->all->len)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "map needs a filter or an attribute");
    if (!attribute && !(filter = named(run, call->all->items[0], false))) return false;
    if (!elements(run, call->self, &items, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, count, out))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool ok = attribute ? map_attribute(run, call->all, items[i], &result)
                            : anm_jinja_call_builtin(run, filter, items[i], &rest, &result);
        if (!ok || !anm_jinja_list_push(run, out->list, result)) return false;
    }
    return anm_jinja_charge(run, count);
}

typedef struct selection {
    bool by_attribute, wanted;
    const jinja_builtin *test; /* NULL: the value itself must be true */
    jinja_args rest;
} selection;

static bool selects(jinja_run *run, const selection *s, const jinja_call *call, jinja_value item,
                    bool *keep) {
    jinja_value subject = item, answer;
    if (s->by_attribute && !anm_jinja_path(run, item, call->all->items[0], &subject)) return false;
    answer = subject;
    if (s->test && !anm_jinja_call_builtin(run, s->test, subject, &s->rest, &answer)) return false;
    *keep = anm_jinja_truth(answer) == s->wanted;
    return anm_jinja_charge(run, 1);
}

/* ([attribute,] [test, argument ...]) */
static bool filter_selection(jinja_run *run, const jinja_call *call, bool by_attribute,
                             bool wanted, jinja_value *out) {
    jinja_value *items = NULL;
    size_t count, skip = by_attribute;
    selection s = {by_attribute, wanted, NULL, behind(call->all, skip + 1)};
    if (call->all->len < skip)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "the attribute's name is missing");
    if (call->all->len > skip && !(s.test = named(run, call->all->items[skip], true)))
        return false;
    if (!elements(run, call->self, &items, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, 0, out))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool keep;
        if (!selects(run, &s, call, items[i], &keep)) return false;
        if (keep && !anm_jinja_list_push(run, out->list, items[i])) return false;
    }
    return true;
}

static bool filter_select(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return filter_selection(run, call, false, true, out);
}

static bool filter_reject(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return filter_selection(run, call, false, false, out);
}

static bool filter_selectattr(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return filter_selection(run, call, true, true, out);
}

static bool filter_rejectattr(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return filter_selection(run, call, true, false, out);
}

const jinja_builtin anm_jinja_select_filters[] = {
    {"map", "*", 0, filter_map},
    {"select", "*", 0, filter_select},
    {"reject", "*", 0, filter_reject},
    {"selectattr", "*", 0, filter_selectattr},
    {"rejectattr", "*", 0, filter_rejectattr},
    {NULL, NULL, 0, NULL},
};
