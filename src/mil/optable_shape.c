/* SPDX-License-Identifier: MIT */
/* Rows of the op table: ops that rearrange, join, divide or make tensors. */
#include "src/mil/optable.h"

ARGS(any) = {REQ("x", TENSOR)};
ARGS(concat) = {REQ("values", TENSOR | ANM_ARG_VARIADIC), REQ("axis", CONST_INT),
                OPT_BOOL("interleave", 0)};
ARGS(expand_dims) = {REQ("x", TENSOR), REQ("axes", ANM_ARG_INT)};
ARGS(range_1d) = {REQ("end", ANM_ARG_NUMBER | ANM_ARG_SCALAR),
                  REQ("start", ANM_ARG_NUMBER | ANM_ARG_SCALAR),
                  REQ("step", ANM_ARG_NUMBER | ANM_ARG_SCALAR)};
ARGS(reshape) = {REQ("x", TENSOR), REQ("shape", ANM_ARG_INT)};
ARGS(split) = {REQ("x", TENSOR), OPT("num_splits", CONST_INT), OPT("split_sizes", CONST_INTS),
               REQ("axis", CONST_INT)};
ARGS(squeeze) = {REQ("x", TENSOR), OPT("axes", CONST_INTS)};
ARGS(stack) = {REQ("values", TENSOR | ANM_ARG_VARIADIC), REQ("axis", CONST_INT)};
ARGS(tile) = {REQ("x", TENSOR), REQ("reps", ANM_ARG_INT)};
ARGS(transpose) = {REQ("x", TENSOR), REQ("perm", CONST_INTS)};

const anm_mil_op_spec anm_mil_ops_shape[] = {
    ROW("concat", 15, 1, 0, concat, concat, "values joined along an axis"),
    ROW("expand_dims", 15, 1, 0, expand_dims, expand_dims, "dimensions of size 1 inserted"),
    ROW("range_1d", 15, 1, 0, range_1d, range_1d, "start, start + step, ... below end"),
    ROW("reshape", 15, 1, 0, reshape, reshape, "the same elements in another shape"),
    ROW("shape", 15, 1, 0, any, shape, "the dimensions of x"),
    ROW("split", 15, -1, 0, split, split, "x in parts along an axis"),
    ROW("squeeze", 15, 1, 0, squeeze, squeeze, "dimensions of size 1 removed"),
    ROW("stack", 15, 1, 0, stack, stack, "values joined along a new axis"),
    ROW("tile", 15, 1, 0, tile, tile, "x repeated along each dimension"),
    ROW("transpose", 15, 1, 0, transpose, transpose, "dimensions in another order"),
    END,
};
