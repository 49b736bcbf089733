/* SPDX-License-Identifier: MIT */
/*
 * Ops that models other than decoders are made of, of odd sizes, in all the ways that they can lie
 * in memory: the engine's steps against the interpreter's fp32 arithmetic, at every level of
 * instructions, with one and three threads, none of them left to the interpreter.
 */
#include "tests/unit/step_cases.h"

/* clang-format off: an op to a line */

static void norms(void **state) {
    static const step_case cases[] = {
        {F("3, 5, 37") " x", F("3, 5, 37") " y = layer_norm(x = x, " AXES("-1") ", epsilon = fp32(1e-5));", "y"},
        {F("3, 5, 37") " x", F("3, 5, 37") " y = layer_norm(x = x, " AXES("1") ", epsilon = fp32(1e-5), gamma = " F("5") "([1, 2, -1, 0.5, 0]), beta = " F("5") "([0, 1, 2, 3, -4]));", "y"},
        {F("2, 3, 4, 5") " x", F("2, 3, 4, 5") " y = layer_norm(x = x, axes = tensor<int32, [2]>([1, 3]), epsilon = fp32(1e-3));", "y"},
        {F("3, 7, 5") " x", F("3, 5, 7") " t = transpose(x = x, perm = " I("3") "([0, 2, 1]));\n" F("3, 5, 7") " y = layer_norm(x = t, " AXES("2") ", epsilon = fp32(1e-5));", "y"},
        {F("2, 6, 9") " x", F("2, 6, 9") " y = softmax(x = x, axis = int32(1));", "y"},
        {F("2, 6, 9") " x", F("2, 6, 9") " y = softmax(x = x, axis = int32(0));", "y"},
    };
    CHECK(cases);
}

static void reductions(void **state) {
    static const step_case cases[] = {
        {F("3, 5, 37") " x", F("3, 5") " y = reduce_mean(x = x, " AXES("-1") ", keep_dims = bool(false));", "y"},
        {F("3, 5, 37") " x", F("1, 5, 1") " y = reduce_sum(x = x, axes = tensor<int32, [2]>([0, 2]), keep_dims = bool(true));", "y"},
        {F("3, 5, 37") " x", F("3, 37") " y = reduce_max(x = x, " AXES("1") ", keep_dims = bool(false));", "y"},
        {F("3, 5, 37") " x", F("3, 5, 1") " y = reduce_min(x = x, " AXES("2") ", keep_dims = bool(true));", "y"},
        {F("3, 21") " x", F("3") " y = reduce_prod(x = x, " AXES("1") ", keep_dims = bool(false));", "y"},
        {F("3, 21") " x", F("3") " a = reduce_sum_square(x = x, " AXES("1") ", keep_dims = bool(false));\n" F("3") " y = reduce_l1_norm(x = x, " AXES("1") ", keep_dims = bool(false));\n" F("3") " z = reduce_l2_norm(x = x, " AXES("1") ", keep_dims = bool(false));\n" F("3") " l = reduce_log_sum_exp(x = x, " AXES("1") ", keep_dims = bool(false));", "a, y, z, l"},
        {F("3, 41, 3") " x", I("3, 3") " y = reduce_argmax(x = x, axis = int32(1), keep_dims = bool(false));\n" I("3, 41, 1") " z = reduce_argmin(x = x, axis = int32(-1), keep_dims = bool(true));", "y, z"},
        {F("2, 70001") " x", I("2") " y = reduce_argmax(x = x, axis = int32(1), keep_dims = bool(false));", "y"},
        {I("4, 5") " x", I("4") " y = reduce_sum(x = x, " AXES("1") ", keep_dims = bool(false));\n" I("1, 5") " z = reduce_max(x = x, " AXES("0") ", keep_dims = bool(true));", "y, z"},
    };
    CHECK(cases);
}

#define MATMUL(tx, ty) "matmul(x = x, y = y, transpose_x = bool(" tx "), transpose_y = bool(" ty "));"

static void products(void **state) {
    static const step_case cases[] = {
        {F("7, 33") " x, " F("33, 45") " y", F("7, 45") " z = " MATMUL("false", "false"), "z"},
        {F("33, 7") " x, " F("70, 33") " y", F("7, 70") " z = " MATMUL("true", "true"), "z"},
        {F("2, 1, 5, 9") " x, " F("3, 9, 65") " y", F("2, 3, 5, 65") " z = " MATMUL("false", "false"), "z"},
        {F("1, 5, 9") " x, " F("4, 17, 9") " y", F("4, 5, 17") " z = " MATMUL("false", "true"), "z"},
        {F("2, 3, 5") " x, " F("2, 4, 3") " y", F("2, 4, 5") " z = einsum(equation = string(\"bkr,bck->bcr\"), values = (x, y));", "z"},
        {F("2, 3, 4, 7") " x, " F("2, 7, 4, 5") " y", F("2, 3, 4, 5") " z = einsum(equation = string(\"nchw,nwhu->nchu\"), values = (x, y));", "z"},
        {F("5, 3") " x, " F("5, 4") " y", F("4, 3") " z = einsum(equation = string(\"ka,kb->ba\"), values = (x, y));", "z"},
        {F("64, 11") " x, " F("11, 3") " y", F("64, 3") " z = " MATMUL("false", "false"), "z"},
        {F("9") " x, " F("3, 9, 5") " y", F("3, 5") " z = " MATMUL("false", "false"), "z"},
        {F("3, 4, 9") " x, " F("9") " y", F("3, 4") " z = " MATMUL("false", "false"), "z"},
        {F("2, 6, 3, 8") " x, " F("2, 5, 3, 8") " y", F("2, 3, 6, 8") " a = transpose(x = x, perm = " I("4") "([0, 2, 1, 3]));\n" F("2, 3, 8, 5") " b = transpose(x = y, perm = " I("4") "([0, 2, 3, 1]));\n" F("2, 3, 6, 5") " z = matmul(x = a, y = b, transpose_x = bool(false), transpose_y = bool(false));", "z"},
        {F("5, 3") " x", F("5, 4") " z = matmul(x = x, y = " F("3, 4") "([[1, 2, 3, 4], [-1, -2, -3, -4], [0.5, 0.25, 0, 1]]), transpose_x = bool(false), transpose_y = bool(false));", "z"},
        {F("1, 3") " x", F("1, 4") " z = matmul(x = x, y = " F("3, 4") "([[1, 2, 3, 4], [-1, -2, -3, -4], [0.5, 0.25, 0, 1]]), transpose_x = bool(false), transpose_y = bool(false));", "z"},
    };
    CHECK(cases);
}

static void attention(void **state) {
    static const step_case cases[] = {
        {H("1, 4, 3, 8") " q, " H("1, 4, 5, 8") " k, " H("1, 4, 5, 8") " v, " H("1, 1, 3, 5") " mask", H("1, 4, 3, 8") " y = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = mask);", "y"},
        {F("2, 3, 7, 16") " q, " F("2, 3, 9, 16") " k, " F("2, 3, 9, 16") " v", F("2, 3, 7, 16") " y = scaled_dot_product_attention(query = q, key = k, value = v);", "y"},
        {F("1, 4, 3, 8") " q, " F("1, 4, 5, 8") " k, " F("1, 4, 5, 8") " v, " F("1, 1, 3, 5") " m", "tensor<bool, [1, 1, 3, 5]> b = greater(x = m, y = fp32(-2));\n" F("1, 4, 3, 8") " y = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = b);", "y"},
        {F("2, 4, 3, 8") " q, " F("2, 4, 5, 8") " k, " F("2, 4, 5, 6") " v, " F("2, 1, 1, 5") " m", "tensor<bool, [2, 1, 1, 5]> b = greater(x = m, y = fp32(-2));\n" F("2, 4, 3, 6") " y = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = b);\n" F("2, 4, 3, 6") " z = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = m);", "y, z"},
        {H("2, 4, 3, 8") " q, " H("2, 4, 5, 8") " k, " H("2, 4, 5, 6") " v, " F("2, 1, 1, 5") " m", "tensor<bool, [2, 1, 1, 5]> b = greater(x = m, y = fp32(-2));\n" H("2, 4, 3, 6") " y = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = b);", "y"},
        {F("1, 5, 3, 8") " q, " F("1, 6, 3, 8") " k, " F("1, 6, 3, 8") " v", F("1, 3, 5, 8") " a = transpose(x = q, perm = " I("4") "([0, 2, 1, 3]));\n" F("1, 3, 8, 6") " b = transpose(x = k, perm = " I("4") "([0, 2, -1, -3]));\n" F("1, 3, 6, 8") " c = transpose(x = v, perm = " I("4") "([0, 2, 1, 3]));\n" F("1, 3, 5, 6") " s = matmul(x = a, y = b, transpose_x = bool(false), transpose_y = bool(false));\n" F("1, 3, 5, 6") " p = softmax(x = s, axis = int32(-1));\n" F("1, 3, 5, 8") " y = matmul(x = p, y = c, transpose_x = bool(false), transpose_y = bool(false));", "y"},
    };
    CHECK(cases);
}

static void windows(void **state) {
    static const step_case cases[] = {
        {F("2, 4, 9, 11") " x", F("2, 4, 8, 6") " y = max_pool(x = x, kernel_sizes = " I("2") "([3, 2]), strides = " I("2") "([1, 2]), pad_type = string(\"custom\"), pad = " I("4") "([0, 1, 1, 0]), ceil_mode = bool(false));", "y"},
        {F("1, 3, 9, 10") " x", F("1, 3, 5, 5") " y = avg_pool(x = x, kernel_sizes = " I("2") "([3, 3]), strides = " I("2") "([2, 2]), pad_type = string(\"same\"), exclude_padding_from_average = bool(true));", "y"},
        {F("1, 3, 9, 10") " x", F("1, 3, 5, 6") " y = avg_pool(x = x, kernel_sizes = " I("2") "([2, 2]), strides = " I("2") "([2, 2]), pad_type = string(\"custom\"), pad = " I("4") "([1, 1, 1, 1]), exclude_padding_from_average = bool(false));", "y"},
        {F("1, 2, 5, 6, 7") " x", F("1, 2, 3, 3, 4") " y = avg_pool(x = x, kernel_sizes = " I("3") "([3, 2, 3]), strides = " I("3") "([2, 2, 2]), pad_type = string(\"same\"), exclude_padding_from_average = bool(true));\n" F("1, 2, 4, 5, 6") " z = max_pool(x = x, kernel_sizes = " I("3") "([2, 2, 2]), strides = " I("3") "([1, 1, 1]), pad_type = string(\"valid\"));", "y, z"},
        {F("2, 3, 17") " x", F("2, 3, 6") " y = l2_pool(x = x, kernel_sizes = " I("1") "([4]), strides = " I("1") "([3]), pad_type = string(\"custom\"), pad = " I("2") "([1, 1]));", "y"},
    };
    CHECK(cases);
}

static void convolutions(void **state) {
    static const conv_case cases[] = {
        {"2, 3, 9, 11", "2, 5, 9, 11", 4, {5, 3, 3, 3}, "pad_type = string(\"same\"), strides = " I("2") "([1, 1])"},
        {"1, 4, 12, 10", "1, 6, 6, 4", 4, {6, 2, 3, 3}, "pad_type = string(\"custom\"), pad = " I("4") "([1, 1, 0, 0]), strides = " I("2") "([2, 2]), groups = int32(2)"},
        {"1, 6, 20, 20", "1, 6, 18, 16", 4, {6, 1, 3, 5}, "pad_type = string(\"valid\"), groups = int32(6)"},
        {"1, 2, 15, 13", "1, 3, 11, 9", 4, {3, 2, 3, 3}, "pad_type = string(\"valid\"), dilations = " I("2") "([2, 2])"},
        {"2, 7, 31", "2, 4, 15", 3, {4, 7, 5}, "pad_type = string(\"custom\"), pad = " I("2") "([2, 1]), strides = " I("1") "([2]), bias = " F("4") "([1, -2, 3, 0.5])"},
        {"1, 2, 5, 6, 7", "1, 3, 5, 3, 6", 5, {3, 2, 3, 2, 2}, "pad_type = string(\"custom\"), pad = " I("6") "([1, 1, 0, 1, 0, 0]), strides = " I("3") "([1, 2, 1])"},
        {"2, 4, 4, 5, 5", "2, 4, 2, 3, 3", 5, {4, 2, 3, 3, 3}, "pad_type = string(\"same\"), strides = " I("3") "([2, 2, 2]), groups = int32(2), bias = " F("4") "([1, 2, 3, 4])"},
        {"1, 8, 5, 5", "1, 3, 3, 3", 4, {3, 8, 1, 1}, "pad_type = string(\"valid\"), strides = " I("2") "([2, 2])"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_conv("conv", &cases[i]);
}

static void moves(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 5") " x, " F("2, 4, 5") " y", F("2, 7, 5") " z = concat(values = (x, y), axis = int32(1), interleave = bool(false));", "z"},
        {F("3, 1") " x, " F("3, 2") " y", F("3, 4") " z = concat(values = (x, y, x), axis = int32(-1), interleave = bool(false));", "z"},
        {I("3") " x", I("5") " z = concat(values = (x, " I("2") "([7, 8])), axis = int32(0), interleave = bool(false));", "z"},
        {F("4, 3") " x, " F("4, 3") " y", F("4, 2, 3") " z = stack(values = (x, y), axis = int32(1));", "z"},
        {F("4, 9") " x", F("4, 2") " a, " F("4, 7") " b = split(x = x, split_sizes = " I("2") "([2, 7]), axis = int32(1));\n" F("4, 7") " z = exp(x = b);", "a, z"},
        {F("2, 1, 3") " x", F("2, 4, 6") " z = tile(x = x, reps = " I("3") "([1, 4, 2]));", "z"},
        {F("2, 3") " x", F("3, 2") " t = transpose(x = x, perm = " I("2") "([1, 0]));\n" F("6, 2") " z = concat(values = (t, t), axis = int32(0), interleave = bool(false));", "z"},
        {I("2, 5") " x, " I("3") " i", I("2, 3") " z = gather(x = x, indices = i, axis = int32(1), batch_dims = int32(0), validate_indices = bool(false));", "z"},
        {F("2, 5, 3") " x, " I("4") " i", F("2, 4, 3") " z = gather(x = x, indices = i, axis = int32(1), batch_dims = int32(0), validate_indices = bool(false));", "z"},
    };
    CHECK(cases);
}

/* One step may do a norm and a rotation, but only if nothing else wants what is between. */
#define TURN_INPUTS F("1, 3, 2, 40") " x, " F("1, 1, 2, 20") " c, " F("1, 1, 2, 40") " s"
#define TURN(to, of) F("1, 3, 2, 40") " " to " = anm_rope(cos = c, sin = s, x = " of ");\n"
#define NORM(to, of) F("1, 3, 2, 40") " " to " = anm_rms_norm(epsilon = fp32(1e-5), x = " of ");\n"
#define MADE F("1, 3, 2, 40") " v = exp(x = x);\n"

static void norms_and_rotations(void **state) {
    static const step_case cases[] = {
        {TURN_INPUTS, MADE NORM("n", "v") TURN("r", "n"), "r"},
        {TURN_INPUTS, MADE NORM("n", "v") TURN("r", "n"), "r, n"},
        {TURN_INPUTS, MADE NORM("n", "v") TURN("r", "n"), "r, v"},
        {TURN_INPUTS, MADE NORM("n", "v") TURN("r", "n") TURN("q", "n"), "r, q"},
        {TURN_INPUTS, MADE NORM("n", "v") TURN("r", "v"), "r, n"},
        {TURN_INPUTS, MADE NORM("n", "v") TURN("r", "n") F("1, 3, 2, 40") " z = add(x = r, y = v);", "z"},
        {TURN_INPUTS, NORM("n", "x") TURN("r", "n") F("1, 3, 2, 40") " z = add(x = r, y = x);", "z"},
        {TURN_INPUTS, MADE TURN("r", "v") TURN("q", "r"), "q"},
        {F("2, 40") " x", F("2, 40") " v = exp(x = x);\n" F("2, 40") " r = anm_rope(cos = v, sin = v, x = v);", "r"},
        {TURN_INPUTS, MADE NORM("n", "v") F("1, 2, 3, 40") " t = transpose(x = n, perm = " I("4") "([0, 2, 1, 3]));\n" F("1, 3, 2, 40") " u = reshape(x = t, shape = " I("4") "([1, 3, 2, 40]));\n" TURN("r", "u"), "r"},
        {F("1, 3, 2, 40") " x, " F("1, 1, 2, 20") " a, " F("1, 1, 2, 40") " s", MADE NORM("n", "v") F("1, 1, 2, 20") " c = cos(x = a);\n" TURN("r", "n"), "r"},
        {F("1, 3, 2, 40") " x, " F("1, 1, 2, 20") " a, " F("1, 1, 2, 40") " s", F("1, 1, 2, 20") " c = cos(x = a);\n" MADE NORM("n", "v") TURN("r", "n"), "r"},
    };
    CHECK(cases);
}

static void functions(void **state) {
    static const step_case cases[] = {
        {F("3, 77") " x", F("3, 77") " a = erf(x = x);\n" F("3, 77") " b = gelu(x = x, mode = string(\"EXACT\"));\n" F("3, 77") " c = gelu(x = x, mode = string(\"SIGMOID_APPROXIMATION\"));\n" F("3, 77") " d = softplus(x = x);\n" F("3, 77") " e = softsign(x = x);\n" F("3, 77") " f = abs(x = x);", "a, b, c, d, e, f"},
        {F("3, 77") " x", F("3, 77") " a = floor(x = x);\n" F("3, 77") " b = ceil(x = x);\n" F("3, 77") " c = round(x = x);\n" F("3, 77") " d = sign(x = x);\n" F("3, 77") " e = sin(x = x);\n" F("3, 77") " f = cos(x = x);", "a, b, c, d, e, f"},
        {F("3, 77") " x", F("3, 77") " a = clip(x = x, alpha = fp32(-1), beta = fp32(0.5));\n" F("3, 77") " b = relu6(x = x);\n" F("3, 77") " c = leaky_relu(x = x, alpha = fp32(0.1));\n" F("3, 77") " d = sigmoid_hard(x = x, alpha = fp32(0.3), beta = fp32(0.4));\n" F("3, 77") " e = elu(x = x, alpha = fp32(1.5));\n" F("3, 77") " f = scaled_tanh(x = x, alpha = fp32(1.5), beta = fp32(0.7));", "a, b, c, d, e, f"},
        {F("3, 77") " x", F("3, 77") " q = square(x = x);\n" F("3, 77") " a = sqrt(x = q);\n" F("3, 77") " b = log(x = q, epsilon = fp32(0.5));\n" F("3, 77") " c = rsqrt(x = q, epsilon = fp32(0.5));\n" F("3, 77") " d = inverse(x = q, epsilon = fp32(0.5));\n" F("3, 77") " e = thresholded_relu(x = x, alpha = fp32(0.7));\n" F("3, 77") " f = linear_activation(x = x, alpha = fp32(2), beta = fp32(-1));", "a, b, c, d, e, f"},
        {F("3, 77") " x, " F("77") " y", F("3, 77") " q = abs(x = x);\n" F("3, 77") " a = pow(x = q, y = y);\n" F("3, 77") " b = floor_div(x = x, y = y);\n" F("3, 77") " c = mod(x = x, y = y);\n", "a, b, c"},
        {I("3, 7") " x", F("3, 7") " a = cast(x = x, dtype = string(\"fp32\"));\n" F("3, 7") " h = mul(x = a, y = fp32(-0.7));\n" I("3, 7") " b = cast(x = h, dtype = string(\"int32\"));\n" "tensor<bool, [3, 7]> c = cast(x = h, dtype = string(\"bool\"));\n" I("3, 7") " d = floor_div(x = b, y = int32(2));\n" I("3, 7") " e = mod(x = b, y = int32(2));\n", "b, c, d, e"},
    };
    CHECK(cases);
}

/* clang-format on */

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms),   cmocka_unit_test(reductions), cmocka_unit_test(products),
        cmocka_unit_test(attention), cmocka_unit_test(convolutions), cmocka_unit_test(windows), cmocka_unit_test(moves),      cmocka_unit_test(functions), cmocka_unit_test(norms_and_rotations),
    };
    return cmocka_run_group_tests_name("native_steps", tests, NULL, NULL);
}
