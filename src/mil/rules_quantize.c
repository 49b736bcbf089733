/* SPDX-License-Identifier: MIT */
/* Type rules of quantization at run time. */
#include "src/base/dtype.h"
#include "src/mil/rules.h"

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
