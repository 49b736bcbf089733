/* SPDX-License-Identifier: MIT */
/* Ops of neural networks on small tensors: expectations by hand, or by the formula in Python. */
#define CHECK_CASE_TOO check_engine_case
#define CHECK_FAILURE_TOO check_engine_failure
#include "tests/unit/engine_cases.h"

#define F(dims) "tensor<fp32, [" dims "]>"
#define I(dims) "tensor<int32, [" dims "]>"
#define V(n, ...) "tensor<fp32, [" n "]>([" #__VA_ARGS__ "])"
#define N(n, ...) "tensor<int32, [" n "]>([" #__VA_ARGS__ "])"
#define S(text) "string(\"" text "\")"

static void products(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("2, 3") " x", F("2, 2") " y = linear(x = x, weight = tensor<fp32, [2, 3]>([[1, 0, -1], [2, 2, 2]]), bias = " V("2", 10, 20) ");", "y", {{1, 2, 3, 4, 5, 6}}, {8, 32, 8, 50}},
        /* more rows than are taken together */
        {F("5, 2") " x", F("5, 1") " y = linear(x = x, weight = tensor<fp32, [1, 2]>([[3, -1]]), bias = " V("1", 0.5) ");", "y", {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, {1.5, 5.5, 9.5, 13.5, 17.5}},
        {F("2, 2") " x, " F("2, 3") " y", F("2, 3") " a = matmul(x = x, y = y, transpose_x = bool(false), transpose_y = bool(false));\n"
         F("2, 3") " b = matmul(x = x, y = y, transpose_x = bool(true), transpose_y = bool(false));", "a, b", {{1, 2, 3, 4}, {1, 2, 3, 4, 5, 6}}, {9, 12, 15, 19, 26, 33, 13, 17, 21, 18, 24, 30}},
        {F("2, 1, 2") " x, " F("3, 2") " y", F("2, 1, 3") " a = matmul(x = x, y = y, transpose_x = bool(false), transpose_y = bool(true));", "a", {{1, 2, 3, 4}, {1, 0, 0, 1, 1, 1}}, {1, 2, 3, 3, 4, 7}},
        {F("2, 2") " x, " F("3, 2, 1") " y", F("3, 2, 1") " a = matmul(x = x, y = y);", "a", {{1, 2, 3, 4}, {1, 0, 0, 1, 1, 1}}, {1, 3, 2, 4, 3, 7}},
        {F("2") " x, " F("2, 2") " y", F("2") " a = matmul(x = x, y = y);\n"
         F("2") " b = matmul(x = y, y = x);", "a, b", {{1, 2}, {1, 2, 3, 4}}, {7, 10, 5, 11}},
        {F("1, 2, 1, 2") " x, " F("1, 2, 1, 2") " y", F("1, 2, 1, 2") " a = einsum(values = (x, y), equation = " S("nchw,nwhu->nchu") ");", "a", {{1, 2, 3, 4}, {1, 2, 3, 4}}, {7, 10, 15, 22}},
        {F("1, 1, 1, 2") " q, " F("1, 1, 3, 2") " k, " F("1, 1, 3, 1") " v", F("1, 1, 1, 1") " a = scaled_dot_product_attention(query = q, key = k, value = v);\ntensor<bool, [1, 3]> m = const()[val = tensor<bool, [1, 3]>([[true, true, false]])];\n"
         F("1, 1, 1, 1") " b = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = m);\n"
         F("1, 1, 1, 1") " c = scaled_dot_product_attention(query = q, key = k, value = v, attn_mask = tensor<fp32, [1, 1, 1, 3]>([[[[1, 0, -1]]]]));", "a, b, c", {{1, 0}, {1, 0, 0, 1, 1, 1}, {1, 2, 3}}, {2, 1.3302384507, 1.3433217723}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void convolutions(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("1, 2, 3") " x", F("1, 1, 2") " y = conv(x = x, weight = tensor<fp32, [1, 2, 2]>([[[1, 2], [10, 20]]]), bias = " V("1", 0.5) ", strides = " N("1", 1) ", pad_type = " S("valid") ", pad = " N("2", 0, 0) ", dilations = " N("1", 1) ", groups = int32(1));", "y", {{1, 2, 3, 4, 5, 6}}, {145.5, 178.5}},
        {F("1, 1, 3, 3") " x", F("1, 1, 3, 3") " a = conv(x = x, weight = tensor<fp32, [1, 1, 3, 3]>([[[[0, 1, 0], [1, 1, 1], [0, 1, 0]]]]), pad_type = " S("custom") ", pad = " N("4", 1, 1, 1, 1) ");\n"
         F("1, 1, 2, 2") " b = conv(x = x, weight = tensor<fp32, [1, 1, 1, 1]>([[[[2]]]]), strides = " N("2", 2, 2) ", pad_type = " S("valid") ");\n"
         F("1, 1, 1, 1") " c = conv(x = x, weight = tensor<fp32, [1, 1, 2, 2]>([[[[1, 1], [1, 1]]]]), dilations = " N("2", 2, 2) ", pad_type = " S("valid") ");", "a, b, c", {{1, 2, 3, 4, 5, 6, 7, 8, 9}}, {7, 11, 11, 17, 25, 23, 19, 29, 23, 2, 6, 14, 18, 20}},
        /* groups; the odd padding of "same" after, of "same_lower" before */
        {F("1, 2, 4") " x", F("1, 2, 4") " a = conv(x = x, weight = tensor<fp32, [2, 1, 2]>([[[1, 1]], [[1, -1]]]), pad_type = " S("same") ", groups = int32(2));\n"
         F("1, 2, 4") " b = conv(x = x, weight = tensor<fp32, [2, 1, 2]>([[[1, 1]], [[1, -1]]]), pad_type = " S("same_lower") ", groups = int32(2));", "a, b", {{1, 2, 3, 4, 5, 6, 7, 8}}, {3, 5, 7, 4, -1, -1, -1, 8, 1, 3, 5, 7, -5, -1, -1, -1}},
        {F("1, 1, 2, 2, 2") " x", F("1, 1, 1, 1, 1") " y = conv(x = x, weight = tensor<fp32, [1, 1, 2, 2, 2]>([[[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]]), pad_type = " S("valid") ");", "y", {{1, 2, 3, 4, 5, 6, 7, 8}}, {204}},
        {F("1, 1, 3") " x", F("1, 1, 7") " a = conv_transpose(x = x, weight = tensor<fp32, [1, 1, 3]>([[[1, 2, 3]]]), strides = " N("1", 2) ", pad_type = " S("valid") ");\n"
         F("1, 1, 5") " b = conv_transpose(x = x, weight = tensor<fp32, [1, 1, 3]>([[[1, 2, 3]]]), strides = " N("1", 2) ", pad_type = " S("custom") ", pad = " N("2", 1, 1) ");\n"
         F("1, 1, 6") " c = conv_transpose(x = x, weight = tensor<fp32, [1, 1, 3]>([[[1, 2, 3]]]), strides = " N("1", 2) ", pad_type = " S("same") ");", "a, b, c", {{1, 10, 100}}, {1, 2, 13, 20, 130, 200, 300, 2, 13, 20, 130, 200, 1, 2, 13, 20, 130, 200}},
        /* two groups of one input and two output channels */
        {F("1, 2, 1, 1") " x", F("1, 4, 1, 2") " a = conv_transpose(x = x, weight = tensor<fp32, [2, 2, 1, 2]>([[[[1, 2]], [[3, 4]]], [[[5, 6]], [[7, 8]]]]), groups = int32(2), bias = " V("4", 0, 0, 0, 100) ", pad_type = " S("valid") ");", "a", {{1, 10}}, {1, 2, 3, 4, 50, 60, 170, 180}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void pools(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("1, 1, 2, 4") " x", F("1, 1, 1, 2") " a = max_pool(x = x, kernel_sizes = " N("2", 2, 2) ", strides = " N("2", 2, 2) ", pad_type = " S("valid") ");\n"
         F("1, 1, 1, 2") " b = avg_pool(x = x, kernel_sizes = " N("2", 2, 2) ", strides = " N("2", 2, 2) ", pad_type = " S("valid") ");\n"
         F("1, 1, 1, 2") " c = l2_pool(x = x, kernel_sizes = " N("2", 1, 2) ", strides = " N("2", 2, 2) ", pad_type = " S("valid") ");", "a, b, c", {{3, -4, 6, 8, -1, -2, -3, -9}}, {3, 8, -1, 0.5, 5, 10}},
        /* padding counts, or does not */
        {F("1, 1, 4") " x", F("1, 1, 3") " a = avg_pool(x = x, kernel_sizes = " N("1", 2) ", strides = " N("1", 2) ", pad_type = " S("custom") ", pad = " N("2", 1, 1) ", exclude_padding_from_average = bool(false));\n"
         F("1, 1, 3") " b = avg_pool(x = x, kernel_sizes = " N("1", 2) ", strides = " N("1", 2) ", pad_type = " S("custom") ", pad = " N("2", 1, 1) ", exclude_padding_from_average = bool(true));\n"
         F("1, 1, 3") " c = max_pool(x = x, kernel_sizes = " N("1", 2) ", strides = " N("1", 2) ", pad_type = " S("custom") ", pad = " N("2", 1, 1) ");", "a, b, c", {{-2, 4, 6, -8}}, {-1, 5, -4, -2, 5, -8, -2, 6, -8}},
        /* what ceil_mode adds is in no divisor */
        {F("1, 1, 5") " x", F("1, 1, 3") " a = avg_pool(x = x, kernel_sizes = " N("1", 2) ", strides = " N("1", 2) ", pad_type = " S("valid") ", ceil_mode = bool(true));\n"
         F("1, 1, 2") " b = max_pool(x = x, kernel_sizes = " N("1", 2) ", strides = " N("1", 2) ", pad_type = " S("valid") ", ceil_mode = bool(false));", "a, b", {{1, 3, 5, 7, 9}}, {2, 6, 9, 3, 7}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void norms(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("1, 4") " x", F("1, 4") " a = layer_norm(x = x, axes = " N("1", -1) ", epsilon = fp32(1e-5));\n"
         F("1, 4") " b = layer_norm(x = x, axes = " N("1", 1) ", epsilon = fp32(1e-5), gamma = " V("4", 1, 2, 3, 10) ", beta = " V("4", 0, 0, 7, 1) ");", "a, b", {{1, 2, 3, 6}}, {-1.069043440, -0.5345217202, 0, 1.603565161, -1.069043440, -1.069043440, 7, 17.03565161}},
        /* over both last axes */
        {F("2, 2, 1") " x", F("2, 2, 1") " a = layer_norm(x = x, axes = " N("2", 1, 2) ", epsilon = fp32(0));", "a", {{1, 3, -5, -9}}, {-1, 1, 1, -1}},
        {F("1, 2, 2") " x", F("1, 2, 2") " a = batch_norm(x = x, mean = " V("2", 1, 2) ", variance = " V("2", 4, 16) ", gamma = " V("2", 2, 8) ", beta = " V("2", 1, 0) ", epsilon = fp32(0));", "a", {{1, 3, 6, -2}}, {1, 3, 8, -8}},
        {F("1, 2, 2") " x", F("1, 2, 2") " a = instance_norm(x = x, gamma = " V("2", 1, 3) ", beta = " V("2", 0, 1) ", epsilon = fp32(0));", "a", {{1, 3, 6, -2}}, {-1, 1, 4, -2}},
        {F("1, 2, 1, 1") " x", F("1, 2, 1, 1") " a = l2_norm(x = x, epsilon = fp32(0));", "a", {{3, 4}}, {0.6, 0.8}},
        {F("1, 3, 1") " x", F("1, 3, 1") " a = local_response_norm(x = x, size = int32(3), alpha = fp32(0.5), beta = fp32(2), k = fp32(1));", "a", {{1, 2, 3}}, {0.2975206612, 0.18, 0.2991689751}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

#define LSTM                                                                                       \
    "weight_ih = tensor<fp32, [4, 1]>([[1], [0.5], [-1], [2]]), weight_hh = tensor<fp32, [4, "     \
    "1]>([[0.5], [1], [0.25], [-1]]), bias = tensor<fp32, [4]>([0.1, 0.2, 0.3, 0.4])"
#define BACK                                                                                       \
    "weight_ih_back = tensor<fp32, [4, 1]>([[0.5], [0.5], [0.5], [0.5]]), weight_hh_back = "       \
    "tensor<fp32, [4, 1]>([[1], [1], [1], [1]])"
#define GRU                                                                                        \
    "weight_ih = tensor<fp32, [3, 1]>([[1], [0.5], [-1]]), weight_hh = tensor<fp32, [3, "          \
    "1]>([[0.5], [1], [0.25]]), bias = tensor<fp32, [3]>([0.1, 0.2, 0.3])"

static void recurrent(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("2, 1, 1") " x, " F("1, 1") " h, " F("1, 1") " c", F("2, 1, 1") " y, " F("1, 1") " hn, " F("1, 1") " cn = lstm(x = x, initial_h = h, initial_c = c, " LSTM ", direction = " S("forward") ", output_sequence = bool(true));", "y, hn, cn", {{1, -1}, {0.5}, {0.25}}, {0.2666294751, 0.1306370506, 0.1306370506, 0.1654369411}},
        {F("2, 1, 1") " x, " F("1, 1") " h, " F("1, 1") " c", F("1, 1, 1") " y, " F("1, 1") " hn, " F("1, 1") " cn = lstm(x = x, initial_h = h, initial_c = c, " LSTM ", peephole = " V("3", 0.1, 0.2, 0.3) ", clip = fp32(0.3), direction = " S("forward") ", output_sequence = bool(false));", "y, hn, cn", {{1, -1}, {0.5}, {0.25}}, {-0.1144316078, -0.1144316078, -0.1471874048}},
        /* the way back lies at its time */
        {F("2, 1, 1") " x, " F("1, 2") " h, " F("1, 2") " c", F("2, 1, 2") " y, " F("1, 2") " hn, " F("1, 2") " cn = lstm(x = x, initial_h = h, initial_c = c, " LSTM ", " BACK ", direction = " S("bidirectional") ", output_sequence = bool(true));", "y, hn, cn", {{1, -1}, {0.5, -0.5}, {0.25, 0}}, {0.2666294751, 0.0789006106, 0.1306370506, -0.0543280905, 0.1306370506, 0.0789006106, 0.1654369411, 0.1301581382}},
        {F("2, 1, 1") " x, " F("1, 1") " h", F("2, 1, 1") " y, " F("1, 1") " hn = gru(x = x, initial_h = h, " GRU ", direction = " S("forward") ", output_sequence = bool(true));\n"
         F("2, 1, 1") " z, " F("1, 1") " zn = gru(x = x, initial_h = h, " GRU ", input_bias = " V("3", 0.05, 0.1, 0.15) ", reset_after = bool(true), direction = " S("reverse") ", output_sequence = bool(true));", "y, hn, z, zn", {{1, -1}, {0.5}}, {0.6916178960, 0.5537530319, 0.5537530319, 0.3883846180, 0.6328111330, 0.6328111330}},
        {F("2, 1, 1") " x, " F("1, 1") " h", F("2, 1, 1") " y, " F("1, 1") " hn = rnn(x = x, initial_h = h, weight_ih = tensor<fp32, [1, 1]>([[2]]), weight_hh = tensor<fp32, [1, 1]>([[-1]]), bias = " V("1", 0.25) ", direction = " S("forward") ", output_sequence = bool(true), activation = " S("tanh") ");", "y, hn", {{1, -1}, {0.5}}, {0.9413755385, -0.9908517121, -0.9908517121}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

#define BILINEAR(name, width, mode)                                                                \
    F("1, 1, " width)                                                                              \
    " " name " = resize_bilinear(x = x, target_size_height = int32(1), target_size_width "         \
    "= int32(" width "), sampling_mode = " S(mode) ");\n"

static void resizing(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("1, 1, 2") " x", BILINEAR("a", "5", "STRICT_ALIGN_CORNERS") BILINEAR("b", "5", "DEFAULT") BILINEAR("c", "5", "OFFSET_CORNERS") BILINEAR("d", "6", "UNALIGN_CORNERS") BILINEAR("e", "1", "ALIGN_CORNERS"), "a, b, c, d, e", {{0, 1}}, {0, 0.25, 0.5, 0.75, 1, 0, 0.4, 0.8, 1, 1, 0.1, 0.3, 0.5, 0.7, 0.9, 0, 0, 1.0 / 3, 2.0 / 3, 1, 1, 0.5}},
        {F("1, 1, 2") " x", F("1, 1, 6") " a = upsample_bilinear(x = x, scale_factor_height = int32(1), scale_factor_width = int32(3), align_corners = bool(true));\n"
         F("1, 1, 5") " b = upsample_bilinear(x = x, scale_factor_height = fp32(1), scale_factor_width = fp32(2.6), align_corners = bool(false));", "a, b", {{0, 1}}, {0, 0.2, 0.4, 0.6, 0.8, 1, 0, 0.1, 0.5, 0.9, 1}},
        {F("1, 1, 2, 2") " x", F("1, 1, 4, 2") " a = upsample_nearest_neighbor(x = x, scale_factor_height = int32(2), scale_factor_width = int32(1));\n"
         F("1, 1, 1, 3") " b = resize_nearest_neighbor(x = x, target_size_height = int32(1), target_size_width = int32(3));\n"
         F("1, 1, 2, 4") " c = resize(x = x, shape = " N("2", 0, 4) ", resized_dims = uint32(2), interpolation_mode = " S("LINEAR") ", sampling_mode = " S("UNALIGN_CORNERS") ");\n"
         F("1, 1, 2, 4") " d = resize(x = x, shape = " N("1", 4) ", resized_dims = uint32(1), interpolation_mode = " S("NEAREST_NEIGHBOR") ", sampling_mode = " S("DEFAULT") ");", "a, b, c, d", {{1, 2, 3, 4}}, {1, 2, 1, 2, 3, 4, 3, 4, 1, 1, 2, 1, 1.25, 1.75, 2, 3, 3.25, 3.75, 4, 1, 1, 2, 2, 3, 3, 4, 4}},
        {F("1, 1, 4, 4") " x, " F("1, 4") " b", F("1, 1, 2, 2") " y = crop_resize(x = x, boxes = b, target_height = int32(2), target_width = int32(2), sampling_mode = " S("ALIGN_CORNERS") ");\n"
         F("1, 1, 1, 1") " z = crop_resize(x = x, boxes = b, target_height = int32(1), target_width = int32(1), sampling_mode = " S("ALIGN_CORNERS") ");\n"
         F("1, 1, 2, 2") " w = crop_resize(x = x, boxes = tensor<fp32, [1, 4]>([[2, 2, 1, 1]]), target_height = int32(2), target_width = int32(2), sampling_mode = " S("ALIGN_CORNERS") ");", "y, z, w", {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {1, 1, 2, 2}}, {6, 7, 10, 11, 8.5, 11, 10, 7, 6}},
        {F("1, 1, 2, 2") " x, " F("1, 1, 4, 2") " c", F("1, 1, 1, 4") " a = resample(x = x, coordinates = c, sampling_mode = " S("bilinear") ", padding_mode = " S("constant") ", padding_value = fp32(10), coordinates_mode = " S("unnormalized") ", align_corners = bool(true));\n"
         F("1, 1, 1, 4") " b = resample(x = x, coordinates = c, sampling_mode = " S("nearest") ", padding_mode = " S("border") ", padding_value = fp32(0), coordinates_mode = " S("unnormalized") ", align_corners = bool(true));", "a, b", {{1, 2, 3, 4}, {0.5, 0, 1, 0.5, 2, 1, -0.5, 0}}, {1.5, 3, 10, 5.5, 1, 2, 4, 1}},
        /* mirrored */
        {F("1, 1, 2, 2") " x", F("1, 1, 2, 2") " a = affine(x = x, transform_matrix = tensor<fp32, [1, 6]>([[-1, 0, 0, 0, 1, 0]]), output_height = int32(2), output_width = int32(2), sampling_mode = " S("bilinear") ", padding_mode = " S("constant") ", padding_value = fp32(0), coordinates_mode = " S("normalized_minus_one_to_one") ", align_corners = bool(true));", "a", {{1, 2, 3, 4}}, {2, 1, 4, 3}},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void suppression(void **state) {
    /* clang-format off: an op to a line */
    static const op_case cases[] = {
        {F("1, 3, 4") " b, " F("1, 3, 1") " s", F("1, 3, 4") " ob, " F("1, 3, 1") " os, " I("1, 3") " i, " I("1") " n = non_maximum_suppression(boxes = b, scores = s, iou_threshold = fp32(0.5), score_threshold = fp32(0.1), max_boxes = int32(3), per_class_suppression = bool(false));", "i, n, os", {{0, 0, 2, 2, 0.1, 0, 2, 2, 9, 9, 2, 2}, {0.5, 0.9, 0.3}}, {1, 2, -1, 2, 0.9, 0.3, 0}, "ios15"},
    };
    /* clang-format on */
    CHECK_CASES(cases);
}

static void failures(void **state) {
    static const op_failure cases[] = {
        {F("2, 3") " x",
         F("2, 2") " y = linear(x = x, weight = tensor<fp32, [2, 2]>([[1, 2], [3, 4]]));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "do not fit each other"},
        {F("1, 1, 2") " x",
         F("1, 1, 1") " y = conv(x = x, weight = tensor<fp32, [1, 1, 3]>([[[1, 2, "
                      "3]]]), strides = " N("1", 1) ", pad_type = " S("valid") ", dilations = " N(
                          "1", 1) ", groups = int32(1));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "a window of 3 does not fit 2 elements"},
        {F("1, 1, 2") " x",
         F("1, 1, 1") " y = conv(x = x, weight = tensor<fp32, [1, 1, 2]>([[[1, 2]]]), "
                      "strides = " N("1", 0) ", pad_type = " S("valid") ", dilations = " N(
                          "1", 1) ", groups = int32(1));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "strides holds 0"},
        {F("1, 1, 2") " x",
         F("1, 1, 1") " y = max_pool(x = x, kernel_sizes = " N("1", 2) ", strides = " N(
             "1", 1) ", pad_type = " S("sideways") ", ceil_mode = bool(false));",
         "y",
         {{0}},
         ANM_ERROR_UNSUPPORTED,
         "\"sideways\" is unknown"},
        {F("2, 2") " x, " F("3, 2") " z",
         F("2, 2") " y = matmul(x = x, y = z, transpose_x = bool(false), "
                   "transpose_y = bool(false));",
         "y",
         {{0}},
         ANM_ERROR_MISMATCH,
         "inner dimensions are 2 and 3"},
        {F("2, 2") " x",
         F("2, 2") " y = einsum(values = (x, x), equation = " S("ab,bc") ");",
         "y",
         {{0}},
         ANM_ERROR_UNSUPPORTED,
         "is not supported"},
        {F("1, 1, 2") " x",
         F("1, 1, 4") " y = resize_bilinear(x = x, target_size_height = int32(1), "
                      "target_size_width = int32(4), sampling_mode = " S("NEARLY") ");",
         "y",
         {{0}},
         ANM_ERROR_UNSUPPORTED,
         "\"NEARLY\" is unknown"},
    };
    CHECK_FAILURES(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),    cmocka_unit_test(convolutions), cmocka_unit_test(pools),
        cmocka_unit_test(norms),       cmocka_unit_test(recurrent),    cmocka_unit_test(resizing),
        cmocka_unit_test(suppression), cmocka_unit_test(failures),
        cmocka_unit_test(the_engine_took_part),
    };
    return cmocka_run_group_tests_name("interp_nn", tests, NULL, NULL);
}
