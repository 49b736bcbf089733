/* SPDX-License-Identifier: MIT */
/* concat, stack, split and tile: parts of a tensor are copied, or looked at where they lie. */
#include "src/base/dtype.h"
#include "src/cpu/step_axes.h"
#include "src/cpu/step_copy.h"

static const anm_mil_arg *values_of(const anm_mil_op *op) {
    return anm_mil_op_arg(op, "values");
}

/* Value i as it lies, floats being fp32; a new dimension at `axis` for stack. */
static anm_lie part_lie(anm_planner *p, const anm_mil_op *op, size_t i, int64_t axis, bool stack) {
    anm_mil_operand o = values_of(op)->operands[i];
    int64_t shape[ANM_MAX_RANK];
    anm_lie lie = anm_operand_lie(p, o);
    if (lie.block < 0) return lie;
    int rank = lie.view.rank;
    if (rank == 0 && !stack) anm_view_reshape(&lie.view, 1, (const int64_t[]){1});
    if (!stack) return lie;
    for (int k = 0; k <= rank; k++)
        shape[k] = k < axis ? lie.view.shape[k] : k == axis ? 1 : lie.view.shape[k - 1];
    anm_view_reshape(&lie.view, rank + 1, shape);
    return lie;
}

static bool build_concat(anm_planner *p, const anm_mil_op *op, bool stack) {
    const anm_mil_type *type = op->outputs[0]->type;
    const anm_mil_arg *values = values_of(op);
    int64_t axis, at = 0;
    bool interleave = false, integers = !anm_dtype_is_float(type->dtype);
    if (!stack) anm_mil_op_get_bool(op, "interleave", &interleave);
    if (!values || interleave || !anm_axis_read(op, type->rank, &axis)) return false;
    anm_part *parts = anm_plan_alloc(p, (values->count + 1) * sizeof *parts);
    for (size_t i = 0; parts && i < values->count; i++) {
        anm_lie lie = part_lie(p, op, i, axis, stack);
        if (lie.block < 0 || lie.view.rank != type->rank ||
            (lie.dtype == ANM_DTYPE_INT32) != integers)
            return p->status != ANM_OK;
        parts[i] = (anm_part){.from = lie, .axis = (int)axis, .at = at};
        at += lie.view.shape[axis];
    }
    if (!parts || at != type->shape[axis]) return p->status != ANM_OK;
    anm_lie to = anm_lie_new(p, integers ? ANM_DTYPE_INT32 : ANM_DTYPE_FP32, type->rank,
                             type->shape);
    if (to.block >= 0) anm_step_copy_parts(p, op->type, parts, values->count, to);
    anm_lie_set(p, op->outputs[0], to);
    return true;
}

/* The outputs are views. */
static bool build_split(anm_planner *p, const anm_mil_op *op) {
    anm_lie x = anm_arg_lie(p, op, "x");
    int64_t axis, at = 0;
    if (x.block < 0 || !anm_axis_read(op, x.view.rank, &axis)) return false;
    for (size_t i = 0; i < op->output_count; i++) {
        int64_t size = op->outputs[i]->type->shape[axis];
        anm_lie part = x;
        if (size < 1 || at + size > x.view.shape[axis]) return false;
        anm_view_slice(&part.view, (int)axis, at, size, 1);
        anm_lie_set(p, op->outputs[i], part);
        at += size;
    }
    return true;
}

/* Repeats are dimensions of stride 0 until the copy is made. */
static bool build_tile(anm_planner *p, const anm_mil_op *op) {
    const anm_mil_type *type = op->outputs[0]->type;
    anm_lie x = anm_arg_lie(p, op, "x");
    if (x.block < 0 || x.view.rank != type->rank) return false;
    anm_view v = {.offset = x.view.offset};
    for (int i = 0; i < type->rank; i++) {
        int64_t size = x.view.shape[i];
        if (size < 1 || type->shape[i] < 1 || type->shape[i] % size) return false;
        bool repeats = type->shape[i] != size, whole = size > 1;
        if (v.rank + repeats + whole > ANM_MAX_RANK) return false;
        if (repeats) v.shape[v.rank++] = type->shape[i] / size; /* stride 0 */
        if (!whole) continue;
        v.shape[v.rank] = size;
        v.stride[v.rank++] = x.view.stride[i];
    }
    x.view = v;
    x = anm_step_copy(p, x, anm_view_dense(v.rank, v.shape));
    if (x.block >= 0) anm_view_reshape(&x.view, type->rank, type->shape);
    anm_lie_set(p, op->outputs[0], x);
    return true;
}

bool anm_build_join(anm_planner *p, const anm_mil_op *op) {
    if (anm_is_op(op, "concat")) return build_concat(p, op, false);
    if (anm_is_op(op, "stack")) return build_concat(p, op, true);
    if (anm_is_op(op, "split")) return build_split(p, op);
    return anm_is_op(op, "tile") && build_tile(p, op);
}
