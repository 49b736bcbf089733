/* SPDX-License-Identifier: MIT */
/* Rows of the op table: slices, gathers and scatters. */
#include "src/mil/optable.h"

#define SLICE_OPTIONS                                                                              \
    OPT_INT("stride", CONST_INTS, 1), OPT_INT("begin_mask", CONST_BOOLS, 0),                       \
        OPT_INT("end_mask", CONST_BOOLS, 0), OPT_INT("squeeze_mask", CONST_BOOLS, 0)

ARGS(gather) = {REQ("x", TENSOR), REQ("indices", ANM_ARG_INT), OPT_INT("axis", CONST_INT, 0),
                OPT_INT("batch_dims", CONST_INT, 0), OPT_BOOL("validate_indices", 0)};
ARGS(slice_by_index) = {REQ("x", TENSOR), REQ("begin", ANM_ARG_INT), REQ("end", ANM_ARG_INT),
                        SLICE_OPTIONS};
ARGS(slice_update) = {REQ("x", TENSOR), REQ("update", TENSOR), REQ("begin", ANM_ARG_INT),
                      REQ("end", ANM_ARG_INT), SLICE_OPTIONS};

const anm_mil_op_spec anm_mil_ops_index[] = {
    ROW("gather", 15, 1, 0, gather, gather, "entries of x at indices along an axis"),
    ROW("slice_by_index", 15, 1, 0, slice_by_index, slice_by_index, "x[begin:end:stride]"),
    ROW("slice_update", 18, 1, 0, slice_update, slice_update, "x with a slice replaced"),
    END,
};
