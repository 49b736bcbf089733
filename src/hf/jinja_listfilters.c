/* SPDX-License-Identifier: MIT */
/* Filters over lists and dicts as a whole. Where Jinja2 gives a generator, these give a list. */
#include "src/hf/jinja_strings.h"
#include "src/hf/jinja_utf8.h"

static bool given(jinja_value v) {
    return v.kind != JINJA_ABSENT && v.kind != JINJA_NONE;
}

/* What elements are compared by: their attribute, if one is named, in lower case unless told. */
static bool sort_key(jinja_run *run, jinja_value item, jinja_value attribute,
                        bool case_sensitive, jinja_value *key) {
    anm_sv text;
    *key = item;
    if (given(attribute) && !anm_jinja_path(run, item, attribute, key)) return false;
    if (case_sensitive || !JINJA_IS(*key, JINJA_STRING)) return true;
    if (!anm_jinja_change_case(run, key->text, JINJA_LOWER, &text)) return false;
    *key = jinja_string(text);
    return true;
}

/* --- parts --- */

static bool filter_length(jinja_run *run, const jinja_call *call, jinja_value *out) {
    switch (call->self.kind) {
    case JINJA_UNDEFINED: *out = jinja_int(0); return true;
    case JINJA_STRING:
        *out = jinja_int((int64_t)anm_jinja_utf8_length(call->self.text));
        return anm_jinja_charge_bytes(run, call->self.text.len);
    case JINJA_LIST:
    case JINJA_TUPLE: *out = jinja_int((int64_t)call->self.list->len); return true;
    case JINJA_DICT: *out = jinja_int((int64_t)call->self.dict->len); return true;
    default:
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s has no length",
                               anm_jinja_type_name(call->self));
    }
}

static bool pick(jinja_run *run, jinja_value v, bool last, jinja_value *out) {
    jinja_value *items;
    size_t count;
    if (!anm_jinja_iterate(run, v, &items, &count)) return false;
    *out = count ? items[last ? count - 1 : 0]
                 : jinja_undefined(anm_sv_from(last ? "last" : "first"), (jinja_kind)v.kind);
    return true;
}

static bool filter_first(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return pick(run, call->self, false, out);
}

static bool filter_last(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return pick(run, call->self, true, out);
}

static bool filter_attr(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv name;
    return anm_jinja_text_arg(run, call->arg[0], &name) &&
           anm_jinja_attribute(run, call->self, name, out);
}

static bool filter_items(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (JINJA_IS(call->self, JINJA_UNDEFINED)) return anm_jinja_list_new(run, JINJA_LIST, 0, out);
    if (!JINJA_IS(call->self, JINJA_DICT))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "items needs a dict, not a %s",
                               anm_jinja_type_name(call->self));
    return anm_jinja_dict_pairs(run, call->self.dict, out);
}

/* --- copies --- */

/* A new list of the elements of any iterable value. */
static bool to_list(jinja_run *run, jinja_value v, jinja_value *out) {
    jinja_value *items;
    size_t count;
    if (!anm_jinja_iterate(run, v, &items, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, count, out))
        return false;
    if (count) memcpy(out->list->items, items, count * sizeof *items);
    out->list->len = count;
    return anm_jinja_charge(run, count / 16);
}

static bool filter_list(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return to_list(run, call->self, out);
}

static bool reverse_text(jinja_run *run, anm_sv text, jinja_value *out) {
    char *data = anm_jinja_alloc(run, text.len, 1);
    if (!data || !anm_jinja_charge_bytes(run, text.len)) return false;
    for (size_t at = 0; at < text.len;) {
        size_t size = anm_jinja_utf8_size(text.data + at);
        memcpy(data + text.len - at - size, text.data + at, size);
        at += size;
    }
    return jinja_return_text(out, (anm_sv){data, text.len});
}

static bool filter_reverse(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (JINJA_IS(call->self, JINJA_STRING)) return reverse_text(run, call->self.text, out);
    if (!to_list(run, call->self, out)) return false;
    jinja_list *list = out->list;
    for (size_t i = 0; i < list->len / 2; i++) {
        jinja_value other = list->items[i];
        list->items[i] = list->items[list->len - 1 - i];
        list->items[list->len - 1 - i] = other;
    }
    return true;
}

static bool filter_join(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items, item;
    size_t count;
    jinja_text result = {.run = run};
    anm_sv between = {"", 0}, text;
    if (given(call->arg[0]) && !anm_jinja_text(run, call->arg[0], &between)) return false;
    if (!anm_jinja_iterate(run, call->self, &items, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        item = items[i];
        if (given(call->arg[1]) && !anm_jinja_path(run, items[i], call->arg[1], &item))
            return false;
        if (!anm_jinja_text(run, item, &text) || !anm_jinja_charge(run, 1)) return false;
        if (i && !anm_jinja_text_add(&result, between)) return false;
        if (!anm_jinja_text_add(&result, text)) return false;
    }
    return jinja_return_text(out, anm_jinja_text_sv(&result));
}

/* --- order --- */

/* "a,b" names two attributes: the key is then a list of both. */
static bool multi_key(jinja_run *run, jinja_value item, jinja_value attribute,
                      bool case_sensitive, jinja_value *key) {
    bool many = JINJA_IS(attribute, JINJA_STRING) && attribute.text.len &&
                memchr(attribute.text.data, ',', attribute.text.len);
    if (!many) return sort_key(run, item, attribute, case_sensitive, key);
    if (!anm_jinja_list_new(run, JINJA_LIST, 0, key)) return false;
    anm_sv rest = attribute.text;
    for (;;) {
        const char *comma = rest.len ? memchr(rest.data, ',', rest.len) : NULL;
        size_t n = comma ? (size_t)(comma - rest.data) : rest.len;
        jinja_value part;
        if (!sort_key(run, item, jinja_string((anm_sv){rest.data, n}), case_sensitive,
                                &part) ||
            !anm_jinja_list_push(run, key->list, part))
            return false;
        if (!comma) return true;
        rest = (anm_sv){comma + 1, rest.len - n - 1};
    }
}

static bool filter_sort(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (!to_list(run, call->self, out)) return false;
    jinja_value *keys = anm_jinja_alloc(run, out->list->len, sizeof *keys);
    if (!keys) return false;
    for (size_t i = 0; i < out->list->len; i++)
        if (!multi_key(run, out->list->items[i], call->arg[2], anm_jinja_truth(call->arg[1]),
                       &keys[i]))
            return false;
    return anm_jinja_sort(run, keys, out->list->items, out->list->len,
                          anm_jinja_truth(call->arg[0]));
}

static bool filter_dictsort(jinja_run *run, const jinja_call *call, jinja_value *out) {
    anm_sv by = anm_sv_from("key");
    jinja_call items = {.self = call->self};
    if ((call->arg[1].kind != JINJA_ABSENT && !anm_jinja_text_arg(run, call->arg[1], &by)) ||
        !filter_items(run, &items, out))
        return false;
    if (!anm_sv_is(by, "key") && !anm_sv_is(by, "value"))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "dictsort: by must be key or value");
    jinja_value *keys = anm_jinja_alloc(run, out->list->len, sizeof *keys);
    if (!keys) return false;
    for (size_t i = 0; i < out->list->len; i++) {
        jinja_value key = out->list->items[i].list->items[anm_sv_is(by, "value")];
        if (!sort_key(run, key, jinja_none(), anm_jinja_truth(call->arg[0]), &keys[i]))
            return false;
    }
    return anm_jinja_sort(run, keys, out->list->items, out->list->len,
                          anm_jinja_truth(call->arg[2]));
}

static bool filter_unique(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items, seen, key;
    size_t count;
    if (!anm_jinja_iterate(run, call->self, &items, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, 0, out) ||
        !anm_jinja_dict_new(run, JINJA_DICT, &seen))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t before = seen.dict->len;
        if (!sort_key(run, items[i], call->arg[1], anm_jinja_truth(call->arg[0]),
                                &key) ||
            !anm_jinja_dict_put(run, seen.dict, key, jinja_none()))
            return false;
        if (seen.dict->len > before && !anm_jinja_list_push(run, out->list, items[i]))
            return false;
    }
    return true;
}

/* The least or greatest element; the first one of several. */
static bool extreme(jinja_run *run, const jinja_call *call, bool greatest, jinja_value *out) {
    jinja_value *items, best = jinja_none(), key;
    size_t count;
    int order;
    if (!anm_jinja_iterate(run, call->self, &items, &count)) return false;
    *out = jinja_undefined(anm_sv_from("the extreme"), (jinja_kind)call->self.kind);
    for (size_t i = 0; i < count; i++) {
        if (!sort_key(run, items[i], call->arg[1], anm_jinja_truth(call->arg[0]), &key))
            return false;
        if (i && !anm_jinja_compare(run, key, best, &order)) return false;
        if (i && (greatest ? order <= 0 : order >= 0)) continue;
        best = key;
        *out = items[i];
    }
    return true;
}

static bool filter_min(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return extreme(run, call, false, out);
}

static bool filter_max(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return extreme(run, call, true, out);
}

static bool filter_sum(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items, item;
    size_t count;
    *out = call->arg[1].kind == JINJA_ABSENT ? jinja_int(0) : call->arg[1];
    if (!anm_jinja_iterate(run, call->self, &items, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        item = items[i];
        if ((given(call->arg[0]) && !anm_jinja_path(run, items[i], call->arg[0], &item)) ||
            !anm_jinja_charge(run, 1) || !anm_jinja_binary(run, JINJA_OP_ADD, *out, item, out))
            return false;
    }
    return true;
}

/* --- groups --- */

static bool push_part(jinja_run *run, const jinja_value *items, size_t count, jinja_value *out,
                      jinja_value *part) {
    if (!anm_jinja_list_new(run, JINJA_LIST, count, part)) return false;
    if (count) memcpy(part->list->items, items, count * sizeof *items);
    part->list->len = count;
    return anm_jinja_list_push(run, out->list, *part);
}

static bool positive(jinja_run *run, jinja_value v, int64_t *out) {
    if (!anm_jinja_int_arg(run, v, 0, out)) return false;
    return (*out > 0 && *out <= JINJA_MAX_RANGE) ||
           anm_jinja_raise(run, ANM_ERROR_MISMATCH, "expected a number from 1 to %d",
                           JINJA_MAX_RANGE);
}

/* Rows of `linecount` elements. */
static bool filter_batch(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items, part;
    size_t count;
    int64_t width;
    if (!positive(run, call->arg[0], &width) ||
        !anm_jinja_iterate(run, call->self, &items, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, 0, out))
        return false;
    for (size_t i = 0; i < count; i += (size_t)width) {
        size_t n = count - i < (size_t)width ? count - i : (size_t)width;
        if (!push_part(run, items + i, n, out, &part)) return false;
        while (given(call->arg[1]) && part.list->len < (size_t)width)
            if (!anm_jinja_list_push(run, part.list, call->arg[1])) return false;
    }
    return true;
}

/* `slices` columns, the first ones longer when it does not divide evenly. */
static bool filter_slice(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items, part;
    size_t count, at = 0;
    int64_t slices;
    if (!positive(run, call->arg[0], &slices) ||
        !anm_jinja_iterate(run, call->self, &items, &count) ||
        !anm_jinja_list_new(run, JINJA_LIST, 0, out))
        return false;
    size_t each = count / (size_t)slices, longer = count % (size_t)slices;
    for (size_t i = 0; i < (size_t)slices; i++) {
        size_t n = each + (i < longer);
        if (!push_part(run, items + at, n, out, &part)) return false;
        if (given(call->arg[1]) && i >= longer &&
            !anm_jinja_list_push(run, part.list, call->arg[1]))
            return false;
        at += n;
    }
    return anm_jinja_charge(run, (size_t)slices);
}


static bool group_key(jinja_run *run, const jinja_call *call, jinja_value item,
                      jinja_value *shown, jinja_value *compare) {
    bool case_sensitive = anm_jinja_truth(call->arg[2]);
    if (!anm_jinja_path(run, item, call->arg[0], shown)) return false;
    if (JINJA_IS(*shown, JINJA_UNDEFINED) && call->arg[1].kind != JINJA_ABSENT)
        *shown = call->arg[1];
    return sort_key(run, *shown, jinja_none(), case_sensitive, compare);
}

static bool push_group(jinja_run *run, jinja_value grouper, const jinja_value *items, size_t count,
                       jinja_value *out) {
    jinja_value pair, part, holder;
    if (!anm_jinja_list_new(run, JINJA_TUPLE, 0, &pair) ||
        !anm_jinja_list_new(run, JINJA_LIST, 0, &holder) ||
        !anm_jinja_list_push(run, pair.list, grouper) ||
        !push_part(run, items, count, &holder, &part) ||
        !anm_jinja_list_push(run, pair.list, part))
        return false;
    pair.owner = 1;
    return anm_jinja_list_push(run, out->list, pair);
}

/* Runs of equal keys in the sorted list become groups, named by their first element's key. */
static bool collect_groups(jinja_run *run, const jinja_call *call, const jinja_value *keys,
                           const jinja_list *list, jinja_value *out) {
    for (size_t i = 0, end; i < list->len; i = end) {
        bool equal = true;
        for (end = i + 1; end < list->len; end++) {
            if (!anm_jinja_equal(run, keys[i], keys[end], &equal)) return false;
            if (!equal) break;
        }
        jinja_value shown, compare;
        if (!group_key(run, call, list->items[i], &shown, &compare) ||
            !push_group(run, shown, list->items + i, end - i, out))
            return false;
    }
    return true;
}

static bool filter_groupby(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value list, shown;
    if (!to_list(run, call->self, &list)) return false;
    jinja_value *keys = anm_jinja_alloc(run, list.list->len, sizeof *keys);
    if (!keys || !anm_jinja_list_new(run, JINJA_LIST, 0, out)) return false;
    for (size_t i = 0; i < list.list->len; i++)
        if (!group_key(run, call, list.list->items[i], &shown, &keys[i])) return false;
    return anm_jinja_sort(run, keys, list.list->items, list.list->len, false) &&
           collect_groups(run, call, keys, list.list, out);
}

const jinja_builtin anm_jinja_list_filters[] = {
    {"length", "", 0, filter_length},
    {"count", "", 0, filter_length},
    {"first", "", 0, filter_first},
    {"last", "", 0, filter_last},
    {"attr", "name", 1, filter_attr},
    {"items", "", 0, filter_items},
    {"list", "", 0, filter_list},
    {"reverse", "", 0, filter_reverse},
    {"join", "d attribute", 0, filter_join},
    {"sort", "reverse case_sensitive attribute", 0, filter_sort},
    {"dictsort", "case_sensitive by reverse", 0, filter_dictsort},
    {"unique", "case_sensitive attribute", 0, filter_unique},
    {"min", "case_sensitive attribute", 0, filter_min},
    {"max", "case_sensitive attribute", 0, filter_max},
    {"sum", "attribute start", 0, filter_sum},
    {"batch", "linecount fill_with", 1, filter_batch},
    {"slice", "slices fill_with", 1, filter_slice},
    {"groupby", "attribute default case_sensitive", 1, filter_groupby},
    {NULL, NULL, 0, NULL},
};
