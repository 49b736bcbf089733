/* SPDX-License-Identifier: MIT */
/*
 * Steps for what vision and audio models are made of beside convolutions: padding, resizing, blocks
 * between channels and space, transposed convolutions, parameters for each channel, quantizing.
 */
#include "tests/unit/step_cases.h"

/* clang-format off: an op to a line */

static void rearranging(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 5, 7") " x", F("2, 3, 8, 10") " y = pad(x = x, pad = " I("4") "([1, 2, 3, 0]), mode = string(\"constant\"), constant_val = fp32(-1.5));", "y"},
        {F("2, 3, 5, 7") " x", F("2, 3, 10, 14") " y = pad(x = x, pad = " I("4") "([3, 2, 1, 6]), mode = string(\"reflect\"));", "y"},
        {F("2, 3, 5, 7") " x", F("2, 3, 6, 20") " y = pad(x = x, pad = " I("4") "([0, 1, 11, 2]), mode = string(\"replicate\"));", "y"},
        {F("2, 5, 3") " x", F("2, 3, 5") " t = transpose(x = x, perm = " I("3") "([0, 2, 1]));\n" F("3, 4, 7") " y = pad(x = t, pad = " I("6") "([1, 0, 0, 1, 1, 1]), mode = string(\"constant\"));", "y"},
        {I("3, 4") " x", I("3, 6") " y = pad(x = x, pad = " I("2") "([2, 0]), mode = string(\"constant\"), constant_val = fp32(7));", "y"},
        {F("2, 9, 3") " x", F("2, 4, 3, 3") " y = sliding_windows(x = x, axis = int32(1), size = int32(3), stride = int32(2));", "y"},
        {F("3, 5") " x", "tensor<bool, [3, 5]> b = greater(x = x, y = fp32(0));\ntensor<bool, [3, 5]> n = logical_not(x = b);\n" F("3, 5") " y = select(cond = n, a = x, b = fp32(9));", "y"},
        {F("2, 3, 5") " x", F("2, 3, 5") " y = reverse(x = x, axes = " I("2") "([0, 2]));\n" F("2, 3, 5") " z = reverse(x = x);", "y, z"},
        {F("1, 2, 6, 7") " x", F("1, 2, 3, 5") " y = crop(x = x, crop_height = " I("2") "([1, 2]), crop_width = " I("2") "([2, 0]));", "y"},
        {F("2, 12, 3, 5") " x", F("2, 3, 6, 10") " y = depth_to_space(x = x, block_size = int32(2));\n" F("2, 3, 6, 10") " z = pixel_shuffle(x = x, upscale_factor = int32(2));", "y, z"},
        {F("2, 3, 6, 4") " x", F("2, 12, 3, 2") " y = space_to_depth(x = x, block_size = int32(2));\n" F("2, 12, 3, 2") " z = pixel_unshuffle(x = x, downscale_factor = " "uint32(2));", "y, z"},
        {F("1, 4, 6, 3") " x", F("1, 3, 4, 6") " t = transpose(x = x, perm = " I("4") "([0, 3, 1, 2]));\n" F("1, 12, 2, 3") " y = space_to_depth(x = t, block_size = int32(2));", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

#define GRID(name) "sampling_mode = string(\"" name "\")"

static void resizing(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 5, 7") " x", F("2, 3, 10, 21") " y = upsample_nearest_neighbor(x = x, scale_factor_height = fp32(2), scale_factor_width = fp32(3));", "y"},
        {F("1, 3, 5, 7") " x", F("1, 3, 8, 3") " y = resize_nearest_neighbor(x = x, target_size_height = int32(8), target_size_width = int32(3));", "y"},
        {F("2, 3, 5, 7") " x", F("2, 3, 10, 14") " y = upsample_bilinear(x = x, scale_factor_height = fp32(2), scale_factor_width = fp32(2), align_corners = bool(true));\n" F("2, 3, 10, 14") " z = upsample_bilinear(x = x, scale_factor_height = fp32(2), scale_factor_width = fp32(2), align_corners = bool(false));\n" F("2, 3, 10, 14") " w = upsample_bilinear(x = x, scale_factor_height = fp32(2), scale_factor_width = fp32(2), align_corners = bool(false), half_pixel_centers = bool(false));", "y, z, w"},
        {F("1, 2, 6, 9") " x", F("1, 2, 4, 20") " a = resize_bilinear(x = x, target_size_height = int32(4), target_size_width = int32(20), " GRID("STRICT_ALIGN_CORNERS") ");\n" F("1, 2, 4, 20") " b = resize_bilinear(x = x, target_size_height = int32(4), target_size_width = int32(20), " GRID("DEFAULT") ");\n" F("1, 2, 4, 20") " c = resize_bilinear(x = x, target_size_height = int32(4), target_size_width = int32(20), " GRID("OFFSET_CORNERS") ");\n" F("1, 2, 4, 20") " d = resize_bilinear(x = x, target_size_height = int32(4), target_size_width = int32(20), " GRID("UNALIGN_CORNERS") ");\n" F("1, 2, 1, 1") " e = resize_bilinear(x = x, target_size_height = int32(1), target_size_width = int32(1), " GRID("ALIGN_CORNERS") ");", "a, b, c, d, e"},
        {F("2, 3, 4, 5") " x", F("2, 3, 7, 9") " a = resize(x = x, shape = " I("2") "([7, 9]), resized_dims = uint32(2), interpolation_mode = string(\"NEAREST_NEIGHBOR\"), " GRID("UNALIGN_CORNERS") ");\n" F("2, 3, 4, 11") " b = resize(x = x, shape = " I("2") "([0, 11]), resized_dims = uint32(2), interpolation_mode = string(\"LINEAR\"), " GRID("ALIGN_CORNERS") ");", "a, b"},
    };
    CHECK(cases);
    MUTATE(cases);
}

static void transposed(void **state) {
    static const conv_case cases[] = {
        {"1, 3, 5, 7", "1, 4, 10, 14", 4, {3, 4, 4, 4}, "pad_type = string(\"custom\"), pad = " I("4") "([1, 1, 1, 1]), strides = " I("2") "([2, 2])"},
        {"2, 4, 5, 7", "2, 6, 11, 9", 4, {4, 3, 3, 3}, "pad_type = string(\"valid\"), strides = " I("2") "([2, 1]), groups = int32(2), bias = " F("6") "([1, 2, 3, -4, 5, 6])"},
        {"1, 3, 9", "1, 2, 18", 3, {3, 2, 5}, "pad_type = string(\"same\"), strides = " I("1") "([2])"},
        {"1, 3, 9", "1, 2, 18", 3, {3, 2, 5}, "pad_type = string(\"same_lower\"), strides = " I("1") "([2])"},
        {"1, 2, 5, 5", "1, 3, 9, 11", 4, {2, 3, 3, 4}, "pad_type = string(\"valid\"), dilations = " I("2") "([2, 2])"},
        {"1, 3, 4, 4", "1, 2, 8, 8", 4, {3, 2, 3, 3}, "pad_type = string(\"custom\"), pad = " I("4") "([1, 0, 1, 0]), strides = " I("2") "([2, 2]), output_shape = " I("4") "([1, 2, 8, 8])"},
        {"1, 2, 3, 4, 5", "1, 3, 6, 5, 10", 5, {2, 3, 2, 2, 2}, "pad_type = string(\"valid\"), strides = " I("3") "([2, 1, 2])"},
        {"1, 5, 20, 30", "1, 2, 40, 60", 4, {5, 2, 2, 2}, "pad_type = string(\"valid\"), strides = " I("2") "([2, 2])"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_conv("conv_transpose", &cases[i]);
}

static void channels(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 5, 7") " x", F("2, 3, 5, 7") " y = batch_norm(x = x, mean = " F("3") "([1, -2, 0.5]), variance = " F("3") "([1, 2, 0.25]), gamma = " F("3") "([2, 1, -1]), beta = " F("3") "([0, 1, 5]), epsilon = fp32(1e-3));\n" F("2, 3, 5, 7") " z = batch_norm(x = x, mean = " F("3") "([1, -2, 0.5]), variance = " F("3") "([1, 2, 0.25]));", "y, z"},
        {F("4, 3, 1") " x", F("4, 3, 1") " y = batch_norm(x = x, mean = " F("3") "([1, -2, 0.5]), variance = " F("3") "([1, 2, 0.25]));", "y"},
        {F("2, 3, 4, 5") " x", F("2, 3, 4, 5") " y = instance_norm(x = x, gamma = " F("3") "([2, 1, -1]), beta = " F("3") "([0, 1, 5]), epsilon = fp32(1e-3));\n" F("2, 3, 4, 5") " z = instance_norm(x = x);", "y, z"},
        {F("1, 3, 37") " x", F("1, 3, 37") " y = prelu(x = x, alpha = " F("3") "([0.5, 2, -1]));\n" F("1, 3, 37") " z = softplus_parametric(x = x, alpha = " F("3") "([0.5, 2, -1]), beta = " F("3") "([1, 2, 0.5]));", "y, z"},
        {F("2, 3, 4, 5") " x", F("2, 3, 4, 5") " y = l2_norm(x = x, epsilon = fp32(1e-3));", "y"},
        {F("3, 37") " x", F("3, 37") " a = atan(x = x);\n" F("3, 37") " b = sinh(x = x);\n" F("3, 37") " c = exp2(x = x);\n" F("3, 37") " d = asinh(x = x);\n" F("3, 37") " e = tan(x = x);", "a, b, c, d, e"},
    };
    CHECK(cases);
    MUTATE(cases);
}

#define Q(dims) "tensor<int8, [" dims "]>"
#define U(dims) "tensor<uint8, [" dims "]>"

static void quantizing(void **state) {
    static const step_case cases[] = {
        {F("3, 300") " x", Q("3, 300") " q = quantize(input = x, scale = fp32(0.02), output_dtype = string(\"int8\"));\n" F("3, 300") " y = dequantize(input = q, scale = fp32(0.02));", "y"},
        {F("3, 700") " x", F("3, 700") " e = exp(x = x);\n" Q("3, 700") " q = quantize(input = e, zero_point = int8(-100), scale = fp32(0.06), output_dtype = string(\"int8\"));\n" F("3, 700") " y = dequantize(input = q, zero_point = int8(-90), scale = fp32(0.05));", "y"},
        {F("3, 300") " x", F("3, 300") " e = exp(x = x);\n" Q("3, 300") " q = quantize(input = e, scale = fp32(0.06), output_dtype = string(\"int8\"));\n" F("3, 300") " y = dequantize(input = q, scale = fp32(0.05));\n" F("3, 300") " z = dequantize(input = q, scale = fp32(0.06));", "y, z, q"},
        {F("3, 2, 5") " x", F("3, 2, 5") " e = exp(x = x);\n" U("3, 2, 5") " q = quantize(input = e, scale = " F("3") "([0.02, 0.1, 0.01]), axis = int32(0), output_dtype = string(\"uint8\"));\n" F("3, 2, 5") " y = dequantize(input = q, scale = fp32(0.5));", "y"},
        {F("2, 3, 5") " x", U("2, 3, 5") " q = quantize(input = x, zero_point = " U("3") "([128, 100, 0]), scale = " F("3") "([0.02, 0.1, 0.01]), axis = int32(1), output_dtype = string(\"uint8\"));\n" F("2, 3, 5") " y = dequantize(input = q, zero_point = " U("3") "([128, 100, 0]), scale = " F("3") "([0.02, 0.1, 0.01]), axis = int32(1));", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rearranging),
        cmocka_unit_test(resizing),
        cmocka_unit_test(transposed),
        cmocka_unit_test(channels),
        cmocka_unit_test(quantizing),
    };
    return cmocka_run_group_tests_name("native_vision", tests, NULL, NULL);
}
