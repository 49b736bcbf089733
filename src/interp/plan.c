/* SPDX-License-Identifier: MIT */
/* Building the plan: constants, kernels, and when each value is needed for the last time. */
#include "src/interp/plan.h"

#include <stdio.h>
#include <string.h>

#include "src/base/vec.h"
#include "src/interp/constexpr.h"

enum { MAX_DEPTH = 32 }; /* of nested blocks */

typedef struct planner {
    anm_interp *interp;
    anm_const_table known;
    uint8_t *used;              /* seen while walking backwards, by value id */
    const anm_mil_block **home; /* the block that defines a value, by id */
    ANM_VEC(uint32_t) released; /* by the op at hand */
    anm_error *err;
} planner;

static anm_status fail_op(planner *p, const anm_mil_op *op, anm_status status, const char *what) {
    char where[240];
    snprintf(where, sizeof where, "function %s, op %s (%s)", p->interp->function->name,
             anm_mil_op_label(op), op->type);
    return anm_fail(p->err, status, where, "%s", what);
}

static bool valid_id(const planner *p, const anm_mil_value *value) {
    return value->id < p->interp->function->value_count;
}

/* Constants. */

/* Lists of classes and strings stay literals: the accessors read them from there. */
static bool is_numeric(const anm_mil_literal *literal) {
    return literal->type->kind == ANM_MIL_TENSOR && literal->type->dtype != ANM_DTYPE_STRING;
}

static anm_status remember(planner *p, const anm_mil_value *value, const anm_tensor *tensor) {
    p->known.tensors[value->id] = *tensor;
    anm_rvalue_wrap(&p->interp->constants[value->id], tensor);
    return ANM_OK;
}

static anm_status plan_const(planner *p, const anm_mil_op *op) {
    anm_tensor tensor;
    if (op->output_count != 1 || !op->outputs[0]->constant)
        return fail_op(p, op, ANM_ERROR_FORMAT, "const without a value");
    const anm_mil_value *value = op->outputs[0];
    if (!is_numeric(value->constant)) return ANM_OK;
    ANM_TRY(anm_constant_literal(value->constant, value->name, &tensor, p->err));
    return remember(p, value, &tensor);
}

static anm_status plan_constexpr(planner *p, const anm_mil_op *op) {
    anm_tensor *outputs = ANM_ARENA_ARRAY(p->interp->arena, anm_tensor, op->output_count);
    if (!outputs) return anm_fail_memory(p->err);
    anm_status status = anm_constexpr_eval(op, &p->known, p->interp->arena, outputs, p->err);
    if (status != ANM_OK) return anm_fail_prefix(p->err, "function %s", p->interp->function->name);
    for (size_t i = 0; i < op->output_count; i++) ANM_TRY(remember(p, op->outputs[i], &outputs[i]));
    return ANM_OK;
}

static bool is_constant_op(const anm_mil_op *op) {
    return strcmp(op->type, "const") == 0 || anm_is_constexpr(op);
}

/* Small constants are unpacked once, so that reading an axis converts nothing. */
static anm_status unpack_small(planner *p, anm_rvalue *v) {
    enum { SMALL = 1024 };
    if (!v->raw || v->count > SMALL) return ANM_OK;
    void *data = anm_arena_alloc(p->interp->arena, (size_t)v->count * 4 + 4);
    if (!data) return anm_fail_memory(p->err);
    anm_rvalue_read_words(v, 0, v->count, data);
    if (anm_k_is_float(v)) v->f = data;
    else v->i = data;
    v->raw = NULL;
    return ANM_OK;
}

/* Last uses. */

typedef void (*use_fn)(planner *p, const anm_mil_block *block, const anm_mil_value *value);

static void each_use_in_block(planner *p, const anm_mil_block *from, const anm_mil_block *block,
                              use_fn visit);

/* Everything an op reads, its nested blocks included. */
static void each_use(planner *p, const anm_mil_op *op, const anm_mil_block *block, use_fn visit) {
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++)
            if (op->args[i].operands[n].value) visit(p, block, op->args[i].operands[n].value);
    for (size_t i = 0; i < op->block_count; i++) each_use_in_block(p, op->blocks[i], block, visit);
}

static void each_use_in_block(planner *p, const anm_mil_block *from, const anm_mil_block *block,
                              use_fn visit) {
    for (const anm_mil_op *op = from->first; op; op = op->next) each_use(p, op, block, visit);
    for (size_t i = 0; i < from->output_count; i++) visit(p, block, from->outputs[i]);
}

/* A value is released by the block that defines it, when walking backwards meets its first use. */
static void note_use(planner *p, const anm_mil_block *block, const anm_mil_value *value) {
    if (p->used[value->id] || p->home[value->id] != block) return;
    p->used[value->id] = 1;
    if (!anm_vec_push(&p->released, value->id)) p->used[value->id] = 2; /* kept until the end */
}

static anm_status last_uses(planner *p, anm_plan_block *plan) {
    const anm_mil_block *block = plan->block;
    for (size_t i = 0; i < block->output_count; i++)
        if (p->home[block->outputs[i]->id] == block) p->used[block->outputs[i]->id] = 1;
    for (size_t i = plan->count; i-- > 0;) {
        anm_plan_step *step = &plan->steps[i];
        p->released.len = 0;
        for (size_t n = 0; n < step->op->output_count; n++)
            note_use(p, block, step->op->outputs[n]); /* never read: goes at once */
        each_use(p, step->op, block, note_use);
        step->released_count = p->released.len;
        step->released = anm_arena_copy(p->interp->arena, p->released.data,
                                        p->released.len * sizeof *p->released.data);
        if (!step->released) return anm_fail_memory(p->err);
    }
    return ANM_OK;
}

/* States. */

static const anm_mil_value *state_of(const anm_mil_op *op) {
    const char *name = strcmp(op->type, "coreml_update_state") == 0 ? "state" : "input";
    return anm_mil_op_operand(op, name).value;
}

static bool writes_state(const anm_mil_op *op) {
    return strcmp(op->type, "write_state") == 0 || strcmp(op->type, "coreml_update_state") == 0;
}

static bool touches(const anm_mil_op *op, const anm_mil_value *state) {
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++)
            if (op->args[i].operands[n].value == state) return true;
    return false;
}

/*
 * A read that is followed, in its block, by a write of the same state with nothing in between
 * that could see the state may take the memory along: what is updated then needs no copy.
 */
static bool is_moving_read(const anm_mil_op *read) {
    const anm_mil_value *state = state_of(read);
    for (const anm_mil_op *op = read->next; state && op; op = op->next) {
        if (op->block_count) return false;
        if (touches(op, state)) return writes_state(op);
    }
    return false;
}

static bool has_state(const anm_mil_op *op) {
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++) {
            const anm_mil_value *value = op->args[i].operands[n].value;
            if (value && value->type->kind == ANM_MIL_STATE) return true;
        }
    return false;
}

/* Building. */

static anm_status plan_block(planner *p, const anm_mil_block *block, int depth,
                             anm_plan_block **out);

static anm_status plan_step(planner *p, const anm_mil_op *op, int depth, anm_plan_step *step) {
    step->op = op;
    step->kernel = anm_kernel_find(op->type);
    if (!step->kernel)
        return fail_op(p, op, ANM_ERROR_UNSUPPORTED, "the interpreter has no such op");
    step->moves = strcmp(op->type, "read_state") == 0 && is_moving_read(op);
    step->has_state = has_state(op);
    step->blocks = ANM_ARENA_ARRAY(p->interp->arena, anm_plan_block *, op->block_count);
    if (!step->blocks) return anm_fail_memory(p->err);
    for (size_t i = 0; i < op->block_count; i++)
        ANM_TRY(plan_block(p, op->blocks[i], depth + 1, &step->blocks[i]));
    return ANM_OK;
}

static anm_status check_ids(planner *p, const anm_mil_block *block, const anm_mil_op *op) {
    bool valid = true;
    for (size_t i = 0; i < op->output_count; i++) {
        valid = valid && valid_id(p, op->outputs[i]);
        if (valid) p->home[op->outputs[i]->id] = block;
    }
    for (size_t i = 0; valid && i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++)
            if (op->args[i].operands[n].value)
                valid = valid && valid_id(p, op->args[i].operands[n].value);
    return valid ? ANM_OK
                 : fail_op(p, op, ANM_ERROR_INTERNAL, "value numbers are beyond value_count");
}

static anm_status plan_ops(planner *p, const anm_mil_block *block, int depth,
                           anm_plan_block *plan) {
    for (const anm_mil_op *op = block->first; op; op = op->next) {
        ANM_TRY(check_ids(p, block, op));
        if (strcmp(op->type, "const") == 0) ANM_TRY(plan_const(p, op));
        else if (anm_is_constexpr(op)) ANM_TRY(plan_constexpr(p, op));
        else ANM_TRY(plan_step(p, op, depth, &plan->steps[plan->count++]));
    }
    return ANM_OK;
}

static anm_status plan_block(planner *p, const anm_mil_block *block, int depth,
                             anm_plan_block **out) {
    size_t count = 0;
    if (depth > MAX_DEPTH)
        return anm_fail(p->err, ANM_ERROR_LIMIT, p->interp->function->name,
                        "blocks are nested more than %d deep", MAX_DEPTH);
    for (const anm_mil_op *op = block->first; op; op = op->next) count += !is_constant_op(op);
    for (size_t i = 0; i < block->input_count; i++)
        if (valid_id(p, block->inputs[i])) p->home[block->inputs[i]->id] = block;
    anm_plan_block *plan = *out = ANM_ARENA_NEW(p->interp->arena, anm_plan_block);
    if (!plan) return anm_fail_memory(p->err);
    plan->block = block;
    plan->number = p->interp->block_count++;
    plan->steps = ANM_ARENA_ARRAY(p->interp->arena, anm_plan_step, count);
    if (!plan->steps) return anm_fail_memory(p->err);
    ANM_TRY(plan_ops(p, block, depth, plan));
    for (size_t i = 0; i < block->output_count; i++)
        if (!valid_id(p, block->outputs[i]))
            return anm_fail(p->err, ANM_ERROR_INTERNAL, block->outputs[i]->name,
                            "value number is beyond value_count");
    return last_uses(p, plan);
}

static anm_status plan_function(planner *p) {
    const anm_mil_function *f = p->interp->function;
    for (size_t i = 0; i < f->input_count; i++) {
        if (!valid_id(p, f->inputs[i]))
            return anm_fail(p->err, ANM_ERROR_INTERNAL, f->inputs[i]->name,
                            "value number is beyond value_count");
        /* States outlive their uses; other inputs are released like any value. */
        if (f->inputs[i]->type->kind != ANM_MIL_STATE) p->home[f->inputs[i]->id] = f->body;
    }
    ANM_TRY(plan_block(p, f->body, 0, &p->interp->body));
    for (size_t i = 0; i < f->value_count; i++) ANM_TRY(unpack_small(p, &p->interp->constants[i]));
    return ANM_OK;
}

anm_status anm_plan_build(anm_interp *interp, anm_error *err) {
    size_t n = interp->function->value_count;
    planner p = {.interp = interp, .err = err};
    anm_status status;
    interp->constants = ANM_ARENA_ARRAY(interp->arena, anm_rvalue, n);
    p.known = (anm_const_table){anm_calloc(n, sizeof *p.known.tensors), n};
    p.used = anm_calloc(n, 1);
    p.home = anm_calloc(n, sizeof *p.home);
    if (interp->constants && p.known.tensors && p.used && p.home) status = plan_function(&p);
    else status = anm_fail_memory(err);
    anm_free(p.known.tensors);
    anm_free(p.used);
    anm_free(p.home);
    anm_vec_free(&p.released);
    return status;
}
