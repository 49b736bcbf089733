/* SPDX-License-Identifier: MIT */
/* Rows of the op table: arithmetic on elements, comparisons, conversion. */
#include "src/mil/optable.h"

ARGS(unary) = {REQ("x", ANM_ARG_FLOAT)};
ARGS(unary_number) = {REQ("x", ANM_ARG_NUMBER)};
ARGS(unary_bool) = {REQ("x", ANM_ARG_BOOL)};
ARGS(any) = {REQ("x", ANM_ARG_ANY & ~ANM_ARG_STATE)};
ARGS(binary) = {REQ("x", ANM_ARG_NUMBER), REQ("y", ANM_ARG_NUMBER)};
ARGS(equality) = {REQ("x", TENSOR), REQ("y", TENSOR)};
ARGS(logical) = {REQ("x", ANM_ARG_BOOL), REQ("y", ANM_ARG_BOOL)};
ARGS(cast) = {REQ("x", TENSOR), REQ("dtype", CONST_STRING)};
ARGS(clip) = {REQ("x", ANM_ARG_FLOAT), REQ("alpha", CONST_FLOAT), REQ("beta", CONST_FLOAT)};
ARGS(inverse) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("epsilon", CONST_FLOAT, 1e-4)};
ARGS(log) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("epsilon", CONST_FLOAT, 1e-45)};
ARGS(rsqrt) = {REQ("x", ANM_ARG_FLOAT), OPT_FLOAT("epsilon", CONST_FLOAT, 1e-12)};
ARGS(select) = {REQ("cond", ANM_ARG_BOOL), REQ("a", TENSOR), REQ("b", TENSOR)};
ARGS(threshold) = {REQ("x", ANM_ARG_NUMBER), REQ("alpha", CONST_NUMBER)};

const anm_mil_op_spec anm_mil_ops_elementwise[] = {
    ROW("abs", 15, 1, 0, unary_number, same, "x without its sign"),
    ROW("acos", 15, 1, 0, unary, same, "arc cosine"),
    ROW("acosh", 15, 1, 0, unary, same, "inverse hyperbolic cosine"),
    ROW("add", 15, 1, 0, binary, binary, "x + y, broadcast"),
    ROW("asin", 15, 1, 0, unary, same, "arc sine"),
    ROW("asinh", 15, 1, 0, unary, same, "inverse hyperbolic sine"),
    ROW("atan", 15, 1, 0, unary, same, "arc tangent"),
    ROW("atanh", 15, 1, 0, unary, same, "inverse hyperbolic tangent"),
    ROW("cast", 15, 1, 0, cast, cast, "x in another element type"),
    ROW("ceil", 15, 1, 0, unary, same, "x rounded up"),
    ROW("clip", 15, 1, 0, clip, same, "x between alpha and beta"),
    ROW_WITHOUT_ARGS("const", 15, 1, ANM_OP_CONSTEXPR, const, "the attribute val"),
    ROW("cos", 15, 1, 0, unary, same, "cosine"),
    ROW("cosh", 15, 1, 0, unary, same, "hyperbolic cosine"),
    ROW("equal", 15, 1, 0, equality, compare, "x == y, broadcast"),
    ROW("erf", 15, 1, 0, unary, same, "the error function"),
    ROW("exp", 15, 1, 0, unary, same, "e to the power x"),
    ROW("exp2", 15, 1, 0, unary_number, same, "2 to the power x"),
    ROW("floor", 15, 1, 0, unary, same, "x rounded down"),
    ROW("floor_div", 15, 1, 0, binary, binary, "x / y rounded down, broadcast"),
    ROW("greater", 15, 1, 0, binary, compare, "x > y, broadcast"),
    ROW("greater_equal", 15, 1, 0, binary, compare, "x >= y, broadcast"),
    ROW("identity", 15, 1, 0, any, same, "x"),
    ROW("inverse", 15, 1, 0, inverse, same, "1 / (x + epsilon)"),
    ROW("less", 15, 1, 0, binary, compare, "x < y, broadcast"),
    ROW("less_equal", 15, 1, 0, binary, compare, "x <= y, broadcast"),
    ROW("log", 15, 1, 0, log, same, "natural logarithm of x + epsilon"),
    ROW("logical_and", 15, 1, 0, logical, compare, "x and y, broadcast"),
    ROW("logical_not", 15, 1, 0, unary_bool, same, "not x"),
    ROW("logical_or", 15, 1, 0, logical, compare, "x or y, broadcast"),
    ROW("logical_xor", 15, 1, 0, logical, compare, "either x or y, broadcast"),
    ROW("maximum", 15, 1, 0, binary, binary, "the larger of x and y, broadcast"),
    ROW("minimum", 15, 1, 0, binary, binary, "the smaller of x and y, broadcast"),
    ROW("mod", 15, 1, 0, binary, binary, "x - y * floor(x / y), broadcast"),
    ROW("mul", 15, 1, 0, binary, binary, "x * y, broadcast"),
    ROW("not_equal", 15, 1, 0, equality, compare, "x != y, broadcast"),
    ROW("pow", 15, 1, 0, binary, binary, "x to the power y, broadcast"),
    ROW("real_div", 15, 1, 0, binary, binary, "x / y, broadcast"),
    ROW("round", 15, 1, 0, unary, same, "x rounded to the nearest, half to even"),
    ROW("rsqrt", 15, 1, 0, rsqrt, same, "1 / sqrt(x + epsilon)"),
    ROW("select", 15, 1, 0, select, select, "a where cond, else b"),
    ROW("sign", 15, 1, 0, unary_number, same, "-1, 0 or 1"),
    ROW("sin", 15, 1, 0, unary, same, "sine"),
    ROW("sinh", 15, 1, 0, unary, same, "hyperbolic sine"),
    ROW("sqrt", 15, 1, 0, unary, same, "square root"),
    ROW("square", 15, 1, 0, unary_number, same, "x * x"),
    ROW("sub", 15, 1, 0, binary, binary, "x - y, broadcast"),
    ROW("tan", 15, 1, 0, unary, same, "tangent"),
    ROW("tanh", 15, 1, 0, unary, same, "hyperbolic tangent"),
    ROW("threshold", 15, 1, 0, threshold, same, "the larger of x and alpha"),
    END,
};
