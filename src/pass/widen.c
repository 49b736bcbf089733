/* SPDX-License-Identifier: MIT */
/* Walking a function to widen it: each op's rule, and whether the new types are the old, wider. */
#include "src/pass/widen.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/mil/validate.h"
#include "src/pass/widen_rules.h"

bool widen_set_arg(widener *w, anm_mil_op *op, const char *name, anm_mil_value *value) {
    anm_mil_arg *arg = anm_mil_op_arg(op, name);
    if (!value) w->out_of_memory = true;
    if (!value || !arg) return false;
    arg->operands[0] = (anm_mil_operand){.value = value};
    return true;
}

static widen_rule find_rule(const char *type) {
    const widen_rule_of *lists[] = {widen_rules_of_moves, widen_rules_of_math,
                                    widen_rules_of_states};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const widen_rule_of *r = lists[i]; r->type; r++)
            if (strcmp(r->type, type) == 0) return r->rule;
    return NULL;
}

/* Neither rows nor states nor positions: any op may do what it likes, of one row or of none. */
static bool only_rows_picked(widener *w, const anm_mil_op *op, wide_fact *out, bool *applies) {
    *applies = true;
    *out = (wide_fact){0};
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++) {
            wide_fact f = widen_fact(w, op->args[i].operands[n].value);
            if (f.kind == ANM_WIDE_FIXED) continue;
            bool picked = f.kind == ANM_WIDE_LAST || f.kind == ANM_WIDE_FIRST;
            if (!picked || f.columns != WIDE_PLAIN || f.positions) *applies = false;
            else if (out->kind == ANM_WIDE_FIXED) out->kind = f.kind;
            else if (out->kind != f.kind) return widen_refuse(w, "mixes the first and last row");
        }
    if (op->spec->flags & ANM_OP_STATEFUL) *applies = false;
    return true;
}

static bool derive(widener *w, anm_mil_op *op, wide_fact *out) {
    bool applies;
    if (!only_rows_picked(w, op, out, &applies)) return false;
    if (applies) return true;
    widen_rule rule = find_rule(op->type);
    *out = (wide_fact){0};
    return rule ? rule(w, op, out) : widen_refuse(w, "its rows may depend on each other");
}

/* The new type is the old one with the rows' dimension widened. */
static bool is_wider(const widener *w, const anm_mil_type *old, const anm_mil_type *new,
                     wide_fact f) {
    if (new->kind != ANM_MIL_TENSOR || new->rank != old->rank || new->dtype != old->dtype)
        return false;
    for (int i = 0; i < old->rank; i++) {
        int64_t wanted = old->shape[i];
        if (f.kind == ANM_WIDE_ROWS && i == f.axis) {
            if (wanted < 0 || wanted % (f.outer * w->from) != 0) return false;
            wanted = wanted / w->from * w->to;
        }
        if (new->shape[i] != wanted) return false;
    }
    return true;
}

static bool take_types(widener *w, anm_mil_op *op, wide_fact f) {
    const anm_mil_type *types[16] = {NULL};
    anm_mil_infer infer = {w->g->program->arena, types, op->output_count, ""};
    if (op->output_count > 16 || !anm_mil_infer_types(op, &infer))
        return widen_refuse(w, "does not take more rows");
    for (size_t i = 0; i < op->output_count; i++) {
        const anm_mil_type *old = op->outputs[i]->type;
        if (!types[i]) types[i] = old;
        /* An unknown dimension is none of the rows'. */
        if (f.kind != ANM_WIDE_ROWS && anm_mil_type_compatible(old, types[i])) continue;
        if (!is_wider(w, old, types[i], f)) return widen_refuse(w, "does not grow with the rows");
        op->outputs[i]->type = types[i];
    }
    return true;
}

static bool set_facts(widener *w, const anm_mil_op *op, wide_fact f) {
    for (size_t i = 0; i < op->output_count; i++) {
        if (op->outputs[i]->id >= w->fact_count) return widen_refuse(w, "has a value unknown");
        w->facts[op->outputs[i]->id] = f;
    }
    return true;
}

static bool visit(anm_flow *g, anm_mil_op *op) {
    widener *w = g->context;
    wide_fact f;
    w->moment++;
    if (anm_is_op(op, "const")) return true;
    return derive(w, op, &f) && take_types(w, op, f) && set_facts(w, op, f);
}

static const anm_mil_type *widened(widener *w, const anm_mil_type *type, int axis) {
    int64_t shape[ANM_MAX_RANK];
    memcpy(shape, type->shape, sizeof shape);
    shape[axis] = w->to;
    return anm_mil_type_tensor(w->g->program->arena, type->dtype, type->rank, shape);
}

static anm_status take_inputs(widener *w, const anm_wide_input *inputs, anm_error *err) {
    anm_mil_function *f = w->g->function;
    for (size_t i = 0; i < f->input_count; i++) {
        anm_mil_value *value = f->inputs[i];
        const anm_wide_input *in = &inputs[i];
        if (value->type->kind == ANM_MIL_STATE) continue;
        bool rows = in->kind == ANM_WIDE_ROWS;
        if (in->kind == ANM_WIDE_FIXED || value->type->kind != ANM_MIL_TENSOR ||
            (rows && (in->axis >= value->type->rank || value->type->shape[in->axis] != w->from)))
            return anm_fail(err, ANM_ERROR_UNSUPPORTED, f->name,
                            "input \"%s\" does not have %lld rows", value->name,
                            (long long)w->from);
        w->facts[value->id] = (wide_fact){.kind = in->kind, .axis = in->axis, .outer = 1,
                                          .columns = in->mask ? WIDE_MASK : WIDE_PLAIN,
                                          .positions = in->positions, .exact = !rows};
        if (rows) value->type = widened(w, value->type, in->axis);
        if (!value->type) return anm_fail_memory(err);
    }
    return ANM_OK;
}

static bool give_outputs(widener *w, anm_wide_kind *kinds) {
    const anm_mil_block *body = w->g->function->body;
    for (size_t i = 0; i < body->output_count; i++) {
        wide_fact f = widen_fact(w, body->outputs[i]);
        if (f.kind > ANM_WIDE_FIRST || f.columns != WIDE_PLAIN ||
            (f.kind == ANM_WIDE_ROWS && !widen_is_simple(w, body->outputs[i], f)))
            return widen_refuse(w, "an output holds its rows in a way not known");
        kinds[i] = f.kind;
    }
    return true;
}

static anm_status refusal(const widener *w, anm_error *err) {
    const anm_flow *g = w->g;
    if (w->out_of_memory) return anm_fail_memory(err);
    if (!g->at) return anm_fail(err, ANM_ERROR_UNSUPPORTED, g->function->name, "%s", w->why);
    return anm_fail(err, ANM_ERROR_UNSUPPORTED, g->function->name, "%s (%s): %s",
                    anm_mil_op_label(g->at), g->at->type, w->why);
}

static anm_status validate(const anm_flow *g, anm_error *err) {
    anm_arena *arena = anm_arena_create();
    if (!arena) return anm_fail_memory(err);
    anm_status status = anm_mil_validate(g->program, arena, NULL, err);
    anm_arena_destroy(arena);
    return status;
}

static anm_status run(widener *w, const anm_widening *widening, anm_wide_kind *outputs,
                      anm_error *err) {
    ANM_TRY(take_inputs(w, widening->inputs, err));
    w->g->context = w;
    anm_status status = anm_flow_walk(w->g, visit, err);
    w->g->context = NULL;
    if (status != ANM_OK) return status;
    if (w->why || w->out_of_memory) return refusal(w, err);
    w->g->at = NULL;
    if (!widen_reads_follow_writes(w) || !give_outputs(w, outputs)) return refusal(w, err);
    anm_flow_sweep(w->g);
    return validate(w->g, err);
}

anm_status anm_widen(const anm_mil_function *function, const anm_widening *widening, anm_flow *out,
                     anm_wide_kind *outputs, anm_error *err) {
    *out = (anm_flow){0};
    const int64_t from = widening->from, to = widening->to;
    if (from < 1 || to < 1 || from == to || (to % from != 0 && from % to != 0))
        return anm_fail(err, ANM_ERROR_ARGUMENT, function->name,
                        "%lld rows are neither a multiple nor a part of %lld", (long long)to,
                        (long long)from);
    ANM_TRY(anm_flow_copy(function, NULL, out, err));
    widener w = {.g = out, .from = from, .to = to};
    w.fact_count = function->value_count;
    w.facts = anm_calloc(w.fact_count + 1, sizeof *w.facts);
    anm_status status = w.facts ? run(&w, widening, outputs, err) : anm_fail_memory(err);
    anm_free(w.facts);
    anm_vec_free(&w.accesses);
    if (status != ANM_OK) anm_flow_free(out);
    return status;
}
