/* SPDX-License-Identifier: MIT */
/* Steps on images and lines that go by places: batches of blocks, reversed sequences, sampling. */
#define CHECK_FAILURE_TOO check_engine_failure
#include "tests/unit/engine_cases.h"
#include "tests/unit/step_cases.h"

/* clang-format off: an op to a line */

#define SPACE(x, block, pads) "space_to_batch(x = " x ", block_shape = " I("2") "(" block "), paddings = " I("2, 2") "(" pads "))"
#define BATCH(x, block, crops) "batch_to_space(x = " x ", block_shape = " I("2") "(" block "), crops = " I("2, 2") "(" crops "))"

static void blocks_and_batches(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 5, 7") " x", F("12, 3, 3, 4") " y = " SPACE("x", "[2, 3]", "[[1, 0], [2, 3]]") ";\n" F("2, 3, 4, 8") " z = " BATCH("y", "[2, 3]", "[[1, 1], [0, 4]]") ";", "y, z"},
        {F("1, 2, 4, 4") " x", F("1, 2, 4, 4") " y = " SPACE("x", "[1, 1]", "[[0, 0], [0, 0]]") ";\n" F("4, 2, 2, 2") " z = " SPACE("y", "[2, 2]", "[[0, 0], [0, 0]]") ";", "y, z"},
        {F("3, 4, 2, 4") " x", F("4, 2, 4, 3") " t = transpose(x = x, perm = " I("4") "([1, 2, 3, 0]));\n" F("1, 2, 7, 4") " y = " BATCH("t", "[2, 2]", "[[1, 0], [0, 2]]") ";", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

/* Lengths are 0 to 4: none of them, and more than there are. */
static void sequences(void **state) {
    static const step_case cases[] = {
        {F("3, 3, 5") " x, " I("3") " n", F("3, 3, 5") " y = reverse_sequence(x = x, lengths = n, seq_axis = int32(1), batch_axis = int32(0));", "y"},
        {F("4, 6, 2") " x, " I("6") " n", F("4, 6, 2") " y = reverse_sequence(x = x, lengths = n, seq_axis = int32(0), batch_axis = int32(1));\n" F("4, 6, 2") " r = relu(x = y);", "y, r"},
        {I("2, 70, 9") " x, " I("9") " n", I("2, 70, 9") " y = reverse_sequence(x = x, lengths = n, seq_axis = int32(1), batch_axis = int32(-1));", "y"},
        {F("3, 1, 4") " x, " I("4") " n", F("3, 1, 4") " y = reverse_sequence(x = x, lengths = n, seq_axis = int32(1), batch_axis = int32(2));", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

static void responses(void **state) {
    static const step_case cases[] = {
        {F("2, 7, 3, 5") " x", F("2, 7, 3, 5") " y = local_response_norm(x = x, size = int32(3), alpha = fp32(0.5), beta = fp32(0.75), k = fp32(1.5));\n" F("2, 7, 3, 5") " z = local_response_norm(x = x, size = int32(4));", "y, z"},
        {F("1, 2, 9") " x", F("1, 2, 9") " y = local_response_norm(x = x, size = int32(9), alpha = fp32(2));", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

#define RESIZE(x, shape, n, grid) "resize(x = " x ", shape = " I(n) "(" shape "), resized_dims = uint32(" n "), interpolation_mode = string(\"LINEAR\"), sampling_mode = string(\"" grid "\"))"

static void volumes(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 4, 5") " x", F("2, 5, 7, 9") " y = " RESIZE("x", "[5, 7, 9]", "3", "UNALIGN_CORNERS") ";\n" F("1, 6, 2, 5") " z = " RESIZE("x", "[1, 6, 2, 0]", "4", "ALIGN_CORNERS") ";", "y, z"},
        {F("1, 2, 3, 1, 5") " x", F("1, 2, 2, 3, 11") " y = " RESIZE("x", "[2, 3, 11]", "3", "DEFAULT") ";", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

#define S(text) "string(\"" text "\")"
#define SAMPLED(mode, padding, coordinates, corners) "sampling_mode = " S(mode) ", padding_mode = " S(padding) ", padding_value = fp32(0.5), coordinates_mode = " S(coordinates) ", align_corners = bool(" corners "))"

static void resampled(void **state) {
    static const step_case cases[] = {
        {F("2, 3, 4, 5") " x, " F("2, 6, 7, 2") " c", F("2, 3, 6, 7") " y = resample(x = x, coordinates = c, " SAMPLED("bilinear", "constant", "unnormalized", "true") ";\n" F("2, 3, 6, 7") " z = resample(x = x, coordinates = c, " SAMPLED("nearest", "reflection", "normalized_minus_one_to_one", "false") ";", "y, z"},
        {F("1, 2, 3, 3") " x, " F("1, 9, 1, 2") " c", F("1, 2, 9, 1") " y = resample(x = x, coordinates = c, " SAMPLED("bilinear", "symmetric", "normalized_zero_to_one", "true") ";\n" F("1, 2, 9, 1") " z = resample(x = x, coordinates = c, " SAMPLED("bilinear", "border", "unnormalized", "false") ";", "y, z"},
        {F("2, 3, 4, 5") " x, " F("2, 6") " m", F("2, 3, 6, 5") " y = affine(x = x, transform_matrix = m, output_height = int32(6), output_width = int32(5), " SAMPLED("bilinear", "border", "normalized_minus_one_to_one", "true") ";", "y"},
        {F("2, 3, 4, 5") " x, " F("1, 6") " m", F("2, 3, 2, 9") " y = affine(x = x, transform_matrix = m, output_height = int32(2), output_width = int32(9), " SAMPLED("nearest", "constant", "normalized_minus_one_to_one", "false") ";", "y"},
    };
    CHECK(cases);
    MUTATE(cases);
}

#define CROP(size, grid, mode) "target_height = int32(3), target_width = int32(" size "), sampling_mode = " S(grid) ", box_coordinate_mode = " S(mode)

/* Image numbers are 0 to 3. */
static void cropped(void **state) {
    static const step_case cases[] = {
        {F("4, 2, 5, 6") " x, " F("7, 4") " b, " I("7") " i", F("7, 2, 3, 4") " y = crop_resize(x = x, boxes = b, box_indices = i, " CROP("4", "ALIGN_CORNERS", "CENTER_SIZE_WIDTH_FIRST") ", pad_value = fp32(2));\n" F("7, 2, 3, 5") " z = crop_resize(x = x, boxes = b, box_indices = i, " CROP("5", "UNALIGN_CORNERS", "CORNERS_HEIGHT_FIRST") ", normalized_coordinates = bool(true));", "y, z"},
        {F("4, 2, 5, 6") " x, " F("4, 4") " b", F("4, 2, 3, 2") " y = crop_resize(x = x, boxes = b, " CROP("2", "DEFAULT", "CORNERS_WIDTH_FIRST") ", spatial_scale = fp32(0.5));", "y"},
        {F("3, 2, 5, 6") " x, " F("2, 1, 4, 1, 1") " r", F("2, 3, 2, 3, 4") " y = crop_resize(x = x, roi = r, " CROP("4", "STRICT_ALIGN_CORNERS", "CENTER_SIZE_HEIGHT_FIRST") ");\n" F("1, 1, 2, 3, 2") " z = crop_resize(x = x, roi = " F("1, 1, 5, 1, 1") "([[[[[2]], [[0.5]], [[1]], [[3]], [[4]]]]]), " CROP("2", "OFFSET_CORNERS", "CORNERS_HEIGHT_FIRST") ");", "y, z"},
    };
    CHECK(cases);
    MUTATE(cases);
}

/* A box of an image that there is not: what the interpreter says of it. */
static void box_of_no_image(void **state) {
    static const op_failure cases[] = {
        {F("1, 1, 2, 2") " x, " F("2, 4") " b, " I("2") " i", F("2, 1, 3, 1") " y = crop_resize(x = x, boxes = b, box_indices = i, " CROP("1", "DEFAULT", "CORNERS_WIDTH_FIRST") ");", "y", {{1, 2, 3, 4}, {0, 0, 1, 1, 0, 0, 1, 1}, {0, 1}}, ANM_ERROR_MISMATCH, "box 1"},
    };
    CHECK_FAILURES(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_and_batches), cmocka_unit_test(sequences),
        cmocka_unit_test(responses),          cmocka_unit_test(volumes),
        cmocka_unit_test(resampled),          cmocka_unit_test(cropped),
        cmocka_unit_test(box_of_no_image),
    };
    return cmocka_run_group_tests_name("native_images", tests, NULL, NULL);
}
