/* SPDX-License-Identifier: MIT */
/* Expressions: one function per kind of node, and the dispatch over them. */
#include "src/hf/jinja_run.h"

static bool eval_nodes(jinja_run *run, const jinja_nodes *list, jinja_kind kind,
                       jinja_value *out) {
    if (!anm_jinja_list_new(run, kind, list->len, out)) return false;
    for (size_t i = 0; i < list->len; i++)
        if (!anm_jinja_eval(run, list->items[i], &out->list->items[i])) return false;
    out->list->len = list->len;
    return true;
}

static bool eval_dict(jinja_run *run, const jinja_node *node, jinja_value *out) {
    if (!anm_jinja_dict_new(run, JINJA_DICT, out)) return false;
    for (size_t i = 0; i + 1 < node->list.len; i += 2) {
        jinja_value key, value;
        if (!anm_jinja_eval(run, node->list.items[i], &key) ||
            !anm_jinja_eval(run, node->list.items[i + 1], &value))
            return false;
        run->at = node->list.items[i]->pos;
        if (!anm_jinja_dict_put(run, out->dict, key, value)) return false;
    }
    return true;
}

static bool eval_attribute(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value object;
    if (!anm_jinja_eval(run, node->a, &object)) return false;
    run->at = node->pos;
    return anm_jinja_attribute(run, object, node->name, out);
}

static bool eval_item(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value object, key;
    if (!anm_jinja_eval(run, node->a, &object) || !anm_jinja_eval(run, node->b, &key)) return false;
    run->at = node->pos;
    return anm_jinja_item(run, object, key, out);
}

static bool eval_slice(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value object, part[3] = {jinja_none(), jinja_none(), jinja_none()};
    if (!anm_jinja_eval(run, node->a, &object)) return false;
    for (size_t i = 0; i < 3; i++)
        if (node->list.items[i] && !anm_jinja_eval(run, node->list.items[i], &part[i]))
            return false;
    run->at = node->pos;
    return anm_jinja_slice(run, object, part, out);
}

/* --- arguments --- */

static bool push_item(jinja_run *run, jinja_args *args, size_t *cap, jinja_value value) {
    if (args->len == *cap) {
        *cap = *cap * 2 + 4;
        jinja_value *grown = anm_jinja_alloc(run, *cap, sizeof *grown);
        if (!grown) return false;
        if (args->len) memcpy(grown, args->items, args->len * sizeof *grown);
        args->items = grown;
    }
    args->items[args->len++] = value;
    return true;
}

static bool push_keyword(jinja_run *run, jinja_args *args, size_t *cap, anm_sv name,
                         jinja_value value) {
    for (size_t i = 0; i < args->keyword_count; i++)
        if (anm_sv_equal(args->keywords[i].name, name))
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "the argument \"%.*s\" is given twice",
                                   ANM_SV(name));
    if (args->keyword_count == *cap) {
        *cap = *cap * 2 + 4;
        jinja_keyword *grown = anm_jinja_alloc(run, *cap, sizeof *grown);
        if (!grown) return false;
        if (args->keyword_count)
            memcpy(grown, args->keywords, args->keyword_count * sizeof *grown);
        args->keywords = grown;
    }
    args->keywords[args->keyword_count++] = (jinja_keyword){name, value};
    return anm_jinja_charge(run, args->keyword_count);
}

static bool spread(jinja_run *run, jinja_value value, jinja_args *args, size_t *cap) {
    jinja_value *items;
    size_t count;
    if (!anm_jinja_iterate(run, value, &items, &count)) return false;
    for (size_t i = 0; i < count; i++)
        if (!push_item(run, args, cap, items[i])) return false;
    return true;
}

static bool spread_dict(jinja_run *run, jinja_value value, jinja_args *args, size_t *cap) {
    if (!JINJA_IS(value, JINJA_DICT))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "** needs a dict, not a %s",
                               anm_jinja_type_name(value));
    for (size_t i = 0; i < value.dict->len; i++) {
        const jinja_entry *entry = &value.dict->entries[i];
        if (!JINJA_IS(entry->key, JINJA_STRING))
            return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "** needs strings as keys");
        if (!push_keyword(run, args, cap, entry->key.text, entry->value)) return false;
    }
    return true;
}

bool anm_jinja_eval_args(jinja_run *run, const jinja_nodes *list, jinja_args *args) {
    size_t cap = 0, keyword_cap = 0;
    *args = (jinja_args){0};
    for (size_t i = 0; i < list->len; i++) {
        const jinja_node *node = list->items[i];
        bool plain = node->kind != JINJA_N_STAR && node->kind != JINJA_N_STAR_STAR &&
                     node->kind != JINJA_N_KEYWORD;
        jinja_value value;
        if (!anm_jinja_eval(run, plain ? node : node->a, &value)) return false;
        run->at = node->pos;
        bool ok = plain                              ? push_item(run, args, &cap, value)
                  : node->kind == JINJA_N_STAR       ? spread(run, value, args, &cap)
                  : node->kind == JINJA_N_STAR_STAR  ? spread_dict(run, value, args, &keyword_cap)
                  : push_keyword(run, args, &keyword_cap, node->name, value);
        if (!ok) return false;
    }
    return true;
}

static bool eval_call(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value callee;
    jinja_args args;
    if (!anm_jinja_eval(run, node->a, &callee) || !anm_jinja_eval_args(run, &node->list, &args))
        return false;
    run->at = node->pos;
    return anm_jinja_call(run, callee, &args, out);
}

/* A filter or a test. */
static bool eval_builtin(jinja_run *run, const jinja_node *node, const char *what,
                         jinja_value *out) {
    jinja_value self;
    jinja_args args;
    run->at = node->pos;
    if (!node->builtin)
        return anm_jinja_raise(run, ANM_ERROR_UNSUPPORTED, "there is no %s \"%.*s\"", what,
                               ANM_SV(node->name));
    if (!anm_jinja_eval(run, node->a, &self) || !anm_jinja_eval_args(run, &node->list, &args))
        return false;
    run->at = node->pos;
    return anm_jinja_call_builtin(run, node->builtin, self, &args, out);
}

/* --- operators --- */

static bool eval_sign(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value value;
    bool negate = node->kind == JINJA_N_NEGATE;
    if (!anm_jinja_eval(run, node->a, &value)) return false;
    run->at = node->pos;
    if (JINJA_IS(value, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, value);
    if (!jinja_is_number(value))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH, "a %s has no sign",
                               anm_jinja_type_name(value));
    if (JINJA_IS(value, JINJA_FLOAT)) {
        *out = jinja_float(negate ? -value.real : value.real);
        return true;
    }
    int64_t integer = JINJA_IS(value, JINJA_BOOL) ? value.truth : value.integer;
    if (negate && __builtin_sub_overflow((int64_t)0, integer, &integer))
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the number does not fit in 64 bits");
    *out = jinja_int(integer);
    return true;
}

static bool eval_logic(jinja_run *run, const jinja_node *node, jinja_value *out) {
    if (!anm_jinja_eval(run, node->a, out)) return false;
    bool decided = anm_jinja_truth(*out) == (node->kind == JINJA_N_OR);
    return decided || anm_jinja_eval(run, node->b, out);
}

static bool eval_not(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value value;
    if (!anm_jinja_eval(run, node->a, &value)) return false;
    *out = jinja_bool(!anm_jinja_truth(value));
    return true;
}

static bool eval_binary(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value a, b;
    if (!anm_jinja_eval(run, node->a, &a) || !anm_jinja_eval(run, node->b, &b)) return false;
    run->at = node->pos;
    return anm_jinja_binary(run, (jinja_op)node->op, a, b, out);
}

static bool eval_concat(jinja_run *run, const jinja_node *node, jinja_value *out) {
    anm_sv *parts = anm_jinja_alloc(run, node->list.len, sizeof *parts), text;
    if (!parts) return false;
    for (size_t i = 0; i < node->list.len; i++) {
        jinja_value value;
        if (!anm_jinja_eval(run, node->list.items[i], &value) ||
            !anm_jinja_text(run, value, &parts[i]))
            return false;
    }
    if (!anm_jinja_join(run, parts, node->list.len, &text)) return false;
    *out = jinja_string(text);
    return true;
}

static bool compare_once(jinja_run *run, jinja_op op, jinja_value a, jinja_value b, bool *holds) {
    int order;
    switch (op) {
    case JINJA_OP_EQ: return anm_jinja_equal(run, a, b, holds);
    case JINJA_OP_NE:
        if (!anm_jinja_equal(run, a, b, holds)) return false;
        *holds = !*holds;
        return true;
    case JINJA_OP_IN: return anm_jinja_contains(run, a, b, holds);
    case JINJA_OP_NOT_IN:
        if (!anm_jinja_contains(run, a, b, holds)) return false;
        *holds = !*holds;
        return true;
    default: break;
    }
    if (JINJA_IS(a, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, a);
    if (JINJA_IS(b, JINJA_UNDEFINED)) return anm_jinja_raise_undefined(run, b);
    if (!anm_jinja_compare(run, a, b, &order)) return false;
    bool nan = (JINJA_IS(a, JINJA_FLOAT) && a.real != a.real) ||
               (JINJA_IS(b, JINJA_FLOAT) && b.real != b.real);
    *holds = !nan && (op == JINJA_OP_LT   ? order < 0
                      : op == JINJA_OP_LE ? order <= 0
                      : op == JINJA_OP_GT ? order > 0
                                          : order >= 0);
    return true;
}

/* a < b < c holds when both parts do; c is not evaluated when the first fails. */
static bool eval_compare(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value left, right;
    bool holds = true;
    if (!anm_jinja_eval(run, node->a, &left)) return false;
    for (size_t i = 0; holds && i < node->list.len; i++) {
        const jinja_node *to = node->list.items[i];
        if (!anm_jinja_eval(run, to->a, &right)) return false;
        run->at = to->pos;
        if (!compare_once(run, (jinja_op)to->op, left, right, &holds)) return false;
        left = right;
    }
    *out = jinja_bool(holds);
    return true;
}

static bool eval_if_else(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value condition;
    if (!anm_jinja_eval(run, node->b, &condition)) return false;
    if (anm_jinja_truth(condition)) return anm_jinja_eval(run, node->a, out);
    if (node->c) return anm_jinja_eval(run, node->c, out);
    *out = jinja_undefined(anm_sv_from("the missing else"), JINJA_ABSENT);
    return true;
}

static bool dispatch(jinja_run *run, const jinja_node *node, jinja_value *out) {
    switch ((jinja_node_kind)node->kind) {
    case JINJA_N_CONST: *out = node->value; return true;
    case JINJA_N_NAME: *out = anm_jinja_lookup(run, node); return true;
    case JINJA_N_CAPTURED: *out = run->captured; return true;
    case JINJA_N_LIST: return eval_nodes(run, &node->list, JINJA_LIST, out);
    case JINJA_N_TUPLE: return eval_nodes(run, &node->list, JINJA_TUPLE, out);
    case JINJA_N_DICT: return eval_dict(run, node, out);
    case JINJA_N_ATTR: return eval_attribute(run, node, out);
    case JINJA_N_ITEM: return eval_item(run, node, out);
    case JINJA_N_SLICE: return eval_slice(run, node, out);
    case JINJA_N_CALL: return eval_call(run, node, out);
    case JINJA_N_FILTER: return eval_builtin(run, node, "filter", out);
    case JINJA_N_TEST: return eval_builtin(run, node, "test", out);
    case JINJA_N_NOT: return eval_not(run, node, out);
    case JINJA_N_NEGATE:
    case JINJA_N_PLUS: return eval_sign(run, node, out);
    case JINJA_N_AND:
    case JINJA_N_OR: return eval_logic(run, node, out);
    case JINJA_N_BINARY: return eval_binary(run, node, out);
    case JINJA_N_CONCAT: return eval_concat(run, node, out);
    case JINJA_N_COMPARE: return eval_compare(run, node, out);
    case JINJA_N_IF_ELSE: return eval_if_else(run, node, out);
    default: return anm_jinja_raise(run, ANM_ERROR_INTERNAL, "expression %d", node->kind);
    }
}

bool anm_jinja_eval(jinja_run *run, const jinja_node *node, jinja_value *out) {
    run->at = node->pos;
    if (++run->depth > JINJA_MAX_DEPTH)
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "evaluation is nested deeper than %d",
                               JINJA_MAX_DEPTH);
    bool ok = anm_jinja_charge(run, 1) && dispatch(run, node, out);
    run->depth--;
    return ok;
}
