/* SPDX-License-Identifier: MIT */
/* Instruction set levels: the ladder, and how a level is chosen. */
#include "tests/unit/testing.h"

#include <string.h>

#include "src/cpu/isa.h"

static void test_ladder_ends_at_c(void **state) {
    assert_true(anm_isa_available(ANM_ISA_C));
    assert_true(anm_isa_available(anm_isa_best()));
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        int steps = 0;
        for (anm_isa at = (anm_isa)isa; at != ANM_ISA_C; at = anm_isa_below(at)) {
            assert_true(anm_isa_available(at) || !anm_isa_available((anm_isa)isa));
            assert_true(++steps < ANM_ISA_COUNT);
        }
    }
}

/* Processors have either AVX-512 or VNNI of 256 bits without the other, or both. */
static void test_vnni_stands_beside_avx512(void **state) {
    assert_int_equal(anm_isa_below(ANM_ISA_AVXVNNI), ANM_ISA_AVX2);
    assert_int_equal(anm_isa_below(ANM_ISA_AVX512), ANM_ISA_AVX2);
    if (anm_isa_available(ANM_ISA_AVX512))
        assert_int_not_equal(anm_isa_best(), ANM_ISA_AVXVNNI);
    else if (anm_isa_available(ANM_ISA_AVXVNNI))
        assert_int_equal(anm_isa_best(), ANM_ISA_AVXVNNI);
}

static void test_names_choose(void **state) {
    anm_error err = {0};
    anm_isa isa;
    for (int i = 0; i < ANM_ISA_COUNT; i++) {
        anm_status status = anm_isa_choose(anm_isa_name((anm_isa)i), &isa, &err);
        if (anm_isa_available((anm_isa)i)) {
            assert_ok(status, &err);
            assert_int_equal(isa, i);
        } else {
            assert_int_equal(status, ANM_ERROR_UNSUPPORTED);
        }
    }
}

static void test_unknown_name_lists_those_there_are(void **state) {
    anm_error err = {0};
    anm_isa isa;
    assert_int_equal(anm_isa_choose("sse9", &isa, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "--cpu");
    assert_non_null(strstr(err.message, "sse9"));
    assert_non_null(strstr(
        err.message, "c, avx2, avxvnni, avx512, avx512vnni, amx, neon, neondot, neoni8mm"));
}

static void test_environment_counts_without_a_name(void **state) {
    anm_error err = {0};
    anm_isa isa;
    setenv("ANEMONE_CPU", "c", 1);
    assert_ok(anm_isa_choose(NULL, &isa, &err), &err);
    assert_int_equal(isa, ANM_ISA_C);
    assert_ok(anm_isa_choose(anm_isa_name(anm_isa_best()), &isa, &err), &err);
    assert_int_equal(isa, anm_isa_best());
    setenv("ANEMONE_CPU", "z80", 1);
    assert_int_equal(anm_isa_choose("", &isa, &err), ANM_ERROR_ARGUMENT);
    assert_string_equal(err.where, "ANEMONE_CPU");
    unsetenv("ANEMONE_CPU");
    assert_ok(anm_isa_choose(NULL, &isa, &err), &err);
    assert_int_equal(isa, anm_isa_best());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder_ends_at_c),
        cmocka_unit_test(test_vnni_stands_beside_avx512),
        cmocka_unit_test(test_names_choose),
        cmocka_unit_test(test_unknown_name_lists_those_there_are),
        cmocka_unit_test(test_environment_counts_without_a_name),
    };
    return cmocka_run_group_tests_name("isa", tests, NULL, NULL);
}
