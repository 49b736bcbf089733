/* SPDX-License-Identifier: MIT */
/* Rows of the op table: ops that rearrange, join, divide or make tensors. */
#include "src/mil/optable.h"

ARGS(any) = {REQ("x", TENSOR)};
ARGS(band_part) = {REQ("x", TENSOR), OPT_INT("lower", CONST_INT, -1),
                   OPT_INT("upper", CONST_INT, -1)};
ARGS(concat) = {REQ("values", TENSOR | ANM_ARG_VARIADIC), REQ("axis", CONST_INT),
                OPT_BOOL("interleave", 0)};
ARGS(cumsum) = {REQ("x", ANM_ARG_NUMBER), OPT_INT("axis", CONST_INT, 0), OPT_BOOL("exclusive", 0),
                OPT_BOOL("reverse", 0)};
ARGS(expand_dims) = {REQ("x", TENSOR), REQ("axes", ANM_ARG_INT)};
ARGS(fill) = {REQ("shape", ANM_ARG_INT | ANM_ARG_VECTOR),
              OPT_FLOAT("value", CONST_NUMBER | ANM_ARG_BOOL, 0)};
ARGS(fill_like) = {REQ("ref_tensor", TENSOR), OPT_FLOAT("value", CONST_NUMBER | ANM_ARG_BOOL, 0)};
ARGS(flatten2d) = {REQ("x", TENSOR), OPT_INT("axis", CONST_INT, 1)};
ARGS(one_hot) = {REQ("indices", ANM_ARG_INT),
                 REQ("one_hot_vector_size", ANM_ARG_INT | ANM_ARG_SCALAR),
                 OPT_INT("axis", CONST_INT, -1),
                 OPT_INT("on_value", CONST_NUMBER | ANM_ARG_BOOL, 1),
                 OPT_INT("off_value", CONST_NUMBER | ANM_ARG_BOOL, 0)};
ARGS(random_bernoulli) = {REQ("shape", ANM_ARG_INT | ANM_ARG_VECTOR),
                          OPT_FLOAT("prob", CONST_FLOAT, 0.5), OPT_INT("seed", CONST_INT, -1)};
ARGS(random_categorical) = {REQ("x", ANM_ARG_FLOAT), OPT_STRING("mode", "logits"),
                            OPT_INT("size", CONST_INT, 1), OPT_INT("seed", CONST_INT, -1)};
ARGS(random_normal) = {REQ("shape", ANM_ARG_INT | ANM_ARG_VECTOR),
                       OPT_FLOAT("mean", CONST_FLOAT, 0), OPT_FLOAT("stddev", CONST_FLOAT, 1),
                       OPT_INT("seed", CONST_INT, -1)};
ARGS(random_uniform) = {REQ("shape", ANM_ARG_INT | ANM_ARG_VECTOR),
                        OPT_FLOAT("low", CONST_FLOAT, 0), OPT_FLOAT("high", CONST_FLOAT, 1),
                        OPT_INT("seed", CONST_INT, -1)};
ARGS(range_1d) = {REQ("end", ANM_ARG_NUMBER | ANM_ARG_SCALAR),
                  REQ("start", ANM_ARG_NUMBER | ANM_ARG_SCALAR),
                  REQ("step", ANM_ARG_NUMBER | ANM_ARG_SCALAR)};
ARGS(reshape) = {REQ("x", TENSOR), REQ("shape", ANM_ARG_INT)};
ARGS(reshape_like) = {REQ("x", TENSOR), REQ("ref_tensors", TENSOR | ANM_ARG_VARIADIC),
                      REQ("begins", CONST_INT | ANM_ARG_VARIADIC),
                      REQ("ends", CONST_INT | ANM_ARG_VARIADIC),
                      REQ("end_masks", CONST_BOOL | ANM_ARG_VARIADIC)};
ARGS(reverse) = {REQ("x", TENSOR), OPT("axes", CONST_INTS)};
ARGS(reverse_sequence) = {REQ("x", TENSOR), REQ("lengths", ANM_ARG_INT | ANM_ARG_VECTOR),
                          OPT_INT("seq_axis", CONST_INT, 0), OPT_INT("batch_axis", CONST_INT, 0)};
ARGS(sliding_windows) = {REQ("x", TENSOR), REQ("axis", CONST_INT), REQ("size", CONST_INT),
                         OPT_INT("stride", CONST_INT, 1)};
ARGS(split) = {REQ("x", TENSOR), OPT("num_splits", CONST_INT), OPT("split_sizes", CONST_INTS),
               REQ("axis", CONST_INT)};
ARGS(squeeze) = {REQ("x", TENSOR), OPT("axes", CONST_INTS)};
ARGS(stack) = {REQ("values", TENSOR | ANM_ARG_VARIADIC), REQ("axis", CONST_INT)};
ARGS(tile) = {REQ("x", TENSOR), REQ("reps", ANM_ARG_INT)};
ARGS(transpose) = {REQ("x", TENSOR), REQ("perm", CONST_INTS)};

const anm_mil_op_spec anm_mil_ops_shape[] = {
    ROW("band_part", 15, 1, 0, band_part, same,
        "x within lower and upper diagonals of the middle one, else 0"),
    ROW("concat", 15, 1, 0, concat, concat, "values joined along an axis"),
    ROW("cumsum", 15, 1, 0, cumsum, along_axis, "sum of all up to here along an axis"),
    ROW("expand_dims", 15, 1, 0, expand_dims, expand_dims, "dimensions of size 1 inserted"),
    ROW("fill", 15, 1, 0, fill, fill, "a tensor of one value"),
    ROW("fill_like", 16, 1, 0, fill_like, fill_like, "a tensor of one value, as large as another"),
    ROW("flatten2d", 15, 1, 0, flatten2d, flatten2d,
        "the dimensions before an axis joined, and those from it on"),
    ROW("non_zero", 15, 1, 0, any, non_zero, "the indices of elements that are not 0"),
    ROW("one_hot", 15, 1, 0, one_hot, one_hot, "on_value at indices along a new axis"),
    ROW("random_bernoulli", 15, 1, ANM_OP_STATEFUL, random_bernoulli, random,
        "1 with probability prob, else 0"),
    ROW("random_categorical", 15, 1, ANM_OP_STATEFUL, random_categorical, random_categorical,
        "classes drawn by their logits or probabilities"),
    ROW("random_normal", 15, 1, ANM_OP_STATEFUL, random_normal, random,
        "numbers of a normal distribution"),
    ROW("random_uniform", 15, 1, ANM_OP_STATEFUL, random_uniform, random,
        "numbers evenly between low and high"),
    ROW("range_1d", 15, 1, 0, range_1d, range_1d, "start, start + step, ... below end"),
    ROW("reshape", 15, 1, 0, reshape, reshape, "the same elements in another shape"),
    ROW("reshape_like", 16, 1, 0, reshape_like, reshape_like,
        "the same elements in a shape put together from other tensors'"),
    ROW("reverse", 15, 1, 0, reverse, reverse, "x backwards along axes"),
    ROW("reverse_sequence", 15, 1, 0, reverse_sequence, reverse_sequence,
        "the first lengths[batch] entries backwards along an axis"),
    ROW("shape", 15, 1, 0, any, shape, "the dimensions of x"),
    ROW("sliding_windows", 15, 1, 0, sliding_windows, sliding_windows,
        "overlapping stretches of an axis"),
    ROW("split", 15, -1, 0, split, split, "x in parts along an axis"),
    ROW("squeeze", 15, 1, 0, squeeze, squeeze, "dimensions of size 1 removed"),
    ROW("stack", 15, 1, 0, stack, stack, "values joined along a new axis"),
    ROW("tile", 15, 1, 0, tile, tile, "x repeated along each dimension"),
    ROW("transpose", 15, 1, 0, transpose, transpose, "dimensions in another order"),
    END,
};
