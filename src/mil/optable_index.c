/* SPDX-License-Identifier: MIT */
/* Rows of the op table: slices, gathers and scatters. */
#include "src/mil/optable.h"

#define SLICE_OPTIONS                                                                              \
    OPT_INT("stride", CONST_INTS, 1), OPT_INT("begin_mask", CONST_BOOLS, 0),                       \
        OPT_INT("end_mask", CONST_BOOLS, 0), OPT_INT("squeeze_mask", CONST_BOOLS, 0)

ARGS(gather) = {REQ("x", TENSOR), REQ("indices", ANM_ARG_INT), OPT_INT("axis", CONST_INT, 0),
                OPT_INT("batch_dims", CONST_INT, 0), OPT_BOOL("validate_indices", 0)};
ARGS(gather_along_axis) = {REQ("x", TENSOR), REQ("indices", ANM_ARG_INT),
                           OPT_INT("axis", CONST_INT, 0), OPT_BOOL("validate_indices", 0)};
ARGS(gather_nd) = {REQ("x", TENSOR), REQ("indices", ANM_ARG_INT),
                   OPT_INT("batch_dims", CONST_INT, 0), OPT_BOOL("validate_indices", 0)};
ARGS(scatter) = {REQ("data", TENSOR),
                 REQ("indices", ANM_ARG_INT),
                 REQ("updates", TENSOR),
                 OPT_INT("axis", CONST_INT, 0),
                 OPT_STRING("mode", "add"),
                 OPT_BOOL("validate_indices", 0)};
ARGS(scatter_nd) = {REQ("data", TENSOR), REQ("indices", ANM_ARG_INT), REQ("updates", TENSOR),
                    OPT_STRING("mode", "add"), OPT_BOOL("validate_indices", 0)};
ARGS(slice_by_index) = {REQ("x", TENSOR), REQ("begin", ANM_ARG_INT), REQ("end", ANM_ARG_INT),
                        SLICE_OPTIONS};
ARGS(slice_by_size) = {REQ("x", TENSOR), REQ("begin", ANM_ARG_INT | ANM_ARG_VECTOR),
                       REQ("size", ANM_ARG_INT | ANM_ARG_VECTOR)};
ARGS(slice_update) = {REQ("x", TENSOR), REQ("update", TENSOR), REQ("begin", ANM_ARG_INT),
                      REQ("end", ANM_ARG_INT), SLICE_OPTIONS};

const anm_mil_op_spec anm_mil_ops_index[] = {
    ROW("gather", 15, 1, 0, gather, gather, "entries of x at indices along an axis"),
    ROW("gather_along_axis", 15, 1, 0, gather_along_axis, gather_along_axis,
        "along an axis, the entry of x that indices has there"),
    ROW("gather_nd", 15, 1, 0, gather_nd, gather_nd, "parts of x at indices of several dimensions"),
    ROW("scatter", 15, 1, 0, scatter, scatter, "data with updates at indices along an axis"),
    ROW("scatter_along_axis", 15, 1, 0, scatter, scatter_along_axis,
        "data with each update at the place along an axis that indices has there"),
    ROW("scatter_nd", 15, 1, 0, scatter_nd, scatter_nd,
        "data with updates at indices of several dimensions"),
    ROW("slice_by_index", 15, 1, 0, slice_by_index, slice_by_index, "x[begin:end:stride]"),
    ROW("slice_by_size", 15, 1, 0, slice_by_size, slice_by_size, "x[begin : begin + size]"),
    ROW("slice_update", 18, 1, 0, slice_update, slice_update, "x with a slice replaced"),
    END,
};
