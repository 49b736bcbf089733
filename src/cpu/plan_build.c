/* SPDX-License-Identifier: MIT */
/* From an optimised function to steps, and from lifetimes to places in the workspace. */
#include "src/cpu/plan_build.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/dtype.h"
#include "src/interp/value.h"

/* Asked in this order; the last one takes every op. */
static const anm_step_builder builders[] = {
    anm_build_view, anm_build_linear, anm_build_gated, anm_build_linear_topk, anm_build_norm,
    anm_build_rope, anm_build_cache, anm_build_attention, anm_build_gather, anm_build_softmax,
    anm_build_binary, anm_build_unary, anm_build_cast, anm_build_layer_norm, anm_build_reduce,
    anm_build_matmul, anm_build_conv, anm_build_pool, anm_build_join, anm_build_rearrange,
    anm_build_resize, anm_build_deconv, anm_build_order, anm_build_scatter, anm_build_pickby,
    anm_build_channel, anm_build_scalar, anm_build_quantize, anm_build_recurrent,
    anm_build_generate, anm_build_random, anm_build_batchspace, anm_build_sample,
    anm_build_neighbours,
    anm_build_interp,
};

static bool is_constant_op(const anm_mil_op *op) {
    return anm_is_op(op, "const") || op->spec->flags & ANM_OP_CONSTEXPR;
}

static bool only_looks(const anm_mil_op *op) {
    return anm_is_op(op, "transpose") || anm_op_keeps_order(op) || anm_is_op(op, "cast") ||
           anm_is_op(op, "slice_by_index") || anm_is_op(op, "slice_by_size") ||
           anm_is_op(op, "split");
}

/* Numbers of the last ops that see a value, itself or through views of it. */
static void find_last_uses(anm_planner *p) {
    uint32_t number = 0;
    const anm_mil_block *body = p->plan->flow.function->body;
    for (const anm_mil_op *op = body->first; op; op = op->next) number++;
    for (size_t i = 0; i < body->output_count; i++) p->last_use[body->outputs[i]->id] = UINT32_MAX;
    for (const anm_mil_op *op = body->last; op; op = op->prev) {
        uint32_t last = --number;
        for (size_t i = 0; only_looks(op) && i < op->output_count; i++)
            if (p->last_use[op->outputs[i]->id] > last) last = p->last_use[op->outputs[i]->id];
        for (size_t i = 0; i < op->arg_count; i++)
            for (size_t n = 0; n < op->args[i].count; n++) {
                const anm_mil_value *value = op->args[i].operands[n].value;
                if (value && p->last_use[value->id] < last) p->last_use[value->id] = last;
            }
    }
}

static anm_lie place_state(anm_planner *p, const anm_mil_value *value, size_t index) {
    const anm_mil_type *type = value->type->items[0];
    anm_dtype dtype = type->dtype;
    if (anm_dtype_is_float(dtype) && p->state_dtype != ANM_DTYPE_NONE) dtype = p->state_dtype;
    if (dtype != ANM_DTYPE_FP16 && dtype != ANM_DTYPE_FP32 && dtype != ANM_DTYPE_INT32) {
        p->status = anm_fail(p->err, ANM_ERROR_UNSUPPORTED, value->name, "a state of %s",
                             anm_dtype_name(dtype));
        return (anm_lie){.block = -1};
    }
    anm_lie lie = anm_lie_new(p, dtype, type->rank, type->shape);
    if (lie.block < 0) return lie;
    anm_block_memory *b = &p->blocks.data[lie.block];
    b->place = ANM_PLACE_STATE;
    b->state = index;
    return lie;
}

static void place_inputs(anm_planner *p) {
    const anm_mil_function *f = p->plan->flow.function;
    p->plan->inputs = anm_plan_alloc(p, (f->input_count + 1) * sizeof *p->plan->inputs);
    for (size_t i = 0; p->plan->inputs && i < f->input_count; i++) {
        const anm_mil_value *value = f->inputs[i];
        const anm_mil_type *type = value->type;
        bool state = type->kind == ANM_MIL_STATE;
        anm_dtype dtype = state || anm_dtype_is_float(type->dtype) ? ANM_DTYPE_FP32
                                                                   : ANM_DTYPE_INT32;
        anm_lie lie = state ? place_state(p, value, i)
                            : anm_lie_new(p, dtype, type->rank, type->shape);
        if (lie.block >= 0 && !state) p->blocks.data[lie.block].first = 0;
        if (lie.block >= 0 && !state) p->blocks.data[lie.block].last = 0;
        p->plan->inputs[i] = lie;
        anm_lie_set(p, value, lie);
    }
}

static void place_outputs(anm_planner *p) {
    const anm_mil_block *body = p->plan->flow.function->body;
    size_t n = body->output_count;
    p->plan->outputs = anm_plan_alloc(p, (n + 1) * sizeof *p->plan->outputs);
    p->plan->output_dtypes = anm_plan_alloc(p, (n + 1) * sizeof *p->plan->output_dtypes);
    for (size_t i = 0; p->status == ANM_OK && i < n; i++) {
        anm_lie lie = anm_lie_dense(p, anm_lie_of(p, body->outputs[i]));
        if (lie.block < 0) {
            p->status = anm_fail(p->err, ANM_ERROR_UNSUPPORTED, body->outputs[i]->name,
                                 "the output is not a tensor of numbers");
            return;
        }
        p->plan->outputs[i] = lie;
        p->plan->output_dtypes[i] = body->outputs[i]->type->dtype;
    }
    for (size_t i = 0; p->status == ANM_OK && i < n; i++)
        p->blocks.data[p->plan->outputs[i].block].last = p->phase;
}

static bool has_known_shapes(const anm_mil_op *op) {
    for (size_t i = 0; i < op->output_count; i++) {
        const anm_mil_type *type = op->outputs[i]->type;
        if (type->rank < 0) return false;
        for (int k = 0; k < type->rank; k++)
            if (type->shape[k] < 0) return false;
    }
    return true;
}

/* Either its arguments do not fit each other in these shapes, or values decide. */
static anm_status refuse_shape(anm_planner *p, const anm_mil_op *op) {
    const char *function = p->plan->flow.function->name, *label = anm_mil_op_label(op);
    const anm_mil_type *types[16] = {NULL};
    anm_mil_infer infer = {p->plan->arena, types, op->output_count, ""};
    if (op->output_count <= 16 && !anm_mil_infer_types(op, &infer))
        return anm_fail(p->err, ANM_ERROR_UNSUPPORTED, function, "%s (%s): %s", label, op->type,
                        infer.message);
    return anm_fail(p->err, ANM_ERROR_UNSUPPORTED, function,
                    "the shape of %s (%s) depends on values", label, op->type);
}

/* The interpreter refuses these as well. */
static bool is_too_large(const anm_mil_op *op) {
    for (size_t i = 0; i < op->output_count; i++) {
        const anm_mil_type *type = op->outputs[i]->type;
        if (anm_value_count(type->rank, type->shape) < 0) return true;
    }
    return false;
}

/* Kernels count on at least one element. */
static bool is_empty(const anm_mil_op *op) {
    for (size_t i = 0; i < op->output_count; i++)
        if (anm_type_elements(op->outputs[i]->type) == 0) return true;
    return false;
}

static void build_step(anm_planner *p, const anm_mil_op *op) {
    if (!has_known_shapes(op)) {
        p->status = refuse_shape(p, op);
        return;
    }
    if (is_empty(op)) {
        p->status = anm_fail(p->err, ANM_ERROR_UNSUPPORTED, p->plan->flow.function->name,
                             "%s (%s) gives no elements", anm_mil_op_label(op), op->type);
        return;
    }
    if (is_too_large(op)) {
        p->status = anm_fail(p->err, ANM_ERROR_UNSUPPORTED, p->plan->flow.function->name,
                             "%s (%s) gives too many elements", anm_mil_op_label(op), op->type);
        return;
    }
    for (size_t i = 0; i < sizeof builders / sizeof builders[0]; i++)
        if (builders[i](p, op)) return;
}

static void build_steps(anm_planner *p) {
    const anm_mil_block *body = p->plan->flow.function->body;
    p->number = 0;
    for (const anm_mil_op *op = body->first; op && p->status == ANM_OK; op = op->next) {
        p->at = op;
        if (!is_constant_op(op)) build_step(p, op);
        p->number++;
    }
    if (p->status == ANM_OK) p->at = NULL; /* else it tells which op failed */
}

/* The workspace: big blocks first, each at the lowest place free during its lifetime. */

static int bigger_first(const void *a, const void *b) {
    const anm_block_memory *x = *(anm_block_memory *const *)a, *y = *(anm_block_memory *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static bool meet(const anm_block_memory *a, const anm_block_memory *b) {
    return a->first <= b->last && b->first <= a->last;
}

static void place_block(anm_block_memory *b, anm_block_memory **placed, size_t count) {
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const anm_block_memory *o = placed[i];
            if (!meet(b, o) || at >= o->offset + o->bytes || at + b->bytes <= o->offset) continue;
            at = o->offset + o->bytes;
            moved = true;
        }
    }
    b->offset = at;
}

static void place_blocks(anm_planner *p) {
    size_t n = 0;
    anm_block_memory **sorted = anm_plan_alloc(p, (p->blocks.len + 1) * sizeof *sorted);
    if (!sorted) return;
    for (size_t i = 0; i < p->blocks.len; i++) {
        anm_block_memory *b = &p->blocks.data[i];
        b->bytes = (b->bytes + 63) / 64 * 64;
        if (b->place == ANM_PLACE_WORK && b->last >= 0) sorted[n++] = b;
    }
    qsort(sorted, n, sizeof *sorted, bigger_first);
    for (size_t i = 0; i < n; i++) {
        place_block(sorted[i], sorted, i);
        size_t end = sorted[i]->offset + sorted[i]->bytes;
        if (end > p->plan->scratch_begin) p->plan->scratch_begin = end;
    }
    p->plan->scratch_each = ANM_WALK_BYTES + (p->scratch + 127) / 64 * 64;
    p->plan->workspace = p->plan->scratch_begin +
                         p->plan->scratch_each * (size_t)p->plan->threads;
}

/* Steps of a phase one behind the other, in the order in which they were added. */
static void sort_steps(anm_planner *p) {
    anm_step *steps = p->steps.data;
    for (size_t i = 1; i < p->steps.len; i++) {
        anm_step step = steps[i];
        size_t at = i;
        for (; at > 0 && steps[at - 1].phase > step.phase; at--) steps[at] = steps[at - 1];
        steps[at] = step;
    }
}

static void *kept(anm_planner *p, const void *data, size_t size) {
    void *copy = anm_plan_alloc(p, size + 1);
    if (copy && size) memcpy(copy, data, size);
    return copy;
}

static void keep(anm_planner *p) {
    anm_plan *plan = p->plan;
    sort_steps(p);
    plan->block_count = p->blocks.len;
    plan->step_count = p->steps.len;
    plan->blocks = kept(p, p->blocks.data, p->blocks.len * sizeof *plan->blocks);
    plan->steps = kept(p, p->steps.data, p->steps.len * sizeof *plan->steps);
    plan->interps = kept(p, p->interps.data, p->interps.len * sizeof(anm_interp *));
}

static void release_interps(anm_planner *p) {
    for (size_t i = 0; i < p->interps.len; i++) anm_interp_destroy(p->interps.data[i]);
}

anm_status anm_plan_fill(anm_plan *plan, anm_dtype state_dtype, anm_error *err) {
    size_t n = plan->flow.function->value_count;
    anm_planner p = {.plan = plan, .state_dtype = state_dtype, .err = err};
    p.lies = anm_calloc(n + 1, sizeof *p.lies);
    p.last_use = anm_calloc(n + 1, sizeof *p.last_use);
    if (!p.lies || !p.last_use) p.status = anm_fail_memory(err);
    for (size_t i = 0; p.lies && i < n; i++) p.lies[i].block = -1;
    if (p.status == ANM_OK) find_last_uses(&p);
    if (p.status == ANM_OK) place_inputs(&p);
    if (p.status == ANM_OK) build_steps(&p);
    plan->refused = p.status != ANM_OK && p.at && p.at->output_count ? p.at : NULL;
    if (p.status == ANM_OK) place_outputs(&p);
    if (p.status == ANM_OK) place_blocks(&p);
    if (p.status == ANM_OK) keep(&p);
    if (p.status != ANM_OK) release_interps(&p);
    anm_free(p.lies);
    anm_free(p.last_use);
    anm_vec_free(&p.blocks);
    anm_vec_free(&p.steps);
    anm_vec_free(&p.interps);
    return p.status;
}
