/* SPDX-License-Identifier: MIT */
/* Type rules of compressed weights. */
#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* iOS 16: flat indices, a flat table, and the shape as a constant. */
static bool lut_ios16(const anm_mil_op *op, anm_mil_infer *infer) {
    int64_t shape[ANM_MAX_RANK];
    int rank = -1;
    if (!anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &rank))
        return anm_mil_refuse(infer, "shape is not a constant vector");
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0) return anm_mil_refuse(infer, "shape holds %lld", (long long)shape[i]);
    return anm_mil_give(infer, 0, anm_mil_type_of(op, "lut")->dtype, rank, shape);
}

/* iOS 18: lut is [groups per dimension..., 2^bits, vector]. */
bool anm_mil_rule_lut_to_dense(const anm_mil_op *op, anm_mil_infer *infer) {
    if (anm_mil_operand_present(anm_mil_op_operand(op, "shape"))) return lut_ios16(op, infer);
    const anm_mil_type *indices = anm_mil_type_of(op, "indices"), *lut = anm_mil_type_of(op, "lut");
    int64_t shape[ANM_MAX_RANK], axis = -1;
    if (indices->rank < 0 || lut->rank != indices->rank + 2)
        return anm_mil_refuse(infer, "lut needs two dimensions more than indices");
    if (lut->shape[lut->rank - 2] != (int64_t)1 << anm_dtype_bits(indices->dtype))
        return anm_mil_refuse(infer, "lut has %lld entries for %s indices",
                              (long long)lut->shape[lut->rank - 2], anm_dtype_name(indices->dtype));
    for (int i = 0; i < indices->rank; i++) {
        shape[i] = indices->shape[i];
        if (lut->shape[i] <= 0 || shape[i] % lut->shape[i] != 0)
            return anm_mil_refuse(infer, "dimension %d does not divide into the lut's groups", i);
    }
    int64_t vector = lut->shape[lut->rank - 1];
    bool has_axis = anm_mil_op_get_int(op, "vector_axis", &axis);
    if (vector > 1 && !has_axis) return anm_mil_refuse(infer, "a vector lut needs vector_axis");
    if (has_axis) {
        if (!anm_mil_axis(infer, &axis, indices->rank)) return false;
        if (vector < 1 || __builtin_mul_overflow(shape[axis], vector, &shape[axis]))
            return anm_mil_refuse(infer, "lut has vectors of %lld", (long long)vector);
    }
    return anm_mil_give(infer, 0, lut->dtype, indices->rank, shape);
}

bool anm_mil_rule_blockwise(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "data"), *scale = anm_mil_type_of(op, "scale");
    if (data->rank < 0 || scale->rank != data->rank)
        return anm_mil_refuse(infer, "data and scale differ in rank");
    for (int i = 0; i < data->rank; i++)
        if (scale->shape[i] <= 0 || data->shape[i] % scale->shape[i] != 0)
            return anm_mil_refuse(infer, "dimension %d does not divide into blocks", i);
    return anm_mil_give(infer, 0, scale->dtype, data->rank, data->shape);
}

bool anm_mil_rule_affine(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "quantized_data");
    return anm_mil_give(infer, 0, anm_mil_type_of(op, "scale")->dtype, data->rank, data->shape);
}

bool anm_mil_rule_constexpr_cast(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *source = anm_mil_type_of(op, "source_val");
    const char *name = "";
    if (!anm_mil_op_get_string(op, "output_dtype", &name) ||
        anm_dtype_from_name(anm_sv_from(name)) != ANM_DTYPE_FP32)
        return anm_mil_refuse(infer, "casts to fp32 only, not \"%s\"", name);
    return anm_mil_give(infer, 0, ANM_DTYPE_FP32, source->rank, source->shape);
}

/* iOS 16: the mask is packed in bytes and the shape is an argument; later it is a tensor. */
bool anm_mil_rule_sparse_to_dense(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "nonzero_data");
    const anm_mil_type *mask = anm_mil_type_of(op, "mask");
    int64_t shape[ANM_MAX_RANK];
    int rank = -1;
    if (data->rank != 1) return anm_mil_refuse(infer, "nonzero_data needs rank 1");
    if (!anm_mil_operand_present(anm_mil_op_operand(op, "shape"))) {
        if (mask->dtype != ANM_DTYPE_UINT1)
            return anm_mil_refuse(infer, "a mask that is not uint1 needs a shape");
        return anm_mil_give(infer, 0, data->dtype, mask->rank, mask->shape);
    }
    if (!anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &rank))
        return anm_mil_refuse(infer, "shape is not a constant vector");
    int64_t elements = anm_shape_elements(shape, rank);
    if (elements < 0 || mask->rank != 1 || mask->dtype != ANM_DTYPE_UINT8 ||
        mask->shape[0] != elements / 8 + (elements % 8 != 0))
        return anm_mil_refuse(infer, "mask has not one bit for each element of the shape");
    return anm_mil_give(infer, 0, data->dtype, rank, shape);
}

/* Both give a mask and the elements where it is 1. */
bool anm_mil_rule_lut_to_sparse(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "indices_nonzero_data");
    const anm_mil_type *mask = anm_mil_type_of(op, "indices_mask");
    const anm_mil_type *lut = anm_mil_type_of(op, "lut");
    if (data->rank != 1 || mask->rank < 0 || lut->rank != mask->rank + 2)
        return anm_mil_refuse(infer, "lut needs two dimensions more than indices_mask");
    if (lut->shape[lut->rank - 2] != (int64_t)1 << anm_dtype_bits(data->dtype))
        return anm_mil_refuse(infer, "lut has %lld entries for %s indices",
                              (long long)lut->shape[lut->rank - 2], anm_dtype_name(data->dtype));
    int64_t vector = lut->shape[lut->rank - 1], axis = 0, shape[ANM_MAX_RANK], count;
    for (int i = 0; i < mask->rank; i++) shape[i] = mask->shape[i];
    if (vector > 1) {
        if (!anm_mil_read_axis(op, infer, "vector_axis", mask->rank, &axis)) return false;
        if (__builtin_mul_overflow(shape[axis], vector, &shape[axis]))
            return anm_mil_refuse(infer, "the result is too large");
    }
    if (vector < 1 || __builtin_mul_overflow(data->shape[0], vector, &count))
        return anm_mil_refuse(infer, "lut has vectors of %lld", (long long)vector);
    return anm_mil_give(infer, 0, mask->dtype, mask->rank, shape) &&
           anm_mil_give(infer, 1, lut->dtype, 1, &count);
}

bool anm_mil_rule_sparse_blockwise(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "nonzero_data");
    const anm_mil_type *mask = anm_mil_type_of(op, "data_mask");
    const anm_mil_type *scale = anm_mil_type_of(op, "scale");
    if (data->rank != 1) return anm_mil_refuse(infer, "nonzero_data needs rank 1");
    if (mask->rank < 0 || scale->rank != mask->rank)
        return anm_mil_refuse(infer, "data_mask and scale differ in rank");
    for (int i = 0; i < mask->rank; i++)
        if (scale->shape[i] <= 0 || mask->shape[i] % scale->shape[i] != 0)
            return anm_mil_refuse(infer, "dimension %d does not divide into blocks", i);
    return anm_mil_give(infer, 0, mask->dtype, mask->rank, mask->shape) &&
           anm_mil_give(infer, 1, scale->dtype, 1, data->shape);
}
