/* SPDX-License-Identifier: MIT */
/* Elementwise, reducing and moving ops on small tensors worked out by hand. */
#define CHECK_CASE_TOO check_engine_case
#define CHECK_FAILURE_TOO check_engine_failure
#include "tests/unit/engine_cases.h"

#define F(dims) "tensor<fp32, [" dims "]>"
#define H(dims) "tensor<fp16, [" dims "]>"
#define I(dims) "tensor<int32, [" dims "]>"
#define B(dims) "tensor<bool, [" dims "]>"

static void binary_ops(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("2, 1") " a, " F("3") " b", F("2, 3") " y = add(x = a, y = b);", "y", {{1, 2}, {10, 20, 30}}, {11, 21, 31, 12, 22, 32}},
        {F("3") " a", F("3") " y = sub(x = fp32(1), y = a);", "y", {{1, 2, -3}}, {0, -1, 4}},
        {F("2") " a, " F("2") " b", F("2") " y = mul(x = a, y = b);", "y", {{3, -2}, {4, 0.5}}, {12, -1}},
        {F("4") " a, " F("4") " b", F("4") " y = real_div(x = a, y = b);", "y", {{1, -1, 0, 6}, {0, 0, 0, 4}}, {INFINITY, -INFINITY, NAN, 1.5}},
        {I("5") " a, " I("5") " b", I("5") " y = floor_div(x = a, y = b);", "y", {{7, -7, 7, -7, 5}, {2, 2, -2, -2, 0}}, {3, -4, -4, 3, 0}},
        {I("5") " a, " I("5") " b", I("5") " y = mod(x = a, y = b);", "y", {{7, -7, 7, -7, 5}, {3, 3, -3, -3, 0}}, {1, 2, -2, -1, 0}},
        {F("4") " a, " F("4") " b", F("4") " y = floor_div(x = a, y = b);", "y", {{7, -7, 7.5, 1}, {2, 2, -2, 4}}, {3, -4, -4, 0}},
        {F("3") " a, " F("3") " b", F("3") " y = mod(x = a, y = b);", "y", {{5.5, -5.5, 5.5}, {2, 2, -2}}, {1.5, 0.5, -0.5}},
        {F("2") " a, " F("2") " b", F("2") " y = maximum(x = a, y = b);", "y", {{1, -5}, {2, -6}}, {2, -5}},
        {I("2") " a, " I("2") " b", I("2") " y = minimum(x = a, y = b);", "y", {{1, -5}, {2, -6}}, {1, -6}},
        {F("6") " a, " F("6") " b", F("6") " y = pow(x = a, y = b);", "y", {{2, 9, -2, -2, 0, 2}, {10, 0.5, 3, 0.5, 0, -1}}, {1024, 3, -8, NAN, 1, 0.5}},
        {I("3") " a, " I("3") " b", I("3") " y = add(x = a, y = b);", "y", {{2147483647, -5, 3}, {1, 5, 4}}, {-2147483648.0, 0, 7}},
        {I("3") " a", B("3") " g = greater_equal(x = a, y = int32(0));\n"
         I("3") " b = add(x = a, y = int32(10));\n"
         I("3") " y = select(cond = g, a = a, b = b);", "y", {{-1, 0, 3}}, {9, 0, 3}},
        {F("3") " a, " F("3") " b", B("3") " e = equal(x = a, y = b);\n"
         B("3") " n = not_equal(x = a, y = b);\n"
         B("3") " l = less(x = a, y = b);\n"
         B("3") " le = less_equal(x = a, y = b);\n"
         B("3") " g = greater(x = a, y = b);", "e, n, l, le, g", {{1, 2, 3}, {1, 3, 2}}, {1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1}},
        {B("4") " a, " B("4") " b", B("4") " x = logical_and(x = a, y = b);\n"
         B("4") " o = logical_or(x = a, y = b);\n"
         B("4") " r = logical_xor(x = a, y = b);\n"
         B("4") " n = logical_not(x = a);", "x, o, r, n", {{0, 0, 1, 1}, {0, 1, 0, 1}}, {0, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0}},
        {B("2, 1") " c, " F("1, 2") " a, " F("2, 2") " b", F("2, 2") " y = select(cond = c, a = a, b = b);", "y", {{1, 0}, {1, 2}, {3, 4, 5, 6}}, {1, 2, 5, 6}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void unary_ops(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("5") " x", F("5") " y = exp(x = x);", "y", {{0, 1, -1, 100, -200}}, {1, 2.718281828, 0.3678794412, INFINITY, 0}},
        {F("4") " x", F("4") " y = log(x = x, epsilon = fp32(0));", "y", {{1, 10, 0, -1}}, {0, 2.302585093, -INFINITY, NAN}},
        {F("3") " x", F("3") " s = sin(x = x);\n"
         F("3") " c = cos(x = x);", "s, c", {{0, 1.570796327, 1000}}, {0, 1, 0.8268795405, 1, 0, 0.5623790763}},
        {F("2") " x", F("2") " y = tan(x = x);", "y", {{0.5, -2}}, {0.5463024898, 2.185039863}},
        {F("3") " x", F("3") " a = asin(x = x);\n"
         F("3") " b = acos(x = x);\n"
         F("3") " c = atan(x = x);", "a, b, c", {{0.5, -1, 1}}, {0.5235987756, -1.570796327, 1.570796327, 1.047197551, 3.141592654, 0, 0.463647609, -0.7853981634, 0.7853981634}},
        {F("2") " x", F("2") " a = sinh(x = x);\n"
         F("2") " b = cosh(x = x);\n"
         F("2") " c = tanh(x = x);\n"
         F("2") " d = atanh(x = x);", "a, b, c, d", {{0.25, -0.75}}, {0.2526123168, -0.8223167319, 1.03141310, 1.294683285, 0.2449186624, -0.6351489524, 0.2554128119, -0.9729550745}},
        {F("4") " x", F("4") " y = erf(x = x);", "y", {{0, 0.5, -1, 4}}, {0, 0.5204998778, -0.8427007929, 0.9999999846}},
        {F("6") " x", F("6") " r = round(x = x);\n"
         F("6") " f = floor(x = x);\n"
         F("6") " c = ceil(x = x);", "r, f, c", {{0.5, 1.5, 2.5, -0.5, -1.5, 2.4}}, {0, 2, 2, 0, -2, 2, 0, 1, 2, -1, -2, 2, 1, 2, 3, 0, -1, 3}},
        {F("3") " x", F("3") " a = abs(x = x);\n"
         F("3") " s = sign(x = x);\n"
         F("3") " q = square(x = x);", "a, s, q", {{-2, 0, 3}}, {2, 0, 3, -1, 0, 1, 4, 0, 9}},
        {I("2") " x", I("2") " a = abs(x = x);\n"
         I("2") " q = square(x = x);", "a, q", {{-4, 3}}, {4, 3, 16, 9}},
        {F("2") " x", F("2") " a = sqrt(x = x);\n"
         F("2") " b = rsqrt(x = x);\n"
         F("2") " c = inverse(x = x);\n"
         F("2") " d = exp2(x = x);", "a, b, c, d", {{4, 16}}, {2, 4, 0.5, 0.25, 1 / 4.0001, 1 / 16.0001, 16, 65536}},
        {F("4") " x", F("4") " a = clip(x = x, alpha = fp32(-1), beta = fp32(2));\n"
         F("4") " b = threshold(x = x, alpha = fp32(0.5));", "a, b", {{-3, 0, 1, 5}}, {-1, 0, 1, 2, 0.5, 0.5, 1, 5}},
        {F("6") " x", I("6") " a = cast(x = x, dtype = string(\"int32\"));\ntensor<int8, [6]> b = cast(x = x, dtype = string(\"int8\"));\n"
         B("6") " c = cast(x = x, dtype = string(\"bool\"));", "a, b, c", {{1.9, -1.9, 300, -1e10, NAN, 0}}, {1, -1, 300, -2147483648.0, 0, 0, 1, -1, 127, -128, 0, 0, 1, 1, 1, 1, 1, 0}},
        {I("3") " x", "tensor<int16, [3]> a = cast(x = x, dtype = string(\"int16\"));\n"
         I("3") " b = cast(x = a, dtype = string(\"int32\"));", "b", {{70000, -70000, 5}}, {4464, -4464, 5}},
        {F("2") " x", H("2") " h = cast(x = x, dtype = string(\"fp16\"));\n"
         F("2") " y = cast(x = h, dtype = string(\"fp32\"));", "y", {{0.5, 2}}, {0.5, 2}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void activations(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("4") " x", F("4") " a = relu(x = x);\n"
         F("4") " b = relu6(x = x);\n"
         F("4") " c = softsign(x = x);", "a, b, c", {{-1, 0.5, 7, -3}}, {0, 0.5, 7, 0, 0, 0.5, 6, 0, -0.5, 1.0 / 3, 0.875, -0.75}},
        {F("3") " x", F("3") " a = sigmoid(x = x);\n"
         F("3") " b = silu(x = x);\n"
         F("3") " c = softplus(x = x);", "a, b, c", {{0, 2, -100}}, {0.5, 0.8807970780, 0, 0, 1.761594156, 0, 0.6931471806, 2.126928011, 0}},
        {F("3") " x", F("3") " a = gelu(x = x, mode = string(\"EXACT\"));\n"
         F("3") " b = gelu(x = x, mode = string(\"TANH_APPROXIMATION\"));\n"
         F("3") " c = gelu(x = x, mode = string(\"SIGMOID_APPROXIMATION\"));", "a, b, c", {{0, 1, -2}}, {0, 0.8413447461, -0.0455002639, 0, 0.8411919906, -0.0454023059, 0, 0.8457957659, -0.0643413769}},
        {F("3") " x", F("3") " a = leaky_relu(x = x, alpha = fp32(0.1));\n"
         F("3") " b = elu(x = x, alpha = fp32(2));\n"
         F("3") " c = thresholded_relu(x = x, alpha = fp32(1));", "a, b, c", {{-1, 0.5, 1}}, {-0.1, 0.5, 1, -1.264241118, 0.5, 1, 0, 0, 1}},
        {F("3") " x", F("3") " a = clamped_relu(x = x, alpha = fp32(0.5), beta = fp32(2));\n"
         F("3") " b = linear_activation(x = x, alpha = fp32(2), beta = fp32(1));\n"
         F("3") " c = sigmoid_hard(x = x, alpha = fp32(0.25), beta = fp32(0.5));\n"
         F("3") " d = scaled_tanh(x = x, alpha = fp32(2), beta = fp32(0.5));", "a, b, c, d", {{-4, 1, 3}}, {-2, 1, 2, -7, 3, 7, 0, 0.75, 1, -1.92805516, 0.924234315, 1.810296508}},
        {F("1, 2, 1, 2") " x", F("1, 2, 1, 2") " a = prelu(x = x, alpha = tensor<fp32, [2]>([0.5, 2]));\n"
         F("1, 2, 1, 2") " b = softplus_parametric(x = x, alpha = tensor<fp32, [2]>([1, 3]), beta = tensor<fp32, [2]>([2, 1]));", "a, b", {{-1, 1, -1, 0}}, {-0.5, 1, -2, 0, 0.1269280110, 2.126928011, 0.9397850606, 2.079441542}},
        {F("2, 3") " x", F("2, 3") " a = softmax(x = x, axis = int32(-1));\n"
         F("2, 3") " b = softmax(x = x, axis = int32(0));", "a, b", {{0, 0, 0, 1, 2, 3}}, {1.0 / 3, 1.0 / 3, 1.0 / 3, 0.0900305732, 0.2447284711, 0.6652409558, 0.2689414214, 0.1192029220, 0.0474258732, 0.7310585786, 0.8807970780, 0.9525741268}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void reductions(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("2, 3") " x", F("2") " a = reduce_sum(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));\n"
         F("1, 3") " b = reduce_mean(x = x, axes = tensor<int32, [1]>([0]), keep_dims = bool(true));\n"
         F("") " c = reduce_max(x = x, keep_dims = bool(false));\n"
         F("2, 1") " d = reduce_min(x = x, axes = tensor<int32, [1]>([-1]), keep_dims = bool(true));", "a, b, c, d", {{1, 2, 3, -4, 5, -6}}, {6, -5, -1.5, 3.5, -1.5, 5, 1, -6}},
        {F("2, 2") " x", F("2") " a = reduce_l1_norm(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));\n"
         F("2") " b = reduce_l2_norm(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));\n"
         F("2") " c = reduce_sum_square(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));\n"
         F("2") " d = reduce_prod(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));", "a, b, c, d", {{3, -4, 6, 8}}, {7, 14, 5, 10, 25, 100, -12, 48}},
        {F("2, 2") " x", F("2") " a = reduce_log_sum(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));\n"
         F("2") " b = reduce_log_sum_exp(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));", "a, b", {{1, 2, 1000, 1000}}, {1.098612289, 7.600902460, 2.313261688, 1000.693147}},
        {I("2, 2") " x", I("2") " a = reduce_sum(x = x, axes = tensor<int32, [1]>([0]), keep_dims = bool(false));\n"
         I("2") " b = reduce_max(x = x, axes = tensor<int32, [1]>([1]), keep_dims = bool(false));", "a, b", {{1, 2, 3, 4}}, {4, 6, 2, 4}},
        {F("2, 3") " x", I("2") " a = reduce_argmax(x = x, axis = int32(1), keep_dims = bool(false));\n"
         I("1, 3") " b = reduce_argmin(x = x, axis = int32(0), keep_dims = bool(true));", "a, b", {{1, 3, 3, 5, 2, 1}}, {1, 0, 0, 1, 1}},
        {F("2, 3") " x", F("2, 2") " v, " I("2, 2") " i = topk(x = x, k = int32(2), axis = int32(-1), ascending = bool(false));", "v, i", {{1, 3, 3, 5, 2, 9}}, {3, 3, 9, 5, 1, 2, 2, 0}},
        {F("4") " x", I("4") " a = argsort(x = x, axis = int32(0), ascending = bool(true));\n"
         I("4") " d = argsort(x = x, axis = int32(0), ascending = bool(false));", "a, d", {{3, 1, 3, 2}}, {1, 3, 0, 2, 0, 2, 3, 1}},
        {F("2, 3") " x", F("2, 3") " a = cumsum(x = x, axis = int32(1), exclusive = bool(false), reverse = bool(false));\n"
         F("2, 3") " b = cumsum(x = x, axis = int32(1), exclusive = bool(true), reverse = bool(true));\n"
         F("2, 3") " c = cumsum(x = x, axis = int32(0));", "a, b, c", {{1, 2, 3, 4, 5, 6}}, {1, 3, 6, 4, 9, 15, 5, 3, 0, 11, 6, 0, 1, 2, 3, 5, 7, 9}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void shape_ops(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("2, 3") " x", F("3, 2") " a = reshape(x = x, shape = tensor<int32, [2]>([-1, 2]));\n"
         F("1, 2, 3") " b = expand_dims(x = x, axes = tensor<int32, [1]>([0]));\n"
         F("3, 2") " c = transpose(x = x, perm = tensor<int32, [2]>([1, 0]));\n"
         F("2, 3") " d = reverse(x = x, axes = tensor<int32, [1]>([-1]));", "a, b, c, d", {{1, 2, 3, 4, 5, 6}}, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 4, 2, 5, 3, 6, 3, 2, 1, 6, 5, 4}},
        {F("2, 1, 3") " x", F("2, 3") " a = squeeze(x = x, axes = tensor<int32, [1]>([1]));\n"
         F("2, 3") " b = flatten2d(x = x, axis = int32(1));\n"
         I("3") " s = shape(x = x);\n"
         F("1, 2, 3") " r = reshape(x = x, shape = tensor<int32, [3]>([1, -1, 0]));", "a, b, s, r", {{1, 2, 3, 4, 5, 6}}, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 2, 1, 3, 1, 2, 3, 4, 5, 6}},
        {F("2, 2") " x, " F("2, 2") " y", F("2, 4") " a = concat(values = (x, y), axis = int32(1), interleave = bool(false));\n"
         F("2, 4") " b = concat(values = (x, y), axis = int32(-1), interleave = bool(true));\n"
         F("2, 2, 2") " c = stack(values = (x, y), axis = int32(1));", "a, b, c", {{1, 2, 3, 4}, {5, 6, 7, 8}}, {1, 2, 5, 6, 3, 4, 7, 8, 1, 5, 2, 6, 3, 7, 4, 8, 1, 2, 5, 6, 3, 4, 7, 8}},
        {F("2, 5") " x", F("2, 1") " a, " F("2, 4") " b = split(x = x, split_sizes = tensor<int32, [2]>([1, 4]), axis = int32(1));\n"
         F("1, 5") " c, " F("1, 5") " d = split(x = x, num_splits = int32(2), axis = int32(0));", "a, b, c, d", {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, {1, 6, 2, 3, 4, 5, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
        {F("1, 2") " x", F("2, 4") " a = tile(x = x, reps = tensor<int32, [2]>([2, 2]));", "a", {{1, 2}}, {1, 2, 1, 2, 1, 2, 1, 2}},
        {F("3, 2") " x", F("3, 2") " a = reverse_sequence(x = x, lengths = tensor<int32, [2]>([2, 3]), seq_axis = int32(0), batch_axis = int32(1));\n"
         F("2, 2, 2") " b = sliding_windows(x = x, axis = int32(0), size = int32(2), stride = int32(1));", "a, b", {{1, 2, 3, 4, 5, 6}}, {3, 6, 1, 4, 5, 2, 1, 2, 3, 4, 3, 4, 5, 6}},
        {F("1, 3") " x", F("2, 6") " a = pad(x = x, pad = tensor<int32, [4]>([0, 1, 1, 2]), mode = string(\"constant\"), constant_val = fp32(9));\n"
         F("1, 7") " b = pad(x = x, pad = tensor<int32, [2]>([2, 2]), mode = string(\"reflect\"), constant_val = fp32(0));\n"
         F("1, 6") " c = pad(x = x, pad = tensor<int32, [2]>([1, 2]), mode = string(\"replicate\"), constant_val = fp32(0));", "a, b, c", {{1, 2, 3}}, {9, 1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9, 3, 2, 1, 2, 3, 2, 1, 1, 1, 2, 3, 3, 3}},
        {F("1, 4, 1, 1") " x", F("1, 1, 2, 2") " a = depth_to_space(x = x, block_size = int32(2));\n"
         F("1, 1, 2, 2") " b = pixel_shuffle(x = x, upscale_factor = int32(2));\n"
         F("1, 4, 1, 1") " c = space_to_depth(x = a, block_size = int32(2));\n"
         F("1, 4, 1, 1") " d = pixel_unshuffle(x = b, downscale_factor = uint32(2));", "a, b, c, d", {{1, 2, 3, 4}}, {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}},
        {F("1, 8, 1, 1") " x", F("1, 2, 2, 2") " a = depth_to_space(x = x, block_size = int32(2));\n"
         F("1, 2, 2, 2") " b = pixel_shuffle(x = x, upscale_factor = int32(2));", "a, b", {{1, 2, 3, 4, 5, 6, 7, 8}}, {1, 3, 5, 7, 2, 4, 6, 8, 1, 2, 3, 4, 5, 6, 7, 8}},
        {F("1, 1, 2, 3") " x", F("4, 1, 1, 2") " a = space_to_batch(x = x, block_shape = tensor<int32, [2]>([2, 2]), paddings = tensor<int32, [2, 2]>([[0, 0], [1, 0]]));\n"
         F("1, 1, 2, 3") " b = batch_to_space(x = a, block_shape = tensor<int32, [2]>([2, 2]), crops = tensor<int32, [2, 2]>([[0, 0], [1, 0]]));", "a, b", {{1, 2, 3, 4, 5, 6}}, {0, 2, 1, 3, 0, 5, 4, 6, 1, 2, 3, 4, 5, 6}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void slices(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("5") " x", F("2") " a = slice_by_index(x = x, begin = tensor<int32, [1]>([1]), end = tensor<int32, [1]>([4]), stride = tensor<int32, [1]>([2]));\n"
         F("5") " b = slice_by_index(x = x, begin = tensor<int32, [1]>([0]), end = tensor<int32, [1]>([0]), stride = tensor<int32, [1]>([-1]), begin_mask = tensor<bool, [1]>([true]), end_mask = tensor<bool, [1]>([true]));\n"
         F("2") " c = slice_by_index(x = x, begin = tensor<int32, [1]>([-2]), end = tensor<int32, [1]>([9]));\n"
         F("2") " d = slice_by_index(x = x, begin = tensor<int32, [1]>([4]), end = tensor<int32, [1]>([0]), stride = tensor<int32, [1]>([-2]));", "a, b, c, d", {{1, 2, 3, 4, 5}}, {2, 4, 5, 4, 3, 2, 1, 4, 5, 5, 3}},
        {F("2, 3") " x", F("3") " a = slice_by_index(x = x, begin = tensor<int32, [2]>([-1, 0]), end = tensor<int32, [2]>([0, 0]), end_mask = tensor<bool, [2]>([false, true]), squeeze_mask = tensor<bool, [2]>([true, false]));\n"
         F("2, 2") " b = slice_by_size(x = x, begin = tensor<int32, [2]>([0, 1]), size = tensor<int32, [2]>([-1, 2]));", "a, b", {{1, 2, 3, 4, 5, 6}}, {4, 5, 6, 2, 3, 5, 6}},
        {F("3, 2") " x, " F("1, 2") " u, tensor<int32, [1]> at", I("1") " one = add(x = at, y = int32(1));\n"
         I("2") " begin = concat(values = (at, tensor<int32, [1]>([0])), axis = int32(0), interleave = bool(false));\n"
         I("2") " end = concat(values = (one, tensor<int32, [1]>([0])), axis = int32(0), interleave = bool(false));\n"
         F("3, 2") " y = slice_update(x = x, update = u, begin = begin, end = end, end_mask = tensor<bool, [2]>([false, true]));", "y, x", {{1, 2, 3, 4, 5, 6}, {8, 9}, {1}}, {1, 2, 8, 9, 5, 6, 1, 2, 3, 4, 5, 6}},
        {F("1, 1, 3, 4") " x", F("1, 1, 2, 2") " a = crop(x = x, crop_height = tensor<int32, [2]>([0, 1]), crop_width = tensor<int32, [2]>([1, 1]));", "a", {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, {2, 3, 6, 7}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void gathers(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("3, 2") " x, " I("2") " i", F("2, 2") " a = gather(x = x, indices = i, axis = int32(0));\n"
         F("3, 2") " b = gather(x = x, indices = tensor<int32, [2]>([1, -2]), axis = int32(1));\n"
         F("2") " c = gather(x = x, indices = int32(-1), axis = int32(0));", "a, b, c", {{1, 2, 3, 4, 5, 6}, {2, 0}}, {5, 6, 1, 2, 2, 1, 4, 3, 6, 5, 5, 6}},
        {F("2, 3") " x, " I("2, 2") " i", F("2, 2") " a = gather(x = x, indices = i, axis = int32(1), batch_dims = int32(1));\n"
         F("2, 2") " b = gather_along_axis(x = x, indices = i, axis = int32(1));", "a, b", {{1, 2, 3, 4, 5, 6}, {2, 0, 1, 1}}, {3, 1, 5, 5, 3, 1, 5, 5}},
        {F("2, 2, 2") " x", F("2, 2") " a = gather_nd(x = x, indices = tensor<int32, [2, 2]>([[0, 1], [1, 0]]));\n"
         F("2, 2") " b = gather_nd(x = x, indices = tensor<int32, [2, 1]>([[1], [0]]), batch_dims = int32(1));", "a, b", {{1, 2, 3, 4, 5, 6, 7, 8}}, {3, 4, 5, 6, 3, 4, 5, 6}},
        {F("2, 3") " d", F("2, 3") " a = scatter(data = d, indices = tensor<int32, [2]>([1, 0]), updates = tensor<fp32, [2, 3]>([[5, 6, 7], [8, 9, 10]]), axis = int32(0), mode = string(\"add\"));\n"
         F("2, 3") " b = scatter(data = d, indices = tensor<int32, [1]>([-1]), updates = tensor<fp32, [2, 1]>([[7], [8]]), axis = int32(1), mode = string(\"update\"));\n"
         F("2, 3") " c = scatter_along_axis(data = d, indices = tensor<int32, [2, 1]>([[2], [0]]), updates = tensor<fp32, [2, 1]>([[10], [20]]), axis = int32(1), mode = string(\"mul\"));\n"
         F("2, 3") " e = scatter_nd(data = d, indices = tensor<int32, [3, 2]>([[0, 0], [1, 2], [0, 0]]), updates = tensor<fp32, [3]>([1, 2, 5]), mode = string(\"sub\"));", "a, b, c, e, d", {{1, 2, 3, 4, 5, 6}}, {9, 11, 13, 9, 11, 13, 1, 2, 7, 4, 5, 8, 1, 2, 30, 80, 5, 6, -5, 2, 3, 4, 5, 4, 1, 2, 3, 4, 5, 6}},
        {I("3") " d", I("3") " a = scatter(data = d, indices = tensor<int32, [2]>([0, 2]), updates = tensor<int32, [2]>([0, 4]), axis = int32(0), mode = string(\"div\"));\n"
         I("3") " b = scatter(data = d, indices = tensor<int32, [2]>([0, 0]), updates = tensor<int32, [2]>([9, 3]), axis = int32(0), mode = string(\"max\"));", "a, b", {{5, 6, 7}}, {0, 6, 1, 9, 6, 7}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void generators(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {I("") " n", I("3") " a = range_1d(start = int32(2), end = n, step = int32(1));\n"
         F("3") " b = range_1d(start = fp32(0), end = fp32(1), step = fp32(0.4));", "a, b", {{5}}, {2, 3, 4, 0, 0.4, 0.8}},
        {F("2") " x", F("2, 2") " a = fill(shape = tensor<int32, [2]>([2, 2]), value = fp32(1.5));\n"
         I("2") " b = fill_like(ref_tensor = x, value = int32(7));", "a, b", {{0, 0}}, {1.5, 1.5, 1.5, 1.5, 7, 7}},
        {I("2") " i", F("2, 3") " a = one_hot(indices = i, one_hot_vector_size = int32(3), axis = int32(-1), on_value = fp32(1), off_value = fp32(0));\n"
         I("3, 2") " b = one_hot(indices = i, one_hot_vector_size = int32(3), axis = int32(0), on_value = int32(5), off_value = int32(-1));", "a, b", {{2, 5}}, {0, 0, 1, 0, 0, 0, -1, -1, -1, -1, 5, -1}},
        {F("2, 2") " x", I("?, 2") " a = non_zero(x = x);", "a", {{0, 3, -1, 0}}, {0, 1, 1, 0}},
        {F("3, 3") " x", F("3, 3") " a = band_part(x = x, lower = int32(-1), upper = int32(0));\n"
         F("3, 3") " b = band_part(x = x, lower = int32(1), upper = int32(1));", "a, b", {{1, 2, 3, 4, 5, 6, 7, 8, 9}}, {1, 0, 0, 4, 5, 0, 7, 8, 9, 1, 2, 0, 4, 5, 6, 0, 8, 9}},
        {F("2, 2") " x", "tensor<int8, [2, 2]> q = quantize(input = x, zero_point = tensor<int8, [2]>([1, 0]), scale = tensor<fp32, [2]>([0.5, 100]), axis = int32(0), output_dtype = string(\"int8\"));\n"
         F("2, 2") " d = dequantize(input = q, zero_point = tensor<int8, [2]>([1, 0]), scale = tensor<fp32, [2]>([0.5, 100]), axis = int32(0));", "q, d", {{0.75, -200, 250, -149}}, {3, -128, 2, -1, 1, -64.5, 200, -100}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

/* Results are rounded to the declared type under FP16, and not under FP32. */
static void rounding(void **state) {
    anm_mil_program *program = parse_case(
        H("2") " x",
        H("2") " y = add(x = x, y = fp16(0x1p-11));\n" H("2") " z = mul(x = y, y = fp16(1024));",
        "z", NULL);
    static const op_case fp16 = {.body = "fp16", .in = {{1, 3}}, .out = {1024, 3072}};
    static const op_case fp32 = {.body = "fp32", .in = {{1, 3}}, .out = {1024.5, 3072.5}};
    anm_error err;
    assert_ok(run_case(&fp16, program, ANM_PRECISION_FP16, &err), &err);
    assert_ok(run_case(&fp32, program, ANM_PRECISION_FP32, &err), &err);
    anm_mil_program_destroy(program);
}

static void failures(void **state) {
    static const op_failure cases[] = {
        {F("3") " x, " I("1") " i",
         F("1") " y = gather(x = x, indices = i, axis = int32(0));",
         "y",
         {{1, 2, 3}, {3}},
         ANM_ERROR_MISMATCH,
         "index 3 is outside 0 to 2"},
        {F("3") " x, " I("1") " i",
         F("1") " y = gather(x = x, indices = i, axis = int32(0));",
         "y",
         {{1, 2, 3}, {-4}},
         ANM_ERROR_MISMATCH,
         "index -4 is outside"},
        {F("3") " x",
         F("1") " y = gather(x = x, indices = tensor<int32, [1]>([0]), axis = int32(1));",
         "y",
         {{1, 2, 3}},
         ANM_ERROR_MISMATCH,
         "axis 1 is outside a tensor of rank 1"},
        {F("2") " x, " F("3") " z",
         F("3") " y = add(x = x, y = z);",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "[2] and [3] do not broadcast"},
        {F("2") " x",
         F("3") " y = relu(x = x);",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "gives floats of shape [2], but tensor<fp32, [3]> is declared"},
        {F("2") " x", I("2") " y = relu(x = x);", "y", {{0}}, ANM_ERROR_MISMATCH, "is declared"},
        {F("2") " x",
         F("2") " y = frobnicate(x = x);",
         "y",
         {{0}},
         ANM_ERROR_UNSUPPORTED,
         "has no such op"},
        {F("6") " x",
         F("4, 2") " y = reshape(x = x, shape = tensor<int32, [2]>([4, 2]));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "cannot take the shape"},
        {I("") " n",
         I("?") " y = range_1d(start = int32(0), end = int32(2000000000), step = int32(1));",
         "y",
         {{0}},
         ANM_ERROR_LIMIT,
         "a range from 0"},
        {F("1") " x",
         F("?, ?, ?") " y = fill(shape = tensor<int32, [3]>([2000000000, 2000000000, "
                      "2000000000]), value = fp32(0));",
         "y",
         {{0}},
         ANM_ERROR_LIMIT,
         "impossible shape"},
        {F("1") " x",
         F("?, ?") " y = fill(shape = tensor<int32, [2]>([-1, 2]), value = fp32(0));",
         "y",
         {{0}},
         ANM_ERROR_LIMIT,
         "impossible shape"},
        {F("1") " x",
         F("?") " y = tile(x = x, reps = tensor<int32, [1]>([2147483647]));",
         "y",
         {{0}},
         ANM_ERROR_LIMIT,
         "impossible shape"},
        {F("5") " x",
         F("?") " y = slice_by_index(x = x, begin = tensor<int32, [1]>([0]), end = "
                "tensor<int32, [1]>([1]), stride = tensor<int32, [1]>([0]));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "stride 0"},
        {F("2, 2") " x",
         F("?") " y = concat(values = (x, x), axis = int32(5), interleave = bool(false));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "axis 5"},
        {F("3") " x",
         F("2") " y = topk(x = x, k = int32(9), axis = int32(0), ascending = bool(false));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "k is 9"},
        {F("2") " x",
         F("2") " y = relu();",
         "y",
         {{0}},
         ANM_ERROR_FORMAT,
         "argument \"x\" is missing"},
    };
    CHECK_FAILURES(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_ops), cmocka_unit_test(unary_ops),  cmocka_unit_test(activations),
        cmocka_unit_test(reductions), cmocka_unit_test(shape_ops),  cmocka_unit_test(slices),
        cmocka_unit_test(gathers),    cmocka_unit_test(generators), cmocka_unit_test(rounding),
        cmocka_unit_test(failures),
        cmocka_unit_test(the_engine_took_part),
    };
    return cmocka_run_group_tests_name("interp_ops", tests, NULL, NULL);
}
