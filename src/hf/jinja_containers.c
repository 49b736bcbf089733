/* SPDX-License-Identifier: MIT */
/* Methods of lists, dicts, loops and cyclers. */
#include "src/hf/jinja_strings.h"

/* --- lists --- */

static bool list_index(jinja_run *run, const jinja_call *call, jinja_value *out) {
    const jinja_list *list = call->self.list;
    for (size_t i = 0; i < list->len; i++) {
        bool equal;
        if (!anm_jinja_equal(run, list->items[i], call->arg[0], &equal)) return false;
        if (equal) return *out = jinja_int((int64_t)i), true;
    }
    return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "index: the list does not have this element");
}

static bool list_count(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_int(0);
    for (size_t i = 0; i < call->self.list->len; i++) {
        bool equal;
        if (!anm_jinja_equal(run, call->self.list->items[i], call->arg[0], &equal)) return false;
        out->integer += equal;
    }
    return true;
}

static bool list_append(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_none();
    return anm_jinja_list_push(run, call->self.list, call->arg[0]);
}

static bool list_extend(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value *items;
    size_t count;
    *out = jinja_none();
    if (!anm_jinja_iterate(run, call->arg[0], &items, &count)) return false;
    for (size_t i = 0; i < count; i++)
        if (!anm_jinja_list_push(run, call->self.list, items[i])) return false;
    return true;
}

static bool list_insert(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_list *list = call->self.list;
    int64_t at, len = (int64_t)list->len;
    *out = jinja_none();
    if (!anm_jinja_int_arg(run, call->arg[0], 0, &at) ||
        !anm_jinja_list_push(run, list, call->arg[1]) || !anm_jinja_charge(run, list->len / 16))
        return false;
    if (at < 0) at = at + len < 0 ? 0 : at + len;
    if (at > len) at = len;
    memmove(&list->items[at + 1], &list->items[at], (size_t)(len - at) * sizeof *list->items);
    list->items[at] = call->arg[1];
    return true;
}

static bool list_pop(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_list *list = call->self.list;
    int64_t at;
    if (!anm_jinja_int_arg(run, call->arg[0], -1, &at) || !anm_jinja_charge(run, list->len / 16))
        return false;
    if (at < 0) at += (int64_t)list->len;
    if (at < 0 || at >= (int64_t)list->len)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "pop: the list has no such element");
    *out = list->items[at];
    list->len--;
    memmove(&list->items[at], &list->items[at + 1],
            (list->len - (size_t)at) * sizeof *list->items);
    return true;
}

static bool list_remove(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_value at, ignored;
    if (!list_index(run, call, &at)) return false;
    jinja_call pop = {.self = call->self, .arg = {at}};
    *out = jinja_none();
    return list_pop(run, &pop, &ignored);
}

static bool list_reverse(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_list *list = call->self.list;
    for (size_t i = 0; i < list->len / 2; i++) {
        jinja_value other = list->items[i];
        list->items[i] = list->items[list->len - 1 - i];
        list->items[list->len - 1 - i] = other;
    }
    *out = jinja_none();
    return anm_jinja_charge(run, list->len / 16);
}

static bool list_sort(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_list *list = call->self.list;
    jinja_value *keys = anm_jinja_alloc(run, list->len, sizeof *keys);
    if (!keys) return false;
    if (list->len) memcpy(keys, list->items, list->len * sizeof *keys);
    *out = jinja_none();
    return anm_jinja_sort(run, keys, list->items, list->len, anm_jinja_truth(call->arg[0]));
}

static bool list_clear(jinja_run *run, const jinja_call *call, jinja_value *out) {
    call->self.list->len = 0;
    *out = jinja_none();
    return true;
}

static bool list_copy(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return anm_jinja_list_new(run, JINJA_LIST, 0, out) &&
           list_extend(run, &(jinja_call){.self = *out, .arg = {call->self}}, &(jinja_value){0});
}

const jinja_builtin anm_jinja_list_methods[] = {
    {"index", "value", 1, list_index},
    {"count", "value", 1, list_count},
    {"append", "object", 1, list_append},
    {"extend", "iterable", 1, list_extend},
    {"insert", "index object", 2, list_insert},
    {"pop", "index", 0, list_pop},
    {"remove", "value", 1, list_remove},
    {"reverse", "", 0, list_reverse},
    {"sort", "reverse", 0, list_sort},
    {"clear", "", 0, list_clear},
    {"copy", "", 0, list_copy},
    {NULL, NULL, 0, NULL},
};

/* --- dicts --- */

static jinja_value or_none(jinja_value v) {
    return v.kind == JINJA_ABSENT ? jinja_none() : v;
}

static bool dict_get(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_entry *entry;
    if (!anm_jinja_dict_find(run, call->self.dict, call->arg[0], &entry)) return false;
    *out = entry ? entry->value : or_none(call->arg[1]);
    return true;
}

static bool dict_setdefault(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_entry *entry;
    if (!anm_jinja_dict_find(run, call->self.dict, call->arg[0], &entry)) return false;
    *out = entry ? entry->value : or_none(call->arg[1]);
    return entry || anm_jinja_dict_put(run, call->self.dict, call->arg[0], *out);
}

static bool dict_pop(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_entry *entry;
    if (!anm_jinja_dict_find(run, call->self.dict, call->arg[0], &entry) ||
        !anm_jinja_charge(run, call->self.dict->len / 4))
        return false;
    if (!entry && call->arg[1].kind == JINJA_ABSENT)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "pop: the dict does not have this key");
    *out = entry ? entry->value : call->arg[1];
    if (entry) anm_jinja_dict_remove(call->self.dict, entry);
    return true;
}

bool anm_jinja_dict_pairs(jinja_run *run, const jinja_dict *dict, jinja_value *out) {
    if (!anm_jinja_list_new(run, JINJA_LIST, dict->len, out)) return false;
    for (size_t i = 0; i < dict->len; i++) {
        jinja_value pair;
        if (!anm_jinja_list_new(run, JINJA_TUPLE, 2, &pair)) return false;
        pair.list->items[0] = dict->entries[i].key;
        pair.list->items[1] = dict->entries[i].value;
        pair.list->len = 2;
        out->list->items[out->list->len++] = pair;
    }
    return anm_jinja_charge(run, dict->len);
}

static bool dict_items(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return anm_jinja_dict_pairs(run, call->self.dict, out);
}

static bool dict_column(jinja_run *run, const jinja_dict *dict, bool keys, jinja_value *out) {
    if (!anm_jinja_list_new(run, JINJA_LIST, dict->len, out)) return false;
    for (size_t i = 0; i < dict->len; i++)
        out->list->items[i] = keys ? dict->entries[i].key : dict->entries[i].value;
    out->list->len = dict->len;
    return anm_jinja_charge(run, dict->len / 16);
}

static bool dict_keys(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return dict_column(run, call->self.dict, true, out);
}

static bool dict_values(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return dict_column(run, call->self.dict, false, out);
}

static bool put_pair(jinja_run *run, jinja_dict *dict, jinja_value pair) {
    if (!jinja_is_sequence(pair) || pair.list->len != 2)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a dict is made of pairs, not of a %s",
                               anm_jinja_type_name(pair));
    return anm_jinja_dict_put(run, dict, pair.list->items[0], pair.list->items[1]);
}

static bool put_all(jinja_run *run, jinja_dict *dict, jinja_value from) {
    if (JINJA_IS(from, JINJA_DICT)) {
        for (size_t i = 0; i < from.dict->len; i++)
            if (!anm_jinja_dict_put(run, dict, from.dict->entries[i].key,
                                    from.dict->entries[i].value))
                return false;
        return true;
    }
    jinja_value *pairs;
    size_t count;
    if (!anm_jinja_iterate(run, from, &pairs, &count)) return false;
    for (size_t i = 0; i < count; i++)
        if (!put_pair(run, dict, pairs[i])) return false;
    return true;
}

bool anm_jinja_dict_update(jinja_run *run, jinja_dict *dict, const jinja_args *args) {
    if (args->len > 1) return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "at most one dict is taken");
    if (args->len && !put_all(run, dict, args->items[0])) return false;
    for (size_t i = 0; i < args->keyword_count; i++)
        if (!anm_jinja_dict_put(run, dict, jinja_string(args->keywords[i].name),
                                args->keywords[i].value))
            return false;
    return true;
}

static bool dict_update(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *out = jinja_none();
    return anm_jinja_dict_update(run, call->self.dict, call->all);
}

static bool dict_copy(jinja_run *run, const jinja_call *call, jinja_value *out) {
    return anm_jinja_dict_new(run, JINJA_DICT, out) && put_all(run, out->dict, call->self);
}

static bool dict_clear(jinja_run *run, const jinja_call *call, jinja_value *out) {
    *call->self.dict = (jinja_dict){0};
    *out = jinja_none();
    return true;
}

const jinja_builtin anm_jinja_dict_methods[] = {
    {"get", "key default", 1, dict_get},
    {"items", "", 0, dict_items},
    {"keys", "", 0, dict_keys},
    {"values", "", 0, dict_values},
    {"setdefault", "key default", 1, dict_setdefault},
    {"pop", "key default", 1, dict_pop},
    {"update", "*", 0, dict_update},
    {"copy", "", 0, dict_copy},
    {"clear", "", 0, dict_clear},
    {NULL, NULL, 0, NULL},
};

/* --- loops and cyclers --- */

static bool loop_cycle(jinja_run *run, const jinja_call *call, jinja_value *out) {
    if (!call->all->len)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "cycle needs values to cycle through");
    *out = call->all->items[call->self.loop->index % call->all->len];
    return true;
}

/* Whether the arguments differ from those of the call before. */
static bool loop_changed(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_loop *loop = call->self.loop;
    jinja_value now;
    bool same = false;
    if (!anm_jinja_list_new(run, JINJA_TUPLE, call->all->len, &now)) return false;
    for (size_t i = 0; i < call->all->len; i++) now.list->items[i] = call->all->items[i];
    now.list->len = call->all->len;
    if (loop->has_changed && !anm_jinja_equal(run, loop->changed, now, &same)) return false;
    loop->changed = now;
    loop->has_changed = true;
    *out = jinja_bool(!same);
    return true;
}

const jinja_builtin anm_jinja_loop_methods[] = {
    {"cycle", "*", 0, loop_cycle},
    {"changed", "*", 0, loop_changed},
    {NULL, NULL, 0, NULL},
};

static bool cycler_next(jinja_run *run, const jinja_call *call, jinja_value *out) {
    jinja_cycler *cycler = call->self.cycler;
    *out = cycler->items->items[cycler->at];
    cycler->at = (cycler->at + 1) % cycler->items->len;
    return true;
}

static bool cycler_reset(jinja_run *run, const jinja_call *call, jinja_value *out) {
    call->self.cycler->at = 0;
    *out = jinja_none();
    return true;
}

const jinja_builtin anm_jinja_cycler_methods[] = {
    {"next", "", 0, cycler_next},
    {"reset", "", 0, cycler_reset},
    {NULL, NULL, 0, NULL},
};
