/* SPDX-License-Identifier: MIT */
/* Type rules of compressed weights. */
#include "src/base/dtype.h"
#include "src/mil/rules.h"

/* Bytes that so many numbers take, packed. */
static int64_t packed_bytes(int64_t count, int bits) {
    int64_t all;
    if (count < 0 || __builtin_mul_overflow(count, (int64_t)bits, &all)) return -1;
    return all / 8 + (all % 8 != 0);
}

/* iOS 16: flat indices, a flat table, and the shape as a constant. */
static bool lut_ios16(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *lut = anm_mil_type_of(op, "lut"), *indices = anm_mil_type_of(op, "indices");
    int64_t shape[ANM_MAX_RANK], entries = anm_shape_elements(lut->shape, lut->rank);
    int rank = -1, bits = 0;
    if (!anm_mil_op_get_ints(op, "shape", shape, ANM_MAX_RANK, &rank))
        return anm_mil_refuse(infer, "shape is not a constant vector");
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0) return anm_mil_refuse(infer, "shape holds %lld", (long long)shape[i]);
    while (bits < 8 && entries > (int64_t)1 << bits) bits++;
    if (entries != (int64_t)1 << bits)
        return anm_mil_refuse(infer, "lut has %lld entries, not 2, 4, ... or 256",
                              (long long)entries);
    if (anm_shape_elements(indices->shape, indices->rank) !=
        packed_bytes(anm_shape_elements(shape, rank), bits))
        return anm_mil_refuse(infer, "indices have not %d bits for each element of the shape",
                              bits);
    return anm_mil_give(infer, 0, lut->dtype, rank, shape);
}

/*
 * iOS 18: lut is [groups per dimension..., 2^bits, vector]. Fills the shape that indices (or a
 * mask) of this shape decode to, a vector widening one dimension.
 */
static bool decoded_shape(const anm_mil_op *op, anm_mil_infer *infer, const anm_mil_type *indices,
                          anm_dtype dtype, int64_t *shape) {
    const anm_mil_type *lut = anm_mil_type_of(op, "lut");
    int64_t axis;
    if (indices->rank < 1 || lut->rank != indices->rank + 2)
        return anm_mil_refuse(infer, "lut needs two dimensions more than indices");
    if (lut->shape[lut->rank - 2] != (int64_t)1 << anm_dtype_bits(dtype))
        return anm_mil_refuse(infer, "lut has %lld entries for %s indices",
                              (long long)lut->shape[lut->rank - 2], anm_dtype_name(dtype));
    for (int i = 0; i < indices->rank; i++) {
        shape[i] = indices->shape[i];
        if (lut->shape[i] <= 0 || (shape[i] >= 0 && shape[i] % lut->shape[i] != 0))
            return anm_mil_refuse(infer, "dimension %d does not divide into the lut's groups", i);
    }
    int64_t vector = lut->shape[lut->rank - 1];
    if (vector < 1) return anm_mil_refuse(infer, "lut has vectors of %lld", (long long)vector);
    if (!anm_mil_operand_present(anm_mil_op_operand(op, "vector_axis")))
        return vector == 1 || anm_mil_refuse(infer, "a vector lut needs vector_axis");
    if (!anm_mil_read_axis(op, infer, "vector_axis", indices->rank, &axis)) return false;
    return shape[axis] < 0 || !__builtin_mul_overflow(shape[axis], vector, &shape[axis]) ||
           anm_mil_refuse(infer, "the result is too large");
}

bool anm_mil_rule_lut_to_dense(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *indices = anm_mil_type_of(op, "indices");
    int64_t shape[ANM_MAX_RANK];
    if (anm_mil_operand_present(anm_mil_op_operand(op, "shape"))) return lut_ios16(op, infer);
    return decoded_shape(op, infer, indices, indices->dtype, shape) &&
           anm_mil_give(infer, 0, anm_mil_type_of(op, "lut")->dtype, indices->rank, shape);
}

/* A scale (and offset) for each block of a tensor of this shape and element type. */
static bool check_blocks(const anm_mil_op *op, anm_mil_infer *infer, const anm_mil_type *shape,
                         anm_dtype dtype) {
    const anm_mil_type *scale = anm_mil_type_of(op, "scale");
    const anm_mil_type *offset = anm_mil_type_of(op, "offset");
    if (shape->rank < 1 || scale->rank != shape->rank)
        return anm_mil_refuse(infer, "data and scale differ in rank");
    bool same = !offset || offset->rank == scale->rank;
    for (int i = 0; i < shape->rank; i++) {
        if (scale->shape[i] <= 0 || (shape->shape[i] >= 0 && shape->shape[i] % scale->shape[i]))
            return anm_mil_refuse(infer, "dimension %d does not divide into blocks", i);
        same = same && (!offset || offset->shape[i] == scale->shape[i]);
    }
    if (!same) return anm_mil_refuse(infer, "scale and offset differ in shape");
    if (!offset || offset->dtype == dtype || anm_dtype_is_float(offset->dtype)) return true;
    return anm_mil_refuse(infer, "offset is %s, the data %s", anm_dtype_name(offset->dtype),
                          anm_dtype_name(dtype));
}

bool anm_mil_rule_blockwise(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "data");
    return check_blocks(op, infer, data, data->dtype) &&
           anm_mil_give(infer, 0, anm_mil_type_of(op, "scale")->dtype, data->rank, data->shape);
}

/* One number for all, or one for each entry of the axis. */
static bool fits_axis(const anm_mil_op *op, anm_mil_infer *infer, const char *name,
                      int64_t entries) {
    const anm_mil_type *t = anm_mil_type_of(op, name);
    if (t->rank == 0 || (t->rank == 1 && t->shape[0] == 1)) return true;
    return (t->rank == 1 && anm_mil_same_dim(t->shape[0], entries)) ||
           anm_mil_refuse(infer, "%s has not one number for each of %lld", name,
                          (long long)entries);
}

bool anm_mil_rule_affine(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "quantized_data");
    int64_t axis;
    if (data->rank < 1) return anm_mil_refuse(infer, "quantized_data needs rank 1 or more");
    return anm_mil_read_axis(op, infer, "axis", data->rank, &axis) &&
           fits_axis(op, infer, "scale", data->shape[axis]) &&
           fits_axis(op, infer, "zero_point", data->shape[axis]) &&
           anm_mil_give(infer, 0, anm_mil_type_of(op, "scale")->dtype, data->rank, data->shape);
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
    int64_t shape[ANM_MAX_RANK], count = ANM_DIM_UNKNOWN;
    if (data->rank != 1) return anm_mil_refuse(infer, "indices_nonzero_data needs rank 1");
    if (!decoded_shape(op, infer, mask, data->dtype, shape)) return false;
    if (data->shape[0] >= 0 &&
        __builtin_mul_overflow(data->shape[0], lut->shape[lut->rank - 1], &count))
        return anm_mil_refuse(infer, "the result is too large");
    return anm_mil_give(infer, 0, mask->dtype, mask->rank, shape) &&
           anm_mil_give(infer, 1, lut->dtype, 1, &count);
}

bool anm_mil_rule_sparse_blockwise(const anm_mil_op *op, anm_mil_infer *infer) {
    const anm_mil_type *data = anm_mil_type_of(op, "nonzero_data");
    const anm_mil_type *mask = anm_mil_type_of(op, "data_mask");
    if (data->rank != 1) return anm_mil_refuse(infer, "nonzero_data needs rank 1");
    return check_blocks(op, infer, mask, data->dtype) &&
           anm_mil_give(infer, 0, mask->dtype, mask->rank, mask->shape) &&
           anm_mil_give(infer, 1, anm_mil_type_of(op, "scale")->dtype, 1, data->shape);
}
