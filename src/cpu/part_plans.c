/* SPDX-License-Identifier: MIT */
/* Where parts begin and end, what they read and give, and making their plans. */
#include "src/cpu/part_plans.h"

#include <string.h>

#include "src/base/alloc.h"
#include "src/cpu/op_function.h"
#include "src/pass/flow.h"

static bool is_numbers(const anm_mil_type *type) {
    return type && type->kind == ANM_MIL_TENSOR && type->dtype != ANM_DTYPE_STRING;
}

static bool can_read(const anm_mil_value *value) {
    return !value || anm_is_constant(value) || value->type->kind == ANM_MIL_STATE ||
           is_numbers(value->type);
}

/* Whether a plan may hold it, going by its kinds of values only. */
static bool is_native(const anm_mil_op *op) {
    if (op->block_count || !op->spec) return false;
    for (size_t i = 0; i < op->arg_count; i++)
        for (size_t n = 0; n < op->args[i].count; n++)
            if (!can_read(op->args[i].operands[n].value)) return false;
    for (size_t i = 0; i < op->output_count; i++)
        if (!is_numbers(op->outputs[i]->type)) return false;
    return true;
}

anm_status anm_parts_mark(anm_parts *parts, const anm_plan_block *block, anm_error *err) {
    anm_part_block *b = &parts->blocks[block->number];
    b->block = block;
    b->end = ANM_ARENA_ARRAY(parts->arena, size_t, block->count + 1);
    b->cuts = ANM_ARENA_ARRAY(parts->arena, anm_cut *, block->count + 1);
    if (!b->end || !b->cuts) return anm_fail_memory(err);
    for (size_t i = block->count, end = i; i-- > 0;) {
        const anm_plan_step *step = &block->steps[i];
        if (!is_native(step->op)) end = i;
        b->end[i] = end;
        for (size_t k = 0; k < step->op->block_count; k++)
            ANM_TRY(anm_parts_mark(parts, step->blocks[k], err));
    }
    return ANM_OK;
}

/* The function of steps [at, to), its outputs not set yet. */
static anm_mil_function *function_of(anm_parts *parts, const anm_part_block *b, size_t at,
                                     size_t to, anm_arena *arena) {
    const anm_mil_op **ops = ANM_ARENA_ARRAY(arena, const anm_mil_op *, to - at);
    if (!ops) return NULL;
    for (size_t i = at; i < to; i++) ops[i - at] = b->block->steps[i].op;
    return anm_op_function(arena, parts->function, ops, to - at);
}

static size_t keep_tensors(const anm_mil_function *f, anm_mil_value **out) {
    size_t n = 0;
    for (size_t i = 0; i < f->input_count; i++)
        if (f->inputs[i]->type->kind != ANM_MIL_STATE) out[n++] = f->inputs[i];
    return n;
}

anm_cut *anm_part_cut(anm_parts *parts, anm_part_block *b, size_t at) {
    if (b->cuts[at]) return b->cuts[at];
    anm_arena *scratch = anm_arena_create();
    anm_mil_function *f =
        scratch ? function_of(parts, b, at, b->end[at], scratch) : NULL;
    anm_cut *cut = f ? ANM_ARENA_NEW(parts->arena, anm_cut) : NULL;
    if (cut) cut->reads = ANM_ARENA_ARRAY(parts->arena, anm_mil_value *, f->input_count + 1);
    bool ok = cut && cut->reads;
    if (ok) {
        cut->read_count = keep_tensors(f, cut->reads);
        b->cuts[at] = cut;
    }
    anm_arena_destroy(scratch);
    return ok ? cut : NULL;
}

/* Making a plan. */

typedef struct maker {
    anm_parts *parts;
    const anm_part_block *b;
    const anm_cut *cut;
    const anm_part_shape *shapes;
    size_t at;
    anm_arena *scratch;
} maker;

static bool is_released(const anm_part_block *b, size_t at, size_t to, uint32_t id) {
    for (size_t i = at; i < to; i++)
        for (size_t n = 0; n < b->block->steps[i].released_count; n++)
            if (b->block->steps[i].released[n] == id) return true;
    return false;
}

/* What the steps give and others still need after them. */
static bool set_outputs(maker *m, anm_mil_function *f, size_t to) {
    const anm_plan_step *steps = m->b->block->steps;
    size_t most = 0, n = 0;
    for (size_t i = m->at; i < to; i++) most += steps[i].op->output_count;
    f->body->outputs = ANM_ARENA_ARRAY(m->scratch, anm_mil_value *, most + 1);
    if (!f->body->outputs) return false;
    for (size_t i = m->at; i < to; i++)
        for (size_t k = 0; k < steps[i].op->output_count; k++) {
            anm_mil_value *value = steps[i].op->outputs[k];
            /* A value dies after the step that gives it, or later. */
            if (!is_released(m->b, i, to, value->id)) f->body->outputs[n++] = value;
        }
    f->body->output_count = n;
    return true;
}

static const anm_part_shape *shape_of(const maker *m, const anm_mil_value *value) {
    for (size_t i = 0; i < m->cut->read_count; i++)
        if (m->cut->reads[i] == value) return &m->shapes[i];
    return NULL;
}

/* Inputs are found by their names; scopes beside each other may have given one twice. */
static bool has_same_names(const anm_mil_function *f) {
    for (size_t i = 0; i < f->input_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(f->inputs[i]->name, f->inputs[k]->name) == 0) return true;
    return false;
}

static anm_status plan(maker *m, const anm_mil_function *f, anm_engine **out, uint32_t *refused,
                       anm_error *err) {
    size_t n = 0;
    anm_tensor *inputs = ANM_ARENA_ARRAY(m->scratch, anm_tensor, f->input_count + 1);
    if (!inputs) return anm_fail_memory(err);
    if (has_same_names(f))
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, f->name, "inputs of a part have one name");
    for (size_t i = 0; i < f->input_count; i++) {
        const anm_part_shape *shape = shape_of(m, f->inputs[i]);
        if (!shape) continue; /* a state */
        inputs[n] = (anm_tensor){.name = f->inputs[i]->name, .rank = shape->rank};
        memcpy(inputs[n++].shape, shape->dims, sizeof shape->dims);
    }
    anm_engine_options options = m->parts->options;
    options.refused = refused;
    return anm_engine_create(f, inputs, n, &options, out, err);
}

static anm_part *new_part(const maker *m, const anm_mil_function *f, size_t to) {
    size_t reads = m->cut->read_count, shapes = reads * sizeof *m->shapes;
    size_t values = f ? f->input_count + f->body->output_count + 1 : 1;
    anm_part *part = anm_calloc(1, sizeof *part + shapes + values * sizeof *part->inputs);
    if (!part) return NULL;
    part->to = to;
    if (reads) memcpy(part->shapes, m->shapes, shapes);
    part->inputs = (anm_mil_value **)(void *)(part->shapes + reads);
    if (!f) return part;
    part->input_count = keep_tensors(f, part->inputs);
    part->has_state = part->input_count < f->input_count;
    part->outputs = part->inputs + part->input_count;
    part->output_count = f->body->output_count;
    if (part->output_count)
        memcpy(part->outputs, f->body->outputs, part->output_count * sizeof *part->outputs);
    return part;
}

void anm_part_destroy(anm_part *part) {
    if (part) anm_engine_destroy(part->engine);
    anm_free(part);
}

static anm_status try_up_to(maker *m, size_t to, anm_part **out, uint32_t *refused,
                            anm_error *err) {
    anm_engine *engine = NULL;
    anm_mil_function *f = function_of(m->parts, m->b, m->at, to, m->scratch);
    if (!f || !set_outputs(m, f, to)) return anm_fail_memory(err);
    ANM_TRY(plan(m, f, &engine, refused, err));
    *out = new_part(m, f, to);
    if (*out) (*out)->engine = engine;
    else anm_engine_destroy(engine);
    return *out ? ANM_OK : anm_fail_memory(err);
}

/* In front of the step that was refused; where nobody says which, half of the way. */
static size_t shorter(const maker *m, size_t to, uint32_t refused) {
    for (size_t i = m->at; i < to; i++) {
        const anm_mil_op *op = m->b->block->steps[i].op;
        for (size_t k = 0; k < op->output_count; k++)
            if (op->outputs[k]->id == refused) return i;
    }
    return m->at + (to - m->at) / 2;
}

/* The longest that has a plan. What is wrong with an op is the interpreter's to say. */
static anm_status make_longest(maker *m, anm_part **out, anm_error *err) {
    for (size_t to = m->b->end[m->at]; to > m->at;) {
        uint32_t refused = UINT32_MAX;
        anm_status status = try_up_to(m, to, out, &refused, err);
        if (status == ANM_OK || status == ANM_ERROR_MEMORY || status == ANM_ERROR_INTERNAL)
            return status;
        to = shorter(m, to, refused);
    }
    *out = new_part(m, NULL, m->at + 1);
    return *out ? ANM_OK : anm_fail_memory(err);
}

/* Those in use stay, however many there are. */
static void drop_oldest(anm_cut *cut) {
    anm_part **last = NULL;
    for (anm_part **at = &cut->first->next; *at; at = &(*at)->next)
        if (!(*at)->users) last = at;
    if (!last) return;
    anm_part *gone = *last;
    *last = gone->next;
    cut->count--;
    anm_part_destroy(gone);
}

anm_status anm_part_plan(anm_parts *parts, anm_part_block *b, size_t at,
                         const anm_part_shape *shapes, anm_part **out, anm_error *err) {
    anm_cut *cut = b->cuts[at];
    maker m = {parts, b, cut, shapes, at, anm_arena_create()};
    *out = NULL;
    if (!m.scratch) return anm_fail_memory(err);
    anm_status status = make_longest(&m, out, err);
    anm_arena_destroy(m.scratch);
    if (status != ANM_OK) return status;
    if ((*out)->engine && parts->profiling) anm_engine_profile((*out)->engine, true);
    (*out)->next = cut->first;
    cut->first = *out;
    if (++cut->count > ANM_PART_PLANS_MOST) drop_oldest(cut);
    return ANM_OK;
}
