/* SPDX-License-Identifier: MIT */
/* Steps on images and lines that go by places: batches of blocks, reversed sequences, sampling. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_and_batches), cmocka_unit_test(sequences),
        cmocka_unit_test(responses),          cmocka_unit_test(volumes),
    };
    return cmocka_run_group_tests_name("native_images", tests, NULL, NULL);
}
