/* SPDX-License-Identifier: MIT */
/* Which kernels products of many rows may take: by name, by the environment, by the matrix. */
#include "src/cpu/matmul.h"

#include <stdlib.h>
#include <string.h>

#include "src/cpu/kernels/gemm.h"
#include "tests/unit/testing.h"

static anm_matmul chosen(const char *name) {
    anm_error err;
    anm_matmul matmul;
    assert_ok(anm_matmul_choose(name, &matmul, &err), &err);
    return matmul;
}

static void test_names_choose(void **state) {
    assert_int_equal(chosen(NULL), ANM_MATMUL_AUTO);
    assert_int_equal(chosen(""), ANM_MATMUL_AUTO);
    assert_int_equal(chosen("auto"), ANM_MATMUL_AUTO);
    assert_int_equal(chosen("high"), ANM_MATMUL_HIGH);
    assert_int_equal(chosen("medium"), ANM_MATMUL_MEDIUM);
}

static void test_unknown_name_is_an_error(void **state) {
    anm_error err = {0};
    anm_matmul matmul;
    assert_int_equal(anm_matmul_choose("highest", &matmul, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "--matmul-precision");
    assert_non_null(strstr(err.message, "\"highest\" is none of auto, high and medium"));
}

static void test_environment_decides_for_auto(void **state) {
    anm_error err = {0};
    anm_matmul matmul;
    setenv("ANEMONE_MATMUL_PRECISION", "medium", 1);
    assert_int_equal(chosen(NULL), ANM_MATMUL_MEDIUM);
    assert_int_equal(chosen("auto"), ANM_MATMUL_MEDIUM);
    assert_int_equal(chosen("high"), ANM_MATMUL_HIGH);
    setenv("ANEMONE_MATMUL_PRECISION", "low", 1);
    assert_int_equal(anm_matmul_choose(NULL, &matmul, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "ANEMONE_MATMUL_PRECISION");
    unsetenv("ANEMONE_MATMUL_PRECISION");
}

static bool by_auto(anm_matrix_kind kind, int bits, int64_t columns, int64_t rows) {
    anm_matrix w = {.kind = kind, .rows = 8, .columns = columns, .bits = bits};
    assert_false(anm_matmul_int8(ANM_MATMUL_HIGH, &w, rows));
    assert_true(anm_matmul_int8(ANM_MATMUL_MEDIUM, &w, rows));
    return anm_matmul_int8(ANM_MATMUL_AUTO, &w, rows);
}

static void test_auto_takes_8_bits_for_coarse_tables(void **state) {
    assert_true(by_auto(ANM_MATRIX_LUT, 4, 512, 32));
    assert_true(by_auto(ANM_MATRIX_LUT, 6, 1024, 64));
    assert_false(by_auto(ANM_MATRIX_LUT, 8, 1024, 64));
    assert_false(by_auto(ANM_MATRIX_FP16, 16, 1024, 64));
    assert_false(by_auto(ANM_MATRIX_AFFINE, 4, 1024, 64));
    assert_false(by_auto(ANM_MATRIX_LUT, 4, 511, 64));
    assert_false(by_auto(ANM_MATRIX_LUT, 4, 1024, 31));
}

/* A kernel in 8 bits is found at its level if allowed, and only then. */
static void test_kernels_in_8_bits_must_be_allowed(void **state) {
    const anm_matrix w = {.kind = ANM_MATRIX_LUT, .rows = 8, .columns = 512, .bits = 4,
                          .group_rows = 8, .group_columns = 512};
    const anm_gemm_kernel *k;
    for (size_t i = 0; (k = anm_gemm_at(i)); i++) {
        bool int8 = strstr(k->name, "int8") != NULL;
        if (int8) assert_ptr_equal(anm_gemm_find(&w, k->isa, true), k);
        assert_null(strstr(anm_gemm_find(&w, k->isa, false)->name, "int8"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_choose),
        cmocka_unit_test(test_unknown_name_is_an_error),
        cmocka_unit_test(test_environment_decides_for_auto),
        cmocka_unit_test(test_auto_takes_8_bits_for_coarse_tables),
        cmocka_unit_test(test_kernels_in_8_bits_must_be_allowed),
    };
    return cmocka_run_group_tests_name("matmul", tests, NULL, NULL);
}
