/* SPDX-License-Identifier: MIT */
/* Copies from one way of lying to another, and the ops that only look at a value another way. */
#include "src/cpu/step_copy.h"

#include <string.h>

#include "src/base/half.h"
#include "src/base/dtype.h"
#include "src/mil/ops.h"

typedef struct copy_step {
    anm_lie from, to;
    /* Over the dimensions but the one that is contiguous in the target. */
    int rank;
    int64_t shape[ANM_MAX_RANK], from_stride[ANM_MAX_RANK], to_stride[ANM_MAX_RANK];
    int64_t n, from_step; /* of the innermost dimension */
    int64_t rows;
} copy_step;

static void copy_row(const copy_step *c, const char *from, char *to) {
    float *out = (float *)to;
    if (c->from.dtype == ANM_DTYPE_FP16) {
        const uint16_t *in = (const uint16_t *)from;
        if (c->from_step == 1) anm_half_to_float_n(out, in, (size_t)c->n);
        else
            for (int64_t i = 0; i < c->n; i++) out[i] = anm_half_to_float(in[i * c->from_step]);
        return;
    }
    const float *in = (const float *)from;
    if (c->from_step == 1) memcpy(out, in, (size_t)c->n * 4);
    else
        for (int64_t i = 0; i < c->n; i++) memcpy(&out[i], &in[i * c->from_step], 4);
}

static void copy_share(const copy_step *c, const anm_exec *x, int thread, int threads) {
    const char *from = anm_exec_at(x, &c->from);
    char *to = anm_exec_at(x, &c->to);
    size_t size = c->from.dtype == ANM_DTYPE_FP16 ? 2 : 4;
    int64_t begin, end;
    anm_share(c->rows, 1, thread, threads, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t rest = row, a = 0, b = 0;
        for (int i = c->rank - 1; i >= 0; i--) {
            int64_t at = rest % c->shape[i];
            rest /= c->shape[i];
            a += at * c->from_stride[i];
            b += at * c->to_stride[i];
        }
        copy_row(c, from + a * (int64_t)size, to + b * 4);
    }
}

static void run_copy(const anm_step *s, anm_exec *x, int thread, int threads) {
    copy_share(s->data, x, thread, threads);
}

/* The views have the same shape. */
static void lay_out(copy_step *c, anm_lie from, anm_lie to) {
    *c = (copy_step){.from = from, .to = to, .n = 1, .from_step = 1, .rows = 1};
    int inner = -1;
    for (int i = 0; i < to.view.rank; i++)
        if (to.view.shape[i] > 1 && to.view.stride[i] == 1) inner = i;
    for (int i = 0; i < to.view.rank; i++) {
        if (i == inner) {
            c->n = to.view.shape[i];
            c->from_step = from.view.stride[i];
            continue;
        }
        c->shape[c->rank] = to.view.shape[i];
        c->from_stride[c->rank] = from.view.stride[i];
        c->to_stride[c->rank++] = to.view.stride[i];
        c->rows *= to.view.shape[i];
    }
}

anm_lie anm_step_copy(anm_planner *p, anm_lie from, anm_view like) {
    anm_dtype dtype = from.dtype == ANM_DTYPE_FP16 ? ANM_DTYPE_FP32 : from.dtype;
    copy_step *c = anm_plan_alloc(p, sizeof *c);
    anm_lie to = anm_lie_new_like(p, dtype, &like);
    if (!c || to.block < 0) return to;
    lay_out(c, from, to);
    anm_step_add(p, run_copy, "copy", c, ANM_BLOCKS(from.block), ANM_BLOCKS(to.block));
    return to;
}

typedef struct parts_step {
    const copy_step *copies;
    size_t count;
} parts_step;

static void run_parts(const anm_step *s, anm_exec *x, int thread, int threads) {
    const parts_step *parts = s->data;
    for (size_t i = 0; i < parts->count; i++) copy_share(&parts->copies[i], x, thread, threads);
}

void anm_step_copy_parts(anm_planner *p, const char *kind, const anm_part *parts, size_t count,
                         anm_lie to) {
    copy_step *copies = anm_plan_alloc(p, (count + 1) * sizeof *copies);
    parts_step *s = anm_plan_alloc(p, sizeof *s);
    int *reads = anm_plan_alloc(p, (count + 1) * sizeof *reads);
    for (size_t i = 0; reads && i < count; i++) {
        const anm_part *part = &parts[i];
        anm_lie place = to;
        anm_view_slice(&place.view, part->axis, part->at, part->from.view.shape[part->axis], 1);
        lay_out(&copies[i], part->from, place);
        reads[i] = part->from.block;
    }
    if (!reads) return;
    reads[count] = -1;
    *s = (parts_step){copies, count};
    anm_step_add(p, run_parts, kind, s, reads, ANM_BLOCKS(to.block));
}

/* A read of a state, while nobody writes it before the last use, is the state's own memory. */
static bool build_read(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_value *state = anm_mil_op_operand(op, "input").value;
    anm_lie lie = anm_lie_of(p, state);
    if (lie.block < 0) return false;
    uint32_t number = p->number, last = p->last_use[op->outputs[0]->id];
    bool stays = true;
    for (const anm_mil_op *next = op->next; next; next = next->next) {
        if (++number >= last) break;
        if (next->spec->flags & ANM_OP_STATEFUL && !anm_is_op(next, "read_state") &&
            (anm_mil_op_operand(next, "input").value == state ||
             anm_mil_op_operand(next, "state").value == state))
            stays = false;
    }
    if (!stays) lie = anm_step_copy(p, lie, lie.view);
    anm_lie_set(p, op->outputs[0], lie);
    return true;
}

static bool same_kind_of_number(const anm_mil_op *op) {
    const anm_mil_type *from = anm_mil_operand_type(anm_mil_op_operand(op, "x"));
    anm_dtype to = op->outputs[0]->type->dtype;
    if (anm_dtype_is_float(from->dtype)) return anm_dtype_is_float(to);
    return to == ANM_DTYPE_INT32 && from->dtype != ANM_DTYPE_FP32;
}

bool anm_build_view(anm_planner *p, const anm_mil_op *op) {
    if (anm_is_op(op, "read_state")) return build_read(p, op);
    bool cast = anm_is_op(op, "cast") && same_kind_of_number(op);
    if (!cast && !anm_is_op(op, "transpose") && !anm_op_keeps_order(op) &&
        !anm_is_op(op, "slice_by_index") && !anm_is_op(op, "slice_by_size"))
        return false;
    anm_lie lie = anm_arg_lie(p, op, "x");
    if (lie.block < 0) return false;
    if (cast) {
        anm_lie_set(p, op->outputs[0], lie);
        return true;
    }
    anm_view v = anm_view_of_type(anm_mil_operand_type(anm_mil_op_operand(op, "x")));
    if (!anm_view_apply(&v, op)) return false;
    if (!anm_view_apply(&lie.view, op)) {
        lie = anm_lie_dense(p, lie);
        if (!anm_view_apply(&lie.view, op)) return false;
    }
    anm_lie_set(p, op->outputs[0], lie);
    return true;
}
