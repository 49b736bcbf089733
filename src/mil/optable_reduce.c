/* SPDX-License-Identifier: MIT */
/* Rows of the op table: reductions and sorting. */
#include "src/mil/optable.h"

ARGS(reduce) = {REQ("x", ANM_ARG_NUMBER), OPT("axes", CONST_INTS), OPT_BOOL("keep_dims", 0)};
ARGS(reduce_arg) = {REQ("x", ANM_ARG_NUMBER), OPT_INT("axis", CONST_INT, -1),
                    OPT_BOOL("keep_dims", 0), OPT_STRING("output_dtype", "int32")};
ARGS(argsort) = {REQ("x", ANM_ARG_NUMBER), OPT_INT("axis", CONST_INT, -1),
                 OPT_BOOL("ascending", 0)};
ARGS(topk) = {REQ("x", ANM_ARG_NUMBER),
              OPT_INT("k", CONST_INT, 1),
              OPT_INT("axis", CONST_INT, -1),
              OPT_BOOL("ascending", 0),
              OPT_BOOL("sort", 1),
              OPT_BOOL("return_indices", 1),
              OPT_STRING("output_indices_dtype", "int32")};

const anm_mil_op_spec anm_mil_ops_reduce[] = {
    ROW("argsort", 15, 1, 0, argsort, argsort, "the order that sorts x along an axis"),
    ROW("reduce_argmax", 15, 1, 0, reduce_arg, reduce_arg, "where x is largest along an axis"),
    ROW("reduce_argmin", 15, 1, 0, reduce_arg, reduce_arg, "where x is smallest along an axis"),
    ROW("reduce_l1_norm", 15, 1, 0, reduce, reduce, "sum of |x| over axes"),
    ROW("reduce_l2_norm", 15, 1, 0, reduce, reduce, "square root of the sum of squares over axes"),
    ROW("reduce_log_sum", 15, 1, 0, reduce, reduce, "logarithm of the sum over axes"),
    ROW("reduce_log_sum_exp", 15, 1, 0, reduce, reduce, "logarithm of the sum of exp(x) over axes"),
    ROW("reduce_max", 15, 1, 0, reduce, reduce, "largest over axes"),
    ROW("reduce_mean", 15, 1, 0, reduce, reduce, "mean over axes"),
    ROW("reduce_min", 15, 1, 0, reduce, reduce, "smallest over axes"),
    ROW("reduce_prod", 15, 1, 0, reduce, reduce, "product over axes"),
    ROW("reduce_sum", 15, 1, 0, reduce, reduce, "sum over axes"),
    ROW("reduce_sum_square", 15, 1, 0, reduce, reduce, "sum of squares over axes"),
    ROW("topk", 15, -1, 0, topk, topk, "the k largest along an axis, and where they are"),
    END,
};
