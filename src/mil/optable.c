/* SPDX-License-Identifier: MIT */
/* The op table: one row per op, sorted by name. Arguments first, then the rows. */
#include <string.h>

#include "src/mil/rules.h"

#define ARGS(name) static const anm_mil_arg_spec name##_args[]
#define REQ(name, accepts) {name, (accepts), ANM_DEFAULT_NONE, 0, NULL}
#define OPT(name, accepts) {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_NONE, 0, NULL}
#define OPT_INT(name, accepts, value)                                                              \
    {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_INT, (value), NULL}
#define OPT_FLOAT(name, accepts, value)                                                            \
    {name, (accepts) | ANM_ARG_OPTIONAL, ANM_DEFAULT_FLOAT, (value), NULL}
#define OPT_BOOL(name, value)                                                                      \
    {name, ANM_ARG_BOOL | ANM_ARG_CONST | ANM_ARG_OPTIONAL, ANM_DEFAULT_BOOL, (value), NULL}
#define OPT_STRING(name, value)                                                                    \
    {name, ANM_ARG_STRING | ANM_ARG_CONST | ANM_ARG_OPTIONAL, ANM_DEFAULT_STRING, 0, (value)}

#define CONST_INTS (ANM_ARG_INT | ANM_ARG_CONST | ANM_ARG_VECTOR)
#define CONST_INT (ANM_ARG_INT | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define CONST_BOOLS (ANM_ARG_BOOL | ANM_ARG_CONST | ANM_ARG_VECTOR)
#define CONST_FLOAT (ANM_ARG_FLOAT | ANM_ARG_CONST | ANM_ARG_SCALAR)
#define TENSOR (ANM_ARG_NUMBER | ANM_ARG_BOOL)
#define COMPRESSED (ANM_ARG_INT8 | ANM_ARG_UINT8 | ANM_ARG_SUBBYTE | ANM_ARG_FLOAT | ANM_ARG_WIDE)

ARGS(binary) = {REQ("x", ANM_ARG_NUMBER), REQ("y", ANM_ARG_NUMBER)};
ARGS(unary) = {REQ("x", ANM_ARG_FLOAT)};
ARGS(any) = {REQ("x", ANM_ARG_ANY & ~(ANM_ARG_STATE | ANM_ARG_LIST))};
ARGS(cast) = {REQ("x", TENSOR), REQ("dtype", ANM_ARG_STRING | ANM_ARG_CONST)};
ARGS(gelu) = {REQ("x", ANM_ARG_FLOAT), OPT_STRING("mode", "EXACT")};
ARGS(alpha) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("alpha", CONST_FLOAT, 1)};
ARGS(leaky) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("alpha", CONST_FLOAT, 0.01)};
ARGS(hard) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("alpha", CONST_FLOAT, 0.2),
              OPT_FLOAT("beta", CONST_FLOAT, 0.5)};
ARGS(softmax) = {REQ("x", ANM_ARG_FLOAT), OPT_INT("axis", CONST_INT, -1)};
ARGS(select) = {REQ("cond", ANM_ARG_BOOL), REQ("a", TENSOR), REQ("b", TENSOR)};
ARGS(reduce) = {REQ("x", ANM_ARG_NUMBER), OPT("axes", CONST_INTS), OPT_BOOL("keep_dims", 0)};
ARGS(concat) = {REQ("values", TENSOR | ANM_ARG_VARIADIC), REQ("axis", CONST_INT),
                OPT_BOOL("interleave", 0)};
ARGS(reshape) = {REQ("x", TENSOR), REQ("shape", ANM_ARG_INT)};
ARGS(transpose) = {REQ("x", TENSOR), REQ("perm", CONST_INTS)};
ARGS(expand_dims) = {REQ("x", TENSOR), REQ("axes", ANM_ARG_INT)};
ARGS(squeeze) = {REQ("x", TENSOR), OPT("axes", CONST_INTS)};
ARGS(tile) = {REQ("x", TENSOR), REQ("reps", ANM_ARG_INT)};
ARGS(range_1d) = {REQ("end", ANM_ARG_NUMBER), REQ("start", ANM_ARG_NUMBER),
                  REQ("step", ANM_ARG_NUMBER)};
ARGS(slice) = {REQ("x", TENSOR), REQ("begin", ANM_ARG_INT), REQ("end", ANM_ARG_INT),
               OPT_INT("stride", CONST_INTS, 1), OPT_INT("begin_mask", CONST_BOOLS, 0),
               OPT_INT("end_mask", CONST_BOOLS, 0), OPT_INT("squeeze_mask", CONST_BOOLS, 0)};
ARGS(slice_update) = {REQ("x", TENSOR), REQ("update", TENSOR), REQ("begin", ANM_ARG_INT),
                      REQ("end", ANM_ARG_INT), OPT_INT("stride", CONST_INTS, 1),
                      OPT_INT("begin_mask", CONST_BOOLS, 0), OPT_INT("end_mask", CONST_BOOLS, 0),
                      OPT_INT("squeeze_mask", CONST_BOOLS, 0)};
ARGS(gather) = {REQ("x", TENSOR), REQ("indices", ANM_ARG_INT), OPT_INT("axis", CONST_INT, 0),
                OPT_INT("batch_dims", CONST_INT, 0), OPT_BOOL("validate_indices", 0)};
ARGS(conv) = {REQ("x", ANM_ARG_FLOAT), REQ("weight", ANM_ARG_FLOAT), OPT("bias", ANM_ARG_FLOAT),
              OPT_INT("strides", CONST_INTS, 1), OPT_STRING("pad_type", "valid"),
              OPT_INT("pad", CONST_INTS, 0), OPT_INT("dilations", CONST_INTS, 1),
              OPT_INT("groups", CONST_INT, 1)};
ARGS(linear) = {REQ("x", ANM_ARG_FLOAT), REQ("weight", ANM_ARG_FLOAT), OPT("bias", ANM_ARG_FLOAT)};
ARGS(matmul) = {REQ("x", ANM_ARG_NUMBER), REQ("y", ANM_ARG_NUMBER), OPT_BOOL("transpose_x", 0),
                OPT_BOOL("transpose_y", 0)};
ARGS(layer_norm) = {REQ("x", ANM_ARG_FLOAT), OPT("axes", CONST_INTS), OPT("gamma", ANM_ARG_FLOAT),
                    OPT("beta", ANM_ARG_FLOAT), OPT_FLOAT("epsilon", CONST_FLOAT, 1e-5)};
ARGS(avg_pool) = {REQ("x", ANM_ARG_FLOAT), REQ("kernel_sizes", CONST_INTS),
                  OPT_INT("strides", CONST_INTS, 1), OPT_STRING("pad_type", "valid"),
                  OPT_INT("pad", CONST_INTS, 0), OPT_BOOL("exclude_padding_from_average", 0),
                  OPT_BOOL("ceil_mode", 0)};
ARGS(max_pool) = {REQ("x", ANM_ARG_FLOAT), REQ("kernel_sizes", CONST_INTS),
                  OPT_INT("strides", CONST_INTS, 1), OPT_STRING("pad_type", "valid"),
                  OPT_INT("pad", CONST_INTS, 0), OPT_BOOL("ceil_mode", 0)};
ARGS(read_state) = {REQ("input", ANM_ARG_STATE)};
ARGS(write_state) = {REQ("input", ANM_ARG_STATE), REQ("data", TENSOR)};
ARGS(lut_to_dense) = {REQ("indices", ANM_ARG_UINT8 | ANM_ARG_SUBBYTE | ANM_ARG_CONST),
                      REQ("lut", ANM_ARG_ANY | ANM_ARG_CONST),
                      OPT("shape", ANM_ARG_INT | ANM_ARG_WIDE | ANM_ARG_CONST),
                      OPT("vector_axis", CONST_INT)};
ARGS(blockwise) = {REQ("data", COMPRESSED | ANM_ARG_CONST),
                   REQ("scale", ANM_ARG_FLOAT | ANM_ARG_CONST),
                   OPT("offset", COMPRESSED | ANM_ARG_CONST)};
ARGS(affine) = {REQ("quantized_data", ANM_ARG_INT8 | ANM_ARG_UINT8 | ANM_ARG_CONST),
                REQ("zero_point", ANM_ARG_INT8 | ANM_ARG_UINT8 | ANM_ARG_CONST),
                REQ("scale", ANM_ARG_FLOAT | ANM_ARG_CONST), REQ("axis", CONST_INT)};

#define ROW(name, opset, outputs, flags, arg_list, rule, doc)                                      \
    {name, opset, outputs, flags, arg_list##_args, sizeof arg_list##_args / sizeof(anm_mil_arg_spec),  \
     rule, doc}
#define ROW0(name, opset, outputs, flags, rule, doc)                                               \
    {name, opset, outputs, flags, NULL, 0, rule, doc}

static const anm_mil_op_spec table[] = {
    ROW("add", 15, 1, 0, binary, anm_mil_rule_binary, "x + y, broadcast"),
    ROW("avg_pool", 15, 1, 0, avg_pool, anm_mil_rule_pool, "mean over windows"),
    ROW("cast", 15, 1, 0, cast, anm_mil_rule_cast, "x in another element type"),
    ROW("concat", 15, 1, 0, concat, anm_mil_rule_concat, "values joined along an axis"),
    ROW0("const", 15, 1, ANM_OP_CONSTEXPR, anm_mil_rule_const, "the attribute val"),
    ROW("constexpr_affine_dequantize", 16, 1, ANM_OP_CONSTEXPR, affine, anm_mil_rule_affine, "(quantized_data - zero_point) * scale"),
    ROW("constexpr_blockwise_shift_scale", 18, 1, ANM_OP_CONSTEXPR, blockwise, anm_mil_rule_blockwise, "(data - offset) * scale per block"),
    ROW("constexpr_lut_to_dense", 16, 1, ANM_OP_CONSTEXPR, lut_to_dense, anm_mil_rule_lut_to_dense, "lut[indices]"),
    ROW("conv", 15, 1, 0, conv, anm_mil_rule_conv, "convolution over 1 to 3 dimensions"),
    ROW("exp", 15, 1, 0, unary, anm_mil_rule_same, "e to the power x"),
    ROW("expand_dims", 15, 1, 0, expand_dims, anm_mil_rule_expand_dims, "dimensions of size 1 inserted"),
    ROW("gather", 15, 1, 0, gather, anm_mil_rule_gather, "entries of x at indices along an axis"),
    ROW("gelu", 15, 1, 0, gelu, anm_mil_rule_same, "x times the normal distribution function"),
    ROW("greater_equal", 15, 1, 0, binary, anm_mil_rule_compare, "x >= y, broadcast"),
    ROW("identity", 15, 1, 0, any, anm_mil_rule_same, "x"),
    ROW("layer_norm", 15, 1, 0, layer_norm, anm_mil_rule_same, "mean 0, variance 1 over axes, then gamma and beta"),
    ROW("leaky_relu", 15, 1, 0, leaky, anm_mil_rule_same, "x, or alpha * x where negative"),
    ROW("linear", 15, 1, 0, linear, anm_mil_rule_linear, "x times the transposed weight, plus bias"),
    ROW("matmul", 15, 1, 0, matmul, anm_mil_rule_matmul, "matrix product, batch dimensions broadcast"),
    ROW("max_pool", 15, 1, 0, max_pool, anm_mil_rule_pool, "largest over windows"),
    ROW("mul", 15, 1, 0, binary, anm_mil_rule_binary, "x * y, broadcast"),
    ROW("range_1d", 15, 1, 0, range_1d, anm_mil_rule_range_1d, "start, start + step, ... below end"),
    ROW("read_state", 18, 1, ANM_OP_STATEFUL, read_state, anm_mil_rule_read_state, "the content of a state"),
    ROW("real_div", 15, 1, 0, binary, anm_mil_rule_binary, "x / y, broadcast"),
    ROW("reduce_max", 15, 1, 0, reduce, anm_mil_rule_reduce, "largest over axes"),
    ROW("reduce_mean", 15, 1, 0, reduce, anm_mil_rule_reduce, "mean over axes"),
    ROW("reduce_sum", 15, 1, 0, reduce, anm_mil_rule_reduce, "sum over axes"),
    ROW("relu", 15, 1, 0, unary, anm_mil_rule_same, "x, or 0 where negative"),
    ROW("relu6", 15, 1, 0, unary, anm_mil_rule_same, "x between 0 and 6"),
    ROW("reshape", 15, 1, 0, reshape, anm_mil_rule_reshape, "the same elements in another shape"),
    ROW("select", 15, 1, 0, select, anm_mil_rule_select, "a where cond, else b"),
    ROW("shape", 15, 1, 0, any, anm_mil_rule_shape, "the dimensions of x"),
    ROW("sigmoid", 15, 1, 0, unary, anm_mil_rule_same, "1 / (1 + exp(-x))"),
    ROW("sigmoid_hard", 15, 1, 0, hard, anm_mil_rule_same, "alpha * x + beta between 0 and 1"),
    ROW("silu", 15, 1, 0, unary, anm_mil_rule_same, "x * sigmoid(x)"),
    ROW("slice_by_index", 15, 1, 0, slice, anm_mil_rule_slice_by_index, "x[begin:end:stride]"),
    ROW("slice_update", 18, 1, 0, slice_update, anm_mil_rule_slice_update, "x with a slice replaced"),
    ROW("softmax", 15, 1, 0, softmax, anm_mil_rule_same, "exp(x) over its sum along an axis"),
    ROW("squeeze", 15, 1, 0, squeeze, anm_mil_rule_squeeze, "dimensions of size 1 removed"),
    ROW("sub", 15, 1, 0, binary, anm_mil_rule_binary, "x - y, broadcast"),
    ROW("tanh", 15, 1, 0, unary, anm_mil_rule_same, "hyperbolic tangent"),
    ROW("thresholded_relu", 15, 1, 0, alpha, anm_mil_rule_same, "x where at least alpha, else 0"),
    ROW("tile", 15, 1, 0, tile, anm_mil_rule_tile, "x repeated along each dimension"),
    ROW("transpose", 15, 1, 0, transpose, anm_mil_rule_transpose, "dimensions in another order"),
    ROW("write_state", 18, 0, ANM_OP_STATEFUL, write_state, anm_mil_rule_write_state, "stores into a state"),
};
enum { COUNT = sizeof table / sizeof table[0] };

const anm_mil_op_spec *anm_mil_op_spec_at(size_t index) {
    return index < COUNT ? &table[index] : NULL;
}

const anm_mil_op_spec *anm_mil_op_spec_find(const char *name) {
    size_t low = 0, high = COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, table[middle].name);
        if (order == 0) return &table[middle];
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}
