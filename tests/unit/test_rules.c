/* SPDX-License-Identifier: MIT */
/*
 * The op table and its type rules: what each rule gives, what it refuses, and that table and
 * interpreter know the same ops. A case is one op in the text form with the function's inputs.
 */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/str.h"
#include "src/interp/constexpr.h"
#include "src/interp/kernels.h"
#include "src/mil/ops.h"
#include "src/mil/text.h"

typedef struct rule_case {
    const char *inputs, *op;
    int outputs;
    const char *want; /* the types, or a part of the message */
} rule_case;

#define H(shape) "tensor<fp16, " shape ">"
#define F(shape) "tensor<fp32, " shape ">"
#define I(shape) "tensor<int32, " shape ">"
#define B(shape) "tensor<bool, " shape ">"
#define U8(shape) "tensor<uint8, " shape ">"
#define INTS(n, values) "tensor<int32, [" #n "]>([" values "])"
#define BOOLS(n, values) "tensor<bool, [" #n "]>([" values "])"
#define HALFS(n, values) "tensor<fp16, [" #n "]>([" values "])"
#define STR(text) "string(\"" text "\")"
#define BLOB(shape)                                                                                \
    H(shape) "(BLOBFILE(path = " STR("w") ", offset = uint64(64)))"
#define SAMPLING                                                                                   \
    "sampling_mode = " STR("bilinear") ", padding_mode = " STR("constant") ", padding_value = "    \
    "fp16(0), coordinates_mode = " STR("normalized_minus_one_to_one") ", align_corners = "         \
    "bool(false)"
#define LSTM                                                                                       \
    "tensor<fp16, [5, 2, 3]> x, tensor<fp16, [2, 4]> h, tensor<fp16, [2, 4]> c"
#define WEIGHTS(rows, in, hidden)                                                                  \
    "weight_ih = tensor<fp16, [" #rows ", " #in "]>(BLOBFILE(path = " STR("w")                     \
    ", offset = uint64(64))), weight_hh = tensor<fp16, [" #rows ", " #hidden "]>(BLOBFILE(path = " \
    STR("w") ", offset = uint64(64)))"

/* ---- what rules give ---- */

static const rule_case good[] = {
    {H("[2, 1, 4]") " x, " H("[3, 1]") " y", "add(x = x, y = y)", 1, H("[2, 3, 4]")},
    {H("[?, 4]") " x, " H("[1, 4]") " y", "mul(x = x, y = y)", 1, H("[?, 4]")},
    {I("[4]") " x, int32 y", "less(x = x, y = y)", 1, B("[4]")},
    {B("[2, 1]") " x, " B("[3]") " y", "logical_and(x = x, y = y)", 1, B("[2, 3]")},
    {B("[2, 1]") " c, " H("[3]") " a, fp16 b", "select(a = a, b = b, cond = c)", 1, H("[2, 3]")},
    {H("[2]") " x", "cast(dtype = " STR("int32") ", x = x)", 1, I("[2]")},
    {H("[2]") " x", "gelu(mode = " STR("TANH_APPROXIMATION") ", x = x)", 1, H("[2]")},
    {H("[2]") " x", "log(x = x)", 1, H("[2]")},
    {H("[1, 2, 3]") " x", "prelu(alpha = " HALFS(2, "1, 2") ", x = x)", 1, H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "leaky_relu(alpha = fp16(0.5), x = x)", 1, H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "softmax(axis = int32(-3), x = x)", 1, H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "cumsum(x = x)", 1, H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "band_part(lower = int32(0), x = x)", 1, H("[1, 2, 3]")},
    {"", "const()[val = int32(3)]", 1, I("[]")},

    {H("[4, 6]") " x", "reshape(shape = " INTS(3, "0, 2, -1") ", x = x)", 1, H("[?, ?, ?]")},
    {H("[4, 6]") " x", "reshape(shape = " INTS(2, "-1, 8") ", x = x)", 1, H("[3, 8]")},
    {H("[?, 6]") " x", "reshape(shape = " INTS(2, "0, -1") ", x = x)", 1, H("[?, ?]")},
    {H("[4, 6]") " x, " I("[3]") " s", "reshape(shape = s, x = x)", 1, H("[?, ?, ?]")},
    {H("[4, 6]") " x", "transpose(perm = " INTS(2, "-1, 0") ", x = x)", 1, H("[6, 4]")},
    {H("[4, 6]") " x", "expand_dims(axes = " INTS(2, "0, -1") ", x = x)", 1, H("[1, 4, 6, 1]")},
    {H("[1, 6, 1]") " x", "squeeze(axes = " INTS(1, "-1") ", x = x)", 1, H("[1, 6]")},
    {H("[1, 6, 1]") " x", "squeeze(x = x)", 1, H("[6]")},
    {H("[1, 6]") " x", "squeeze(axes = " INTS(2, "0, 1") ", x = x)", 1, H("[6]")},
    {H("[?, 6]") " x", "squeeze(axes = " INTS(1, "0") ", x = x)", 1, H("[...]")},
    {H("[?, 1]") " x", "squeeze(axes = " INTS(1, "1") ", x = x)", 1, H("[?]")},
    {H("[2, 3]") " x, " H("[2, ?]") " y", "concat(axis = int32(-1), values = (x, y))", 1,
     H("[2, ?]")},
    {H("[2, 3]") " x, " H("[2, 1]") " y", "concat(axis = int32(1), values = (x, y))", 1,
     H("[2, 4]")},
    {"int32 x, int32 y", "concat(axis = int32(0), values = (x, y))", 1, I("[2]")},
    {H("[2, ?]") " x, " H("[2, 3]") " y",
     "concat(axis = int32(1), interleave = bool(true), values = (x, y))", 1, H("[2, 6]")},
    {H("[2, 3]") " x, " H("[?, 3]") " y", "stack(axis = int32(1), values = (x, y))", 1,
     H("[2, 2, 3]")},
    {H("[2, 6]") " x", "split(axis = int32(1), num_splits = int32(2), x = x)", 2,
     H("[2, 3]") " " H("[2, 3]")},
    {H("[2, 6]") " x", "split(axis = int32(-1), split_sizes = " INTS(2, "1, 5") ", x = x)", 2,
     H("[2, 1]") " " H("[2, 5]")},
    {H("[2, 3]") " x", "tile(reps = " INTS(2, "2, 1") ", x = x)", 1, H("[4, 3]")},
    {H("[2, ?]") " x", "shape(x = x)", 1, I("[2]")},
    {"int32 e", "range_1d(end = e, start = int32(0), step = int32(1))", 1, I("[?]")},
    {"", "range_1d(end = int32(7), start = int32(0), step = int32(2))", 1, I("[4]")},
    {"", "range_1d(end = int32(0), start = int32(4), step = int32(-3))", 1, I("[2]")},
    {"", "fill(shape = " INTS(2, "2, 3") ", value = fp16(1))", 1, H("[2, 3]")},
    {I("[2]") " s", "fill(shape = s)", 1, F("[?, ?]")},
    {H("[2, ?]") " x", "fill_like(ref_tensor = x, value = int32(1))", 1, I("[2, ?]")},
    {H("[2, 3, 4]") " x", "flatten2d(axis = int32(-1), x = x)", 1, H("[6, 4]")},
    {H("[2, ?, 4]") " x", "flatten2d(axis = int32(1), x = x)", 1, H("[2, ?]")},
    {H("[2, 3]") " x", "non_zero(x = x)", 1, I("[?, 2]")},
    {I("[2, 3]") " x", "one_hot(axis = int32(1), indices = x, one_hot_vector_size = int32(5))", 1,
     I("[2, 5, 3]")},
    {I("[2]") " x, int32 n", "one_hot(indices = x, on_value = fp16(1), one_hot_vector_size = n)", 1,
     H("[2, ?]")},
    {"", "random_normal(mean = fp16(0), shape = " INTS(1, "3") ", stddev = fp16(1))", 1, H("[3]")},
    {H("[2, 9]") " x", "random_categorical(size = int32(4), x = x)", 1, H("[2, 4]")},
    {H("[2, 3]") " x, " H("[3, 2]") " r",
     "reshape_like(begins = (int32(0)), end_masks = (bool(true)), ends = (int32(0)), ref_tensors = "
     "(r), x = x)",
     1, H("[3, 2]")},
    {H("[2, 3]") " x", "reverse(axes = " INTS(1, "-1") ", x = x)", 1, H("[2, 3]")},
    {H("[2, 3]") " x, " I("[3]") " l",
     "reverse_sequence(batch_axis = int32(1), lengths = l, x = x)", 1, H("[2, 3]")},
    {H("[2, 9]") " x",
     "sliding_windows(axis = int32(1), size = int32(4), stride = int32(2), x = x)", 1,
     H("[2, 3, 4]")},

    {H("[4, 6, 8]") " x",
     "slice_by_index(begin = " INTS(3, "1, -2, 0") ", end = " INTS(3, "0, 6, 8")
     ", end_mask = " BOOLS(3, "true, false, false") ", squeeze_mask = "
     BOOLS(3, "false, false, true") ", stride = " INTS(3, "2, 1, 1") ", x = x)",
     1, H("[2, 2]")},
    {H("[4, 6]") " x, " I("[2]") " b",
     "slice_by_index(begin = b, end = " INTS(2, "4, 6") ", x = x)", 1, H("[?, ?]")},
    {H("[4, 6]") " x", "slice_by_size(begin = " INTS(2, "1, 0") ", size = " INTS(2, "-1, 2")
     ", x = x)", 1, H("[3, 2]")},
    {H("[4, 6]") " x, " I("[2]") " b", "slice_by_size(begin = b, size = " INTS(2, "-1, 2")
     ", x = x)", 1, H("[?, 2]")},
    {H("[4, 6]") " x, " H("[1, 6]") " u, " I("[2]") " b",
     "slice_update(begin = b, end = b, update = u, x = x)", 1, H("[4, 6]")},
    {H("[4, 6]") " x, " H("[2]") " u",
     "slice_update(begin = " INTS(2, "-1, 1") ", end = " INTS(2, "0, -2") ", squeeze_mask = "
     BOOLS(2, "true, false") ", stride = " INTS(2, "1, 2") ", update = u, x = x)", 1, H("[4, 6]")},
    {H("[4, 6]") " x, " I("[2, 5]") " i", "gather(axis = int32(0), indices = i, x = x)", 1,
     H("[2, 5, 6]")},
    {H("[4, 6]") " x, " I("[4, 5]") " i",
     "gather(axis = int32(1), batch_dims = int32(1), indices = i, x = x)", 1, H("[4, 5]")},
    {H("[4, 6]") " x, " I("[4, 2]") " i", "gather_along_axis(axis = int32(1), indices = i, x = x)",
     1, H("[4, 2]")},
    {H("[4, 6, 7]") " x, " I("[5, 2]") " i", "gather_nd(indices = i, x = x)", 1, H("[5, 7]")},
    {H("[4, 6, 7]") " x, " I("[4, 5, 1]") " i",
     "gather_nd(batch_dims = int32(1), indices = i, x = x)", 1, H("[4, 5, 7]")},
    {H("[4, 6]") " x, " I("[2]") " i, " H("[4, 2]") " u",
     "scatter(axis = int32(1), data = x, indices = i, updates = u)", 1, H("[4, 6]")},
    {H("[4, 6]") " x, " I("[4, 2]") " i, " H("[4, 2]") " u",
     "scatter_along_axis(axis = int32(1), data = x, indices = i, updates = u)", 1, H("[4, 6]")},
    {H("[4, 6]") " x, " I("[3, 1]") " i, " H("[3, 6]") " u",
     "scatter_nd(data = x, indices = i, mode = " STR("update") ", updates = u)", 1, H("[4, 6]")},

    {H("[1, 4, 9, 9]") " x, " H("[8, 2, 3, 3]") " w",
     "conv(groups = int32(2), pad = " INTS(4, "1, 1, 0, 0") ", pad_type = " STR("custom")
     ", strides = " INTS(2, "2, 1") ", weight = w, x = x)",
     1, H("[1, 8, 5, 7]")},
    {H("[1, 4, ?]") " x, " H("[8, 4, 3]") " w",
     "conv(pad_type = " STR("same") ", weight = w, x = x)", 1, H("[1, 8, ?]")},
    {H("[1, 4, 5]") " x, " H("[4, 3, 3]") " w",
     "conv_transpose(groups = int32(2), strides = " INTS(1, "2") ", weight = w, x = x)", 1,
     H("[1, 6, 11]")},
    {H("[1, 4, 5]") " x, " H("[4, 3, 3]") " w",
     "conv_transpose(pad = " INTS(2, "1, 0") ", pad_type = " STR("custom")
     ", weight = w, x = x)", 1, H("[1, 3, 6]")},
    {H("[1, 4, 5]") " x, " H("[4, 3, 3]") " w",
     "conv_transpose(output_shape = " INTS(3, "1, 3, 6") ", weight = w, x = x)", 1,
     H("[1, 3, 6]")},
    {H("[1, 4, 9]") " x",
     "max_pool(ceil_mode = bool(true), kernel_sizes = " INTS(1, "2") ", pad_type = " STR("valid")
     ", strides = " INTS(1, "2") ", x = x)",
     1, H("[1, 4, 5]")},
    {H("[1, 4, 5]") " x",
     "max_pool(ceil_mode = bool(true), kernel_sizes = " INTS(1, "2") ", pad = " INTS(2, "1, 1")
     ", pad_type = " STR("custom") ", strides = " INTS(1, "3") ", x = x)", 1, H("[1, 4, 2]")},
    {H("[1, 4, 5]") " x",
     "max_pool(ceil_mode = bool(true), kernel_sizes = " INTS(1, "1") ", pad = " INTS(2, "1, 1")
     ", pad_type = " STR("custom") ", strides = " INTS(1, "6") ", x = x)", 1, H("[1, 4, 1]")},
    {H("[1, 4, 5]") " x, " H("[8, 4, ?]") " w", "conv(weight = w, x = x)", 1, H("[1, 8, ?]")},
    {H("[1, 4, 5]") " x, " H("[4, 3, 9]") " w",
     "conv_transpose(pad_type = " STR("same") ", strides = " INTS(1, "2") ", weight = w, x = x)", 1,
     H("[1, 3, 10]")},
    {H("[5, 4]") " x, " H("[3, 4]") " w", "linear(weight = w, x = x)", 1, H("[5, 3]")},
    {H("[2, 1, 3, 4]") " x, " H("[5, 6, 4]") " y",
     "matmul(transpose_y = bool(true), x = x, y = y)", 1, H("[2, 5, 3, 6]")},
    {H("[4]") " x, " H("[4, 6]") " y", "matmul(x = x, y = y)", 1, H("[6]")},
    {F("[3, 2]") " x", "matmul(x = x, y = " HALFS(2, "1, 2") ")", 1, F("[3]")},
    {H("[2, 3, 4, 5]") " x, " H("[2, 5, 4, 6]") " y",
     "einsum(equation = " STR("nchw,nwhu->nchu") ", values = (x, y))", 1, H("[2, 3, 4, 6]")},
    {H("[1, 8, 5, 16]") " q, " H("[1, 8, 7, 16]") " k, " H("[1, 8, 7, 4]") " v, " H("[5, 7]") " m",
     "scaled_dot_product_attention(attn_mask = m, key = k, query = q, value = v)", 1,
     H("[1, 8, 5, 4]")},
    {H("[1, 2, 3]") " x",
     "batch_norm(mean = " HALFS(2, "0, 0") ", variance = " HALFS(2, "1, 1") ", x = x)", 1,
     H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "instance_norm(x = x)", 1, H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "l2_norm(x = x)", 1, H("[1, 2, 3]")},
    {H("[1, 2, 3]") " x", "layer_norm(axes = " INTS(1, "-1") ", gamma = " HALFS(3, "1, 1, 1")
     ", x = x)", 1, H("[1, 2, 3]")},
    {H("[2, 3]") " x", "reduce_sum(axes = " INTS(1, "-1") ", keep_dims = bool(true), x = x)", 1,
     H("[2, 1]")},
    {H("[2, 3]") " x", "reduce_max(x = x)", 1, H("[]")},
    {H("[2, 3]") " x", "reduce_argmax(axis = int32(0), x = x)", 1, I("[3]")},
    {H("[2, 3]") " x", "reduce_argmax(keep_dims = bool(true), output_dtype = " STR("uint16")
     ", x = x)", 1, "tensor<uint16, [2, 1]>"},
    {H("[2, 3]") " x", "argsort(x = x)", 1, I("[2, 3]")},
    {H("[2, 9]") " x", "topk(k = int32(4), x = x)", 2, H("[2, 4]") " " I("[2, 4]")},
    {H("[2, 9]") " x", "topk(axis = int32(0), k = int32(-1), return_indices = bool(false), x = x)",
     1, H("[2, 9]")},
    {LSTM, "lstm(initial_c = c, initial_h = h, output_sequence = bool(true), "
     WEIGHTS(16, 3, 4) ", x = x)", 3, H("[5, 2, 4]") " " H("[2, 4]") " " H("[2, 4]")},
    {LSTM, "gru(initial_h = h, " WEIGHTS(12, 3, 4) ", x = x)", 2, H("[1, 2, 4]") " " H("[2, 4]")},
    {LSTM, "rnn(initial_h = h, " WEIGHTS(4, 3, 4) ", x = x)", 2, H("[1, 2, 4]") " " H("[2, 4]")},

    {H("[1, 8, 2, 3]") " x", "depth_to_space(block_size = int32(2), x = x)", 1, H("[1, 2, 4, 6]")},
    {H("[1, 2, 4, ?]") " x", "space_to_depth(block_size = int32(2), x = x)", 1, H("[1, 8, 2, ?]")},
    {H("[1, 8, 2, 3]") " x", "pixel_shuffle(upscale_factor = int32(2), x = x)", 1,
     H("[1, 2, 4, 6]")},
    {H("[1, 2, 4, 6]") " x", "pixel_unshuffle(downscale_factor = uint32(2), x = x)", 1,
     H("[1, 8, 2, 3]")},
    {H("[1, 2, 3, 6]") " x", "space_to_batch(block_shape = " INTS(2, "2, 3")
     ", paddings = tensor<int32, [2, 2]>([[1, 0], [0, 0]]), x = x)", 1, H("[6, 2, 2, 2]")},
    {H("[6, 2, 2, 2]") " x", "batch_to_space(block_shape = " INTS(2, "2, 3")
     ", crops = tensor<int32, [2, 2]>([[1, 0], [0, 0]]), x = x)", 1, H("[1, 2, 3, 6]")},
    {H("[2, ?, 3]") " x", "pad(pad = " INTS(4, "1, 1, 0, 2") ", x = x)", 1, H("[2, ?, 5]")},
    {H("[2, 3]") " x, " I("[2]") " p", "pad(pad = p, x = x)", 1, H("[2, ?]")},
    {H("[1, 2, 8, 9]") " x", "crop(crop_height = " INTS(2, "1, 2") ", crop_width = "
     INTS(2, "0, 4") ", x = x)", 1, H("[1, 2, 5, 5]")},
    {H("[1, 2, 3, ?]") " x",
     "upsample_nearest_neighbor(scale_factor_height = fp32(2.5), scale_factor_width = int32(2), x "
     "= x)",
     1, H("[1, 2, 7, ?]")},
    {H("[1, 2, 3, 4]") " x", "resize_bilinear(target_size_height = int32(5), target_size_width = "
     "int32(6), x = x)", 1, H("[1, 2, 5, 6]")},
    {H("[1, 2, 3, 4]") " x", "resize(resized_dims = uint32(2), shape = " INTS(3, "9, 0, 8")
     ", x = x)", 1, H("[1, 2, 3, 8]")},
    {H("[2, 3, 8, 8]") " x, " H("[5, 4]") " b",
     "crop_resize(boxes = b, target_height = int32(2), target_width = int32(4), x = x)", 1,
     H("[5, 3, 2, 4]")},
    {H("[2, 3, 8, 8]") " x, " H("[5, 1, 4, 1, 1]") " r", "crop_resize(roi = r, x = x)", 1,
     H("[5, 2, 3, 1, 1]")},
    {H("[2, 3, 8, 8]") " x, " H("[2, 4, 5, 2]") " c", "resample(coordinates = c, " SAMPLING
     ", x = x)", 1, H("[2, 3, 4, 5]")},
    {H("[2, 3, 8, 8]") " x, " H("[2, 6]") " m", "affine(output_height = int32(4), output_width = "
     "int32(5), " SAMPLING ", transform_matrix = m, x = x)", 1, H("[2, 3, 4, 5]")},
    {H("[1, 9, 4]") " b, " H("[1, 9, 2]") " s",
     "non_maximum_suppression(boxes = b, iou_threshold = fp16(0.5), max_boxes = int32(3), "
     "score_threshold = fp16(0.5), scores = s)",
     4, H("[1, 3, 4]") " " H("[1, 3, 2]") " " I("[1, 3]") " " I("[1]")},
    {H("[1, 4, 9]") " b, " H("[1, 2, 9]") " s",
     "non_maximum_suppression(boxes = b, iou_threshold = fp16(0.5), max_boxes = int32(3), scores = "
     "s)",
     3, H("[1, 4, 3]") " " H("[1, 2, 3]") " " I("[1, 3]")},

    {"", "constexpr_affine_dequantize(axis = int32(0), quantized_data = tensor<int8, [2]>([1, 2]), "
     "scale = fp16(1), zero_point = int8(0))", 1, H("[2]")},
    {"", "constexpr_blockwise_shift_scale(data = tensor<int8, [1, 4]>([[1, 2, 3, 4]]), scale = "
     "tensor<fp16, [1, 2]>([[1, 2]]))", 1, H("[1, 4]")},
    {"", "constexpr_cast(output_dtype = " STR("fp32") ", source_val = " HALFS(2, "1, 2") ")", 1,
     F("[2]")},
    {"", "constexpr_lut_to_dense(indices = tensor<uint1, [2]>([0, 1]), lut = tensor<fp16, [1, 2, "
     "1]>([[[1], [2]]]))", 1, H("[2]")},
    {"", "constexpr_lut_to_sparse(indices_mask = tensor<uint1, [3]>([1, 0, 1]), "
     "indices_nonzero_data = tensor<uint1, [2]>([0, 1]), lut = tensor<fp16, [1, 2, 1]>([[[1], "
     "[2]]]))", 2, "tensor<uint1, [3]> " H("[2]")},
    {"", "constexpr_sparse_blockwise_shift_scale(data_mask = tensor<uint1, [4]>([1, 0, 0, 1]), "
     "nonzero_data = tensor<int8, [2]>([1, 2]), scale = " HALFS(2, "1, 2") ")", 2,
     "tensor<uint1, [4]> " H("[2]")},
    {"", "constexpr_sparse_to_dense(mask = tensor<uint8, [2]>([1, 1]), nonzero_data = "
     HALFS(2, "1, 2") ", shape = tensor<uint32, [2]>([3, 3]))", 1, H("[3, 3]")},
    {"", "constexpr_sparse_to_dense(mask = tensor<uint1, [3]>([1, 0, 1]), nonzero_data = "
     HALFS(2, "1, 2") ")", 1, H("[3]")},
    {H("[2, 3]") " x", "quantize(axis = int32(1), input = x, output_dtype = " STR("uint8")
     ", scale = " HALFS(3, "1, 2, 3") ")", 1, U8("[2, 3]")},
    {U8("[2, 3]") " x", "dequantize(input = x, scale = fp16(1), zero_point = uint8(3))", 1,
     H("[2, 3]")},

    {"state<" H("[1, 4]") "> s", "read_state(input = s)", 1, H("[1, 4]")},

    {H("[1, 5, 3]") " x", "anm_linear(weight = " BLOB("[2, 3, 1, 1]") ", x = x)", 1,
     H("[1, 5, 2]")},
    {H("[1, 5, 3]") " x, " H("[5, 2]") " r",
     "anm_linear(bias = " HALFS(2, "1, 2") ", residual = r, weight = " BLOB("[2, 3]") ", x = x)", 1,
     H("[1, 5, 2]")},
    {H("[1, 5, 3]") " x",
     "anm_linear_topk(bias = " HALFS(2, "1, 2") ", k = int32(1), weight = " BLOB("[2, 3]")
     ", x = x)",
     2, H("[1, 5, 1]") " " I("[1, 5, 1]")},
    {H("[4, 3]") " x", "anm_gated_linear(activation = " STR("silu") ", gate = " BLOB("[2, 3]")
     ", up = " BLOB("[2, 3]") ", x = x)", 1, H("[4, 2]")},
    {H("[1, 6, 5, 8]") " x, " H("[1, 1, 5, 4]") " c, " H("[1, 1, 5, 8]") " s",
     "anm_rope(cos = c, sin = s, x = x)", 1, H("[1, 6, 5, 8]")},
    {"state<" H("[4, 2, 9, 8]") "> s, " H("[1, 2, 3, 8]") " u, " I("[1]") " p",
     "anm_cache_update(axis = int32(2), begin = " INTS(4, "3, 0, 0, 0")
     ", input = s, position = p, update = u)", 0, ""},
    {H("[1, 6, 5, 8]") " q, " H("[1, 2, 9, 8]") " k, " H("[1, 2, 9, 4]") " v, " H("[5, 9]") " m",
     "anm_attention(key = k, mask = m, query = q, scale = fp32(0.5), value = v)", 1,
     H("[1, 6, 5, 4]")},
    {"state<" H("[1, 4]") "> s, " H("[1, 4]") " x", "write_state(data = x, input = s)", 0, ""},
    {"state<" H("[1, 4]") "> s, " H("[1, 4]") " x", "coreml_update_state(state = s, value = x)", 1,
     H("[1, 4]")},
    {"", "make_list(elem_shape = (" STR("n") ", int32(4)), init_length = int32(2))", 1,
     "list<tensor<fp32, [?, 4]>, ?>"},
    {"", "make_list(dtype = " STR("fp16") ", dynamic_length = bool(false), elem_shape = (int32(4), "
     "int32(2)), init_length = int32(2))", 1, "list<tensor<fp16, [4, 2]>, 2>"},
    {"list<" H("[4]") ", ?> l", "list_length(ls = l)", 1, I("[]")},
    {"list<" H("[4]") ", ?> l, int32 i", "list_read(index = i, ls = l)", 1, H("[4]")},
    {"list<" H("[4]") ", ?> l, " I("[3]") " i", "list_gather(indices = i, ls = l)", 1, H("[3, 4]")},
    {"list<" H("[4]") ", ?> l, int32 i, " H("[4]") " v", "list_write(index = i, ls = l, value = v)",
     1, "list<tensor<fp16, [4]>, ?>"},
    {"list<" H("[4]") ", ?> l, " I("[3]") " i, " H("[3, 4]") " v",
     "list_scatter(indices = i, ls = l, value = v)", 1, "list<tensor<fp16, [4]>, ?>"},
    {"bool p, " H("[2]") " a, " H("[3]") " b",
     "cond(pred = p) { block () { } -> (a); block () { } -> (b); }", 1, H("[?]")},
    {"bool p, " H("[2]") " a",
     "while_loop(loop_vars = (p, a)) { block (bool q, " H("[2]") " b) { } -> (q); block (bool r, "
     H("[2]") " c) { } -> (r, c); }", 2, B("[]") " " H("[2]")},
};

/* ---- what they refuse ---- */

static const rule_case bad[] = {
    {H("[2]") " x, " H("[3]") " y", "add(x = x, y = y)", 1, "shapes [2] and [3]"},
    {H("[2]") " x, " F("[2]") " y", "sub(x = x, y = y)", 1, "x is fp16 but y is fp32"},
    {I("[2]") " x, " I("[3]") " y", "equal(x = x, y = y)", 1, "do not broadcast"},
    {B("[2]") " x, " I("[2]") " y", "logical_or(x = x, y = y)", 1, "\"y\" does not accept"},
    {B("[2]") " c, " H("[3]") " a, fp16 b", "select(a = a, b = b, cond = c)", 1, "cond does not"},
    {H("[2]") " x", "cast(dtype = " STR("float") ", x = x)", 1, "cannot cast to \"float\""},
    {H("[2]") " x", "gelu(mode = " STR("FAST") ", x = x)", 1, "no mode \"FAST\""},
    {H("[1, 2, 3]") " x", "prelu(alpha = " HALFS(3, "1, 2, 3") ", x = x)", 1, "for 2 channels"},
    {H("[2]") " x", "leaky_relu(x = x)", 1, "\"alpha\" is missing"},
    {H("[2]") " x", "clip(alpha = fp16(0), beta = " HALFS(2, "1, 2") ", x = x)", 1, "be a scalar"},
    {H("[2]") " x", "softmax(axis = int32(1), x = x)", 1, "out of range for rank 1"},
    {H("[2]") " x, int32 a", "softmax(axis = a, x = x)", 1, "must be a constant"},
    {H("[2]") " x", "relu(x = x, y = x)", 1, "\"y\" is not one this op has"},
    {"", "const()", 1, "no \"val\""},

    {H("[4, 6]") " x", "reshape(shape = " INTS(2, "-1, -1") ", x = x)", 1, "more than one -1"},
    {H("[4, 6]") " x", "reshape(shape = " INTS(2, "-1, 7") ", x = x)", 1, "do not divide"},
    {H("[4, 6]") " x", "reshape(shape = " INTS(2, "4, 7") ", x = x)", 1, "24 elements cannot"},
    {H("[4, 6]") " x", "transpose(perm = " INTS(2, "0, -2") ", x = x)", 1, "dimension twice"},
    {H("[4, 6]") " x", "expand_dims(axes = " INTS(2, "0, -4") ", x = x)", 1, "repeat"},
    {H("[4, 6]") " x", "squeeze(axes = " INTS(1, "2") ", x = x)", 1, "out of range"},
    {I("[]") " x, " F("[]") " y", "concat(axis = int32(0), values = (x, y))", 1, "differ in"},
    {H("[2, 2]") " x, " H("[2, 3]") " y",
     "concat(axis = int32(1), interleave = bool(true), values = (x, y))", 1, "dimension 1"},
    {H("[2, 3]") " x, " H("[3, 3]") " y", "concat(axis = int32(1), values = (x, y))", 1,
     "dimension 0"},
    {H("[2, 3]") " x, " H("[2, 4]") " y", "stack(axis = int32(0), values = (x, y))", 1,
     "dimension 1"},
    {H("[2, 5]") " x", "split(axis = int32(1), num_splits = int32(2), x = x)", 2, "5 does not"},
    {H("[2, 5]") " x", "split(axis = int32(1), num_splits = int32(5), x = x)", 2,
     "2 outputs for 5 parts"},
    {H("[2, 5]") " x", "split(axis = int32(1), split_sizes = " INTS(2, "1, 5") ", x = x)", 2,
     "add up to 6 of 5"},
    {H("[2, 5]") " x", "split(axis = int32(1), x = x)", 2, "neither num_splits"},
    {H("[2, 3]") " x", "tile(reps = " INTS(2, "2, 0") ", x = x)", 1, "must be positive"},
    {"", "range_1d(end = int32(7), start = int32(0), step = int32(0))", 1, "step is 0"},
    {"", "range_1d(end = int32(7), start = fp16(0), step = int32(1))", 1, "differ in element"},
    {"", "fill(shape = " INTS(2, "2, -1") ")", 1, "shape holds -1"},
    {H("[2]") " x", "flatten2d(axis = int32(2), x = x)", 1, "out of range"},
    {I("[2]") " x", "one_hot(indices = x, off_value = int32(0), on_value = fp16(1), "
     "one_hot_vector_size = int32(3))", 1, "differ in element type"},
    {I("[2]") " x", "one_hot(axis = int32(2), indices = x, one_hot_vector_size = int32(3))", 1,
     "out of range"},
    {"", "random_uniform(shape = " INTS(1, "-3") ")", 1, "shape holds -3"},
    {H("[2, 9]") " x", "random_categorical(size = int32(-4), x = x)", 1, "size is negative"},
    {H("[2, 3]") " x, " H("[4, 2]") " r",
     "reshape_like(begins = (int32(0)), end_masks = (bool(false)), ends = (int32(2)), ref_tensors "
     "= (r), x = x)", 1, "6 elements cannot take a shape of 8"},
    {H("[2, 3]") " x", "reverse(axes = " INTS(1, "2") ", x = x)", 1, "out of range"},
    {H("[2, 3]") " x, " I("[4]") " l", "reverse_sequence(lengths = l, seq_axis = int32(1), x = x)",
     1, "4 lengths for a batch of 2"},
    {H("[2, 3]") " x", "sliding_windows(axis = int32(1), size = int32(4), x = x)", 1,
     "windows of 4 on an axis of 3"},

    {H("[4, 6]") " x", "slice_by_index(begin = " INTS(1, "1") ", end = " INTS(2, "4, 6")
     ", x = x)", 1, "begin has not one entry"},
    {H("[4]") " x", "slice_by_index(begin = " INTS(1, "1") ", end = " INTS(1, "4")
     ", stride = " INTS(1, "0") ", x = x)", 1, "stride is 0"},
    {H("[4]") " x", "slice_by_size(begin = " INTS(1, "1") ", size = " INTS(1, "4") ", x = x)", 1,
     "do not fit dimension 0"},
    {H("[4]") " x, " F("[1]") " u, " I("[1]") " b",
     "slice_update(begin = b, end = b, update = u, x = x)", 1, "x is fp16 but update is fp32"},
    {H("[4, 6]") " x, " H("[2, 5]") " u",
     "slice_update(begin = " INTS(2, "0, 0") ", end = " INTS(2, "2, 6") ", update = u, x = x)", 1,
     "update is [2, 5], the slice [2, 6]"},
    {H("[4, 6]") " x, " I("[2]") " i", "gather(axis = int32(2), indices = i, x = x)", 1,
     "out of range"},
    {H("[4, 6]") " x, " I("[3, 2]") " i", "gather_along_axis(axis = int32(1), indices = i, x = x)",
     1, "outside of the axis"},
    {H("[4, 6]") " x, " I("[5, 3]") " i", "gather_nd(indices = i, x = x)", 1, "do not fit rank 2"},
    {H("[4, 6]") " x, " I("[2]") " i, " H("[2, 6]") " u",
     "scatter(axis = int32(1), data = x, indices = i, updates = u)", 1,
     "updates are [2, 6] instead of [4, 2]"},
    {H("[4, 6]") " x, " I("[2]") " i, " H("[2, 6]") " u",
     "scatter(data = x, indices = i, mode = " STR("or") ", updates = u)", 1, "no mode \"or\""},
    {H("[4, 6]") " x, " I("[4, 2]") " i, " H("[4, 3]") " u",
     "scatter_along_axis(axis = int32(1), data = x, indices = i, updates = u)", 1, "[4, 3]"},
    {H("[4, 6]") " x, " I("[3, 1]") " i, " H("[3, 5]") " u",
     "scatter_nd(data = x, indices = i, updates = u)", 1, "instead of [3, 6]"},

    {H("[1, 4, 9]") " x, " H("[8, 3, 3]") " w", "conv(weight = w, x = x)", 1, "4 channels"},
    {H("[1, 4]") " x, " H("[8, 4]") " w", "conv(weight = w, x = x)", 1, "rank, 3 to 5"},
    {H("[1, 4, 2]") " x, " H("[8, 4, 3]") " w", "conv(weight = w, x = x)", 1,
     "a window of 3 does not fit 2"},
    {H("[1, 4, 2]") " x, " H("[8, 4, 0]") " w", "conv(weight = w, x = x)", 1, "is empty"},
    {H("[1, 4, 9]") " x, " H("[9, 2, 3]") " w", "conv(groups = int32(2), weight = w, x = x)", 1,
     "9 outputs do not divide"},
    {H("[1, 4, 9]") " x, " H("[8, 4, 3]") " w, " H("[4]") " b",
     "conv(bias = b, weight = w, x = x)", 1, "bias has shape [4] for 8 outputs"},
    {H("[1, 4, 9]") " x, " H("[8, 4, 3]") " w",
     "conv(pad_type = " STR("full") ", weight = w, x = x)", 1, "no pad_type \"full\""},
    {H("[1, 4, 9]") " x, " H("[8, 4, 3]") " w",
     "conv(pad = " INTS(2, "0, -1") ", pad_type = " STR("custom") ", weight = w, x = x)", 1,
     "pad holds -1"},
    {H("[1, 4, 9]") " x, " H("[8, 4, 3]") " w",
     "conv(dilations = " INTS(1, "0") ", weight = w, x = x)", 1, "dilations holds 0"},
    {H("[1, 4, 5]") " x, " H("[4, 3, 3]") " w",
     "conv_transpose(output_shape = " INTS(3, "1, 4, 6") ", weight = w, x = x)", 1,
     "begins with 1, 4 instead of 1, 3"},
    {H("[1, 4, 9]") " x", "max_pool(kernel_sizes = " INTS(1, "0") ", x = x)", 1,
     "kernel_sizes holds 0"},
    {H("[1, 4, 5]") " x, " H("[3, 4, 3]") " w", "conv_transpose(weight = w, x = x)", 1,
     "the weight takes 3"},
    {H("[1, 4, 5]") " x, " H("[4, 3, 3]") " w",
     "conv_transpose(output_shape = " INTS(3, "1, 3, -1") ", weight = w, x = x)", 1,
     "output_shape holds -1"},
    {H("[1, 4, 9]") " x", "avg_pool(kernel_sizes = " INTS(2, "2, 2") ", x = x)", 1,
     "kernel_sizes has not 1"},
    {H("[5, 4]") " x, " H("[3, 5]") " w", "linear(weight = w, x = x)", 1, "4 features"},
    {H("[5, 4]") " x, " H("[3, 4]") " w, " H("[4]") " b", "linear(bias = b, weight = w, x = x)", 1,
     "bias has shape [4] for 3 outputs"},
    {H("[3, 4]") " x, " H("[5, 6]") " y", "matmul(x = x, y = y)", 1, "are 4 and 5"},
    {H("[3, 4]") " x, " F("[4, 6]") " y", "matmul(x = x, y = y)", 1, "differ in element type"},
    {H("[2, 3]") " x, " H("[4, 5]") " y", "einsum(equation = " STR("ab,bc->ac")
     ", values = (x, y))", 1, "in dimension \"b\""},
    {H("[2, 3]") " x, " H("[3, 5]") " y", "einsum(equation = " STR("ab,bc->ad")
     ", values = (x, y))", 1, "\"d\" is in no value"},
    {H("[2, 3]") " x, " H("[3, 5]") " y", "einsum(equation = " STR("ab,bc") ", values = (x, y))",
     1, "is not understood"},
    {H("[8, 5, 16]") " q, " H("[8, 7, 16]") " k, " H("[8, 7, 4]") " v, " H("[5, 6]") " m",
     "scaled_dot_product_attention(attn_mask = m, key = k, query = q, value = v)", 1,
     "attn_mask does not broadcast"},
    {H("[8, 5, 16]") " q, " H("[8, 7, 8]") " k, " H("[8, 7, 4]") " v",
     "scaled_dot_product_attention(key = k, query = q, value = v)", 1, "do not fit each other"},
    {H("[1, 2, 3]") " x",
     "batch_norm(mean = " HALFS(3, "0, 0, 0") ", variance = " HALFS(2, "1, 1") ", x = x)", 1,
     "mean has 3 values for 2 channels"},
    {H("[2, 3]") " x", "instance_norm(x = x)", 1, "x has rank 2"},
    {H("[2, 3]") " x", "local_response_norm(size = int32(1), x = x)", 1, "below 3"},
    {H("[2, 3]") " x", "layer_norm(axes = " INTS(1, "-1") ", gamma = " HALFS(2, "1, 1")
     ", x = x)", 1, "gamma does not have"},
    {H("[2, 3]") " x", "reduce_sum(axes = " INTS(1, "2") ", x = x)", 1, "out of range"},
    {H("[2, 3]") " x", "reduce_argmin(output_dtype = " STR("fp16") ", x = x)", 1, "is \"fp16\""},
    {H("[2, 3]") " x", "argsort(axis = int32(3), x = x)", 1, "out of range"},
    {H("[2, 3]") " x", "topk(k = int32(4), x = x)", 2, "k is 4 on an axis of 3"},
    {H("[2, 3]") " x", "topk(x = x)", 1, "1 outputs instead of 2"},
    {LSTM, "lstm(initial_c = c, initial_h = h, " WEIGHTS(12, 3, 4) ", x = x)", 3,
     "dimension 0 of weight_hh is 12 instead of 16"},
    {LSTM, "lstm(direction = " STR("bidirectional") ", initial_c = c, initial_h = h, "
     WEIGHTS(8, 3, 2) ", x = x)", 3, "weights for the way back"},
    {LSTM, "gru(direction = " STR("bidirectional") ", initial_h = h, " WEIGHTS(12, 3, 4)
     ", x = x)", 2, "no direction"},
    {LSTM, "rnn(initial_h = h, " WEIGHTS(4, 2, 4) ", x = x)", 2, "dimension 1 of weight_ih"},

    {H("[1, 6, 2, 3]") " x", "depth_to_space(block_size = int32(2), x = x)", 1, "do not divide"},
    {H("[1, 2, 3, 4]") " x", "space_to_depth(block_size = int32(2), x = x)", 1, "do not divide"},
    {H("[8, 2, 3]") " x", "pixel_shuffle(upscale_factor = int32(2), x = x)", 1, "not 4"},
    {H("[1, 2, 4, 6]") " x", "pixel_unshuffle(downscale_factor = int32(0), x = x)", 1, "positive"},
    {H("[1, 2, 3, 6]") " x", "space_to_batch(block_shape = " INTS(2, "2, 3")
     ", paddings = tensor<int32, [2, 2]>([[0, 0], [0, 0]]), x = x)", 1, "do not fit block_shape"},
    {H("[6, 2, 2, 2]") " x", "batch_to_space(block_shape = " INTS(2, "2, 3")
     ", crops = tensor<int32, [1, 2]>([[1, 0]]), x = x)", 1, "of shape [2, 2]"},
    {H("[2, 3]") " x", "pad(pad = " INTS(3, "1, 1, 0") ", x = x)", 1, "3 entries for rank 2"},
    {H("[2, 3]") " x", "pad(pad = " INTS(2, "1, -1") ", x = x)", 1, "must not be negative"},
    {H("[2, 3]") " x", "pad(mode = " STR("wrap") ", pad = " INTS(2, "1, 1") ", x = x)", 1,
     "no mode \"wrap\""},
    {H("[1, 2, 8, 9]") " x", "crop(crop_height = " INTS(2, "4, 5") ", crop_width = "
     INTS(2, "0, 4") ", x = x)", 1, "crop_height cuts more than 8"},
    {H("[1, 2, 3]") " x", "upsample_bilinear(scale_factor_height = fp32(0), x = x)", 1,
     "scale_factor_height must be a positive"},
    {H("[3, 4]") " x", "resize_nearest_neighbor(target_size_height = int32(5), target_size_width "
     "= int32(6), x = x)", 1, "below 3"},
    {H("[3, 4]") " x", "resize(resized_dims = uint32(3), shape = " INTS(3, "9, 0, 8") ", x = x)",
     1, "resized_dims does not fit"},
    {H("[2, 3, 8, 8]") " x", "crop_resize(x = x)", 1, "either boxes or roi"},
    {H("[2, 3, 8, 8]") " x, " H("[2, 4, 5, 3]") " c", "resample(coordinates = c, " SAMPLING
     ", x = x)", 1, "[batch, H, W, 2]"},
    {H("[2, 3, 8, 8]") " x, " H("[2, 5]") " m", "affine(output_height = int32(4), output_width = "
     "int32(5), " SAMPLING ", transform_matrix = m, x = x)", 1, "[batch, 6]"},
    {H("[1, 9, 4]") " b, " H("[1, 8, 2]") " s",
     "non_maximum_suppression(boxes = b, iou_threshold = fp16(0.5), max_boxes = int32(3), scores = "
     "s)", 4, "do not fit each other"},

    {H("[2]") " x", "constexpr_affine_dequantize(axis = int32(0), quantized_data = x, scale = "
     "fp16(1), zero_point = int8(0))", 1, "\"quantized_data\" does not accept"},
    {"", "constexpr_blockwise_shift_scale(data = tensor<int8, [1, 4]>([[1, 2, 3, 4]]), scale = "
     "tensor<fp16, [1, 3]>([[1, 2, 3]]))", 1, "does not divide into blocks"},
    {"", "constexpr_affine_dequantize(axis = int32(1), quantized_data = tensor<int8, [2]>([1, 2]), "
     "scale = fp16(1), zero_point = int8(0))", 1, "out of range for rank 1"},
    {"", "constexpr_affine_dequantize(axis = int32(0), quantized_data = tensor<int8, [2]>([1, 2]), "
     "scale = " HALFS(3, "1, 1, 1") ", zero_point = int8(0))", 1, "scale has not one number"},
    {"", "constexpr_blockwise_shift_scale(data = tensor<int8, [4]>([1, 2, 3, 4]), offset = "
     "tensor<int8, [1]>([1]), scale = " HALFS(2, "1, 2") ")", 1, "scale and offset differ"},
    {"", "constexpr_blockwise_shift_scale(data = tensor<int8, [4]>([1, 2, 3, 4]), offset = "
     "tensor<uint8, [2]>([1, 2]), scale = " HALFS(2, "1, 2") ")", 1, "offset is uint8"},
    {"", "constexpr_lut_to_dense(indices = tensor<uint8, [1]>([0]), lut = " HALFS(3, "1, 2, 3")
     ", shape = tensor<uint32, [1]>([8]))", 1, "lut has 3 entries"},
    {"", "constexpr_lut_to_dense(indices = tensor<uint8, [2]>([0, 0]), lut = " HALFS(2, "1, 2")
     ", shape = tensor<uint32, [1]>([8]))", 1, "have not 1 bits for each"},
    {"", "constexpr_lut_to_sparse(indices_mask = tensor<uint1, [3]>([1, 0, 1]), "
     "indices_nonzero_data = tensor<uint1, [2]>([0, 1]), lut = tensor<fp16, [2, 2, 1]>([[[1], "
     "[2]], [[3], [4]]]))", 2, "does not divide into the lut's groups"},
    {"", "constexpr_cast(output_dtype = " STR("int8") ", source_val = " HALFS(2, "1, 2") ")", 1,
     "to fp32 only"},
    {"", "constexpr_lut_to_dense(indices = tensor<uint2, [2]>([0, 1]), lut = tensor<fp16, [1, 2, "
     "1]>([[[1], [2]]]))", 1, "2 entries for uint2 indices"},
    {"", "constexpr_lut_to_dense(indices = tensor<uint8, [1]>([0]), lut = " HALFS(2, "1, 2")
     ", shape = " INTS(1, "-1") ")", 1, "shape holds -1"},
    {"", "constexpr_lut_to_sparse(indices_mask = tensor<uint1, [3]>([1, 0, 1]), "
     "indices_nonzero_data = tensor<uint2, [2]>([0, 1]), lut = tensor<fp16, [1, 2, 1]>([[[1], "
     "[2]]]))", 2, "2 entries for uint2"},
    {"", "constexpr_sparse_blockwise_shift_scale(data_mask = tensor<uint1, [4]>([1, 0, 0, 1]), "
     "nonzero_data = tensor<int8, [2]>([1, 2]), scale = " HALFS(3, "1, 2, 3") ")", 2,
     "does not divide into blocks"},
    {"", "constexpr_sparse_to_dense(mask = tensor<uint8, [1]>([1]), nonzero_data = "
     HALFS(2, "1, 2") ", shape = tensor<uint32, [2]>([3, 3]))", 1, "one bit for each element"},
    {H("[2, 3]") " x", "quantize(axis = int32(0), input = x, output_dtype = " STR("uint8")
     ", scale = " HALFS(3, "1, 2, 3") ")", 1, "3 scales for an axis of 2"},
    {H("[2, 3]") " x", "quantize(input = x, output_dtype = " STR("int32") ", scale = fp16(1))", 1,
     "cannot quantize to \"int32\""},
    {U8("[2, 3]") " x", "dequantize(input = x, scale = " HALFS(3, "1, 2, 3") ")", 1,
     "need an axis"},

    {H("[1, 4]") " x", "read_state(input = x)", 1, "\"input\" does not accept"},

    {H("[1, 5, 4]") " x", "anm_linear(weight = " BLOB("[2, 3]") ", x = x)", 1, "is no matrix"},
    {H("[1, 5, 3]") " x", "anm_linear(bias = " HALFS(3, "1, 2, 3") ", weight = " BLOB("[2, 3]")
     ", x = x)", 1, "bias needs"},
    {H("[1, 5, 3]") " x, " H("[1, 5, 3]") " r", "anm_linear(residual = r, weight = "
     BLOB("[2, 3]") ", x = x)", 1, "residual needs"},
    {H("[1, 5, 3]") " x", "anm_linear_topk(k = int32(3), weight = " BLOB("[2, 3]") ", x = x)", 2,
     "k is not within"},
    {H("[4, 3]") " x", "anm_gated_linear(activation = " STR("silu") ", gate = " BLOB("[2, 3]")
     ", up = " BLOB("[4, 3]") ", x = x)", 1, "no equal matrices"},
    {H("[1, 6, 5, 8]") " x, " H("[1, 1, 5, 3]") " c, " H("[1, 1, 5, 8]") " s",
     "anm_rope(cos = c, sin = s, x = x)", 1, "cos does not fit"},
    {H("[1, 6, 5, 8]") " x, " H("[1, 1, 5, 4]") " c, " H("[1, 1, 4, 8]") " s",
     "anm_rope(cos = c, sin = s, x = x)", 1, "sin does not fit"},
    {"state<" H("[4, 2, 9, 8]") "> s, " H("[1, 2, 3, 8]") " u, " I("[1]") " p",
     "anm_cache_update(axis = int32(2), begin = " INTS(4, "4, 0, 0, 0")
     ", input = s, position = p, update = u)", 0, "does not fit in the state"},
    {"state<" H("[4, 2, 9, 8]") "> s, " H("[1, 2, 3, 8]") " u, " I("[1]") " p",
     "anm_cache_update(axis = int32(4), begin = " INTS(4, "0, 0, 0, 0")
     ", input = s, position = p, update = u)", 0, "axis is outside"},
    {H("[1, 6, 5, 8]") " q, " H("[1, 4, 9, 8]") " k, " H("[1, 4, 9, 4]") " v",
     "anm_attention(key = k, query = q, scale = fp32(0.5), value = v)", 1, "do not fit"},
    {H("[1, 6, 5, 8]") " q, " H("[1, 2, 9, 8]") " k, " H("[1, 2, 9, 4]") " v, " H("[9, 5]") " m",
     "anm_attention(key = k, mask = m, query = q, scale = fp32(0.5), value = v)", 1,
     "mask needs"},
    {"state<" H("[1, 4]") "> s, " H("[1, 5]") " x", "write_state(data = x, input = s)", 0,
     "does not have the type of the state"},
    {"state<" H("[1, 4]") "> s, " H("[1, 5]") " x", "coreml_update_state(state = s, value = x)", 1,
     "does not have the type of the state"},
    {"", "make_list(dtype = " STR("half") ", elem_shape = (int32(1), int32(4)))", 1,
     "no type \"half\""},
    {H("[4]") " l", "list_length(ls = l)", 1, "\"ls\" does not accept"},
    {"tuple<" H("[4]") "> l, int32 i", "list_read(index = i, ls = l)", 1, "is not a list"},
    {"tuple<" H("[4]") "> l, " I("[3]") " i", "list_gather(indices = i, ls = l)", 1, "not a list"},
    {"list<" H("[4]") ", ?> l, int32 i, " H("[5]") " v", "list_write(index = i, ls = l, value = v)",
     1, "value is tensor<fp16, [5]>, the list's elements are tensor<fp16, [4]>"},
    {"list<" H("[4]") ", ?> l, " I("[3]") " i, " H("[2, 4]") " v",
     "list_scatter(indices = i, ls = l, value = v)", 1, "3 indices for 2 values"},
    {"bool p, " H("[2]") " a, " F("[2]") " b",
     "cond(pred = p) { block () { } -> (a); block () { } -> (b); }", 1, "differs in type"},
    {"bool p, " H("[2]") " a", "cond(pred = p) { block () { } -> (a); }", 1, "1 blocks instead"},
    {"bool p, " H("[2]") " a", "cond(pred = p) { block () { } -> (a); block () { } -> (); }", 1,
     "block 1 gives 0 values"},
    {"bool p", "while_loop(loop_vars = p) { block (bool q) { } -> (q); block (bool r) { } -> (); }",
     1, "the body gives 0 values for 1"},
    {"int32 p",
     "while_loop(loop_vars = p) { block (int32 q) { } -> (q); block (int32 r) { } -> (r); }", 1,
     "does not give one bool"},
    {"bool p",
     "while_loop(loop_vars = p) { block (bool q) { } -> (q); block (int32 r) { } -> (r); }", 1,
     "the loop variable tensor<bool, []>"},
    {H("[2]") " p", "classify(classes = tensor<string, [2]>([\"a\", \"b\"]), probabilities = p)", 2,
     "must be a dictionary"},
};

/* ---- running a case ---- */

typedef struct answer {
    anm_mil_program *program;
    const anm_mil_op *op;
    bool accepted;
    anm_strbuf text; /* the types, or the message */
} answer;

static void parse_case(const rule_case *c, answer *a) {
    anm_error err;
    anm_strbuf text = {0};
    anm_strbuf_printf(&text, "program(1.3)\n{\n func main<ios18>(%s) {\n", c->inputs);
    for (int i = 0; i < c->outputs; i++)
        anm_strbuf_printf(&text, "%sint8 result_%d", i ? ", " : "", i);
    anm_strbuf_printf(&text, "%s%s;\n } -> ();\n}\n", c->outputs ? " = " : "", c->op);
    anm_status status =
        anm_mil_text_parse(anm_strbuf_cstr(&text), text.len, c->op, &a->program, &err);
    if (status != ANM_OK) fail_msg("%s: %s", anm_strbuf_cstr(&text), err.message);
    anm_strbuf_free(&text);
}

static answer ask(const rule_case *c) {
    answer a = {0};
    const anm_mil_type *types[8] = {NULL};
    char type[200];
    parse_case(c, &a);
    a.op = a.program->functions[0]->body->first;
    assert_non_null(a.op);
    if (!a.op->spec) fail_msg("%s is not in the op table", a.op->type);
    anm_mil_infer infer = {.arena = a.program->arena, .outputs = types,
                           .output_count = (size_t)c->outputs};
    a.accepted = anm_mil_infer_types(a.op, &infer);
    for (int i = 0; a.accepted && i < c->outputs; i++)
        anm_strbuf_printf(&a.text, "%s%s", i ? " " : "",
                          types[i] ? anm_mil_type_format(types[i], type, sizeof type) : "(any)");
    if (!a.accepted) anm_strbuf_puts(&a.text, infer.message);
    return a;
}

static void release(answer *a) {
    anm_strbuf_free(&a->text);
    anm_mil_program_destroy(a->program);
}

static void rules_give_types(void **state) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        answer a = ask(&good[i]);
        if (!a.accepted || strcmp(anm_strbuf_cstr(&a.text), good[i].want) != 0)
            fail_msg("%s with %s gives %s, not %s", good[i].op, good[i].inputs,
                     anm_strbuf_cstr(&a.text), good[i].want);
        release(&a);
    }
}

static void rules_refuse(void **state) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        answer a = ask(&bad[i]);
        if (a.accepted || !strstr(anm_strbuf_cstr(&a.text), bad[i].want))
            fail_msg("%s with %s gives %s, not a refusal with \"%s\"", bad[i].op, bad[i].inputs,
                     anm_strbuf_cstr(&a.text), bad[i].want);
        release(&a);
    }
}

static bool has_case(anm_mil_type_rule rule, const rule_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char name[64] = "";
        memcpy(name, cases[i].op, strcspn(cases[i].op, "("));
        const anm_mil_op_spec *spec = anm_mil_op_spec_find(name);
        if (spec && spec->rule == rule) return true;
    }
    return false;
}

/* These look at nothing that could be wrong, or only declared outputs can be. */
static const char *const never_refuse[] = {"fill_like", "identity", "non_zero", "shape"};

static void every_rule_has_cases(void **state) {
    const anm_mil_op_spec *spec;
    for (size_t i = 0; (spec = anm_mil_op_spec_at(i)); i++) {
        bool free_pass = false;
        for (size_t n = 0; n < sizeof never_refuse / sizeof never_refuse[0]; n++)
            free_pass |= anm_mil_op_spec_find(never_refuse[n])->rule == spec->rule;
        if (!has_case(spec->rule, good, sizeof good / sizeof good[0]) &&
            strcmp(spec->name, "classify") != 0)
            fail_msg("no case shows what the rule of %s gives", spec->name);
        if (!free_pass && !has_case(spec->rule, bad, sizeof bad / sizeof bad[0]))
            fail_msg("no case shows what the rule of %s refuses", spec->name);
    }
}

/* ---- the table itself ---- */

static void table_is_sorted_and_complete(void **state) {
    const anm_mil_op_spec *spec, *before = NULL;
    size_t count = 0;
    for (; (spec = anm_mil_op_spec_at(count)); count++) {
        if (before) assert_true(strcmp(before->name, spec->name) < 0);
        assert_ptr_equal(anm_mil_op_spec_find(spec->name), spec);
        assert_in_range(spec->opset, 15, 18);
        assert_non_null(spec->rule);
        assert_true(spec->doc && *spec->doc);
        for (size_t i = 0; i < spec->arg_count; i++) {
            assert_ptr_equal(anm_mil_op_spec_arg(spec, spec->args[i].name), &spec->args[i]);
            assert_true(spec->args[i].accepts & ANM_ARG_ANY);
            if (spec->args[i].default_kind != ANM_DEFAULT_NONE)
                assert_true(spec->args[i].accepts & ANM_ARG_OPTIONAL);
        }
        before = spec;
    }
    assert_true(count > 150 && count < 256); /* optable.c has room for 256 */
    assert_null(anm_mil_op_spec_find("no_such_op"));
    assert_null(anm_mil_op_spec_at(count));
}

/* Rows that no kernel runs, with the reason. */
static const struct {
    const char *op, *reason;
} without_kernel[] = {
    {"classify", "its outputs are not tensors"},
    {"const", "the plan takes constants from the program"},
};

static bool may_lack_kernel(const char *op) {
    for (size_t i = 0; i < sizeof without_kernel / sizeof without_kernel[0]; i++)
        if (strcmp(without_kernel[i].op, op) == 0) return true;
    return false;
}

static void rows_have_kernels(void **state) {
    const anm_mil_op_spec *spec;
    for (size_t i = 0; (spec = anm_mil_op_spec_at(i)); i++) {
        anm_mil_op op = {.type = spec->name, .spec = spec};
        bool runs = anm_kernel_find(spec->name) || anm_is_constexpr(&op);
        if (!runs && !may_lack_kernel(spec->name)) fail_msg("%s has no kernel", spec->name);
        if (anm_kernel_find(spec->name) && may_lack_kernel(spec->name))
            fail_msg("%s has a kernel now: take it off the list", spec->name);
    }
}

static void kernels_have_rows(void **state) {
    static const anm_kernel *const tables[] = {
        anm_kernels_unary,    anm_kernels_binary,    anm_kernels_activation, anm_kernels_reduce,
        anm_kernels_sort,     anm_kernels_matmul,    anm_kernels_attention,  anm_kernels_conv,
        anm_kernels_pool,     anm_kernels_norm,      anm_kernels_shape,      anm_kernels_join,
        anm_kernels_slice,    anm_kernels_pad,       anm_kernels_gather,     anm_kernels_scatter,
        anm_kernels_space,    anm_kernels_resize,    anm_kernels_sample,     anm_kernels_generate,
        anm_kernels_quantize, anm_kernels_recurrent, anm_kernels_state,      anm_kernels_list,
        anm_kernels_control,  anm_kernels_nms,
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const anm_kernel *k = tables[i]; k->op; k++)
            if (!anm_mil_op_spec_find(k->op)) fail_msg("%s has a kernel but no row", k->op);
}

/* What the interpreter reads through the table when a program leaves an argument out. */
static void defaults_are_coremltools(void **state) {
    static const struct {
        const char *op, *arg;
        double value;
    } numbers[] = {
        {"log", "epsilon", 1e-45},          {"rsqrt", "epsilon", 1e-12},
        {"inverse", "epsilon", 1e-4},       {"layer_norm", "epsilon", 1e-5},
        {"batch_norm", "epsilon", 1e-5},    {"instance_norm", "epsilon", 1e-5},
        {"l2_norm", "epsilon", 1e-6},       {"local_response_norm", "alpha", 1e-4},
        {"local_response_norm", "beta", 0.75}, {"local_response_norm", "k", 1},
        {"softmax", "axis", -1},            {"gather", "axis", 0},
        {"scatter", "axis", 0},             {"cumsum", "axis", 0},
        {"band_part", "lower", -1},         {"band_part", "upper", -1},
        {"one_hot", "axis", -1},            {"one_hot", "on_value", 1},
        {"topk", "k", 1},                   {"topk", "sort", 1},
        {"topk", "return_indices", 1},      {"topk", "ascending", 0},
        {"flatten2d", "axis", 1},           {"upsample_bilinear", "align_corners", 1},
        {"make_list", "init_length", 1},    {"make_list", "dynamic_length", 1},
        {"reduce_argmax", "axis", -1},      {"crop_resize", "spatial_scale", 1},
    };
    static const char *const strings[][3] = {
        {"conv", "pad_type", "valid"},       {"scatter", "mode", "add"},
        {"scatter_nd", "mode", "add"},       {"pad", "mode", "constant"},
        {"gelu", "mode", "EXACT"},           {"lstm", "recurrent_activation", "sigmoid"},
        {"lstm", "cell_activation", "tanh"}, {"gru", "activation", "tanh"},
        {"lstm", "direction", "forward"},    {"resize", "interpolation_mode", "LINEAR"},
        {"resize", "sampling_mode", "DEFAULT"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        anm_mil_op op = {.spec = anm_mil_op_spec_find(numbers[i].op)};
        double value = -99;
        assert_true(anm_mil_op_get_float(&op, numbers[i].arg, &value));
        assert_true(value == numbers[i].value);
    }
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        anm_mil_op op = {.spec = anm_mil_op_spec_find(strings[i][0])};
        const char *value = "";
        assert_true(anm_mil_op_get_string(&op, strings[i][1], &value));
        assert_string_equal(value, strings[i][2]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_give_types),
        cmocka_unit_test(rules_refuse),
        cmocka_unit_test(every_rule_has_cases),
        cmocka_unit_test(table_is_sorted_and_complete),
        cmocka_unit_test(rows_have_kernels),
        cmocka_unit_test(kernels_have_rows),
        cmocka_unit_test(defaults_are_coremltools),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
