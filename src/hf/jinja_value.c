/* SPDX-License-Identifier: MIT */
/* Lists, dicts, equality, order and iteration of template values. */
#include "src/hf/jinja_value.h"

#include <math.h>

#include "src/base/map.h"
#include "src/hf/jinja_run.h"
#include "src/hf/jinja_utf8.h"

const char *anm_jinja_type_name(jinja_value v) {
    static const char *const names[] = {
        "absent", "Undefined", "NoneType", "bool",      "int",      "float", "str",   "list",
        "tuple",  "dict",      "Namespace", "function", "Macro", "LoopContext", "Cycler"};
    return names[v.kind];
}

bool anm_jinja_truth(jinja_value v) {
    switch ((jinja_kind)v.kind) {
    case JINJA_ABSENT:
    case JINJA_UNDEFINED:
    case JINJA_NONE: return false;
    case JINJA_BOOL: return v.truth;
    case JINJA_INT: return v.integer != 0;
    case JINJA_FLOAT: return v.real != 0;
    case JINJA_STRING: return v.text.len != 0;
    case JINJA_LIST:
    case JINJA_TUPLE: return v.list->len != 0;
    case JINJA_DICT: return v.dict->len != 0;
    default: return true;
    }
}

double anm_jinja_number(jinja_value v) {
    switch (v.kind) {
    case JINJA_BOOL: return v.truth;
    case JINJA_INT: return (double)v.integer;
    case JINJA_FLOAT: return v.real;
    default: return 0;
    }
}

/* --- lists --- */

bool anm_jinja_list_new(jinja_run *run, jinja_kind kind, size_t reserve, jinja_value *out) {
    jinja_list *list = anm_jinja_alloc(run, 1, sizeof *list);
    if (!list) return false;
    list->items = anm_jinja_alloc(run, reserve, sizeof *list->items);
    if (!list->items) return false;
    list->cap = reserve;
    *out = (jinja_value){.kind = (uint8_t)kind, .list = list};
    return true;
}

bool anm_jinja_list_push(jinja_run *run, jinja_list *list, jinja_value item) {
    if (list->len == list->cap) {
        size_t cap = list->cap < 4 ? 8 : list->cap * 2;
        jinja_value *grown = anm_jinja_alloc(run, cap, sizeof *grown);
        if (!grown) return false;
        if (list->len) memcpy(grown, list->items, list->len * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->len++] = item;
    return true;
}

/* --- dicts --- */

enum { SMALL_DICT = 8 };

/* Equal values have equal hashes: 1, 1.0 and true are one key. */
static bool hash_value(jinja_run *run, jinja_value v, int depth, uint64_t *hash) {
    double number;
    switch (v.kind) {
    case JINJA_STRING: *hash = anm_hash_bytes(v.text.data, v.text.len); return true;
    case JINJA_BOOL:
    case JINJA_INT:
    case JINJA_FLOAT:
        number = anm_jinja_number(v) + 0.0; /* -0.0 becomes 0.0 */
        *hash = anm_hash_bytes(&number, sizeof number);
        return true;
    case JINJA_TUPLE:
        *hash = 17;
        for (size_t i = 0; i < v.list->len && depth < JINJA_MAX_VALUE_DEPTH; i++) {
            uint64_t part;
            if (!anm_jinja_charge(run, 1)) return false;
            if (!hash_value(run, v.list->items[i], depth + 1, &part)) return false;
            *hash = *hash * 1000003 ^ part;
        }
        return true;
    case JINJA_LIST:
    case JINJA_DICT:
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s cannot be a key",
                               anm_jinja_type_name(v));
    default: *hash = v.kind; return true;
    }
}

bool anm_jinja_dict_new(jinja_run *run, jinja_kind kind, jinja_value *out) {
    jinja_dict *dict = anm_jinja_alloc(run, 1, sizeof *dict);
    if (!dict) return false;
    *out = (jinja_value){.kind = (uint8_t)kind, .dict = dict};
    return true;
}

static void index_entry(jinja_dict *dict, size_t entry) {
    size_t mask = dict->slot_count - 1, slot = dict->entries[entry].hash & mask;
    while (dict->slots[slot]) slot = (slot + 1) & mask;
    dict->slots[slot] = (uint32_t)entry + 1;
}

static void index_all(jinja_dict *dict) {
    if (!dict->slot_count) return;
    memset(dict->slots, 0, dict->slot_count * sizeof *dict->slots);
    for (size_t i = 0; i < dict->len; i++) index_entry(dict, i);
}

static bool grow_dict(jinja_run *run, jinja_dict *dict) {
    size_t cap = dict->cap ? dict->cap * 2 : SMALL_DICT;
    jinja_entry *grown = anm_jinja_alloc(run, cap, sizeof *grown);
    if (!grown) return false;
    if (dict->len) memcpy(grown, dict->entries, dict->len * sizeof *grown);
    dict->entries = grown;
    dict->cap = cap;
    if (cap <= SMALL_DICT) return true;
    dict->slots = anm_jinja_alloc(run, cap * 2, sizeof *dict->slots);
    if (!dict->slots) return false;
    dict->slot_count = cap * 2;
    index_all(dict);
    return true;
}

static bool same_key(jinja_run *run, const jinja_entry *entry, uint64_t hash, jinja_value key,
                     bool *same) {
    *same = false;
    return entry->hash != hash || anm_jinja_equal(run, entry->key, key, same);
}

static bool find_hashed(jinja_run *run, const jinja_dict *dict, jinja_value key, uint64_t hash,
                        jinja_entry **found) {
    bool same;
    *found = NULL;
    size_t mask = dict->slot_count - 1, slot = hash & mask;
    size_t count = dict->slot_count ? dict->slot_count : dict->len;
    for (size_t i = 0; i < count; i++, slot = (slot + 1) & mask) {
        if (dict->slot_count && !dict->slots[slot]) break;
        jinja_entry *entry = &dict->entries[dict->slot_count ? dict->slots[slot] - 1 : i];
        if (!same_key(run, entry, hash, key, &same)) return false;
        if (same) return *found = entry, true;
    }
    return true;
}

bool anm_jinja_dict_find(jinja_run *run, const jinja_dict *dict, jinja_value key,
                         jinja_entry **found) {
    uint64_t hash;
    *found = NULL;
    return hash_value(run, key, 0, &hash) && find_hashed(run, dict, key, hash, found);
}

bool anm_jinja_dict_put(jinja_run *run, jinja_dict *dict, jinja_value key, jinja_value value) {
    uint64_t hash;
    jinja_entry *entry;
    if (!hash_value(run, key, 0, &hash) || !find_hashed(run, dict, key, hash, &entry)) return false;
    if (entry) {
        entry->value = value;
        return true;
    }
    if (dict->len == dict->cap && !grow_dict(run, dict)) return false;
    dict->entries[dict->len++] = (jinja_entry){hash, key, value};
    if (dict->slot_count) index_entry(dict, dict->len - 1);
    return true;
}

void anm_jinja_dict_remove(jinja_dict *dict, jinja_entry *entry) {
    size_t at = (size_t)(entry - dict->entries);
    memmove(entry, entry + 1, (dict->len - at - 1) * sizeof *entry);
    dict->len--;
    index_all(dict);
}

jinja_entry *anm_jinja_dict_get(const jinja_dict *dict, anm_sv key) {
    uint64_t hash = anm_hash_bytes(key.data, key.len);
    size_t mask = dict->slot_count - 1, slot = hash & mask;
    size_t count = dict->slot_count ? dict->slot_count : dict->len;
    for (size_t i = 0; i < count; i++, slot = (slot + 1) & mask) {
        if (dict->slot_count && !dict->slots[slot]) break;
        jinja_entry *entry = &dict->entries[dict->slot_count ? dict->slots[slot] - 1 : i];
        if (entry->hash == hash && JINJA_IS(entry->key, JINJA_STRING) &&
            anm_sv_equal(entry->key.text, key))
            return entry;
    }
    return NULL;
}

/* --- equality and order --- */

static bool deep_equal(jinja_run *run, jinja_value a, jinja_value b, int depth, bool *equal);

bool anm_jinja_raise_deep(jinja_run *run) {
    return anm_jinja_raise(run, ANM_ERROR_LIMIT, "values are nested deeper than %d levels",
                           JINJA_MAX_VALUE_DEPTH);
}

static bool equal_lists(jinja_run *run, const jinja_list *a, const jinja_list *b, int depth,
                        bool *equal) {
    *equal = a->len == b->len;
    for (size_t i = 0; *equal && i < a->len; i++)
        if (!deep_equal(run, a->items[i], b->items[i], depth, equal)) return false;
    return true;
}

static bool equal_dicts(jinja_run *run, const jinja_dict *a, const jinja_dict *b, int depth,
                        bool *equal) {
    *equal = a->len == b->len;
    for (size_t i = 0; *equal && i < a->len; i++) {
        jinja_entry *other;
        if (!find_hashed(run, b, a->entries[i].key, a->entries[i].hash, &other)) return false;
        *equal = other != NULL;
        if (other && !deep_equal(run, a->entries[i].value, other->value, depth, equal))
            return false;
    }
    return true;
}

static bool equal_numbers(jinja_value a, jinja_value b) {
    if (a.kind != JINJA_FLOAT && b.kind != JINJA_FLOAT) {
        int64_t x = a.kind == JINJA_BOOL ? a.truth : a.integer;
        return x == (b.kind == JINJA_BOOL ? b.truth : b.integer);
    }
    return anm_jinja_number(a) == anm_jinja_number(b);
}

static bool deep_equal(jinja_run *run, jinja_value a, jinja_value b, int depth, bool *equal) {
    *equal = false;
    if (depth > JINJA_MAX_VALUE_DEPTH) return anm_jinja_raise_deep(run);
    if (!anm_jinja_charge(run, 1)) return false;
    if (jinja_is_number(a) && jinja_is_number(b)) return *equal = equal_numbers(a, b), true;
    if (a.kind != b.kind) return true;
    switch (a.kind) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: *equal = true; return true;
    case JINJA_STRING:
        if (!anm_jinja_charge_bytes(run, a.text.len == b.text.len ? a.text.len : 0)) return false;
        *equal = anm_sv_equal(a.text, b.text);
        return true;
    case JINJA_LIST:
    case JINJA_TUPLE: return equal_lists(run, a.list, b.list, depth + 1, equal);
    case JINJA_DICT: return equal_dicts(run, a.dict, b.dict, depth + 1, equal);
    default: *equal = a.list == b.list; return true; /* the same object */
    }
}

bool anm_jinja_equal(jinja_run *run, jinja_value a, jinja_value b, bool *equal) {
    return deep_equal(run, a, b, 0, equal);
}

/* UTF-8 sorts by bytes as it sorts by code points. */
static int compare_texts(anm_sv a, anm_sv b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_numbers(jinja_value a, jinja_value b) {
    if (a.kind == JINJA_INT && b.kind == JINJA_INT)
        return (a.integer > b.integer) - (a.integer < b.integer);
    double x = anm_jinja_number(a), y = anm_jinja_number(b);
    return (x > y) - (x < y);
}

static bool deep_compare(jinja_run *run, jinja_value a, jinja_value b, int depth, int *order) {
    *order = 0;
    if (depth > JINJA_MAX_VALUE_DEPTH) return anm_jinja_raise_deep(run);
    if (!anm_jinja_charge(run, 1)) return false;
    if (jinja_is_number(a) && jinja_is_number(b)) return *order = compare_numbers(a, b), true;
    if (JINJA_IS(a, JINJA_STRING) && JINJA_IS(b, JINJA_STRING)) {
        *order = compare_texts(a.text, b.text);
        return anm_jinja_charge_bytes(run, a.text.len < b.text.len ? a.text.len : b.text.len);
    }
    if (!jinja_is_sequence(a) || a.kind != b.kind)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s and a %s have no order",
                               anm_jinja_type_name(a), anm_jinja_type_name(b));
    for (size_t i = 0; i < a.list->len && i < b.list->len; i++) {
        bool equal;
        if (!deep_equal(run, a.list->items[i], b.list->items[i], depth + 1, &equal)) return false;
        if (!equal)
            return deep_compare(run, a.list->items[i], b.list->items[i], depth + 1, order);
    }
    *order = (a.list->len > b.list->len) - (a.list->len < b.list->len);
    return true;
}

bool anm_jinja_compare(jinja_run *run, jinja_value a, jinja_value b, int *order) {
    return deep_compare(run, a, b, 0, order);
}

/* --- iteration --- */

static bool characters(jinja_run *run, anm_sv text, jinja_value **items, size_t *count) {
    *count = anm_jinja_utf8_length(text);
    *items = anm_jinja_alloc(run, *count, sizeof **items);
    if (!*items) return false;
    for (size_t i = 0, at = 0; i < *count; i++) {
        size_t size = anm_jinja_utf8_size(text.data + at);
        (*items)[i] = jinja_string((anm_sv){text.data + at, size});
        at += size;
    }
    return true;
}

static bool keys(jinja_run *run, const jinja_dict *dict, jinja_value **items, size_t *count) {
    *count = dict->len;
    *items = anm_jinja_alloc(run, dict->len, sizeof **items);
    for (size_t i = 0; *items && i < dict->len; i++) (*items)[i] = dict->entries[i].key;
    return *items != NULL;
}

bool anm_jinja_iterate(jinja_run *run, jinja_value v, jinja_value **items, size_t *count) {
    *items = NULL;
    *count = 0;
    switch (v.kind) {
    case JINJA_UNDEFINED: return true;
    case JINJA_STRING: return characters(run, v.text, items, count);
    case JINJA_DICT: return keys(run, v.dict, items, count);
    case JINJA_TUPLE:
        *items = v.list->items;
        *count = v.list->len;
        return true;
    case JINJA_LIST:
        *count = v.list->len;
        *items = anm_jinja_alloc(run, *count, sizeof **items);
        if (*items && *count) memcpy(*items, v.list->items, *count * sizeof **items);
        return *items != NULL;
    default:
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s cannot be looped over",
                               anm_jinja_type_name(v));
    }
}
