/* SPDX-License-Identifier: MIT */
/* Type rules of compressed weights and of quantization. */
#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* iOS 16: flat indices, a flat table, and the shape as a constant. */
static bool lut_ios16(const anm_mil_op *op, anm_mil_infer *infer) {
    int64_t shape[ANM_MAX_RANK];
    int rank = -1;
    if (!anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &rank))
        return anm_mil_refuse(infer, "shape is not a constant vector");
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
        shape[axis] *= vector;
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

/* One scale for all, or one for each entry of the axis; the zero points likewise. */
static bool check_scales(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *input = anm_mil_type_of(op, "input"), *scale = anm_mil_type_of(op, "scale");
    const anm_mil_type *zero = anm_mil_type_of(op, "zero_point");
    int64_t axis;
    if (zero && scale->rank >= 0 && zero->rank >= 0 &&
        anm_shape_elements(zero->shape, zero->rank) !=
            anm_shape_elements(scale->shape, scale->rank))
        return anm_mil_refuse(infer, "scale and zero_point differ in length");
    if (scale->rank != 1 || scale->shape[0] == 1 || input->rank < 0) return true;
    if (!anm_mil_op_get_int(op, "axis", &axis))
        return anm_mil_refuse(infer, "several scales need an axis");
    if (!anm_mil_axis(infer, &axis, input->rank)) return false;
    if (scale->shape[0] >= 0 && input->shape[axis] >= 0 && scale->shape[0] != input->shape[axis])
        return anm_mil_refuse(infer, "%lld scales for an axis of %lld", (long long)scale->shape[0],
                              (long long)input->shape[axis]);
    return true;
}

bool anm_mil_rule_quantize(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *input = anm_mil_type_of(op, "input");
    const anm_mil_type *zero = anm_mil_type_of(op, "zero_point");
    const char *name = "";
    if (!anm_mil_op_get_string(op, "output_dtype", &name))
        return anm_mil_refuse(infer, "output_dtype is not constant");
    anm_dtype dtype = anm_dtype_from_name(anm_sv_from(name));
    if (dtype != ANM_DTYPE_INT8 && dtype != ANM_DTYPE_UINT8)
        return anm_mil_refuse(infer, "cannot quantize to \"%s\"", name);
    if (zero && zero->dtype != dtype)
        return anm_mil_refuse(infer, "zero_point is %s, the result %s", anm_dtype_name(zero->dtype),
                              name);
    return check_scales(op, infer) && anm_mil_give(infer, 0, dtype, input->rank, input->shape);
}

bool anm_mil_rule_dequantize(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *input = anm_mil_type_of(op, "input");
    return check_scales(op, infer) &&
           anm_mil_give(infer, 0, anm_mil_type_of(op, "scale")->dtype, input->rank, input->shape);
}
