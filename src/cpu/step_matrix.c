/* SPDX-License-Identifier: MIT */
/* Constant matrices for kernels: constexpr ops are read without decoding where there is a form. */
#include "src/cpu/step_matrix.h"

#include "src/base/dtype.h"
#include "src/pass/constants.h"

/* [rows, columns, 1, ..]. */
static bool read_shape(const anm_mil_type *type, anm_matrix *m) {
    if (type->rank < 2) return false;
    for (int i = 2; i < type->rank; i++)
        if (type->shape[i] != 1) return false;
    m->rows = type->shape[0];
    m->columns = type->shape[1];
    return m->rows > 0 && m->columns > 0;
}

static bool from_literal(const anm_mil_literal *literal, anm_matrix *m) {
    if (!literal->data || !read_shape(literal->type, m)) return false;
    m->data = literal->data;
    m->kind = literal->type->dtype == ANM_DTYPE_FP16 ? ANM_MATRIX_FP16 : ANM_MATRIX_FP32;
    m->bits = literal->type->dtype == ANM_DTYPE_FP16 ? 16 : 32;
    return literal->type->dtype == ANM_DTYPE_FP16 || literal->type->dtype == ANM_DTYPE_FP32;
}

static const anm_mil_literal *constant_arg(const anm_mil_op *op, const char *name) {
    const anm_mil_literal *literal = anm_mil_operand_constant(anm_mil_op_operand(op, name));
    return literal && literal->data && literal->type->kind == ANM_MIL_TENSOR ? literal : NULL;
}

static int log2_of(int64_t n) {
    int bits = 0;
    while (((int64_t)1 << bits) < n) bits++;
    return ((int64_t)1 << bits) == n ? bits : -1;
}

/* Dimensions of groups: `counts` says how many there are along rows and columns. */
static bool read_groups(anm_matrix *m, const int64_t *counts) {
    if (counts[0] < 1 || counts[1] < 1 || m->rows % counts[0] || m->columns % counts[1])
        return false;
    m->group_rows = m->rows / counts[0];
    m->group_columns = m->columns / counts[1];
    return true;
}

static bool ones(const anm_mil_type *type, int from, int to) {
    for (int i = from; i < to; i++)
        if (type->shape[i] != 1) return false;
    return true;
}

/* iOS 18: lut is [groups of each dimension .., entries, 1]; iOS 16: [entries], indices packed. */
static bool from_lut(const anm_mil_op *op, anm_matrix *m) {
    const anm_mil_literal *indices = constant_arg(op, "indices"), *lut = constant_arg(op, "lut");
    static const int64_t one[2] = {1, 1};
    if (!indices || !lut || lut->type->dtype != ANM_DTYPE_FP16 ||
        (uintptr_t)lut->data % sizeof(uint16_t) || !read_shape(op->outputs[0]->type, m))
        return false;
    const anm_mil_type *type = lut->type;
    m->kind = ANM_MATRIX_LUT;
    m->data = indices->data;
    m->lut = lut->data;
    if (type->rank == 1) {
        m->bits = log2_of(type->shape[0]);
        return m->bits >= 1 && m->bits <= 8 && read_groups(m, one);
    }
    int rank = op->outputs[0]->type->rank;
    if (type->rank != rank + 2 || type->shape[rank + 1] != 1 || !ones(type, 2, rank)) return false;
    m->bits = log2_of(type->shape[rank]);
    return m->bits >= 1 && m->bits == (int)anm_dtype_bits(indices->type->dtype) &&
           read_groups(m, type->shape);
}

static bool is_row_scale(const anm_mil_literal *scale, const anm_matrix *m) {
    return scale->type->dtype == ANM_DTYPE_FP16 && scale->type->shape[0] == m->rows &&
           ones(scale->type, 1, scale->type->rank);
}

static bool read_integers(const anm_mil_literal *data, anm_matrix *m) {
    switch (data->type->dtype) {
    case ANM_DTYPE_INT8: m->bits = 8, m->is_signed = true; break;
    case ANM_DTYPE_UINT8: m->bits = 8; break;
    case ANM_DTYPE_INT4: m->bits = 4, m->is_signed = true; break;
    case ANM_DTYPE_UINT4: m->bits = 4; break;
    default: return false;
    }
    m->kind = ANM_MATRIX_AFFINE;
    m->data = data->data;
    return read_shape(data->type, m);
}

static bool from_blockwise(const anm_mil_op *op, anm_matrix *m) {
    const anm_mil_literal *scale = constant_arg(op, "scale"), *data = constant_arg(op, "data");
    const anm_mil_literal *offset = constant_arg(op, "offset");
    anm_mil_operand source = anm_mil_op_operand(op, "data");
    if (!scale || scale->type->rank < 2) return false;
    if (anm_value_def(source.value, "constexpr_lut_to_dense")) {
        if (anm_mil_operand_present(anm_mil_op_operand(op, "offset")) ||
            !from_lut(source.value->def, m) || !is_row_scale(scale, m))
            return false;
        m->row_scale = scale->data;
        return true;
    }
    if (!data || scale->type->dtype != ANM_DTYPE_FP16 || !read_integers(data, m) ||
        !ones(scale->type, 2, scale->type->rank) || !read_groups(m, scale->type->shape))
        return false;
    m->scale = scale->data;
    m->offset = offset ? offset->data : NULL;
    return !offset || offset->type->dtype == data->type->dtype;
}

/* Other compressed forms are decoded once. */
static bool from_decoded(anm_planner *p, const anm_mil_value *value, anm_matrix *m) {
    anm_tensor t;
    anm_status status = anm_constants_decode(&p->plan->flow, value, &t, p->err);
    if (status != ANM_OK) {
        p->status = status;
        return false;
    }
    m->data = t.data;
    m->kind = t.dtype == ANM_DTYPE_FP16 ? ANM_MATRIX_FP16 : ANM_MATRIX_FP32;
    m->bits = t.dtype == ANM_DTYPE_FP16 ? 16 : 32;
    return (t.dtype == ANM_DTYPE_FP16 || t.dtype == ANM_DTYPE_FP32) && read_shape(value->type, m);
}

bool anm_matrix_of(anm_planner *p, const anm_mil_op *op, const char *name, anm_matrix *out) {
    const anm_mil_value *value = anm_arg_value(op, name);
    *out = (anm_matrix){0};
    if (!value || !anm_is_constant(value)) return false;
    if (value->constant) return from_literal(value->constant, out);
    if (anm_is_op(value->def, "constexpr_lut_to_dense") && from_lut(value->def, out)) return true;
    *out = (anm_matrix){0};
    if (anm_is_op(value->def, "constexpr_blockwise_shift_scale") && from_blockwise(value->def, out))
        return true;
    *out = (anm_matrix){0};
    return from_decoded(p, value, out);
}

bool anm_bias_of(anm_planner *p, const anm_mil_op *op, const float **out) {
    anm_mil_operand operand = anm_mil_op_operand(op, "bias");
    *out = NULL;
    if (!anm_mil_operand_present(operand)) return true;
    anm_lie bias = anm_lie_constant_floats(p, operand);
    if (bias.block >= 0) *out = p->blocks.data[bias.block].data;
    return *out != NULL;
}
