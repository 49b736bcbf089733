/* SPDX-License-Identifier: MIT */
/* Statements: output, conditions, loops, assignments, macros and blocks. */
#include "src/hf/jinja_run.h"

static jinja_flow flow(bool ok) {
    return ok ? JINJA_FLOW_NEXT : JINJA_FLOW_FAILED;
}

bool anm_jinja_emit(jinja_run *run, anm_sv text) {
    if (text.len > JINJA_MAX_OUTPUT - (run->out->len - run->out_start))
        return anm_jinja_raise(run, ANM_ERROR_LIMIT, "the rendered text is longer than %d MB",
                               JINJA_MAX_OUTPUT >> 20);
    anm_strbuf_append(run->out, text.data, text.len);
    return !run->out->failed || anm_jinja_raise_memory(run);
}

bool anm_jinja_take(jinja_run *run, size_t start, jinja_value *out) {
    anm_sv text = {run->out->len > start ? run->out->data + start : "", run->out->len - start};
    anm_sv copy;
    if (!anm_jinja_join(run, &text, 1, &copy)) return false;
    run->out->len = start;
    *out = jinja_string(copy);
    return true;
}

static bool exec_print(jinja_run *run, const jinja_node *node) {
    jinja_value value;
    anm_sv text;
    if (!anm_jinja_eval(run, node->a, &value)) return false;
    run->at = node->a->pos;
    return anm_jinja_text(run, value, &text) && anm_jinja_emit(run, text);
}

static jinja_flow exec_if(jinja_run *run, const jinja_node *node) {
    for (size_t i = 0; i + 1 < node->list.len; i += 2) {
        jinja_value condition;
        if (!anm_jinja_eval(run, node->list.items[i], &condition)) return JINJA_FLOW_FAILED;
        if (anm_jinja_truth(condition)) return anm_jinja_exec(run, node->list.items[i + 1]);
    }
    return node->c ? anm_jinja_exec(run, node->c) : JINJA_FLOW_NEXT;
}

/* --- assignment --- */

static bool assign_target(jinja_run *run, const jinja_node *target, jinja_value value);

static bool unpack(jinja_run *run, const jinja_node *target, jinja_value value) {
    jinja_value *items;
    size_t count;
    run->at = target->pos;
    if (!anm_jinja_iterate(run, value, &items, &count)) return false;
    if (count != target->list.len)
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH,
                               "%zu values cannot be assigned to %zu variables", count,
                               target->list.len);
    for (size_t i = 0; i < count; i++)
        if (!assign_target(run, target->list.items[i], items[i])) return false;
    return true;
}

static bool assign_target(jinja_run *run, const jinja_node *target, jinja_value value) {
    if (target->kind == JINJA_N_NAME) return anm_jinja_assign(run, target->symbol, value);
    if (target->kind == JINJA_N_TUPLE) return unpack(run, target, value);
    jinja_value object = anm_jinja_lookup(run, target->a);
    run->at = target->pos;
    if (!JINJA_IS(object, JINJA_NAMESPACE))
        return anm_jinja_raise(run, ANM_ERROR_MISMATCH,
                               "only attributes of a namespace can be set: \"%.*s\" is a %s",
                               ANM_SV(target->a->name), anm_jinja_type_name(object));
    return anm_jinja_dict_put(run, object.dict, jinja_string(target->name), value);
}

static bool exec_set(jinja_run *run, const jinja_node *node) {
    jinja_value value;
    return anm_jinja_eval(run, node->b, &value) && assign_target(run, node->a, value);
}

/* --- blocks with variables of their own --- */

static jinja_flow exec_scoped(jinja_run *run, const jinja_node *body) {
    jinja_scope *outer = run->scope;
    if (!anm_jinja_scope_push(run, outer)) return JINJA_FLOW_FAILED;
    jinja_flow result = anm_jinja_exec(run, body);
    run->scope = outer;
    return result;
}

static jinja_flow exec_with(jinja_run *run, const jinja_node *node) {
    jinja_scope *outer = run->scope;
    if (!anm_jinja_scope_push(run, outer)) return JINJA_FLOW_FAILED;
    jinja_flow result = JINJA_FLOW_NEXT;
    for (size_t i = 0; i < node->list.len && result == JINJA_FLOW_NEXT; i++)
        result = flow(exec_set(run, node->list.items[i]));
    if (result == JINJA_FLOW_NEXT) result = anm_jinja_exec(run, node->body);
    run->scope = outer;
    return result;
}

/* The rendered body as a string; break or continue inside it drop the text and pass on. */
static jinja_flow capture(jinja_run *run, const jinja_node *body, jinja_value *out) {
    size_t start = run->out->len;
    jinja_flow result = exec_scoped(run, body);
    if (result == JINJA_FLOW_NEXT) return flow(anm_jinja_take(run, start, out));
    if (result != JINJA_FLOW_FAILED) run->out->len = start;
    return result;
}

/* The filters of a filter block or block set, over what its body rendered. */
static jinja_flow exec_captured(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_value body, outer = run->captured;
    jinja_flow result = capture(run, node->body, &body);
    if (result != JINJA_FLOW_NEXT) return result;
    run->captured = body;
    result = flow(anm_jinja_eval(run, node->b, out));
    run->captured = outer;
    return result;
}

static jinja_flow exec_set_block(jinja_run *run, const jinja_node *node) {
    jinja_value value;
    jinja_flow result = exec_captured(run, node, &value);
    return result == JINJA_FLOW_NEXT ? flow(assign_target(run, node->a, value)) : result;
}

static jinja_flow exec_filter_block(jinja_run *run, const jinja_node *node) {
    jinja_value value;
    anm_sv text;
    jinja_flow result = exec_captured(run, node, &value);
    if (result != JINJA_FLOW_NEXT) return result;
    return flow(anm_jinja_text(run, value, &text) && anm_jinja_emit(run, text));
}

/* --- loops --- */

/* Keeps the elements for which the loop's condition holds; run->scope is the loop's own. */
static bool filter_items(jinja_run *run, const jinja_node *node, jinja_value *items,
                         size_t *count) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        jinja_value keep;
        run->scope->len = 0;
        if (!assign_target(run, node->a, items[i]) || !anm_jinja_eval(run, node->c, &keep))
            return false;
        if (anm_jinja_truth(keep)) items[kept++] = items[i];
    }
    *count = kept;
    return true;
}

/* A tuple's elements are not a copy, and filter_items moves them. */
static bool loop_items(jinja_run *run, const jinja_node *node, jinja_value iterable,
                       jinja_loop *loop) {
    run->at = node->b->pos;
    if (!anm_jinja_iterate(run, iterable, &loop->items, &loop->count)) return false;
    if (!node->c) return true;
    jinja_value *copy = anm_jinja_alloc(run, loop->count, sizeof *copy);
    if (!copy) return false;
    if (loop->count) memcpy(copy, loop->items, loop->count * sizeof *copy);
    loop->items = copy;
    return filter_items(run, node, copy, &loop->count);
}

/* Every pass starts without the variables that the last one set. */
static jinja_flow loop_pass(jinja_run *run, const jinja_node *node, jinja_loop *loop) {
    run->scope->len = 0;
    jinja_value self = {.kind = JINJA_LOOP, .loop = loop};
    if (!anm_jinja_charge(run, 1) ||
        !assign_target(run, node->a, loop->items[loop->index]) ||
        !anm_jinja_assign(run, run->tmpl->loop_symbol, self))
        return JINJA_FLOW_FAILED;
    return anm_jinja_exec(run, node->body);
}

static jinja_flow loop_all(jinja_run *run, const jinja_node *node, jinja_loop *loop) {
    for (loop->index = 0; loop->index < loop->count; loop->index++) {
        jinja_flow result = loop_pass(run, node, loop);
        if (result == JINJA_FLOW_FAILED) return result;
        if (result == JINJA_FLOW_BREAK) break;
    }
    return JINJA_FLOW_NEXT;
}

jinja_flow anm_jinja_run_loop(jinja_run *run, const jinja_node *node, jinja_value iterable,
                              int level) {
    jinja_scope *outer = run->scope;
    jinja_loop *loop = anm_jinja_alloc(run, 1, sizeof *loop);
    if (!loop || !anm_jinja_scope_push(run, outer)) return JINJA_FLOW_FAILED;
    loop->node = node;
    loop->scope = outer;
    loop->level = level;
    if (!loop_items(run, node, iterable, loop)) return JINJA_FLOW_FAILED;
    jinja_flow result = loop_all(run, node, loop);
    run->scope = outer;
    if (result == JINJA_FLOW_NEXT && !loop->count && node->otherwise)
        result = exec_scoped(run, node->otherwise);
    return result;
}

static jinja_flow exec_for(jinja_run *run, const jinja_node *node) {
    jinja_value iterable;
    if (!anm_jinja_eval(run, node->b, &iterable)) return JINJA_FLOW_FAILED;
    return anm_jinja_run_loop(run, node, iterable, 0);
}

/* --- macros --- */

static bool make_macro(jinja_run *run, const jinja_node *node, jinja_value *out) {
    jinja_macro *macro = anm_jinja_alloc(run, 1, sizeof *macro);
    if (!macro) return false;
    *macro = (jinja_macro){node, run->scope};
    *out = (jinja_value){.kind = JINJA_MACRO, .macro = macro};
    return true;
}

static bool exec_macro(jinja_run *run, const jinja_node *node) {
    jinja_value macro;
    return make_macro(run, node, &macro) && anm_jinja_assign(run, node->symbol, macro);
}

static bool exec_call_block(jinja_run *run, const jinja_node *node) {
    jinja_value callee, caller, result;
    jinja_args args;
    anm_sv text;
    if (!anm_jinja_eval(run, node->a->a, &callee) || !make_macro(run, node->b, &caller) ||
        !anm_jinja_eval_args(run, &node->a->list, &args))
        return false;
    jinja_keyword *keywords =
        anm_jinja_alloc(run, args.keyword_count + 1, sizeof *keywords);
    if (!keywords) return false;
    if (args.keyword_count) memcpy(keywords, args.keywords, args.keyword_count * sizeof *keywords);
    keywords[args.keyword_count++] = (jinja_keyword){anm_sv_from("caller"), caller};
    args.keywords = keywords;
    run->at = node->a->pos;
    return anm_jinja_call(run, callee, &args, &result) && anm_jinja_text(run, result, &text) &&
           anm_jinja_emit(run, text);
}

/* --- dispatch --- */

static jinja_flow exec_block(jinja_run *run, const jinja_node *node) {
    for (size_t i = 0; i < node->list.len; i++) {
        jinja_flow result = anm_jinja_exec(run, node->list.items[i]);
        if (result != JINJA_FLOW_NEXT) return result;
    }
    return JINJA_FLOW_NEXT;
}

static jinja_flow dispatch(jinja_run *run, const jinja_node *node) {
    switch ((jinja_node_kind)node->kind) {
    case JINJA_N_BLOCK: return exec_block(run, node);
    case JINJA_N_TEXT: return flow(anm_jinja_emit(run, node->value.text));
    case JINJA_N_PRINT: return flow(exec_print(run, node));
    case JINJA_N_IF: return exec_if(run, node);
    case JINJA_N_FOR: return exec_for(run, node);
    case JINJA_N_BREAK: return JINJA_FLOW_BREAK;
    case JINJA_N_CONTINUE: return JINJA_FLOW_CONTINUE;
    case JINJA_N_SET: return flow(exec_set(run, node));
    case JINJA_N_SET_BLOCK: return exec_set_block(run, node);
    case JINJA_N_FILTER_BLOCK: return exec_filter_block(run, node);
    case JINJA_N_MACRO: return flow(exec_macro(run, node));
    case JINJA_N_CALL_BLOCK: return flow(exec_call_block(run, node));
    case JINJA_N_WITH: return exec_with(run, node);
    case JINJA_N_SCOPE: return exec_scoped(run, node->body);
    default: return flow(anm_jinja_raise(run, ANM_ERROR_INTERNAL, "statement %d", node->kind));
    }
}

jinja_flow anm_jinja_exec(jinja_run *run, const jinja_node *node) {
    run->at = node->pos;
    if (++run->depth > JINJA_MAX_DEPTH)
        return flow(anm_jinja_raise(run, ANM_ERROR_LIMIT, "evaluation is nested deeper than %d",
                                    JINJA_MAX_DEPTH));
    jinja_flow result = anm_jinja_charge(run, 1) ? dispatch(run, node) : JINJA_FLOW_FAILED;
    run->depth--;
    return result;
}
