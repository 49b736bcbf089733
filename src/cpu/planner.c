/* SPDX-License-Identifier: MIT */
/* Where values lie, when blocks of memory are needed, and adding steps. */
#include "src/cpu/planner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/alloc.h"
#include "src/base/dtype.h"
#include "src/cpu/step_copy.h"
#include "src/pass/constants.h"

static const anm_lie nowhere = {.block = -1};

void *anm_plan_alloc(anm_planner *p, size_t size) {
    void *memory = p->status == ANM_OK ? anm_arena_alloc(p->plan->arena, size) : NULL;
    if (!memory && p->status == ANM_OK) p->status = anm_fail_memory(p->err);
    return memory;
}

static int new_block(anm_planner *p, anm_place place, size_t bytes) {
    anm_block_memory block = {.place = place, .bytes = bytes, .first = -1, .last = -1,
                              .written = -1, .read = -1};
    if (p->status != ANM_OK) return -1;
    if (!anm_vec_push(&p->blocks, block)) {
        p->status = anm_fail_memory(p->err);
        return -1;
    }
    return (int)p->blocks.len - 1;
}

anm_lie anm_lie_new(anm_planner *p, anm_dtype dtype, int rank, const int64_t *shape) {
    anm_lie lie = {.dtype = dtype, .view = anm_view_dense(rank, shape)};
    lie.block = new_block(p, ANM_PLACE_WORK, (size_t)anm_view_elements(&lie.view) * 4);
    return lie;
}

/* Dimensions from the widest stride to the narrowest keep that order, without gaps. */
anm_lie anm_lie_new_like(anm_planner *p, anm_dtype dtype, const anm_view *like) {
    anm_lie lie = {.dtype = dtype, .view = *like};
    bool done[ANM_MAX_RANK] = {false};
    int64_t n = 1;
    for (int k = 0; k < like->rank; k++) {
        int best = -1;
        for (int i = like->rank - 1; i >= 0; i--) {
            if (done[i]) continue;
            if (best < 0 || (like->shape[i] > 1 && like->stride[i] < like->stride[best]) ||
                (like->shape[best] == 1 && like->shape[i] > 1))
                best = i;
        }
        done[best] = true;
        lie.view.stride[best] = n;
        n *= like->shape[best];
    }
    lie.view.offset = 0;
    lie.block = new_block(p, ANM_PLACE_WORK, (size_t)n * 4);
    return lie;
}

static anm_lie constant_lie(anm_planner *p, anm_dtype dtype, const anm_mil_type *type,
                            const void *data) {
    anm_lie lie = {.dtype = dtype, .view = anm_view_of_type(type)};
    lie.block = new_block(p, ANM_PLACE_CONST, 0);
    if (lie.block >= 0) p->blocks.data[lie.block].data = data;
    return lie;
}

/* Dense numbers where they lie, if kernels can use them there. */
static bool usable(const anm_mil_type *type, const void *data, int64_t count, anm_dtype wanted) {
    enum { SMALL = 1 << 14 };
    if ((uintptr_t)data % 4 != 0) return false;
    return type->dtype == wanted || (type->dtype == ANM_DTYPE_FP16 && count > SMALL);
}

/* The numbers as fp32 or int32, made once for all plans; `value` NULL: for this one. */
static const void *as_numbers(anm_planner *p, const anm_mil_value *value, const anm_mil_type *type,
                              const void *data, anm_dtype dtype) {
    anm_flow *g = &p->plan->flow;
    const anm_tensor *have = value ? anm_constants_find(g, value, ANM_CONSTANT_NUMBERS) : NULL;
    if (have) return have->data;
    size_t bytes = (size_t)anm_type_elements(type) * 4;
    anm_arena *arena = value ? anm_constants_arena(g, value) : p->plan->arena;
    anm_tensor made = {.dtype = dtype, .data = anm_arena_alloc(arena, bytes), .bytes = bytes};
    bool ok = made.data;
    if (ok) anm_elements_convert(dtype, made.data, type->dtype, data, anm_type_elements(type));
    if (ok && value) ok = anm_constants_keep(g, value, ANM_CONSTANT_NUMBERS, &made);
    else if (ok) g->copied += bytes;
    if (!ok && p->status == ANM_OK) p->status = anm_fail_memory(p->err);
    return ok ? made.data : NULL;
}

/* Floats of other types, and small ones, become fp32; all integers int32. */
static anm_lie numbers_lie(anm_planner *p, const anm_mil_value *value, const anm_mil_type *type,
                           const void *data, bool convert) {
    int64_t count = anm_type_elements(type);
    anm_dtype dtype = anm_dtype_is_float(type->dtype) ? ANM_DTYPE_FP32 : ANM_DTYPE_INT32;
    if (usable(type, data, count, dtype) && (type->dtype == dtype || !convert))
        return constant_lie(p, type->dtype, type, data);
    const void *numbers = as_numbers(p, value, type, data, dtype);
    return numbers ? constant_lie(p, dtype, type, numbers) : nowhere;
}

/* `value` NULL: a literal written inline. */
static anm_lie literal_lie(anm_planner *p, const anm_mil_value *value,
                           const anm_mil_literal *literal, bool convert) {
    const anm_mil_type *type = literal->type;
    if (type->kind != ANM_MIL_TENSOR || anm_dtype_bits(type->dtype) < 8 || !literal->data)
        return nowhere;
    return numbers_lie(p, value, type, literal->data, convert);
}

/* What a constexpr op gives, decoded: for ops whose kernels read no compressed form. */
static anm_lie decoded_lie(anm_planner *p, const anm_mil_value *value, bool convert) {
    anm_tensor t;
    if (p->status == ANM_OK)
        p->status = anm_constants_decode(&p->plan->flow, value, &t, p->err);
    if (p->status != ANM_OK || anm_dtype_bits(t.dtype) < 8) return nowhere;
    anm_mil_type type = *value->type;
    type.dtype = t.dtype;
    return numbers_lie(p, value, &type, t.data, convert);
}

anm_lie anm_lie_of(anm_planner *p, const anm_mil_value *value) {
    anm_lie *lie = &p->lies[value->id];
    if (lie->block >= 0) return *lie;
    if (value->constant) *lie = literal_lie(p, value, value->constant, false);
    else if (anm_is_constant(value)) *lie = decoded_lie(p, value, false);
    return *lie;
}

anm_lie anm_lie_constant_floats(anm_planner *p, anm_mil_operand o) {
    const anm_mil_type *type = anm_mil_operand_type(o);
    const anm_mil_literal *literal = anm_mil_operand_constant(o);
    if (!type || !anm_dtype_is_float(type->dtype)) return nowhere;
    if (literal) return literal_lie(p, o.value, literal, true);
    return o.value && anm_is_constant(o.value) ? decoded_lie(p, o.value, true) : nowhere;
}

anm_lie anm_operand_lie(anm_planner *p, anm_mil_operand o) {
    if (o.value) return anm_lie_of(p, o.value);
    return o.literal ? literal_lie(p, NULL, o.literal, false) : nowhere;
}

anm_lie anm_arg_lie(anm_planner *p, const anm_mil_op *op, const char *name) {
    return anm_operand_lie(p, anm_mil_op_operand(op, name));
}

void anm_lie_set(anm_planner *p, const anm_mil_value *value, anm_lie lie) {
    p->lies[value->id] = lie;
}

bool anm_lie_is_spare(const anm_planner *p, const anm_lie *lie) {
    if (lie->block < 0) return false;
    const anm_block_memory *b = &p->blocks.data[lie->block];
    if (b->place != ANM_PLACE_WORK || b->written < 0 || b->read >= 0) return false;
    for (size_t i = 0; i < p->plan->flow.function->value_count; i++)
        if (p->lies[i].block == lie->block && p->last_use[i] > p->number) return false;
    return true;
}

anm_lie anm_lie_dense(anm_planner *p, anm_lie lie) {
    if (lie.block < 0) return lie;
    if (lie.dtype != ANM_DTYPE_FP16 && anm_view_is_dense(&lie.view)) return lie;
    return anm_step_copy(p, lie, anm_view_dense(lie.view.rank, lie.view.shape));
}

anm_lie anm_lie_plain(anm_planner *p, anm_lie lie) {
    if (lie.block < 0 || lie.dtype != ANM_DTYPE_FP16) return lie;
    return anm_step_copy(p, lie, lie.view);
}

anm_lie anm_lie_rows(anm_planner *p, anm_lie lie) {
    int last = lie.view.rank - 1;
    if (lie.block < 0 || last < 0) return lie;
    if (lie.dtype != ANM_DTYPE_FP16 && (lie.view.stride[last] == 1 || lie.view.shape[last] == 1))
        return lie;
    return anm_lie_dense(p, lie);
}

/* Steps. */

static int later(int a, int b) { return a > b ? a : b; }

static void note_use(anm_planner *p, int block, int phase, bool writes) {
    anm_block_memory *b = &p->blocks.data[block];
    if (b->first < 0 || b->first > phase) b->first = phase;
    if (b->last < phase) b->last = phase;
    if (writes) b->written = later(b->written, phase);
    else b->read = later(b->read, phase);
}

/* How many phases before the last a step may go: further, and buffers would live for long. */
enum { REACH = 6 };

/* What is read was written before, and what is written is not read or written beside it. */
static int earliest_phase(const anm_planner *p, const int *reads, const int *writes, int64_t rows,
                          bool apart) {
    int phase = p->phase > REACH ? p->phase - REACH : 0;
    for (const int *r = reads; *r >= 0; r++) {
        const anm_block_memory *b = &p->blocks.data[*r];
        bool follows = rows > 0 && r == reads && b->rows == rows;
        phase = later(phase, b->written + (follows ? 0 : 1));
    }
    for (const int *w = writes; *w >= 0; w++) {
        const anm_block_memory *b = &p->blocks.data[*w];
        phase = later(phase, later(b->read + 1, b->written + (apart ? 0 : 1)));
    }
    return phase;
}

anm_step *anm_step_add_rows(anm_planner *p, anm_step_fn run, const char *kind, const void *data,
                            const int *reads, const int *writes, int64_t rows, bool apart) {
    if (p->status != ANM_OK) return &p->no_step;
    int phase = earliest_phase(p, reads, writes, rows, apart);
    p->phase = later(p->phase, phase);
    for (const int *r = reads; *r >= 0; r++) note_use(p, *r, phase, false);
    for (const int *w = writes; *w >= 0; w++) {
        anm_block_memory *b = &p->blocks.data[*w];
        b->writer = b->written < phase || b->writer == run ? run : NULL;
        b->rows = w == writes && b->place == ANM_PLACE_WORK ? rows : 0;
        note_use(p, *w, phase, true);
    }
    anm_step step = {.run = run, .kind = kind, .op = p->at, .data = data, .phase = phase};
    if (!anm_vec_push(&p->steps, step)) {
        p->status = anm_fail_memory(p->err);
        return &p->no_step;
    }
    return &p->steps.data[p->steps.len - 1];
}

anm_step *anm_step_add(anm_planner *p, anm_step_fn run, const char *kind, const void *data,
                       const int *reads, const int *writes) {
    return anm_step_add_rows(p, run, kind, data, reads, writes, 0, false);
}

static bool fills_block(const anm_planner *p, const anm_lie *lie) {
    size_t size = lie->dtype == ANM_DTYPE_FP16 ? 2 : 4;
    return lie->view.offset == 0 && anm_view_is_dense(&lie->view) &&
           (size_t)anm_view_elements(&lie->view) * size == p->blocks.data[lie->block].bytes;
}

int64_t anm_step_rows(const anm_planner *p, int64_t rows, const anm_lie *a, const anm_lie *b) {
    return rows == 1 || (fills_block(p, a) && fills_block(p, b)) ? rows : 0;
}

anm_step *anm_step_extend(anm_planner *p, const int *reads) {
    if (p->status != ANM_OK || !p->steps.len) return NULL;
    anm_step *last = &p->steps.data[p->steps.len - 1];
    for (const int *r = reads; *r >= 0; r++)
        if (p->blocks.data[*r].written >= last->phase) return NULL;
    for (const int *r = reads; *r >= 0; r++) note_use(p, *r, last->phase, false);
    last->op = p->at;
    return last;
}

void anm_step_scratch(anm_planner *p, size_t bytes) {
    if (bytes > p->scratch) p->scratch = bytes;
}

void anm_exec_fail(anm_exec *x, const anm_step *s, anm_status status, const char *fmt, ...) {
    char message[300], where[240];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (x->failed != ANM_OK) return;
    snprintf(where, sizeof where, "function %s, op %s (%s)", x->plan->flow.function->name,
             s->op ? anm_mil_op_label(s->op) : s->kind, s->op ? s->op->type : s->kind);
    x->failed = (int)anm_fail(x->err, status, where, "%s", message);
}
