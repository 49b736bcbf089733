/* SPDX-License-Identifier: MIT */
/* A weight's values as fp32 and fp16: element types, alignment, rows in pairs. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/base/dtype.h"
#include "src/hf/checkpoint.h"

enum { ROWS = 12, COLUMNS = 700, COUNT = ROWS * COLUMNS };

static unsigned char bytes[4 * COUNT + 1]; /* data begins at the second byte: unaligned */
static anm_tensor tensor = {"w", ANM_DTYPE_FP32, 2, {ROWS, COLUMNS}, bytes + 1, sizeof bytes - 1};
static anm_mapping mapping = {bytes, sizeof bytes, false};

/* Small whole numbers: exact in every type. */
static double value(size_t row, size_t column) {
    return 16 * (double)row + (double)(column % 16) - 60;
}

static anm_weight make(anm_dtype dtype) {
    unsigned char element[8];
    tensor.dtype = dtype;
    size_t width = (size_t)anm_dtype_bits(dtype) / 8;
    for (size_t i = 0; i < COUNT; i++) {
        anm_element_set(dtype, element, 0, value(i / COLUMNS, i % COLUMNS));
        memcpy(bytes + 1 + i * width, element, width);
    }
    return (anm_weight){.tensor = &tensor, .path = "test", .mapping = &mapping};
}

/* The file's row of each of the model's rows, for 3 heads of 4: halves (0, 1) and (2, 3). */
static const size_t paired[ROWS] = {0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11};

static void check(const anm_weight *w, size_t first, size_t count) {
    static float wide[COUNT];
    static uint16_t halves[COUNT];
    anm_weight_floats(w, first, count, wide);
    anm_weight_halves(w, first, count, halves);
    for (size_t i = 0; i < count; i++) {
        size_t row = (first + i) / COLUMNS, column = (first + i) % COLUMNS;
        double want = value(w->paired_heads ? paired[row] : row, column);
        assert_true(wide[i] == want);
        assert_true(anm_element_get(ANM_DTYPE_FP16, halves, (int64_t)i) == want);
    }
}

static void element_types(void **state) {
    static const anm_dtype types[] = {ANM_DTYPE_FP16, ANM_DTYPE_BF16, ANM_DTYPE_FP32};
    for (int i = 0; i < 3; i++) {
        anm_weight w = make(types[i]);
        assert_true(anm_weight_is_readable(&w));
        assert_string_equal(anm_weight_form(&w), anm_dtype_name(types[i]));
        for (int heads = 0; heads <= 3; heads += 3) {
            w.paired_heads = heads;
            check(&w, 0, COUNT);
            check(&w, 1, 1);
            check(&w, COLUMNS - 1, 2);
            check(&w, 3 * COLUMNS + 5, 5 * COLUMNS + 17);
            anm_weight_drop(&w, 5, COUNT - 5); /* not mapped: nothing happens */
        }
    }
}

static void other_types_are_not_readable(void **state) {
    anm_weight w = make(ANM_DTYPE_FP32);
    tensor.dtype = ANM_DTYPE_FP64;
    assert_false(anm_weight_is_readable(&w));
    tensor.dtype = ANM_DTYPE_FP8E4M3FN;
    assert_false(anm_weight_is_readable(&w));
}

/* fp16 elements go as they are, NaN included; fp32 is rounded once, to even. */
static void halves_are_exact(void **state) {
    static const uint16_t odd[3] = {0x7c01, 0xfe00, 0x0001};
    static const float wide[3] = {1.00048828125f, 65519.99f, 1e-9f};
    static const uint16_t rounded[3] = {0x3c00, 0x7bff, 0x0000};
    uint16_t out[3];
    anm_weight w = make(ANM_DTYPE_FP16);
    memcpy(bytes + 1, odd, sizeof odd);
    anm_weight_halves(&w, 0, 3, out);
    assert_memory_equal(out, odd, sizeof odd);
    tensor.dtype = ANM_DTYPE_FP32;
    memcpy(bytes + 1, wide, sizeof wide);
    anm_weight_halves(&w, 0, 3, out);
    assert_memory_equal(out, rounded, sizeof rounded);
}

/* (x + offset) * factor, over more values than one step, in the model's order. */
static void values_are_adjusted(void **state) {
    static float wide[COUNT];
    static uint16_t halves[COUNT];
    anm_weight w = make(ANM_DTYPE_BF16);
    w.paired_heads = 3;
    w.offset = 1;
    w.factor = 0.375;
    anm_weight_floats(&w, 0, COUNT, wide);
    anm_weight_halves(&w, 0, COUNT, halves);
    for (size_t i = 0; i < COUNT; i++) {
        double want = (value(paired[i / COLUMNS], i % COLUMNS) + 1) * 0.375;
        assert_true(wide[i] == want);
        assert_true(anm_element_get(ANM_DTYPE_FP16, halves, (int64_t)i) == want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(element_types),
        cmocka_unit_test(other_types_are_not_readable),
        cmocka_unit_test(halves_are_exact),
        cmocka_unit_test(values_are_adjusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
